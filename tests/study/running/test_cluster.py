"""A cluster in the place of threads, as far as it can be tested without Dask; see test_dask.py."""

import dataclasses
import sys
import threading
import time
from types import SimpleNamespace

import cloudpickle
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from engines import NAMES, build, engine_of

import rmsprop
from rmsprop.commands import command_line
from rmsprop.study import compare
from rmsprop.study import map as make_map
from rmsprop.study.running import cluster, context, remote, shipping
from rmsprop.study.running.chunks import chunks_of
from tiny_problem import tiny

pytestmark = pytest.mark.optimized("a program that has travelled has to give the same bits")


def _chunk(engine):
    columns = {name: np.full(3, np.float32(0.1)) for name in NAMES}
    numbers = np.arange(3, dtype=np.int32)
    (chunk,) = chunks_of(engine.program, columns, 0 * numbers, numbers, scores_only=False)
    return chunk


def test_an_engine_is_pickled_as_what_its_program_is_made_from():
    """Of a problem of this module, which no worker can import."""
    engine = engine_of(tiny(), build, NAMES, 20)
    content = shipping.pieces_of(engine)
    assert all(type(piece) is bytes for piece in content)
    assert b"tiny_problem" in b"".join(content)  # by value: its functions name their module
    again = cloudpickle.loads(b"".join(content))
    assert again.fingerprint == engine.fingerprint
    (here,), (there,) = engine.work([_chunk(engine)]), again.work([_chunk(engine)])
    assert here.keys() == there.keys()
    for name in here.keys() - {"seconds"}:
        np.testing.assert_array_equal(here[name], there[name])


def test_what_is_large_is_cut_into_pieces():
    data = np.arange(3_000_000, dtype=np.float32)
    pieces = shipping.pieces_of(lambda: data)
    assert [len(piece) for piece in pieces[:-1]] == [shipping.PIECE] * (len(pieces) - 1)
    assert len(pieces) == 4
    np.testing.assert_array_equal(cloudpickle.loads(b"".join(pieces))(), data)


def test_what_cannot_be_pickled_is_a_sentence():
    lock = threading.Lock()
    with pytest.raises(TypeError, match=r"^a problem or an optimizer cannot be sent .*lock"):
        shipping.pieces_of(lambda: lock)


def test_own_modules_are_files_that_are_not_installed():
    import engines

    assert shipping.is_own(engines)
    assert not any(map(shipping.is_own, (rmsprop, jax, np, threading, sys)))
    assert cloudpickle.list_registry_pickle_by_value() == set()


@pytest.mark.parametrize("executor", ["tcp://10.0.0.1:8786", 4, object()])
def test_an_executor_of_another_kind_is_refused(executor):
    for call in (lambda **k: compare(tiny(), **k), make_map):
        with pytest.raises(TypeError, match=r"^executor is .*; it must be a distributed\.Client"):
            call(executor=executor)


@pytest.fixture
def fake_client(monkeypatch):
    """A client of a module that takes the place of Dask's."""

    class Client:
        asynchronous, status = False, "running"
        scheduler = SimpleNamespace(address="tcp://10.0.0.1:8786")

        def __init__(self, **changes):
            vars(self).update(changes)

        def wait_for_workers(self, count, timeout):
            raise TimeoutError

        def nthreads(self):
            return {}

    monkeypatch.setitem(sys.modules, "distributed", SimpleNamespace(Client=Client))
    return Client


def test_a_client_that_cannot_serve_is_refused(fake_client):
    with pytest.raises(TypeError, match="asynchronous=True; it must be one without"):
        cluster.Cluster.of(fake_client(asynchronous=True))
    with pytest.raises(ConnectionError, match="Client that is closed; it must be connected"):
        cluster.Cluster.of(fake_client(status="closed"))
    with pytest.raises(
        ConnectionError, match=r"^the scheduler at tcp://10.* cannot be reached any"
    ):
        cluster.Cluster.of(fake_client(status="connecting"))
    with pytest.raises(ConnectionError, match=r"no worker; start one with: dask worker tcp://10"):
        cluster.Cluster.of(fake_client())


def _process(**changes):
    versions = {"python": "3.11.7.final.0", "rmsprop": "0.1.0", "jax": "0.10.2", "jaxlib": "0.10.2"}
    return {"packages": {**versions, "optax": "0.2.6", "numpy": "2.3.1", **changes}}


