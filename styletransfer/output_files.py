"""Files that a run writes: never an input, and either complete or unchanged."""

import contextlib
import os
import re
import secrets
import shutil
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from styletransfer.errors import ImageError, reason

_REMEDY = "free some space or choose another folder"


def check_file(path: Path, suffixes: Sequence[str], inputs: Sequence[Path]) -> None:
    """Check, before a run, that a file can be saved.

    Args:
        path: The output path; a missing folder is created.
        suffixes: The allowed suffixes, in lower case.
        inputs: The files that must not be overwritten, not even through links.

    Raises:
        ImageError: If the suffix is not allowed, or the path is an input, a
            folder or not writable.
    """
    target = check_path(path, suffixes)
    refuse_inputs([path], inputs)
    with errors_of(path), _temporary_beside(target) as temporary:
        temporary.touch()


def check_path(path: Path, suffixes: Sequence[str]) -> Path:
    """Raise an error unless a file with such a suffix may be written to a path.

    Returns:
        The path with links to folders resolved. A link to a file is replaced
        itself, so that nothing is written to where it leads.

    Raises:
        ImageError: If the suffix is not allowed, or the path is a folder or
            not writable.
    """
    with errors_of(path):
        target = _target(path)
        if target.is_dir():
            raise ImageError(f"{path}: this is a folder; name a file in it")
        if path.suffix.lower() not in suffixes:
            raise ImageError(f"{path}: unknown suffix; use one of {' '.join(suffixes)}")
        replaceable = target.is_symlink() or os.access(target, os.W_OK)
        if target.exists() and not (target.is_file() and replaceable):
            raise ImageError(f"{path}: this cannot be overwritten; choose another output")
    return target


def refuse_inputs(paths: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Check that no output path is an input, not even through links.

    Args:
        paths: The output paths.
        inputs: The files that must not be overwritten.

    Raises:
        ImageError: If an output path is an input.
    """
    files = {_identity(each) for each in inputs} - {None}
    for path in paths:
        if _identity(path) in files:
            raise ImageError(f"{path}: this is also an input; choose another output")


def refuse_replacing(path: Path, inputs: Iterable[Path]) -> None:
    """Check at the moment of writing that no input would be replaced.

    Since the check before the run, a folder may have become a link.

    Args:
        path: The output path.
        inputs: The files that must not be replaced.

    Raises:
        ImageError: If the file to replace is an input.
    """
    with errors_of(path):
        target = _target(path)
    kept = {each for name in inputs for each in (_identity(name), _own_identity(name))}
    if _own_identity(target) in kept - {None}:
        raise ImageError(f"{path}: this is also an input; choose another output")


def save_file(data: bytes, path: Path) -> None:
    """Save a file atomically, as `replaced` does.

    Args:
        data: The bytes of the file.
        path: The output path, with any suffix.

    Raises:
        ImageError: If the file cannot be written.
    """
    with replaced(path) as file:
        file.write(data)


@contextlib.contextmanager
def replaced(path: Path) -> Iterator[BinaryIO]:
    """Write a file that takes its place at the end of the block, atomically.

    It is a hidden file in the same folder, which is then renamed. If that fails, or
    the block does, an existing file stays unchanged. A link is replaced, not what it
    leads to; a missing folder is created; a replaced file keeps its permissions.
    What killed runs left of earlier attempts is removed.

    Args:
        path: The output path, with any suffix.

    Yields:
        The file, open for writing.

    Raises:
        ImageError: If the file cannot be written.
    """
    target = check_path(path, [path.suffix.lower()])
    with errors_of(path), _temporary_beside(target) as temporary:
        with _locked(temporary) as file:
            # There may be no old file, or the file system may have no permissions.
            with contextlib.suppress(OSError):
                if not target.is_symlink():
                    shutil.copymode(target, temporary)
            yield file
            file.flush()
            os.fsync(file.fileno())
            if os.name == "nt":  # where an open file cannot be renamed
                file.close()
            temporary.replace(target)
        _remove_leftovers(target)


@contextlib.contextmanager
def errors_of(path: Path, remedy: str = _REMEDY) -> Iterator[None]:
    """Turn errors of the system and of the encoders into an `ImageError`.

    Args:
        path: The file that is to be written.
        remedy: The end of the message: what to do.
    """
    try:
        yield
    except (OSError, ValueError, struct.error) as error:
        raise ImageError(f"{path}: cannot be saved ({reason(error)}); {remedy}") from error


def _target(path: Path) -> Path:
    return Path(os.path.realpath(path.parent)) / path.name


def _own_identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of a file, or of a link itself."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of a file, the same for all its names; `None` if there is no file."""
    try:
        # Resolved as for writing, since in new/../out.png the folder may not exist yet.
        status = Path(os.path.realpath(path)).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


@contextlib.contextmanager
def _temporary_beside(target: Path) -> Iterator[Path]:
    """Yield a path for a hidden file in the target's folder, and remove that file at the end."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f"{_temporary_prefix(target)}{secrets.token_hex(8)}.tmp")
    try:
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _temporary_prefix(target: Path) -> str:
    # Shortened, since file names are limited to 255 bytes.
    return f".{target.name[:40]}."


@contextlib.contextmanager
def _locked(temporary: Path) -> Iterator[BinaryIO]:
    """Create a file, locked as long as it is open, so that no other run takes it for a leftover."""
    file = temporary.open("xb")
    _lock(file, wait=True)
    if not os.fstat(file.fileno()).st_nlink:  # removed before it was locked
        file.close()
        file = temporary.open("xb")
        _lock(file, wait=True)
    with file:
        yield file


def _lock(file: BinaryIO, *, wait: bool) -> bool:
    """Lock an open file; return False if another process has, or the system has no locks."""
    try:
        import fcntl  # not on Windows

        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


def _remove_leftovers(target: Path) -> None:
    """Remove the temporary files of killed runs that wrote to the same path."""
    name = re.compile(f"{re.escape(_temporary_prefix(target))}[0-9a-f]{{16}}\\.tmp")
    with contextlib.suppress(OSError), os.scandir(target.parent) as entries:
        for entry in entries:
            if name.fullmatch(entry.name):
                with contextlib.suppress(OSError), Path(entry.path).open("r+b") as file:
                    if _lock(file, wait=False):
                        Path(entry.path).unlink()
