"""Rows that stand still while they are not touched, and rows of one accumulator each."""

import functools
import itertools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from row_runs import ROWS, rate, runs, trajectory

import rmsprop
from rmsprop import rows

LAZY = [{}, {"eps_in_sqrt": False}, {"centered": True}]


@functools.cache
def _runs():
    """The optimizers by name, and their runs over the same batches in one program."""
    optimizers = {}
    for options, momentum in itertools.product(LAZY, (None, 0.9)):
        optimizers[f"{options} {momentum}"] = rows.rmsprop(
            rate, 0.9, 1e-3, initial_scale=1.0, semantics="lazy", momentum=momentum, **options
        )
    for inside in (True, False):
        options = {"eps_in_sqrt": inside, "row_wise": True}
        optimizers[f"AdaGrad {inside}"] = rows.adagrad(rate, 0.0, 1e-8, **options)
        for semantics in ("exact", "lazy"):
            optimizers[f"{semantics} {inside}"] = rows.rmsprop(rate, semantics=semantics, **options)
    return optimizers, runs(optimizers, np.random.default_rng(0))


@pytest.mark.parametrize("options", LAZY, ids=str)
@pytest.mark.parametrize("momentum", [None, 0.9])
def test_lazy_rows_stand_still_as_in_tensorflow(options, momentum, x64):
    """The sparse kernels of TensorFlow 1: average, mean and buffer of touched rows only."""
    start, ids, dense, along = _runs()[1]
    p, (tables, _, _) = start.copy(), along[f"{options} {momentum}"]
    v, mean, buffer = np.ones_like(p), np.zeros_like(p), np.zeros_like(p)
    for k, g in enumerate(dense):
        touched = np.isin(np.arange(ROWS), ids[k])
        for row in np.flatnonzero(touched):
            v[row] = 0.9 * v[row] + 0.1 * g[row] ** 2
            mean[row] = 0.9 * mean[row] + 0.1 * g[row]
            # From v = 1 and mean = 0: the part of the 1 that is left belongs to the variance too.
            d = v[row] - mean[row] ** 2 if options.get("centered") else v[row]
            root = np.sqrt(d + 1e-3) if options.get("eps_in_sqrt", True) else np.sqrt(d) + 1e-3
            buffer[row] = (momentum or 0.0) * buffer[row] + rate(k) * g[row] / root
            p[row] = p[row] - buffer[row]
        np.testing.assert_allclose(tables[k], p, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("semantics", ["exact", "lazy", "AdaGrad"])
@pytest.mark.parametrize("eps_in_sqrt", [True, False])
def test_one_accumulator_a_row(semantics, eps_in_sqrt, x64):
    """FBGEMM's exact row-wise AdaGrad (`eps_in_sqrt=False`), and RMSprop likewise."""
    optimizers, (start, ids, dense, along) = _runs()
    name = f"{semantics} {eps_in_sqrt}"
    p, optimizer, (tables, _, state) = start.copy(), optimizers[name], along[name]
    v = np.zeros(ROWS)
    for k, g in enumerate(dense):
        for row in range(ROWS):
            keep, add = (1, 1) if semantics == "AdaGrad" else (0.9, 0.1)
            if semantics != "lazy" or row in ids[k]:
                v[row] = keep * v[row] + add * np.mean(g[row] ** 2)
            root = np.sqrt(v[row] + 1e-8) if eps_in_sqrt else np.sqrt(v[row]) + 1e-8
            p[row] = p[row] - rate(k) * g[row] / root
        np.testing.assert_allclose(tables[k], p, rtol=1e-12, atol=1e-12)
    (found,) = (x for x in jax.tree.leaves(optimizer.flush(state).dense) if x.ndim)
    np.testing.assert_allclose(found, v, rtol=1e-12)


def test_adagrad_and_lazy_states_are_the_dense_ones():
    table = jnp.ones((5, 2))
    for sparse, dense in (
        (rows.adagrad(0.1), rmsprop.adagrad(0.1)),
        (rows.adagrad(rate), optax.adagrad(rate)),
        (
            rows.rmsprop(0.1, semantics="lazy", momentum=0.9),
            rmsprop.rmsprop(0.1, momentum=0.9),
        ),
        (rows.rmsprop(0.1), optax.rmsprop(0.1)),
    ):
        state = dense.init(table)
        chex.assert_trees_all_equal(sparse.to_dense(sparse.from_dense(state)), state)
        chex.assert_trees_all_equal_structs(sparse.from_dense(state), sparse.init(table))
    with pytest.raises(ValueError, match=r"one accumulator a row.*Save flush\(state\)"):
        rows.adagrad(0.1, row_wise=True).to_dense(rows.adagrad(0.1, row_wise=True).init(table))


def test_untouched_rows_and_lazy_ones_differ(rng):
    """T8: a row touched every tenth step moves by sqrt(10) times the rate of lazy semantics."""
    ids = np.where(np.arange(400) % 10 == 0, 0, -1)[:, None].astype(np.int32)
    gradients = np.ones((400, 1, 1), np.float32)
    table, decay = jnp.zeros((2, 1)), 0.99
    steps = {}
    for semantics in ("exact", "lazy"):
        optimizer = rows.rmsprop(1.0, decay, semantics=semantics)
        tables, _, _ = trajectory(optimizer, table, ids, gradients)
        steps[semantics] = tables[389, 0, 0] - tables[390, 0, 0]
    often = (1 - decay) * sum(decay ** (10 * k) for k in range(40))
    np.testing.assert_allclose(steps["exact"], 1 / np.sqrt(often), rtol=1e-5)
    np.testing.assert_allclose(steps["lazy"], 1 / np.sqrt(1 - decay**40), rtol=1e-5)
