"""Grids, their growth, and the words that name an optimizer."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import rmsprop
import rmsprop.frameworks
from rmsprop.study import named, optimizer, optimizers


def test_every_optimizer_has_the_same_number_of_trials():
    """Protocol, point 2; and the same range of learning rates."""
    words = ("rmsprop", "adagrad", "adam=optax:adam", "sgd=optax:sgd")
    compared = [named(word) for word in words]
    assert [o.name for o in compared] == ["rmsprop", "adagrad", "adam", "sgd"]
    assert {len(o.configurations()) for o in compared} == {27}
    for o in compared:
        assert o.tuned[0].grid[0] == pytest.approx(1e-4)
        assert o.tuned[0].grid[-1] == pytest.approx(1.0)
    assert compared[0].names == ("learning_rate", "one_minus_decay")
    assert compared[1].names == ("learning_rate", "initial_accumulator_value")
    assert compared[2].names == ("learning_rate", "one_minus_b2")
    assert compared[3].names == ("learning_rate",)


@pytest.mark.parametrize("name", ["rmsprop", "adagrad"])
def test_grids_are_even_on_a_logarithmic_scale(name):
    for tunable in named(name).tuned:
        ratios = np.diff(np.log10(tunable.grid))
        np.testing.assert_allclose(ratios, ratios[0])


def test_values_reach_the_factory():
    gradient = jnp.ones(1)
    built = named("rmsprop").build({"learning_rate": 0.5, "one_minus_decay": 0.25})
    updates, _ = built.update(gradient, built.init(gradient))
    np.testing.assert_allclose(updates, -0.5 / np.sqrt(0.25 + 1e-8), rtol=1e-6)
    built = named("adagrad").build({"learning_rate": 0.5, "initial_accumulator_value": 3.0})
    updates, _ = built.update(gradient, built.init(gradient))
    np.testing.assert_allclose(updates, -0.5 / np.sqrt(4.0), rtol=1e-6)


def test_a_best_point_on_the_edge_grows_the_grid():
    """Protocol, point 4."""
    rate = optimizers.Tunable("learning_rate", (0.01, 0.1, 1.0), 1e-4, 1e3)
    assert rate.grown(0.1) is None
    assert rate.grown(1.0).grid == (0.01, 0.1, 1.0, 10.0)
    assert rate.grown(0.01).grid == pytest.approx((0.001, 0.01, 0.1, 1.0))
    limited = optimizers.Tunable("one_minus_decay", (0.01, 0.1, 1.0), 1e-4, 1.0)
    assert limited.grown(1.0) is None
    assert limited.on_edge(1.0)
    both = named("rmsprop").grown((1.0, 0.1))
    assert len(both.configurations()) == 10 * 4
    assert named("rmsprop").grown((0.01, 0.01)) is None


def test_what_is_still_on_the_edge_is_said():
    rms = named("rmsprop")
    assert rms.edges((0.01, 0.01)) == ()
    assert rms.edges((1.0, 0.01)) == ("learning_rate",)
    assert rms.edges((1.0, 0.1)) == ("learning_rate", "one_minus_decay")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("rmsprob", r"optimizer 'rmsprob' is unknown; name rmsprop, adagrad, or .*adam=optax:adam"),
        ("=optax:adam", "is unknown"),
        ("a=optax", "is unknown"),
        ("a=no_such_module:adam", "module no_such_module cannot be imported"),
        ("a=optax:no_such", "optax has no function no_such"),
    ],
)
def test_unknown_names(words, message):
    with pytest.raises(ValueError, match=message):
        named(words)


def test_what_is_no_factory():
    with pytest.raises(TypeError, match="must be a function that makes an optimizer"):
        optimizer("mine", optax.adam(0.1))  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="function without arguments"):
        optimizer("mine", lambda: rmsprop.rmsprop(0.1))


def test_a_learning_rate_that_is_tuned_second_or_twice_is_refused():
    rate = optimizers.Tunable("learning_rate", (0.1, 1.0), 0, 1)
    other = optimizers.Tunable("x", (0.1, 1.0), 0, 1)
    for tuned in ((other, rate), (rate, rate), ()):
        with pytest.raises(ValueError, match="it must tune learning_rate first, and each"):
            optimizers.Optimizer("mine", optax.adam, tuned)
    with pytest.raises(ValueError, match=r"has the defaults \(0.1, 2\); give one for each"):
        optimizers.Optimizer("mine", optax.adam, (rate,), (0.1, 2))


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ((), "is empty; give it at least one value"),
        ((0.1, 0.01), "must be ascending"),
        ((0.1, float("nan")), "must be finite"),
        ((0.0, 0.1), "rates must be positive"),
    ],
)
def test_grids_that_cannot_be_searched_are_refused(grid, message):
    with pytest.raises(ValueError, match=message):
        optimizers.Tunable("learning_rate", grid, 0, 1)


def test_grids_of_one_s_own():
    found = optimizer("x", rmsprop.rmsprop, {"decay": (0.5, 0.99), "momentum": (0.0, 0.9)})
    assert found.names == ("learning_rate", "one_minus_decay", "momentum")
    assert found.tuned[1].grid == pytest.approx((0.01, 0.5))
    assert found.grown((0.1, found.tuned[1].grid[0], 0.9)) is None  # these do not grow
    assert found.tuned[0].grid == optimizers.RATES
    gradient = jnp.ones(1)
    built = found.build({"learning_rate": 0.5, "one_minus_decay": 0.25, "momentum": 0.5})
    state = built.init(gradient)
    for expected in (
        1.0,
        1.5 + 1e-9,
    ):  # steps of lr / sqrt(v), v from 0: 1/2 / 1/2, then with momentum
        updates, state = built.update(gradient, state)
        if expected == 1.0:
            np.testing.assert_allclose(updates, -1.0, rtol=1e-6)
    rates = optimizer("x", optax.sgd, {"learning_rate": (0.1, 1.0)})
    assert rates.grown((1.0,)).tuned[0].grid == pytest.approx((0.1, 1.0, 10.0))
    with pytest.raises(ValueError, match="shall tune decay, which its function does not take"):
        optimizer("x", optax.sgd, {"decay": (0.9,)})
    with pytest.raises(ValueError, match="is empty"):
        optimizer("x", optax.sgd, {"momentum": ()})


def test_own_grids_do_not_grow_and_left_out_means_none():
    fine = optimizer("x", optax.sgd, {"momentum": (0.9, 0.9005)})
    assert fine.tuned[1].grown(0.9005) is fine.tuned[1].grown(0.9) is None
    assert fine.defaults["momentum"] == 0.0
    longest = optimizer("x", rmsprop.rmsprop, {"decay": (0.9, 1.0)})
    assert longest.edges((0.01, 0.0)) == ("one_minus_decay",)


def test_other_frameworks_names_are_tuned():
    found = optimizer("torch", rmsprop.frameworks.torch.rmsprop)
    assert found.names == ("learning_rate", "one_minus_alpha")
    assert found.defaults == pytest.approx({"learning_rate": 0.01, "one_minus_alpha": 0.01})
    assert optimizer("keras", rmsprop.frameworks.keras.rmsprop).names[1] == "one_minus_rho"
    assert optimizer("adam", optax.adam).defaults == pytest.approx(
        {"learning_rate": 0.001, "one_minus_b2": 0.001}
    )
