"""Each break of the schema is found, and named in a sentence."""

import json
import math

import numpy as np
import pytest

import synthetic_results as synthetic
from rmsprop.study.comparison import Comparison
from rmsprop.study.results.schema import (
    mean_tuning_scores,
    raced_to_the_end,
    tuned_names,
    view,
    worst_value,
)
from rmsprop.study.results.validation import validate


@pytest.fixture
def small():
    """One task with all that is unusual."""
    return synthetic.unusual()


def test_made_up_results_follow_the_schema(small):
    validate(small)
    validate(synthetic.task(better="higher", diverged={"adagrad": range(8)}))


def _set(name, index, value):
    def change(dataset):
        dataset[name][index] = value
        return dataset

    return change


def _attribute(name, value):
    return lambda dataset: dataset.assign_attrs({name: value})


def _metric(**options):
    """Another value of the only reported metric."""

    def change(dataset):
        (metric,) = json.loads(dataset.attrs["metrics"])
        return dataset.assign_attrs(metrics=json.dumps([{**metric, **options}]))

    return change


BROKEN = {
    "loss is missing": lambda d: d.drop_vars("loss"),
    "learning_rate must have the dimensions": lambda d: d.assign(
        learning_rate=d["learning_rate"].transpose()
    ),
    "diverged must hold booleans": lambda d: d.assign(diverged=d["diverged"].astype(int)),
    "at_edge must be a JSON list of hyper-parameters that were tuned for adagrad": lambda d: (
        d.assign(at_edge=(("optimizer", "schedule"), [["[]"], ['["one_minus_decay"]'], ["[]"]]))
    ),
    "at_edge must hold text": lambda d: d.assign(at_edge=(("optimizer", "schedule"), [[0.0]] * 3)),
    "optimizer holds a value twice": lambda d: d.assign_coords(optimizer=["a", "b", "a"]),
    "seed is empty": lambda d: d.isel(seed=slice(0)),
    "must differ, but share \\[2\\]": lambda d: d.assign_coords(seed=[2, 11, 12, 13, 14]),
    "seed holds one value": lambda d: d.isel(seed=[0]),
    "finalist_configuration must hold different numbers .*, below 6": _set(
        "finalist_configuration", (0, 0, 0), 6
    ),
    "finalist_configuration must hold different numbers .* behind": _set(
        "finalist_configuration", (0, 0, 0), -1
    ),
    "finalist_configuration must hold .* behind them, but is": _set(
        "finalist_configuration", (0, 0, 1), -1
    ),
    "finalist_configuration must .* different .* but is \\[\\[\\[": lambda d: _set(
        "finalist_configuration", (0, 0, 1), int(d["finalist_configuration"][0, 0, 0])
    )(d),
    "finalist_configuration .* but is .*-7": _set("finalist_configuration", (2, 0, 3), -7),
    "finalist_report must not be -inf": _set("finalist_report", (0, 0, 0, 1, 3), -np.inf),
    "a finite number or null as the chance of test_error, but holds '0.1'": _metric(chance="0.1"),
    "null as the margin of test_error, but holds nan": _metric(margin=math.nan),
    "metrics must describe the metrics": _attribute("metrics", "[]"),
    "metrics must say name, label and better": _metric(better="less"),
    "choose_by must be those of the first of metrics": _metric(better="higher"),
    "references must list some of the optimizers": _attribute("references", '["sgd"]'),
    "references must list some .* but is .*rmsprop": _attribute(
        "references", '["rmsprop", "adagrad", "αdam"]'
    ),
    "finalist_configuration must hold .* that were run": _set(
        "finalist_configuration", (1, 0, 0), 5
    ),
    "finalist_choice must be NaN where": _set("finalist_choice", (0, 0, 0, 0, 0), np.nan),
    "finalist_report must be NaN where": _set("finalist_report", (0, 0, 0, 1, 3), np.nan),
    "step must count from 1": lambda d: d.assign_coords(step=np.arange(10)),
    "step must count .* steps \\(11\\)": _attribute("steps", 11),
    "learning_rate must be positive": _set("learning_rate", (0, 0, 0), -1.0),
    "tuning_score must have a value on the first": _set("tuning_score", (0, 0, 0, 0), np.nan),
    "tuning_score .* NaN where that is NaN": _set("tuning_score", (1, 0, 5, 1), 1.0),
    "eps must have a value for each configuration of αdam": _set("eps", (2, 0, 0), np.nan),
    "tuning_score must be inf": _set("tuning_diverged", (0, 0, 0, 0), True),
    "chosen must be .* configuration that was run": _set("chosen", 1, 4),
    "chosen must be the number": _set("chosen", 1, -1),
    "metric must be inf where diverged": _set("metric", (0, 0, 0, 1), 1.0),
    "metric must be finite": _set("metric", (0, 0, 0, 0), np.inf),
    "metric must be NaN on all seeds or on none": _set("metric", (0, 0, 0, 0), np.nan),
    "metric must be NaN .* cannot have diverged": _set("metric", (0, 0, 0), np.nan),
    "final_loss must be finite": _set("final_loss", (0, 0), np.inf),
    "last_loss must be inf where diverged": _set("last_loss", (0, 0, 0, 1), 1.0),
    "growth is missing": lambda d: d.drop_vars("growth"),
    "setting must begin with 'tuned'": lambda d: d.assign_coords(setting=["torch", "default"]),
    "point must hold ascending steps, the last of them 10": lambda d: d.assign_coords(
        point=d["point"].values[::-1]
    ),
    "bin must hold ascending": lambda d: d.isel(bin=slice(-1)),
    "attribute defaults must be a JSON object": _attribute("defaults", "[]"),
    "attribute defaults must hold the arguments of rmsprop": _attribute("defaults", "{}"),
    "report_label is missing": lambda d: d.drop_attrs().assign_attrs(
        {k: v for k, v in d.attrs.items() if k != "report_label"}
    ),
    "report_better must be 'lower' or 'higher'": _attribute("report_better", "less"),
    "target must be a number": _attribute("target", "0.05"),
    "extra must be text or a number": _attribute("extra", {"a": 1}),
    "extra must be text or a number, but is True": _attribute("extra", True),
    "tuned must be a JSON object": _attribute("tuned", "rmsprop: learning_rate"),
    "tuned must name the optimizers": _attribute("tuned", '{"rmsprop": ["learning_rate"]}'),
    "tuned must list learning_rate for adagrad, and other": _attribute(
        "tuned", '{"rmsprop": ["learning_rate"], "adagrad": [], "αdam": ["learning_rate"]}'
    ),
    "variable rho is missing": _attribute(
        "tuned",
        json.dumps({key: ["learning_rate", "rho"] for key in ("rmsprop", "adagrad", "αdam")}),
    ),
    "path must have two coordinates": lambda d: d.isel(coordinate=[0]),
}


