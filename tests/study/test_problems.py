"""What a problem of a user's own may be, and what the error says of all else."""

import dataclasses
import math
import re

import jax.numpy as jnp
import pytest

from rmsprop.study import Metric, Problem
from rmsprop.study.problems import TRAINING_LOSS


def arguments(**changed):
    return {
        "name": "own",
        "init": lambda key: jnp.ones(3),
        "loss": lambda params, batch: jnp.sum(params**2),
        "sample": lambda key, step: None,
        **changed,
    }


def test_four_arguments_make_a_problem():
    problem = Problem(**arguments())
    assert problem.metrics is None
    assert problem.averages is None
    assert problem.choose_by == problem.report == TRAINING_LOSS
    assert problem.title == "own"
    assert problem.citation == problem.data_sha256 == ""
    assert math.isnan(problem.target)
    assert problem.path is None
    assert (problem.steps, problem.width) == (500, 4)


def test_title_given_is_kept_and_a_copy_keeps_its_own():
    problem = Problem(**arguments(title="My own"))
    assert problem.title == "My own"
    assert dataclasses.replace(problem, steps=10).title == "My own"


def test_problem_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Problem(**arguments()).steps = 3


def test_problems_are_equal_to_themselves_alone():
    """Or a problem with arrays in it could not be compared at all."""
    one, other = Problem(**arguments()), Problem(**arguments())
    assert one == one
    assert one != other


OWN = Metric("own", "own metric", "lower")
OTHER = Metric("other", "other metric", "higher")


@pytest.mark.parametrize(
    ("changed", "error", "sentence"),
    [
        ({"init": 3}, TypeError, "init is 3; it must be a function"),
        ({"loss": None}, TypeError, "loss is None; it must be a function"),
        ({"sample": "x"}, TypeError, "sample is 'x'; it must be a function"),
        ({"metrics": 1}, TypeError, "metrics is 1; it must be a function or None"),
        ({"averages": 1}, TypeError, "averages is 1; it must be a function or None"),
        ({"path": 1}, TypeError, "path is 1; it must be a function or None"),
        ({"steps": 0}, ValueError, "steps is 0; it must be at least 10"),
        ({"steps": 105}, ValueError, "steps is 105; it must be a multiple of 10"),
        ({"steps": 10.0}, TypeError, "steps is 10.0; it must be an integer"),
        ({"width": 0}, ValueError, "width is 0; it must be at least 1"),
        ({"width": True}, TypeError, "width is True; it must be an integer"),
        ({"target": "low"}, TypeError, "target is 'low'; it must be a number"),
        ({"target": True}, TypeError, "target is True; it must be a number"),
        ({"target": 10**400}, TypeError, "it must be a number. Leave it out"),
        ({"name": "x" * 300}, ValueError, "xxx…; a task's name must be one word"),
        ({"name": "two words"}, ValueError, "name is 'two words'; a task's name must be one word"),
        ({"name": "../up"}, ValueError, "name is '../up'; a task's name must be one word"),
        ({"name": None}, TypeError, "name is None; it must be text."),
        ({"title": "a\0b"}, ValueError, r"title is 'a\x00b'; it must be text without control char"),
        ({"title": "\x1b[31m"}, ValueError, "it must be text without control characters"),
        ({"title": "a\nb"}, ValueError, r"title is 'a\nb'; it must be one line, and not empty"),
        ({"title": "\ud800"}, ValueError, r"title is '\ud800'; it must be text without control"),
        ({"title": 5}, TypeError, "title is 5; it must be text"),
        ({"title": None}, TypeError, "title is None; it must be text"),
        ({"citation": "a\0b"}, ValueError, r"citation is 'a\x00b'; it must be text without"),
        ({"citation": ["a"]}, TypeError, "citation is ['a']; it must be text"),
        ({"data_sha256": b"a"}, TypeError, "data_sha256 is b'a'; it must be text"),
        ({"report": OWN}, ValueError, "report is 'own'; it must be the training loss"),
        ({"choose_by": OWN}, ValueError, "choose_by is 'own'; it must be the training loss"),
        ({"report": [TRAINING_LOSS, OWN]}, ValueError, "report is 'own'; it must be the training"),
        ({"report": "own"}, TypeError, "report is 'own'; it must be a Metric or a sequence"),
        ({"choose_by": (OWN, 3)}, TypeError, "it must be a Metric or a sequence of them"),
        ({"report": []}, ValueError, "report is empty; it must be one metric or several"),
        ({"report": [TRAINING_LOSS] * 2}, ValueError, "report is training_loss, training_loss; it"),
        (
            {"choose_by": [TRAINING_LOSS] * 2},
            ValueError,
            "choose_by has 2 metrics and report 1; choose_by must be a single Metric",
        ),
    ],
)
def test_what_is_no_problem_is_refused_in_a_sentence(changed, error, sentence):
    with pytest.raises(error, match=re.escape(sentence)) as caught:
        Problem(**arguments(**changed))
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("changed", "error", "sentence"),
    [
        ({"name": ""}, ValueError, "name is ''; it must be one line, and not empty"),
        ({"name": "x" * 300}, ValueError, "of 300 characters; it must have at most 100"),
        ({"name": 3}, TypeError, "name is 3; it must be text"),
        ({"label": "a\0b"}, ValueError, r"label is 'a\x00b'; it must be text without control"),
        ({"label": None}, TypeError, "label is None; it must be text"),
        ({"margin": "0.1"}, TypeError, "margin is '0.1'; it must be a number of Python, or None"),
        ({"margin": True}, TypeError, "margin is True; it must be a number of Python, or None"),
        ({"chance": [1]}, TypeError, "chance is [1]; it must be a number of Python, or None"),
    ],
)
def test_a_metric_that_could_not_be_reported_is_refused(changed, error, sentence):
    with pytest.raises(error, match=re.escape(sentence)):
        Metric(**{"name": "own", "label": "own metric", "better": "lower", **changed})


