"""Fixtures: double precision for one test, and a generator whose seed a failing test prints."""

import zlib
from collections.abc import Iterator

import jax
import numpy as np
import pytest


@pytest.fixture
def x64() -> Iterator[None]:
    """Double precision, for the test that asks for it only."""
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """A generator seeded by the test's own name; pytest shows the seed when the test fails."""
    seed = zlib.crc32(request.node.nodeid.encode())
    print(f"seed {seed}")
    return np.random.default_rng(seed)
