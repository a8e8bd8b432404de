"""One program: traced once, the same in any control flow, mapped, donated, repeated."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from runs import (
    STEPS,
    apply,
    assert_same,
    at,
    expected,
    problem,
    reference,
    steps,
    types,
)
from table import TABLE, every_entry, every_entry_compiled, over


@every_entry_compiled
def test_it_is_traced_once(entry):
    """A state that changed in structure or dtype would be traced again at the second step.

    That it does not change is tested below, for every entry in the plain run too.
    """
    assert reference(entry).traces == 1
    assert types(reference(entry).state) == types(entry.make().init(problem()[0]))


@every_entry
def test_structure_shapes_and_dtypes_of_the_state_are_fixed_from_init_on(entry):
    """Weak types too; traced and not."""
    optimizer = entry.make()
    params, gradients = problem()
    state = optimizer.init(params)
    before = types(state)
    step = at(gradients, 0), state, params
    assert types(optimizer.update(*step)[1]) == before
    assert types(jax.eval_shape(optimizer.update, *step)[1]) == before


def _scan(optimizer, params, gradients):
    def step(carry, gradient):
        params, state = carry
        updates, state = optimizer.update(gradient, state, params)
        return (apply(params, updates), state), None

    return jax.lax.scan(step, (params, optimizer.init(params)), gradients)[0][0]


def _while(optimizer, params, gradients):
    def step(carry):
        k, params, state = carry
        updates, state = optimizer.update(at(gradients, k), state, params)
        return k + 1, apply(params, updates), state

    carry = (0, params, optimizer.init(params))
    return jax.lax.while_loop(lambda carry: carry[0] < STEPS, step, carry)[1]


def _cond(optimizer, params, gradients):
    """Every second call skips the step; both branches have to return the same types."""

    def step(carry, k):
        def go():
            params, state = carry
            updates, state = optimizer.update(at(gradients, k // 2), state, params)
            return apply(params, updates), state

        return jax.lax.cond(k % 2 == 0, go, lambda: carry), None

    carry = (params, optimizer.init(params))
    return jax.lax.scan(step, carry, jnp.arange(2 * STEPS))[0][0]


every_loop = pytest.mark.parametrize("loop", [_scan, _while, _cond])


@every_entry_compiled
@every_loop
def test_loops_and_conditionals_accept_the_state(entry, loop):
    """They refuse, when they are traced, what a step does not return as it was given.

    That a step returns just that is tested above, for every entry in the plain run too.
    """
    params, gradients = problem()
    after = jax.eval_shape(lambda p, g: loop(entry.make(), p, g), params, gradients)
    assert jax.tree.map(lambda x: (x.shape, x.dtype), after) == jax.tree.map(
        lambda x: (x.shape, x.dtype), params
    )


@every_entry_compiled
@every_loop
def test_loops_and_conditionals_change_no_number(entry, loop):
    found = jax.jit(lambda p, g: loop(entry.make(), p, g))(*problem())
    assert_same(found, expected(entry))


@every_entry_compiled
def test_buffers_may_be_donated(entry):
    """All of them are used: one that is not is a warning, and a warning is an error here."""
    optimizer = entry.make()
    params, gradients = problem()

    def step(params, state, gradient):
        updates, state = optimizer.update(gradient, state, params)
        return apply(params, updates), state

    step = jax.jit(step, donate_argnums=(0, 1))
    state = optimizer.init(params)
    for k in range(STEPS):
        given = jax.tree.leaves((params, state))
        params, state = step(params, state, at(gradients, k))
        assert all(leaf.is_deleted() for leaf in given)
    assert_same(params, expected(entry))


@every_entry
def test_eval_shape_of_init_is_what_init_gives(entry):
    optimizer = entry.make()
    params, _ = problem()
    abstract = jax.eval_shape(optimizer.init, params)
    concrete = optimizer.init(params)
    assert jax.tree.structure(abstract) == jax.tree.structure(concrete)
    for shape, leaf in zip(jax.tree.leaves(abstract), jax.tree.leaves(concrete), strict=True):
        assert (shape.shape, shape.dtype) == (leaf.shape, leaf.dtype)


@every_entry_compiled
def test_the_same_run_gives_the_same_bits(entry):
    """Built, traced and compiled anew."""
    again, first = steps(entry.make(), *problem()), reference(entry)
    for ours, theirs in zip(jax.tree.leaves(again), jax.tree.leaves(first), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@every_entry_compiled
def test_mapped_over_parameters(entry):
    """A batch of models, each with its own state: every one is the run alone."""
    optimizer = entry.make()
    params, gradients = problem()
    scales = jnp.asarray([1.0, 0.25, 2.0])
    batch = jax.tree.map(lambda p: jax.vmap(lambda s: s * p)(scales), (params, gradients))
    found = jax.jit(jax.vmap(lambda p, g: _scan(optimizer, p, g)))(*batch)
    alone = jax.jit(lambda p, g: _scan(optimizer, p, g))
    for row in range(len(scales)):
        assert_same(at(found, row), alone(*jax.tree.map(lambda x, row=row: x[row], batch)))


@over([entry for entry in TABLE if entry.numbers], compiled=True)
def test_mapped_over_hyperparameters(entry):
    """A sweep is one program: all numbers of a setting traced at once, one row for each value."""
    params, gradients = problem()
    rows = [1.0, 0.5]
    values = {name: [value * row for row in rows] for name, value in entry.numbers.items()}

    def train(**numbers):
        return _scan(entry.make(**numbers), params, gradients)

    swept = {name: jnp.asarray(column) for name, column in values.items()}
    found = jax.jit(jax.vmap(lambda numbers: train(**numbers)))(swept)
    for row in range(len(rows)):
        numbers = {name: column[row] for name, column in values.items()}
        alone = jax.jit(lambda numbers=numbers: train(**numbers))()
        # A traced decay is a float32, and so is 1 - decay: off by 2^-24 / (1 - decay), for a
        # decay of at most 0.99, at every step.
        assert_same(at(found, row), alone, 2**-24 * STEPS / (1 - 0.99))
