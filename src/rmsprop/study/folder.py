"""What a study keeps on disk, so that it can be killed at any moment and goes on where it was.

* `study.json` says which study it is: the tasks, grids, seeds, the device. A study with other
  settings is refused, so that nothing of it is mixed with this one or lost.
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

import errno
import functools
import hashlib
import io
import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rmsprop.study import atomic

DEFINITION = "study.json"
RUNS = "runs"
# The array of a chunk that names its runs, one for each row of the others.
RUN_NAMES = "run_names"
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

CHECKSUM = hashlib.sha256().digest_size

Arrays = Mapping[str, np.ndarray]


def digest(*parts: bytes | str) -> str:
    """A name for what the parts say, each with its length, so that none runs into the next."""
    name = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        name.update(len(content).to_bytes(8, "little"))
        name.update(content)
    return name.hexdigest()


class StudyFolder:
    """The folder of a study; without one nothing is kept.

    Args:
        folder: The folder that the report goes to; None keeps nothing on disk.

    Attributes:
        damaged: Names of the files that could not be read and are made again.
    """

    def __init__(self, folder: str | os.PathLike[str] | None) -> None:
        self._folder = None if folder is None else Path(folder)
        self.damaged: list[str] = []
        self._reading = threading.Lock()
        self._indexing = threading.Lock()

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
        """Says which study this is; goes on with an earlier one that is the same.

        Raises:
            ValueError: the folder holds a study with other settings; it stays as it is.
            OSError: it cannot be written, with a sentence that says what to do.
        """
        if self._folder is None:
            return
        plain = json.loads(json.dumps(definition))
        earlier = self.earlier()
        if earlier is None:
            self._write(self._folder / DEFINITION, json.dumps(plain, indent=1).encode())
            return
        for key in (*plain, *earlier):
            if earlier.get(key) != plain.get(key):
                there, here = _difference(earlier.get(key), plain.get(key))
                raise ValueError(
                    f"the folder {self._folder} holds a study with other settings, {key}: {there}"
                    f" there, {here} now. Name another folder with --out (folder= in Python), give"
                    f" the settings of that study to go on with it, or remove the folder."
                )

    def has_runs(self) -> bool:
        """Whether runs of a study have been kept here."""
        return self._folder is not None and (self._folder / RUNS).is_dir()

    def get(self, name: str) -> dict[str, np.ndarray] | None:
        """The arrays kept under a name, None where there are none or they are damaged."""
        file = self._file(name)
        if file is None or not file.is_file():
            return None
        content = file.read_bytes()
        archive = content[CHECKSUM:]
        if hashlib.sha256(archive).digest() != content[:CHECKSUM]:
            if str(file) not in self.damaged:
                self.damaged.append(str(file))
            return None
        # NumPy parses the header of an array as Python. CPython 3.11 counts how deep that is for
        # all threads together, and raises a SystemError where two do it at once (gh-106905).
        with self._reading, np.load(io.BytesIO(archive), allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}

    def put(self, name: str, arrays: Arrays) -> None:
        """Keeps arrays under a name.

        Raises:
            OSError: they cannot be written, with a sentence that says what to do.
        """
        file = self._file(name)
        if file is not None:
            archive = io.BytesIO()
            np.savez(archive, **arrays)  # pyright: ignore[reportArgumentType] (one is a flag)
            content = archive.getvalue()
            self._write(file, hashlib.sha256(content).digest() + content)
            self._index(name, arrays)

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

    def _write(self, file: Path, content: bytes) -> None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with atomic.replacing(file) as partial:
                partial.write_bytes(content)
        except OSError as error:
            if error.errno in FULL:
                reason = "there is no room left; free some"
            else:
                reason = f"{error.strerror or error}; mend that"
            raise OSError(
                error.errno,
                f"{file.parent} cannot be written: {reason}, and give the same command again. What"
                f" has ended is kept and is not run again.",
            ) from error


def _difference(there: object, here: object) -> tuple[str, str]:
    """What differs between two settings, as short as it can be said."""
    while isinstance(there, dict) and isinstance(here, dict):
        key = next(k for k in (*here, *there) if there.get(k) != here.get(k))
        there, here = there.get(key), here.get(key)
        if not (isinstance(there, dict) and isinstance(here, dict)):
            return f"{key} {_short(there)}", f"{key} {_short(here)}"
    return _short(there), _short(here)


def _short(value: object) -> str:
    text = "none" if value is None else json.dumps(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
