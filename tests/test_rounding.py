"""Stochastic rounding: unbiased, independent, the same at each run and however arrays are sharded.

What is estimated from random numbers is compared within five standard errors, which a right one
leaves once in 1.7 million tests; the numbers are the same at each run of the suite.
"""

import re
import textwrap

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.fft
from jax import export

import rmsprop
import several_devices
from rmsprop._rounding import (
    Noise,
    _random_bits,
    _seeds_of_leaves,
    seed_of_step,
    stochastic_round,
)

MANY = 200_000
NARROW = pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])


def noise(step=0, leaf=0, stream=0):
    seed = seed_of_step(jnp.int32(step), stream)
    return Noise(_seeds_of_leaves(seed, np.asarray([leaf], np.uint32))[0])


def rounded(x, dtype, **where):
    x = jnp.asarray(x, jnp.float32)
    return stochastic_round(x, noise(**where), jnp.zeros(x.shape, dtype))


def wide(x):
    return np.asarray(x).astype(np.float64)


# From the normal numbers of each dtype, from the subnormal ones of float16, across a power of two,
# of both signs.
VALUES = [1.0, 1.001, 1.9999, -3.3333, 1e-3, 7e-5, 3.3e-6, -1e-7, 6e4]


@NARROW
@pytest.mark.parametrize("value", VALUES)
def test_one_of_two_neighbours_and_right_on_average(dtype, value):
    value = float(np.float32(value))
    found = wide(rounded(np.full(MANY, value), dtype))
    assert len(np.unique(found)) <= 2
    nearest = float(wide(jnp.asarray(value, dtype)))
    assert nearest in found
    gap = np.ptp(found)
    assert np.min(found) <= value <= np.max(found)
    # Of a variable of two values; the noise has 13 bits at least, and cuts off a part of 2^-13.
    share = abs(value - np.min(found)) / gap if gap else 0.0
    error = 5 * gap * np.sqrt(share * (1 - share) / MANY) + gap * 2.0**-13
    assert abs(np.mean(found) - value) <= error


@NARROW
def test_what_is_representable_stays(dtype):
    x = np.asarray([0.0, -0.0, 1.0, -1.5, 2.0**-14, 2.0**-24 if dtype == jnp.float16 else 1e-30])
    x = wide(jnp.asarray(np.concatenate([x, [float(jnp.finfo(dtype).max)]]), dtype))
    for step in range(20):
        found = rounded(x, dtype, step=step)
        np.testing.assert_array_equal(wide(found), x)
        np.testing.assert_array_equal(np.signbit(wide(found)), np.signbit(x))


@NARROW
def test_every_number_of_the_dtype_stays(dtype):
    """Whatever the noise: with the largest one the sum of a subnormal number is rounded up."""
    x = np.tile(np.arange(2**16, dtype=np.uint16).view(dtype), 16)
    with np.errstate(invalid="ignore"):
        found, x = wide(rounded(x.astype(np.float32), dtype)), wide(x)
    np.testing.assert_array_equal(found, x)


@NARROW
def test_what_is_not_finite_stays_so_and_what_is_finite_too(dtype):
    quiet, loud = np.asarray([0x7FFFFFFF, 0x7F800001], np.uint32).view(np.float32)
    x = np.asarray([np.inf, -np.inf, np.nan, quiet, loud, -quiet], np.float32)
    largest = np.full(1_000, np.finfo(np.float32).max if dtype == jnp.bfloat16 else 65_519.0)
    for step in range(20):
        np.testing.assert_array_equal(rounded(x, dtype, step=step).astype(jnp.float32), x)
        found = wide(rounded(largest, dtype, step=step))
        assert np.isfinite(found).all()
        assert (found >= float(jnp.finfo(dtype).max)).all()


