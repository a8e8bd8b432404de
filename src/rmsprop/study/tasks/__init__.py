"""The tasks that `rmsprop compare` knows by name.

To look at and to understand, each a few numbers large:

* `valley`: a narrow valley in two dimensions.
* `rosenbrock`: a narrow valley that bends.
* `drift`: an optimum that keeps moving.
* `reddi`: a problem on which RMSprop walks to the worst point and AdaGrad to the best.
* `wilson`: separable data on which adaptive methods fit everything and learn little.
* `rare`: features seen in every step, every tenth, and so on.

Real data:

* `digits`: a small network on small pictures. Every parameter has a gradient in every step.
* `mnist`: a convolutional network on larger ones.
* `bible`: softmax regression on bags of words. Most parameters have no gradient in most steps.
* `flights`: logistic regression on categories, one epoch.
* `characters`: a recurrent network that predicts the next character.
"""

from __future__ import annotations

from collections.abc import Callable

from rmsprop.study.problems import Problem
from rmsprop.study.tasks.categories import flights
from rmsprop.study.tasks.images import digits, mnist
from rmsprop.study.tasks.landscapes import drift, rosenbrock, valley
from rmsprop.study.tasks.lessons import rare, reddi, wilson
from rmsprop.study.tasks.text import bible, characters

# In the order of the report. Calling one reads its data; importing this module reads none.
TASKS: dict[str, Callable[[], Problem]] = {
    "valley": valley,
    "rosenbrock": rosenbrock,
    "drift": drift,
    "reddi": reddi,
    "wilson": wilson,
    "rare": rare,
    "digits": digits,
    "mnist": mnist,
    "bible": bible,
    "flights": flights,
    "characters": characters,
}

# What is compared if nobody says what.
QUICK = ("valley", "digits", "bible")


def task(name: str) -> Problem:
    """The problem called `name`.

    Raises:
        ValueError: for a name that is not in `TASKS`.
        ImportError: if the package with its data is not installed.
    """
    if name not in TASKS:
        raise ValueError(f"task={name!r} is unknown; choose one of {', '.join(TASKS)}")
    return TASKS[name]()
