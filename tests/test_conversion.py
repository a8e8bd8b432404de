"""An option changes in the middle of a run, and the run goes on with the right numbers."""

import textwrap
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import reference
import rmsprop
import several_devices
from rmsprop import convert_state, frameworks

STEPS, SWITCH = 12, 7
# The factors that are read off trial steps, and the steps of both optimizers: each some roundings
# of float32, relative to the largest value that a coordinate goes through.
TOLERANCE = 2**-24 * 16 * STEPS


def constant(value):
    return lambda k: value


def falling(count):
    """A schedule, in JAX and in NumPy."""
    return 0.1 / (1 + 0.5 * (count * 1.0 if isinstance(count, int) else count.astype(jnp.float32)))


@pytest.fixture
def problem(rng):
    """Parameters, and the gradients of all steps, of sizes that differ from leaf to leaf."""
    shapes = {"w": (2, 3), "b": (3,), "s": ()}
    params = {name: jnp.asarray(rng.normal(size=s), jnp.float32) for name, s in shapes.items()}
    gradients = [
        {
            name: jnp.asarray(10.0**-i * rng.normal(1, 1, size=s), jnp.float32)
            for i, (name, s) in enumerate(shapes.items())
        }
        for _ in range(STEPS)
    ]
    return params, gradients


def run(optimizer, params, gradients, state=None):
    """The parameters after the last step, and the state."""
    update = jax.jit(optimizer.update)
    state = optimizer.init(params) if state is None else state
    for gradient in gradients:
        updates, state = update(gradient, state, params)
        params = optax.apply_updates(params, updates)
    return params, state


def switch(old, new, params, gradients, **options):
    """A run that begins with the old optimizer and goes on with the new one."""
    params, state = run(old, params, gradients[:SWITCH])
    state = convert_state(state, params, old, new, **options)
    assert_is_a_state_of(state, new, params)
    return run(new, params, gradients[SWITCH:], state)[0]


def assert_is_a_state_of(state, optimizer, params):
    expected = jax.eval_shape(optimizer.init, params)
    assert jax.tree.structure(state) == jax.tree.structure(expected)
    for array, other in zip(jax.tree.leaves(state), jax.tree.leaves(expected), strict=True):
        assert (array.shape, array.dtype) == (other.shape, other.dtype)


def assert_close(params, expected, tolerance=TOLERANCE):
    for name, leaf in expected.items():
        leaf = np.asarray(leaf, np.float64)
        limit = tolerance * max(1.0, np.max(np.abs(leaf)))
        np.testing.assert_allclose(params[name], leaf, rtol=0, atol=limit)


def assert_equal(tree, expected):
    assert jax.tree.structure(tree) == jax.tree.structure(expected)
    jax.tree.map(np.testing.assert_array_equal, tree, expected)


def by_hand(function, params, gradients, *arguments, **options):
    """The parameters at the end of a run of a NumPy loop in float64."""
    after = {}
    for name, leaf in params.items():
        stream = [np.asarray(gradient[name], np.float64) for gradient in gradients]
        out = function(np.asarray(leaf, np.float64), stream, *arguments, **options)
        after[name] = out.params[-1]
    return after


def test_the_same_optimizer_keeps_the_bits(problem):
    optimizer = rmsprop.rmsprop(falling, momentum=0.9, bias_correction=True)
    params, state = run(optimizer, *problem)
    assert_equal(convert_state(state, params, optimizer, optimizer), state)


@pytest.mark.parametrize("momentum", [None, 0.9])
def test_a_rate_becomes_a_schedule(problem, momentum):
    """The run is that of the schedule which was constant until then, to the bit."""
    after = optax.join_schedules([optax.constant_schedule(0.1), falling], [SWITCH])
    new = rmsprop.rmsprop(after, momentum=momentum)
    params = switch(rmsprop.rmsprop(0.1, momentum=momentum), new, *problem, step=SWITCH)
    assert_equal(params, run(new, *problem)[0])


def test_a_schedule_becomes_a_rate(problem):
    schedule = optax.join_schedules([falling, optax.constant_schedule(0.02)], [SWITCH])
    old = rmsprop.rmsprop(schedule)
    params = switch(old, rmsprop.rmsprop(0.02), *problem)
    assert_close(params, run(old, *problem)[0], 2**-24)  # a rate is a float, or an array
    state = convert_state(run(old, *problem)[1], problem[0], old, rmsprop.rmsprop(0.02), step=STEPS)
    assert state[1] == optax.EmptyState()


def test_accumulators_are_rounded_to_nearest_once_and_widened_exactly(problem):
    wide = rmsprop.rmsprop(0.1, momentum=0.9, centered=True)
    narrow = rmsprop.rmsprop(0.1, momentum=0.9, centered=True, accumulator_dtype=jnp.bfloat16)
    params, state = run(wide, *problem)
    converted = convert_state(state, params, wide, narrow, step=STEPS)
    assert_is_a_state_of(converted, narrow, params)
    assert converted[0].count == converted[2].count == STEPS
    for before, after in (
        (state[0].mu, converted[0].mu),
        (state[0].var, converted[0].var),
        (state[2].trace, converted[2].trace),
    ):
        nearest = jax.tree.map(lambda x: np.asarray(x).astype(jnp.bfloat16), before)
        assert_equal(after, nearest)
    back = convert_state(converted, params, narrow, wide)
    assert_is_a_state_of(back, wide, params)
    assert_equal(back[0].var, jax.tree.map(lambda x: x.astype(jnp.float32), converted[0].var))


