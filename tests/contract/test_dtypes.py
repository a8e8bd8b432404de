"""Any mix of dtypes: updates in the gradient's, state in at least float32, for ever."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from runs import STEPS, apply, at, types
from table import PORTS, TABLE, every_entry, every_entry_compiled, over

REAL = (jnp.bfloat16, jnp.float16, jnp.float32, jnp.float64)
COMPLEX = (jnp.complex64, jnp.complex128)


def _pairs(parameters, gradients):
    """A leaf of every dtype of parameter and every dtype of gradient, in one tree."""
    pairs = list(itertools.product(parameters, gradients))
    params = {f"{p.__name__} {g.__name__}": jnp.asarray([1.0, -2.0], p) for p, g in pairs}
    stream = {
        f"{p.__name__} {g.__name__}": jnp.asarray([[0.5, -0.25], [1, 0], [2, 3], [-1, 4]], g)
        for p, g in pairs
    }
    return params, stream


def _check(entry, params, gradients):
    """Abstractly, and so for all pairs at little cost: dtypes of updates and state."""
    optimizer = entry.make()

    def step(params, state):
        updates, state = optimizer.update(at(gradients, 0), state, params)
        return updates, apply(params, updates), state

    state = jax.eval_shape(optimizer.init, params)
    for leaf in jax.tree.leaves(state):
        if jnp.issubdtype(leaf.dtype, jnp.inexact):
            assert jnp.finfo(leaf.dtype).bits >= (16 if entry.is_narrow else 32), leaf
    updates, after, following = jax.eval_shape(step, params, state)
    for name, update in updates.items():
        assert update.dtype == gradients[name].dtype, name
        assert after[name].dtype == params[name].dtype, name
    assert jax.tree.map(lambda x: (x.shape, x.dtype), following) == jax.tree.map(
        lambda x: (x.shape, x.dtype), state
    )
    return state


@every_entry
def test_every_pair_of_real_dtypes(entry):
    """float64 and its neighbours need x64, which the next test switches on."""
    _check(entry, *_pairs(REAL[:3], REAL[:3]))


@every_entry
def test_every_pair_of_real_dtypes_in_double_precision_mode(entry, x64):
    state = _check(entry, *_pairs(REAL, REAL))
    # An accumulator is as wide as its parameter and at least float32, or as it is asked for.
    kept = {leaf.dtype for leaf in jax.tree.leaves(state) if leaf.shape == (2,)}
    asked = entry.arguments.get("accumulator_dtype")
    wide = {np.dtype(np.float32), np.dtype(np.float64)}
    assert kept == (wide if asked is None else {jnp.dtype(asked)})


@pytest.mark.standard_promotion("Optax, for torch's, joins real and imaginary parts as x + 1j * y")
@over([entry for entry in TABLE if entry.has_complex])
def test_complex_parameters_keep_a_real_second_moment(entry, x64):
    """Where the parameter is complex the gradient may be real; the reverse makes no sense."""
    params, gradients = _pairs(COMPLEX, (*REAL, *COMPLEX))
    if entry.path == "rmsprop.frameworks.torch.rmsprop" or "torch.adagrad" in entry.path:
        params, gradients = _pairs(COMPLEX, COMPLEX)  # split into parts, which both have to have
    state = _check(entry, params, gradients)
    squares = [leaf for leaf in jax.tree.leaves(_second_moments(state)) if leaf.shape == (2,)]
    assert squares
    assert not any(jnp.issubdtype(leaf.dtype, jnp.complexfloating) for leaf in squares)


def _second_moments(state):
    """What is kept under the names of second moments, anywhere in a state."""
    fields = getattr(state, "_asdict", dict)()
    found = [fields[name] for name in ("nu", "var", "sum_of_squares") if name in fields]
    if isinstance(state, tuple):
        found += [_second_moments(part) for part in state]
    return found


@pytest.mark.standard_promotion("Optax, for torch's, joins real and imaginary parts as x + 1j * y")
@over([entry for entry in TABLE if entry.has_complex], compiled=True)
def test_complex_parameters_train_without_double_precision(entry):
    """complex64 in one compiled loop: types stay as they are, and numbers are finite."""
    params, gradients = _pairs(COMPLEX[:1], COMPLEX[:1])
    optimizer = entry.make()

    def step(carry, gradient):
        params, state = carry
        turned = jax.tree.map(lambda g: (1 + 1j) * g, gradient)
        updates, state = optimizer.update(turned, state, params)
        return (apply(params, updates), state), updates

    first = (params, optimizer.init(params))
    (after, state), updates = jax.jit(lambda: jax.lax.scan(step, first, gradients))()
    assert types(state) == types(first[1])
    for leaf in jax.tree.leaves((after, state, updates)):
        assert np.isfinite(np.asarray(leaf, np.complex128)).all()
    (name,) = updates
    assert updates[name].dtype == after[name].dtype == jnp.complex64


@over([entry for entry in PORTS if not entry.has_complex])
def test_a_framework_without_complex_parameters_refuses_them(entry):
    with pytest.raises(TypeError, match="has been given complex parameters"):
        entry.make().init({"z": jnp.ones(2, jnp.complex64)})


@every_entry_compiled
def test_half_precision_trains(entry):
    """Values too: the pairs that break others, for some steps in one compiled loop."""
    params, gradients = _pairs((jnp.bfloat16, jnp.float16), REAL[:3])
    optimizer = entry.make()

    def step(carry, gradient):
        params, state = carry
        updates, state = optimizer.update(gradient, state, params)
        return (apply(params, updates), state), updates

    first = (params, optimizer.init(params))
    (after, state), updates = jax.jit(lambda: jax.lax.scan(step, first, gradients))()
    assert types(state) == types(first[1])
    for leaf in jax.tree.leaves((after, state, updates)):
        assert np.isfinite(np.asarray(leaf, np.float64)).all()
    for name, update in updates.items():
        assert update.dtype == gradients[name].dtype
        assert update.shape == (STEPS, 2)


@every_entry
def test_no_infinity_arises_from_a_large_gradient(entry):
    """`jax_debug_infs` looks at what each operation outside of `jit` returns."""
    params = {"w": jnp.array([1.0, -2.0])}
    gradients = {"w": jnp.array([1e30, -1e25])}
    optimizer = entry.make()
    with jax.debug_infs(True):
        state = optimizer.init(params)
        for _ in range(2):
            updates, state = optimizer.update(gradients, state, params)
    assert np.isfinite(updates["w"]).all()
