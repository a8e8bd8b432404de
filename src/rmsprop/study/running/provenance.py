"""Where results come from: when, by which command, with which versions, on which machine."""

import json
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from rmsprop.study.running.devices import available_cores, device

PACKAGES = ("rmsprop", "jax", "jaxlib", "optax", "numpy", "scipy", "xarray", "matplotlib")


@dataclass(frozen=True)
class Provenance:
    """The beginning of a study; its end makes the record.

    Attributes:
        created: When it began, UTC.
        started: The same on a clock that never jumps, in seconds.
        cores: How many the runs are spread over.
    """

    created: datetime
    started: float
    cores: int

    @classmethod
    def begin(cls, cores: int | None = None) -> "Provenance":
        """Now, on so many cores; None for those of this machine."""
        count = available_cores() if cores is None else cores
        return cls(datetime.now(UTC), time.perf_counter(), count)

    def attributes(self, command: str, settings: Mapping[str, object]) -> dict[str, object]:
        """The attributes of the root of the results."""
        return {
            "created": self.created.isoformat(timespec="seconds"),
            "command": command,
            "versions": versions(),
            "device": device(),
            "cores": self.cores,
            "settings": json.dumps(dict(settings)),
            "seconds": time.perf_counter() - self.started,
        }


def versions() -> str:
    """The versions of Python and of the packages that decide the numbers, as JSON."""
    of_each = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            of_each[package] = version(package)
        except PackageNotFoundError:
            of_each[package] = "not installed"
    return json.dumps(of_each)
