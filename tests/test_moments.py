"""The arithmetic of one leaf where floats end: zeros, overflow, underflow, what is not finite."""

import functools
import re

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import rmsprop

TRANSFORMATIONS = {
    "rms": rmsprop.scale_by_rms,
    "rms-outside": lambda **k: rmsprop.scale_by_rms(eps_in_sqrt=False, **k),
    "rms-corrected": lambda **k: rmsprop.scale_by_rms(bias_correction=True, **k),
    "stddev": rmsprop.scale_by_stddev,
    "stddev-outside": lambda **k: rmsprop.scale_by_stddev(eps_in_sqrt=False, **k),
    "rms-bfloat16": lambda **k: rmsprop.scale_by_rms(accumulator_dtype=jnp.bfloat16, **k),
    "stddev-bfloat16": lambda **k: rmsprop.scale_by_stddev(accumulator_dtype=jnp.bfloat16, **k),
    "rss": lambda **k: rmsprop.scale_by_rss(0.0, **k),
    "rss-outside": lambda **k: rmsprop.scale_by_rss(0.0, eps_in_sqrt=False, **k),
}
every_name = pytest.mark.parametrize("name", TRANSFORMATIONS)


def _first(transformation, gradient):
    return transformation.update(gradient, transformation.init(gradient))


@functools.cache
def _zero_steps(dtype):
    """What each transformation makes of a zero gradient with each eps, in one compiled program."""

    @jax.jit
    def run(zero, traced):
        return {
            (name, eps): _first(make(eps=traced if eps == "traced zero" else float(eps)), zero)
            for name, make in TRANSFORMATIONS.items()
            for eps in ZERO_STEP_EPS
        }

    return run(jnp.zeros(3, dtype), 0.0)


ZERO_STEP_EPS = ("0", "1e-8", "traced zero")


@every_name
@pytest.mark.parametrize("eps", ZERO_STEP_EPS)
@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16, jnp.float32, jnp.complex64])
def test_zero_gradient_gives_zero_step(name, eps, dtype):
    updates, state = _zero_steps(dtype)[name, eps]
    chex.assert_trees_all_equal(updates, jnp.zeros(3, dtype))
    chex.assert_tree_all_finite(state)


MAGNITUDES = np.asarray([1e-45, 1e-38, 2e-38, 1e-30, 1e-19, 1.0, 1e19, 1e30, 3e38])[:, None]


@functools.cache
def _steps_of_every_magnitude():
    """The first update and state of each transformation with and without eps, in one program."""
    transformations = {
        (name, eps): make(eps=float(eps))
        for name, make in TRANSFORMATIONS.items()
        for eps in ("0", "1e-8")
    }
    gradient = jnp.asarray(MAGNITUDES * [1, -1], jnp.float32)

    @jax.jit
    def run(gradient, states):
        return {case: t.update(gradient, states[case]) for case, t in transformations.items()}

    return run(gradient, {case: t.init(gradient) for case, t in transformations.items()})


@every_name
@pytest.mark.parametrize("eps", ["0", "1e-8"])
def test_the_square_may_overflow_and_the_step_may_not(name, eps):
    """T3 for every finite gradient: at most 1 / sqrt(1 - decay), for the sum at most 1."""
    updates, state = _steps_of_every_magnitude()[name, eps]
    # The deviation of the first gradient from the mean 0 is the gradient: var = d (1 - d) g^2.
    bound = 1 / np.sqrt(0.9 * 0.1) if "mu" in state._fields else 1 / np.sqrt(0.1)
    chex.assert_tree_all_finite((updates, state))
    assert np.all(np.asarray(updates) * [1, -1] >= 0)
    if "mu" in state._fields and state.var.dtype == jnp.bfloat16:
        bound /= np.sqrt(1 - 2**-7)  # it may be stored one unit too small
    # Three roundings: the floor, its product, the quotient.
    assert np.all(np.abs(updates) <= bound * (1 + 3 * 2**-24))
    if eps == "0":
        # Scale invariance: far from 0 for any magnitude.
        assert np.all(np.abs(updates)[MAGNITUDES[:, 0] > 1e-37] >= 0.99)


@pytest.mark.parametrize("decay", [0.1, 0.5, 0.9, 0.99, 0.9999])
@pytest.mark.parametrize("options", [{"eps": 0.0}, {"eps": 1e-30, "eps_in_sqrt": False}])
def test_the_first_centered_step_is_the_same_at_every_scale(decay, options):
    """The deviation is the gradient, whose square over- and underflows on the way."""
    g = jnp.asarray(np.logspace(-22, 38, 601), jnp.float32)
    transformation = rmsprop.scale_by_stddev(decay, **options)
    updates, _ = transformation.update(g, transformation.init(g))
    magnitude = np.asarray(g, np.float64)
    expected = magnitude / (np.sqrt(decay * (1 - decay)) * magnitude + options["eps"])
    # Three products, two sums, root, floor and quotient are rounded.
    np.testing.assert_allclose(updates, expected, rtol=8 * 2.0**-24)


