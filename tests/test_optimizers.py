"""rmsprop() and adagrad() against the NumPy float64 loops, in every option and transform."""

import functools
import itertools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from absl.testing import parameterized

import reference
import rmsprop

STEPS = 25


def _schedule(k):
    """Warm-up, then a tenfold drop: shows whether the rate is inside the momentum buffer."""
    warm_up = 0.01 * (k.astype(jnp.result_type(float)) + 1)
    return jnp.where(k < 3, warm_up, jnp.where(k < 15, 0.03, 0.003))


def _schedule_float(k):
    return float(0.01 * (k + 1) if k < 3 else 0.03 if k < 15 else 0.003)


def _gradients(rng, steps=STEPS, size=7):
    """Normal gradients of magnitudes 1e-3 to 10; one coordinate is zero at times."""
    scale = np.logspace(-3, 1, size)
    gradients = rng.normal(size=(steps, size)) * scale
    gradients[::3, 2] = 0.0
    return gradients


def _scan(optimizer, params, gradients):
    """The trajectory of parameters, all steps in one scan."""

    def step(carry, gradient):
        p, state = carry
        updates, state = optimizer.update(gradient, state, p)
        p = optax.apply_updates(p, updates)
        return (p, state), p

    return jax.lax.scan(step, (params, optimizer.init(params)), gradients)[1]


def _run(optimizer, params, gradients):
    return np.asarray(jax.jit(lambda p, g: _scan(optimizer, p, g))(params, gradients))


def _options():
    for eps_in_sqrt, centered, momentum, scale in itertools.product(
        (True, False), (True, False), (None, 0.9), (0.0, 1.0)
    ):
        for nesterov in (False, True) if momentum else (False,):
            for lr_in_momentum in (True, False) if momentum else (True,):
                for bias_correction in (False,) if centered else (False, True):
                    yield {
                        "eps_in_sqrt": eps_in_sqrt,
                        "centered": centered,
                        "momentum": momentum,
                        "initial_scale": scale,
                        "nesterov": nesterov,
                        "lr_in_momentum": lr_in_momentum,
                        "bias_correction": bias_correction,
                    }


def _name(options):
    return "-".join(f"{k}={v}" for k, v in options.items() if v not in (False, None, 0.0)) or "none"


def _assert_close(ours, expected, tolerance):
    """Relative to the largest value each coordinate takes: plain relative error says nothing where
    a parameter crosses zero."""
    largest = np.max(np.abs(expected), axis=0)
    np.testing.assert_array_less(np.max(np.abs(ours - expected) / largest), tolerance)


@functools.cache
def _runs(dtype, centered):
    """Start, gradients, and the parameters after each step by the name of the options.

    All options that are centered, or all others, go along the same gradients in one compiled loop.
    """
    rng = np.random.default_rng(0)
    gradients, start = _gradients(rng).astype(dtype), rng.normal(size=7).astype(dtype)
    optimizers = {
        _name(options): rmsprop.rmsprop(_schedule, 0.9, 1e-3, **options)
        for options in _options()
        if options["centered"] == centered
    }

    def step(carry, gradient):
        params, states = carry
        after = {}
        for name, optimizer in optimizers.items():
            updates, states[name] = optimizer.update(gradient, states[name], params[name])
            after[name] = optax.apply_updates(params[name], updates)
        return (after, states), after

    @jax.jit
    def run(params, gradients):
        states = {name: x.init(params[name]) for name, x in optimizers.items()}
        return jax.lax.scan(step, (params, states), gradients)[1]

    params = dict.fromkeys(optimizers, jnp.asarray(start))
    return start, gradients, jax.tree.map(np.asarray, run(params, jnp.asarray(gradients)))


@pytest.mark.parametrize("options", list(_options()), ids=_name)
def test_rmsprop_float64(options, x64):
    params, gradients, runs = _runs("float64", options["centered"])
    expected = reference.rmsprop(
        params, gradients, _schedule_float, lambda k: 0.9, 1e-3, **options
    ).params
    # 25 steps of 20 operations, and the centered reference subtracts two averages that nearly
    # cancel: 1e-12 is 200 times 2^-52 * 25.
    _assert_close(runs[_name(options)], expected, 1e-12)


