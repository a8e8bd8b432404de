"""Every recipe of `docs/recipes.md` is an optimizer, and what the page says around it holds."""

import ast
import re
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text()
# What stands below the code of a recipe.
NOTES = ("The original's optimizer", "What else it does", "Source")


class Recipe(NamedTuple):
    """A section of the page."""

    name: str
    code: str  # of one statement, which assigns the optimizer
    notes: dict[str, str]


def _recipe(section):
    name, _, body = section.partition("\n")
    (code,) = re.findall(r"```python\n(.*?)```", body, re.S)
    notes = re.findall(r"^\* ([^:\n]+): (.*(?:\n  .*)*)", body, re.M)
    return Recipe(name, code, {key: " ".join(text.split()) for key, text in notes})


_SECTIONS = re.split(r"^#+ ", PAGE, flags=re.M)
RECIPES = [_recipe(text) for text in _SECTIONS if re.search(r"^\* Source: ", text, re.M)]


@pytest.fixture(scope="module")
def names():
    """What the code block of the page defines."""
    before_the_recipes = PAGE.split("\n### ")[0]
    (block,) = re.findall(r"```python\n(.*?)```", before_the_recipes, re.S)
    defined = {}
    exec(block, defined)
    return defined


def test_there_are_enough_of_them_and_none_twice():
    assert len(RECIPES) >= 25
    assert len({recipe.name for recipe in RECIPES}) == len(RECIPES)


def test_every_block_of_the_page_is_a_recipe_or_what_they_use():
    assert PAGE.count("```python\n") == 1 + len(RECIPES) == 1 + PAGE.count("\n### ")


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_a_recipe_is_complete(recipe):
    (statement,) = ast.parse(recipe.code).body
    assert ast.unparse(statement).startswith("optimizer = ")
    assert tuple(recipe.notes) == NOTES
    assert all(recipe.notes.values())
    assert re.search(r"\]\(https://[^)\s]+\)", recipe.notes["Source"])


@pytest.mark.standard_promotion("Optax's schedules multiply counts by floats")
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_a_recipe_takes_steps(recipe, names):
    namespace = dict(names)
    exec(recipe.code, namespace)
    optimizer = namespace["optimizer"]
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
