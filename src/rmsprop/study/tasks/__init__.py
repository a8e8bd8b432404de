"""The tasks that `rmsprop compare` knows by name.

`TASKS` is the one list of them: the help of the command line and the claims of the report are made
from it. The first six are small and made for what they teach, without data; the others have real
data. `digits-wide` and `bible-books` are fuller forms of `digits` and `bible`, which are cheap
enough for a comparison in which the user names no task.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable
from dataclasses import dataclass

from rmsprop.study.problems import Problem
from rmsprop.study.tasks.categories import flights
from rmsprop.study.tasks.images import digits, mnist
from rmsprop.study.tasks.landscapes import rosenbrock, scale_change, valley
from rmsprop.study.tasks.lessons import rare, reddi, wilson
from rmsprop.study.tasks.text import bible, characters


class Kind(enum.StrEnum):
    """What is special about a task, by which the claims of a report choose their tasks."""

    VALLEY = "valley"  # two dimensions, steep in one direction and flat in the other
    MOVING = "moving"  # an optimum that does not stay where it is
    LESSON = "lesson"  # a counter-example to one optimizer or to both
    RARE = "rare"  # features without data, some of which have no gradient in most steps
    DEEP = "deep"  # a network with hidden layers, on real data
    SPARSE = "sparse"  # real data; most parameters have no gradient in most steps


@dataclass(frozen=True)
class Task:
    """An entry of `TASKS`: a problem that is not built yet, and what it is about.

    Calling a task builds its problem, as calling `make` does.

    Attributes:
        make: The function that reads the data, if there are any, and returns the problem.
        about: What the task is, in one line for lists and help.
        kind: What is special about the task.
    """

    make: Callable[[], Problem]
    about: str
    kind: Kind

    def __call__(self) -> Problem:
        """Returns the problem.

        Raises:
            ImportError: The package with its data is not installed.
        """
        return self.make()


# In the order of the report. Calling a task reads its data; importing this module reads none.
TASKS: dict[str, Task] = {
    "valley": Task(valley, "a narrow valley in two dimensions", Kind.VALLEY),
    "rosenbrock": Task(rosenbrock, "a narrow valley that bends", Kind.VALLEY),
    "scale-change": Task(
        scale_change, "a moving optimum, and gradients that shrink a hundredfold", Kind.MOVING
    ),
    "reddi": Task(reddi, "a rare large slope that misleads a short memory", Kind.LESSON),
    "wilson": Task(wilson, "separable data that adaptive methods only memorise", Kind.LESSON),
    "rare": Task(rare, "features that occur in every 1st, 10th and 100th step", Kind.RARE),
    "digits": Task(digits, "1,797 pictures, a multi-layer perceptron", Kind.DEEP),
    "digits-wide": Task(
        functools.partial(digits, wide=True),
        "1,797 pictures, a wider multi-layer perceptron",
        Kind.DEEP,
    ),
    "mnist": Task(mnist, "5,000 larger pictures, a convolutional network", Kind.DEEP),
    "bible": Task(bible, "31,102 verses to ten sections, softmax regression", Kind.SPARSE),
    "bible-books": Task(
        functools.partial(bible, books=True),
        "31,102 verses to 66 books, softmax regression",
        Kind.SPARSE,
    ),
    "flights": Task(flights, "327,346 flights by category, logistic regression", Kind.SPARSE),
    "characters": Task(characters, "1,000,000 characters, a recurrent network", Kind.DEEP),
}

# The tasks that are compared where the user names none.
QUICK = ("valley", "digits", "bible")


def task(name: str) -> Problem:
    """The problem called `name`.

    Args:
        name: A key of `TASKS`.

    Raises:
        ValueError: The name is not in `TASKS`.
        ImportError: The package with the data of the task is not installed.

    Example:
        >>> task("valley").title
        'Narrow valley, condition number 100'
    """
    if name not in TASKS:
        raise ValueError(f"task is {name!r}; it must be one of {', '.join(TASKS)}.")
    return TASKS[name]()


def names_of(*kinds: Kind) -> tuple[str, ...]:
    """The names of all tasks of some kinds: kind by kind, and within a kind as in `TASKS`.

    Args:
        *kinds: The kinds, in the order in which their tasks are named.

    Example:
        >>> names_of(Kind.SPARSE, Kind.RARE)
        ('bible', 'bible-books', 'flights', 'rare')
    """
    return tuple(name for kind in kinds for name, entry in TASKS.items() if entry.kind is kind)