def test_random_bits_are_even_and_independent():
    """Across elements, leaves, steps and what is stored in one step: a hundred pairs of streams."""
    streams = {
        (step, leaf, stream): np.asarray(_random_bits((MANY,), noise(step, leaf, stream)))
        for step in (0, 1, 1_000_000)
        for leaf in (0, 1, 2)
        for stream in (0, 1)
    }
    streams["fold"] = np.asarray(_random_bits((MANY,), noise().fold(1)))
    shares = {}
    for name, bits in streams.items():
        ones = [np.mean(bits >> bit & 1) for bit in range(32)]
        # 32 bits of 19 streams, each with a standard error of 1 / (2 sqrt(n)).
        assert np.max(np.abs(np.asarray(ones) - 0.5)) <= 5 * 0.5 / np.sqrt(MANY), name
        shares[name] = bits / 2.0**32 - 0.5
        for lag in (1, 2, 8, 1024):
            found = np.corrcoef(shares[name][lag:], shares[name][:-lag])[0, 1]
            assert abs(found) <= 5 / np.sqrt(MANY - lag), (name, lag)
    correlations = np.corrcoef(np.stack(list(shares.values())))
    assert np.max(np.abs(correlations - np.eye(len(shares)))) <= 5 / np.sqrt(MANY)


def test_leaves_of_one_shape_have_equal_loops():
    """XLA compiles equal loops once, and a program of many leaves in a fraction of the time."""
    params = {f"leaf {number}": jnp.ones(64) for number in range(40)}
    optimizer = rmsprop.rmsprop(0.1, accumulator_dtype=jnp.bfloat16)
    program = jax.jit(optimizer.update).lower(params, optimizer.init(params)).compile().as_text()
    loops = re.findall(r"^%[^\n]*computation[^\n]* \{\n.*?^\}", program, re.M | re.S)
    text = [re.sub(r"%[\w.\-]+|, metadata=\{[^}]*\}|param_[\d.]+", "", loop) for loop in loops]
    assert len(text) > 2 * 40
    # Two of the leaves, one of the count, one of the seeds, and four for each length of their cuts.
    assert len(set(text)) <= 4 + 4 * 3


PAIRS = [(0, 0), *((7 * k + 1, 0x9E3779B9 * k % 2**32) for k in range(1, 10))]  # steps and leaves


@pytest.mark.parametrize(
    ("pair", "size"),
    [
        (PAIRS[0], 2**20),
        *(pytest.param(pair, 2**22, marks=pytest.mark.slow) for pair in PAIRS),
    ],
    ids=str,
)
def test_no_two_places_of_an_array_are_correlated(pair, size):
    """At no lag up to 65,536, for the bits that bfloat16 takes and for a number that is half way.

    Of 131,072 independent normal numbers one is beyond 6 standard errors with probability 3e-4.
    """
    bits = np.asarray(_random_bits((size,), noise(*pair)))
    for values in (bits >> 16, bits >> 31):
        centered = (values - values.mean()) / values.std()
        spectrum = np.abs(scipy.fft.rfft(centered, 2 * size)) ** 2
        lags = np.arange(1, 65_537)
        products = scipy.fft.irfft(spectrum)[lags]
        assert np.max(np.abs(products) / np.sqrt(size - lags)) < 6


def test_elements_of_a_matrix_differ_also_where_rows_repeat():
    bits = np.asarray(_random_bits((300, 7, 11), noise()))
    assert len(np.unique(bits)) == bits.size  # a bijection of the place
    flat = np.asarray(_random_bits((bits.size,), noise()))
    np.testing.assert_array_equal(bits.ravel(), flat)


def _assert_independent(*arrays):
    """Which elements went up, of arrays each of which has two values, in no relation."""
    ups = []
    for array in arrays:
        values = np.unique(wide(array))
        assert len(values) == 2
        ups.append(wide(array) == values[1])
    correlations = np.corrcoef(np.stack(ups)) - np.eye(len(ups))
    assert np.max(np.abs(correlations)) <= 5 / np.sqrt(ups[0].size)