def test_a_saturated_accumulator_stays_finite():
    old = rmsprop.rmsprop(0.1)
    new = rmsprop.rmsprop(0.1, accumulator_dtype=jnp.bfloat16)
    x = jnp.ones(2)
    state = (optax.ScaleByRmsState(jnp.full(2, jnp.finfo(jnp.float32).max)), *old.init(x)[1:])
    assert np.isfinite(convert_state(state, x, old, new, step=3)[0].nu.astype(jnp.float32)).all()
    total = convert_state(state, x, old, rmsprop.adagrad(0.1), step=3)[0].sum_of_squares
    assert (total == jnp.finfo(jnp.float32).max).all()


@pytest.mark.parametrize("corrected", [True, False])
@pytest.mark.parametrize("decay", [0.5, 0.9, 0.999])
def test_bias_correction_is_switched(problem, corrected, decay):
    """Against a NumPy loop that corrects the average until the switch, or from then on."""
    old = rmsprop.rmsprop(0.1, decay, bias_correction=corrected)
    new = rmsprop.rmsprop(0.1, decay, bias_correction=not corrected)
    options = {} if corrected else {"step": SWITCH}
    params = switch(old, new, *problem, **options)
    for name, leaf in problem[0].items():
        p, v = np.asarray(leaf, np.float64), np.zeros(leaf.shape)
        for k, gradient in enumerate(problem[1]):
            if k == SWITCH:
                v = v / (1 - decay**k) if corrected else v * (1 - decay**k)
            g = np.asarray(gradient[name], np.float64)
            v = decay * v + (1 - decay) * g**2
            is_corrected = corrected == (k < SWITCH)
            p = p - 0.1 * g / np.sqrt(v / (1 - decay ** (k + 1) if is_corrected else 1) + 1e-8)
        # 1 - decay**t is rounded in float32, where decay is near one.
        np.testing.assert_allclose(params[name], p, rtol=0, atol=TOLERANCE + 2**-24 / (1 - decay))


@pytest.mark.standard_promotion("Optax multiplies by counts here")
@pytest.mark.parametrize("make", [rmsprop.rmsprop, optax.rmsprop])
def test_the_denominators_go_on_where_bias_correction_is_switched(make):
    """On a gradient of constant size every corrected step has the length of the rate."""
    x, gradients = {"x": jnp.zeros(3)}, [{"x": jnp.array([4.0, -1.0, 0.3])}] * STEPS
    old, new = make(0.25, bias_correction=True), rmsprop.rmsprop(0.25)
    params, state = run(old, x, gradients[:SWITCH])
    state = convert_state(state, params, old, new)
    updates, _ = new.update(gradients[0], state, params)
    np.testing.assert_allclose(np.abs(updates["x"]), 0.25, rtol=1e-6)


def test_bias_correction_is_switched_in_a_state_of_the_same_structure(problem):
    """In bfloat16 both states count steps, so that the structure does not tell."""
    old, new = (
        rmsprop.rmsprop(0.1, bias_correction=corrected, accumulator_dtype=jnp.bfloat16)
        for corrected in (False, True)
    )
    params, state = run(old, problem[0], problem[1][:3])
    converted = convert_state(state, params, old, new)
    for name, nu in state[0].nu.items():
        expected = np.asarray(nu, np.float64) * (1 - 0.9**3)
        np.testing.assert_allclose(
            np.asarray(converted[0].nu[name], np.float64), expected, rtol=2**-8
        )


def test_two_averages_in_a_chain_are_told_apart():
    """The second sees signs alone, so that both corrected averages are known."""
    old, new = (
        optax.chain(
            rmsprop.scale_by_rms(0.9, bias_correction=corrected),
            rmsprop.scale_by_rms(0.5, bias_correction=corrected),
        )
        for corrected in (True, False)
    )
    x, gradient = {"x": jnp.zeros(2)}, {"x": jnp.array([4.0, -0.5])}
    params, state = run(old, x, [gradient] * 3)
    first, second = convert_state(state, params, old, new)
    np.testing.assert_allclose(first.nu["x"], np.square(gradient["x"]), rtol=2e-6)
    np.testing.assert_allclose(second.nu["x"], 1, rtol=2e-6)


def test_a_scheduled_decay_is_no_bias_correction(problem):
    old = rmsprop.rmsprop(0.1, lambda count: 1 - 1 / (2 + count.astype(jnp.float32)))
    params, state = run(old, *problem)
    converted = convert_state(state, params, old, rmsprop.rmsprop(0.1))
    assert_equal(converted[0].nu, state[0].nu)


