"""Grids, their growth, and the words that name an optimizer."""

import dataclasses
import fractions
import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import rmsprop
import rmsprop.frameworks
from rmsprop.study import contenders, named, optimizer, optimizers


def test_every_optimizer_has_the_same_number_of_trials():
    """Protocol, point 2; and the same range of learning rates."""
    words = ("rmsprop", "adagrad", "adam=optax:adam", "sgd=optax:sgd")
    compared = [named(word) for word in words]
    assert [o.name for o in compared] == ["rmsprop", "adagrad", "adam", "sgd"]
    references = [*contenders.REFERENCES.values()]
    assert {len(o.configurations()) for o in (*compared, *references)} == {optimizers.TRIALS}
    for o in compared:
        assert o.tuned[0].grid[0] == pytest.approx(1e-4, rel=0.5)
        assert o.tuned[0].grid[-1] == pytest.approx(1.0)
    assert compared[0].names == ("learning_rate", "one_minus_decay", "eps")
    assert compared[1].names == ("learning_rate", "initial_accumulator_value")
    assert compared[2].names == ("learning_rate", "one_minus_b2")
    assert compared[3].names == ("learning_rate",)


@pytest.mark.parametrize("name", ["rmsprop", "adagrad"])
def test_grids_are_even_on_a_logarithmic_scale(name):
    for tunable in named(name).tuned:
        ratios = np.diff(np.log10(tunable.grid))
        # Memories of 10, 30 and 100 steps are half decades in round numbers.
        np.testing.assert_allclose(ratios, ratios[0], rtol=0.1)


@pytest.mark.standard_promotion("Adam of Optax takes powers of a count")
def test_values_reach_the_factory():
    """The damping is all that is added under the root before the first gradient."""
    gradient = jnp.ones(1)
    built = named("rmsprop").build({"learning_rate": 0.5, "one_minus_decay": 0.25, "eps": 3.0})
    updates, state = built.update(gradient, built.init(gradient))
    np.testing.assert_allclose(updates, -0.5 / np.sqrt(1.0 + 3.0), rtol=1e-6)
    updates, _ = built.update(0 * gradient + 2, state)
    corrected = (0.75 * 0.25 + 0.25 * 4) / (1 - 0.75**2)
    np.testing.assert_allclose(updates, -0.5 * 2 / np.sqrt(corrected + 3.0), rtol=1e-6)
    built = named("adagrad").build({"learning_rate": 0.5, "initial_accumulator_value": 3.0})
    updates, _ = built.update(gradient, built.init(gradient))
    np.testing.assert_allclose(updates, -0.5 / np.sqrt(4.0), rtol=1e-6)
    adam = contenders.ADAM.build({"learning_rate": 0.5, "one_minus_b2": 0.25, "eps_root": 3.0})
    updates, _ = adam.update(gradient, adam.init(gradient))
    np.testing.assert_allclose(updates, -0.5 / np.sqrt(4.0), rtol=1e-6)


def test_no_memory_is_longer_than_a_third_of_the_run():
    grids = named("rmsprop").within(300)
    assert grids.tuned[1].grid == optimizers.RESTS
    assert named("rmsprop").within(290).tuned[1].grid == optimizers.RESTS[1:]
    assert named("rmsprop").within(10).tuned[1].grid == optimizers.RESTS[-1:]
    assert grids.tuned[1].grown(0.01).grid == optimizers.RESTS  # 300 steps are no third of 300
    longer = named("rmsprop").within(1000).tuned[1].grown(0.01)
    assert 1 / longer.grid[0] == pytest.approx(100 * 10**0.5)
    own = optimizer("x", rmsprop.rmsprop, {"decay": (0.9, 0.9999)})
    assert own.within(10) == own, "grids of one's own are left alone"


