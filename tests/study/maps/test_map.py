"""A map: what it holds, how it is saved and goes on, what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from rmsprop import study
from rmsprop.study.contenders import RMSPROP
from rmsprop.study.maps import program, tuning
from rmsprop.study.maps.results import MapResults
from rmsprop.study.maps.verdicts import judge, undominated
from rmsprop.study.results.reselection import Finalists, reselect

TINY = study.Plane("tiny", "noise", (0.1, 1.0), "drift", (0.0, 0.1), {"horizon": 20.0})
# Numbers of the results that depend on nothing but the runs.
NUMBERS = ("ratio", "low", "high", "risk", "learning_rate", "adjusted_p_value")


@pytest.fixture(scope="module")
def tiny():
    """A small map, which tests read."""
    return study.map(TINY, seeds=6)


def test_the_shape_of_the_results(tiny):
    dataset = tiny.plane("tiny")
    assert tiny.lines == ("own", "constant", "linear")
    most = int(dataset["configurations"].max())
    assert dataset["risk"].shape == (2, 2, 2, 2, most, 6)
    there = dataset["learning_rate"].notnull()
    assert (there.sum("configuration") == dataset["configurations"]).all()
    assert (dataset["risk"].notnull() == there).all()
    assert dataset["number"].values == pytest.approx(
        np.array([[np.nan, np.nan], [1.0, 0.1]]), nan_ok=True
    )
    assert (dataset["low"] <= dataset["ratio"]).all()
    assert (dataset["ratio"] <= dataset["high"]).all()
    assert (dataset["adjusted_p_value"] >= dataset["p_value"]).all()
    assert (dataset["configurations"] >= 54 / 3).all()
    assert tiny.definition("tiny") == TINY


def test_a_verdict_is_what_the_correction_leaves(tiny):
    for line in tiny.lines:
        for cell in tiny.cells("tiny", line):
            differs = cell.plain_verdict in ("better", "slightly better")
            left = "undecided" if differs and cell.adjusted > 0.05 else cell.plain_verdict
            assert cell.verdict == left
            assert cell.winner == (
                ""
                if left in ("equal", "undecided")
                else "rmsprop"
                if cell.ratio.value > 1
                else "adagrad"
            )


def test_a_map_saved_is_the_map_loaded(tiny, tmp_path):
    tiny.save(tmp_path)
    loaded = MapResults.load(tmp_path)
    assert loaded.plane("tiny").identical(tiny.plane("tiny"))
    assert loaded.tree.attrs == tiny.tree.attrs
    with pytest.raises(ValueError, match=r"plane 'tinny' is not here.*tiny"):
        loaded.plane("tinny")
    broken = tiny.plane("tiny").drop_vars("risk")
    with pytest.raises(ValueError, match="plane tiny has no risk"):
        MapResults.of({"tiny": broken}, {})
    with pytest.raises(ValueError, match="no map"):
        MapResults(xr.DataTree())


def test_a_map_goes_on_where_it_was_stopped(tiny, tmp_path, monkeypatch):
    calls = []
    whole = program.MapProgram.__call__

    def counted(self, *arguments):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return whole(self, *arguments)

    monkeypatch.setattr(program.MapProgram, "__call__", counted)
    with pytest.raises(KeyboardInterrupt):
        study.map(TINY, seeds=6, folder=tmp_path)
    again = study.map(TINY, seeds=6, folder=tmp_path)
    ran = len(calls)
    for name in NUMBERS:
        assert np.array_equal(again.plane("tiny")[name], tiny.plane("tiny")[name], equal_nan=True)
    once_more = study.map(TINY, seeds=6, folder=tmp_path)
    assert len(calls) == ran  # all of it is there
    assert once_more.plane("tiny").identical(again.plane("tiny"))
    with pytest.raises(ValueError, match="other settings: the first seed"):
        study.map(TINY, seeds=7, first_seed=1, folder=tmp_path)
    with pytest.raises(ValueError, match="other settings: the values of the dials"):
        study.map(replace(TINY, x_values=(0.1, 3.0)), seeds=6, folder=tmp_path)
    with pytest.raises(ValueError, match="what it is a study of"):
        study.compare(study.task("valley"), references=False, seeds=6, folder=tmp_path)


def test_a_grid_grows_where_the_best_is_on_its_edge():
    best = {(1.0, 0.1, 1e-4), (1e-4, 0.01, 1e-4)}
    larger = tuning._grown(tuning.held(RMSPROP.within(400)), best)
    rates, memories, dampings = (tunable.grid for tunable in larger.tuned)
    assert rates == pytest.approx([10.0 ** (k / 2) for k in range(-9, 2)])
    assert memories == pytest.approx([0.01, 1 / 30, 0.1, 0.1 * 10**0.5])  # a third of the run
    assert dampings == (1e-7, 1e-4)  # held
    assert tuning._grown(RMSPROP, {(0.01, 1 / 30, 1e-7)}).tuned[0] == RMSPROP.tuned[0]


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"seeds": 1}, ValueError, "seeds is 1; it must be at least 2"),
        ({"seeds": 2.0}, TypeError, "seeds is 2.0; it must be an integer"),
        ({"tuning_seeds": 4}, ValueError, "tuning_seeds is 4; .* half of the seeds"),
        ({"first_seed": -1}, ValueError, "first_seed is -1"),
        ({"schedules": "cosine"}, ValueError, "schedule 'cosine' is unknown"),
        ({"optimizers": [RMSPROP]}, ValueError, "a map is of two"),
        ({"optimizers": [RMSPROP, RMSPROP]}, ValueError, "named twice"),
        ({"optimizers": ["rmsprop", RMSPROP]}, TypeError, "optimizers holds 'rmsprop'"),
        ({"planes": "tiny"}, ValueError, "plane 'tiny' is unknown"),
    ],
)
def test_what_cannot_be_mapped_is_refused(arguments, error, sentence):
    with pytest.raises(error, match=sentence):
        study.map(**{"planes": TINY, "seeds": 6, **arguments})


def test_an_optimizer_that_fails_is_refused():
    broken = study.optimizer("broken", lambda learning_rate: float(learning_rate))
    with pytest.raises(ValueError, match="optimizer 'broken' cannot be used"):
        study.map(TINY, [RMSPROP, broken], seeds=6)


@pytest.mark.standard_promotion("Adam of Optax takes powers of a count")
def test_another_optimizer_is_mapped():
    pair = [RMSPROP, study.named("adam=optax:adam")]
    corner = study.Plane("corner", "noise", (0.1,), "drift", (0.1,), {"horizon": 20.0})
    result = study.map(corner, pair, seeds=2, tuning_seeds=1, schedules="linear")
    assert result.optimizers == ("rmsprop", "adam")
    assert result.lines == ("linear",)
    (cell,) = result.cells("corner", "linear")
    assert cell.verdict == "undecided"  # two seeds have no interval


def test_a_shorter_horizon_has_a_shorter_memory():
    plane = study.Plane("lengths", "noise", (0.1,), "horizon", (20.0, 100.0))
    result = study.map(plane, seeds=2, tuning_seeds=1, schedules="constant")
    rest = result.plane("lengths").sel(optimizer="rmsprop")["one_minus_decay"].squeeze("x")
    assert (
        rest.sel(y=20.0).dropna("configuration") >= 3 / 20 * 0.66
    ).all()  # 0.1, the shortest grid
    assert (rest.sel(y=100.0).dropna("configuration") >= 3 / 100 * 0.99).all()


def test_what_is_dominated_is_chosen_nowhere(rng):
    """The verdict is the same with all configurations, of which most are left out."""
    risks = [np.exp(rng.normal(size=(30, 1)) + 0.2 * rng.normal(size=(30, 6))) for _ in range(2)]
    risks[0][3, 2] = np.inf
    (verdict,) = judge([risks[0]], [risks[1]], 3)
    pair = [Finalists(each, each) for each in (risks[1], risks[0])]
    whole = reselect(pair[0], pair[1], 3, "lower")
    assert len(undominated(risks[0])) < 15
    assert np.log(verdict.ratio.value) == pytest.approx(whole.difference.value, rel=1e-12)
    assert np.log(verdict.ratio.high) == pytest.approx(whole.difference.high, rel=1e-12)
    assert verdict.p_value == pytest.approx(whole.p_value, rel=1e-9)
