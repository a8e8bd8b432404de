"""Which examples are held out: the seed of a run draws them, and training never reads them."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from task_loading import PACKAGES, load, load_data, parts_of, rows_in_order, trained

from rmsprop.study.running.training import Trained
from rmsprop.study.tasks import data, text
from rmsprop.study.tasks.batches import classification
from rmsprop.study.tasks.splits import Model, order_of, rows_at

pytestmark = pytest.mark.usefixtures("shared_cache")


def orders(count, seeds):
    """The rows at all positions for many seeds, shape (seeds, count)."""
    keys = jax.random.split(jax.random.key(11), seeds)
    places = jnp.arange(count)
    return np.asarray(
        jax.jit(jax.vmap(lambda key: rows_at(order_of(key, count), places, count)))(keys)
    )


@pytest.mark.parametrize(("count", "seeds"), [(1, 3), (2, 20), (60, 2000), (1797, 300), (65537, 8)])
def test_order_has_every_row_once(count, seeds):
    rows = orders(count, seeds)
    assert rows.dtype == np.int32
    np.testing.assert_array_equal(np.sort(rows, axis=1), np.tile(np.arange(count), (seeds, 1)))


@pytest.mark.parametrize("count", [1797, 327_346])
def test_order_is_the_map_in_integers_of_any_size(count):
    order = order_of(jax.random.key(3), count)
    rows = np.asarray(rows_at(order, jnp.arange(count), count))
    np.testing.assert_array_equal(rows, rows_in_order(Model(None, order), count))
    assert len(np.unique(rows)) == count


@pytest.mark.parametrize("count", [0, 2**20])
def test_order_refuses_what_it_cannot_do(count):
    with pytest.raises(ValueError, match=f"count is {count}; it must be from 1 to 1048575 rows"):
        order_of(jax.random.key(0), count)


def test_every_row_is_held_out_as_often_as_its_share():
    count, held_out, seeds = 60, 9, 20_000
    rows = orders(count, seeds)
    share = held_out / count
    # Seeds are independent, so the times are binomial. Of 120 normal deviates one is beyond 5
    # standard deviations with probability 7e-5.
    tolerance = 5 * np.sqrt(seeds * share * (1 - share))
    for part in (rows[:, -2 * held_out : -held_out], rows[:, -held_out:]):
        times = np.bincount(part.ravel(), minlength=count)
        assert np.abs(times - seeds * share).max() < tolerance


@pytest.mark.parametrize(("count", "held_out"), [(60, 9), (1797, 300)])
def test_held_out_rows_of_two_seeds_overlap_as_chance_says(count, held_out):
    rows = orders(count, 2000)[:, -held_out:]
    overlaps = np.array(
        [np.intersect1d(*pair).size for pair in zip(rows[::2], rows[1::2], strict=True)]
    )
    # Five standard errors of the mean of 1,000 independent pairs.
    tolerance = 5 * overlaps.std() / np.sqrt(len(overlaps))
    assert abs(overlaps.mean() - held_out**2 / count) < tolerance


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] * (n not in ("digits",))) for n in PACKAGES]
)
def test_seed_draws_a_split_that_is_not_trained(name):
    problem = load(name)
    keys = jax.random.split(jax.random.key(0), 3)
    splits = np.asarray(jax.vmap(problem.init)(keys).split).reshape(3, -1)
    assert len(np.unique(splits, axis=0)) == 3
    start = problem.init(keys[0])
    assert Trained.of(start).params.split is None
    if name != "characters":
        rows = [parts_of(Model(None, split), load_data(name))["test"].tolist() for split in splits]
        assert len({tuple(sorted(row)) for row in rows}) == 3


def test_training_leaves_the_split_alone():
    problem = load("digits")
    params, _ = trained(problem, optax.sgd, [0.1], seeds=2, steps=3)
    keys = [jax.random.split(jax.random.key(seed))[0] for seed in range(2)]
    np.testing.assert_array_equal(params.split[0], [problem.init(key).split for key in keys])


def test_training_reads_training_rows_and_each_metric_its_own():
    """Each example has its own row of a table, whose gradient says where it was read."""
    count, held_out, classes = 50, 10, 3
    dataset = data.Dataset(
        np.arange(count, dtype=np.int16),
        (np.arange(count) % classes).astype(np.int32),
        held_out,
        np.array(list("abc")),
        np.array([], str),
        "",
    )
    made = classification(
        lambda key: jnp.zeros((count, classes)), lambda table, row: table[row], dataset, 7
    )
    metrics = made["metrics"]
    for key in jax.random.split(jax.random.key(1), 5):
        model = made["init"](key)

        def places(function, model=model):
            gradient = jax.grad(lambda table: function(model._replace(params=table)))(model.params)
            return set(np.flatnonzero(np.asarray(gradient).any(axis=1)))

        drawn = set()
        for step in range(12):  # more than two epochs of four batches
            batch = made["sample"](key, jnp.int32(step))
            drawn |= places(lambda table, batch=batch: made["loss"](table, batch))
        read = {
            "train": drawn,
            "validation": places(lambda model: metrics(model)["validation_loss"]),
            "test": places(lambda model: metrics(model)["test_loss"]),
        }
        expected = parts_of(model, dataset)
        assert read["validation"] == set(expected["validation"])
        assert read["test"] == set(expected["test"])
        assert read["train"] <= set(expected["train"])
        assert len(read["train"]) >= 28  # of an epoch's four batches of seven


def test_metrics_are_those_of_the_held_out_rows():
    scores = np.random.default_rng(0).standard_normal((20, 2)).astype(np.float32)
    labels = np.random.default_rng(1).integers(0, 2, 20).astype(np.int32)
    dataset = data.Dataset(scores, labels, 6, np.array(["a", "b"]), np.array([], str), "")
    made = classification(lambda key: jnp.ones(()), lambda one, x: one * x, dataset, 4)
    model = made["init"](jax.random.key(2))
    for part in ("validation", "test"):
        rows = parts_of(model, dataset)[part]
        right = (scores[rows].argmax(axis=1) == labels[rows]).mean()
        assert made["metrics"](model)[f"{part}_accuracy"] == np.float32(right)


def test_characters_are_held_out_where_the_seed_says(monkeypatch):
    """A text whose characters are all different: the gradient of `read` says what was read."""
    count, held_out, window = 40, 7, 3
    short = data.Text(np.arange(count, dtype=np.uint8), held_out, np.array(["?"] * count), "")
    monkeypatch.setattr(data, "characters", lambda: short)
    problem = text.characters(hidden=2, window=window, batch=200)
    firsts = set()
    for key in jax.random.split(jax.random.key(1), 4):
        model = problem.init(key)
        first = int(model.split)
        firsts.add(first)
        rotated = (first + np.arange(count)) % count

        def read(function, model=model):
            gradient = jax.grad(lambda params: function(model._replace(params=params)))(
                model.params
            )
            return set(np.flatnonzero(np.asarray(gradient.read).any(axis=1)))

        starts = problem.sample(key, jnp.int32(0))
        # One start of 23 is missed by 200 draws with probability 23 * (22 / 23)^200 = 0.003.
        assert set(starts.tolist()) == set(range(count - 2 * held_out - window))
        assert read(lambda model, starts=starts: problem.loss(model, starts)) == set(
            rotated[: count - 2 * held_out - 1]
        )
        for part, begin in (("validation", count - 2 * held_out), ("test", count - held_out)):
            # Two windows of three characters, and the last is predicted only.
            assert read(lambda model, part=part: problem.metrics(model)[f"{part}_loss"]) == set(
                rotated[begin : begin + 6]
            )
    assert len(firsts) > 1