def test_defaults_are_complete_ones_that_somebody_ships():
    gradient = jnp.array([1.0, -3.0])
    for word, factories in {
        "rmsprop": {
            "torch": rmsprop.frameworks.torch.rmsprop(),
            "keras": rmsprop.frameworks.keras.rmsprop(),
            "optax": optax.rmsprop(0.003),
        },
        "adagrad": {
            "torch": rmsprop.frameworks.torch.adagrad(),
            "keras": rmsprop.frameworks.keras.adagrad(),
            "optax": optax.adagrad(1.0),
        },
    }.items():
        shipped = named(word).shipped
        assert [*shipped] == [*factories]
        for name, expected in factories.items():
            made = shipped[name].make(shipped[name].learning_rate)
            updates, _ = made.update(gradient, made.init(gradient), gradient)
            wanted, _ = expected.update(gradient, expected.init(gradient), gradient)
            np.testing.assert_allclose(updates, wanted, rtol=1e-6)
    told = named("adagrad").shipped["torch"].arguments
    assert told == {"lr": 0.01, "initial_accumulator_value": 0.0, "eps": 1e-10}


def test_this_library_s_own_functions_are_the_contenders():
    assert contenders.contender("mine", rmsprop.rmsprop).tuned == named("rmsprop").tuned
    assert contenders.contender("mine", rmsprop.adagrad).shipped == named("adagrad").shipped
    assert contenders.contender("mine", optax.adam).shipped == {}


def test_a_best_point_on_the_edge_grows_the_grid():
    """Protocol, point 4."""
    rate = optimizers.Tunable("learning_rate", (0.01, 0.1, 1.0), 1e-4, 1e3)
    half = 10**0.5
    assert rate.grown(0.1) == rate
    assert rate.grown(1.0).grid == pytest.approx((0.01, 0.1, 1.0, half))
    assert rate.grown(0.01).grid == pytest.approx((0.01 / half, 0.01, 0.1, 1.0))
    fine = optimizers.Tunable("learning_rate", optimizers.QUARTER_DECADES, 1e-8, 1e4)
    assert fine.grown(1.0).grid[-3:] == pytest.approx((1.0, 10**0.25, half))
    limited = optimizers.Tunable("one_minus_decay", (0.01, 0.1, 1.0), 1e-4, 1.0)
    assert limited.grown(1.0) == limited
    assert limited.on_edge(1.0)
    both = named("rmsprop").grown((1.0, 0.1, 1e-4))
    assert [len(tunable.grid) for tunable in both.tuned] == [10, 4, 3]
    inside = named("rmsprop").grown((0.01, optimizers.RESTS[1], 1e-7))
    assert inside.tuned[2].grid == pytest.approx((1e-7 / half, 1e-7, 1e-4)), "the lower edge"


def test_the_neighbours_of_the_best_point_are_near_it_in_every_grid():
    """What joins a race: not a whole line of the grid, which would be 27 points for RMSprop."""
    rms = named("rmsprop").grown((0.01, 0.1, 1e-4))
    near = rms.around((0.01, 0.1, 1e-4))
    rates, rests, dampings = ({point[i] for point in near} for i in range(3))
    assert sorted(rates) == pytest.approx([10**-2.5, 10**-2, 10**-1.5])
    assert sorted(rests) == pytest.approx([1 / 30, 0.1, 0.3162], rel=0.06)
    assert sorted(dampings) == pytest.approx([1e-7, 1e-4, 10**-3.5])
    assert len(near) == 27
    rates = {point[0] for point in named("adagrad").around((0.1, 1e-7))}
    assert sorted(rates) == pytest.approx([10 ** (k / 4) for k in range(-6, -1)])
    assert optimizers.Tunable("x", (0.0, 0.9, 0.99), 1, 0).near(0.0) == (0.0, 0.9)


def test_a_memory_longer_than_the_run_is_adagrad_under_another_name(rng):
    """The oldest square of T steps keeps d^T of its weight, so steps differ by d^(-T/2) at most."""
    steps, long = 300, named("rmsprop-long")
    assert long.is_reference, "it is shown beside the others, and no verdict is about it"
    assert len(long.configurations()) == optimizers.TRIALS
    gradients = jnp.asarray(rng.normal(size=(steps, 5)), jnp.float32)
    rest = long.tuned[1].grid[-1]
    values = {"learning_rate": 0.01, "one_minus_decay": rest, "eps": 1e-4}
    adagrad = named("adagrad").build(
        {"learning_rate": 0.01 / rest**0.5, "initial_accumulator_value": 1e-4 / rest}
    )

    def updates(transformation):
        _, rows = jax.lax.scan(
            lambda state, g: transformation.update(g, state)[::-1],
            transformation.init(gradients[0]),
            gradients,
        )
        return np.asarray(rows, np.float64)

    ratio = updates(long.build(values)) / updates(adagrad)
    # Both are rounded to 24 bits a few times a step.
    assert ratio.min() > 1 - 1e-4
    assert 1.05 < ratio.max() < (1 - rest) ** (-steps / 2) + 1e-4