def test_other_versions_on_a_worker_are_refused():
    check = cluster._check_versions
    check({"client": _process(), "workers": {"tcp://a": _process(python="3.11.9.final.0")}})
    for changes, words in (
        ({"jax": "0.9.0"}, "has jax 0.9.0 and this process has jax 0.10.2"),
        ({"rmsprop": None}, "has no rmsprop and this process has rmsprop 0.1.0"),
        ({"python": "3.12.1.final.0"}, "has python 3.12 and this process has python 3.11"),
    ):
        workers = {"tcp://a": _process(), "tcp://b": _process(**changes)}
        with pytest.raises(ValueError, match=f"^the worker tcp://b {words}; install the same"):
            check({"client": _process(), "workers": workers})


def test_another_device_or_other_flags_on_a_worker_are_refused():
    here = remote.Conditions("cpu (x86_64)", "--a --b")
    here.check("tcp://a", here)
    for changes, words in (
        ({"device": "cpu (aarch64)"}, r"runs on cpu \(aarch64\) and this process on cpu \(x86_64"),
        ({"flags": ""}, "has XLA_FLAGS='' and this process XLA_FLAGS='--a --b'"),
    ):
        with pytest.raises(ValueError, match=f"^the worker tcp://a {words}"):
            here.check("tcp://a", here._replace(**changes))


def _terms(engine, **changes):
    terms = remote.Terms(engine.fingerprint, False, {}, remote.Conditions.here(), None)
    return dataclasses.replace(terms, **changes)


@pytest.fixture
def as_worker(monkeypatch):
    """This process takes the place of a worker that has made no program yet."""
    monkeypatch.setattr(remote, "_PROGRAMS", remote._Programs())
    monkeypatch.setattr(remote, "_worker", lambda: ("tcp://a", 10**9))


@pytest.mark.usefixtures("as_worker")
def test_a_worker_refuses_a_program_that_is_another_there():
    """As where a package that the problem uses has another version."""
    engine = engine_of(tiny(), build, NAMES, 20)
    other = shipping.pieces_of(engine_of(tiny(target=1.0), build, NAMES, 30))
    with pytest.raises(ValueError, match="tcp://a makes another program from the same problem"):
        remote.call(other, _terms(engine), ([_chunk(engine)],))
    with pytest.raises(ImportError, match=r"tcp://a cannot make the program .*'nowhere'; install"):
        remote.call([b"cnowhere\nx\n."], _terms(engine), ([_chunk(engine)],))
    (result,) = remote.call(shipping.pieces_of(engine), _terms(engine), ([_chunk(engine)],))
    np.testing.assert_array_equal(result["loss"], engine.work([_chunk(engine)])[0]["loss"])


@pytest.mark.usefixtures("as_worker")
def test_a_worker_makes_a_program_once_and_runs_as_many_calls_as_memory_allows():
    made, most, under_way, lock = [], [], [], threading.Lock()

    class Portable:
        fingerprint, calls_back, call_bytes = "p", False, 100

        def compile(self):
            made.append(1)
            time.sleep(0.05)

        def work(self):
            with lock:
                under_way.append(1)
                most.append(len(under_way))
            time.sleep(0.02)
            with lock:
                under_way.pop()

    content = [cloudpickle.dumps(None)]
    portable = Portable()
    terms = remote.Terms("p", False, {}, remote.Conditions.here(), 250)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(remote.pickle, "loads", lambda content: portable)
        threads = [
            threading.Thread(target=remote.call, args=(content, terms, ())) for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (len(made), len(most), max(most)) == (1, 6, 2)


def test_settings_travel_and_hold_for_a_block():
    with jax.default_matmul_precision("highest"), context._experimental.enable_x64():
        settings = context.portable()
    assert jnp.zeros(()).dtype == jnp.float32
    with context.entered(cloudpickle.loads(cloudpickle.dumps(settings))):
        assert jnp.zeros(()).dtype == jnp.float64
        assert jax.config.jax_default_matmul_precision == "highest"
    assert jnp.zeros(()).dtype == jnp.float32


def test_workers_of_several_kinds_are_said():
    some = cluster.Cluster.__new__(cluster.Cluster)
    some.processors = ["A"]
    assert some.remark() is None
    some.processors = ["A", "B"]
    assert some.remark().startswith("The workers have 2 kinds of processors (A, B)")


def test_the_command_without_the_extra_is_one_sentence(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "distributed", None)
    for command in ("compare", "map"):
        out = tmp_path / command
        assert (
            command_line.main([command, "--cluster", "tcp://10.0.0.1:8786", "--out", str(out)]) == 2
        )
        assert capsys.readouterr().err == f"rmsprop: error: {cluster.MISSING}\n"
        assert not out.exists()
