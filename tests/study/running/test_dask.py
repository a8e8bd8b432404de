"""A study on a Dask cluster: a real scheduler and workers, each a process, on the loopback.

A worker here has no nanny, so that one that is killed is lost. No folder of tests is on a worker's
path: what the problems of these files consist of has to travel.
"""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rmsprop
from rmsprop import study
from rmsprop.commands import command_line
from rmsprop.study import compare, folder
from rmsprop.study.running import progress
from rmsprop.study.running.cluster import Cluster
from tiny_problem import slow, tiny

distributed = pytest.importorskip("distributed", reason="pip install '.[cluster]' installs it")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.optimized("another process has to give the same bits"),
]
VOLATILE = ["seconds_per_run", "compile_seconds"]
CALL = {"seeds": 3, "tuning_seeds": 2, "schedules": "constant"}
OPTIMIZERS = {"rmsprop": rmsprop.rmsprop}
PATIENCE = 60


def _until(what):
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


class Processes:
    """A scheduler, its workers, and a client of it, which gives a lost one up after `patience`."""

    def __init__(self, where: Path, patience=PATIENCE, **environment) -> None:
        self._where, self._all = where, []
        file = where / "scheduler.json"
        self._to_scheduler = ("--scheduler-file", str(file), "--host", "127.0.0.1")
        words = ("--port", "0", "--no-dashboard", "--no-jupyter")
        self.scheduler = self._start("scheduler", *words, **environment)
        _until(file.exists)
        self.client = distributed.Client(
            scheduler_file=str(file), timeout=patience, set_as_default=False
        )
        self.address = self.client.scheduler.address

    def _start(self, what, *words, **environment):
        # What this process has compiled is read from JAX's cache; nothing else is as in the tests.
        environment = {
            "JAX_COMPILATION_CACHE_DIR": jax.config.jax_compilation_cache_dir,
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "PYTHONPATH": str(Path(rmsprop.__file__).parents[1]),
            **environment,
        }
        with open(self._where / "log", "a") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.dask_{what}", *self._to_scheduler, *words],
                env={**os.environ, **environment},
                stdout=log,
                stderr=log,
                cwd=self._where,
            )
        self._all.append(process)
        return process

    def worker(self, **environment):
        """Starts a worker of one thread, and waits for it; its process and its address."""
        before = set(self.client.nthreads())
        words = ("--nthreads", "1", "--no-nanny", "--no-dashboard")
        process = self._start("worker", *words, **environment)
        _until(lambda: set(self.client.nthreads()) - before)
        (address,) = set(self.client.nthreads()) - before
        return process, address

    def remove(self, process):
        """Kills a worker, and waits until the scheduler knows."""
        count = len(self.client.nthreads())
        process.kill()
        process.wait()
        _until(lambda: len(self.client.nthreads()) < count)

    def lose(self):
        """Kills the scheduler."""
        self.scheduler.kill()
        self.scheduler.wait()

    def close(self):
        self.client.close()
        for process in reversed(self._all):
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A scheduler and two workers; a test may add workers, which it removes."""
    processes = Processes(tmp_path_factory.mktemp("cluster"))
    try:
        processes.worker()
        processes.worker()
        yield processes
    finally:
        processes.close()


class After(progress.Silent):
    """Does something once, when so many runs have ended."""

    def __init__(self, runs, action):
        self._runs, self._action = runs, action

    def advance(self, runs):
        self._runs -= runs
        if self._runs <= 0 and self._action is not None:
            action, self._action = self._action, None
            action()


def _same(one, two):
    (name,) = one.tasks
    return one.task(name).drop_vars(VOLATILE).identical(two.task(name).drop_vars(VOLATILE))


@pytest.fixture(scope="module")
def local():
    """A study of this process."""
    return compare(slow(), OPTIMIZERS, **CALL)


def test_the_runs_of_a_killed_worker_are_made_again_with_the_same_bits(cluster, local):
    victim, address = cluster.worker()
    under_way = []

    def kill():
        while not under_way and victim.poll() is None:
            under_way.extend(cluster.client.processing()[address])
        victim.kill()  # a call is under way, or about to be

    killer = threading.Thread(target=kill)
    options = {"executor": cluster.client, "progress": After(2, killer.start)}
    result = compare(slow(), OPTIMIZERS, **CALL, **options)
    killer.join()
    assert under_way
    assert victim.wait() == -signal.SIGKILL
    _until(lambda: len(cluster.client.nthreads()) == 2)
    assert _same(result, local)
    assert result.tree.attrs["cores"] == 3


def test_a_folder_that_a_cluster_began_goes_on_in_this_process(cluster, local, tmp_path):
    """Ctrl-C after some runs: what waits is cancelled, and what has ended is kept."""

    def interrupt():
        raise KeyboardInterrupt

    options = {"executor": cluster.client, "progress": After(40, interrupt)}
    with pytest.raises(KeyboardInterrupt):
        compare(slow(), OPTIMIZERS, **CALL, folder=tmp_path, **options)
    _until(lambda: not any(cluster.client.processing().values()))
    kept = {f.name: f.read_bytes() for f in (tmp_path / folder.RUNS).glob("*.chunk")}
    made = []
    work = study.running.engine.Engine.work
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "rmsprop.study.running.engine.Engine.work",
            lambda engine, chunks: made.extend(chunks) or work(engine, chunks),
        )
        result = compare(slow(), OPTIMIZERS, **CALL, folder=tmp_path)
    assert _same(result, local)
    chunks = [f for f in (tmp_path / folder.RUNS).glob("*.chunk") if len(f.stem) == 64]
    assert len(made) < len(chunks)
    assert kept.items() <= {f.name: f.read_bytes() for f in chunks}.items() | kept.items()
    # The other way round nothing is left to do, and no worker is asked.
    again = compare(slow(), OPTIMIZERS, **CALL, folder=tmp_path, executor=cluster.client)
    assert _same(again, local)


def test_a_program_is_made_once_by_a_worker(cluster):
    """Every call after the first has it: a worker would trace for minutes otherwise."""
    result = compare(tiny(), OPTIMIZERS, **CALL, executor=cluster.client)

    def made():
        from rmsprop.study.running import remote

        return dict(remote._PROGRAMS._made)

    before = cluster.client.run(lambda: {name: id(x) for name, x in made().items()})
    again = compare(tiny(), OPTIMIZERS, **CALL, executor=cluster.client)
    assert _same(result, again)
    assert cluster.client.run(lambda: {name: id(x) for name, x in made().items()}) == before
    assert all(before.values())


def test_double_precision_and_data_of_a_problem_travel(cluster, x64):
    """Data of several pieces; the settings are those of the caller, who alone has x64."""
    data = np.random.default_rng(0).normal(size=(600_000, 2))  # 10 MB, over Dask's 10 MiB at twice

    def loss(params, noise):
        place = (1e6 * jnp.abs(noise[0])).astype(jnp.int32) % len(data)
        assert params.dtype == jnp.float64
        return 0.5 * jnp.sum((params - jnp.asarray(data)[place]) ** 2)

    problem = tiny(loss=loss)
    here = compare(problem, OPTIMIZERS, **CALL)
    assert _same(compare(problem, OPTIMIZERS, **CALL, executor=cluster.client), here)


def test_a_map_is_that_of_this_process(cluster):
    plane = study.Plane("corner", "noise", (0.1, 1.0), "shrinking", (100.0,), {"horizon": 50.0})
    here = study.map(plane, seeds=6, schedules="constant")
    there = study.map(plane, seeds=6, schedules="constant", executor=cluster.client)
    assert there.plane("corner").identical(here.plane("corner"))


def _failing():
    def fail(value):
        if value > 0:
            raise RuntimeError("the simulator has no licence")
        return value

    def loss(params, noise):
        # The first is at the check before a long job, in this process.
        value = jax.pure_callback(fail, jax.ShapeDtypeStruct((), jnp.float32), jnp.float32(1))
        return 0.5 * jnp.sum((params - noise) ** 2) + 0 * jax.lax.stop_gradient(value)

    return tiny(loss=loss, width=1)


def test_an_error_of_a_run_arrives_as_it_is_here(cluster, monkeypatch):
    for module in ("plan", "checks"):  # which would meet it before anything is sent
        monkeypatch.setattr(f"rmsprop.study.running.{module}.check_problem", lambda problem: None)
    errors = []
    for executor in (None, cluster.client):
        with pytest.raises(Exception, match="the simulator has no licence") as caught:
            compare(_failing(), OPTIMIZERS, **CALL, executor=executor)
        errors.append(caught.type)
    assert errors[0] is errors[1]
    _until(lambda: not any(cluster.client.processing().values()))


def test_a_worker_with_another_version_is_refused(cluster, tmp_path):
    """Whose Optax says that it is another one."""
    fake = tmp_path / "optax-0.0.1.dist-info"
    fake.mkdir()
    (fake / "METADATA").write_text("Metadata-Version: 2.1\nName: optax\nVersion: 0.0.1\n")
    path = f"{tmp_path}:{Path(rmsprop.__file__).parents[1]}"
    process, address = cluster.worker(PYTHONPATH=path)
    try:
        with pytest.raises(ValueError, match=rf"^the worker {address} has optax 0\.0\.1 and this"):
            compare(tiny(), OPTIMIZERS, **CALL, executor=cluster.client)
    finally:
        cluster.remove(process)


def test_a_closed_client_is_refused(cluster):
    client = distributed.Client(cluster.address, set_as_default=False)
    client.close()
    with pytest.raises(ConnectionError, match=r"that is closed; it must be connected"):
        compare(tiny(), OPTIMIZERS, **CALL, executor=client)


LOST = "cannot be reached any more; start it and its"


@pytest.fixture
def lossy(tmp_path):
    """A scheduler to be killed, and a worker."""
    processes = Processes(tmp_path, patience=5)
    try:
        processes.worker()
        yield processes
    finally:
        processes.close()


def test_a_scheduler_that_is_lost_is_said(lossy, tmp_path):
    options = {"executor": lossy.client, "folder": tmp_path / "study"}
    lose = After(40, lossy.lose)
    with pytest.raises(ConnectionError, match=LOST):
        compare(slow(), OPTIMIZERS, **CALL, **options, progress=lose)
    assert any((tmp_path / "study" / folder.RUNS).glob("*.chunk"))


def test_a_scheduler_that_is_lost_while_it_sends_a_result_is_said(lossy, monkeypatch):
    """The connection breaks off in the middle of an answer."""
    result = distributed.Future.result

    def broken_off(future, *arguments):
        lossy.scheduler.send_signal(signal.SIGSTOP)  # it gets the question, and never answers
        threading.Timer(0.5, lossy.scheduler.kill).start()
        return result(future, *arguments)

    monkeypatch.setattr(distributed.Future, "result", broken_off)
    with pytest.raises(ConnectionError, match=LOST):
        compare(tiny(), OPTIMIZERS, **CALL, executor=lossy.client)


def test_a_scheduler_that_is_lost_while_nothing_runs_is_said(lossy):
    """Before the client knows, and when it has given up."""
    workers = Cluster.of(lossy.client)
    cores = workers.cores(None)
    lossy.lose()
    for statuses in ({"connecting", "closing", "closed"}, {"closed"}):
        _until(lambda statuses=statuses: lossy.client.status in statuses)
        with pytest.raises(ConnectionError, match=LOST):
            cores.work(SimpleNamespace(fingerprint="a", calls_back=False), (), print).result()
        with pytest.raises(ConnectionError, match=LOST):
            str(workers)
    cores.stop()


def test_workers_that_are_lost_one_after_the_other_are_said(tmp_path):
    """A run that no worker survives, as one that wants too much memory."""
    processes = Processes(tmp_path, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0")
    here = os.getpid()

    def loss(params, noise):
        def end(value):
            if os.getpid() != here:
                os._exit(1)
            return value

        value = jax.pure_callback(end, jax.ShapeDtypeStruct((), jnp.float32), jnp.float32(0))
        return 0.5 * jnp.sum((params - noise) ** 2) + jax.lax.stop_gradient(value)

    try:
        processes.worker()
        with pytest.raises(ConnectionError, match="lost one after the other"):
            compare(tiny(loss=loss, width=1), OPTIMIZERS, **CALL, executor=processes.client)
    finally:
        processes.close()


def test_the_command(cluster, tmp_path):
    """With a problem in a file of the current folder, which no worker has."""
    process = _begun("tiny", cluster.address, tmp_path)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert "runs on 2 cores of 2 workers: this will take about" in " ".join(errors.split())
    here = compare(tiny(), [study.named("sgd=optax:sgd")], **CALL)
    assert _same(study.Comparison.load(tmp_path / "there"), here)


def test_the_command_that_loses_the_scheduler_ends_with_a_sentence(lossy, tmp_path):
    """And with nothing of what Dask writes to its log."""
    process = _begun("slow", lossy.address, tmp_path)
    _until(lambda: any(tmp_path.glob("there/**/*.chunk")))
    lossy.lose()
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == command_line.WRONG_USE
    assert errors.splitlines()[-1].startswith(f"rmsprop: error: the scheduler at {lossy.address} ")
    assert "Traceback" not in errors
    assert "distributed" not in errors


def _begun(name, address, folder):
    """The command in a process, with a problem in a file of the current folder."""
    source = Path(__file__).parents[2] / "tiny_problem.py"
    (folder / "mine.py").write_text(source.read_text())
    words = ["--problem", f"mine:{name}", "--only", "--optimizer", "sgd=optax:sgd"]
    words += ["--seeds", "3", "--tuning-seeds", "2", "--schedules", "constant"]
    words += ["--cluster", address, "--out", "there"]
    return subprocess.Popen(
        [sys.executable, "-m", "rmsprop", "compare", *words],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "RMSPROP_CACHE": str(folder / "cache")},
    )


def test_the_example_of_the_page(cluster, tmp_path, monkeypatch):
    """At the address of this cluster, with fewer seeds and steps."""
    page = (Path(__file__).parents[3] / "docs" / "cluster.md").read_text()
    (block,) = re.findall(r"```python\n(.*?)```", page, re.S)
    assert block.count('"tcp://10.0.0.1:8786"') == block.count("executor=client") == 1
    block = block.replace("tcp://10.0.0.1:8786", cluster.address)
    block = block.replace("executor=client", "executor=client, seeds=2, steps=10, references=False")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(block, names)
    assert names["result"].tasks == ("valley",)
    assert (tmp_path / "report" / "results.nc").exists()


def test_a_wrong_address_is_one_sentence(tmp_path, monkeypatch, capsys):
    from rmsprop.study.running import cluster

    monkeypatch.setattr(cluster, "PATIENCE", 1)
    for address in ("tcp://127.0.0.1:1", "nonsense://x", "127.0.0.1:99999999"):
        words = ["compare", "--cluster", address, "--out", str(tmp_path / "out")]
        assert command_line.main(words) == command_line.WRONG_USE
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"rmsprop: error: no scheduler answers at {address} (")
        assert line.endswith("such as tcp://10.0.0.1:8786.")
    assert not (tmp_path / "out").exists()
