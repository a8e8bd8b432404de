"""States of Optax before they are read: the wrappers around them, and what they consist of."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from rmsprop import _layouts as layouts
from rmsprop._layouts import MOMENTS, MOMENTUM, SCHEDULE, Link, is_named, links
from rmsprop._typing import Tree


class Opened(NamedTuple):
    """What wrappers of Optax hold.

    Attributes:
        state: The state of the optimizer that they wrap.
        steps: The number of steps that they count, or None.
        hyperparams: The values that `optax.inject_hyperparams` holds, without schedules.
    """

    state: Tree
    steps: int | None
    hyperparams: Mapping[str, Any]


def opened(saved: Tree) -> Opened:
    """The state inside of `inject_hyperparams`, `masked`, and of `MultiSteps` between two steps.

    Raises:
        ValueError: `MultiSteps` has gradients of a step that is not done.
    """
    state, steps, hyperparams = saved, None, {}
    while len(found := links(state)) == 1:
        state = found[0].state
        fields = {*getattr(state, "_fields", ())}
        if {"hyperparams", "inner_state"} <= fields:
            steps = int(state.count)
            scheduled = getattr(state, "hyperparams_states", {})
            hyperparams = {k: v for k, v in state.hyperparams.items() if k not in scheduled}
            state = state.inner_state
        elif {"mini_step", "inner_opt_state"} <= fields:
            if int(state.mini_step) != 0:
                raise ValueError(
                    f"saved is of optax.MultiSteps and has gradients of {int(state.mini_step)}"
                    f" calls since its last step. Move saved.inner_opt_state, and put the result in"
                    f" its place: saved._replace(inner_opt_state=state), for optax.MultiSteps"
                    f" around the port."
                )
            steps, state = int(state.gradient_step), state.inner_opt_state
        elif type(state).__name__ == "MaskedState":
            state = state.inner_state
        else:
            break
    return Opened(state, steps, hyperparams)


def check_links(state: Tree, template: Tree, function: str) -> None:
    """Refuses a state that does not consist of the same parts in the same order.

    The count of a schedule may be missing, since a number as the rate has none.

    Args:
        state: What was saved.
        template: What Optax makes with the options of the port.
        function: The port.

    Raises:
        ValueError: The parts differ.
    """
    if isinstance(state, dict | list):
        raise ValueError(
            f"saved is {layouts.with_article(type(state).__name__)} where a state of Optax belongs:"
            f" {layouts.RESTORE}."
        )
    own, wanted = _parts(state), _parts(template)
    if own != wanted:
        raise ValueError(
            f"saved has {' and '.join(own) or 'nothing'}, and optax.{function.partition('.')[2]}"
            f" has {' and '.join(wanted)} with the options of {function}. Pass the options of the"
            f" run that was saved, and of a larger chain the state of this optimizer alone."
        )
    kinds = [Link((), part).kind for part in _flat(state)]
    if MOMENTUM in kinds and kinds[kinds.index(MOMENTUM) - 1] == MOMENTS:
        raise ValueError(
            "saved has the momentum buffer right behind the second moments, so that the rate was"
            " applied after it, and optax.rmsprop applies it before. Go on with the chain that made"
            " the state, of rmsprop.scale_by_rms and optax.trace, or pass"
            " rmsprop.rmsprop(..., lr_in_momentum=False)."
        )


def _parts(state: Tree) -> list[str]:
    """The links with content but for schedules, by their classes and fields."""
    return [
        f"{type(link.state).__name__}({', '.join(getattr(link.state, '_fields', ()))})"
        if link.kind not in (MOMENTS, MOMENTUM)
        else f"{link.kind} ({', '.join(link.state._fields)})"
        for link in links(state)
        if link.kind != SCHEDULE
    ]


def _flat(state: Tree) -> list[Tree]:
    """The links of a chain, those without content included."""
    if isinstance(state, tuple) and not is_named(state):
        return [part for child in layouts.children(state).values() for part in _flat(child)]
    return [state]