def test_leaves_have_noise_of_their_own():
    tree = {"a": jnp.full(MANY, 1.003), "b": [jnp.full(MANY, 1.003)]}
    average = rmsprop.scale_by_rms(0.0, accumulator_dtype=jnp.bfloat16)
    nu = average.update(tree, average.init(tree))[1].nu
    _assert_independent(nu["a"], nu["b"][0])
    # Of a partition, each optimizer of which has one of them.
    labels = {"a": "one", "b": ["two"]}
    both = optax.partition({"one": average, "two": average}, labels)
    inner = both.update(tree, both.init(tree))[1].inner_states
    _assert_independent(*(jax.tree.leaves(inner[name])[-1] for name in ("one", "two")))
    params = jax.tree.map(lambda x: x.astype(jnp.bfloat16), tree)
    after = rmsprop.apply_updates(params, tree, key=jax.random.key(0))
    _assert_independent(after["a"], after["b"][0])


def test_steps_and_what_is_stored_in_one_have_noise_of_their_own():
    g = jnp.full(MANY, 1.006)
    # With such an eps the step of 1.009 does not depend on how the average was rounded.
    optimizer = rmsprop.rmsprop(1003.0, 0.0, 1e6, momentum=0.5, accumulator_dtype=jnp.bfloat16)
    state = optimizer.init(g)
    first = optimizer.update(g, state)[1]
    second = optimizer.update(g, (first[0], *state[1:]))[1]
    _assert_independent(first[0].nu, first[2].trace, second[0].nu)
    centered = rmsprop.scale_by_stddev(0.5, accumulator_dtype=jnp.bfloat16)
    state = centered.update(g, centered.init(g))[1]
    _assert_independent(state.mu, state.var)


def test_the_derivative_is_one():
    slope = jax.grad(lambda x: rounded(x, jnp.bfloat16).astype(jnp.float32).sum())(jnp.ones(3))
    np.testing.assert_array_equal(slope, np.ones(3))


def _last(transformation, gradients):
    def step(state, gradient):
        return transformation.update(gradient, state)[1], None

    return jax.lax.scan(step, transformation.init(gradients[0]), gradients)[0]


def test_an_average_does_not_stall():
    """8,000 ones with decay .999 average to 1; rounded to nearest they stop at 0.5."""
    ones = jnp.ones((8_000, 2_000))
    state = _last(rmsprop.scale_by_rms(0.999, accumulator_dtype=jnp.bfloat16), ones)
    assert state.nu.dtype == jnp.bfloat16
    found = wide(state.nu)
    # Every store errs by less than one unit of 2^-7 (above 1), with a variance of at most a quarter
    # of its square, and the average remembers 1 / (1 - decay^2) squares of errors.
    spread = 2.0**-7 / 2 / np.sqrt(1 - 0.999**2)
    assert np.std(found) <= spread
    assert abs(np.mean(found) - (1 - 0.999**8_000)) <= 5 * spread / np.sqrt(found.size)


def test_a_sum_does_not_stall():
    """4,000 ones sum to 4,000; rounded to nearest to 256."""
    state = _last(
        rmsprop.scale_by_rss(0.0, accumulator_dtype=jnp.bfloat16), jnp.ones((4_000, 2_000))
    )
    found = wide(state.sum_of_squares)
    # A store near s errs with a variance of at most s 2^-7: an increment of 1 between neighbours
    # that are up to s 2^-7 apart. Over all s that is 2^-8 of the square of the sum.
    spread = np.sqrt(2.0**-8) * 4_000
    assert np.std(found) <= spread
    assert abs(np.mean(found) - 4_000) <= 5 * spread / np.sqrt(found.size)


