"""The workers of a Dask cluster in the place of the threads of this process.

What is sent is what a program is made from, pickled by value where it is the user's own, and the
arguments of each call; what a call returns comes back by the scheduler, and is kept here. Workers
read and write no file of the study. Dask schedules the calls, and makes those of a lost worker
again; nothing here does.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import secrets
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Future
from typing import Any, Protocol, TypeVar, cast

from rmsprop.study.names import excerpt
from rmsprop.study.running import remote
from rmsprop.study.running.context import portable as portable_settings
from rmsprop.study.running.cores import Keep, Portable
from rmsprop.study.running.shipping import pieces_of

_T = TypeVar("_T")
# How long to wait for the scheduler, and for a first worker, in seconds.
PATIENCE = 10
# What has to be alike here and on every worker. Of Python the minor version is enough.
ALIKE = ("python", "rmsprop", "jax", "jaxlib", "optax", "numpy")
MISSING = (
    "the package distributed is missing; in a clone of rmsprop, pip install '.[cluster]' installs"
    " what a study on many machines needs."
)


class Call(Protocol):
    """What is used of `distributed.Future`."""

    status: str
    result: Callable[..., Any]
    add_done_callback: Callable[..., Any]


class Client(Protocol):
    """What is used of `distributed.Client`, which need not be installed."""

    asynchronous: bool
    status: str
    scheduler: Any
    submit: Callable[..., Call]
    cancel: Callable[..., Any]
    run: Callable[..., Any]
    nthreads: Callable[..., Any]
    get_versions: Callable[..., Any]
    wait_for_workers: Callable[..., Any]


class Cluster:
    """The workers of a cluster, which have been found to give the numbers of this process.

    Args:
        client: A connected `distributed.Client`.

    Attributes:
        processors: The names of the processors of all workers.

    Raises:
        ConnectionError: the scheduler cannot be reached, or has no worker.
        ValueError: a worker has other versions, another device or other flags of XLA.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._address: str = client.scheduler.address
        self._conditions = remote.Conditions.here()
        with self._reached():
            with contextlib.suppress(TimeoutError):
                client.wait_for_workers(1, timeout=PATIENCE)
            workers = client.nthreads()
            versions = client.get_versions(packages=list(ALIKE[1:])) if workers else {}
        if not workers:
            raise ConnectionError(
                f"the cluster at {self._address} has no worker; start one with: dask worker"
                f" {self._address}"
            )
        _check_versions(versions)
        with self._reached():
            found: Mapping[str, tuple[remote.Conditions, str]] = client.run(remote.conditions)
        for worker, (conditions, _) in found.items():
            self._conditions.check(worker, conditions)
        self.processors = sorted({processor for _, processor in found.values()})

    @classmethod
    def of(cls, executor: object) -> Cluster | None:
        """The cluster that an argument `executor` names; None for None.

        Raises:
            TypeError: it is no `distributed.Client`, or one for coroutines.
            ConnectionError: it is closed, or as for the class.
            ValueError: as for the class.
        """
        if executor is None:
            return None
        distributed = sys.modules.get("distributed")  # who has a client has imported it
        if distributed is None or not isinstance(executor, distributed.Client):
            raise TypeError(
                f"executor is {excerpt(executor)}; it must be a distributed.Client, such as"
                f" distributed.Client('tcp://10.0.0.1:8786'), or None for the threads of this"
                f" process."
            )
        client = cast(Client, executor)
        if client.asynchronous:
            raise TypeError(
                "executor is a distributed.Client with asynchronous=True; it must be one without,"
                " for a study waits for its runs."
            )
        if client.status == "connecting":  # again, after a loss
            raise ConnectionError(_lost(client.scheduler.address))
        if client.status != "running":
            raise ConnectionError(
                f"executor is a distributed.Client that is {client.status}; it must be connected"
                f" to a scheduler."
            )
        return cls(client)

    @property
    def threads(self) -> int:
        """The threads of all workers, which is how many calls may be under way at once.

        Raises:
            ConnectionError: the scheduler cannot be reached any more.
        """
        return max(1, sum(self._threads_of_workers().values()))

    def cores(self, memory: int | None) -> RemoteCores:
        """What takes the place of `Cores`.

        Args:
            memory: Bytes that the calls under way on one worker may take; None for no bound.
        """
        return RemoteCores(self._client, self._address, self._conditions, memory)

    def __str__(self) -> str:
        """What the runs are spread over, such as `8 cores of 2 workers`."""
        workers = len(self._threads_of_workers())
        threads = self.threads
        return (
            f"{threads} core{'s' if threads > 1 else ''} of {workers}"
            f" worker{'s' if workers != 1 else ''}"
        )

    def remark(self) -> str | None:
        """A sentence on workers whose numbers may differ in the last bits; None where none may."""
        if len(self.processors) < 2:
            return None
        return (
            f"The workers have {len(self.processors)} kinds of processors"
            f" ({', '.join(self.processors)}), and the last bits of a number may be those of the"
            f" kind that it was made on."
        )

    def _threads_of_workers(self) -> Mapping[str, int]:
        with self._reached():
            return self._client.nthreads()

    @contextlib.contextmanager
    def _reached(self) -> Iterator[None]:
        """Questions to the scheduler, whose loss becomes a sentence."""
        try:
            yield
        except Exception as error:
            if _is_loss(self._client, error):
                raise ConnectionError(_lost(self._address)) from error
            raise


