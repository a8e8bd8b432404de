"""An embedding table of 200,000 rows, trained at the cost of the rows that a batch touches.

Words come with the frequencies of a natural text: a few are in every batch, most are rare.  Each
has a hidden score, and a bag of words is labelled by the sign of their sum.  The table is optimized
by `rmsprop.rows`, which equals the dense RMSprop; the rest of the model by `rmsprop.rmsprop`.  For
a checkpoint the state of the table is turned into that of the dense optimizer and back.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax

import rmsprop
from rmsprop import rows

WORDS, WIDTH, BAG, BATCH, STEPS = 200_000, 8, 12, 128, 600

table_optimizer = rows.rmsprop(learning_rate=0.03, decay=0.99)
dense_optimizer = rmsprop.rmsprop(learning_rate=0.01, decay=0.99)


def bags(rng, scores, count):
    """Bags of up to 12 words, padded with -1, and their labels."""
    words = np.minimum(rng.zipf(1.3, (count, BAG)), WORDS) - 1
    length = rng.integers(3, BAG + 1, (count, 1))
    words = np.where(np.arange(BAG)[None] < length, words, -1).astype(np.int32)
    total = np.where(words >= 0, scores[words], 0).sum(1)
    return jnp.asarray(words), jnp.asarray(total > 0, jnp.float32)


def loss(embedded, params, labels):
    """`embedded` has shape (bags, words, width); padding is zero."""
    logits = embedded.sum(1) @ params["weights"] + params["bias"]
    return optax.sigmoid_binary_cross_entropy(logits, labels).mean()


@functools.partial(jax.jit, donate_argnums=(0, 1, 2, 3))
def train_step(table, table_state, params, state, words, labels):
    value, (row_gradients, gradients) = rows.value_and_grad(loss, argnums=(0, 1))(
        table, words, params, labels
    )
    table, table_state = table_optimizer.step(table, table_state, words, row_gradients)
    updates, state = dense_optimizer.update(gradients, state, params)
    return table, table_state, optax.apply_updates(params, updates), state, value


def main():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=WORDS)
    table = jnp.zeros((WORDS, WIDTH))
    params = {"weights": jax.random.normal(jax.random.key(0), (WIDTH,)), "bias": jnp.zeros(())}
    table_state, state = table_optimizer.init(table), dense_optimizer.init(params)
    for step in range(STEPS):
        if step == STEPS // 2:  # a checkpoint: what `rmsprop.rmsprop` itself would have kept
            saved = table_optimizer.to_dense(table_state)
            table_state = table_optimizer.from_dense(saved)
        table, table_state, params, state, value = train_step(
            table, table_state, params, state, *bags(rng, scores, BATCH)
        )
        if step % 100 == 0:
            print(f"step {step:3d}  loss {value:.4f}")
    words, labels = bags(rng, scores, 2000)
    logits = rows.gather(table, words).sum(1) @ params["weights"] + params["bias"]
    accuracy = ((logits > 0) == (labels > 0)).mean()
    touched = int((jnp.abs(table).sum(1) > 0).sum())
    print(f"accuracy on new bags {accuracy:.3f}, {touched:,} of {WORDS:,} rows ever touched")
    assert accuracy > 0.8, "the table should have learned the frequent words"


if __name__ == "__main__":
    main()