def test_a_buffer_and_a_mean_do_not_stall():
    """Increments of 1e-3 of the buffer, below the half unit of 2^-9 that the nearest one needs."""
    optimizer = rmsprop.rmsprop(
        1e-3, 0.0, 0.0, momentum=0.999, lr_in_momentum=False, accumulator_dtype=jnp.bfloat16
    )
    state = _last(optimizer, jnp.ones((8_000, 2_000)))
    spread = 1000 * 2.0**-7 / 2 / np.sqrt(1 - 0.999**2)
    found = wide(state[1].trace)
    assert abs(np.mean(found) - 1000 * (1 - 0.999**8_000)) <= 5 * spread / np.sqrt(found.size)
    centered = rmsprop.scale_by_stddev(0.999, 0.01, accumulator_dtype=jnp.bfloat16)
    found = wide(_last(centered, jnp.full((8_000, 2_000), 1.01)).mu)
    expected = 1.01 * (1 - 0.999**8_000)
    assert abs(np.mean(found) - expected) <= 5 * (spread / 1000) / np.sqrt(found.size)


@pytest.mark.parametrize(
    ("make", "share"),
    [
        (lambda dtype: rmsprop.rmsprop(0.1, accumulator_dtype=dtype), 0.5),
        (lambda dtype: rmsprop.rmsprop(0.1, momentum=0.9, accumulator_dtype=dtype), 0.5),
        (lambda dtype: rmsprop.rmsprop(0.1, centered=True, accumulator_dtype=dtype), 0.5),
        (lambda dtype: rmsprop.adagrad(0.1, accumulator_dtype=dtype), 0.5),
    ],
    ids=["rmsprop", "momentum", "centered", "adagrad"],
)
def test_half_the_state(make, share):
    def size(dtype):
        leaves = jax.tree.leaves(make(dtype).init(jnp.ones((100, 100))))
        return sum(leaf.nbytes for leaf in leaves if leaf.ndim)

    assert size(jnp.bfloat16) == share * size(None)


@pytest.mark.parametrize("centered", [False, True])
def test_the_step_is_that_of_the_average_as_it_is_stored(rng, centered):
    """And not of what was rounded: nothing but the store has to read the old average."""
    g = rng.normal(size=1_000).astype(np.float32)
    made = rmsprop.scale_by_stddev if centered else rmsprop.scale_by_rms
    transformation = made(0.9, 1e-3, accumulator_dtype=jnp.bfloat16)
    found, state = transformation.update(g, transformation.init(g))
    stored = wide(state.var if centered else state.nu)
    least = 0.0 if centered else np.sqrt(0.1) * np.abs(g)  # the average has at least 0.1 g^2 in it
    expected = g / np.maximum(np.sqrt(stored + 1e-3), least)
    # Sum, root, product and quotient are rounded.
    np.testing.assert_allclose(found, expected, rtol=4 * 2.0**-24)
    unrounded = g / np.sqrt((0.09 if centered else 0.1) * g**2 + 1e-3)
    assert np.max(np.abs(found - unrounded) / np.abs(unrounded)) > 2.0**-10


def test_momentum_moves_by_the_buffer_as_it_is_stored(rng):
    g = rng.normal(size=1_000).astype(np.float32)
    for nesterov in (False, True):
        optimizer = rmsprop.rmsprop(
            0.1, momentum=0.9, nesterov=nesterov, accumulator_dtype=jnp.bfloat16
        )
        found, state = optimizer.update(g, optimizer.init(g))
        buffer = wide(state[2].trace)
        if not nesterov:
            np.testing.assert_array_equal(found, buffer)
            continue
        step = -0.1 * g / np.maximum(np.sqrt(wide(state[0].nu) + 1e-8), np.sqrt(0.1) * np.abs(g))
        # Both terms have one sign. The quotient and its parts, two products, the sum are rounded.
        np.testing.assert_allclose(found, step + 0.9 * buffer, rtol=8 * 2.0**-24)


def test_an_average_saturates():
    transformation = rmsprop.scale_by_rss(0.0, accumulator_dtype=jnp.bfloat16)
    state = _last(transformation, jnp.full((10, 100), 1.8e19))
    assert (state.sum_of_squares == jnp.finfo(jnp.bfloat16).max).all()


