"""The file and the summary of results, on made-up ones."""

import math
import os
import pathlib

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import synthetic_results as synthetic
from rmsprop.study import atomic
from rmsprop.study.comparison import Comparison
from rmsprop.study.results import labelled
from rmsprop.study.results.reselection import Finalists, reselect
from rmsprop.study.results.schema import tuned_names

PARTS = ("choice", "report")
GRID = {"learning_rate": [0.01, 0.1]}


@pytest.fixture
def small():
    """One task with all that is unusual."""
    return synthetic.unusual()


@pytest.fixture
def comparison(small):
    valley = synthetic.task(dict.fromkeys(("rmsprop", "adagrad"), GRID))
    return Comparison.of({"digits": small, "valley": valley}, synthetic.ROOT)


@pytest.fixture
def alone(small):
    """Results of one task, which are saved in half the time."""
    return Comparison.of({"digits": small}, synthetic.ROOT)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The content of a file of small results."""
    results = Comparison.of({"t": synthetic.unusual()}, synthetic.ROOT)
    return results.save(tmp_path_factory.mktemp("saved")).read_bytes()


def test_saving_and_loading_loses_nothing(comparison, tmp_path):
    small = comparison.task("digits")
    small.attrs.update(note='Größe "α" \\ \n — ', empty="", big="x" * 200_000, share=0.1, count=7)
    small["loss"][0, 0, 0, 0, :3] = [np.inf, -np.inf, np.nan]
    small["at_edge"][1, 0] = '["learning_rate"]'
    before = Comparison.of({"digits": small, "b": comparison.task("valley")}, synthetic.ROOT)
    assert before.save(tmp_path / "new" / "folder") == tmp_path / "new" / "folder" / "results.nc"
    after = Comparison.load(tmp_path / "new" / "folder")
    assert after.tasks == ("digits", "b")
    assert after.tree.identical(before.tree)
    assert {k: type(v) for k, v in after.tree.attrs.items()} == {
        k: type(v) for k, v in before.tree.attrs.items()
    }
    for task in before.tasks:
        old, new = before.task(task), after.task(task)
        assert {k: type(v) for k, v in new.attrs.items()} == {
            k: type(v) for k, v in old.attrs.items()
        }
        for name in old.variables:
            assert new[name].dtype == old[name].dtype, name
            assert new[name].dims == old[name].dims, name
            # to the bit, NaN and the sign of zero included
            assert new[name].values.tobytes() == old[name].values.tobytes(), name
            assert not new[name].encoding, "nothing of the file it came from"


def test_loaded_results_can_be_saved_again(alone, tmp_path):
    alone.save(tmp_path / "a")
    again = Comparison.load(tmp_path / "a")
    again.save(tmp_path / "b")
    assert Comparison.load(tmp_path / "b").tree.identical(alone.tree)
    assert repr(again.summary()) == repr(alone.summary())  # NaN, of few seeds, equals nothing


def test_a_failed_save_leaves_the_earlier_file(alone, tmp_path, monkeypatch):
    file = tmp_path / "results.nc"
    file.write_bytes(b"earlier")

    def breaks(self, content):
        with open(self, "wb") as half:
            half.write(content[:1000])
        raise KeyboardInterrupt

    monkeypatch.setattr(pathlib.Path, "write_bytes", breaks)
    with pytest.raises(KeyboardInterrupt):
        alone.save(tmp_path)
    assert file.read_bytes() == b"earlier"
    assert [entry.name for entry in tmp_path.iterdir()] == ["results.nc"]


def test_a_full_disk_is_a_sentence_and_leaves_the_earlier_file(alone, tmp_path, small_files):
    """The HDF5 library, where it writes the file itself, ends the process at the lesser of them."""
    file = alone.save(tmp_path)
    before = file.read_bytes()
    for size in (0, 100, 5000, len(before) - 1):
        with (
            small_files(size),
            pytest.raises(atomic.WriteError, match=f"^the folder {tmp_path} cannot be"),
        ):
            alone.save(tmp_path)
        assert file.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["results.nc"]


def test_a_new_file_takes_the_place_of_the_earlier_one_at_once(alone, tmp_path, monkeypatch):
    file = tmp_path / "results.nc"
    file.write_bytes(b"earlier")
    replace = os.replace

    def watched(source, target):
        assert file.read_bytes() == b"earlier", "untouched until the new one is complete"
        assert labelled.load(source).identical(alone.tree)
        replace(source, target)

    monkeypatch.setattr(os, "replace", watched)
    alone.save(tmp_path)
    monkeypatch.undo()
    assert file.read_bytes() != b"earlier"

    def fails(source, target):
        raise PermissionError("in use")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(atomic.WriteError, match="in use"):
        alone.save(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["results.nc"]


def test_invalid_results_are_not_saved(comparison, tmp_path):
    tree = comparison.tree.copy(deep=True)
    del tree["digits"].attrs["title"]
    with pytest.raises(ValueError, match="task 'digits': attribute title is missing"):
        labelled.save(tree, tmp_path / "results.nc")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"not netCDF at all", None])
def test_a_damaged_file_is_refused_in_a_sentence(content, saved, tmp_path):
    file = tmp_path / "results.nc"
    assert len(saved) > 5000
    file.write_bytes(saved[:5000] if content is None else content)
    with pytest.raises(ValueError, match="damaged or no netCDF file"):
        labelled.load(file)


def test_a_missing_or_foreign_file_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        Comparison.load(tmp_path)
    xr.Dataset({"x": ("y", [1.0])}).to_netcdf(tmp_path / "results.nc", engine="h5netcdf")
    with pytest.raises(ValueError, match=r"does not hold the results of a comparison: .*created"):
        Comparison.load(tmp_path)


def test_summary_by_hand(small):
    small["metric"][2, 0, 0] = [0.5, 0.1, 0.2, 0.3, 0.9]
    small["chosen"][:, 0] = [3, 1, 2]
    small = synthetic.with_one_finalist(small)
    rows = Comparison.of({"digits": small}, synthetic.ROOT).summary()
    assert [row.optimizer for row in rows] == ["rmsprop", "adagrad", "αdam"]
    adam = rows[2]
    assert adam.task == "digits"
    assert adam.metric.value == pytest.approx((0.5 * 0.1 * 0.2 * 0.3 * 0.9) ** (1 / 5))
    assert math.isnan(adam.metric.low), "five seeds are too few for an interval"
    assert math.isnan(adam.metric.high)
    assert adam.mean == pytest.approx(0.4)
    assert adam.median == 0.3
    assert adam.final_loss.value == pytest.approx(np.sort(small["final_loss"][2, 0, 0])[1:4].mean())
    assert adam.online_loss.value == pytest.approx(
        np.sort(small["online_loss"][2, 0, 0])[1:4].mean()
    )
    assert adam.hyperparameters == {"learning_rate": 1.0, "eps": 1e-8}
    assert rows[0].hyperparameters == {"learning_rate": 0.01, "one_minus_decay": 0.01}
    assert rows[1].hyperparameters == {"learning_rate": 0.01}
    assert rows[1].at_edge == ("learning_rate",)
    assert [(row.diverged, row.runs) for row in rows] == [(1, 5), (2, 5), (0, 5)]
    assert rows[1].mean == math.inf
    assert rows[1].last_loss.value == math.inf, "two of five is more than a quarter"
    assert math.isfinite(rows[0].last_loss.value)
    assert rows[0].last_loss.high == math.inf
    # What diverged is worth twice the worst loss of its seed.
    seen = small["metric"].values[:, 0, 0].astype(np.float64)
    worst = np.where(np.isfinite(seen), seen, -np.inf).max(axis=0)
    for row, losses in zip(rows, seen, strict=True):
        filled = np.where(np.isfinite(losses), losses, 2 * worst)
        assert row.metric.value == pytest.approx(stats.gmean(filled), rel=1e-12)
    assert [row.seconds_per_run for row in rows] == small["seconds_per_run"].values.tolist()
    assert [row.state_bytes for row in rows] == small["state_bytes"].values.tolist()


@pytest.mark.parametrize(("better", "best"), [("lower", "adagrad"), ("higher", "rmsprop")])
def test_the_best_and_the_winner_follow_the_direction(better, best):
    task = synthetic.task(better=better, seeds=6, steps=10)
    task["metric"][0] = 2 + 0.01 * np.arange(6)
    task["metric"][1] = 1 + 0.01 * np.arange(6)
    comparison = Comparison.of({"t": synthetic.with_one_finalist(task)}, synthetic.ROOT)
    assert comparison.best("t").optimizer == best
    (difference,) = comparison.headlines()
    assert (difference.first, difference.second) == ("rmsprop", "adagrad")
    assert difference.is_ratio == (better == "lower")
    ratio = np.exp(np.log((2 + 0.01 * np.arange(6)) / (1 + 0.01 * np.arange(6))).mean())
    assert difference.interval.value == pytest.approx(ratio if better == "lower" else 1)
    assert difference.winner == best
    assert difference.verdict == "better"
    assert difference.improvement.value == (best == "rmsprop")


def test_no_winner_without_evidence():
    task = synthetic.task(seeds=6, steps=10)
    task["metric"][0] = [1, 2, 3, 4, 5, 6]
    task["metric"][1] = [2, 1, 4, 3, 6, 5]
    task = synthetic.with_one_finalist(task)
    (difference,) = Comparison.of({"t": task}, synthetic.ROOT).headlines()
    assert difference.winner is None
    assert difference.verdict == "undecided"
    assert difference.seeds_needed > 6
    for seeds in (2, 3, 5):
        few = Comparison.of({"t": synthetic.task(seeds=seeds, steps=10)}, synthetic.ROOT)
        (difference,) = few.headlines()
        assert difference.winner is None
        assert difference.too_few
        assert np.isnan([difference.interval.low, difference.p_value]).all()


def test_a_difference_is_that_of_all_choices_among_the_finalists():
    task = synthetic.task(seeds=8, steps=10, better="higher", schedules=("constant", "linear"))
    comparison = Comparison.of({"t": task}, synthetic.ROOT)
    of = {
        name: [
            Finalists(
                row["finalist_choice"].values[0, real], row["finalist_report"].values[0, real]
            )
            for row in (task.sel(optimizer=name, schedule=x) for x in ("constant", "linear"))
            for real in (row["finalist_configuration"].values >= 0,)
        ]
        for name in ("rmsprop", "adagrad")
    }
    for number, schedule in enumerate(("constant", "linear")):
        (row,) = comparison.differences("t", schedule=schedule)
        expected = reselect(of["rmsprop"][number], of["adagrad"][number], 3, "higher")
        assert row.interval == expected.difference
        assert row.improvement == expected.improvement
        assert (row.schedule, row.tuning_seeds, row.is_ratio) == (schedule, 3, False)
    both = [
        Finalists(*(np.concatenate([getattr(x, part) for x in of[name]]) for part in PARTS))
        for name in ("rmsprop", "adagrad")
    ]
    (own,) = comparison.differences("t", schedule="own")
    assert own.interval == reselect(*both, 3, "higher").difference
    with pytest.raises(ValueError, match="setting is 'default'; it must be 'tuned'"):
        comparison.differences("t", schedule="own", setting="default")


def test_the_default_setting_is_compared_without_a_choice():
    task = synthetic.task(seeds=8, steps=10)
    comparison = Comparison.of({"t": task}, synthetic.ROOT)
    (row,) = comparison.differences(setting="default")
    metric = np.log(task["metric"].sel(setting="default", schedule="constant").values)
    expected = stats.ttest_rel(metric[0], metric[1])
    assert np.log(row.interval.value) == pytest.approx((metric[0] - metric[1]).mean())
    # Leaving out one seed after the other is the usual interval of a mean.
    assert np.log(row.interval.high) == pytest.approx(expected.confidence_interval().high)
    assert row.p_value == pytest.approx(expected.pvalue)


@pytest.mark.parametrize(
    ("margin", "noise", "verdict"),
    [
        (None, 0.02, "equal"),  # 5 % by default
        (0.02, 0.02, "undecided"),
        (0.02, 0.002, "slightly better"),
        (0.001, 0.002, "better"),
    ],
)
def test_a_metric_has_a_margin(margin, noise, verdict):
    """One is 2 % above the other, give or take 2 % or a tenth of that."""
    task = synthetic.task(seeds=6, steps=10, margin=margin)
    task["metric"][1] = 1.0
    task["metric"][0] = np.exp(0.02 + noise * np.array([-1, 1, -1, 1, 1, -1]))
    (row,) = Comparison.of({"t": synthetic.with_one_finalist(task)}, synthetic.ROOT).headlines()
    assert row.margin == (0.05 if margin is None else margin)
    assert row.verdict == verdict
    assert row.winner == ("adagrad" if "better" in verdict else None)


def test_the_margin_of_a_loss_means_nothing_where_a_loss_is_zero():
    task = synthetic.task(seeds=6, steps=10, margin=0.05)
    task["metric"][0] = 1e-2 * np.arange(1, 7)
    task["metric"][1] = 1e-3 * np.arange(6)  # the first is 0
    (row,) = Comparison.of({"t": synthetic.with_one_finalist(task)}, synthetic.ROOT).headlines()
    assert (row.is_ratio, row.margin, row.verdict) == (False, None, "better")


@pytest.mark.parametrize("chance", [None, 0.1])
def test_an_optimizer_that_always_diverges_is_not_equal_to_one_that_does_not(chance):
    task = synthetic.task(
        better="higher",
        seeds=8,
        steps=10,
        margin=0.005,
        chance=chance,
        diverged={"rmsprop": range(8)},
    )
    (row,) = Comparison.of({"t": task}, synthetic.ROOT).differences(setting="default")
    assert row.improvement.value == 0
    assert (row.verdict, row.winner) == (
        ("undecided", None) if chance is None else ("better", "adagrad")
    )


def test_optimizers_that_both_diverge_are_not_equal():
    schedules = ("constant", "linear", "inverse_sqrt")
    both = {"rmsprop": range(8), "adagrad": range(8)}
    task = synthetic.task(seeds=8, steps=10, schedules=schedules, diverged=both)
    comparison = Comparison.of({"t": task}, synthetic.ROOT)
    for schedule in ("constant", "own"):
        (row,) = comparison.differences(schedule=schedule)
        assert [share.value for share in row.diverged] == [1, 1]
        assert (row.verdict, row.winner, row.seeds_needed) == ("undecided", None, None)


def test_choices_are_made_in_the_direction_of_what_they_are_made_by():
    """Chosen by a loss, reported by an accuracy, as the task wilson does."""
    task = synthetic.task(better="higher", seeds=8, steps=10, choose_by_better="lower")
    task["finalist_choice"][0, 0, 0, :, :] = [[3.0], [1.0], [2.0], [4.0]]
    task["finalist_report"][0, 0, 0, :, :] = [[0.3], [0.1], [0.2], [0.4]]
    task["finalist_choice"][1, 0, 0, :, :] = 1.0
    task["finalist_report"][1, 0, 0, :, :] = 0.5
    task["tuning_score"] = task["tuning_score"].where(~task["tuning_diverged"], np.inf)
    (row,) = Comparison.of({"t": task}, synthetic.ROOT).headlines()
    assert row.estimate == pytest.approx(0.1 - 0.5)


def test_tasks_are_asked_for_by_name(comparison):
    assert comparison.tasks == ("digits", "valley")
    assert comparison.summary("valley") == comparison.summary()[3:]
    assert comparison.differences("digits") == comparison.differences()[:4]
    assert list(tuned_names(comparison.task("valley"))) == ["rmsprop", "adagrad"]
    for ask in (comparison.task, comparison.summary, comparison.differences, comparison.best):
        with pytest.raises(
            ValueError, match=r"'vally' is not here; .* valley.* Did you mean valley"
        ):
            ask("vally")


def test_an_older_format_is_refused_in_a_sentence(alone, tmp_path):
    older = alone.tree.copy()
    del older.attrs["format"]  # the first format had no number
    older.to_netcdf(tmp_path / "results.nc", engine="h5netcdf")
    with pytest.raises(ValueError, match=r"has format 1, and this version .* reads format 4; run"):
        Comparison.load(tmp_path)


@pytest.fixture(scope="module")
def several():
    """Two optimizers and two references, two schedules, two metrics and three settings."""
    grids = dict.fromkeys(("rmsprop", "adagrad", "sgd", "adam"), GRID)
    task = synthetic.task(
        grids,
        steps=10,
        schedules=("constant", "linear"),
        settings=("tuned", "torch", "keras"),
        references=("sgd", "adam"),
        second_metric=True,
    )
    task["metric"].loc[{"optimizer": "adagrad", "setting": "keras"}] = np.nan
    return Comparison.of({"t": task, "u": synthetic.task(steps=10)}, synthetic.ROOT)


def test_every_line_comes_in_its_order(several):
    """Own schedule and then each; of each the metrics; of each the optimizers, references last."""
    lines = [
        (row.schedule, row.metric_name, row.second, row.is_reference)
        for row in several.differences("t")
    ]
    metrics = ("test_error", "training_loss")
    assert lines == [
        *(("own", metric, "adagrad", False) for metric in metrics),
        *(("constant", metric, "adagrad", False) for metric in metrics),
        *(
            ("linear", metric, second, second != "adagrad")
            for metric in metrics
            for second in ("adagrad", "sgd", "adam")
        ),
    ]
    assert {row.first for row in several.differences()} == {"rmsprop"}
    assert [row.metric_label for row in several.differences("t", schedule="own")] == [
        "test error (share of images)",
        "training loss",
    ]
    assert several.differences()[: len(lines)] == several.differences("t")
    one = several.differences("t", schedule="linear", metric="training_loss")
    assert [row.second for row in one] == ["adagrad", "sgd", "adam"]
    assert several.settings("t") == ("tuned", "torch", "keras")
    assert several.metrics("t") == metrics
    for options, words in (
        ({"schedule": "sine"}, "schedule 'sine' is not here; name one of constant, linear"),
        ({"metric": "loss"}, "metric 'loss' is not here; name one of test_error, training_loss"),
        ({"setting": "optax"}, "setting 'optax' is not here; name one of tuned, torch, keras"),
        ({"setting": "tunded"}, r"\. Did you mean tuned\?"),
        ({"metric": "training-loss"}, r"\. Did you mean training_loss\?"),
        ({"schedule": "Linear"}, r"\. Did you mean linear\?"),
    ):
        with pytest.raises(ValueError, match=words):
            several.differences("t", **options)


def test_headlines_are_of_own_schedule_and_first_metric_without_references(several):
    headlines = several.headlines()
    assert [(row.task, row.schedule, row.metric_name, row.second) for row in headlines] == [
        ("t", "own", "test_error", "adagrad"),
        ("u", "own", "test_error", "adagrad"),
    ]
    assert not any(row.is_reference for row in headlines)
    assert several.headlines("u") == headlines[1:]
    row = headlines[0]
    assert (row.estimate, row.low, row.high) == (
        row.interval.value,
        row.interval.low,
        row.interval.high,
    )
    # Eight seeds: tuned on three, and beside it on four.
    assert row.tuning_seeds == 3
    assert row.well_tuned is not None
    assert row.well_tuned != row.interval
    (other,) = several.differences("t", schedule="own", metric="training_loss")
    assert other.well_tuned is None, "told of the headline alone"


def test_a_setting_that_one_optimizer_lacks_is_left_out(several):
    assert several.optimizers("t", "constant", "keras") == ("rmsprop",)
    assert several.differences("t", schedule="constant", setting="keras") == ()
    (row,) = several.differences("t", schedule="constant", setting="torch")
    assert (row.second, row.setting, row.well_tuned) == ("adagrad", "torch", None)
    assert [row.optimizer for row in several.summary("t", setting="keras")] == ["rmsprop"]
    assert [row.optimizer for row in several.summary("t")] == ["rmsprop", "adagrad"]
    assert [row.optimizer for row in several.summary("t", schedule="linear")] == [
        *("rmsprop", "adagrad", "sgd", "adam")
    ]
    assert {row.setting for row in several.differences("t", setting="torch")} == {"torch"}
    assert "own" not in {row.schedule for row in several.differences("t", setting="torch")}


def test_a_pair_that_did_not_run_is_refused_in_a_sentence(several):
    row = several.pair("t", "sgd", "adam", schedule="linear")
    assert (row.first, row.second, row.is_reference) == ("sgd", "adam", True)
    for options, words in (
        ({}, r"'sgd' did not run on t under constant, tuned; name one of rmsprop, adagrad\.$"),
        ({"schedule": "linear", "setting": "torch"}, "'sgd' did not run on t under linear, torch"),
    ):
        with pytest.raises(ValueError, match=words):
            several.pair("t", "rmsprop", "sgd", **options)
    for metric, words in (("training_loss", "there is 'test_error' alone"), ("x", "is not here")):
        with pytest.raises(ValueError, match=words):
            several.pair("t", "rmsprop", "adagrad", metric=metric, setting="torch")
    with pytest.raises(ValueError, match="setting is 'torch'; it must be 'tuned' where each"):
        several.pair("t", "rmsprop", "adagrad", schedule="own", setting="torch")
