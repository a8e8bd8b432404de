"""Which examples are held out: the seed of a run draws them, and training never reads them."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from task_loading import PACKAGES, load, load_data, parts_of, rows_in_order, trained

from rmsprop.study.problems import Problem
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
    models = jax.jit(jax.vmap(problem.init))(jax.random.split(jax.random.key(0), 3))
    splits = np.asarray(models.split).reshape(3, -1)
    assert len(np.unique(splits, axis=0)) == 3
    assert Trained.of(jax.tree.map(lambda leaf: leaf[0], models)).params.split is None
    if name != "characters":
        rows = [parts_of(Model(None, split), load_data(name))["test"].tolist() for split in splits]
        assert len({tuple(sorted(row)) for row in rows}) == 3


@pytest.fixture(scope="module")
def rows_of_a_table():
    """50 examples in three classes, each with its own row of a table of scores."""
    count = 50
    dataset = data.Dataset(
        np.arange(count, dtype=np.int16),
        (np.arange(count) % 3).astype(np.int32),
        10,
        np.array(list("abc")),
        np.array([], str),
        "",
    )
    made = classification(
        lambda key: jnp.zeros((count, 3)), lambda table, row: table[row], dataset, 7
    )
    return dataset, made


def test_training_leaves_the_split_alone(rows_of_a_table):
    _, made = rows_of_a_table
    problem = Problem("rows", title="Rows", steps=10, target=0.0, citation="made here", **made)
    params, _ = trained(problem, optax.sgd, [0.1], seeds=2, steps=3)
    keys = jnp.stack([jax.random.split(jax.random.key(seed))[0] for seed in range(2)])
    np.testing.assert_array_equal(params.split[0], jax.jit(jax.vmap(problem.init))(keys).split)
    assert np.asarray(params.params).any(axis=(2, 3)).all(), "all else is trained"


def _rows_read(function, model, table=lambda params: params):
    """Which rows of a table have a gradient: those that a function of the model reads."""
    gradient = jax.grad(lambda params: function(model._replace(params=params)))(model.params)
    return table(gradient).any(axis=1)


def _numbers(mask):
    return set(np.flatnonzero(np.asarray(mask)))


def test_training_reads_training_rows_and_each_metric_its_own(rows_of_a_table):
    """Each example has its own row of a table, whose gradient says where it was read."""
    dataset, made = rows_of_a_table

    def reads(key):
        model = made["init"](key)

        def of_step(step):
            batch = made["sample"](key, step)
            return _rows_read(lambda model: made["loss"](model, batch), model)

        def of_metric(name):
            return _rows_read(lambda model: made["metrics"](model)[name], model)

        steps = jnp.arange(12, dtype=jnp.int32)  # more than two epochs of four batches
        drawn = jax.vmap(of_step)(steps).any(axis=0)
        return model, drawn, of_metric("validation_loss"), of_metric("test_loss")

    keys = jax.random.split(jax.random.key(1), 5)
    models, *masks = jax.jit(jax.vmap(reads))(keys)
    for number in range(5):
        train, validation, test = (_numbers(mask[number]) for mask in masks)
        expected = parts_of(Model(None, models.split[number]), dataset)
        assert validation == set(expected["validation"])
        assert test == set(expected["test"])
        assert train <= set(expected["train"])
        assert len(train) >= 28  # of an epoch's four batches of seven


def test_metrics_are_those_of_the_held_out_rows():
    scores = np.random.default_rng(0).standard_normal((20, 2)).astype(np.float32)
    labels = np.random.default_rng(1).integers(0, 2, 20).astype(np.int32)
    dataset = data.Dataset(scores, labels, 6, np.array(["a", "b"]), np.array([], str), "")
    made = classification(lambda key: jnp.ones(()), lambda one, x: one * x, dataset, 4)
    model = jax.jit(made["init"])(jax.random.key(2))
    metrics = jax.jit(made["metrics"])(model)
    for part in ("validation", "test"):
        rows = parts_of(model, dataset)[part]
        right = (scores[rows].argmax(axis=1) == labels[rows]).mean()
        assert metrics[f"{part}_accuracy"] == np.float32(right)


def test_characters_are_held_out_where_the_seed_says(monkeypatch):
    """A text whose characters are all different: the gradient of `read` says what was read."""
    count, held_out, window = 40, 7, 3
    short = data.Text(np.arange(count, dtype=np.uint8), held_out, np.array(["?"] * count), "")
    monkeypatch.setattr(data, "characters", lambda: short)
    problem = text.characters(hidden=2, window=window, batch=200)

    def reads(key):
        model = problem.init(key)
        starts = problem.sample(key, jnp.int32(0))

        def read(function):
            return _rows_read(function, model, lambda gradient: gradient.read)

        return (
            model.split,
            starts,
            {
                "train": read(lambda model: problem.loss(model, starts)),
                "validation": read(lambda model: problem.metrics(model)["validation_loss"]),
                "test": read(lambda model: problem.metrics(model)["test_loss"]),
            },
        )

    firsts, starts, masks = jax.jit(jax.vmap(reads))(jax.random.split(jax.random.key(1), 4))
    for number, first in enumerate(firsts.tolist()):
        rotated = (first + np.arange(count)) % count
        # One start of 23 is missed by 200 draws with probability 23 * (22 / 23)^200 = 0.003.
        assert set(starts[number].tolist()) == set(range(count - 2 * held_out - window))
        assert _numbers(masks["train"][number]) == set(rotated[: count - 2 * held_out - 1])
        for part, begin in (("validation", count - 2 * held_out), ("test", count - held_out)):
            # Two windows of three characters, and the last is predicted only.
            assert _numbers(masks[part][number]) == set(rotated[begin : begin + 6])
    assert len(set(firsts.tolist())) > 1