def test_the_centered_step_is_bounded_where_the_arithmetic_is_wider_than_the_variance(x64):
    transformation = rmsprop.scale_by_stddev(0.9)
    state = transformation.init(jnp.zeros(4, jnp.float32))
    g = jnp.asarray([1e30, 1e25, 1e20, 1e10], jnp.float64)
    updates, state = transformation.update(g, state)
    assert state.var.dtype == jnp.float32
    # The arithmetic is that of the gradient: two products, two sums, root, floor and quotient.
    np.testing.assert_allclose(updates, 1 / np.sqrt(0.9 * 0.1), rtol=8 * 2.0**-53)


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9, 0.999])
def test_saturated_average_recovers(decay):
    """One gradient of 1e30 and then ones: finite throughout, and moving again afterwards."""
    transformation = rmsprop.scale_by_rms(decay)
    gradients = jnp.concatenate([jnp.array([1e30]), jnp.ones(200_000 if decay > 0.99 else 2_000)])

    def step(state, gradient):
        updates, state = transformation.update(gradient, state)
        return state, (updates, state.nu)

    _, (updates, nu) = jax.lax.scan(step, transformation.init(jnp.array(0.0)), gradients)
    chex.assert_tree_all_finite((updates, nu))
    # The steady state of the average of ones is 1, to 2^-24 / (1 - decay) by rounding.
    np.testing.assert_allclose(updates[-1], 1.0, rtol=2**-23 / (1 - decay) + 1e-8)


def test_sum_saturates_at_the_largest_finite_value():
    transformation = rmsprop.scale_by_rss(0.0)
    state = transformation.init(jnp.array(0.0))
    for _ in range(3):
        updates, state = transformation.update(jnp.array(1.8e19), state)
    assert state.sum_of_squares == np.finfo(np.float32).max
    assert 0.0 < updates <= 1.0


@functools.cache
def _steps_that_are_not_finite():
    """What each transformation makes of gradients in two dtypes, in one compiled program."""
    gradients = {
        dtype: jnp.asarray([np.nan, np.inf, -np.inf, 1.0], dtype)
        for dtype in ("float16", "float32")
    }
    return jax.jit(lambda g: {name: _first(make(), g) for name, make in TRANSFORMATIONS.items()})(
        gradients
    )


@every_name
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_what_is_not_finite_stays_so(name, dtype):
    updates, _ = _steps_that_are_not_finite()[name]
    np.testing.assert_array_equal(np.isfinite(updates[dtype]), [False, False, False, True])


def test_apply_if_finite_sees_and_undoes_it():
    optimizer = optax.apply_if_finite(rmsprop.rmsprop(0.1), 5)
    params = jnp.ones(2)
    state = optimizer.init(params)
    updates, state = optimizer.update(jnp.array([jnp.inf, 1.0]), state, params)
    chex.assert_trees_all_equal(updates, jnp.zeros(2))
    chex.assert_trees_all_equal(state.inner_state[0].nu, jnp.zeros(2))


@pytest.mark.parametrize("eps", [1e-8, 0.0])
@pytest.mark.parametrize("eps_in_sqrt", [True, False])
def test_centered_never_goes_negative_on_a_gradient_that_settles(eps, eps_in_sqrt):
    """g = 3 for 50 steps, then 1: the difference of two averages goes NaN here."""
    transformation = rmsprop.scale_by_stddev(0.99, eps, eps_in_sqrt=eps_in_sqrt)
    gradients = jnp.where(jnp.arange(20_000) < 50, 3.0, 1.0)

    def step(state, gradient):
        updates, state = transformation.update(gradient, state)
        return state, (updates, state.var)

    _, (updates, var) = jax.lax.scan(step, transformation.init(jnp.array(0.0)), gradients)
    chex.assert_tree_all_finite((updates, var))
    assert np.all(var >= 0)
    assert np.all(updates > 0)