def test_momentum_is_switched_on_and_off(problem):
    plain, heavy = rmsprop.rmsprop(0.1), rmsprop.rmsprop(0.1, momentum=0.9)
    params, state = run(plain, *problem)
    on = convert_state(state, params, plain, heavy)
    assert_equal(on[0], state[0])
    assert not any(np.any(leaf) for leaf in jax.tree.leaves(on[2]))
    params, state = run(heavy, *problem)
    assert_equal(convert_state(state, params, heavy, plain), (state[0], *plain.init(params)[1:]))


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("before", [True, False])
def test_the_rate_changes_its_place(problem, before, nesterov):
    """With a constant rate the place makes no difference: the run is that of one optimizer."""
    options = {"momentum": 0.9, "nesterov": nesterov, "decay": 0.95}
    old = rmsprop.rmsprop(0.03, lr_in_momentum=before, **options)
    new = rmsprop.rmsprop(0.03, lr_in_momentum=not before, **options)
    params = switch(old, new, *problem)
    decay = options.pop("decay")
    expected = by_hand(reference.rmsprop, *problem, constant(0.03), constant(decay), **options)
    assert_close(params, expected)


@pytest.mark.parametrize("before", [True, False])
def test_the_buffer_moves_the_parameters_as_far_as_before(problem, before):
    """The step of a zero gradient is the same, at the rate of the coming step of a schedule."""
    old = rmsprop.rmsprop(falling, momentum=0.9, lr_in_momentum=before)
    new = rmsprop.rmsprop(falling, momentum=0.9, lr_in_momentum=not before)
    params, state = run(old, *problem)
    zeros = jax.tree.map(jnp.zeros_like, params)
    converted = convert_state(state, params, old, new)
    ours, theirs = (
        optimizer.update(zeros, s, params)[0] for optimizer, s in ((new, converted), (old, state))
    )
    assert_close(ours, theirs)


def test_the_place_of_the_rate_and_momentum_change_together(problem):
    """Another coefficient and Nesterov's step say nothing of what the buffer holds."""
    old = rmsprop.rmsprop(0.5, momentum=0.9, nesterov=True, lr_in_momentum=False)
    new = rmsprop.rmsprop(0.125, momentum=0.25)
    params, state = run(old, *problem)
    converted = convert_state(state, params, old, new)
    for name, buffer in state[1].trace.items():
        np.testing.assert_allclose(converted[2].trace[name], -0.5 * buffer, rtol=2**-20)


@pytest.mark.parametrize("before", [True, False])
def test_a_coming_rate_of_zero_is_refused(problem, before):
    """Nothing that the buffer holds moves the parameters then; at the beginning it is empty."""
    rates = optax.join_schedules(
        [optax.constant_schedule(rate) for rate in (0.0, 0.1, 0.0, 0.1)], [1, 3, 4]
    )
    old = rmsprop.rmsprop(rates, momentum=0.9, lr_in_momentum=before)
    new = rmsprop.rmsprop(rates, momentum=0.9, lr_in_momentum=not before)
    assert_equal(convert_state(old.init(problem[0]), problem[0], old, new), new.init(problem[0]))
    params, state = run(old, problem[0], problem[1][:3])
    name = "new" if before else "old"
    with pytest.raises(ValueError, match=f"`{name}`, .* does not move the parameters at step 4"):
        convert_state(state, params, old, new)


@pytest.mark.parametrize("inside", [True, False])
def test_another_rate_and_momentum_leave_the_buffer(problem, inside):
    """Where the place of the rate stays, the buffer holds what it held."""
    old = rmsprop.rmsprop(0.5, momentum=0.9, lr_in_momentum=inside)
    rates = optax.constant_schedule(0.125)
    new = rmsprop.rmsprop(rates, momentum=0.5, nesterov=True, lr_in_momentum=inside)
    params, state = run(old, *problem)
    converted = convert_state(state, params, old, new, step=STEPS)
    place = 2 if inside else 1
    assert_equal(converted[place], state[place])


def test_a_caution_that_masks_steps_does_not_hide_the_rate(problem):
    old = frameworks.timm.rmsprop_tf(0.1, momentum=0.9, caution=True, lr_in_momentum=False)
    new = frameworks.timm.rmsprop_tf(0.1, momentum=0.9, caution=True, lr_in_momentum=True)
    params, state = run(old, *problem)
    (before,), (after,) = (
        jax.tree.leaves([x for x in s.inner if isinstance(x, optax.TraceState)])[:1]
        for s in (state, convert_state(state, params, old, new))
    )
    np.testing.assert_allclose(after, -0.1 * before, rtol=2**-20)


def test_the_centered_state_of_optax_is_continued(problem):
    old = optax.rmsprop(0.1, 0.9, 0.01, centered=True, momentum=0.9)
    new = rmsprop.rmsprop(0.1, 0.9, 0.01, centered=True, momentum=0.9)
    expected = by_hand(
        reference.rmsprop,
        *problem,
        constant(0.1),
        constant(0.9),
        0.01,
        centered=True,
        momentum=0.9,
    )
    assert_close(switch(old, new, *problem), expected)
    assert_close(switch(new, old, *problem), expected)


