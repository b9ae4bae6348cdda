"""Pictures that come through a pipe, read once and whole, or go to standard output."""

from __future__ import annotations

import contextlib
import os
import select
import stat
import sys
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

from styletransfer.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STDIN = Path("/dev/stdin")
"""Standard input as the path of a picture."""

STDOUT = Path("/dev/stdout")
"""Standard output as the path of a result."""

LARGEST = 512 << 20
"""The most bytes that are read from a pipe."""

PATIENCE = 5.0
"""Seconds to wait for a program that writes to a named pipe."""

_CHUNK = 1 << 20

_stores: list[dict[Path, IO[bytes]]] = []


@contextlib.contextmanager
def kept_pipes() -> Iterator[None]:
    """Keep what comes through pipes, so that each can be decoded more than once in the block."""
    store: dict[Path, IO[bytes]] = {}
    _stores.append(store)
    try:
        yield
    finally:
        _stores.remove(store)
        for file in store.values():
            file.close()


@contextlib.contextmanager
def given_pictures(contents: Mapping[Path, bytes]) -> Iterator[None]:
    """Read pictures from memory instead of their files in the block.

    Args:
        contents: The bytes of each file; others are read as usual.
    """
    with kept_pipes():
        for path, data in contents.items():
            file = _stores[-1][path] = _empty_file()
            file.write(data)
            file.flush()
        yield


@contextlib.contextmanager
def regular_file(path: Path) -> Iterator[Path]:
    """Yield the path of a file with the contents of a pipe, or the path itself if it is none.

    Args:
        path: A file, a named pipe, ``/dev/stdin`` or ``/dev/fd/N``.

    Raises:
        ImageError: If nobody writes to the pipe, or too much comes through it.
        OSError: If it cannot be read.
    """
    with contextlib.ExitStack() as stack:
        store = _stores[-1] if _stores else {}
        if path not in store and _is_pipe(path):
            store[path] = _read_whole(path)
            if not _stores:
                stack.enter_context(store[path])
        file = store.get(path)
        yield path if file is None else _path_of(file)


def _is_pipe(path: Path) -> bool:
    """Whether what is read from a path is gone afterwards."""
    try:
        mode = os.fstat(0).st_mode if path == STDIN else path.stat().st_mode
    except (OSError, ValueError):
        return False
    if path == STDIN and os.isatty(0):
        raise ImageError("this is the terminal; send a picture to it, as in: stylize - < photo.jpg")
    return stat.S_ISFIFO(mode) or (path == STDIN and stat.S_ISSOCK(mode))


def _empty_file() -> IO[bytes]:
    # In memory where possible: nothing is left behind if the process is killed.
    if hasattr(os, "memfd_create") and Path("/proc/self/fd").exists():
        return os.fdopen(os.memfd_create("picture"), "w+b")
    return tempfile.NamedTemporaryFile(prefix="stylize-")  # closed by the caller


def _read_whole(path: Path) -> IO[bytes]:
    file = _empty_file()
    try:
        with contextlib.closing(_Reader(path)) as pipe:
            while chunk := pipe.read():
                if file.tell() + len(chunk) > LARGEST:
                    raise ImageError(
                        f"more than {LARGEST >> 20} MB come through this pipe; "
                        "pass the path of a picture file"
                    )
                file.write(chunk)
        file.flush()
    except BaseException:
        file.close()
        raise
    return file


def _path_of(file: IO[bytes]) -> Path:
    return Path(file.name) if isinstance(file.name, str) else Path(f"/proc/self/fd/{file.fileno()}")


def check_stdout() -> None:
    """Check, before a run, that standard output can take a picture.

    Raises:
        ImageError: If it is closed, or a terminal.
    """
    problem = "closed" if sys.stdout is None else "the terminal" if os.isatty(1) else None
    if problem is not None:
        raise ImageError(f"{STDOUT}: this is {problem}; name a file, or send it to one: > out.png")


def write_stdout(data: bytes) -> None:
    """Write a picture to standard output.

    Raises:
        OSError: If it cannot be written.
    """
    with os.fdopen(os.dup(1), "wb") as file:
        file.write(data)


class _Reader:
    """Reads a pipe; refuses a named one that no program writes to."""

    def __init__(self, path: Path) -> None:
        self._first = b""
        if path == STDIN:
            self._number = os.dup(0)
            return
        self._number = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            self._await_writer()
        except BaseException:
            self.close()
            raise
        os.set_blocking(self._number, True)

    def read(self) -> bytes:
        first, self._first = self._first, b""
        return first or os.read(self._number, _CHUNK)

    def close(self) -> None:
        os.close(self._number)

    def _await_writer(self) -> None:
        poll = select.poll()
        poll.register(self._number, select.POLLIN)
        # Wakes up at the first byte, and once all who wrote have closed the pipe.
        if poll.poll(PATIENCE * 1000):
            return
        with contextlib.suppress(BlockingIOError):  # a program is there, but has not begun
            self._first = os.read(self._number, _CHUNK)
            if not self._first:
                raise ImageError("no program writes to this pipe; start the one that should first")
