"""Ratios within one run: contenders take turns, and the medians are compared.

A shared machine is slower at one moment than at the next, so that two figures taken one after the
other say little.  Here every round runs every contender once; the table gives the median of the
ratios of each round, and its quartiles.

    pytest tests/benchmarks                    the sizes that suit the device
    pytest tests/benchmarks --size small       a minute, to see that everything runs
    pytest tests/benchmarks --json FILE        the table as a record too

The same commands measure on an accelerator.  Nothing fails on a time.
"""

import json
import os
import pathlib
from collections.abc import Callable, Mapping

# The threads of PyTorch sleep while it is the turn of another contender.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# What is measured is compiled as for users: the folder above chooses what is compiled soonest.
os.environ["XLA_FLAGS"] = os.getenv("XLA_FLAGS", "").replace(
    "--xla_cpu_use_fusion_emitters=false", ""
)

import jax
import pytest
import races

pytest.importorskip("pytest_benchmark", reason="install it: pip install '.[dev]'")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("benchmarks")
    group.addoption(
        "--size",
        choices=["small", "usual", "full"],
        default="usual" if jax.default_backend() == "cpu" else "full",
        help="small: a minute; usual: GPT-2 a quarter as wide (the default on a CPU); full",
    )
    group.addoption("--json", metavar="FILE", help="write the table of the benchmarks there too")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """One process: whatever is set for the tests, contenders of a race have the machine alone."""
    config.option.numprocesses = 0
    config.option.dist = "no"
    config.option.benchmark_quiet = True  # the table of ratios is the one to read


@pytest.fixture(scope="session", autouse=True)
def _compiled_programs() -> None:
    """In the place of the tests' compilation cache: what is compiled here is timed, or read."""
    jax.config.update("jax_enable_compilation_cache", False)


@pytest.fixture
def size(request: pytest.FixtureRequest) -> str:
    """How large: "small", "usual" or "full"."""
    return request.config.getoption("--size")


@pytest.fixture
def race(benchmark, size):
    """Runs a race under pytest-benchmark, whose own figure is the time of a whole round.

    `copy` names the contender that copies as many bytes as the others touch; `memory` has bytes of
    state and bytes at the peak, a parameter; `left_out` has reasons by name.
    """

    def run(
        title: str,
        contenders: Mapping[str, Callable[[], object]],
        *,
        rounds: int,
        unit: str,
        work: Mapping[str, float] | None = None,
        copy: str | None = None,
        memory: Mapping[str, tuple[float, float]] | None = None,
        left_out: Mapping[str, str] | None = None,
    ) -> dict[str, float]:
        rounds = min(rounds, 3) if size == "small" else rounds
        held = races.Race(f"{title}: ms a {unit}, {rounds} rounds", contenders)
        held.warm_up()
        benchmark.pedantic(held.round, rounds=rounds, iterations=1)
        medians = held.report(work, copy=copy, memory=memory, left_out=left_out)
        benchmark.extra_info.update({f"ratio {k}": v for k, v in medians.items()})
        return medians

    return run


def pytest_terminal_summary(terminalreporter, config):
    if not races.ROWS:
        return
    size, file = config.getoption("--size"), config.getoption("--json")
    terminalreporter.section("ratios: time over that of the first line of each group")
    for line in races.table(size):
        terminalreporter.write_line(line)
    if file:
        pathlib.Path(file).write_text(json.dumps(races.record(size), indent=1) + "\n")
