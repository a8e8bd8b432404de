"""An engine in one call, for tests of runs without a schedule."""

from rmsprop.study.running.engine import Engine
from rmsprop.study.running.program import Program


def engine_of(problem, build, names, steps, *, width=None, **options):
    """Like `Engine`, of an optimizer that `build` makes from its hyper-parameters alone."""
    program = Program.of(problem, lambda values, schedule: build(values), names, steps, width)
    return Engine(program, **options)
