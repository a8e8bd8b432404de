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

from rmsprop.study.lookup import suggestion
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
        lesson: What the task teaches, and which scores chance and a perfect run would have, in at
            most two sentences.
    """

    make: Callable[[], Problem]
    about: str
    kind: Kind
    lesson: str = ""

    def __call__(self) -> Problem:
        """Returns the problem.

        Raises:
            ImportError: The package with its data is not installed.
        """
        return self.make()


# In the order of the report. Calling a task reads its data; importing this module reads none.
TASKS: dict[str, Task] = {
    "valley": Task(
        valley,
        "a narrow valley in two dimensions",
        Kind.VALLEY,
        "Where curvatures differ a hundredfold one learning rate fits only one direction, and "
        "noise keeps a rate that does not fall from settling. The loss begins near 58, and a "
        "perfect run has 0.",
    ),
    "rosenbrock": Task(
        rosenbrock,
        "a narrow valley that bends",
        Kind.VALLEY,
        "Where the steep direction turns, no scale of the coordinates fits for long, and good "
        "learning rates lie close together. The loss begins near 24, and a perfect run has 0.",
    ),
    "scale-change": Task(
        scale_change,
        "a moving optimum, and gradients that shrink a hundredfold",
        Kind.MOVING,
        "After gradients have shrunk, AdaGrad's sum still remembers the large ones and its "
        "steps stay too small to follow the optimum, while RMSprop forgets them. A run that "
        "stays in the middle has a loss of 0.51, and a perfect follower pays 0.01 for the "
        "noise.",
    ),
    "reddi": Task(
        reddi,
        "a rare large slope that misleads a short memory",
        Kind.LESSON,
        "RMSprop with a short memory goes to the worst place, because it divides the one large "
        "slope by a root that this slope has just increased; AdaGrad never does. A run begins "
        "near a distance of 1, the worst place has 2 and a perfect run has 0.",
    ),
    "wilson": Task(
        wilson,
        "separable data that adaptive methods only memorise",
        Kind.LESSON,
        "Methods that divide every gradient by its own size fit all training examples and learn "
        "nothing but that most labels are positive, while plain gradient descent learns the "
        "rule. An accuracy of 0.6 is the share of the larger class, and gradient descent gets "
        "1.0, which is perfect.",
    ),
    "rare": Task(
        rare,
        "features that occur in every 1st, 10th and 100th step",
        Kind.RARE,
        "AdaGrad's steps for a feature fall with the number of its occurrences, so that rare "
        "and frequent features both settle, while RMSprop's do not fall unless the learning "
        "rate does. The excess begins at 0.5, and a perfect run has 0.",
    ),
    "digits": Task(
        digits,
        "1,797 pictures, a multi-layer perceptron",
        Kind.DEEP,
        "In a small network on dense features, training loss and test loss have different "
        "winners, for what fits the training pictures faster need not predict better. Chance "
        "has a loss of 2.30 and an accuracy of 0.1, and a perfect run has 0 and 1.",
    ),
    "digits-wide": Task(
        functools.partial(digits, wide=True),
        "1,797 pictures, a wider multi-layer perceptron",
        Kind.DEEP,
        "It shows whether what is found on `digits` still holds for a wider network that is "
        "trained for longer. Chance has a loss of 2.30 and an accuracy of 0.1, and a perfect "
        "run has 0 and 1.",
    ),
    "mnist": Task(
        mnist,
        "5,000 larger pictures, a convolutional network",
        Kind.DEEP,
        "It shows whether what is found on `digits` holds for convolutions, whose weights get "
        "gradients from every place of a picture. Chance has a loss of 2.30 and an accuracy of "
        "0.1, and a perfect run has 0 and 1.",
    ),
    "bible": Task(
        bible,
        "31,102 verses to ten sections, softmax regression",
        Kind.SPARSE,
        "Most words are in few verses, so each word needs a learning rate of its own, which "
        "AdaGrad and an RMSprop with a long memory give and plain gradient descent does not. "
        "Guesses have an accuracy of 0.1, the largest section alone 0.23, and a perfect run has "
        "1.",
    ),
    "bible-books": Task(
        functools.partial(bible, books=True),
        "31,102 verses to 66 books, softmax regression",
        Kind.SPARSE,
        "It is `bible` with rarer words and rarer classes, as in published results, where a "
        "short memory costs RMSprop accuracy. Guesses have an accuracy of 0.015, the largest "
        "book alone 0.08, and a perfect run has 1.",
    ),
    "flights": Task(
        flights,
        "327,346 flights by category, logistic regression",
        Kind.SPARSE,
        "On sparse categories AdaGrad and RMSprop tie if both are tuned, and AdaGrad tolerates "
        "a learning rate that is far too high. The share of late flights alone has a loss of "
        "0.548, and a perfect run has 0, from which all optimizers stay far away.",
    ),
    "characters": Task(
        characters,
        "1,000,000 characters, a recurrent network",
        Kind.DEEP,
        "Where gradients change much while a network learns, an average that forgets serves "
        "better than a sum. The frequencies of the characters alone have a loss of 3.02, and a "
        "perfect run would have 0, which no reader of a text reaches.",
    ),
}

# The tasks that are compared where the user names none.
QUICK = ("valley", "digits", "bible")


def task(name: str) -> Problem:
    """The problem called `name`.

    Args:
        name: A key of `TASKS`.

    Returns:
        The problem, as `compare` takes it.

    Raises:
        ValueError: The name is not in `TASKS`.
        ImportError: The package with the data of the task is not installed.

    Example:
        >>> task("valley").title
        'Narrow valley, condition number 100'
    """
    if name not in TASKS:
        raise ValueError(
            f"task is {name!r}; it must be one of {', '.join(TASKS)}.{suggestion(name, TASKS)}"
        )
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
