"""Everything that a GPU has to show, in one process and within eight minutes.

    python tests/benchmarks/accelerator.py                  on the first device of JAX
    python tests/benchmarks/accelerator.py --size small     a minute, to see that everything runs

The parts are those of `PARTS`, in this order: copy bandwidth, the bits of the stochastic rounding
against those of the CPU, the figures to reach, training runs, the contract, and the update steps of
`pytest tests/benchmarks`.  The figures to reach are those of the device: many steps are
one program, because the host takes longer to hand over a step with 161 leaves than the device takes
for it.  The other steps are a program each, as in a loop that does nothing else.  What is not run
is reported with its reason: a library that is missing, an error, or that the time was up.  On an
accelerator the record is written to `recorded-<device>.json`, from which `write_table.py` writes
the page; elsewhere `--json` names it.

The exit status is 1 where the contract or the bits of the rounding fail.  No time decides it.
"""

import argparse
import functools
import json
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import races
import test_accumulators
import test_rows
import test_training_runs
import test_update_step
import trees

import rmsprop
from rmsprop._rounding import Noise, stochastic_round

HERE = Path(__file__).parent
SECONDS = 480.0
# A race has at least this long; what would begin later is not run.
SHORTEST = 10.0
CONTRACT_SECONDS = 120.0  # at most, so that time is left for the steps of all trees
# Steps in one program, where the device is measured and not the host.
STEPS = 20
IN_ONE = "steps in one program"


class Unmeasured(Exception):
    """A part, or a race of it, that was not run; the message is the reason."""


class Session:
    """The races of one run, until its time is up.

    Attributes:
        size: "small", "usual" or "full", as in the other benchmarks.
        unmeasured: By the name of a part or a race the reason why it was not run.
        checks: By the name of a check whether it held.
        remarks: By the name of a check what was counted.
        seconds: By the name of a part how long it took.
    """

    def __init__(self, size: str, seconds: float) -> None:
        self.size = size
        self.unmeasured: dict[str, str] = {}
        self.checks: dict[str, bool] = {}
        self.remarks: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        self._end = time.monotonic() + seconds

    @property
    def rest(self) -> float:
        """The seconds that are left."""
        return self._end - time.monotonic()

    def run(self, name: str, part: Callable[["Session"], None]) -> None:
        """Runs a part; an error in it is a reason and ends no other part."""
        started = time.monotonic()
        self.attempt(name, lambda: part(self))
        self.seconds[name] = round(time.monotonic() - started, 1)

    def attempt(self, name: str, work: Callable[[], object]) -> None:
        """Runs a race or another piece of work, or says why it was not run."""
        if self.rest < SHORTEST:
            self.unmeasured[name] = "the time was up"
            return
        try:
            work()
        except (Unmeasured, pytest.skip.Exception) as reason:
            self.unmeasured[name] = str(reason)
        except Exception as error:  # the record tells of it, whatever it is
            lines = str(error).splitlines() or [""]
            self.unmeasured[name] = f"{type(error).__name__}: {lines[0]}"[:200]

    def race(
        self,
        title: str,
        contenders: Mapping[str, Callable[[], object]],
        *,
        rounds: int,
        unit: str,
        **report: Any,  # what `races.Race.report` takes
    ) -> dict[str, float]:
        """A race as the fixture of that name runs it, with fewer rounds where time is short."""
        rounds = min(rounds, 3) if self.size == "small" else rounds
        race = races.Race(f"{title}: ms a {unit}", contenders)
        race.warm_up()
        for _ in range(rounds):
            race.round()
            if self.rest < SHORTEST:
                break
        return race.report(**report)


def bandwidth(session: Session) -> None:
    """A copy of 512 MB, read and written."""
    count = 2**29 // (64 if session.size == "small" else 1)
    copy = trees.copy_of(2 * count)
    milliseconds = 1e3 * _median_seconds(session, "copy", copy)
    session.remarks["copy bandwidth"] = f"{2 * count / milliseconds / 1e6:,.0f} GB/s"


def _median_seconds(session: Session, title: str, contender: trees.Step) -> float:
    session.race(title, {title: contender}, rounds=25, unit="copy")
    return next(row.milliseconds for row in reversed(races.ROWS) if row.contender == title) / 1e3


def _in_one_program(
    session: Session, title: str, contenders: Mapping[str, trees.Step], copy: trees.Step | None
) -> None:
    """A race of `STEPS` steps in one program, in milliseconds a step."""
    loops: dict[str, trees.Step] = {name: step.repeated(STEPS) for name, step in contenders.items()}
    if copy is not None:
        loops["copy"] = copy.repeated(STEPS)
    session.race(
        f"{IN_ONE}, {title}",
        loops,
        rounds=25,
        unit="step",
        work=dict.fromkeys(loops, float(STEPS)),
        copy="copy" if copy is not None else None,
    )