def test_a_negative_variance_of_optax_becomes_zero():
    new = rmsprop.rmsprop(0.1, centered=True)
    old, x = optax.rmsprop(0.1, centered=True), jnp.ones(1)
    mean = jnp.full(1, 3.0)
    state = (optax.ScaleByRStdDevState(mean, jnp.full(1, 8.999)), *old.init(x)[1:])
    assert convert_state(state, x, old, new)[0] == rmsprop.ScaleByStddevState(
        mu=mean, var=jnp.zeros(1)
    )


@pytest.mark.standard_promotion("Optax multiplies by counts here")
def test_a_corrected_centered_state_of_optax_is_continued():
    """Both of its averages are divided, so that mean and variance are those of all gradients."""
    new = rmsprop.rmsprop(0.1, centered=True)
    old = optax.rmsprop(0.1, 0.75, centered=True, bias_correction=True)
    x = jnp.ones(1)
    state = old.init(x)
    state = (state[0]._replace(count=jnp.asarray(2, jnp.int32)), *state[1:])
    weight = 1 - 0.75**2
    state = (
        state[0]._replace(mu=jnp.full(1, 2.0 * weight), nu=jnp.full(1, 5.0 * weight)),
        *state[1:],
    )
    converted = convert_state(state, x, old, new)
    np.testing.assert_allclose(converted[0].mu, 2, rtol=1e-6)
    np.testing.assert_allclose(converted[0].var, 1, rtol=1e-5)


def test_a_centered_optimizer_goes_on_without_the_mean(problem):
    """As if it had never been centered, for the average of the squares is in the variance."""
    new = rmsprop.scale_by_rms(0.9)
    old = rmsprop.scale_by_stddev(0.9)
    params, state = problem[0], old.init(problem[0])
    other = new.init(params)
    for gradient in problem[1]:
        _, state = old.update(gradient, state)
        _, other = new.update(gradient, other)
    assert_close(convert_state(state, params, old, new).nu, other.nu)


def test_rmsprop_becomes_adagrad_and_back(problem):
    """The mean of the squares stays; on gradients of constant size it is known."""
    sizes = {"x": jnp.array([4.0, 1.0, 0.5])}
    old, new = rmsprop.rmsprop(0.1, bias_correction=True), rmsprop.adagrad(0.1, 0.25)
    params, state = run(old, {"x": jnp.zeros(3)}, [sizes] * 5)
    converted = convert_state(state, params, old, new)
    total = converted[0].sum_of_squares["x"]
    np.testing.assert_allclose(total, 0.25 + 5 * np.square(sizes["x"]), rtol=1e-6)
    # As if AdaGrad had seen them.
    assert_close(converted[0].sum_of_squares, run(new, params, [sizes] * 5)[1][0].sum_of_squares)
    for plain in (rmsprop.rmsprop(0.1), optax.rmsprop(0.1)):
        back = convert_state(converted, params, new, plain, step=5)
        np.testing.assert_allclose(back[0].nu["x"], np.square(sizes["x"]), rtol=1e-6)
        again = convert_state(back, params, plain, rmsprop.adagrad(0.1, 0.0), step=10)
        np.testing.assert_allclose(
            again[0].sum_of_squares["x"], 10 * np.square(sizes["x"]), rtol=1e-6
        )


def test_adagrad_becomes_rmsprop_with_bias_correction():
    """On a gradient of constant size every corrected step has the length of the rate."""
    gradient = {"x": jnp.array([4.0, -1.0, 0.3])}
    old, new = rmsprop.adagrad(0.1, 0.5), rmsprop.rmsprop(0.25, bias_correction=True)
    params, state = run(old, {"x": jnp.zeros(3)}, [gradient] * 4)
    state = convert_state(state, params, old, new, step=4)
    assert state[0].count == 4
    updates, _ = new.update(gradient, state, params)
    np.testing.assert_allclose(np.abs(updates["x"]), 0.25, rtol=1e-6)


def test_before_the_first_step_the_new_optimizer_begins_as_it_would(problem):
    params = problem[0]
    old, new = rmsprop.adagrad(0.1, 0.5), rmsprop.rmsprop(falling, initial_scale=1.0)
    state = convert_state(old.init(params), params, old, new, step=0)
    assert_equal(state, new.init(params))


# Each takes an optimizer and returns the same one inside of others.
WRAPPERS = {
    "chain": lambda o: optax.chain(optax.clip_by_global_norm(100.0), o, optax.identity()),
    "nested": lambda o: optax.chain(optax.identity(), optax.chain(optax.chain(o))),
    "extra arguments": optax.with_extra_args_support,
    "masked": lambda o: optax.masked(o, {"w": True, "b": True, "s": False}),
    "mask of a function": lambda o: optax.masked(
        o, lambda params: jax.tree.map(lambda p: p.size > 1, params)
    ),
    "partition": lambda o: optax.partition(
        {"train": o, "freeze": optax.set_to_zero()}, {"w": "train", "b": "train", "s": "freeze"}
    ),
    "multi_transform": lambda o: optax.multi_transform(
        {"train": o, "other": optax.sgd(0.1, momentum=0.9)},
        {"w": "train", "b": "train", "s": "other"},
    ),
    "MultiSteps": lambda o: optax.MultiSteps(o, 3).gradient_transformation(),
    "apply_if_finite": lambda o: optax.apply_if_finite(o, 2),
    "before an average": lambda o: optax.chain(o, optax.ema(0.5)),
}