def test_a_citation_may_have_several_lines():
    assert Problem(**arguments(citation="A. Uthor\n\ta book")).citation.count("\n") == 1


def test_metric_says_which_values_are_better():
    with pytest.raises(ValueError, match="better is 'larger'; it must be 'lower' or 'higher'"):
        Metric("own", "own metric", "larger")
    for margin in (0, -0.1, math.nan, math.inf):
        with pytest.raises(ValueError, match=r"margin is .*; it must be a finite number above 0"):
            Metric("own", "own metric", "lower", margin=margin)
    with pytest.raises(ValueError, match="chance is inf; it must be a finite number"):
        Metric("own", "own metric", "higher", chance=math.inf)


@pytest.mark.parametrize("function", ["metrics", "averages"])
def test_metric_of_its_own_needs_one_function_alone(function):
    problem = Problem(**arguments(**{function: lambda p: {"own": p.sum()}}, report=OWN))
    assert problem.report == OWN
    assert problem.choose_by == TRAINING_LOSS


def measured(**changed):
    return Problem(**arguments(metrics=lambda p: {"own": p.sum(), "other": p.sum()}, **changed))


def test_one_metric_reads_as_a_tuple_of_one():
    problem = measured(report=OWN)
    assert problem.reports == (OWN,)
    assert problem.choices == (TRAINING_LOSS,)


def test_several_reported_metrics_are_chosen_by_one_or_each_by_its_own():
    problem = measured(report=[OTHER, OWN, TRAINING_LOSS])
    assert problem.report == problem.reports == (OTHER, OWN, TRAINING_LOSS)
    assert problem.choose_by == TRAINING_LOSS
    assert problem.choices == (TRAINING_LOSS,) * 3
    problem = measured(report=(OTHER, TRAINING_LOSS), choose_by=[OWN, OWN])
    assert problem.choose_by == problem.choices == (OWN, OWN)
    assert dataclasses.replace(problem, steps=10).choices == (OWN, OWN)
    with pytest.raises(ValueError, match="choose_by has 1 metrics and report 2"):
        measured(report=(OTHER, TRAINING_LOSS), choose_by=(OWN,))
