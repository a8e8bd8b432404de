"""Fixtures: strict JAX, double precision for one test, a generator whose seed a failure prints,
a cache of the tests' own, and figures that take no time.
"""

import os
import zlib
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import pytest

# Nothing is promoted in silence: neither a dtype to another nor an array to a higher rank. The
# configuration and not a context, which the threads of the study would not see.
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture(autouse=True)
def _promotion(request: pytest.FixtureRequest) -> Iterator[None]:
    """`@pytest.mark.standard_promotion(reason)` is for what promotes and is not ours."""
    if request.node.get_closest_marker("standard_promotion") is None:
        yield
        return
    jax.config.update("jax_numpy_dtype_promotion", "standard")
    jax.config.update("jax_numpy_rank_promotion", "allow")
    yield
    jax.config.update("jax_numpy_dtype_promotion", "strict")
    jax.config.update("jax_numpy_rank_promotion", "raise")


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


@pytest.fixture(scope="session")
def cached_data(tmp_path_factory):
    """A folder of these tests' own: so that no data made by another version are read.

    The same for all processes that share their work.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if run is None:
        return tmp_path_factory.mktemp("cache")
    return tmp_path_factory.getbasetemp().parent / f"cache-{run}"


@pytest.fixture(scope="module")
def shared_cache(cached_data):
    """For `pytestmark = pytest.mark.usefixtures("shared_cache")`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RMSPROP_CACHE", str(cached_data))
        yield


@pytest.fixture
def plain(monkeypatch):
    """Figures that take no time, for tests of the folder and the command alone."""
    from rmsprop.study.report import plots
    from rmsprop.study.report.plots import export

    monkeypatch.setattr(export, "png", lambda figure: b"PNG")
    monkeypatch.setattr(export, "svg", lambda figure: "<svg></svg>")
    for name in plots.__all__:
        monkeypatch.setattr(plots, name, lambda *_: None)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What tests have counted with `record_property`, also in other processes, summed up."""
    counts: dict[str, int] = {}
    for report in terminalreporter.getreports("passed"):
        for name, count in report.user_properties:
            counts[name] = counts.get(name, 0) + count
    if counts:
        terminalreporter.section("counted")
        for name, count in sorted(counts.items()):
            terminalreporter.line(f"{count:>14,} {name}")