def _step(library: object, params: Mapping[str, jax.Array]) -> trees.Step:
    gradients = jax.tree.map(lambda p: 0.1 * p, params)
    return test_update_step._jax_step(library, "rmsprop", params, gradients)


def one_array(session: Session) -> None:
    """One array of 64 M, against a copy of as many bytes."""
    count = 64_000_000 // (256 if session.size == "small" else 1)
    params = {"leaf": jnp.ones(count)}
    contenders = {"Optax": _step(optax, params), "this library": _step(rmsprop, params)}
    copy = trees.copy_of(count * test_update_step.BYTES_TOUCHED["rmsprop"])
    _in_one_program(session, "one array of 64 M", contenders, copy)


def many_arrays(session: Session) -> None:
    """ResNet-50 against one flat array of its size."""
    leaves = trees.make("161 leaves", session.size)
    flat = {"leaf": jnp.ones(trees.parameters("161 leaves", session.size))}
    contenders = {
        "Optax": _step(optax, leaves),
        "this library": _step(rmsprop, leaves),
        "this library, one flat array": _step(rmsprop, flat),
    }
    _in_one_program(session, "161 leaves and one flat array", contenders, None)


def accumulators(session: Session) -> None:
    """bfloat16 accumulators, and bfloat16 throughout, against float32."""
    for tree in ("1 large leaf", "161 leaves"):
        kinds = test_accumulators.kinds("rmsprop", tree, session.size)
        title = f"accumulators, {trees.title(tree, session.size)}"
        session.attempt(title, functools.partial(_in_one_program, session, title, kinds, None))


def rows(session: Session) -> None:
    """A table at the cost of the rows touched, against the dense step."""
    contenders, number = test_rows.in_one_program(session.size)
    session.race(
        f"{IN_ONE}, rows",
        contenders,
        rounds=25,
        unit="step",
        work=dict.fromkeys(contenders, float(number)),
    )


def steps(session: Session) -> None:
    """The update step of all trees, a program each, and rows likewise."""
    session.attempt(
        "rows", functools.partial(test_rows.test_a_large_table, session.race, session.size)
    )
    for tree in trees.TREES:
        for name in ("rmsprop", "adagrad"):
            work = functools.partial(
                test_update_step.test_step, session.race, session.size, tree, name
            )
            session.attempt(f"step, {name}, {tree}", work)


def training_runs(session: Session) -> None:
    """Runs a second of the study's digits network, against a loop in PyTorch."""
    test_training_runs.test_training_runs(session.race, session.size)


def rounding(session: Session) -> None:
    """The same bits as on the CPU, of the noise and of what is rounded with it."""
    try:
        cpu = jax.devices("cpu")[0]
    except RuntimeError as error:
        raise Unmeasured("JAX has no CPU beside this device: leave JAX_PLATFORMS unset") from error
    count = 2 ** (16 if session.size == "small" else 22)
    x = np.random.default_rng(0).normal(size=count).astype(np.float32)
    for dtype in (jnp.bfloat16, jnp.float16):
        program = jax.jit(lambda x, seed, like: stochastic_round(x, Noise(seed), like))
        results = []
        for device in (jax.devices()[0], cpu):
            arguments = (x, np.uint32(12_345), np.zeros(count, dtype))
            results.append(np.asarray(program(*jax.device_put(arguments, device))))
        different = int(np.sum(results[0].view(np.uint16) != results[1].view(np.uint16)))
        name = f"bits of {jnp.dtype(dtype).name}"
        session.checks[name] = different == 0
        session.remarks[name] = f"{different:,} of {count:,} numbers differ from the CPU's"


class _Outcomes:
    """A plugin of pytest: counts the outcomes, and stops when the time is up."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}
        self.collected = 0
        self.failures: list[str] = []
        self._end = time.monotonic() + CONTRACT_SECONDS

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.collected = len(session.items)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.counts[report.outcome] += 1
            if report.failed:
                self.failures.append(report.nodeid)

    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        if self.session.rest < 5 or time.monotonic() > self._end:
            item.session.shouldstop = "the time was up"


def contract(session: Session) -> None:
    """The contract's fast part, test by test until the time is up."""
    outcomes = _Outcomes(session)
    files = ["test_trees.py", "test_dtypes.py", "test_states.py"]
    arguments = [str(HERE.parent / "contract" / name) for name in files]
    if session.size == "small":
        arguments += ["-k", "single_array"]
    pytest.main(
        [*arguments, "-q", "-n0", "-p", "no:cacheprovider", "-p", "no:benchmark"],
        plugins=[outcomes],
    )
    ran = sum(outcomes.counts.values())
    if not outcomes.counts["passed"]:
        raise Unmeasured(f"no test passed, of {outcomes.collected} that were collected")
    session.checks["contract"] = not outcomes.failures
    session.remarks["contract"] = (
        f"{outcomes.counts['passed']:,} tests passed, {outcomes.counts['failed']} failed,"
        f" {max(0, outcomes.collected - ran):,} were not run"
    )
    for failure in outcomes.failures[:10]:
        session.unmeasured[failure] = "failed"


