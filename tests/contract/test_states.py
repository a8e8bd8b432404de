"""States and optimizers as values: saved, copied, sent to another process, taken up again."""

import copy
import pickle

import cloudpickle
import jax
import layouts
import numpy as np
import pytest
from runs import STEPS, assert_same, expected, problem, reference, steps, types
from table import TABLE, every_entry, every_entry_compiled, every_state_compiled

import rmsprop


@every_state_compiled
def test_a_state_is_pickled_and_goes_on(entry):
    """Half of a run, a saved state, the other half: the bits of the run in one piece."""
    params, gradients = problem()
    optimizer = entry.make()
    half = steps(optimizer, params, gradients, last=STEPS // 2)
    saved = pickle.loads(pickle.dumps((half.params[-1], half.state)))
    assert jax.tree.structure(saved[1]) == jax.tree.structure(half.state)
    rest = steps(optimizer, saved[0], gradients, saved[1], first=STEPS // 2)
    for ours, theirs in zip(
        jax.tree.leaves((rest.params[-1], rest.state)),
        jax.tree.leaves((reference(entry).params[-1], reference(entry).state)),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)


@every_entry
def test_an_optimizer_is_copied(entry):
    """With its convention, which a named tuple's own copy would lose."""
    optimizer = entry.function(**entry.arguments)
    for copied in (copy.copy(optimizer), copy.deepcopy(optimizer)):
        assert type(copied) is type(optimizer)
        assert getattr(copied, "convention", 0) == getattr(optimizer, "convention", 0)


@every_entry_compiled
def test_an_optimizer_is_sent_to_another_process(entry):
    """Functions made of functions are what cloudpickle is for: Ray, Dask and others use it."""
    sent = pickle.loads(cloudpickle.dumps(entry.function(**entry.arguments)))
    assert_same(steps(sent, *problem()).params[-1], expected(entry))


@every_state_compiled
def test_a_state_converted_to_the_same_optimizer_is_the_same(entry):
    """Whatever it consists of: two optimizers of the same options have the same state."""
    state, (params, _) = reference(entry).state, problem()
    converted = rmsprop.convert_state(state, params, entry.make(), entry.make())
    assert types(converted) == types(state)
    jax.tree.map(np.testing.assert_array_equal, converted, state)


@every_entry_compiled
def test_the_state_of_another_layout_is_refused(entry):
    """In a sentence that names the function which converts it: nothing trains on it in silence."""
    optimizer, params = entry.make(), layouts.PARAMS
    states = {repr(_content(layouts.layout(s))): s for s in (x.make().init(params) for x in TABLE)}
    del states[repr(_content(layouts.layout(optimizer.init(params))))]
    assert len(states) > 20
    for state in states.values():
        with pytest.raises((ValueError, TypeError), match=r"rmsprop\.convert_state\(state, params"):
            jax.eval_shape(optimizer.update, params, state, params)


def _content(layout):
    """The links of a chain that hold something: how the empty ones are nested means nothing."""
    links = layout if isinstance(layout, list) else [layout]
    parts = [_content(link) if isinstance(link, list) else [link] for link in links]
    return [link for part in parts for link in part if link != {"EmptyState": {}}]
