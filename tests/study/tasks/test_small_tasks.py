"""The small tasks against their formulas, and that they teach what they say."""

import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from task_loading import trained

import rmsprop
from rmsprop.study.tasks import landscapes, lessons

pytestmark = pytest.mark.slow


def half_decades(first, last):
    return 10.0 ** (np.arange(first, last + 1) / 2)


def with_decay(decay):
    return lambda rate: rmsprop.rmsprop(rate, decay)


def measure_of(problem):
    """What is measured of parameters, after a tenth of the steps or after every one of them."""
    return problem.metrics or problem.averages


def reported(problem, params):
    """The metric that is reported, mean over seeds, at each rate; infinite where it diverged."""
    measured = jax.vmap(jax.vmap(measure_of(problem)))(params)[problem.reports[0].name]
    mean = np.asarray(measured, np.float64).mean(axis=1)
    return np.where(np.isfinite(mean), mean, np.inf)


# The valley.


def curvature(condition, degrees):
    angle = math.radians(degrees)
    rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return rotation @ np.diag([1, condition]) @ rotation.T


@pytest.mark.parametrize(("condition", "angle"), [(100, 30), (7, -50), (1, 0)])
def test_valley_is_the_rotated_quadratic(rng, condition, angle):
    problem = landscapes.valley(condition, angle)
    point, minimum = rng.standard_normal((2, 2)).astype(np.float32)
    matrix = curvature(condition, angle)
    away = (point - minimum).astype(np.float64)
    loss, gradient = jax.value_and_grad(problem.loss)(jnp.asarray(point), jnp.asarray(minimum))
    # A dozen float32 operations, none of which loses more than the condition number.
    tolerance = 12 * 2.0**-24 * condition * (away @ away)
    np.testing.assert_allclose(loss, 0.5 * away @ matrix @ away, rtol=0, atol=tolerance)
    tolerance = 12 * 2.0**-24 * condition * np.abs(away).max()
    np.testing.assert_allclose(gradient, matrix @ away, rtol=0, atol=tolerance)
    measured = problem.averages(jnp.asarray(point))["final_loss"]
    expected = 0.5 * point.astype(np.float64) @ matrix @ point
    np.testing.assert_allclose(measured, expected, rtol=12 * 2.0**-24 * condition)


def test_valley_starts_near_one_place_and_jiggles_by_its_noise():
    problem = landscapes.valley(noise=0.2)
    keys = jax.random.split(jax.random.key(0), 4000)
    starts = jax.jit(jax.vmap(problem.init))(keys)
    minima = jax.jit(jax.vmap(problem.sample, (0, None)))(keys, jnp.int32(2))
    # 4 along the valley and 1 up its wall: 4^2 / 2 + 100 / 2.
    at_start = problem.averages(starts.mean(axis=0))["final_loss"]
    # Means of 4,000 draws: standard errors of 0.1 / 63 in place, times the slope 100, is 0.16.
    assert abs(at_start - 58) < 0.8
    for drawn, deviation in ((starts, 0.1), (minima, 0.2)):
        # A standard deviation from 4,000 draws has a relative standard error of 1 / sqrt(8000).
        np.testing.assert_allclose(np.std(drawn, axis=0), deviation, rtol=5 / math.sqrt(8000))
    assert np.abs(np.mean(minima, axis=0)).max() < 5 * 0.2 / math.sqrt(4000)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("condition", 0.5),
        ("condition", math.inf),
        ("condition", math.nan),
        ("angle", math.nan),
        ("noise", -0.1),
        ("noise", math.nan),
    ],
)
def test_valley_refuses_what_is_no_valley(name, value):
    with pytest.raises(ValueError, match=f"{name} is {value}; it must be"):
        landscapes.valley(**{name: value})


# Rosenbrock's valley.


def test_rosenbrock_is_the_textbook_function(rng):
    problem = landscapes.rosenbrock()
    x, y = point = rng.standard_normal(2).astype(np.float32)
    x, y = float(x), float(y)
    zero = jnp.zeros(2, jnp.float32)
    loss, gradient = jax.value_and_grad(problem.loss)(jnp.asarray(point), zero)
    expected = 100 * (y - x * x) ** 2 + (1 - x) ** 2
    slope = [-400 * x * (y - x * x) - 2 * (1 - x), 200 * (y - x * x)]
    # A dozen float32 operations on values below 400 * (|x| + |y| + 1)^3.
    tolerance = 12 * 2.0**-24 * 400 * (abs(x) + abs(y) + 1) ** 3
    np.testing.assert_allclose(loss, expected, rtol=0, atol=tolerance)
    np.testing.assert_allclose(gradient, slope, rtol=0, atol=tolerance)
    best = jnp.ones(2, jnp.float32)
    assert problem.averages(best) == {"final_loss": 0}
    shift = jnp.array([0.1, -0.2], jnp.float32)
    np.testing.assert_allclose(problem.loss(best + shift, shift), 0, atol=100 * 2.0**-46)
    starts = jax.vmap(problem.init)(jax.random.split(jax.random.key(0), 1000))
    # Five standard errors of a mean of 1,000 draws of deviation 0.1.
    np.testing.assert_allclose(starts.mean(axis=0), [-1.2, 1], atol=5 * 0.1 / math.sqrt(1000))


