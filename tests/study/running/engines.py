"""An engine in one call, for tests of runs without a schedule, and an optimizer for it."""

import rmsprop
from rmsprop.study.running.engine import Engine
from rmsprop.study.running.program import Program

NAMES = ("learning_rate", "one_minus_decay")


def build(values):
    """RMSprop with the hyper-parameters of these names."""
    return rmsprop.rmsprop(values["learning_rate"], 1 - values["one_minus_decay"])


def engine_of(problem, build, names, steps, *, width=None, **options):
    """Like `Engine`, of an optimizer that `build` makes from its hyper-parameters alone."""
    program = Program.of(problem, lambda values, schedule: build(values), names, steps, width)
    return Engine(program, **options)