@pytest.mark.parametrize("options", list(_options()), ids=_name)
def test_rmsprop_float32(options):
    params, gradients, runs = _runs("float32", options["centered"])
    expected = reference.rmsprop(
        params, gradients, _schedule_float, lambda k: 0.9, 1e-3, **options
    ).params
    # Rounding of the average: 3 operations a step, remembered for 1 / (1 - decay) steps, halved by
    # the root; that of the step: 8 operations; that of the parameter: one a step.
    tolerance = 2**-24 * (1.5 / (1 - 0.9) + 8 + STEPS)
    _assert_close(runs[_name(options)], expected, tolerance)


@pytest.mark.parametrize("eps_in_sqrt", [True, False])
@pytest.mark.parametrize("initial", [0.0, 0.1, 1.0])
def test_adagrad_float64(eps_in_sqrt, initial, rng, x64):
    gradients, params = _gradients(rng), rng.normal(size=7)
    expected = reference.adagrad(
        params, gradients, _schedule_float, initial, 1e-7, eps_in_sqrt=eps_in_sqrt
    ).params
    optimizer = rmsprop.adagrad(_schedule, initial, 1e-7, eps_in_sqrt=eps_in_sqrt)
    # 25 steps of 10 operations of 2^-53 are 3e-14.
    _assert_close(_run(optimizer, jnp.asarray(params), jnp.asarray(gradients)), expected, 1e-13)


@pytest.mark.parametrize("centered", [False, True])
def test_scheduled_decay(centered, rng, x64):
    gradients, params = _gradients(rng), rng.normal(size=7)
    expected = reference.rmsprop(
        params, gradients, lambda k: 0.01, lambda k: 1 - 1 / (k + 2), 1e-3, centered=centered
    ).params
    optimizer = rmsprop.rmsprop(
        0.01, lambda k: 1 - 1 / (k.astype(jnp.float64) + 2), 1e-3, centered=centered
    )
    _assert_close(_run(optimizer, jnp.asarray(params), jnp.asarray(gradients)), expected, 1e-12)


@pytest.mark.parametrize("name", ["rmsprop", "adagrad"])
def test_defaults_and_state_are_those_of_optax(name, rng):
    """A call by keyword and a saved state carry over: same leaves, same places, same numbers."""
    gradients = jnp.asarray(_gradients(rng), jnp.float32)
    params = {"w": jnp.ones(7), "b": {"c": jnp.zeros(7)}}
    ours, theirs = getattr(rmsprop, name)(0.1), getattr(optax, name)(0.1)
    state, their_state = ours.init(params), theirs.init(params)
    chex.assert_trees_all_equal_structs(state, their_state)
    for g in gradients:
        tree = {"w": g, "b": {"c": 2 * g}}
        _, state = ours.update(tree, state, params)
        _, their_state = theirs.update(tree, their_state, params)
    chex.assert_trees_all_close(state, their_state, rtol=2**-23 * 25)
    mixed, _ = ours.update(tree, their_state, params)  # Optax's state goes on here
    expected, _ = theirs.update(tree, their_state, params)
    # rsqrt, which Optax takes on a CPU, is good to 2^-22.
    chex.assert_trees_all_close(mixed, expected, rtol=2**-20)


class TestVariants(chex.TestCase):
    """One call, compiled and not, on one device and mapped."""

    @chex.variants(with_jit=True, without_jit=True, with_device=True, without_device=True)
    @parameterized.parameters("rmsprop", "adagrad")
    def test_update(self, name):
        optimizer = getattr(rmsprop, name)(0.5)
        params = {"w": jnp.array([1.0, -2.0])}
        state = self.variant(optimizer.init)(params)
        updates, state = self.variant(optimizer.update)({"w": jnp.array([3.0, 4.0])}, state)
        gradients = [np.array([3.0, 4.0])]
        if name == "rmsprop":
            expected = reference.rmsprop(np.zeros(2), gradients, lambda k: 0.5, lambda k: 0.9)
        else:
            expected = reference.adagrad(np.zeros(2), gradients, lambda k: 0.5)
        chex.assert_trees_all_close(updates["w"], expected.updates[0], rtol=2**-21)
        chex.assert_tree_all_finite(state)


def test_the_example_of_dive_into_deep_learning(x64):
    """Chapter 12.8: 0.1 x1^2 + 2 x2^2 from (-5, -2); the book prints -0.010599 for x1."""
    scale = np.array([0.2, 4.0])
    optimizer = rmsprop.rmsprop(0.4, decay=0.9, eps=1e-6)
    params = jnp.array([-5.0, -2.0])
    state = optimizer.init(params)
    expected, square_mean = np.array([-5.0, -2.0]), np.zeros(2)
    for _ in range(20):
        updates, state = optimizer.update(scale * params, state)
        params = optax.apply_updates(params, updates)
        g = scale * expected
        square_mean = 0.9 * square_mean + 0.1 * g**2
        expected = expected - 0.4 / np.sqrt(square_mean + 1e-6) * g
    # 20 steps with some ten roundings each, of numbers up to 5, at 1.1e-16.
    np.testing.assert_allclose(params, expected, rtol=0, atol=2e-13)
    assert f"{params[0]:.6f}" == "-0.010599"


