"""Compare optimizers on a problem of your own: a few lines, with any way to write a model.

    python examples/own_problem.py               # parameters as a plain dictionary
    python examples/own_problem.py equinox flax  # and the same network as modules

The problem is `init`, `loss` and `sample`; whatever tree `init` returns is trained. From the
command line the same is `rmsprop compare --problem own_problem:problem` in this folder.
"""

import sys

import jax
import jax.numpy as jnp

import rmsprop
from rmsprop import study


def sample(key, step):
    """A batch of step `step`: noisy values of a wave."""
    where, noise = jax.random.split(jax.random.fold_in(key, step))
    x = jax.random.uniform(where, (32, 1), minval=-3.0, maxval=3.0)
    return x, jnp.sin(2 * x) + 0.1 * jax.random.normal(noise, x.shape)


def squared_error(predicted, batch):
    return jnp.mean((predicted - batch[1]) ** 2)


def problem():
    """Parameters as a plain dictionary."""

    def init(key):
        first, second = jax.random.split(key)
        return {
            "w1": jax.random.normal(first, (1, 32)),
            "b1": jnp.zeros((1, 32)),
            "w2": jax.random.normal(second, (32, 1)) / 32**0.5,
        }

    def loss(p, batch):
        return squared_error(jnp.tanh(batch[0] @ p["w1"] + p["b1"]) @ p["w2"], batch)

    return study.Problem("plain", init, loss, sample, steps=200)


def with_equinox():
    """The module is the tree of parameters; its functions and sizes are left as they are."""
    import equinox

    def init(key):
        return equinox.nn.MLP(1, 1, width_size=32, depth=1, activation=jnp.tanh, key=key)

    def loss(model, batch):
        return squared_error(jax.vmap(model)(batch[0]), batch)

    return study.Problem("equinox", init, loss, sample, steps=200)


def with_flax():
    """Flax's modules are functions of their parameters."""
    from flax import linen

    model = linen.Sequential([linen.Dense(32), jnp.tanh, linen.Dense(1)])

    def loss(params, batch):
        return squared_error(model.apply(params, batch[0]), batch)

    return study.Problem(
        "flax", lambda key: model.init(key, jnp.zeros((1, 1))), loss, sample, steps=200
    )


PROBLEMS = {"plain": problem, "equinox": with_equinox, "flax": with_flax}


def main(names):
    result = study.compare(
        [PROBLEMS[name]() for name in names or ["plain"]],
        {
            "rmsprop": rmsprop.rmsprop,
            "adagrad": rmsprop.adagrad,
            # What is tuned is yours to choose: here the decay and the momentum.
            "momentum": study.optimizer(
                "momentum", rmsprop.rmsprop, {"decay": (0.9, 0.99), "momentum": (0.5, 0.9)}
            ),
        },
        seeds=6,
    )
    for schedule in ("constant", "linear"):
        for row in result.summary(schedule=schedule):
            print(f"{row.task}, {row.optimizer}, {schedule}: training loss {row.metric}")
    for row in result.headlines():  # each optimizer under its own better schedule
        pair = f"{row.first} {'/' if row.is_ratio else '-'} {row.second}"
        print(f"{row.task}, {pair}: {row.interval}, {row.verdict} {row.winner or ''}")


if __name__ == "__main__":
    main(sys.argv[1:])