class RemoteCores:
    """The workers of a cluster in the place of `Cores`: calls that one thread of a worker makes.

    Args:
        client: A connected `distributed.Client`.
        address: Of its scheduler.
        conditions: Those of this process.
        memory: Bytes that the calls under way on one worker may take; None for no bound.
    """

    def __init__(
        self, client: Client, address: str, conditions: remote.Conditions, memory: int | None
    ) -> None:
        self._client, self._address = client, address
        self._conditions, self._memory = conditions, memory
        self._lock = threading.Lock()
        self._stopped = False
        # Held here as long as they are needed: Dask forgets what nobody holds.
        self._sent: dict[str, list[Call]] = {}
        self._waiting: dict[Future[Any], Call] = {}

    def work(
        self, portable: Portable[_T], arguments: tuple[object, ...], keep: Keep[_T]
    ) -> Future[_T]:
        """Has a worker make a call; as in `Workforce`."""
        terms = remote.Terms(
            portable.fingerprint,
            portable.calls_back,
            portable_settings(),
            self._conditions,
            self._memory,
        )
        result: Future[_T] = Future()
        result.set_running_or_notify_cancel()  # `stop` alone ends it
        with self._lock:
            if self._stopped:
                result.set_exception(CancelledError())
                return result
            try:
                call = self._submit(remote.call, self._pieces(portable), terms, arguments)
            except Exception as error:
                if not _is_loss(self._client, error):
                    raise
                result.set_exception(ConnectionError(_lost(self._address)))
                return result
            self._waiting[result] = call
        call.add_done_callback(functools.partial(self._end, result, keep))
        return result

    def stop(self) -> None:
        """Has the scheduler forget the calls that have not ended, and ends them here at once."""
        with self._lock:
            self._stopped = True
            waiting, self._waiting = self._waiting, {}
            self._sent = {}
        for result in waiting:
            result.set_exception(CancelledError())
        if waiting:
            with contextlib.suppress(Exception):  # the scheduler may be what is lost
                self._client.cancel([*waiting.values()])

    def _pieces(self, portable: Portable[Any]) -> list[Call]:
        """The pieces of what a program is made from, on the cluster.

        They are results of calls, which Dask makes again where all that hold them are lost.
        """
        if portable.fingerprint not in self._sent:
            self._sent[portable.fingerprint] = [
                self._submit(bytes, piece) for piece in pieces_of(portable)
            ]
        return self._sent[portable.fingerprint]

    def _submit(self, function: Callable[..., object], *arguments: object) -> Call:
        key = f"rmsprop-{function.__name__}-{secrets.token_hex(8)}"
        return self._client.submit(function, *arguments, key=key, pure=False)

    def _end(self, result: Future[_T], keep: Keep[_T], call: Call) -> None:
        """Keeps what a call returned, in a thread of Dask, and tells whoever waits for it."""
        try:
            value = cast(_T, self._value(call))
            keep(value)
        except BaseException as error:
            if self._is_awaited(result):
                result.set_exception(error)
            return
        if self._is_awaited(result):
            result.set_result(value)

    def _is_awaited(self, result: Future[Any]) -> bool:
        """Whether a call was not stopped before it ended; it is no longer listed."""
        with self._lock:
            return self._waiting.pop(result, None) is not None

    def _value(self, call: Call) -> object:
        """What a call returned.

        Raises:
            ConnectionError: the cluster has lost it.
            BaseException: of whatever kind the call raised, as it would be here.
        """
        try:
            return call.result()
        except BaseException as error:
            if type(error).__name__ == "KilledWorker":
                raise ConnectionError(
                    f"several workers of the cluster at {self._address} were lost one after the"
                    f" other while they made the same runs, most likely for want of memory; allow"
                    f" less with --memory (memory= in Python), or start workers with more. What has"
                    f" ended is kept in the study's folder."
                ) from error
            # An error of the call itself is raised as it is, though it may be of these kinds too.
            if call.status != "error" and _is_loss(self._client, error):
                raise ConnectionError(_lost(self._address)) from error
            raise


