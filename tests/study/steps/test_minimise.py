"""The numbers of every step against NumPy loops written out; what is refused."""

import inspect
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rmsprop
from rmsprop._experimental import enable_x64
from rmsprop.study.steps.functions import FUNCTIONS, valley
from rmsprop.study.steps.minimise import OPTIMIZERS, minimise
from steps_by_hand import GRADIENTS, loop

# A learning rate at which no optimizer leaves the floor of any function: on a path that bounces
# from wall to wall rounding errors double with every step, and nothing could be compared.
CALM = {"square": 0.05, "valley": 0.005, "rosenbrock": 0.0005, "two-weights": 0.05}


def columns(steps):
    return [
        steps.x[1:],
        steps.gradient,
        steps.second_moment,
        steps.effective_learning_rate,
        steps.update,
    ]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    ("optimizer", "options"),
    [
        ("rmsprop", {}),
        ("rmsprop", {"decay": 0.5, "eps": 0.3, "initial": 2.0}),
        ("rmsprop", {"decay": 0.99, "eps": 0.3, "eps_in_sqrt": False, "initial": 1.0}),
        ("adagrad", {}),
        ("adagrad", {"eps": 0.3, "initial": 0.1}),
        ("adagrad", {"eps": 0.3, "eps_in_sqrt": False, "initial": 0.1}),
        ("sgd", {}),
    ],
)
def test_numbers_are_those_of_a_loop_written_out(function, optimizer, options):
    run = minimise(
        FUNCTIONS[function], None, optimizer, learning_rate=CALM[function], steps=40, **options
    )
    settings = {
        "decay": 0.9,
        "eps": {"rmsprop": 1e-8, "adagrad": 1e-7, "sgd": 0.0}[optimizer],
        "eps_in_sqrt": True,
        "initial": 0.0,
    } | options
    expected = loop(
        GRADIENTS[function],
        FUNCTIONS[function].start,
        optimizer,
        CALM[function],
        40,
        **settings,
    )
    for name, ours, theirs in zip(
        ("x", "gradient", "v", "rate", "update"), columns(run), expected, strict=True
    ):
        assert ours.dtype == np.float64
        # About ten roundings of 1.1e-16 in each of 40 steps, and a gradient 400 times steeper
        # than the function is high (Rosenbrock): 40 * 10 * 1.1e-16 * 400 = 2e-11.
        np.testing.assert_allclose(
            ours, theirs, rtol=2e-11, atol=2e-11 * np.abs(theirs).max(), err_msg=name
        )
    assert run.x.shape[0] == run.value.shape[0] == 41
    np.testing.assert_array_equal(run.x[0], FUNCTIONS[function].start)


def test_first_step_of_the_worked_example():
    """T13: E[g^2] is 6.4 and x is 4 - 0.1 / sqrt(6.4) * 8, not 1.47."""
    run = minimise(lambda x: x**2, 4.0, "rmsprop", learning_rate=0.1, decay=0.9, eps=0.0)
    # A few roundings of 1.1e-16 each.
    assert run.gradient[0, 0] == 8.0
    assert run.second_moment[0, 0] == pytest.approx(6.4, rel=1e-15)
    assert run.x[1, 0] == pytest.approx(4 - 0.1 / np.sqrt(6.4) * 8, rel=1e-15)
    assert f"{run.x[1, 0]:.4f}" == "3.6838"
    # The second step: E[g^2] = 0.9 * 6.4 + 0.1 * (2 * 3.6838)^2.
    x = 4 - 0.8 / np.sqrt(6.4)
    assert run.second_moment[1, 0] == pytest.approx(5.76 + 0.4 * x**2, rel=1e-15)


def test_effective_learning_rate_where_the_gradient_is_zero():
    run = minimise(valley(), [0.0, 1.0], eps=0.04, initial=0.25, steps=2)
    # v = 0.9^k * 0.25 without a gradient; a handful of roundings.
    v = np.array([0.9, 0.81]) * 0.25
    np.testing.assert_array_equal(run.update[:, 0], 0)
    np.testing.assert_allclose(
        run.effective_learning_rate[:, 0], 0.1 / np.sqrt(v + 0.04), rtol=1e-15
    )
    outside = minimise(valley(), [0.0, 1.0], eps=0.04, eps_in_sqrt=False, initial=0.25, steps=2)
    np.testing.assert_allclose(
        outside.effective_learning_rate[:, 0], 0.1 / (np.sqrt(v) + 0.04), rtol=1e-15
    )


def test_effective_learning_rate_where_the_gradient_is_subnormal():
    run = minimise(lambda x: 1e-310 * x, 4.0, eps=0.01, steps=1)
    # It counts as zero, so that there is no update: 0.1 / sqrt(0.01), to a few roundings.
    assert run.effective_learning_rate[0, 0] == pytest.approx(1.0, rel=1e-14)


def test_effective_learning_rate_is_what_was_done_where_the_square_overflows():
    run = minimise(FUNCTIONS["square"], 1e200, steps=1)
    # The bound of a step, lr / sqrt(1 - decay); the formula with a saturated v would give more.
    assert run.update[0, 0] == pytest.approx(0.1 / np.sqrt(0.1), rel=1e-12)
    assert run.effective_learning_rate[0, 0] == pytest.approx(
        0.1 / np.sqrt(0.1) / 2e200, rel=1e-12, abs=0.0
    )


