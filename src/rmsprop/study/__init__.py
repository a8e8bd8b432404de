"""The comparison of RMSprop with AdaGrad, as a library.

    from rmsprop import study
    result = study.compare([study.task("digits")], [study.named("rmsprop"), study.named("adagrad")])
    result.summary()

The study uses the optimizers as any user does. Its names are imported when they are first used, for
they need the packages that `pip install '.[study]'` installs from a clone.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rmsprop.study.comparison import Comparison, compare
    from rmsprop.study.contenders import named
    from rmsprop.study.explorer.page import Explorable, explore
    from rmsprop.study.maps.making import map  # noqa: A004 (as `study.map` it hides nothing)
    from rmsprop.study.maps.measurement import Measurement
    from rmsprop.study.maps.measuring import measure
    from rmsprop.study.maps.planes import Plane
    from rmsprop.study.maps.presentation import Map
    from rmsprop.study.optimizers import Optimizer, Tunable, optimizer
    from rmsprop.study.problems import Metric, Problem
    from rmsprop.study.tasks import QUICK, TASKS, task

__all__ = [
    "QUICK",
    "TASKS",
    "Comparison",
    "Explorable",
    "Map",
    "Measurement",
    "Metric",
    "Optimizer",
    "Plane",
    "Problem",
    "Tunable",
    "compare",
    "explore",
    "map",
    "measure",
    "named",
    "optimizer",
    "task",
]

_PLACES = {
    "problems": ("Metric", "Problem"),
    "comparison": ("Comparison", "compare"),
    "contenders": ("named",),
    "explorer.page": ("Explorable", "explore"),
    "maps.making": ("map",),
    "maps.measurement": ("Measurement",),
    "maps.measuring": ("measure",),
    "maps.planes": ("Plane",),
    "maps.presentation": ("Map",),
    "optimizers": ("Optimizer", "Tunable", "optimizer"),
    "tasks": ("QUICK", "TASKS", "task"),
}

if not TYPE_CHECKING:  # hidden from type checkers, which would take any name for one of this module

    def __getattr__(name: str) -> object:
        for module, names in _PLACES.items():
            if name in names:
                return getattr(importlib.import_module(f"rmsprop.study.{module}"), name)
        raise AttributeError(f"module 'rmsprop.study' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