# The optimum that moves under gradients that shrink.


def test_scale_change_goes_round_and_becomes_flat():
    problem = landscapes.scale_change(period=8, noise=0, steepness=100, change=5)
    steps = jnp.arange(11, dtype=jnp.int32)
    sightings = jax.vmap(problem.sample, (None, 0))(jax.random.key(0), steps)
    angle = 2 * np.pi * np.arange(11) / 8
    # Angles are rounded at 2 pi: 2^-22, and sines at 2^-24.
    expected = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    np.testing.assert_allclose(sightings.place, expected, atol=2.0**-20)
    np.testing.assert_array_equal(sightings.steepness, [100] * 5 + [1] * 6)
    batch = jax.tree.map(lambda x: x[2], sightings)
    # Half of 100 times the square of the distance from (0, 1) to (3, 5): 50 * 25.
    np.testing.assert_allclose(problem.loss(jnp.array([3.0, 5.0]), batch), 1250, rtol=1e-6)


def test_scale_change_has_an_angle_that_is_exact_after_many_rounds():
    """A float32 angle that grew with the steps would be off by a degree after a million."""
    problem = landscapes.scale_change(period=200, noise=0)
    first, late = (problem.sample(jax.random.key(0), jnp.int32(s)) for s in (30, 200_000_030))
    np.testing.assert_array_equal(first.place, late.place)


def test_scale_change_is_followed_by_what_forgets_alone():
    problem = landscapes.scale_change()
    last = problem.steps // 10

    def tracking(make):
        _, losses = trained(problem, make, half_decades(-4, 3))
        return np.nanmin(np.asarray(losses[..., -last:], np.float64).mean(axis=(1, 2)))

    following = tracking(with_decay(0.9))
    # The noise alone costs 2 * 0.1^2 / 2.
    assert 0.01 < following < problem.target
    assert tracking(rmsprop.adagrad) > 5 * following


# The counter-example.


@pytest.mark.parametrize("period", [3, 8])
def test_reddi_slopes_are_one_steep_and_the_others_down(period):
    problem = lessons.reddi(period)
    steps = jnp.arange(5 * period, dtype=jnp.int32)
    offsets = set()
    for key in jax.random.split(jax.random.key(0), 30):
        slopes = np.asarray(jax.vmap(problem.sample, (None, 0))(key, steps)).reshape(5, period)
        assert (slopes == slopes[0]).all()
        assert sorted(slopes[0]) == [-1] * (period - 1) + [period]
        offsets.add(int(slopes[0].argmax()))
    # A phase is missed by 30 draws with probability (1 - 1/8)^30 * 8 = 0.15; half of them never.
    assert len(offsets) > period / 2


@pytest.mark.parametrize(
    ("parameter", "place"),
    [(0.25, 0.25), (-1, -1), (1, 1), (1.25, 0.75), (-1.5, -0.5), (3, -1), (-2.5, 0.5), (5.5, 0.5)],
)
def test_reddi_line_is_folded_at_its_borders(parameter, place):
    problem = lessons.reddi()
    at = jnp.array([parameter], jnp.float32)
    assert problem.averages(at)["distance"] == place + 1
    assert problem.loss(at, jnp.float32(8)) == 8 * (place + 1)
    inside = (parameter - 1) % 4 > 2  # of the rising pieces of the wave
    if parameter % 2 != 1:
        slope = jax.grad(problem.loss)(at, jnp.float32(8))
        assert slope[0] == (8 if inside else -8)


@pytest.mark.slow
def test_reddi_leads_a_short_memory_astray():
    problem = lessons.reddi()
    small = half_decades(-4, -2)

    def distances(make, rates):
        return reported(problem, trained(problem, make, rates, seeds=3)[0])

    # 1 - decay = 0.1 is above the threshold of 0.0712 for a period of 8, 0.01 is below.
    before = 1 + np.mean([problem.init(jax.random.split(jax.random.key(s))[0]) for s in range(3)])
    assert (distances(with_decay(0.9), small) > before + 0.1).all()
    assert distances(with_decay(0.99), small).min() < before - 0.1
    assert distances(with_decay(0.999), half_decades(-4, -1)).min() < problem.target
    assert distances(rmsprop.adagrad, half_decades(-1, 1)).min() < problem.target


# Separable data.


