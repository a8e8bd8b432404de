"""A file is there whole or not at all, also where its writer is killed or the disk is full.

What cannot be written is a `WriteError`, a sentence in words that names the folder and the reason.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path

UNFINISHED = ".rmsprop-"  # begins the names of files and folders that are being written

_FULL = "there is no room left; free some"
_DENIED = "permission is denied; change its permissions or name another"
_MANY = "too many files are open; close other programs"
# By the number of the system's error, of a file or a folder that is read or written: what is in the
# way, and what to do.
_REASONS: Mapping[int, str] = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: "a file would be larger than is allowed there; name another folder",
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EROFS: "its disk is read-only; name another",
    errno.ENAMETOOLONG: "a name is too long; name another",
    errno.ENOTDIR: "a file stands where a folder is needed; name another",
    errno.EEXIST: "a file stands where a folder is needed; name another",
    errno.EISDIR: "a folder stands where a file is needed; name another",
    errno.ENOENT: "it does not exist; make it, or check its name",
    errno.ELOOP: "its links lead in a circle; name another",
    errno.EMFILE: _MANY,
    errno.ENFILE: _MANY,
    errno.EIO: "its disk reports an error; name one on another disk",
}


class WriteError(OSError):
    """Files cannot be written; the text is a sentence, without the system's number before it.

    Args:
        folder: The folder that the files belong in.
        number: The number of the system's error, as in `errno`; None where there is none.
        words: What the system says, for numbers that have no words of their own here.
        advice: A further sentence, what to do once the reason is mended; empty for none.
    """

    def __init__(
        self, folder: str | os.PathLike[str], number: int | None, words: str, advice: str = ""
    ) -> None:
        sentence = f"the folder {Path(folder).absolute()} cannot be written to: "
        sentence += f"{reason(number, words)}. {advice}"
        super().__init__(number, sentence.strip())
        self.words = words

    def __str__(self) -> str:
        """The sentence."""
        return str(self.strerror)


def reason(number: int | None, words: str) -> str:
    """Why a file or a folder cannot be read or written, in words, and what to do.

    Args:
        number: The number of the system's error, as in `errno`; None where there is none.
        words: What the system says.

    Example:
        >>> import errno
        >>> reason(errno.ENOSPC, "No space left on device")
        'there is no room left; free some'
    """
    known = None if number is None else _REASONS.get(number)
    return known or f"the system says {words!r}; mend that or name another"


@contextlib.contextmanager
def writing(folder: str | os.PathLike[str], advice: str = "") -> Iterator[None]:
    """Turns whatever stops the block from writing files into a sentence.

    Of several such blocks around each other the outermost names the folder.

    Args:
        folder: The folder that the files belong in.
        advice: A further sentence for the user; empty for none.

    Raises:
        WriteError: the block has raised an OSError.
    """
    try:
        yield
    except WriteError as error:
        raise WriteError(folder, error.errno, error.words, advice) from error.__cause__
    except OSError as error:
        words = error.strerror or str(error) or type(error).__name__
        raise WriteError(folder, error.errno, words, advice) from error


@contextlib.contextmanager
def replacing(file: str | os.PathLike[str]) -> Iterator[Path]:
    """A path to write to, which takes the place of `file` at once when the block has ended.

    The path lies in the same folder, for only there a file is moved in one step. Where the block
    fails, what it wrote is removed, and an earlier file stays as it was.

    Args:
        file: The file that is to be written; its folder exists.

    Raises:
        WriteError: the new file cannot be written or moved into place.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = pathlib.Path(folder, "numbers.txt")
        ...     with replacing(file) as partial:
        ...         _ = partial.write_text("1 2 3")
        ...     print([entry.name for entry in file.parent.iterdir()], file.read_text())
        ['numbers.txt'] 1 2 3
    """
    target = Path(file)
    partial = target.with_name(f"{UNFINISHED}{secrets.token_hex(8)}")
    with writing(target.parent):
        try:
            yield partial
            os.replace(partial, target)
        finally:
            with contextlib.suppress(OSError):  # the block's own error says more
                partial.unlink(missing_ok=True)


def write(file: str | os.PathLike[str], content: bytes | memoryview, advice: str = "") -> None:
    """Writes a file whole or not at all, into a folder that is made where it is missing.

    Args:
        file: The file that is to be written; an earlier one is replaced.
        content: What it is to hold.
        advice: A further sentence for the user where that fails; empty for none.

    Raises:
        WriteError: the file cannot be written; an earlier one is then as it was.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write(pathlib.Path(folder, "new", "numbers.txt"), b"1 2 3")
        ...     pathlib.Path(folder, "new", "numbers.txt").read_text()
        '1 2 3'
    """
    target = Path(file)
    with writing(target.parent, advice):
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as partial:
            partial.write_bytes(content)