@pytest.mark.slow
@pytest.mark.standard_promotion("Optax multiplies by counts here")
@pytest.mark.parametrize("name", WRAPPERS)
def test_inside_of_chains_and_wrappers(problem, name):
    """The place of the rate changes where it makes no difference, and a count comes or goes."""
    wrap = WRAPPERS[name]
    old = wrap(rmsprop.rmsprop(0.05, momentum=0.9, lr_in_momentum=False))
    new = wrap(rmsprop.rmsprop(optax.constant_schedule(0.05), momentum=0.9))
    # MultiSteps counts the steps itself, two until the switch.
    step = {} if name == "MultiSteps" else {"step": SWITCH}
    expected = run(old, *problem)[0]
    assert_close(switch(old, new, *problem, **step), expected)
    assert_close(switch(new, old, *problem), expected)


@pytest.mark.standard_promotion("Optax multiplies by counts here")
@pytest.mark.parametrize("name", WRAPPERS)
def test_bias_correction_inside_of_chains_and_wrappers(name):
    """It is read off trial steps, whatever gates or masks them."""
    params = {"w": jnp.zeros(2), "b": jnp.zeros(3), "s": jnp.zeros(())}
    gradients = [jax.tree.map(lambda p: jnp.full_like(p, 3.0), params)] * 6
    old = WRAPPERS[name](rmsprop.rmsprop(0.1, bias_correction=True))
    new = WRAPPERS[name](rmsprop.rmsprop(0.1))
    _, state = run(old, params, gradients)
    (nu,) = _all(convert_state(state, params, old, new), optax.ScaleByRmsState)
    np.testing.assert_allclose(nu.nu["w"], 3.0**2, rtol=1e-6)


def _all(state, kind):
    """The parts of a state that are of a class."""
    parts = jax.tree.leaves(state, is_leaf=lambda node: isinstance(node, kind))
    return [part for part in parts if isinstance(part, kind)]


@pytest.mark.standard_promotion("Optax multiplies by counts here")
def test_the_states_around_stay(problem):
    wrap = WRAPPERS["before an average"]
    old, new = wrap(rmsprop.rmsprop(0.1)), wrap(rmsprop.rmsprop(0.1, momentum=0.9))
    params, state = run(old, *problem)
    assert_equal(convert_state(state, params, old, new)[1], state[1])
    multi = [optax.MultiSteps(o, 5).gradient_transformation() for o in (old, new)]
    params, state = run(multi[0], *problem)
    converted = convert_state(state, params, *multi)
    assert_equal(converted.acc_grads, state.acc_grads)
    assert converted.mini_step == STEPS % 5


def test_injected_hyper_parameters(problem):
    """What was set in the state stays, and the rest is as the new optimizer has it."""
    wrapper = optax.inject_hyperparams(rmsprop.rmsprop, static_args=("momentum", "lr_in_momentum"))
    old = wrapper(0.1, decay=0.9, momentum=0.9, lr_in_momentum=False)
    new = wrapper(0.2, decay=0.95, momentum=0.9)
    params, state = run(old, *problem)
    state.hyperparams["learning_rate"] = jnp.asarray(0.025)
    converted = convert_state(state, params, old, new)
    assert_is_a_state_of(converted, new, params)
    assert converted.hyperparams["learning_rate"] == 0.025
    assert converted.hyperparams["decay"] == np.float32(0.95)
    assert converted.count == STEPS
    for name, buffer in state.inner_state[1].trace.items():
        expected = -0.025 * buffer  # at the rate of the state, not at that of `old`
        np.testing.assert_allclose(converted.inner_state[2].trace[name], expected, rtol=2**-20)
    assert state.hyperparams["decay"] == np.float32(0.9)


def test_an_injected_rate_becomes_a_schedule_and_back(problem):
    wrapper = optax.inject_hyperparams(rmsprop.rmsprop)
    old, new = wrapper(0.1), wrapper(falling)
    params, state = run(old, *problem)
    converted = convert_state(state, params, old, new)
    assert converted.hyperparams_states["learning_rate"].count == STEPS
    _, after = new.update(problem[1][0], converted, params)
    np.testing.assert_allclose(after.hyperparams["learning_rate"], falling(STEPS), rtol=2**-22)
    back = convert_state(converted, params, new, old)
    assert back.hyperparams["learning_rate"] == np.float32(0.1)
    assert back.hyperparams_states == {}


