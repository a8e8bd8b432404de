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

EXAMPLES = 64
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
    """All cases along one stream, in one compiled program.

    It returns the updates, a row of the first axis for each case, and all numbers in the states of
    all cases, widened, one after the other; and it has the name of the case of each.
    """
    names = []

    @jax.jit
    def run(gradients):
        updates, states = [], []
        for case in CASES:
            of_case, leaves = _along(case.make(), gradients)
            assert of_case.dtype == dtype, case.name
            updates.append(of_case)
            states.extend(leaves)
            names.append(np.repeat(case.name, sum(leaf.size for leaf in leaves)))
        return jnp.stack(updates), jnp.concatenate([leaf.ravel() for leaf in states])

    jax.eval_shape(run, jax.ShapeDtypeStruct((STEPS, LANES), dtype))  # for the names, once
    return run, np.concatenate(names)


def _along(transformation, gradients):
    """The updates, and the real and imaginary parts of all that the states hold, in float64."""

    def step(state, gradient):
        updates, state = transformation.update(gradient, state)
        return state, (updates, state)

    first = transformation.init(jnp.zeros(LANES, gradients.dtype))
    updates, states = jax.lax.scan(step, first, gradients)[1]
    parts = (part for leaf in jax.tree.leaves(states) for part in _parts(leaf))
    return updates, [part.astype(jnp.float64) for part in parts]


def _parts(leaf):
    return (leaf.real, leaf.imag) if jnp.iscomplexobj(leaf) else (leaf,)


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


def check(gradients, updates, states, owners):
    """The promises, on one stream: updates by case, and whose each number in the states is."""
    assert np.isfinite(states).all(), owners[~np.isfinite(states)][0]
    g, u = _wide(gradients), _wide(updates)
    sizes, lengths, factor = np.abs(g), np.abs(u), 1 + _unit(gradients.dtype)
    zero, signs = g == 0, (np.sign(g.real), np.sign(g.imag))
    t = np.arange(1, STEPS + 1)[:, None]
    for case, update, length in zip(CASES, u, lengths, strict=True):
        assert np.isfinite(update).all(), case.name
        worst = np.max(length - case.longest(t, sizes) * factor)
        assert worst <= 0, f"{case.name}: a step is {worst} beyond the bound"
        if case.keeps_sign:
            assert (update[zero] == 0).all(), f"{case.name}: a step without a gradient"
            assert (update.real * signs[0] >= 0).all(), case.name
            assert (update.imag * signs[1] >= 0).all(), case.name


@pytest.mark.parametrize(
    ("name", "examples"),
    [("bfloat16", EXAMPLES), ("float32", EXAMPLES)]
    + [pytest.param(name, 20 * EXAMPLES, marks=pytest.mark.slow) for name in DTYPES],
)
def test_finite_and_within_t3(name, examples, x64, record_property):
    dtype = DTYPES[name]
    count, known = 0, set()

    def examine(chosen):
        nonlocal count
        gradients = stream(chosen, dtype)
        program, owners = _program(dtype)
        check(gradients, *map(np.asarray, program(gradients)), owners)
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