def test_vmap_over_hyperparameters(rng):
    """A sweep is one vmap: every row is the run with those numbers."""
    gradients, params = jnp.asarray(_gradients(rng), jnp.float32), jnp.ones(7)
    rates, decays, momenta = jnp.array([0.1, 0.01]), jnp.array([0.9, 0.99]), jnp.array([0.0, 0.5])

    def train(rate, decay, eps, momentum):
        optimizer = rmsprop.rmsprop(rate, decay, eps, momentum=momentum)
        return _scan(optimizer, params, gradients)

    eps = jnp.array([1e-8, 1e-3])
    swept = jax.jit(jax.vmap(train))(rates, decays, eps, momenta)
    for row in range(2):
        alone = _run(
            rmsprop.rmsprop(
                float(rates[row]), float(decays[row]), float(eps[row]), momentum=float(momenta[row])
            ),
            params,
            gradients,
        )
        # A traced decay gives 1 - decay in float32: 2^-24 / (1 - decay) relative, and the average
        # remembers as many steps.
        _assert_close(swept[row], alone, 2**-24 * 10 / (1 - float(decays[row])))


def test_vmap_over_adagrad(rng):
    gradients, params = jnp.asarray(_gradients(rng), jnp.float32), jnp.ones(7)
    starts = jnp.array([0.01, 1.0])
    swept = jax.vmap(lambda start, eps: _scan(rmsprop.adagrad(0.1, start, eps), params, gradients))(
        starts, jnp.array([0.0, 1e-3])
    )
    for row, (start, eps) in enumerate([(0.01, 0.0), (1.0, 1e-3)]):
        alone = _run(rmsprop.adagrad(0.1, start, eps), params, gradients)
        _assert_close(swept[row], alone, 2**-24 * 3 * STEPS)


