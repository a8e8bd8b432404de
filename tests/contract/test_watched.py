"""The contract of optimizers that are watched, inside of what stands around them and around it.

`rmsprop.telemetry.watch` changes no number of what it watches: the rules are those of the entries
of the table themselves.
"""

import functools
import pickle
from dataclasses import dataclass

import jax
import numpy as np
import optax
import pytest
import test_compilation
import test_dtypes
import test_states
import test_trees
import test_wrappers
from runs import STEPS, at, problem, reference, steps
from table import OPTIMIZERS, RESCALINGS, Entry, annealed, rising

from rmsprop import telemetry


@dataclass(frozen=True, eq=False)
class Watched(Entry):
    """An entry of the table with a watch around it."""

    @functools.cached_property
    def function(self):
        unwatched = super().function

        def make(**arguments):
            return telemetry.watch(unwatched(**arguments), every=2)

        return make


PLAIN = [entry for entry in RESCALINGS + OPTIMIZERS if entry.plain]
WATCHED = {entry: Watched(entry.path, entry.arguments, entry.static) for entry in PLAIN}
FIRST = WATCHED[next(entry for entry in PLAIN if entry.path == "rmsprop.rmsprop")]

# Those that compile a program and take an entry alone; each stands for its own wrapper or loop.
RULES = [
    test_wrappers.test_chain,
    test_wrappers.test_multi_steps,
    test_wrappers.test_partition,
    test_wrappers.test_apply_if_finite,
    test_wrappers.test_lookahead,
    test_wrappers.test_schedule_free,
    test_wrappers.test_sam,
    test_compilation.test_it_is_traced_once,
    test_compilation.test_structure_shapes_and_dtypes_of_the_state_are_fixed_from_init_on,
    test_compilation.test_buffers_may_be_donated,
    test_compilation.test_eval_shape_of_init_is_what_init_gives,
    test_compilation.test_the_same_run_gives_the_same_bits,
    test_compilation.test_mapped_over_parameters,
    test_states.test_a_state_is_pickled_and_goes_on,
    test_states.test_an_optimizer_is_sent_to_another_process,
    test_states.test_a_state_converted_to_the_same_optimizer_is_the_same,
    test_trees.test_named_tuples_dataclasses_lists_and_tuples_are_trees,
    test_trees.test_a_single_array_is_a_tree,
    test_trees.test_none_empty_and_scalar_leaves_pass_through,
    test_trees.test_masked_leaves_are_left_alone,
    test_trees.test_where_no_parameter_is_trained_nothing_happens,
]
every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
LOOPS = [test_compilation._scan, test_compilation._while, test_compilation._cond]


@pytest.mark.standard_promotion("Optax multiplies by counts and booleans here")
@every_rule
def test_a_watch_inside_keeps_the_rules(rule):
    rule(FIRST)


@pytest.mark.slow
@pytest.mark.standard_promotion("Optax multiplies by counts and booleans here")
@every_rule
@pytest.mark.parametrize(
    "entry", [e for e in WATCHED.values() if e is not FIRST], ids=lambda e: e.name
)
def test_a_watch_inside_keeps_the_rules_of_every_kind(entry, rule):
    rule(entry)


@pytest.mark.parametrize("loop", LOOPS)
def test_loops_and_conditionals_change_no_number(loop):
    test_compilation.test_loops_and_conditionals_change_no_number(FIRST, loop)


@pytest.mark.parametrize("no_gradient", ["None", "float0"])
def test_integers_bools_and_keys_are_left_alone(no_gradient):
    rule = test_trees.test_integers_bools_and_keys_have_no_state_and_are_left_alone
    rule(FIRST, no_gradient)


def test_any_mix_of_dtypes(x64):
    entry = WATCHED[PLAIN[0]]
    test_dtypes.test_every_pair_of_real_dtypes(entry)
    test_dtypes.test_every_pair_of_real_dtypes_in_double_precision_mode(entry, x64)
    test_dtypes.test_complex_parameters_keep_a_real_second_moment(entry, x64)


