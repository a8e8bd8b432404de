"""Schedules of the learning rate, as a factor of a comparison.

AdaGrad carries a schedule of its own, about 1/sqrt(t); whether another optimizer is worse or only
lacks one can be seen only if each is tuned under each schedule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import jax.numpy as jnp
import optax
from jax import Array, lax
from jax.typing import ArrayLike

from rmsprop.study.lookup import suggestion

# By what the learning rate is multiplied, from the count of steps before, from 0, and all of them.
SCHEDULES: Mapping[str, Callable[[Array, int | Array], Array]] = {
    "constant": lambda count, steps: jnp.ones_like(count),
    "linear": lambda count, steps: 1 - count / steps,
    "inverse_sqrt": lambda count, steps: lax.rsqrt(count + 1),
}


def check_schedules(names: Sequence[str]) -> None:
    """Refuses names that are no schedules.

    Raises:
        ValueError: an unknown name, one named twice, or none.
    """
    if not names:
        raise ValueError(f"there is no schedule; name at least one of {', '.join(SCHEDULES)}.")
    for name in names:
        if not isinstance(name, str) or name not in SCHEDULES:
            near = suggestion(str(name), SCHEDULES)
            raise ValueError(
                f"schedule {name!r} is unknown; choose of {', '.join(SCHEDULES)} (linear goes to 0"
                f" at the end of a run, inverse_sqrt is 1/sqrt(t)).{near}"
            )
    if len(set(names)) < len(names):
        raise ValueError(f"a schedule is named twice in {', '.join(names)}; name each once.")


def scheduled(
    learning_rate: Array, names: Sequence[str], number: Array, steps: int | Array
) -> Array | optax.Schedule:
    """The learning rate under the schedule of a run.

    Args:
        learning_rate: Its largest value, a traced scalar.
        names: The schedules of the study.
        number: Which of them, a traced int32 scalar, so that one program serves all.
        steps: Of a run; traced where one program serves runs of several lengths.

    Returns:
        A function of the count of steps; the learning rate itself where all are constant, which
        optimizers take that know no schedules.
    """
    if tuple(names) == ("constant",):
        return learning_rate

    def rate(count: ArrayLike) -> Array:
        """The rate of a step, of which `count` have gone before."""
        now = jnp.asarray(count, jnp.float32)
        factors = jnp.stack([SCHEDULES[name](now, steps) for name in names])
        return learning_rate * factors[number]

    return rate