@pytest.mark.slow
def test_the_same_however_it_is_sharded():
    code = """
        import jax, jax.numpy as jnp, numpy as np, rmsprop
        from jax.sharding import Mesh, NamedSharding, PartitionSpec
        optimizer = rmsprop.rmsprop(0.1, momentum=0.9, accumulator_dtype=jnp.bfloat16)
        g = jnp.asarray(np.random.default_rng(0).normal(size=(16, 24)), jnp.float32)

        @jax.jit
        def run(g):
            step = lambda state, _: (optimizer.update(g, state)[1], None)
            return jax.lax.scan(step, optimizer.init(g), None, length=20)[0]

        mesh = Mesh(np.asarray(jax.devices()).reshape(4, 2), ("a", "b"))
        alone = run(g)
        for spec in (("a", "b"), ("b", "a"), (None, ("a", "b")), ("a",)):
            sharded = run(jax.device_put(g, NamedSharding(mesh, PartitionSpec(*spec))))
            assert len(sharded[0].nu.sharding.device_set) == 8
            for x, y in zip(jax.tree.leaves(alone), jax.tree.leaves(sharded), strict=True):
                np.testing.assert_array_equal(np.asarray(x), np.asarray(y))
        print("same")
    """
    ran = several_devices.run(["-c", textwrap.dedent(code)], several_devices.environment(8))
    assert ran.stdout == "same\n", ran.stderr


OPTIMIZERS = {
    "rmsprop": lambda dtype: rmsprop.rmsprop(1e-3, accumulator_dtype=dtype),
    "momentum": lambda dtype: rmsprop.rmsprop(1e-3, momentum=0.9, accumulator_dtype=dtype),
    "centered": lambda dtype: rmsprop.rmsprop(1e-3, centered=True, accumulator_dtype=dtype),
    "adagrad": lambda dtype: rmsprop.adagrad(1e-3, accumulator_dtype=dtype),
}
LOOPS = {"rmsprop": 2, "momentum": 3, "centered": 3, "adagrad": 2}