def _is_loss(client: Client, error: BaseException) -> bool:
    """Whether an error of Dask means that its client has lost the scheduler.

    It is an `OSError` where the connection breaks off, and a call is cancelled where that is known.
    A client that has given up raises whatever comes of it.
    """
    kinds = (OSError, CancelledError, asyncio.CancelledError)
    return isinstance(error, kinds) or client.status != "running"


def _lost(address: str) -> str:
    return (
        f"the scheduler at {address} cannot be reached any more; start it and its workers, and give"
        f" the same command again. What has ended is kept in the study's folder."
    )


def _check_versions(found: Mapping[str, Any]) -> None:
    """Refuses workers that have other versions than this process.

    Args:
        found: What `distributed.Client.get_versions` returns.

    Raises:
        ValueError: one has.
    """
    here = _versions(found["client"])
    for worker, of_worker in found["workers"].items():
        there = _versions(of_worker)
        for package in ALIKE:
            if there[package] != here[package]:
                has = f"{package} {there[package]}" if there[package] else f"no {package}"
                raise ValueError(
                    f"the worker {worker} has {has} and this process has {package}"
                    f" {here[package]}; install the same version in both, for another may give"
                    f" other numbers."
                )


def _versions(of_process: Mapping[str, Any]) -> dict[str, str | None]:
    packages = of_process["packages"]
    versions: dict[str, str | None] = {name: packages.get(name) for name in ALIKE}
    # Functions are sent as code of one minor version of Python.
    versions["python"] = ".".join(str(packages["python"]).split(".")[:2])
    return versions


@contextlib.contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """A client of the scheduler at an address, for a block; None where there is none.

    Args:
        address: Such as `tcp://10.0.0.1:8786`; None for no cluster.

    Raises:
        ImportError: Dask's distributed scheduler is not installed.
        ConnectionError: no scheduler answers there.
    """
    if address is None:
        yield None
        return
    try:
        import distributed  # pyright: ignore[reportMissingImports] (an extra)
    except ModuleNotFoundError:
        raise ImportError(MISSING) from None
    try:
        client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
    except Exception as error:  # of many kinds: no such host, no such protocol, no answer
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise ConnectionError(
            f"no scheduler answers at {address} ({reason}); give the address that `dask scheduler`"
            f" prints, such as tcp://10.0.0.1:8786."
        ) from error
    # What Dask logs of a lost scheduler, also after the block, is told by a sentence.
    for name in [*logging.root.manager.loggerDict]:
        if name.startswith(("distributed", "tornado", "asyncio")):
            logging.getLogger(name).setLevel(logging.CRITICAL)
    with client:
        yield client
