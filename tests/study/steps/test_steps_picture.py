"""The picture of the path and of the effective learning rates."""

import inspect
import itertools
import pathlib
import re
from xml.etree import ElementTree

import jax.numpy as jnp
import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from rmsprop.study.atomic import WriteError
from rmsprop.study.steps import picture
from rmsprop.study.steps.functions import FUNCTIONS, valley
from rmsprop.study.steps.minimise import OPTIMIZERS, minimise
from rmsprop.study.steps.picture import draw


@pytest.fixture
def figure(monkeypatch):
    """The figure that `draw` makes, caught when it is saved."""
    caught = []
    save = Figure.savefig

    def catch(self, *args, **kwargs):
        caught.append(self)
        return save(self, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", catch)
    return caught


# Every function and every optimizer; the other pairs of them are slow.
SOME = [*zip(FUNCTIONS, itertools.cycle(OPTIMIZERS))]  # one of them does not end


@pytest.mark.parametrize(
    ("function", "optimizer"),
    [
        pytest.param(*pair, marks=[pytest.mark.slow] * (pair not in SOME))
        for pair in itertools.product(FUNCTIONS, OPTIMIZERS)
    ],
)
def test_picture_of_every_function_and_optimizer(tmp_path, figure, function, optimizer):
    run = minimise(FUNCTIONS[function], None, optimizer, learning_rate=0.001, steps=5)
    draw([run], tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    left, right = figure[0].axes
    path = next(line for line in left.lines if line.get_label() == "path")
    points = run.x
    np.testing.assert_array_equal(path.get_xdata(), points[:, 0])
    # 2-D: the second coordinate itself; 1-D: the function at the first, to two roundings.
    heights = points[:, 1] if points.shape[1] == 2 else points[:, 0] ** 2
    np.testing.assert_allclose(path.get_ydata(), heights, rtol=5e-16)
    for i, line in enumerate(right.lines):
        np.testing.assert_array_equal(line.get_xdata(), np.arange(5))
        np.testing.assert_array_equal(line.get_ydata(), run.effective_learning_rate[:, i])
    assert [line.get_label() for line in right.lines] == list(run.objective.names)
    assert left.get_xlabel() == run.objective.names[0]
    assert right.get_xlabel() == "step"
    assert "effective learning rate" in right.get_ylabel()


def test_picture_as_svg_and_pdf(tmp_path):
    run = minimise(valley(), steps=3)
    draw([run], tmp_path / "picture.svg")
    draw([run], tmp_path / "picture.PDF")
    assert ElementTree.parse(tmp_path / "picture.svg").getroot().tag.endswith("svg")
    assert (tmp_path / "picture.PDF").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_a_picture_for_which_there_is_no_room_is_a_sentence(tmp_path, ending, small_files):
    run = minimise(FUNCTIONS["square"], steps=2)
    file = tmp_path / f"picture.{ending}"
    draw([run], file)  # with all that JAX compiles and keeps in files of its own
    before = file.read_bytes()
    with small_files(1000), pytest.raises(WriteError, match=f"^the folder {tmp_path} cannot be"):
        draw([run], file)
    assert [entry.read_bytes() for entry in tmp_path.iterdir()] == [before]


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_picture_is_the_same_for_the_same_steps(tmp_path, ending):
    run = minimise(FUNCTIONS["square"], steps=2)
    draw([run], tmp_path / f"a.{ending}")
    draw([run], tmp_path / f"b.{ending}")
    assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


def test_picture_leaves_an_earlier_picture_when_interrupted(tmp_path, monkeypatch):
    file = tmp_path / "picture.png"
    file.write_bytes(b"earlier")

    def interrupted(self, content):
        with self.open("wb") as half:
            half.write(content[:100])
        raise KeyboardInterrupt

    monkeypatch.setattr(pathlib.Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        draw([minimise(FUNCTIONS["square"], steps=1)], file)
    assert file.read_bytes() == b"earlier"
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]


def test_picture_of_a_divergence_ends_where_it_leaves(tmp_path, figure):
    run = minimise(valley(), None, "sgd", learning_rate=0.1, steps=400)
    assert not np.isfinite(run.x[-1]).all()
    draw([run], tmp_path / "picture.png")
    left, _ = figure[0].axes
    path = next(line for line in left.lines if line.get_label() == "path")
    # x2 is 1, -9, 81, ...: the second step takes it farther than 10 times the start of 4.
    np.testing.assert_array_equal(path.get_ydata(), [1.0, -9.0])
    labels = [line.get_label() for line in left.lines]
    assert "leaves the picture at step 2" in labels


def test_picture_of_a_long_way_down_is_complete(tmp_path, figure):
    run = minimise(FUNCTIONS["two-weights"], steps=500)
    draw([run], tmp_path / "picture.png")
    path = next(line for line in figure[0].axes[0].lines if line.get_label() == "path")
    assert len(path.get_xdata()) == 501


def test_picture_shows_both_coordinates_on_one_scale(tmp_path, figure):
    draw([minimise(FUNCTIONS["two-weights"], None, "sgd")], tmp_path / "picture.png")
    left, _ = figure[0].axes
    assert left.get_box_aspect() == 1
    # Both limits are rounded differently, 40 being the largest of them.
    assert np.ptp(left.get_xlim()) == pytest.approx(np.ptp(left.get_ylim()), abs=1e-13)


@pytest.mark.parametrize(("spread", "scale"), [("two-weights", "log"), ("square", "linear")])
def test_picture_has_a_logarithmic_scale_where_rates_differ_widely(tmp_path, figure, spread, scale):
    draw([minimise(FUNCTIONS[spread], steps=5)], tmp_path / "picture.png")
    assert figure[0].axes[1].get_yscale() == scale


@pytest.mark.parametrize(
    ("function", "start", "options"),
    [
        ("valley", [0.0, 0.0], {"eps": 0.0}),  # no step, rates infinite
        ("square", 1e300, {}),  # the function overflows
        ("valley", [1e300, 1e300], {}),
        ("two-weights", [1e200, 1e200], {}),  # steps that change nothing
        ("square", 4.0, {"learning_rate": 0.0}),
    ],
)
def test_picture_of_extremes(tmp_path, function, start, options):
    run = minimise(FUNCTIONS[function], start, steps=3, **options)
    draw([run], tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 1000


def test_picture_touches_no_setting_of_matplotlib(tmp_path):
    # Values that no picture would choose, so that an earlier test cannot have left them.
    with matplotlib.rc_context({"font.size": 7.5, "axes.spines.top": True}):
        before = dict(matplotlib.rcParams)
        draw([minimise(FUNCTIONS["square"], steps=1)], tmp_path / "picture.svg")
        assert dict(matplotlib.rcParams) == before


def test_refusal_of_more_coordinates_than_can_be_drawn(tmp_path):
    run = minimise(lambda x: jnp.sum(x**2), [1.0, 2.0, 3.0], steps=1)
    with pytest.raises(ValueError, match="runs has 3 coordinates"):
        draw([run], tmp_path / "picture.png")


def test_colours_are_distinct_for_everyone():
    """Those of Okabe and Ito."""
    safe = {"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#F0E442", "#56B4E9", "#E69F00", "#000000"}
    used = set(re.findall(r'"(#[0-9A-Fa-f]{6})"', inspect.getsource(picture)))
    assert used
    assert used <= safe


@pytest.mark.parametrize("function", ["square", "valley"])
def test_picture_of_several_optimizers_has_the_path_and_the_rates_of_each(
    tmp_path, figure, function
):
    runs = [minimise(FUNCTIONS[function], None, name, steps=5) for name in OPTIMIZERS]
    draw(runs, tmp_path / "picture.png")
    left, right = figure[0].axes
    for run in runs:
        colour, end = picture.COLOURS[run.optimizer], picture.ENDS[run.optimizer]
        path, last = (line for line in left.lines if line.get_color() == colour)
        np.testing.assert_array_equal(path.get_xdata(), run.x[:, 0])
        assert (last.get_xdata(), last.get_marker()) == (run.x[-1, 0], end)
        assert last.get_label() == f"{run.optimizer}, after step 5"
        rates = [line for line in right.lines if line.get_color() == colour]
        assert len({line.get_linestyle() for line in rates}) == len(run.objective.names)
        for line, curve in zip(rates, run.effective_learning_rate.T, strict=True):
            np.testing.assert_array_equal(line.get_ydata(), curve)
            assert line.get_label().startswith(run.optimizer)
    assert len({*picture.COLOURS.values()}) == len({*picture.ENDS.values()}) == len(OPTIMIZERS)
