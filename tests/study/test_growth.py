"""A study in a folder grows: what is there is kept, and only what is missing is run."""

import json

import pytest

import rmsprop
from rmsprop.study import Optimizer, Tunable, compare, definition
from rmsprop.study.comparison import Comparison
from rmsprop.study.folder import StudyFolder
from rmsprop.study.running import provenance
from rmsprop.study.running.engine import Engine
from tiny_problem import tiny

VOLATILE = ["seconds_per_run", "compile_seconds"]
RATE = Tunable("learning_rate", (1e-2, 1e-1), 1e-2, 1e-1)
ONE = [Optimizer("rmsprop", lambda learning_rate: rmsprop.rmsprop(learning_rate), (RATE,))]
TWO = [*ONE, Optimizer("mine", lambda learning_rate: rmsprop.adagrad(learning_rate), (RATE,))]


def _study(where, names=("tiny",), optimizers=ONE, **changes):
    call = {"seeds": 3, "tuning_seeds": 1, "schedules": "constant", **changes}
    # Programs of their own: another width is another program.
    problems = [tiny(name, width=4 if name == "tiny" else 2) for name in names]
    return compare(problems, optimizers, folder=where, **call)


def _same(one, two):
    return one.drop_vars(VOLATILE).identical(two.drop_vars(VOLATILE))


@pytest.fixture
def runs(monkeypatch):
    """The number of runs that have been made."""
    made = []
    call = Engine.work

    def counted(engine, chunks):
        made.append(sum(map(len, chunks)))
        return call(engine, chunks)

    monkeypatch.setattr(Engine, "work", counted)
    return made


def test_tasks_and_optimizers_are_added(tmp_path, runs):
    """Each call keeps what is there, and runs what is missing."""
    first = _study(tmp_path)
    runs.clear()
    second = _study(tmp_path, ["other"])
    assert second.tasks == ("tiny", "other")
    assert second.task("tiny").identical(first.task("tiny"))  # times too
    assert second.tree.attrs["seconds"] > first.tree.attrs["seconds"]
    alone = sum(runs)
    runs.clear()
    third = _study(tmp_path, ["other"], TWO)
    assert sum(runs) == alone, "the runs of the new optimizer"
    assert list(third.task("other")["optimizer"].values) == ["rmsprop", "mine"]
    assert third.task("tiny").identical(first.task("tiny"))
    with pytest.raises(
        ValueError, match="has the optimizer mine on the task other, which would be"
    ):
        _study(tmp_path, ["tiny", "other"], seeds=5)


@pytest.mark.slow
def test_a_task_bears_the_versions_of_the_part_that_made_it(tmp_path, monkeypatch):
    _study(tmp_path)
    before = Comparison.load(tmp_path)
    first = before.tree.attrs["versions"]
    assert before.task("tiny").attrs["versions"] == first
    monkeypatch.setattr(provenance, "version", lambda package: f"9 of {package}")
    grown = _study(tmp_path, ["other"])
    last = grown.tree.attrs["versions"]
    assert "9 of optax" in last
    assert grown.task("tiny").attrs["versions"] == first, "it was kept"
    assert grown.task("other").attrs["versions"] == last
    again = _study(tmp_path)
    assert again.task("tiny").attrs["versions"] == first, "all of its runs were kept"
    more = _study(tmp_path, optimizers=TWO)
    both = json.loads(more.task("tiny").attrs["versions"])
    for package, version in json.loads(last).items():
        earlier = json.loads(first)[package]
        expected = version if version == earlier else f"{earlier} and {version}"
        assert both[package] == expected, "it has runs of each"
    once_more = _study(tmp_path, optimizers=TWO)
    assert json.loads(once_more.task("tiny").attrs["versions"]) == both
    # A file of results in which no task has versions: they are those of all.
    old = before.task("tiny").copy()
    del old.attrs["versions"]
    plain = Comparison.of({"tiny": old}, {**before.tree.attrs, "versions": '{"jax": "0"}'})
    plain.save(tmp_path)
    assert _study(tmp_path, ["other"]).task("tiny").attrs["versions"] == '{"jax": "0"}'


@pytest.mark.slow
def test_a_study_with_more_seeds_is_one_from_nothing(tmp_path, runs):
    _study(tmp_path, ["tiny", "other"], TWO)
    runs.clear()
    grown = _study(tmp_path, ["tiny", "other"], TWO, seeds=5)
    added = sum(runs)
    runs.clear()
    fresh = _study(None, ["tiny", "other"], TWO, seeds=5)
    assert added < 0.75 * sum(runs)
    for name in ("tiny", "other"):
        assert _same(grown.task(name), fresh.task(name))


@pytest.mark.slow
def test_the_file_of_results_holds_what_has_ended(tmp_path, monkeypatch):
    """Killed in its second task, a study leaves the results of the first, and says what is left."""

    def stop(*_):
        raise KeyboardInterrupt

    engine = Engine.run_configurations
    monkeypatch.setattr(
        Engine,
        "run_configurations",
        lambda self, *a, **k: stop() if len(list(tmp_path.glob("*.nc"))) else engine(self, *a, **k),
    )
    with pytest.raises(KeyboardInterrupt):
        _study(tmp_path, ["tiny", "other"], command="rmsprop compare --tasks tiny,other")
    results = Comparison.load(tmp_path)
    assert results.tasks == ("tiny",)
    study = StudyFolder(tmp_path).earlier()
    assert definition.missing(study, results.extent) == (
        "Still missing from this study: other. To finish it, run: rmsprop compare --tasks"
        " tiny,other"
    )
    monkeypatch.undo()
    whole = _study(tmp_path, ["tiny", "other"])
    assert definition.missing(StudyFolder(tmp_path).earlier(), whole.extent) == ""
    assert whole.task("tiny").identical(results.task("tiny"))


def test_more_seeds_and_optimizers_that_are_missing_are_said(tmp_path):
    results = _study(tmp_path)
    study = StudyFolder(tmp_path).earlier()
    study["seeds"] = 20
    study["tasks"]["tiny"]["optimizers"] |= {"a": {}, "b": {}}
    sentence = definition.missing(study, results.extent)
    assert sentence.startswith(
        "Still missing from this study: 17 seeds of tiny and a and b on tiny."
    )


def test_damaged_results_are_made_again_from_the_runs(tmp_path, runs):
    first = _study(tmp_path)
    (tmp_path / "results.nc").write_bytes(b"no netCDF")
    runs.clear()
    again = _study(tmp_path)
    assert not runs
    assert again.task("tiny").identical(first.task("tiny"))
