"""What a study keeps on disk, so that it can be killed at any moment and goes on where it was.

* `study.json` says which study it is: the tasks, grids, seeds, the device. It grows by more tasks,
  optimizers and seeds (`rmsprop.study.definition`). What cannot be one study with it is refused, so
  that nothing of it is mixed with this one or lost.
* `results.nc` holds the results of the tasks that have ended.
* `runs/` holds the runs that have ended, a file for each chunk, and beside them the width that each
  task began with and the time that its programs took to compile. The name of a chunk is a hash of
  all that decides its numbers: the compiled program's text, the hyper-parameters, the seeds. What
  is found under that name is what running would give; a program that has changed finds nothing
  there and runs again.

Files are written beside their place and moved into it, so that a file is whole or not there. Each
begins with the SHA-256 of the rest, an npz archive: one that was damaged later is noticed when it
is read, and its runs are made again.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from rmsprop.study import archives, atomic
from rmsprop.study.archives import Arrays
from rmsprop.study.definition import grown

DEFINITION = "study.json"
RUNS = "runs"
# The array of a chunk that names its runs, one for each row of the others.
RUN_NAMES = "run_names"
# How long the study has taken, and how often that is written down.
SECONDS, SECONDS_BETWEEN_NOTES = "seconds", 5.0
ADVICE = "Then give the same command again: what has ended is kept and is not run again."


def digest(*parts: bytes | str) -> str:
    """A name for what the parts say, each with its length, so that none runs into the next."""
    name = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        name.update(len(content).to_bytes(8, "little"))
        name.update(content)
    return name.hexdigest()


def check_links(folder: Path, names: Iterable[str]) -> None:
    """Refuses links in the place of what is written to a folder: they lead out of it.

    Args:
        folder: The folder, which may be a link itself.
        names: Names of files and folders in it.

    Raises:
        ValueError: one of the names is a link.
    """
    for name in names:
        if (folder / name).is_symlink():
            raise ValueError(
                f"{folder / name} is a link to {os.readlink(folder / name)}, where nothing may be"
                f" overwritten or removed; remove the link or name another folder."
            )


class StudyFolder:
    """The folder of a study; without one nothing is kept.

    Args:
        folder: The folder that the report goes to; None keeps nothing on disk.

    Attributes:
        damaged: Names of the files that could not be read and are made again.
        tasks: The names of all tasks of the study, in their order, once it has begun.
    """

    def __init__(self, folder: str | os.PathLike[str] | None) -> None:
        self._folder = None if folder is None else Path(folder)
        self.damaged: list[str] = []
        self.tasks: tuple[str, ...] = ()
        self._indexing = threading.Lock()
        self._before, self._started = 0.0, time.perf_counter()
        self._noted = self._started

    def earlier(self) -> dict[str, object] | None:
        """The definition of the study that is in the folder, None where there is none.

        Raises:
            ValueError: there is one that cannot be read.
        """
        if self._folder is None or not (self._folder / DEFINITION).is_file():
            return None
        file = self._folder / DEFINITION
        try:
            definition = json.loads(file.read_text(encoding="utf-8"))
        except (ValueError, OSError) as error:
            definition = error
        if isinstance(definition, dict):
            return definition
        if (self._folder / RUNS).is_dir():
            # The names of the runs beside it decide which are taken: it is safe to write it anew.
            self.damaged.append(str(file))
            return None
        raise ValueError(
            f"{file} cannot be read, or is no study of rmsprop ({definition}); name another folder."
        )

    def begin(self, definition: Mapping[str, object]) -> None:
        """Says which study this is; goes on with an earlier one, which may grow by it.

        Raises:
            ValueError: the folder holds a study that cannot be one with this, or links where files
                of a study belong; it stays as it is.
            WriteError: it cannot be written; the sentence says what to do.
        """
        if self._folder is None:
            return
        check_links(self._folder, (DEFINITION, RUNS))
        plain = json.loads(json.dumps(definition))
        earlier = self.earlier()
        whole = plain if earlier is None else grown(self._folder, earlier, plain)
        self.tasks = tuple(whole["tasks"])
        self._before = self._seconds_before()
        if whole != earlier:
            content = json.dumps(whole, indent=1).encode()
            atomic.write(self._folder / DEFINITION, content, ADVICE)

    def seconds(self) -> float:
        """Wall-clock time of this call so far and of all earlier ones that ran here, in seconds."""
        return self._before + time.perf_counter() - self._started

    def _seconds_before(self) -> float:
        try:
            return float((self._folder / RUNS / SECONDS).read_text()) if self._folder else 0.0
        except (OSError, ValueError):
            return 0.0

    def note_seconds(self) -> None:
        """Writes down how long it has taken so far, for it may be killed at any moment."""
        if self._folder is not None:
            self._noted = time.perf_counter()
            atomic.write(self._folder / RUNS / SECONDS, f"{self.seconds():.3f}\n".encode(), ADVICE)

    def has_runs(self) -> bool:
        """Whether runs of a study have been kept here."""
        return self._folder is not None and (self._folder / RUNS).is_dir()

    def get(self, name: str) -> dict[str, np.ndarray] | None:
        """The arrays kept under a name, None where there are none or they are damaged."""
        file = self._file(name)
        if file is None or not file.is_file():
            return None
        try:
            arrays = archives.unpack(file.read_bytes())
        except OSError:
            arrays = None
        if arrays is None and str(file) not in self.damaged:
            self.damaged.append(str(file))
        return arrays

    def put(self, name: str, arrays: Arrays) -> None:
        """Keeps arrays under a name.

        Raises:
            WriteError: they cannot be written; the sentence says what to do.
        """
        file = self._file(name)
        if file is not None:
            atomic.write(file, archives.pack(arrays), ADVICE)
            self._index(name, arrays)
            if time.perf_counter() - self._noted > SECONDS_BETWEEN_NOTES:
                self.note_seconds()

    def find(self, run: str) -> dict[str, np.ndarray] | None:
        """What is kept of one run, in whatever chunk: arrays of one row, and its share of the time.

        The same run stands in another chunk where a study has grown, by more seeds for example.

        Args:
            run: The name of the run.
        """
        with self._indexing:
            places = self._places
        if run not in places:
            return None
        name, row = places[run]
        chunk = self._recent(name)
        if chunk is None:
            return None
        count = len(chunk[RUN_NAMES])
        return {
            key: values / count if values.ndim == 0 else values[row : row + 1]
            for key, values in chunk.items()
        }

    @functools.cached_property
    def _places(self) -> dict[str, tuple[str, int]]:
        """The chunk and the row of every run that is kept; read once, at the first miss."""
        places: dict[str, tuple[str, int]] = {}
        if self._folder is not None and (self._folder / RUNS).is_dir():
            for file in sorted((self._folder / RUNS).glob("*.chunk")):
                names = (self.get(file.stem) or {}).get(RUN_NAMES, ())
                places |= {str(run): (file.stem, row) for row, run in enumerate(names)}
        return places

    def _index(self, name: str, arrays: Arrays) -> None:
        """Notes the runs of a chunk that has just been kept."""
        if RUN_NAMES not in arrays:
            return
        with self._indexing:
            places = self._places
            for row, run in enumerate(arrays[RUN_NAMES]):
                places[str(run)] = (name, row)

    @functools.lru_cache(maxsize=16)  # noqa: B019 (a study has one folder, which lives as long)
    def _recent(self, name: str) -> dict[str, np.ndarray] | None:
        """The arrays kept under a name; the runs of a chunk are asked for one after the other."""
        return self.get(name)

    def _file(self, name: str) -> Path | None:
        return None if self._folder is None else self._folder / RUNS / f"{name}.chunk"
