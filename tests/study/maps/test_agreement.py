"""The runs and the verdicts of a map, against NumPy in float64."""

from itertools import product

import by_hand
import numpy as np
import pytest

from rmsprop import study
from rmsprop.study.contenders import ADAGRAD, RMSPROP
from rmsprop.study.maps.plan import held

# Ten cells, in which every dial is turned.
CELLS = (
    study.Plane("noise", "noise", (0.03, 1.0), "drift", (0.0, 0.1)),
    study.Plane("seldom", "sparsity", (10.0, 100.0), "multiplicative", (1.0,)),
    study.Plane("turned", "rotation", (15.0, 45.0), "condition", (100.0,), {"shrinking": 10.0}),
    study.Plane("lengths", "horizon", (100.0, 200.0), "drift", (0.03,), {"shrinking": 100.0}),
)
STEPS = {"rmsprop": by_hand.rmsprop, "adagrad": by_hand.adagrad}


def tolerance(risk, dials):
    """How far a float32 run may be from one in float64.

    Every step rounds a parameter, of at most 4 at the start (four standard deviations) plus four
    times the way of the optimum, by 2^-24 of it, and the gradient by some 8 roundings of its own
    size, which is that of the step; over T steps the deviation is off by at most sqrt(T) times both
    where roundings are independent.  The risk is half of a square: its change is that of the
    deviation in each of 16 coordinates times the deviation, of which the sum is at most
    sqrt(16 * 2 risk).  Three times that.
    """
    steps, unit = dials["horizon"], 2.0**-24
    size = 4 + 4 * dials["drift"] * np.sqrt(steps)
    off = np.sqrt(steps) * unit * size * (1 + 8)
    return 3 * (np.sqrt(32 * risk) * off + 16 * off**2)


def check_runs(result, near):
    """Compares the risks of the best configurations of every cell, run by run.

    Of the others a rate is so large that a run leaps from side to side, where float32 and float64
    part: `near` of them are within a factor of three of the best.
    """
    count = 0
    for plane in result.planes:
        dataset, cells = result.plane(plane), result.definition(plane).cells()
        schedules, columns = dataset["schedule"].values, dataset.sizes["x"]
        for number, optimizer, schedule in product(
            range(len(cells)), (RMSPROP, ADAGRAD), schedules
        ):
            place = {"y": number // columns, "x": number % columns}
            at = dataset.isel(place).sel(optimizer=optimizer.name, schedule=schedule)
            scores = np.log(at["risk"]).mean("seed").fillna(np.inf)
            for configuration in np.argsort(scores.values)[:near]:
                point = at.isel(configuration=configuration)
                values = [float(point[name]) for name in optimizer.names]
                for seed in dataset["seed"].values:
                    make, dials = STEPS[optimizer.name], cells[number]
                    expected = by_hand.risk(dials, make, values, schedule, int(seed))
                    got = float(point["risk"].sel(seed=seed))
                    assert got == pytest.approx(expected, abs=tolerance(expected, dials))
                    count += 1
    return count


def test_runs_are_those_of_numpy():
    base = {"horizon": 40.0, "condition": 10.0, "shrinking": 10.0, "multiplicative": 0.5}
    base |= {"drift": 0.1, "noise": 0.3}
    plane = study.Plane("all", "rotation", (0.0, 30.0), "sparsity", (3.0,), base)
    result = study.map(plane, seeds=2, tuning_seeds=1)
    assert check_runs(result, near=2) == 2 * 2 * 2 * 2 * 2


@pytest.mark.slow
def test_ten_cells_are_those_of_numpy():
    result = study.map(CELLS, seeds=6)
    assert sum(len(result.definition(name).cells()) for name in result.planes) == 10
    check_runs(result, near=3)


@pytest.mark.slow
def test_the_ratio_is_that_of_numpy():
    plane = study.Plane("few", "noise", (0.1,), "drift", (0.1,), {"horizon": 100.0})
    result = study.map(plane, seeds=6, schedules="constant")
    (dials,) = result.definition("few").cells()
    at = result.plane("few").isel(x=0, y=0).sel(schedule="constant")
    risks = {}
    for optimizer in (RMSPROP, ADAGRAD):
        of_each = [at.sel(optimizer=optimizer.name)[name].values for name in optimizer.names]
        points = [point for point in zip(*of_each, strict=True) if not np.isnan(point[0])]
        # The grid that the race began with is there, and what it grew by.
        first = held(optimizer).within(100).configurations()
        assert {*np.round(np.log10(first), 6).ravel()} <= {*np.round(np.log10(points), 6).ravel()}
        make = STEPS[optimizer.name]
        risks[optimizer.name] = np.array(
            [[by_hand.risk(dials, make, x, "constant", seed) for seed in range(6)] for x in points]
        )
    expected = by_hand.ratio(risks["rmsprop"], risks["adagrad"], 3)
    (cell,) = result.cells("few", "constant")
    # The risks of what is chosen agree to some 1e-5, and so do means of their logarithms.
    assert cell.ratio.value == pytest.approx(expected, rel=1e-4)