@pytest.mark.compiled_anew("reads the program")
@pytest.mark.skipif(
    jax.default_backend() != "cpu", reason="counts the loops of XLA's programs for a CPU"
)
@pytest.mark.parametrize("dtype", [None, jnp.bfloat16], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_loop_for_each_array_and_not_one_copy(name, dtype, for_use):
    """Parameters and accumulators are written in one pass each, in place, noise and all."""
    optimizer = OPTIMIZERS[name](dtype)
    params = {"w": jnp.ones((64, 2_000))}

    def step(params, state, gradients):
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state

    lowered = jax.jit(step, donate_argnums=(0, 1)).lower(params, optimizer.init(params), params)
    compiled = lowered.compile(compiler_options=for_use)
    text = compiled.as_text()
    entry = text[text.index("\nENTRY") :]
    of_arrays = [line for line in entry.splitlines() if re.search(r"= \(?\w+\[64,2000\]", line)]
    if jax.__version_info__ >= (0, 10):  # older ones hide loops in calls
        assert sum(" fusion(" in line for line in of_arrays) == LOOPS[name]
    assert [line for line in of_arrays if " copy(" in line] == []
    assert compiled.memory_analysis().temp_size_in_bytes < 256  # step counts, and no array


@pytest.mark.skipif(jax.__version_info__ < (0, 10), reason="older ones leave the choice to XLA")
@pytest.mark.parametrize(("platform", "called"), [("cpu", True), ("cuda", False), ("tpu", False)])
def test_the_order_is_prescribed_to_cpus_alone(platform, called):
    """Also in a program that is exported from a machine of another kind."""
    optimizer = OPTIMIZERS["centered"](jnp.bfloat16)
    g = jnp.ones(8)
    exported = export.export(jax.jit(optimizer.update), platforms=[platform])
    assert ("inlineable" in exported(g, optimizer.init(g)).mlir_module()) == called


class TestApplyUpdates:
    @NARROW
    def test_parameters_move_by_less_than_they_can_hold(self, dtype):
        params = {"w": jnp.ones(MANY, dtype), "b": jnp.ones(3)}
        updates = {"w": jnp.full(MANY, 1e-4), "b": jnp.full(3, 1e-4)}
        apply = jax.jit(lambda key: rmsprop.apply_updates(params, updates, key=key))
        after = apply(jax.random.key(0))
        assert after["w"].dtype == dtype
        np.testing.assert_array_equal(after["b"], params["b"] + updates["b"])
        gap = float(jnp.finfo(dtype).eps)
        share = 1e-4 / gap
        error = 5 * gap * np.sqrt(share * (1 - share) / MANY) + gap * 2.0**-13
        assert abs(np.mean(wide(after["w"])) - 1.0001) <= error
        np.testing.assert_array_equal(wide(apply(jax.random.key(0))["w"]), wide(after["w"]))
        assert (apply(jax.random.key(1))["w"] != after["w"]).any()

    @pytest.mark.standard_promotion("optax adds float32 to bfloat16")
    def test_without_a_key_it_is_optax_s(self):
        params, updates = {"w": jnp.ones(3, jnp.bfloat16)}, {"w": jnp.full(3, 0.003)}
        ours, theirs = (m.apply_updates(params, updates) for m in (rmsprop, optax))
        np.testing.assert_array_equal(wide(ours["w"]), wide(theirs["w"]))

    def test_a_missing_update_or_parameter_stays(self):
        params = {"a": jnp.ones(2, jnp.bfloat16), "b": None}
        after = rmsprop.apply_updates(params, {"a": None, "b": None}, key=jax.random.key(0))
        assert after["b"] is None
        np.testing.assert_array_equal(wide(after["a"]), np.ones(2))

    def test_updates_that_do_not_belong_to_the_parameters_are_refused(self):
        params = {"a": jnp.ones(2, jnp.bfloat16)}
        for updates, error, words in (
            ({"b": jnp.ones(2)}, ValueError, r"updates alone is \['b'\], .* alone is \['a'\]"),
            ({"a": {"b": jnp.ones(2)}}, TypeError, r"parameter\['a'\] is a dict, not an array"),
            ({"a": jnp.ones(3)}, ValueError, r"parameter\['a'\] has shape \(2,\), .* \(3,\)"),
            (
                {"a": jnp.ones(2, jnp.complex64)},
                TypeError,
                r"parameter\['a'\] is bfloat16, .* complex64",
            ),
        ):
            with pytest.raises(error, match=words):
                rmsprop.apply_updates(params, updates, key=jax.random.key(0))

    def test_a_key_of_the_older_kind(self):
        params = jnp.ones(10, jnp.bfloat16)
        after = rmsprop.apply_updates(params, params, key=jax.random.PRNGKey(0))
        np.testing.assert_array_equal(wide(after), 2 * np.ones(10))

    @pytest.mark.parametrize("dtype", [jnp.int8, jnp.int16, jnp.uint8, jnp.bool_, jnp.int32])
    def test_integers_are_left_to_optax(self, dtype):
        params = jnp.asarray([1, 0, 101], dtype)
        after = rmsprop.apply_updates(params, jnp.zeros_like(params), key=jax.random.key(0))
        np.testing.assert_array_equal(after, params)
        assert after.dtype == dtype

    @pytest.mark.parametrize("key", [0, jnp.ones(2), "seed", jax.random.split(jax.random.key(0))])
    def test_what_is_no_key_is_refused(self, key):
        with pytest.raises(TypeError, match=r"(?s)key is .*jax\.random\.key"):
            rmsprop.apply_updates(jnp.ones(2), jnp.ones(2), key=key)