def test_a_function_of_ones_own():
    def bowl(x):
        return jnp.sum((x - 1) ** 2)

    run = minimise(bowl, [3.0, 0.0, 1.0], "sgd", learning_rate=0.25, steps=2)
    # x - 1 halves with every step: no rounding.
    np.testing.assert_array_equal(run.x, [[3, 0, 1], [2, 0.5, 1], [1.5, 0.75, 1]])
    np.testing.assert_array_equal(run.value, [5, 1.25, 0.3125])
    assert run.objective.formula == "bowl"
    assert run.objective.names == ["x1", "x2", "x3"]


def test_a_scalar_function_gets_a_scalar():
    shapes = []
    minimise(lambda x: shapes.append(x.shape) or x**2, 4.0, steps=1)
    assert set(shapes) == {()}


def test_a_diverging_run_has_all_its_steps():
    run = minimise(FUNCTIONS["rosenbrock"], None, "sgd", learning_rate=0.1, steps=12)
    assert np.isfinite(run.x[:6]).all()
    assert not np.isfinite(run.x[6:]).any()
    assert len(run.x) == 13


def test_defaults_are_the_librarys_own():
    for optimizer, function in [
        ("rmsprop", rmsprop.scale_by_rms),
        ("adagrad", rmsprop.scale_by_rss),
    ]:
        defaults = {k: p.default for k, p in inspect.signature(function).parameters.items()}
        shared = OPTIMIZERS[optimizer].keys() & defaults.keys()
        assert shared >= {"eps", "eps_in_sqrt"}
        assert {k: OPTIMIZERS[optimizer][k] for k in shared} == {k: defaults[k] for k in shared}


@pytest.mark.parametrize("before", [False, True])
def test_float64_mode_is_put_back(before):
    was = jnp.ones(()).dtype == jnp.float64
    jax.config.update("jax_enable_x64", before)
    try:
        minimise(FUNCTIONS["square"], steps=1)
        assert jnp.ones(()).dtype == (jnp.float64 if before else jnp.float32)
        with pytest.raises(ZeroDivisionError), enable_x64():
            raise ZeroDivisionError
        assert jnp.ones(()).dtype == (jnp.float64 if before else jnp.float32)
    finally:
        jax.config.update("jax_enable_x64", bool(was))


def test_float64_mode_stays_in_its_thread():
    dtypes = []
    with enable_x64():
        assert jnp.ones(()).dtype == jnp.float64
        thread = threading.Thread(target=lambda: dtypes.append(jnp.ones(()).dtype))
        thread.start()
        thread.join()
    assert dtypes == [jnp.float32]


def test_refusal_of_a_part_of_a_step():
    with pytest.raises(ValueError, match=r"steps is 2\.5; .*whole number"):
        minimise(FUNCTIONS["square"], steps=2.5)  # pyright: ignore[reportArgumentType]
    assert len(minimise(FUNCTIONS["square"], steps=np.int32(2)).update) == 2  # pyright: ignore[reportArgumentType]


def test_refusal_of_an_unknown_optimizer():
    with pytest.raises(ValueError, match="optimizer is 'adam'; it must be one of rmsprop, adag"):
        minimise(FUNCTIONS["square"], optimizer="adam")
    with pytest.raises(ValueError, match=r"Did you mean adagrad\?"):
        minimise(FUNCTIONS["square"], optimizer="ada-grad")


def test_refusal_of_a_missing_or_shapeless_start():
    with pytest.raises(ValueError, match="start is None; it must be a finite number"):
        minimise(lambda x: x**2)
    with pytest.raises(ValueError, match=r"start is \[\[1.0\]\]; it must be"):
        minimise(jnp.sum, [[1.0]])
    with pytest.raises(ValueError, match=r"start is \[\]; it must be"):
        minimise(jnp.sum, [])


def test_the_numbers_of_one_index_are_of_one_moment():
    run = minimise(FUNCTIONS["rosenbrock"], None, "rmsprop", steps=20)
    gradient = np.stack([GRADIENTS["rosenbrock"](x) for x in run.x[:-1]])
    # Some ten roundings of 1.1e-16 of terms that are at most 400 * 1.2 * 2.5 large.
    np.testing.assert_allclose(run.gradient, gradient, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(run.x[1:], run.x[:-1] - run.update)
    value = (1 - run.x[:, 0]) ** 2 + 100 * (run.x[:, 1] - run.x[:, 0] ** 2) ** 2
    np.testing.assert_allclose(run.value, value, rtol=1e-12)


def test_the_default_rate_and_number_of_steps_are_those_of_the_function():
    run = minimise(FUNCTIONS["rosenbrock"], None, "sgd")
    assert (run.settings["learning_rate"], len(run.update)) == (0.002, 1000)
    run = minimise(lambda x: x**2, 4.0, "sgd")
    assert (run.settings["learning_rate"], len(run.update)) == (0.1, 30)
    assert minimise(valley(10), None, "sgd", steps=1).settings["learning_rate"] == 0.19