@pytest.mark.parametrize(
    "optimizer",
    [
        rmsprop.rmsprop(0.1),
        rmsprop.rmsprop(_schedule, momentum=0.9),
        rmsprop.rmsprop(0.1, centered=True),
        rmsprop.rmsprop(0.1, bias_correction=True),
        rmsprop.rmsprop(0.1, lambda k: 1 - 1 / (k + 1)),
        rmsprop.rmsprop(0.1, lambda k: 1 - 1 / (k + 1), centered=True),
        rmsprop.adagrad(0.1),
    ],
    ids=[
        "plain",
        "momentum",
        "centered",
        "corrected",
        "scheduled",
        "centered-scheduled",
        "adagrad",
    ],
)
def test_one_trace_and_donated_buffers(optimizer):
    """The state keeps structure and dtypes from init on, so that nothing is compiled twice."""
    chex.clear_trace_counter()  # chex counts by the name of the function
    params = {"w": jnp.ones((3, 4), jnp.bfloat16), "b": jnp.ones((), jnp.float32), "n": None}
    state = optimizer.init(params)
    expected = jax.tree.map(lambda x: (x.shape, x.dtype, x.weak_type), state)

    @chex.assert_max_traces(n=1)
    def step(params, state):
        gradients = jax.tree.map(lambda p: p.astype(jnp.float32) * 0.5, params)
        updates, state = optimizer.update(gradients, state, params)
        with jax.numpy_dtype_promotion("standard"):  # optax adds float32 to bfloat16
            return optax.apply_updates(params, updates), state

    step = jax.jit(step, donate_argnums=(0, 1))
    for _ in range(4):
        params, state = step(params, state)
    assert jax.tree.map(lambda x: (x.shape, x.dtype, x.weak_type), state) == expected
    assert params["w"].dtype == jnp.bfloat16
    chex.assert_tree_all_finite((params, state))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"learning_rate": float("nan")}, r"learning_rate is nan; it must be a finite number"),
        ({"learning_rate": np.float32("-inf")}, r"learning_rate is -inf"),
        ({"learning_rate": 1e39}, r"learning_rate is 1e\+39, which is infinite in float32"),
        ({"learning_rate": -1e39}, r"at most 3.4e\+38 in size"),
        ({"eps": 1e39}, r"eps is 1e\+39, which is infinite in float32"),
        ({"decay": 1.5}, r"decay is 1.5; .* at least 0 and below 1"),
        ({"decay": 1.0}, r"decay is 1.0"),
        ({"decay": -0.1}, r"decay is -0.1"),
        ({"eps": -1}, r"eps is -1.0; .* at least 0"),
        ({"momentum": 1.0}, r"momentum is 1.0; .* below 1"),
        ({"initial_scale": -1.0}, r"initial_scale is -1.0"),
        ({"decay": np.array([0.9, 0.99])}, r"decay has shape \(2,\); .* jax.vmap"),
        ({"nesterov": True}, r"nesterov=True without momentum"),
        ({"centered": True, "bias_correction": True}, r"bias_correction=True together with .*cent"),
        ({"decay": lambda k: 0.9, "bias_correction": True}, r"decay is a schedule"),
        ({"accumulator_dtype": jnp.float16}, r"accumulator_dtype is float16, .*jnp.bfloat16"),
        ({"accumulator_dtype": jnp.float64}, r"accumulator_dtype is float64, .*jax_enable_x64"),
    ],
)
def test_wrong_values_are_refused_when_built(arguments, message):
    with pytest.raises(ValueError, match=message):
        rmsprop.rmsprop(**{"learning_rate": 0.1, **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"learning_rate": "fast"}, r"learning_rate is 'fast', of type str; it must be a number"),
        ({"learning_rate": None}, r"learning_rate is None"),
        ({"learning_rate": True}, r"learning_rate is True, of type bool"),
        ({"decay": jnp.bfloat16(0.999)}, r"decay has arrived in bfloat16.*hyperparam_dtype"),
        ({"eps": np.float16(1e-3)}, r"eps has arrived in float16.*hyperparam_dtype=jnp.float32"),
        ({"momentum": jnp.float16(0.9)}, r"momentum has arrived in float16"),
        ({"learning_rate": jnp.asarray(0, jnp.int32)}, r"learning_rate has arrived in int32"),
        ({"learning_rate": jnp.bfloat16(0.1)}, r"learning_rate has arrived in bfloat16"),
        ({"initial_scale": jnp.bfloat16(1)}, r"initial_scale has arrived in bfloat16"),
        ({"eps_in_sqrt": "yes"}, r"eps_in_sqrt is 'yes'; .*True or False"),
        ({"accumulator_dtype": jnp.int32}, r"accumulator_dtype is int32"),
        ({"accumulator_dtype": "quick"}, r"accumulator_dtype is 'quick'"),
    ],
)
def test_wrong_types_are_refused_when_built(arguments, message):
    with pytest.raises(TypeError, match=message):
        rmsprop.rmsprop(**{"learning_rate": 0.1, **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"learning_rate": 1e39}, "learning_rate is 1e\\+39"),
        ({"initial_accumulator_value": -0.1}, "initial_accumulator_value is -0.1"),
        ({"eps": -1e-7}, "eps is -1e-07"),
    ],
)
def test_adagrad_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        rmsprop.adagrad(**{"learning_rate": 0.1, **arguments})


@pytest.mark.parametrize("make", [rmsprop.rmsprop, rmsprop.adagrad])
@pytest.mark.parametrize(
    "number",
    [float, np.float32, jnp.float32, lambda x: lambda count: x],
    ids=["float", "numpy", "jax", "schedule"],
)
def test_a_negative_rate_climbs(make, number):
    """Whatever kind of number it is: the step is that of the positive rate with the other sign."""
    gradient = jnp.array([0.5, -2.0, 0.0])
    up, down = make(number(-0.1)), make(number(0.1))
    state, other = up.init(gradient), down.init(gradient)
    for _ in range(3):
        updates, state = up.update(gradient, state)
        opposite, other = down.update(gradient, other)
        np.testing.assert_array_equal(updates, -opposite)
    assert (updates * gradient >= 0).all()
    assert updates[0] > 0


def test_what_is_infinite_in_float32_is_a_number_in_double_precision(x64):
    assert rmsprop.rmsprop(1e39).init(jnp.ones(2)) is not None


def test_what_follows_eps_is_by_keyword():
    with pytest.raises(TypeError, match="positional"):
        rmsprop.rmsprop(0.1, 0.9, 1e-8, 0.0)  # pyright: ignore[reportCallIssue]


