"""The settings of JAX around a call of the study hold in its threads, and belong to the study."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import rmsprop
from rmsprop import _experimental
from rmsprop.study import Problem, compare
from rmsprop.study.running.context import executor, numerics
from tiny_problem import tiny

CONTEXTS = {
    "enable_x64": (_experimental.enable_x64, True),
    "default_matmul_precision": (jax.default_matmul_precision, "float32"),
    "numpy_dtype_promotion": (jax.numpy_dtype_promotion, "strict"),
    "numpy_rank_promotion": (jax.numpy_rank_promotion, "raise"),
    "debug_nans": (jax.debug_nans, True),
}


@pytest.mark.parametrize("name", CONTEXTS)
def test_a_thread_has_the_settings_of_its_maker(name):
    context, value = CONTEXTS[name]
    read = lambda _: getattr(jax.config, f"jax_{name}")  # noqa: E731
    before = read(None)
    with context(value), executor(2) as pool:
        assert list(pool.map(read, range(4))) == [value] * 4
    with executor(1) as pool:
        assert list(pool.map(read, range(1))) == [before]
    assert read(None) == before


def test_a_thread_of_a_thread_has_them_too():
    def inner(_):
        with executor(1) as pool:
            return pool.submit(lambda: jnp.ones(1).dtype).result()

    with _experimental.enable_x64(), executor(1) as pool:
        assert list(pool.map(inner, range(1))) == [jnp.float64]


DTYPES = []


def _noted(params, batch):
    DTYPES.append((params.dtype, jax.config.jax_default_matmul_precision))
    return ((params - batch.astype(params.dtype)) ** 2).sum()


def _problem():
    return Problem(
        "bowl",
        init=lambda key: jnp.array([3.0, 1.0], dtype=jnp.result_type(float)),
        loss=_noted,
        sample=lambda key, step: jax.random.normal(jax.random.fold_in(key, step), (2,)),
        steps=20,
    )


def _compare(folder=None):
    DTYPES.clear()
    return compare(
        _problem(),
        {"rmsprop": rmsprop.rmsprop},
        seeds=2,
        tuning_seeds=1,
        schedules="constant",
        folder=folder,
    )


@pytest.mark.slow
def test_a_study_trains_in_the_precision_of_its_caller():
    """In double precision the loss can fall below what single precision resolves."""
    with _experimental.enable_x64(), jax.default_matmul_precision("highest"):
        double = _compare()
    assert {*DTYPES} == {(jnp.dtype(jnp.float64), "highest")}
    single = _compare()
    assert {*DTYPES} == {(jnp.dtype(jnp.float32), jax.config.jax_default_matmul_precision)}
    one, two = (result.task("bowl") for result in (double, single))
    assert int(one["parameter_bytes"][0]) == 2 * int(two["parameter_bytes"][0])
    assert {name: v.dtype for name, v in one.items()} == {name: v.dtype for name, v in two.items()}
    assert np.isfinite(one["metric"].sel(setting="tuned")).all()


def test_strict_promotion_holds_for_every_run():
    mixed = tiny(loss=lambda p, noise: ((p - noise) ** 2).sum() * np.float32(1) * jnp.int32(2))
    call = {"seeds": 2, "tuning_seeds": 1, "schedules": "constant"}
    with jax.numpy_dtype_promotion("strict"), pytest.raises(ValueError, match="dtype promotion"):
        compare(mixed, {"sgd": optax.sgd}, **call)


def test_the_settings_belong_to_the_study(tmp_path):
    _compare(tmp_path)
    with (
        _experimental.enable_x64(),
        pytest.raises(ValueError, match=r"settings of JAX .*: enable_x64 false there, .* true now"),
    ):
        _compare(tmp_path)
    assert numerics()["enable_x64"] is False