def test_wilson_loss_is_that_of_the_whole_table(rng):
    problem = lessons.wilson(examples=7)
    weights = jax.tree.map(
        lambda x: jnp.asarray(rng.standard_normal(x.shape), jnp.float32),
        problem.init(jax.random.key(0)),
    )
    labels = problem.sample(jax.random.key(1), jnp.int32(0))
    assert set(labels.tolist()) == {1, -1}
    table = np.zeros((7, 3 + 5 * 7))
    for row, label in enumerate(labels):
        table[row, :3] = label, 1, 1
        table[row, 3 + 5 * row : 3 + 5 * row + (1 if label > 0 else 5)] = 1
    flat = np.concatenate([np.asarray(w, np.float64).ravel() for w in weights])
    away = table @ flat - np.asarray(labels)
    loss, gradient = jax.value_and_grad(problem.loss)(weights, labels)
    # Sums of at most nine float32 values of order 1 and their squares.
    np.testing.assert_allclose(loss, 0.5 * away @ away, rtol=1e-5)
    flat_gradient = np.concatenate([np.ravel(g) for g in gradient])
    np.testing.assert_allclose(flat_gradient, table.T @ away, rtol=0, atol=1e-5 * abs(away).sum())


@pytest.mark.parametrize(
    ("common", "accuracy"),
    [((1, 0.3, 0.3), 1), ((1, 1, 1), 0.6), ((0, -1, 0), 0.4), ((-1, 0, 0), 0)],
)
def test_wilson_accuracy_is_the_share_of_what_is_called_right(common, accuracy):
    problem = lessons.wilson()
    weights = problem.init(jax.random.key(0))._replace(common=jnp.array(common, jnp.float32))
    np.testing.assert_allclose(problem.metrics(weights)["test_accuracy"], accuracy, rtol=2.0**-22)


def test_wilson_labels_are_positive_with_their_probability():
    labels = lessons.wilson(20_000).sample(jax.random.key(2), jnp.int32(0))
    # Five standard errors of a share of 20,000.
    assert abs((labels > 0).mean() - 0.6) < 5 * math.sqrt(0.24 / 20_000)


@pytest.mark.slow
def test_wilson_fits_with_everything_and_learns_with_plain_descent_alone():
    problem = lessons.wilson()
    ways = {
        "adagrad": (rmsprop.adagrad, half_decades(-3, 1)),
        "rmsprop": (with_decay(0.99), half_decades(-6, -2)),
        "descent": (optax.sgd, half_decades(-8, -5)),
    }
    accuracies = {}
    for name, (make, rates) in ways.items():
        params, losses = trained(problem, make, rates, seeds=5)
        fit = np.asarray(losses[..., -2:]).mean(axis=(1, 2))
        assert np.nanmin(fit) < 0.01
        accuracies[name] = reported(problem, params)[np.nanargmin(fit)]
    # Multiples of 0.2 that float32 rounds.
    np.testing.assert_allclose(list(accuracies.values()), [0.6, 0.6, 1.0], rtol=2.0**-22)


# Rare features.


def test_rare_features_occur_at_their_periods():
    problem = lessons.rare((1, 4, 10), noise=0)
    steps = jnp.arange(100, dtype=jnp.int32)
    sample = jax.jit(jax.vmap(problem.sample, (None, 0)))
    for key in jax.random.split(jax.random.key(0), 3):
        batches = sample(key, steps)
        for feature, period in enumerate((1, 4, 10)):
            (times,) = np.nonzero(batches.present[:, feature])
            assert times[0] < period
            assert (np.diff(times) == period).all()
        np.testing.assert_array_equal(batches.values, 1)


def test_rare_loss_is_of_the_present_features_and_its_metric_of_all():
    problem = lessons.rare((1, 4, 10))
    weights = jnp.array([0.5, 2.0, -1.0])
    batch = lessons.Observation(jnp.array([True, False, True]), jnp.array([1.5, 9.0, 1.0]))
    loss, gradient = jax.value_and_grad(problem.loss)(weights, batch)
    assert loss == 0.5 * (1 + 4)
    np.testing.assert_array_equal(gradient, [-1, 0, -2])
    excess = problem.averages(weights)["mean_excess"]
    np.testing.assert_allclose(excess, 0.5 * (0.25 + 1 + 4) / 3, rtol=2.0**-22)


@pytest.mark.slow
def test_rare_is_better_with_a_rate_that_falls():
    problem = lessons.rare()

    def best(make, rates):
        return reported(problem, trained(problem, make, rates, seeds=8)[0]).min()

    falling = best(rmsprop.adagrad, half_decades(-2, 0))
    assert falling < problem.target
    assert best(with_decay(0.99), half_decades(-5, -1)) > 1.3 * falling


@pytest.mark.parametrize(
    ("make", "name", "value"),
    [
        (landscapes.rosenbrock, "noise", -1),
        (landscapes.scale_change, "noise", math.nan),
        (landscapes.scale_change, "period", 0),
        (landscapes.scale_change, "steepness", 0),
        (lessons.reddi, "period", 1),
        (lessons.wilson, "examples", 0),
        (lessons.wilson, "positive", 0.5),
        (lessons.rare, "noise", -0.5),
        (lessons.rare, "periods", (1, 0)),
        (lessons.rare, "periods", ()),
    ],
)
def test_out_of_range_is_a_sentence(make, name, value):
    sentence = f"{name} is {value!r}; it must be "
    with pytest.raises(ValueError, match=re.escape(sentence)) as caught:
        make(**{name: value})
    assert str(caught.value).endswith(".")
