"""Fixtures: strict JAX, double precision for one test, a generator whose seed a failure prints,
caches of the tests' own, programs that are compiled once, and figures that take no time.
"""

import contextlib
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jaxlib
import numpy as np
import pytest
from jax.experimental.compilation_cache import compilation_cache

from rmsprop.study.running.devices import compilation_cache_is_sound

# The older one of XLA's two ways to compile fusions on a CPU takes a fifth off the time of these
# tests, of which compilation is more than half. With RMSPROP_COMPILED_FOR_USE=1 everything is
# compiled as it is for users, as in the steps `parity` and `dropin` of `.ci/run`. The version is
# the one that was tried, for XLA ends the process at a flag that it does not know.
OLDER_FUSIONS = "--xla_cpu_use_fusion_emitters=false"
if jaxlib.version.__version_info__[:2] == (0, 10) and not os.getenv("RMSPROP_COMPILED_FOR_USE"):
    os.environ["XLA_FLAGS"] = f"{os.getenv('XLA_FLAGS', '')} {OLDER_FUSIONS}".strip()

# Nothing is promoted in silence: neither a dtype to another nor an array to a higher rank. The
# configuration and not a context, which the threads of the study would not see.
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
# Every program goes to the compilation cache, also one that is small or compiled in no time.
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
# No program names the lines of Python that it is made from, which cost time at each operation and
# which no test reads.
jax.config.update("jax_traceback_in_locations_limit", 0)
if not compilation_cache_is_sound():
    jax.config.update("jax_enable_compilation_cache", False)


# So many cases of one test function are in the plain run. The others are slow; of these all run, or
# as many as make up the second number.
CASES = int(os.getenv("RMSPROP_CASES", "4"))
ALL_CASES = int(os.getenv("RMSPROP_ALL_CASES", "1_000_000"))


@pytest.hookimpl(tryfirst=True)  # before the cases that `-m` excludes are taken out
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of a function with many cases all but a few are slow, and some are left out where asked for.

    The few have the smallest checksums, so that they come from everywhere in a product of
    arguments, and stay the same where a case is added. `@pytest.mark.every_case(reason)` is for a
    function, or a module, of which all cases belong to the plain run.
    """
    functions: dict[str, list[pytest.Item]] = {}
    for item in items:
        if "benchmarks" in item.path.parts:  # which are no tests
            continue
        if not any(item.iter_markers("slow")) and not any(item.iter_markers("every_case")):
            functions.setdefault(item.nodeid.partition("[")[0], []).append(item)
    left_out = []
    for cases in functions.values():
        cases.sort(key=lambda case: zlib.crc32(case.nodeid.encode()))
        for item in cases[CASES:]:
            item.add_marker(pytest.mark.slow)
        left_out += cases[ALL_CASES:]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        gone = {*left_out}
        items[:] = [item for item in items if item not in gone]


@contextlib.contextmanager
def _settings(**values: Any) -> Iterator[None]:
    """The configuration of JAX with these values, for a while, in all threads."""
    before = {name: getattr(jax.config, name) for name in values}
    for name, value in values.items():
        jax.config.update(name, value)
    yield
    for name, value in before.items():
        jax.config.update(name, value)


@pytest.fixture(autouse=True)
def _promotion(request: pytest.FixtureRequest) -> Iterator[None]:
    """`@pytest.mark.standard_promotion(reason)` is for what promotes and is not ours."""
    if request.node.get_closest_marker("standard_promotion") is None:
        yield
        return
    with _settings(jax_numpy_dtype_promotion="standard", jax_numpy_rank_promotion="allow"):
        yield


@pytest.fixture
def x64() -> Iterator[None]:
    """Double precision, for the test that asks for it only."""
    with _settings(jax_enable_x64=True):
        yield


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder, the same for all processes that share the work of this run."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if run is None:
        return tmp_path_factory.mktemp("run")
    folder = tmp_path_factory.getbasetemp().parent / f"run-{run}"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session", autouse=True)
def _compiled_programs(run_folder: Path) -> None:
    """A program that one test has compiled is read by the others, whatever process they run in.

    `JAX_COMPILATION_CACHE_DIR` is respected: what is set there is shared by several runs.
    """
    if not jax.config.jax_compilation_cache_dir:
        jax.config.update("jax_compilation_cache_dir", str(run_folder / "programs"))


@pytest.fixture(autouse=True)
def _compiled_anew(request: pytest.FixtureRequest) -> Iterator[None]:
    """`@pytest.mark.compiled_anew(reason)` is for tests of the compiled program itself."""
    if request.node.get_closest_marker("compiled_anew") is None:
        yield
        return
    with _settings(jax_enable_compilation_cache=False):
        compilation_cache.reset_cache()  # JAX asks once in a process whether it has a cache
        yield
    compilation_cache.reset_cache()


@pytest.fixture(scope="session")
def for_use() -> dict[str, bool]:
    """Options of `compile` for tests that read a program: it is the one that users get."""
    has_older = OLDER_FUSIONS in os.getenv("XLA_FLAGS", "")
    return {"xla_cpu_use_fusion_emitters": True} if has_older else {}


@pytest.fixture(scope="module")
def compiled_quickly(request: pytest.FixtureRequest) -> Iterator[None]:
    """Programs with few optimizations, for folders of tests of which most run a program once.

    `pytestmark = pytest.mark.optimized(reason)` is for modules there that test bits or programs.
    """
    optimized = request.node.get_closest_marker("optimized") is not None
    # Not `_settings`: JAX lets this one be set, and not read.
    jax.config.update("jax_disable_most_optimizations", not optimized)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """A generator seeded by the test's own name; pytest shows the seed when the test fails."""
    seed = zlib.crc32(request.node.nodeid.encode())
    print(f"seed {seed}")
    return np.random.default_rng(seed)


@pytest.fixture(scope="session")
def cached_data(run_folder: Path) -> Path:
    """A folder of these tests' own: so that no data made by another version are read."""
    return run_folder / "cache"


@pytest.fixture(scope="module")
def shared_cache(cached_data):
    """For `pytestmark = pytest.mark.usefixtures("shared_cache")`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RMSPROP_CACHE", str(cached_data))
        yield


@pytest.fixture
def plain(monkeypatch):
    """Figures that take no time, for tests of the folder and the command alone."""
    from pictures import without_pictures

    without_pictures(monkeypatch)


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