def test_half_precision_is_refused_under_jit_and_from_a_schedule():
    params = jnp.ones(3)

    def init(decay):
        return rmsprop.rmsprop(0.1, decay).init(params)

    with pytest.raises(TypeError, match="decay has arrived in bfloat16"):
        jax.jit(init)(jnp.bfloat16(0.9))
    scheduled = rmsprop.rmsprop(lambda k: jnp.bfloat16(0.1))
    with pytest.raises(TypeError, match="learning_rate has arrived in bfloat16"):
        scheduled.update(params, scheduled.init(params))


def test_inject_hyperparams_with_bfloat16_parameters():
    """Optax makes the hyper-parameters bfloat16 there: refused with the remedy, which works."""
    params = jnp.ones(3, jnp.bfloat16)
    with pytest.raises(TypeError, match=r"hyperparam_dtype=jnp\.float32"):
        optax.inject_hyperparams(rmsprop.rmsprop)(0.1, decay=0.999).init(params)
    optimizer = optax.inject_hyperparams(rmsprop.rmsprop, hyperparam_dtype=jnp.float32)(
        0.1, decay=0.999
    )
    updates, state = optimizer.update(params, optimizer.init(params), params)
    assert updates.dtype == jnp.bfloat16
    # The traced decay makes 1 - 0.999 in float32, right to 2^-24 / 0.001.
    np.testing.assert_allclose(state.inner_state[0].nu, 0.001, rtol=2**-24 / 0.001)


@pytest.mark.parametrize("make", [rmsprop.rmsprop, rmsprop.adagrad])
@pytest.mark.parametrize("array", [jnp.zeros, np.zeros], ids=["jax", "numpy"])
def test_a_dtype_that_arrives_as_an_array_is_that_of_the_array(make, array):
    """`inject_hyperparams` calls the class `jnp.bfloat16`, as it calls a schedule."""
    narrow = array((), jnp.bfloat16)
    found, expected = (
        make(0.1, accumulator_dtype=dtype).init(jnp.ones(2)) for dtype in (narrow, jnp.bfloat16)
    )
    assert _types(found) == _types(expected)
    with pytest.raises(ValueError, match="accumulator_dtype is float16"):
        make(0.1, accumulator_dtype=array((), jnp.float16))


@pytest.mark.parametrize("make", [rmsprop.rmsprop, rmsprop.adagrad])
@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.dtype(jnp.bfloat16), "bfloat16"], ids=str)
def test_an_accumulator_dtype_is_injected(make, dtype):
    """Optax 0.2.5 makes a float32 number of the class; a dtype and a name arrive as they are."""
    optimizer = optax.inject_hyperparams(make)(learning_rate=0.1, accumulator_dtype=dtype)
    params = jnp.ones(2)
    injected = optimizer.init(params)
    _, after = optimizer.update(params, injected, params)
    arrived = injected.hyperparams.get("accumulator_dtype", jnp.zeros((), jnp.bfloat16)).dtype
    assert arrived == jnp.bfloat16 or isinstance(dtype, type)
    expected = _types(make(0.1, accumulator_dtype=arrived).init(params))
    assert _types(injected.inner_state) == _types(after.inner_state) == expected


def _types(tree):
    return jax.tree.map(lambda x: (x.shape, x.dtype), tree)


def test_learning_rate_is_not_rounded_to_half_precision():
    """Optax's schedules make 1e-3 9.9945e-4 in bfloat16; here only the product is rounded."""
    gradient = jnp.asarray([1.0, 3.0, 7.0], jnp.bfloat16)
    for rate in (1e-3, lambda k: 1e-3 + 0.0 * k.astype(jnp.float32)):
        optimizer = rmsprop.adagrad(rate, 0.0, 0.0)
        updates, _ = optimizer.update(gradient, optimizer.init(gradient))
        expected = jnp.full(3, -1e-3, jnp.float32).astype(jnp.bfloat16)
        chex.assert_trees_all_equal(updates, expected)


def test_complex_learning_rate_is_read_by_its_real_part():
    gradient = jnp.array([3.0 + 4.0j])
    optimizer = rmsprop.adagrad(jnp.asarray(0.1 + 0.0j), 0.0, 0.0)
    updates, state = optimizer.update(gradient, optimizer.init(gradient))
    np.testing.assert_allclose(updates, [-0.06 - 0.08j], rtol=2**-21)
    assert state[0].sum_of_squares.dtype == jnp.float32
    np.testing.assert_allclose(state[0].sum_of_squares, 25.0, rtol=2**-22)