@pytest.mark.parametrize("to", ["tensorflow", "timm", "rmsprop"])
def test_a_port_becomes_another(problem, to):
    """Of the same formula, but for the place of the rate and the nesting of the chain."""
    old = frameworks.torch.rmsprop(0.02, alpha=0.9, eps=0.0, momentum=0.9)
    new = {
        "tensorflow": frameworks.tensorflow.rmsprop(0.02, 0.9, 0.9, 0.0),
        "timm": frameworks.timm.rmsprop_tf(0.02, 0.9, 0.0, momentum=0.9),
        "rmsprop": rmsprop.rmsprop(0.02, 0.9, 0.0, momentum=0.9),
    }[to]
    expected = run(old, *problem)[0]
    assert_close(switch(old, new, *problem), expected)


def test_numbers_of_complex_leaves_and_of_optax(problem):
    """Optax's averages of complex gradients are complex, with no imaginary part."""
    params = {"z": jnp.ones(3, jnp.complex64), "n": None}
    gradients = [{"z": jnp.array([3 + 4j, 1j, 2.0], jnp.complex64), "n": None}] * 3
    old, new = optax.rmsprop(0.1), rmsprop.rmsprop(0.1)
    _, state = run(new, params, gradients)
    theirs = (optax.ScaleByRmsState(jax.tree.map(jnp.complex64, state[0].nu)), *state[1:])
    converted = convert_state(theirs, params, old, new)
    assert_equal(converted, state)
    total = convert_state(theirs, params, old, rmsprop.adagrad(0.1, 0.5), step=3)[0]
    np.testing.assert_allclose(total.sum_of_squares["z"], 0.5 + 3 * state[0].nu["z"], rtol=1e-6)
    centered = rmsprop.rmsprop(0.1, centered=True, momentum=0.9)
    _, state = run(centered, params, gradients)
    mean, var = state[0].mu["z"], state[0].var["z"]
    converted = convert_state(state, params, centered, new)
    np.testing.assert_allclose(converted[0].nu["z"], var + np.abs(mean) ** 2, rtol=1e-6)


@pytest.mark.standard_promotion("Optax multiplies by counts here")
def test_torch_treats_the_parts_of_a_complex_leaf_apart():
    params = {"z": jnp.zeros(3, jnp.complex64)}
    gradients = [{"z": jnp.array([3 + 4j, 1 - 1j, 2 + 1j], jnp.complex64)}] * 3
    old = frameworks.torch.rmsprop(0.25, momentum=0.5)
    scheduled = frameworks.torch.rmsprop(optax.constant_schedule(0.25), momentum=0.5)
    _, state = run(old, params, gradients)
    converted = convert_state(state, params, old, scheduled, step=3)
    assert_is_a_state_of(converted, scheduled, params)
    (before,), (after,) = (_all(s, optax.TraceState) for s in (state, converted))
    assert_equal(before, after)


@pytest.mark.parametrize("is_masked", [True, False], ids=["masked", "left alone"])
@pytest.mark.parametrize("leaf", ["integer", "key"])
def test_what_is_not_trained_has_no_state_after_a_conversion(leaf, is_masked):
    """Behind a mask, and where the optimizer itself keeps None for it."""
    other = jnp.ones(2, jnp.int32) if leaf == "integer" else jax.random.key(0)
    params = {"w": jnp.ones(2), "other": other}
    old, new = (
        rmsprop.rmsprop(0.1, momentum=0.9, lr_in_momentum=inside) for inside in (True, False)
    )
    if is_masked:
        old, new = (optax.masked(each, {"w": True, "other": False}) for each in (old, new))
    state = convert_state(old.init(params), params, old, new)
    assert_is_a_state_of(state, new, params)


def test_the_state_of_a_table_is_converted_as_a_dense_one():
    """`to_dense`, the conversion and `from_dense`: here a rate becomes a schedule."""
    table, ids, gradients = jnp.ones((5, 2)), jnp.array([1, 3]), jnp.ones((2, 2))
    rates = optax.constant_schedule(0.1)
    old, new = rmsprop.rows.rmsprop(0.1), rmsprop.rows.rmsprop(rates)
    moved, state = old.step(table, old.init(table), ids, gradients)
    dense = (rmsprop.rmsprop(0.1), rmsprop.rmsprop(rates))
    converted = new.from_dense(convert_state(old.to_dense(state), moved, *dense, step=1))
    assert_equal(
        new.step(moved, converted, ids, gradients)[0], old.step(moved, state, ids, gradients)[0]
    )


def test_a_state_of_numpy_arrays_is_converted(problem):
    old, new = rmsprop.rmsprop(0.1), rmsprop.rmsprop(0.1, momentum=0.9)
    params, state = run(old, *problem)
    saved = jax.tree.map(np.asarray, state)
    assert_equal(convert_state(saved, params, old, new)[0], state[0])


def test_double_precision_stays(x64):
    x = {"x": jnp.array([1.0, 2.0], jnp.float64)}
    old, new = rmsprop.rmsprop(0.1, bias_correction=True), rmsprop.rmsprop(0.1)
    _, state = run(old, x, [x] * 3)
    converted = convert_state(state, x, old, new)
    np.testing.assert_allclose(converted[0].nu["x"], np.square(x["x"]), rtol=1e-14)


