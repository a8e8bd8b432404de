"""How long a study will take: said before it begins, and measured with runs of its own."""

from dataclasses import replace

import optax
import pytest

from rmsprop.study import compare, optimizer
from rmsprop.study.folder import StudyFolder
from rmsprop.study.running import duration, progress
from rmsprop.study.running.engine import Engine
from rmsprop.study.running.plan import Plan
from tiny_problem import tiny


def _plan(**changes):
    settings = {
        "problems": [tiny(), tiny("other", steps=40)],
        "optimizers": [optimizer("sgd", optax.sgd)],
        "seeds": 2,
        "tuning_seeds": 1,
        "first_seed": 0,
        "steps": None,
        "schedules": ("constant",),
        "memory": 10**9,
    }
    return Plan(**{**settings, **changes})


def test_a_duration_is_of_all_runs_on_all_cores(monkeypatch):
    """With runs of ten seconds, in which all else is nothing."""
    monkeypatch.setattr(duration, "available_cores", lambda: 2)
    run = Engine.run_configurations

    def slow(engine, *arguments, **options):
        runs = run(engine, *arguments, **options)
        return replace(runs, seconds=10.0 * len(runs))

    monkeypatch.setattr(Engine, "run_configurations", slow)
    plan = _plan()
    measured = duration.Duration.measured(plan, StudyFolder(None))
    assert measured.runs == sum(plan.runs(problem) for problem in plan.problems)
    assert set(measured.engines) == {"tiny", "other"}
    assert measured.seconds == pytest.approx(10 * duration.GROWTH * measured.runs / 2, rel=0.1)


@pytest.mark.parametrize(
    ("seconds", "words"), [(50.4, "about 50 seconds"), (119.0, "119 seconds"), (3000, "50 minutes")]
)
def test_the_sentence(seconds, words, monkeypatch):
    monkeypatch.setattr(duration, "available_cores", lambda: 2)
    said = str(duration.Duration({}, 12_345, seconds))
    assert said.startswith("About 12,345 runs on 2 cores")
    assert words in said


class _Teller:
    is_shown = True

    def __init__(self):
        self.said = []
        self._silent = progress.Silent()

    def __getattr__(self, name):
        return getattr(self._silent, name)

    def say(self, sentence):
        self.said.append(sentence)


def test_it_is_said_once_and_not_of_a_study_that_goes_on(tmp_path):
    first, second = _Teller(), _Teller()
    arguments = {"seeds": 2, "tuning_seeds": 1, "folder": tmp_path, "schedules": "constant"}
    one = compare(tiny(), [optimizer("sgd", optax.sgd)], progress=first, **arguments)
    two = compare(tiny(), [optimizer("sgd", optax.sgd)], progress=second, **arguments)
    assert len(first.said) == 1
    assert "this will take about" in first.said[0]
    assert second.said == []
    assert one.task("tiny").equals(two.task("tiny"))
    quiet = compare(tiny(), [optimizer("sgd", optax.sgd)], **{**arguments, "folder": None})
    volatile = ["seconds_per_run", "compile_seconds"]
    assert quiet.task("tiny").drop_vars(volatile).equals(one.task("tiny").drop_vars(volatile))
