"""The engine: chunks of many runs, on threads that share a program, and what is kept of them."""

import dataclasses
import os
import pathlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from engines import NAMES, build, engine_of

import rmsprop
from rmsprop.study import Problem
from rmsprop.study.folder import StudyFolder
from rmsprop.study.running import devices
from rmsprop.study.running.chunks import Chunk
from rmsprop.study.running.engine import Engine
from rmsprop.study.running.program import Program
from tiny_problem import tiny

pytestmark = pytest.mark.optimized("several programs have to give the same bits")


def test_padding_threads_and_neighbours_change_nothing():
    """Five runs in chunks of four: the same bits alone, together, and on one thread."""
    problem = tiny(width=4)
    columns = {"learning_rate": np.logspace(-3, -1, 5), "one_minus_decay": np.full(5, 0.1)}
    two = engine_of(problem, build, NAMES, 20, cores=2).run(columns, np.arange(5))
    one = engine_of(problem, build, NAMES, 20, cores=1).run(columns, np.arange(5))
    last = engine_of(problem, build, NAMES, 20).run({n: c[4:] for n, c in columns.items()}, [4])
    np.testing.assert_array_equal(two.loss, one.loss)
    np.testing.assert_array_equal(two.loss[4:], last.loss)


def test_scores_alone_are_those_of_whole_runs():
    engine = engine_of(tiny(), build, NAMES, 20)
    columns = dict.fromkeys(NAMES, np.full(3, 0.1))
    whole, scores = (engine.run(columns, range(3), scores_only=x) for x in (False, True))
    np.testing.assert_array_equal(whole.metrics["final"], scores.metrics["final"])
    assert scores.loss is scores.path is scores.effective_rate is None


@pytest.mark.compiled_anew("a program that was read would hide what the folder holds")
def test_what_a_callback_does_is_never_taken_from_disk(tmp_path):
    """It does not stand in the program's text: two that differ only there would be one."""

    def with_data(value):
        def sample(key, step):
            shape = jax.ShapeDtypeStruct((2,), jnp.float32)
            return jax.pure_callback(lambda _: np.full(2, value, np.float32), shape, step)

        return dataclasses.replace(tiny(width=1), sample=sample)

    columns = dict.fromkeys(NAMES, np.full(1, 0.1))
    one, two = (
        engine_of(with_data(x), build, NAMES, 20, folder=StudyFolder(tmp_path)).run(columns, [0])
        for x in (1.0, 2.0)
    )
    assert one.loss[0, 0] != two.loss[0, 0]


def test_padding_costs_a_run_no_time():
    """One run in a chunk of four is charged a fourth of it."""
    engine = engine_of(tiny(), build, NAMES, 20)

    def chunk(count):
        columns = dict.fromkeys(NAMES, np.full(count, np.float32(0.1)))
        seeds = np.arange(count, dtype=np.int32)
        program = engine.program
        return Chunk(program.fingerprint, program.width, 20, columns, 0 * seeds, seeds, True)

    outcome = engine.program(*chunk(4).arguments())
    assert chunk(1).results(outcome, 8.0)["seconds"] == 2.0
    assert chunk(4).results(outcome, 8.0)["seconds"] == 8.0
    (results,) = engine.work([chunk(1)])
    assert results["seconds"] > 0


def test_the_name_of_a_chunk_is_that_of_all_that_decides_its_numbers():
    columns = {"learning_rate": np.full(2, np.float32(0.1))}
    seeds = np.arange(2, dtype=np.int32)
    chunk = Chunk("program", 4, 20, columns, 0 * seeds, seeds, False)
    others = [
        dataclasses.replace(chunk, fingerprint="another"),
        dataclasses.replace(chunk, columns={"learning_rate": np.float32([0.1, 0.2])}),
        dataclasses.replace(chunk, schedules=seeds),
        dataclasses.replace(chunk, seeds=seeds + 1),
        dataclasses.replace(chunk, scores_only=True),
    ]
    assert dataclasses.replace(chunk).name == chunk.name
    assert len({chunk.name, *(other.name for other in others)}) == 6
    # That of a run too, whatever stands beside it.
    alone = dataclasses.replace(
        chunk,
        columns={"learning_rate": np.full(1, np.float32(0.1))},
        schedules=0 * seeds[:1],
        seeds=seeds[:1],
    )
    assert alone.run_names == chunk.run_names[:1]
    assert alone.name != chunk.name
    assert len({chunk.run_names[1], *(other.run_names[1] for other in others)}) == 6


