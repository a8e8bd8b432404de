"""Which rows a batch has: every row once in an epoch, whatever their number."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rmsprop.study.tasks.batches import epoch_rows


@pytest.mark.parametrize(
    ("count", "size"),
    [
        (1197, 64),
        (24882, 64),
        pytest.param(65535, 1000, marks=pytest.mark.slow),
        (65536, 64),
        pytest.param(261878, 128, marks=pytest.mark.slow),
        (12, 4),
        (7, 7),
        (5, 1),
        (1, 1),
    ],
)
def test_epoch_has_every_row_once(count, size):
    steps = count // size
    rows = jax.jit(jax.vmap(lambda key, step: epoch_rows(key, step, count, size), (None, 0)))
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
        draw = jax.jit(lambda key, step: epoch_rows(key, step, 1197, 64))
        return np.asarray(draw(jax.random.key(0), jnp.int32(40)))

    before = drawn()
    request.getfixturevalue("x64")
    np.testing.assert_array_equal(before, drawn())


def test_every_row_is_as_likely_at_every_place():
    count, draws = 20, 20_000
    keys = jax.random.split(jax.random.key(5), draws)
    draw = jax.jit(jax.vmap(lambda key: epoch_rows(key, jnp.int32(4), count, 6)))
    for place in np.asarray(draw(keys)).T:
        times = np.bincount(place, minlength=count)
        expected = draws / count
        # Chi-squared with 19 degrees of freedom is above 60 with probability 4e-6; six places.
        assert ((times - expected) ** 2 / expected).sum() < 60


@pytest.mark.parametrize(("count", "size"), [(10, 11), (10, 0), (2**20, 64)])
def test_epoch_rows_refuses_what_it_cannot_do(count, size):
    with pytest.raises(ValueError, match=f"size is {size} and count is {count}; they must"):
        epoch_rows(jax.random.key(0), jnp.int32(0), count, size)


def test_products_fit_into_32_bits():
    """The largest multiplier times the largest position, or the order would be no permutation."""
    for count in (1, 2, 65535, 65536, 65537, 261878, 2**20 - 1):
        multiplier = min(count, 2**32 // count) - 1
        assert multiplier * (count - 1) < 2**32
        assert multiplier >= min(count - 1, 4094)
