"""The standard streams of the command: stderr is a courtesy, whose loss never ends a run."""

import contextlib
import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class LossyFile(io.FileIO):
    """A file that drops what it cannot write, for example once nobody reads a pipe."""

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write bytes; those that cannot be written count as written."""
        size = memoryview(data).nbytes
        try:
            written = super().write(data)
        except OSError:
            return size
        # None: the pipe is full, and whoever made it asked that nobody waits for it.
        return size if written is None else written


def protect_streams() -> None:
    """Let messages and progress on stderr get lost rather than end the run.

    A stream that is closed becomes the null device: the next file to be opened,
    such as a result, would take its number otherwise, and get its messages.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            _open_null(number)
    if sys.stderr is None or sys.stderr is sys.__stderr__:
        sys.stderr = io.TextIOWrapper(
            io.BufferedWriter(LossyFile(2, "w", closefd=False)),
            encoding=None if sys.stderr is None else sys.stderr.encoding,
            errors="backslashreplace",
            line_buffering=True,
        )


def share_a_reader() -> bool:
    """Whether stdout and stderr are one pipe or terminal, as after ``2>&1``."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return os.path.sameopenfile(sys.stdout.fileno(), sys.stderr.fileno())
    return False


def drop_output() -> None:
    """Send the rest of stdout nowhere, since flushing its buffer at exit would fail again."""
    _open_null(sys.stdout.fileno())


def _open_null(number: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    if null != number:
        os.dup2(null, number)
        os.close(null)