def test_centered_on_a_constant_gradient_tends_to_its_definition():
    """The variance tends to 0 and the step to |g| / sqrt(eps)."""
    transformation = rmsprop.scale_by_stddev(0.9, 1e-8)
    state = transformation.init(jnp.array(0.0))

    def step(state, gradient):
        updates, state = transformation.update(gradient, state)
        return state, updates

    _, updates = jax.lax.scan(step, state, jnp.full(2_000, 10.0))
    # Three roundings a step, remembered for 1 / (1 - decay) steps, keep the mean off by at most
    # `deviation`; the variance of that stands beside eps under the root.
    deviation = 10.0 * 1.5 * 2**-23 / (1 - 0.9)
    tolerance = 0.5 * 0.9 * deviation**2 / 1e-8
    np.testing.assert_allclose(updates[-1], 10.0 / np.sqrt(1e-8), rtol=tolerance)


@pytest.mark.parametrize("make", [rmsprop.scale_by_rms, rmsprop.scale_by_stddev])
def test_float16_updates_are_finite_and_saturate(make):
    transformation = make(0.9, 1e-12)
    g = jnp.asarray([65504.0, 6e-8, 1e-4, 10.0], jnp.float16)
    state = transformation.init(g)
    for _ in range(600):
        updates, state = transformation.update(g, state)
    assert updates.dtype == jnp.float16
    assert np.isfinite(updates).all()
    assert (updates > 0).all()


@functools.cache
def _slopes():
    """The derivatives of the first step of each transformation with each eps, in one program."""
    transformations = {
        (name, eps): make(eps=float(eps))
        for name, make in TRANSFORMATIONS.items()
        for eps in ("1e-8", "1e-30", "0")
    }
    values = jnp.asarray([0.0, 1.0, -1e-3, 1e-20, 1e-30])

    @jax.jit
    def run(values, states):
        return {
            case: jax.grad(lambda g, t=t, s=states[case]: t.update(g, s)[0].sum())(values)
            for case, t in transformations.items()
        }

    return run(values, {case: t.init(values) for case, t in transformations.items()})


@every_name
@pytest.mark.parametrize("eps", ["1e-8", "1e-30", "0"])
def test_derivatives_through_the_update_are_finite(name, eps):
    """Meta-learning: the derivative of a step by the gradient, also at zero, also without eps."""
    assert np.isfinite(_slopes()[name, eps]).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda rate, eps: rmsprop.rmsprop(rate, eps=eps),
        lambda rate, eps: rmsprop.rmsprop(rate, eps=eps, momentum=0.9),
        lambda rate, eps: rmsprop.rmsprop(rate, eps=eps, centered=True),
        lambda rate, eps: rmsprop.adagrad(rate, 0.0, eps),
    ],
    ids=["rmsprop", "momentum", "centered", "adagrad"],
)
def test_derivatives_through_several_steps_at_zero_without_eps(make):
    def trained(x, rate):
        state = make(rate, 0.0).init(x)
        for gradient in (x, jnp.zeros(2), x):
            updates, state = make(rate, 0.0).update(gradient, state)
            x = x + updates
        return x.sum()

    slopes = jax.jit(jax.grad(trained, argnums=(0, 1)))(jnp.array([0.0, 1.0]), 0.1)
    chex.assert_tree_all_finite(slopes)


@pytest.mark.parametrize(("decay", "eps"), [(0.999, 1e-36), (0.9, 1.1e-37), (0.99999999, 1e-8)])
def test_bias_correction_with_an_eps_or_a_decay_at_the_end_of_float32(decay, eps):
    transformation = rmsprop.scale_by_rms(decay, eps, bias_correction=True)
    gradient = jnp.array([0.0, 1.0])
    updates, state = transformation.update(gradient, transformation.init(gradient))
    assert updates[0] == 0
    assert updates[1] > 0
    chex.assert_tree_all_finite((updates, state))


@pytest.mark.parametrize("name", ["rmsprop", "adagrad"])
@pytest.mark.compiled_anew("reads the program")
@pytest.mark.parametrize("momentum", [None, 0.9])
def test_no_copies_that_optax_does_not_make(name, momentum, for_use):
    """A copy of a donated accumulator is 1.5 to 3 times the step on a CPU."""
    if name == "adagrad" and momentum is not None:
        pytest.skip("adagrad has no momentum")
    options = {} if momentum is None else {"momentum": momentum}

    def copies(optimizer):
        params = {"a": jnp.ones((256, 256)), "b": jnp.ones(1000)}
        state = optimizer.init(params)

        def step(params, state, gradients):
            updates, state = optimizer.update(gradients, state, params)
            return optax.apply_updates(params, updates), state

        lowered = jax.jit(step, donate_argnums=(0, 1)).lower(params, state, params)
        return len(re.findall(r"\bcopy\(", lowered.compile(compiler_options=for_use).as_text()))

    ours = copies(getattr(rmsprop, name)(0.1, **options))
    assert ours <= copies(getattr(optax, name)(0.1, **options))