def test_what_is_still_on_the_edge_is_said():
    rms = named("rmsprop")
    assert rms.edges((0.01, 1 / 30, 3e-6)) == ()
    assert rms.edges((1.0, 1 / 30, 3e-6)) == ("learning_rate",)
    assert rms.edges((1.0, 0.1, 3e-6)) == ("learning_rate", "one_minus_decay")
    assert contenders.SGD.edges((0.01, 0.0)) == (), "there is nothing below no momentum"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "rmsprob",
            r"optimizer 'rmsprob' is unknown; name rmsprop, adagrad, rmsprop-long, or .*optax:adam",
        ),
        ("=optax:adam", "is unknown"),
        ("a=optax", "is unknown"),
        ("a=no_such_module:adam", "there is no module no_such_module"),
        ("a=optax:no_such", r"the module optax \(.*\) has no no_such"),
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


@pytest.mark.parametrize(
    ("tune", "error", "message"),
    [
        ({"a/b": (0.1, 0.2)}, ValueError, r"hyper-parameter is 'a/b'; it must be words of letters"),
        (
            {"x" * 101: (0.1,)},
            ValueError,
            "letters, digits and underscores that begin with a letter, of at most 100",
        ),
        ({3: (0.1,)}, TypeError, "the name of a hyper-parameter is 3; it must be text"),
        ({"b": (0.1, None)}, ValueError, "the grid of b holds None; its values must be finite"),
        ({"b": (0.1, "0.2")}, ValueError, "the grid of b holds '0.2'"),
        ({"b": (0.1, 1e39)}, ValueError, r"the grid of b holds 1e\+39; .* in float32 too"),
        ({"b": (0.1, 10**400)}, ValueError, "the grid of b holds 1000"),
        ({"b": (0.1, 1j)}, ValueError, "the grid of b holds 1j"),
        ({"b": ((0.1, 0.2),)}, ValueError, r"the grid of b holds \(0.1, 0.2\)"),
        ({"b": "0.1"}, TypeError, "the grid of b is '0.1'; it must be a sequence of numbers"),
        ({"b": 0.1}, TypeError, "the grid of b is 0.1; it must be a sequence of numbers"),
        ({"b": {0.1: 0.2}}, TypeError, "the grid of b is {0.1: 0.2}; it must be a sequence"),
        ({"b": None}, TypeError, "the grid of b is None; it must be a sequence of numbers"),
        ({"learning_rate": (None,)}, ValueError, "the grid of learning_rate holds None"),
        ({"decay": ("a",)}, ValueError, "the grid of decay holds 'a'"),
        (["b"], TypeError, r"tune of optimizer 'x' is \['b'\]; it must be a dictionary"),
    ],
)
def test_what_cannot_be_tuned_is_refused_when_the_optimizer_is_made(tune, error, message):
    with pytest.raises(error, match=message) as raised:
        optimizer("x", lambda rate, **others: optax.sgd(rate), tune)
    assert len(str(raised.value)) < 300


def test_values_of_other_libraries_are_numbers():
    grid = (np.float32(0.25), jnp.float32(0.5), fractions.Fraction(3, 4), 1)
    assert optimizers.Tunable("x", grid, 0, 1).grid == (0.25, 0.5, 0.75, 1.0)
    assert optimizers.Tunable("x", np.array([0.25, 0.5]), 0, 1).grid == (0.25, 0.5)


NAMES = {"": "not empty", "a\0b": "NUL", "a\nb": "one line", "x" * 300: "of 300 characters"}