PARTS: dict[str, Callable[[Session], None]] = {
    "bandwidth": bandwidth,
    "rounding": rounding,
    "one array": one_array,
    "many arrays": many_arrays,
    "accumulators": accumulators,
    "rows": rows,
    "training runs": training_runs,
    "contract": contract,
    "steps": steps,
}


class Goal(NamedTuple):
    """A figure to reach on an H100 or an H200.

    Attributes:
        work: What is measured.
        race: A regular expression that the title of its race begins with.
        line: The contender.
        against: The contender that its time is divided by.
        limit: The figure to reach.
        inverse: Whether the figure is how many times faster it is, and to be at least the limit.
    """

    work: str
    race: str
    line: str
    against: str
    limit: float
    inverse: bool = False

    def figure(self) -> float | None:
        """The ratio of the medians of the race; None where it was not run."""
        times = {
            row.contender: row.milliseconds
            for row in races.ROWS
            if re.match(self.race, row.race) and row.milliseconds is not None
        }
        if self.line not in times or self.against not in times:
            return None
        ratio = times[self.line] / times[self.against]
        return 1 / ratio if self.inverse else ratio


_OURS, _LEAVES = "this library", f"{IN_ONE}, 161 leaves and one flat array"
_ACCUMULATORS = f"{IN_ONE}, accumulators, 1 large leaf"
GOALS = (
    Goal("bandwidth of a copy", f"{IN_ONE}, one array", _OURS, "copy", 0.9, inverse=True),
    Goal("161 leaves, time over Optax's", _LEAVES, _OURS, "Optax", 0.75),
    Goal("161 leaves, time over one flat array's", _LEAVES, _OURS, f"{_OURS}, one flat array", 1.6),
    Goal(
        "bfloat16 accumulators, time over float32's",
        _ACCUMULATORS,
        "bfloat16 accumulators",
        "float32",
        0.85,
    ),
    Goal(
        "bfloat16 throughout, time over float32's",
        _ACCUMULATORS,
        "bfloat16 throughout",
        "float32",
        0.55,
    ),
    Goal(
        "rows, times faster than dense Optax",
        f"{IN_ONE}, rows",
        "RMSprop",
        "Optax, dense, from row gradients",
        40.0,
        inverse=True,
    ),
    Goal(
        "digits, times faster than a loop in PyTorch",
        "digits training runs",
        "study engine",
        "PyTorch, one process",
        1000.0,
        inverse=True,
    ),
)


def record(session: Session) -> dict[str, object]:
    """What `recorded-<device>.json` holds."""
    goals = [
        {"work": g.work, "figure": g.figure(), "limit": g.limit, "at_least": g.inverse}
        for g in GOALS
    ]
    return races.record(session.size) | {
        "seconds": session.seconds,
        "checks": session.checks,
        "remarks": session.remarks,
        "unmeasured": session.unmeasured,
        "goals": goals,
    }


def lines(content: Mapping[str, object]) -> list[str]:
    """The record in words, one line for each goal, check and omission."""
    result = []
    for goal in content["goals"]:
        wanted = f"{'at least' if goal['at_least'] else 'at most'} {goal['limit']:g}"
        figure = "not measured" if goal["figure"] is None else f"{goal['figure']:.2f}"
        result.append(f"{goal['work']}: {figure}, wanted {wanted}")
    result += [f"{name}: {remark}" for name, remark in content["remarks"].items()]
    result += [f"not run: {name}: {reason}" for name, reason in content["unmeasured"].items()]
    return result


def main(arguments: list[str] | None = None) -> int:
    """Runs all parts; 1 where a check failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    on_cpu = jax.default_backend() == "cpu"
    parser.add_argument(
        "--size", choices=["small", "usual", "full"], default="usual" if on_cpu else "full"
    )
    parser.add_argument("--seconds", type=float, default=SECONDS, help="the time for all parts")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the record is written")
    options = parser.parse_args(arguments)
    jax.config.update("jax_enable_compilation_cache", False)  # compilations are part of the time
    session = Session(options.size, options.seconds)
    for name, part in PARTS.items():
        session.run(name, part)
    content = record(session)
    print("\n".join([*races.table(options.size), *lines(content)]))
    name = re.sub(r"[^a-z0-9]+", "-", str(content["device"]).lower()).strip("-")
    file = options.json or (None if on_cpu else HERE / f"recorded-{name}.json")
    if file is not None:
        file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return 0 if all(session.checks.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
