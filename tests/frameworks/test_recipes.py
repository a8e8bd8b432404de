"""Every line of `docs/recipes.md` is an optimizer, and what the page says around it holds."""

import ast
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text()
COLUMNS = ["recipe", "optimizer of the original", "here", "what else it does", "source"]


def _rows():
    for line in PAGE.splitlines():
        if not line.startswith("|"):
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells != COLUMNS and not set(line) <= set("|-"):
            yield cells


ROWS = list(_rows())


@pytest.fixture(scope="module")
def names():
    """What the code block of the page defines."""
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    defined = {}
    exec(block, defined)
    return defined


def _line(cells):
    """The one line of code in the third column."""
    (code,) = re.findall(r"`([^`]+)`", cells[2])
    assert cells[2] == f"`{code}`"
    return code


def test_there_are_enough_of_them_and_none_twice():
    assert len(ROWS) >= 25
    recipes = [cells[0] for cells in ROWS]
    assert len(set(recipes)) == len(recipes)


@pytest.mark.parametrize("cells", ROWS, ids=lambda cells: cells[0])
def test_a_row_is_complete(cells):
    assert len(cells) == len(COLUMNS)
    assert all(cells)
    ast.parse(_line(cells), mode="eval")
    assert re.search(r"\]\(https://[^)\s]+\)", cells[4])


@pytest.mark.standard_promotion("Optax's schedules multiply counts by floats")
@pytest.mark.parametrize("cells", ROWS, ids=lambda cells: cells[0])
def test_a_line_takes_steps(cells, names):
    optimizer = eval(_line(cells), dict(names))
    params = {"kernel": jnp.ones((2, 3)), "bias": jnp.zeros(3)}
    gradients = jax.tree.map(lambda p: jnp.full_like(p, 0.1), params)
    after, state = params, optimizer.init(params)
    for _ in range(2):  # a rate that warms up is 0 in the first update
        updates, state = optimizer.update(gradients, state, after)
        after = optax.apply_updates(after, updates)
    for name, value in after.items():
        assert np.isfinite(value).all()
        assert (value < params[name]).all()


def test_warm_up_ends_in_the_schedule_it_leads_to(names):
    steps = names["steps_per_epoch"]
    rate = names["warm_up"](names["staircase"](0.064, 0.97, 2.4), 5)
    assert float(rate(0)) == 0
    assert float(rate(steps)) == pytest.approx(0.064 / 5)
    # Two falls are past when the warm-up ends, for the staircase counts from the start.
    assert float(rate(5 * steps)) == pytest.approx(0.064 * 0.97**2)
    assert float(rate(8 * steps)) == pytest.approx(0.064 * 0.97**3)


def test_a_staircase_stops_at_its_lowest_step(names):
    steps = names["steps_per_epoch"]
    rate = names["staircase"](1.0, 0.5, 3, lowest=0.2)
    found = [float(rate(k * steps)) for k in (0, 2, 3, 6, 9, 90)]
    assert found == pytest.approx([1, 1, 0.5, 0.25, 0.2, 0.2])


def test_timm_changes_its_rate_between_epochs(names):
    steps = names["steps_per_epoch"]
    rate = names["timm_steps"](0.048, 0.97)
    assert float(rate(0)) == float(rate(steps - 1)) == pytest.approx(1e-6)
    assert float(rate(steps)) == pytest.approx(1e-6 + (0.048 - 1e-6) / 5)
    assert float(rate(5 * steps)) == pytest.approx(0.048 * 0.97**2)
    for epoch in range(8, 600):
        assert float(rate(epoch * steps)) == pytest.approx(0.048 * 0.97 ** (epoch // 2.4), rel=1e-4)
