"""The loss log: the losses after each iteration of a run, in memory and in a file."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import time
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from styletransfer.errors import ImageError, reason
from styletransfer.output_files import check_file, refuse_inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from io import FileIO
    from pathlib import Path

    from styletransfer.settings import Settings
    from styletransfer.transfer.stylize import Step

LOG_SUFFIXES = (".csv", ".jsonl")
"""The suffixes of a log file, in lower or upper case; each names a format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One iteration. The fields are the columns of the log."""

    iteration: int
    """Iterations of the run so far, from 1."""

    size_iteration: int
    """Iterations at this size so far, from 1."""

    width: int
    """Of the current size, in pixels."""

    height: int
    """Of the current size, in pixels."""

    content: float | None
    """The content loss; None: not evaluated, since its weight is 0."""

    style: float | None
    """The style loss; likewise."""

    tv: float | None
    """The total variation loss; likewise."""

    weighted_content: float
    """The content loss times its weight."""

    weighted_style: float
    """The style loss times its weight."""

    weighted_tv: float
    """The total variation loss times its weight."""

    total: float
    """The sum of the weighted losses."""

    content_weight: float
    """The weight of the content loss in this iteration."""

    style_weight: float
    """The weight of the style loss."""

    tv_weight: float
    """The weight of the total variation loss."""

    seconds: float
    """Since the optimization began, to the millisecond."""


class LossLog:
    """Collects an entry for each iteration, and writes it to a file if there is one.

    The file is created at the first iteration. Each row is written in one call,
    so the file has whole rows only, even if the process is killed.

    Args:
        settings: The settings of the run; their weights are divided out.
        path: The file, see `LOG_SUFFIXES`: CSV with a header, or one JSON object
            a line. None: no file.
        notify: Called with each line for the user.
    """

    def __init__(
        self, settings: Settings, path: Path | None, notify: Callable[[str], None]
    ) -> None:
        self.entries: list[Entry] = []
        self._settings = settings
        self._path = path
        self._notify = notify
        self._file: FileIO | None = None
        self._inputs: Sequence[Path] = ()
        self._started = time.monotonic()

    @contextlib.contextmanager
    def recording(self) -> Iterator[None]:
        """Start the clock; close the file at the end of the block."""
        self._started = time.monotonic() - (self.entries[-1].seconds if self.entries else 0)
        try:
            yield
        finally:
            self._close()

    def go_on(self, entries: Sequence[Entry]) -> None:
        """Begin with the entries of a run that was interrupted; the file gets them, too."""
        self.entries.extend(entries)

    def check(self, inputs: Sequence[Path]) -> None:
        """Refuse a path that cannot be written, before the run starts.

        Args:
            inputs: The files that must not be overwritten.

        Raises:
            ImageError: If the path is refused.
        """
        self._inputs = inputs
        if self._path is not None:
            check_file(self._path, LOG_SUFFIXES, inputs)

    def add(self, step: Step, settings: Settings | None = None) -> None:
        """Add an iteration.

        If a row cannot be written, the log ends there with one warning, since a
        gap would be worse; the run goes on.

        Args:
            step: The iteration.
            settings: Those that held in it. None: those of the run.
        """
        entry = self._entry(step, settings or self._settings)
        self.entries.append(entry)
        if self._path is None:
            return
        try:
            # Those before a run went on come first.
            rows = [entry] if self._file is not None else self.entries
            self._write(b"".join(format_row(each, self._path) for each in rows), self._path)
        except OSError as error:
            self._notify(f"{self._path}: {reason(error)}; the log ends here, the run continues")
            self._path = None
        except ImageError as error:
            self._notify(f"{error}; the run continues without a log")
            self._path = None

    def _entry(self, step: Step, settings: Settings) -> Entry:
        losses = step.losses
        return Entry(
            iteration=len(self.entries) + 1,
            size_iteration=step.iteration,
            width=step.scale.width,
            height=step.scale.height,
            content=_unweighted(losses.content, settings.content_weight),
            style=_unweighted(losses.style, settings.style_weight),
            tv=_unweighted(losses.tv, settings.tv_weight),
            weighted_content=losses.content,
            weighted_style=losses.style,
            weighted_tv=losses.tv,
            total=losses.total,
            content_weight=settings.content_weight,
            style_weight=settings.style_weight,
            tv_weight=settings.tv_weight,
            seconds=round(time.monotonic() - self._started, 3),
        )

    def _close(self) -> None:
        try:
            if self._file is not None:
                self._file.close()
        except OSError as error:  # A network drive may report a failure only now.
            self._notify(f"{self._path}: {reason(error)}; the end of the log may be missing")

    def _write(self, row: bytes, path: Path) -> None:
        if self._file is None:
            # Again, since a link may have been put there; it is followed.
            refuse_inputs([path], self._inputs)
            # Unbuffered: a buffer would keep what the disk refused, and write it later.
            self._file = path.open("wb", buffering=0)
            row = header(path) + row
        end = self._file.tell()
        if self._file.write(row) != len(row):
            self._file.truncate(end)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def header(path: Path) -> bytes:
    """Return the first line of a log: the names of the columns; empty for JSON."""
    return _csv_line(field.name for field in fields(Entry)) if _is_csv(path) else b""


def format_row(entry: Entry, path: Path) -> bytes:
    """Format an entry as one line, with all digits of its numbers.

    Args:
        entry: The entry.
        path: The log; its suffix names the format.

    Returns:
        The line with its end. A loss that was not evaluated is an empty cell, or null.
    """
    values = asdict(entry)
    if _is_csv(path):
        return _csv_line("" if value is None else repr(value) for value in values.values())
    return json.dumps(values).encode() + b"\n"


def _csv_line(cells: Iterable[str]) -> bytes:
    # Names and numbers need no quotes.
    return ",".join(cells).encode() + b"\n"


def _is_csv(path: Path) -> bool:
    return path.suffix.lower() == ".csv"


def _unweighted(loss: float, weight: float) -> float | None:
    return loss / weight if weight else None
