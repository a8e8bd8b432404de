"""A problem so small that a whole comparison of it takes a second."""

import jax
import jax.numpy as jnp

from rmsprop.study import Metric, Problem


def tiny(
    name="tiny", *, width=4, better="lower", target=0.0, loss=None, path=True, steps=20
) -> Problem:
    """A noisy parabola in two dimensions; the metric is its value at the end."""

    def parabola(p, noise):
        return 0.5 * jnp.sum((p - noise) ** 2)

    sign = 1.0 if better == "lower" else -1.0
    final = Metric("final", "final value", better)
    return Problem(
        name=name,
        title="A parabola",
        init=lambda key: jnp.ones(2) + 0.1 * jax.random.normal(key, (2,)),
        sample=lambda key, step: 0.01 * jax.random.normal(jax.random.fold_in(key, step), (2,)),
        loss=parabola if loss is None else loss,
        metrics=lambda p: {"final": sign * parabola(p, jnp.zeros(2))},
        choose_by=final,
        report=final,
        steps=steps,
        target=target,
        citation="made here",
        path=(lambda p: p) if path else None,
        width=width,
    )


def slow():
    """Enough chunks to be killed among them."""
    return tiny("slow", steps=2000, width=2)
