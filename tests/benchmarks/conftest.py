"""Ratios within one run: contenders take turns, and the medians are compared.

A shared machine is slower at one moment than at the next, so that two figures taken one after the
other say little.  Here every round runs every contender once; the table gives the median of the
ratios of each round, and its quartiles.
"""

import time
from collections.abc import Callable, Mapping

import numpy as np
import pytest

pytest.importorskip("pytest_benchmark", reason="install it: pip install '.[dev]'")

_TABLES: list[str] = []


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """One process: whatever is set for the tests, contenders of a race have the machine alone."""
    config.option.numprocesses = 0
    config.option.dist = "no"


class Race:
    """Contenders by name, timed in turn; the first is the reference of the ratios."""

    def __init__(self, title: str, contenders: Mapping[str, Callable[[], object]]) -> None:
        self.title = title
        self.contenders = contenders
        self.seconds: dict[str, list[float]] = {name: [] for name in contenders}

    def round(self) -> None:
        for name, contender in self.contenders.items():
            started = time.perf_counter()
            contender()
            self.seconds[name].append(time.perf_counter() - started)

    def ratios(self, work: Mapping[str, float] | None = None) -> dict[str, np.ndarray]:
        """Time of each contender over that of the first, per unit of work, in each round."""
        share = work or dict.fromkeys(self.contenders, 1.0)
        per_unit = {n: np.array(s) / share[n] for n, s in self.seconds.items()}
        first = per_unit[next(iter(self.contenders))]
        return {name: values / first for name, values in per_unit.items()}

    def report(self, unit: str, work: Mapping[str, float] | None = None) -> dict[str, float]:
        lines = [f"{self.title} ({len(next(iter(self.seconds.values())))} rounds)"]
        share = work or dict.fromkeys(self.contenders, 1.0)
        medians = {}
        for name, ratio in self.ratios(work).items():
            low, median, high = np.quantile(ratio, [0.25, 0.5, 0.75])
            medians[name] = float(median)
            each = np.median(self.seconds[name]) / share[name]
            lines.append(
                f"  {name:<38} {each * 1e3:10.3f} ms a {unit}   ratio {median:7.3f}"
                f"  [{low:.3f}, {high:.3f}]"
            )
        _TABLES.append("\n".join(lines))
        return medians


@pytest.fixture
def race(benchmark):
    """Runs a race under pytest-benchmark, whose own figure is the time of a whole round."""

    def run(
        title: str,
        contenders: Mapping[str, Callable[[], object]],
        *,
        rounds: int,
        unit: str,
        work: Mapping[str, float] | None = None,
    ) -> dict[str, float]:
        for contender in contenders.values():
            contender()  # compiles and warms up
        held = Race(title, contenders)
        benchmark.pedantic(held.round, rounds=rounds, iterations=1)
        medians = held.report(unit, work)
        benchmark.extra_info.update({f"ratio {k}": v for k, v in medians.items()})
        return medians

    return run


def pytest_terminal_summary(terminalreporter):
    terminalreporter.section("ratios: time over that of the first line, per unit of work")
    for table in _TABLES:
        terminalreporter.write_line(table)
