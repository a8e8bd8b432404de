"""What is measured of a problem: signal, noise, scale and drift, against NumPy and known dials."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from rmsprop import study
from rmsprop.study.maps import measuring
from rmsprop.study.maps.family import Draws
from rmsprop.study.maps.measurement import Measurement, drift_of
from rmsprop.study.maps.observing import PAIRS, lag_of, observed_run
from rmsprop.study.running.training import training_run
from tiny_problem import tiny

RATE = 0.01


def sgd(values, schedule):
    """Plain gradient descent, which compiles fast."""
    return optax.sgd(RATE)


def observed(problem, steps, seed=0):
    """What a run of gradient descent shows, in NumPy."""
    run = observed_run(problem, sgd, steps)
    return jax.tree.map(np.asarray, jax.jit(run)({}, jnp.int32(0), jnp.int32(seed)))


def measured(problem, steps, seed=0):
    """The numbers of that run."""
    trials = {"constant": 1.0, "linear": 1.0}
    return Measurement.of(problem.name, steps, seed, observed(problem, steps, seed), trials)


def slopes_of(table):
    """A problem whose gradient in each step is a row of a table, whatever the parameters are."""
    count = table.shape[1]
    return study.Problem(
        "slopes",
        init=lambda key: (jnp.zeros(count - 1), jnp.zeros(1)),
        loss=lambda params, slope: jnp.concatenate(params) @ slope,
        sample=lambda key, step: jnp.asarray(table, jnp.float32)[step],
    )


def test_all_that_is_observed_is_that_of_numpy():
    steps, count = 40, 5
    table = np.random.default_rng(3).normal(1, 2, (steps, count)).astype(np.float32)
    table[:, 2] = 0
    table[::3, 3] = 0
    got = observed(slopes_of(table), steps)
    tenth = steps // 10
    for step, slope in enumerate(table.astype(float)):
        other = table[step + 1 if step + 1 < steps else step - 1].astype(float)
        assert got.power[step] == pytest.approx(slope @ slope, rel=1e-5)
        assert got.signal[step] == pytest.approx(slope @ other, rel=1e-5, abs=1e-5)
        assert got.noise[step] == pytest.approx(((slope - other) ** 2).sum() / 2, rel=1e-5)
        assert got.seen[step] == pytest.approx(np.mean(slope != 0), rel=1e-6)
    squares = (table.astype(float) ** 2).reshape(10, tenth, count).mean(axis=1)
    np.testing.assert_allclose(got.squares, squares, rtol=1e-5)
    path = np.concatenate([np.zeros((1, count)), -RATE * np.cumsum(table.astype(float), axis=0)])
    expected = ((path[::tenth] - path[-1]) ** 2).sum(axis=1)
    # A sum of 40 numbers in float32, and then a difference of some of the same size.
    np.testing.assert_allclose(got.moved, expected, rtol=1e-4, atol=1e-9)
    lag = lag_of(steps)
    for part in range(10):
        for pair, place in enumerate(range(tenth - lag)):
            first = tenth * part + place
            here, near, far = (table[first + i].astype(float) for i in (0, 1, lag))
            assert got.near[part, pair] == pytest.approx(((here - near) ** 2).sum() / 2, rel=1e-5)
            assert got.far[part, pair] == pytest.approx(((here - far) ** 2).sum() / 2, rel=1e-5)
    assert got.near.shape == (10, min(PAIRS, tenth - lag))


def test_the_numbers_are_what_their_definitions_say():
    steps = 40
    table = np.random.default_rng(5).normal(1, 1, (steps, 4)).astype(np.float32)
    table *= 10.0 ** (-np.arange(steps) / steps)[:, None]
    got = measured(slopes_of(table), steps)
    whole, other = table.astype(float), np.roll(table.astype(float), -1, axis=0)
    other[-1] = whole[-2]
    scale = np.sqrt((whole**2).sum(axis=1).reshape(10, 4).mean(axis=1))
    assert got.shrinking == pytest.approx(scale[0] / scale[-1], rel=1e-5)
    noise = ((whole - other) ** 2).sum(axis=1).reshape(10, 4).mean(axis=1) / 2
    signal = (whole * other).sum(axis=1).reshape(10, 4).mean(axis=1)
    assert got.noise_early == pytest.approx(np.sqrt(noise[0] / signal[0]), rel=1e-4)
    of_each = np.sqrt((whole**2).reshape(10, 4, 4).mean(axis=1))
    spread = np.log(of_each[0] / of_each[-1]).std()
    assert got.unevenness == pytest.approx(spread, rel=1e-5)
    path = np.concatenate([np.zeros((1, 4)), np.cumsum(whole, axis=0)])
    left = np.linalg.norm(path[-1] - path[20]) / np.linalg.norm(path[-1])
    assert got.late_distance == pytest.approx(left, rel=1e-4)
    assert got.seen == 1


def test_the_run_is_the_one_that_a_comparison_makes():
    problem, steps = tiny(), 20
    run = training_run(problem, sgd, steps)
    loss = jax.jit(run)({}, jnp.int32(0), jnp.int32(7)).loss
    np.testing.assert_allclose(observed(problem, steps, seed=7).loss, loss, rtol=1e-6)


def of_family(dials, steps=400, seed=0):
    """A problem of the map as one of a comparison: its draws are those of a seed of the map."""
    draws = jax.tree.map(lambda table: table[0], Draws.of([seed], steps))
    optimum = np.cumsum(np.concatenate([np.zeros((1, 16)), draws.walk[:-1]]), axis=0)
    scale = dials["shrinking"] ** (-np.arange(steps) / steps)
    tables = [dials["drift"] * optimum, dials["noise"] * draws.noise, scale[:, None]]
    tables = [jnp.asarray(table, jnp.float32) for table in tables]

    def loss(params, batch):
        optimum, noise, scale = batch
        return (scale * (((params - optimum) ** 2).sum() / 2 + params @ noise)).sum()

    return study.Problem(
        "family",
        init=lambda key: jnp.asarray(draws.start),
        loss=loss,
        sample=lambda key, step: tuple(table[step] for table in tables),
    )


@pytest.mark.parametrize("shrinking", [1.0, 100.0])
def test_the_drift_of_a_problem_of_the_map_is_found(shrinking):
    """Drift and noise are equal.

    The 16 coordinates of a tenth walk 20 steps and its far pairs are 20 steps apart, so that they
    see about one walk: its mean square has a relative deviation of sqrt(2 / 16) = 0.35, over ten
    tenths 0.11. That is the square of the drift over noise and half of itself, 2/3, whose deviation
    of 0.075 is 0.075 / (1 - 1/3)^2 = 0.17 after the division. Three times that.
    """
    got = measured(of_family({"drift": 0.1, "noise": 0.1, "shrinking": shrinking}), 400)
    assert got.drift**2 == pytest.approx(1, abs=0.5)
    assert got.drift < got.drift_limit
    assert got.number == pytest.approx(got.drift * got.shrinking)


def test_where_nothing_drifts_no_drift_is_found():
    dials = {"drift": 0.0, "noise": 0.1, "shrinking": 10.0}
    for seed in range(3):  # one of a thousand is found by mistake
        got = measured(of_family(dials, seed=seed), 400)
        assert (got.drift, got.number) == (0, 0)
        assert 0 < got.drift_limit < 0.2


def test_noise_alone_is_seldom_taken_for_a_drift():
    """In one of a thousand: 2 of 2,000 are expected, and more than 10 have a chance of 1e-5."""
    squares = np.random.default_rng(0).chisquare(16, (2000, 2, 10, 20))
    count = sum(drift_of(near, far, 20)[0] > 0 for near, far in squares)
    assert count <= 10


def test_a_drift_needs_a_noise_and_steps():
    zeros, ones = np.zeros((10, 3)), np.ones((10, 3))
    assert drift_of(zeros, zeros, 10) == (0, 0)
    assert drift_of(zeros, ones, 10) == (np.inf, np.inf)
    assert np.isnan(drift_of(ones, ones, 1)[0])
    # The noise is 1 and the drift 0.2: half its square comes with each step.
    drift, limit = drift_of(1 + 0.02 * ones, 1 + 0.2 * ones, 10)
    assert (drift, limit) == pytest.approx((0.2, 0.2))
    assert drift_of(ones, 20 * ones, 10) == (np.inf, np.inf)  # a walk of one step in `near` alone


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"steps": 25}, ValueError, "steps is 25; it must be a multiple of 10 of at least 20"),
        ({"steps": 10}, ValueError, "steps is 10; it must be"),
        ({"steps": 20.0}, TypeError, "steps is 20.0; it must be an integer"),
        ({"seed": -1}, ValueError, "seed is -1; it must be at least 0"),
    ],
)
def test_what_cannot_be_measured_is_refused(arguments, error, sentence):
    with pytest.raises(error, match=sentence):
        study.measure(tiny(), **arguments)


def test_what_is_no_problem_is_refused():
    with pytest.raises(TypeError, match=r"problem is 'digits'; it must be a rmsprop.study.Problem"):
        study.measure("digits")


@pytest.mark.usefixtures("compiled_quickly")
def test_a_problem_on_which_all_diverges_is_refused():
    nowhere = study.Problem(
        "nowhere",
        init=lambda key: jnp.ones(2),
        loss=lambda params, batch: jnp.where(batch < 3, params.sum(), jnp.nan),
        sample=lambda key, step: step,
    )
    with pytest.raises(ValueError, match="problem 'nowhere': rmsprop diverges in 20 steps at"):
        study.measure(nowhere, steps=20)


def test_the_grid_is_coarse_and_in_that_of_the_comparison():
    for name in ("rmsprop", "adagrad"):
        optimizer = study.named(name)
        points = measuring._points(optimizer, 300)
        assert {*points} <= {*optimizer.within(300).configurations()}
        assert len(points) == {"rmsprop": 18, "adagrad": 9}[name]
    assert len(measuring._points(study.named("rmsprop"), 20)) == 9


def made_up(number=0.0, drift=0.0, limit=0.1, shrinking=20.0):
    """Numbers that nobody measured."""
    return Measurement(
        "made-up", 300, 0, shrinking, 0.5, 2.0, 1.0, drift, limit, number, 0.1, 0.2,
        {"constant": 0.9, "linear": 1.2},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("measurement", "place", "said"),
    [
        (
            made_up(),
            "No drift is seen, so that x is 0; one below 0.100 of the noise",
            "under neither, at the largest x under linear decay alone.",
        ),
        (
            made_up(limit=0.0),
            "No drift is seen, so that x is 0; the gradients are 20.0 times",
            "at 0 RMSprop would be better on a problem of the map under neither.",
        ),
        (made_up(10.0, 0.5), "x is 10.0: the mean gradient walks by 0.500 of the noise", "both"),
        (made_up(2.0, 0.1), "x is 2.00: the mean", "under linear decay alone"),
    ],
)
def test_what_follows_is_said_with_how_sure_it_is(measurement, place, said):
    first, on_the_map, sure = measurement.sentences
    assert first.startswith(place)
    assert said in on_the_map
    assert "is no prediction here" in sure
    assert "11 of 13 (95 % interval 55 to 98 %) under a constant rate" in sure
    assert "rmsprop.study.compare decides" in sure
    text = str(measurement)
    assert max(map(len, text.splitlines())) <= 80
    assert measurement.rows()["RMSprop over AdaGrad, short run, linear to 0"] == "1.20"


def test_what_is_not_known_is_not_placed():
    first, sure = made_up(float("nan"), float("nan")).sentences
    assert first.startswith("In 300 steps no drift could be seen, so that x is not known")
    assert "frontiers" not in sure