def test_runs_of_earlier_chunks_are_taken_one_by_one(tmp_path):
    """Another number of seeds cuts the same runs into other chunks; only new runs are made."""
    calls = []

    def engine():
        made = engine_of(tiny(width=4), build, NAMES, 20, folder=StudyFolder(tmp_path))
        call = made.work
        made.work = lambda chunks: calls.append(sum(map(len, chunks))) or call(chunks)
        return made

    configurations = [(0.1, 0.1), (0.2, 0.1), (0.3, 0.2)]
    few = engine().run_configurations(configurations, range(3))
    assert sum(calls) == 9
    calls.clear()
    many = engine().run_configurations(configurations, range(5))
    assert sum(calls) == 6
    calls.clear()
    fresh = engine_of(tiny(width=4), build, NAMES, 20).run_configurations(configurations, range(5))
    np.testing.assert_array_equal(many.loss, fresh.loss)
    np.testing.assert_array_equal(many.loss.reshape(3, 5, -1)[:, :3].reshape(9, -1), few.loss)
    # Whole runs hold their scores.
    scores = engine().run_configurations(configurations[::-1], range(2, 5), scores_only=True)
    assert not calls
    assert scores.loss is scores.path is scores.effective_rate is None
    expected = fresh.metrics["final"].reshape(3, 5, -1)[::-1, 2:]
    np.testing.assert_array_equal(scores.metrics["final"], expected.reshape(9, -1))
    # Scores are no whole runs.
    engine().run_configurations([(0.5, 0.1)], range(3), scores_only=True)
    calls.clear()
    whole = engine().run_configurations([(0.5, 0.1)], range(3))
    assert (sum(calls), whole.loss.shape) == (3, (3, 20))


def test_the_time_of_a_chunk_is_shared_by_its_runs(tmp_path):
    engine = engine_of(tiny(width=4), build, NAMES, 20, folder=StudyFolder(tmp_path))
    whole = engine.run_configurations([(0.1, 0.1)], range(4))
    half = engine_of(
        tiny(width=4), build, NAMES, 20, folder=StudyFolder(tmp_path)
    ).run_configurations([(0.1, 0.1)], range(2))
    assert half.seconds == pytest.approx(whole.seconds / 2)


def test_configurations_run_on_every_seed_under_their_schedule():
    """A schedule halves the rate, so that its runs are those of half the rate."""

    def halved(values, schedule):
        return optax.sgd(values["learning_rate"] * jnp.where(schedule == 1, 0.5, 1.0))

    engine = Engine(Program.of(tiny(), halved, NAMES[:1], 20))
    runs = engine.run_configurations([(0.1,), (0.2,)], [3, 4], 1)
    by_hand = engine.run({"learning_rate": [0.05, 0.05, 0.1, 0.1]}, [3, 4, 3, 4])
    np.testing.assert_array_equal(runs.loss, by_hand.loss)
    assert (runs.loss[0] != runs.loss[1]).any()


def test_chunks_that_do_not_fit_run_one_after_another():
    columns = dict.fromkeys(NAMES, np.full(6, 0.1))
    free = engine_of(tiny(), build, NAMES, 20, cores=2)
    tight = engine_of(tiny(), build, NAMES, 20, cores=2, memory=free.program.chunk_bytes)
    assert (free.threads(), tight.threads()) == (2, 1)
    np.testing.assert_array_equal(
        free.run(columns, range(6)).loss, tight.run(columns, range(6)).loss
    )
    with pytest.raises(
        ValueError, match=r"4 runs mapped together need [\d.]+ kB, and memory allows [\d.]+ kB"
    ):
        engine_of(tiny(), build, NAMES, 20, memory=free.program.chunk_bytes - 1).run(
            columns, range(6)
        )


def _starting():
    """A problem that starts from orthogonal matrices."""
    orthogonal = jax.nn.initializers.orthogonal()
    return Problem(
        name="orthogonal",
        init=lambda key: [orthogonal(k, (32, 32)) for k in jax.random.split(key, 6)],
        sample=lambda key, step: step,
        loss=lambda params, step: sum(jnp.sum(x) for x in params),
        width=8,
    )


def _factoring():
    """A problem whose loss takes the factors of matrices."""

    def loss(params, step):
        return sum(jnp.sum(jnp.linalg.qr(x + jnp.eye(32))[1] ** 2) for x in params)

    return dataclasses.replace(
        _starting(),
        name="factors",
        init=lambda key: [jax.random.normal(k, (32, 32)) for k in jax.random.split(key, 6)],
        loss=loss,
    )


def _batched(width):
    """A problem whose loss takes the factors of a batch of matrices."""

    def loss(params, step):
        batches = [jnp.stack([x + shift * jnp.eye(32) for shift in range(1, 9)]) for x in params]
        return sum(jnp.sum(jnp.linalg.qr(batch)[1] ** 2) for batch in batches)

    return dataclasses.replace(_factoring(), name="batched", loss=loss, width=width)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("problem", "calls"),
    [(_starting(), 500), (_factoring(), 20), (_batched(1), 20), (_batched(4), 6)],
    ids=["start", "loss", "batch", "batch of each run"],
)
def test_factorisations_do_not_wait_for_each_other(problem, calls):
    """On threads of XLA two batched ones may wait for ever, in one program or in two."""
    program = Program.of(problem, lambda values, schedule: build(values), NAMES, 10)
    width = program.width
    columns = dict.fromkeys(NAMES, np.full(width, 0.1, np.float32))

    def losses(first):
        seeds = np.arange(first, first + width, dtype=np.int32)
        return program(columns, np.zeros(width, np.int32), seeds).loss

    program.compile()
    with ThreadPoolExecutor(2) as threads:  # on such threads a few of these calls came back
        for loss in threads.map(losses, range(0, width * calls, width)):
            assert np.isfinite(loss).all()


