"""Which calls are one study, and what is said of the others."""

import copy

import pytest

from rmsprop.study import definition

RMSPROP = {
    "grids": {"learning_rate": [0.1, 1.0]},
    "defaults": ["torch"],
    "schedules": ["constant", "linear"],
    "reference": False,
}
ADAM = {**RMSPROP, "defaults": [], "schedules": ["linear"], "reference": True}
TASK = {
    "steps": 100,
    "data_sha256": "ab",
    "choose_by": ["validation_loss"],
    "report": ["test_loss"],
    "optimizers": {"rmsprop": RMSPROP, "adam": ADAM},
    "command": "rmsprop compare",
}
STUDY = {
    "seeds": 20,
    "tuning_seeds": 3,
    "first_seed": 0,
    "schedules": ["constant", "linear"],
    "tasks": {"valley": copy.deepcopy(TASK), "digits": copy.deepcopy(TASK)},
    "device": "cpu",
    "numerics": {"enable_x64": False},
}


def _changed(path, value, study=STUDY):
    """A definition in which what stands at a path is another."""
    changed = copy.deepcopy(study)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


def test_more_tasks_come_after_those_that_are_there():
    more = {**STUDY, "tasks": {"bible": TASK, "digits": TASK}}
    assert list(definition.grown("F", STUDY, more)["tasks"]) == ["valley", "digits", "bible"]


def test_the_same_call_changes_nothing():
    assert definition.grown("F", STUDY, copy.deepcopy(STUDY)) == STUDY


def test_an_own_optimizer_takes_the_place_of_a_reference_and_others_come_beside_it():
    own = {**RMSPROP, "grids": {"learning_rate": [0.5]}}
    optimizers = {"rmsprop": RMSPROP, "adam": own, "mine": own}
    one = {**STUDY, "tasks": {"digits": {**TASK, "optimizers": optimizers}}}
    grown = definition.grown("F", STUDY, one)
    assert grown["tasks"]["digits"]["optimizers"] == optimizers
    assert grown["tasks"]["valley"] == TASK


def test_more_seeds_are_for_all_tasks():
    assert definition.grown("F", STUDY, {**STUDY, "seeds": 40})["seeds"] == 40
    with pytest.raises(
        ValueError, match=r"20 seeds .* tasks valley, .* 40 seeds .*name all of its"
    ):
        definition.grown("F", STUDY, {**STUDY, "seeds": 40, "tasks": {"digits": TASK}})
    with pytest.raises(ValueError, match=r"the number of seeds \(--seeds\): 20 there, 10 now"):
        definition.grown("F", STUDY, {**STUDY, "seeds": 10})


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (["first_seed"], 9, r"the first seed \(--first-seed\): 0 there, 9 now"),
        (["tuning_seeds"], 5, r"--tuning-seeds\): 3 there, 5 now"),
        (["schedules"], ["linear"], r'--schedules\): \["constant", "linear"\] there, \["linear"\]'),
        (["device"], "gpu", r'the device: "cpu" there, "gpu" now'),
        (
            ["numerics", "enable_x64"],
            True,
            r"settings of JAX .*: enable_x64 false there, .* true now",
        ),
        (
            ["tasks", "digits", "steps"],
            50,
            r"steps of a run \(--steps\) of the task digits: 100 there",
        ),
        (["tasks", "digits", "data_sha256"], "cd", r"the data, .* of the task digits"),
        (
            ["tasks", "digits", "report"],
            ["loss"],
            r"the metrics that are reported of the task digits",
        ),
        (
            ["tasks", "digits", "optimizers", "rmsprop", "grids", "learning_rate"],
            [0.1],
            r"grids of .* optimizer rmsprop on the task digits: learning_rate \[0.1, 1.0\] there,",
        ),
        (
            ["tasks", "digits", "optimizers"],
            {"adam": ADAM},
            r"has the optimizer rmsprop on the task digits, which would be left out now; name it",
        ),
        (["tasks", "digits", "optimizers"], {}, r"the optimizers rmsprop and adam .*name them too"),
    ],
)
def test_what_cannot_be_one_study_is_said_in_words(path, value, words):
    with pytest.raises(ValueError, match=rf"the folder F .*{words}.*--out \(folder= in Python\)"):
        definition.grown("F", STUDY, _changed(path, value))


def test_a_study_of_an_earlier_version_is_refused():
    with pytest.raises(ValueError, match="of an earlier version of rmsprop; name another folder"):
        definition.grown("F", {**STUDY, "optimizers": {}}, STUDY)


def test_of_a_study_of_an_earlier_version_nothing_is_said_to_be_missing():
    assert definition.missing({**STUDY, "optimizers": {}}, {}) == ""
    assert definition.missing({}, {}) == ""


def test_without_results_all_tasks_are_missing():
    sentence = definition.missing(STUDY, {})
    assert sentence == (
        "Still missing from this study: valley and digits. To finish it, run: rmsprop compare"
    )