@pytest.mark.slow
def test_arrays_stay_on_their_devices():
    """Those of the old state, and new ones where the parameters are."""
    script = """
        import jax, jax.numpy as jnp, numpy as np, rmsprop
        from jax.sharding import Mesh, NamedSharding, PartitionSpec
        mesh = Mesh(np.array(jax.devices()), ("d",))
        sharding = NamedSharding(mesh, PartitionSpec("d"))
        params = jax.device_put(jnp.ones((16, 3)), sharding)
        old = rmsprop.rmsprop(0.1, bias_correction=True)
        new = rmsprop.rmsprop(0.1, momentum=0.9, accumulator_dtype=jnp.bfloat16)
        _, state = jax.jit(old.update)(params, old.init(params), params)
        state = rmsprop.convert_state(state, params, old, new)
        for x in (state[0].nu, state[2].trace):
            assert x.sharding.is_equivalent_to(sharding, 2), x.sharding
        total = rmsprop.convert_state(state, params, new, rmsprop.adagrad(0.1))[0].sum_of_squares
        assert total.sharding.is_equivalent_to(sharding, 2), total.sharding
        print("same")
    """
    out = several_devices.run(["-c", textwrap.dedent(script)], several_devices.environment(4))
    assert out.stdout == "same\n", out.stderr


def test_the_state_of_a_flax_optimizer():
    nnx = pytest.importorskip("flax.nnx")
    old, new = rmsprop.rmsprop(0.1), rmsprop.rmsprop(0.1, momentum=0.9)
    model = nnx.Linear(2, 3, rngs=nnx.Rngs(0))
    before = nnx.Optimizer(model, old, wrt=nnx.Param)
    before.update(model, jax.tree.map(jnp.ones_like, nnx.state(model, nnx.Param)))
    params = nnx.as_pure(nnx.state(model, nnx.Param))
    state = convert_state(nnx.as_pure(before.opt_state), params, old, new)
    assert_is_a_state_of(state, new, params)
    after = nnx.Optimizer(model, new, wrt=nnx.Param)
    nnx.update(after.opt_state, nnx.state(state))
    assert_equal(nnx.as_pure(after.opt_state)[0].nu, nnx.as_pure(before.opt_state)[0].nu)


RMSPROP, ADAGRAD = rmsprop.rmsprop(0.1), rmsprop.adagrad(0.1)
SCHEDULED, HEAVY = rmsprop.rmsprop(falling), rmsprop.rmsprop(0.1, momentum=0.9)
CENTERED = rmsprop.rmsprop(0.1, centered=True)
CORRECTED = rmsprop.rmsprop(0.1, bias_correction=True)
X = {"x": jnp.ones(2)}


@pytest.mark.parametrize(
    ("old", "new", "options", "message"),
    [
        (RMSPROP, CENTERED, {}, r"ScaleByRmsState at state\[0\] has no mean .* go on uncentered"),
        (ADAGRAD, CENTERED, {"step": 3}, "ScaleByRssState .* has no mean"),
        (RMSPROP, SCHEDULED, {}, r"step is missing.*has no count\. Pass step="),
        (RMSPROP, CORRECTED, {}, r"step is missing: the conversion of ScaleByRmsState"),
        (RMSPROP, ADAGRAD, {}, "step is missing"),
        (
            HEAVY,
            # Whose rate is zero at the first step, which is not to be taken for the present one.
            rmsprop.rmsprop(
                optax.linear_schedule(0.0, 0.1, 10), momentum=0.9, lr_in_momentum=False
            ),
            {},
            "step is missing",
        ),
        (CORRECTED, RMSPROP, {"step": 3}, "step is 3, but the state counts 0 steps. Leave"),
        (RMSPROP, optax.adam(0.1), {}, r"`new` has ScaleByAdamState at state\[0\], and the state"),
        (optax.adam(0.1), CENTERED, {}, r"the state has ScaleByAdamState at state\[0\], and `new`"),
        (optax.chain(RMSPROP, optax.ema(0.9)), RMSPROP, {}, "the state has EmaState"),
        (RMSPROP, optax.MultiSteps(RMSPROP, 2), {}, "`new` has MultiStepsState"),
        (
            optax.named_chain(("a", RMSPROP)),
            optax.named_chain(("b", RMSPROP)),
            {},
            r"\['a'\].*\['b'\]",
        ),
        (HEAVY, optax.chain(optax.trace(0.9), HEAVY), {}, "`new` has TraceState"),
        (
            rmsprop.rmsprop(0.0, momentum=0.9),
            rmsprop.rmsprop(0.0, momentum=0.9, lr_in_momentum=False),
            {},
            "trial steps of `old`.* TraceState .* does not move the parameters at step 1",
        ),
    ],
)
def test_what_has_no_meaning_is_refused(old, new, options, message):
    with pytest.raises(ValueError, match=message):
        convert_state(old.init(X), X, old, new, **options)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rmsprop_variant", "multiplied by a factor that grows with the steps"),
        ("sc_rmsprop", "divided by something else than its root"),
    ],
)
def test_averages_that_are_used_otherwise_are_refused(name, message):
    """Their state looks like that of an average with bias correction."""
    old = getattr(frameworks.papers, name)(0.1)
    _, state = run(old, X, [X] * 3)
    with pytest.raises(ValueError, match=f"ScaleByRmsWithCountState at .* is {message}"):
        convert_state(state, X, old, CORRECTED)