@pytest.mark.parametrize("where", ["loss", "sample", "metric"])
def test_runs_that_factor_matrices_are_those_of_each_run(where):
    """They are made one after the other, and each is what it is alone."""

    def factor(x):
        return jnp.sum(jnp.linalg.cholesky(jnp.outer(x, x) + jnp.eye(2)))

    small = tiny(width=3)

    def sample(key, step):
        noise = small.sample(key, step)
        return factor(noise) * noise

    changes = {
        "loss": {"loss": lambda params, batch: small.loss(params, batch) + factor(params)},
        "sample": {"sample": sample},
        "metric": {"metrics": lambda params: {"final": factor(params)}},
    }
    problem = dataclasses.replace(small, **changes[where])
    columns = {name: np.array([0.1, 0.2, 0.3]) for name in NAMES}
    together = engine_of(problem, build, NAMES, 20).run(columns, range(3))
    # 20 steps, of some ten roundings by 2^-24 each: XLA orders them in another way.
    for run in range(3):
        values = {name: column[run : run + 1] for name, column in columns.items()}
        alone = engine_of(problem, build, NAMES, 20, width=1).run(values, [run])
        np.testing.assert_allclose(together.loss[run], alone.loss[0], rtol=1e-5)
        ours, expected = together.metrics["final"][run], alone.metrics["final"][0]
        np.testing.assert_allclose(ours, expected, rtol=1e-5)


@pytest.mark.slow
def test_the_program_s_text_is_the_same_in_another_process():
    """The names of kept chunks come from it: otherwise nothing would be found after a kill."""
    code = (
        "import sys; sys.path[:0] = ['tests', 'tests/study/running']\n"
        "from tiny_problem import tiny\n"
        "import test_engine\n"
        "engine = test_engine.engine_of(tiny(), test_engine.build, test_engine.NAMES, 20)\n"
        "print(engine.program.fingerprint)"
    )
    root = pathlib.Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    )
    assert done.stdout.split()[-1] == engine_of(tiny(), build, NAMES, 20).program.fingerprint


@pytest.mark.slow
def test_several_devices_give_the_numbers_of_one():
    """Two devices made of one CPU, in a process of its own: chunks side by side, the same bits."""
    code = (
        "import sys; sys.path[:0] = ['tests', 'tests/study/running']\n"
        "import numpy as np, jax\n"
        "from tiny_problem import tiny\n"
        "import test_engine\n"
        "from rmsprop.study.running import engine, program\n"
        "assert len(jax.local_devices()) == 2\n"
        "columns = {n: np.logspace(-3, -1, 10) for n in test_engine.NAMES}\n"
        "def losses():\n"
        "    made = test_engine.engine_of(tiny(), test_engine.build, test_engine.NAMES, 20)\n"
        "    return made.run(columns, range(10)).loss\n"
        "one = losses()\n"
        "engine.on_cpu = program.on_cpu = lambda: False\n"
        "program.ACCELERATOR_WIDTH = tiny().width\n"
        "two = losses()\n"
        "np.testing.assert_array_equal(one, two)\n"
    )
    root = pathlib.Path(__file__).parents[3]
    environment = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root, env=environment)


def test_one_program_whatever_the_grid():
    built = []

    def counted(values):
        built.append(values)
        return build(values)

    engine = engine_of(tiny(), counted, NAMES, 20)
    traces = len(built)
    for count in (1, 4, 9):
        engine.run(dict.fromkeys(NAMES, np.full(count, 0.1)), np.arange(count))
    assert len(built) == traces


def test_progress_counts_runs_without_padding():
    seen = []
    columns = dict.fromkeys(NAMES, np.full(6, 0.1))
    engine_of(tiny(width=4), build, NAMES, 20).run(columns, np.arange(6), advance=seen.append)
    assert sorted(seen) == [2, 4]


def test_state_bytes_are_counted():
    engine = engine_of(tiny(), build, NAMES, 20)
    assert engine.program.sizes.state == 2 * 4  # one float32 average of two parameters
    with_count = engine_of(
        tiny(), lambda v: rmsprop.rmsprop(v["learning_rate"], bias_correction=True), NAMES[:1], 20
    )
    assert with_count.program.sizes.state == 2 * 4 + 4


def test_an_error_in_a_run_is_raised_and_the_threads_end(monkeypatch):
    engine = engine_of(tiny(width=1), build, NAMES, 20, cores=2)

    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.run(dict.fromkeys(NAMES, np.full(50, 0.1)), np.arange(50), advance=interrupt)


def test_available_cores():
    assert 1 <= devices.available_cores() <= 4096