@pytest.mark.parametrize("name", NAMES, ids=range(4))
def test_names_that_no_file_could_hold_are_refused(name):
    with pytest.raises(ValueError, match=f"the name of an optimizer is .*{NAMES[name]}"):
        optimizer(name, optax.adam)
    defaults = optimizers.Defaults(optax.sgd, 0.1, {})
    with pytest.raises(ValueError, match=f"the name of defaults of .*{NAMES[name]}"):
        dataclasses.replace(optimizer("x", optax.adam), shipped={name: defaults})
    with pytest.raises(ValueError, match=f"a name in fixed of optimizer 'x' .*{NAMES[name]}"):
        dataclasses.replace(optimizer("x", optax.adam), fixed={name: 1.0})
    with pytest.raises(ValueError, match=f"a name in arguments .*{NAMES[name]}"):
        optimizers.Defaults(optax.sgd, 0.1, {name: 1.0})


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"name": None}, TypeError, "the name of an optimizer is None; it must be text"),
        ({"tuned": ("learning_rate",)}, TypeError, "it must be a tuple of Tunable"),
        ({"default": (math.inf, 0.1)}, ValueError, "has the default inf; it must be a finite"),
        ({"default": ("0.1", 0.1)}, ValueError, "has the default '0.1'; it must be a finite"),
        (
            {"fixed": {"eps": np.float32(1)}},
            ValueError,
            r"eps in fixed .*; it must be a fin",
        ),
        ({"fixed": {"eps": math.nan}}, ValueError, r"eps in fixed of optimizer 'x' is nan"),
        ({"fixed": [1]}, TypeError, r"fixed of optimizer 'x' is \[1\]; it must be a dictionary"),
        ({"shipped": {"torch": optax.sgd}}, ValueError, "has 'torch': .*it must have Defaults"),
        (
            {"shipped": {"tuned": optimizers.Defaults(optax.sgd, 0.1, {})}},
            ValueError,
            "other than 'tuned'",
        ),
    ],
)
def test_an_optimizer_that_could_not_be_reported_is_refused(change, error, message):
    with pytest.raises(error, match=message):
        dataclasses.replace(optimizer("x", optax.adam), **change)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((None, 0.1, {}), TypeError, "make is None; it must be a function"),
        (
            (optax.sgd, 0.0, {}),
            ValueError,
            "learning_rate is 0.0; it must be a fin",
        ),
        ((optax.sgd, "0.1", {}), ValueError, "learning_rate is '0.1'"),
        ((optax.sgd, 0.1, {"eps": np.float32(1)}), ValueError, "eps in arguments is np.float32"),
    ],
)
def test_defaults_that_could_not_be_run_or_written_down_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        optimizers.Defaults(*arguments)


def test_grids_of_one_s_own():
    found = optimizer("x", rmsprop.rmsprop, {"decay": (0.5, 0.99), "momentum": (0.0, 0.9)})
    assert found.names == ("learning_rate", "one_minus_decay", "momentum")
    assert found.tuned[1].grid == pytest.approx((0.01, 0.5))
    best = (found.tuned[0].grid[5], found.tuned[1].grid[0], 0.9)
    assert found.grown(best) == found  # these do not grow
    assert found.tuned[0].grid == optimizers.QUARTER_DECADES
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
    assert rates.grown((1.0,)).tuned[0].grid == pytest.approx((0.1, 1.0, 10**0.5))
    with pytest.raises(ValueError, match="shall tune decay, which its function does not take"):
        optimizer("x", optax.sgd, {"decay": (0.9,)})
    with pytest.raises(ValueError, match="is empty"):
        optimizer("x", optax.sgd, {"momentum": ()})


def test_own_grids_do_not_grow_and_left_out_means_none():
    fine = optimizer("x", optax.sgd, {"momentum": (0.9, 0.9005)})
    assert fine.tuned[1].grown(0.9005) == fine.tuned[1].grown(0.9) == fine.tuned[1]
    assert fine.defaults["momentum"] == 0.0
    longest = optimizer("x", rmsprop.rmsprop, {"decay": (0.9, 1.0)})
    assert longest.edges((0.01, longest.tuned[1].grid[1])) == ("one_minus_decay",)
    assert longest.edges((0.01, 0.0)) == (), "there is nothing beyond a decay of 1"


def test_other_frameworks_names_are_tuned():
    found = optimizer("torch", rmsprop.frameworks.torch.rmsprop)
    assert found.names == ("learning_rate", "one_minus_alpha")
    assert found.defaults == pytest.approx({"learning_rate": 0.01, "one_minus_alpha": 0.01})
    assert optimizer("keras", rmsprop.frameworks.keras.rmsprop).names[1] == "one_minus_rho"
    assert optimizer("adam", optax.adam).defaults == pytest.approx(
        {"learning_rate": 0.001, "one_minus_b2": 0.001}
    )