@pytest.mark.parametrize("entry", PLAIN, ids=lambda entry: entry.name)
def test_no_number_of_the_optimizer_changes(entry):
    """Not one bit of parameters and state."""
    watched = steps(WATCHED[entry].make(), *problem())
    plain = reference(entry)
    pairs = (watched.params, watched.state.inner_state), (plain.params, plain.state)
    jax.tree.map(np.testing.assert_array_equal, *pairs)


LABELS = {"w": "one", "b": "one", "s": "two"}
WRAPPERS = {
    "chain": lambda own: optax.chain(optax.clip_by_global_norm(1.0), own, optax.scale(1.0)),
    "inject_hyperparams": lambda own: optax.chain(
        own, optax.inject_hyperparams(optax.scale)(step_size=1.0)
    ),
    "multi_steps": lambda own: optax.MultiSteps(own, 2).gradient_transformation(),
    "partition": lambda own: optax.partition({"one": own, "two": optax.set_to_zero()}, LABELS),
    "masked": lambda own: optax.masked(own, {"w": True, "b": True, "s": False}),
    "apply_if_finite": lambda own: optax.apply_if_finite(own, 3),
    "schedule_free": lambda own: optax.contrib.schedule_free(own, learning_rate=0.1, b1=0.9),
    "sam": lambda own: optax.contrib.sam(
        own, optax.chain(optax.contrib.normalize(), optax.sgd(0.1))
    ),
    "lookahead": lambda own: optax.lookahead(own, 2, 0.5),
}


@pytest.mark.slow
@pytest.mark.standard_promotion("Optax multiplies by counts and booleans here")
@pytest.mark.parametrize("name", WRAPPERS)
def test_a_watch_around_a_wrapper_and_inside_of_it(name):
    """The same parameters as without it, and the numbers of every leaf."""
    entry = PLAIN[0] if name == "inject_hyperparams" else next(iter(WATCHED))
    params, gradients = problem()
    if name == "lookahead":
        params = optax.LookaheadParams.init_synced(params)
    plain = steps(WRAPPERS[name](entry.make()), params, gradients)
    around = steps(telemetry.watch(WRAPPERS[name](entry.make())), params, gradients)
    inside = steps(WRAPPERS[name](telemetry.watch(entry.make())), params, gradients)
    for run in (around, inside):
        jax.tree.map(np.testing.assert_array_equal, run.params, plain.params)
        assert run.traces == 1
        seen = telemetry.read(run.state)
        assert {"['w']/gradient_norm", "['b']/gradient_norm", "all/update_to_weight"} <= {*seen}
        assert np.isfinite([*seen.values()]).all()
        assert seen == telemetry.read(pickle.loads(pickle.dumps(run.state)))
    assert telemetry.read(around.state)["step"] == STEPS - 2


def test_another_tree_and_other_shapes_are_refused_by_their_paths():
    params, gradients = problem()
    optimizer = FIRST.make()
    state = optimizer.init(params)
    gradient = at(gradients, 0)
    with pytest.raises(ValueError, match=r"gradient\['b'\] has shape \(5,\), and its parameter"):
        optimizer.update(gradient | {"b": np.ones(5, np.float32)}, state, params)
    with pytest.raises(ValueError, match=r"in the parameters alone is \['b'\]"):
        optimizer.update({"w": params["w"], "s": params["s"]}, state, params)
    larger = {"w": np.ones((3, 3), np.float32)}
    with pytest.raises(ValueError, match=r"record of parameter\['w'\] has shape \(6, 6\)"):
        optimizer.update(gradient | larger, state, params | larger)


def test_both_stand_for_all_of_the_table():
    assert {entry.path for entry in PLAIN} == {entry.path for entry in RESCALINGS + OPTIMIZERS}
    assert annealed in FIRST.arguments.values()
    assert rising in FIRST.arguments.values()