@pytest.mark.parametrize("words", BROKEN)
def test_each_break_of_the_schema_is_named(words, small):
    with pytest.raises(ValueError, match=words) as raised:
        validate(BROKEN[words](small.copy(deep=True)))
    assert str(raised.value).endswith(".")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["", "two words", "<b>", "-x", "../up"])
def test_names_of_tasks_are_words(name, small):
    with pytest.raises(ValueError, match="one word"):
        Comparison.of({name: small}, synthetic.ROOT)


def test_the_root_is_checked(small):
    for name in {*synthetic.ROOT} - {"format"}:  # that one is of this version
        attributes = {key: value for key, value in synthetic.ROOT.items() if key != name}
        with pytest.raises(ValueError, match=f"attribute {name} is missing"):
            Comparison.of({"digits": small}, attributes)
    with pytest.raises(ValueError, match="settings must be a JSON object"):
        Comparison.of({"digits": small}, {**synthetic.ROOT, "settings": "[1, 2]"})
    with pytest.raises(ValueError, match="no task"):
        Comparison.of({}, synthetic.ROOT)


def test_mean_tuning_scores_keep_what_is_bad(small):
    means = mean_tuning_scores(small)
    scores = small["tuning_score"].values
    for index in np.ndindex(means.shape):
        values = [float(x) for x in scores[index]]
        expected = math.nan if math.isnan(values[0]) else sum(values) / len(values)
        np.testing.assert_allclose(means.values[index], expected, rtol=1e-14)
    assert np.isinf(means.values).any(), "some diverged"
    assert np.isnan(means.values).any(), "some are padding"


def test_a_configuration_may_leave_the_race_after_the_first_seed(small):
    """Its mean is that over the seeds that it ran on."""
    small["tuning_score"][0, 0, 1, 1:] = np.nan
    small["tuning_score"][0, 0, 2, 2:] = np.nan
    validate(small)
    scores, means = small["tuning_score"].values[0, 0], mean_tuning_scores(small).values[0, 0]
    assert means[1] == scores[1, 0]
    assert means[2] == pytest.approx(scores[2, :2].mean())
    assert means[0] == pytest.approx(scores[0].mean())
    assert raced_to_the_end(small).values[0, 0].tolist() == [True, False, False, True, True, True]
    assert raced_to_the_end(small).values[1, 0].tolist() == [True] * 3 + [False] * 3, "padding"


def test_a_view_holds_the_optimizers_that_ran_there():
    grid = {"learning_rate": [0.01, 0.1]}
    grids = dict.fromkeys(("rmsprop", "adagrad", "sgd"), grid)
    options = {"schedules": ("constant", "linear"), "settings": ("tuned", "torch", "keras")}
    task = synthetic.task(grids, steps=10, references=("sgd",), **options)
    task["metric"].loc[{"optimizer": "adagrad", "setting": "keras"}] = np.nan
    defaults = json.loads(task.attrs["defaults"])
    del defaults["adagrad"]["keras"]
    del defaults["sgd"]
    task.attrs["defaults"] = json.dumps(defaults)
    validate(task)
    both, three = ["rmsprop", "adagrad"], [*grids]
    assert [*tuned_names(view(task))] == both
    assert [*tuned_names(view(task, "linear"))] == three
    assert [*tuned_names(view(task, "linear", "torch"))] == both
    assert [*tuned_names(view(task, "constant", "keras"))] == ["rmsprop"]
    with pytest.raises(ValueError, match="setting 'default' is not here; name one of tuned, torch"):
        view(task, None, "default")


def test_hyperparameters_come_in_the_order_of_the_optimizers(small):
    assert list(tuned_names(small)) == ["rmsprop", "adagrad", "αdam"]
    assert tuned_names(small)["rmsprop"] == ["learning_rate", "one_minus_decay"]


def test_the_worst_value_is_infinitely_bad():
    assert worst_value("lower") == math.inf
    assert worst_value("higher") == -math.inf