def test_averages_that_both_use_in_the_same_way_are_carried_over():
    old, new = (frameworks.papers.sc_rmsprop(rate) for rate in (0.1, 0.01))
    _, state = run(old, X, [X] * 3)
    assert_equal(convert_state(state, X, old, new), state)


@pytest.mark.parametrize("step", [1.0, "3", True, None.__class__])
def test_a_step_that_is_no_integer_is_refused(step):
    with pytest.raises(TypeError, match="it must be the number of steps taken so far"):
        convert_state(RMSPROP.init(X), X, RMSPROP, SCHEDULED, step=step)


@pytest.mark.parametrize("step", [-1, 2**31, 2**32 + 5])
def test_a_step_that_no_count_can_hold_is_refused(step):
    """As int32 it would be another number, and a schedule would begin anew."""
    with pytest.raises(ValueError, match=rf"step is {step}; .* from 0 to 2\*\*31 - 1"):
        convert_state(RMSPROP.init(X), X, RMSPROP, SCHEDULED, step=step)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"0": {"nu": X}}, r"state is a dict .*restore it with optimizer\.init\(params\)"),
        ([{"nu": X}, None, None], r"state is a list where a tuple of 3 belongs.*as the target"),
        (({"nu": X}, optax.EmptyState(), optax.EmptyState()), r"state\[0\] is a dict where a Sc"),
        (HEAVY.init(X), r"state\[2\] is TraceState with trace where EmptyState belongs"),
        (ADAGRAD.init(X), r"state has the parts \[0\], \[1\] where \[0\], \[1\], \[2\] belong"),
        (RMSPROP.init({"y": jnp.ones(2)}), r"state\[0\]\.nu has the parts \['y'\] where \['x'\]"),
        ((None, None, None), r"state\[0\] is NoneType where ScaleByRmsState with nu belongs"),
        (
            optax.chain(optax.scale_by_adam(), optax.identity(), optax.identity()).init(X),
            r"state\[0\] is ScaleByAdamState with count, mu, nu where ScaleByRmsState",
        ),
    ],
)
def test_a_state_of_another_optimizer_is_refused(state, message):
    with pytest.raises(ValueError, match=f"the state is not one of `old`: {message}"):
        convert_state(state, X, RMSPROP, HEAVY)


def test_the_averages_of_adam_are_not_those_of_a_centered_optimizer():
    """Although their fields have the same names."""
    old = optax.rmsprop(0.1, centered=True, bias_correction=True)
    state = (optax.scale_by_adam().init(X), *old.init(X)[1:])
    with pytest.raises(ValueError, match=r"state\[0\] is ScaleByAdamState with count, mu, nu"):
        convert_state(state, X, old, CENTERED)


def test_arrays_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"array of shape \(2,\), and the state has .* \(3,\)"):
        convert_state(RMSPROP.init({"x": jnp.ones(3)}), X, RMSPROP, HEAVY)


def test_a_traced_state_is_refused():
    convert = jax.jit(lambda state: convert_state(state, X, CORRECTED, RMSPROP))
    with pytest.raises(TypeError, match=r"the state is traced; .* outside of jax\.jit"):
        convert(CORRECTED.init(X))


def test_a_trial_step_that_fails_is_a_sentence():
    def update(updates, state, params=None, *, value, **others):
        return updates, state

    reader = optax.GradientTransformationExtraArgs(lambda params: optax.EmptyState(), update)
    old, new = (optax.chain(reader, o) for o in (CORRECTED, RMSPROP))
    state = jax.tree.map(lambda x: x + 1 if x.dtype == jnp.int32 else x, old.init(X))
    with pytest.raises(ValueError, match=r"trial steps of `old`, and its step cannot .*'value'"):
        convert_state(state, X, old, new)


def test_a_training_state_of_flax_is_refused_with_what_to_pass():
    class TrainState(NamedTuple):
        opt_state: object

    state = TrainState(RMSPROP.init(X))
    with pytest.raises(TypeError, match=r"state is a TrainState, .*its attribute opt_state"):
        convert_state(state, X, RMSPROP, SCHEDULED, step=1)
    converted = convert_state(state.opt_state, X, RMSPROP, SCHEDULED, step=1)
    assert converted[1].count == 1


def test_variables_of_nnx_are_refused_with_what_to_pass():
    nnx = pytest.importorskip("flax.nnx")
    model = nnx.Linear(2, 3, rngs=nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, RMSPROP, wrt=nnx.Param)
    params = nnx.state(model, nnx.Param)
    with pytest.raises(TypeError, match=r"state has variables of flax\.nnx .*nnx\.as_pure"):
        convert_state(optimizer.opt_state, nnx.as_pure(params), RMSPROP, RMSPROP)
    with pytest.raises(TypeError, match=r"params has variables of flax\.nnx .*nnx\.as_pure"):
        convert_state(nnx.as_pure(optimizer.opt_state), params, RMSPROP, RMSPROP)
