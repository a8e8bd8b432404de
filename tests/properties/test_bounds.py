"""Finite in, finite out, and no step beyond T3, for whatever hypothesis comes up with."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import CASES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from streams import LANES, STEPS, magnitudes, stream, streams

import rmsprop

EXAMPLES = 128
REAL = (jnp.float16, jnp.bfloat16, jnp.float32, jnp.float64)
DTYPES = {x.__name__: x for x in (*REAL, jnp.complex64, jnp.complex128)}
searches = pytest.mark.parametrize(
    "examples", [EXAMPLES, pytest.param(20 * EXAMPLES, marks=pytest.mark.slow)]
)


def search(examples, *strategies):
    """The same examples at each run of the suite; the longer search draws new ones."""
    longer = examples > EXAMPLES
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    chosen = settings(
        max_examples=examples,
        deadline=None,  # no wall clock in a test
        derandomize=not longer,
        database=None,
        print_blob=True,
        suppress_health_check=checks,
    )
    return lambda function: chosen(given(*strategies)(function))()


@functools.cache
def _program(dtype):
    """All cases along one stream, in one compiled program."""

    def run(gradients):
        def along(case):
            transformation = case.make()

            def step(state, gradient):
                updates, state = transformation.update(gradient, state)
                return state, (updates, state)

            first = transformation.init(jnp.zeros(LANES, dtype))
            return jax.lax.scan(step, first, gradients)[1]

        return [along(case) for case in CASES]

    return jax.jit(run)


def _wide(x):
    return np.asarray(x).astype(np.complex128 if jnp.iscomplexobj(x) else np.float64)


def _unit(dtype):
    """Half a unit in the last place of an update, and the roundings before it, in float32 or more.

    The floor of the denominator, its product with |g|, the quotient, the rate, and with momentum
    the sum of a geometric series of steps, each rounded.
    """
    # A complex number is divided by parts, and its magnitude is rounded as well.
    inner = 2.0**-53 if dtype in (jnp.float64, jnp.complex128) else 2.0**-24
    return float(jnp.finfo(dtype).eps) / 2 + 16 * inner


def check(case, gradients, updates, states):
    """The promises, on one stream; `largest` is the end of the updates' own dtype."""
    dtype = gradients.dtype
    g, u = _wide(gradients), _wide(updates)
    assert updates.dtype == dtype
    assert np.isfinite(u).all(), case.name
    for leaf in jax.tree.leaves(states):
        assert np.isfinite(_wide(leaf)).all(), case.name
    t = np.arange(1, STEPS + 1)[:, None]
    bound = case.longest(t, np.abs(g)) * (1 + _unit(dtype))
    worst = np.max(np.abs(u) - bound)
    assert worst <= 0, f"{case.name}: a step is {worst} beyond the bound"
    if case.keeps_sign:
        assert (u[g == 0] == 0).all(), f"{case.name}: a step without a gradient"
        assert (u.real * np.sign(g.real) >= 0).all(), case.name
        assert (u.imag * np.sign(g.imag) >= 0).all(), case.name


@searches
@pytest.mark.parametrize("name", DTYPES)
def test_finite_and_within_t3(name, examples, x64, record_property):
    dtype = DTYPES[name]
    count, known = 0, set()

    def examine(chosen):
        nonlocal count
        gradients = stream(chosen, dtype)
        for case, (updates, states) in zip(CASES, _program(dtype)(gradients), strict=True):
            check(case, gradients, updates, states)
        # Lanes that were not there before, and of these the gradients that are not zero.
        new = {lane.tobytes(): lane for lane in gradients.T if lane.tobytes() not in known}
        known.update(new)
        count += len(CASES) * sum(int(np.count_nonzero(lane)) for lane in new.values())

    # How many differ is hypothesis' choice, of float16 some 1.0 to 1.2 million; where that is too
    # few a longer search follows, which draws new ones.
    for times in (1, 2, 4):
        if count < 1_000_000:
            search(times * examples, streams(dtype))(examine)
    assert count >= 1_000_000
    record_property(f"adversarial updates in {name}", count)


@searches
@pytest.mark.parametrize("centered", [False, True])
def test_any_hyperparameters(centered, examples):
    """Traced, so that one program serves for all of them."""
    make = rmsprop.scale_by_stddev if centered else rmsprop.scale_by_rms

    @jax.jit
    def run(gradients, decay, eps, initial_scale):
        outcomes = []
        for eps_in_sqrt in (True, False):
            transformation = make(decay, eps, initial_scale=initial_scale, eps_in_sqrt=eps_in_sqrt)

            def step(state, gradient, transformation=transformation):
                updates, state = transformation.update(gradient, state)
                return state, (updates, state)

            first = transformation.init(jnp.zeros(LANES))
            outcomes.append(jax.lax.scan(step, first, gradients)[1])
        return outcomes

    sizes = st.sampled_from(magnitudes(np.float32))
    # To 1 - 2^-24, the last float32 below 1, and eps down to what is subnormal.
    decays = st.one_of(
        st.sampled_from([0.0, 0.5, 0.9, 0.999, 1 - 2.0**-24]),
        st.floats(0, 7).map(lambda x: min(1 - 10.0**-x, 1 - 2.0**-24)),
    )

    @search(examples, streams(np.float32), decays, sizes, sizes)
    def _(chosen, decay, eps, initial_scale):
        gradients = stream(chosen, np.float32)
        decay = np.float32(decay)
        bound = 1 / np.sqrt(1 - float(decay))
        for updates, states in run(gradients, decay, np.float32(eps), np.float32(initial_scale)):
            assert np.isfinite(updates).all()
            assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(states))
            assert all((leaf >= 0).all() for leaf in jax.tree.leaves(states[-1]))
            assert (np.asarray(updates)[gradients == 0] == 0).all()
            assert (np.asarray(updates) * np.sign(gradients) >= 0).all()
            longest = 2.0**64 if centered else bound
            assert np.max(np.abs(updates)) <= longest * (1 + _unit(np.float32))
