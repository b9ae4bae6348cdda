"""The loss log: how the terms stood after each step of a run."""

from __future__ import annotations

import csv
import io
import json
import time
from typing import TYPE_CHECKING, NamedTuple, Self

from styletransfer.errors import reason
from styletransfer.images.saving import check_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import BinaryIO

    from styletransfer.settings import Settings
    from styletransfer.transfer.stylize import Step

LOG_SUFFIXES = (".csv", ".jsonl")
"""The suffixes that name a format of the log; capitals will do as well."""


class Entry(NamedTuple):
    """One step, as a row of the log: the fields are its columns."""

    iteration: int
    """Steps taken in the run, from 1."""

    size_iteration: int
    """Steps taken at this size, from 1."""

    width: int
    """Of the size at work, in pixels."""

    height: int
    """Of the size at work, in pixels."""

    content: float | None
    """The content term, a pure number; None: its weight is 0, so it was not evaluated."""

    style: float | None
    """The style term; likewise."""

    tv: float | None
    """The total variation term; likewise."""

    weighted_content: float
    """The content term times its weight."""

    weighted_style: float
    """The style term times its weight."""

    weighted_tv: float
    """The total variation term times its weight."""

    total: float
    """The loss: the sum of the weighted terms."""

    seconds: float
    """Since painting began, with the network loaded; to the millisecond."""


class LossLog:
    """Remembers the terms after each step, and writes them down if there is a file.

    ``with LossLog(…) as log:`` starts the clock and, at the end, closes
    the file. That is begun anew with the first step, and gets each row whole and
    at once: a run that is cut off leaves all rows up to there.

    Args:
        settings: Of the run; its weights tell the terms without them.
        path: Ends in one of `LOG_SUFFIXES`, which tells the format: CSV with a
            header, or a JSON object a line; None: nothing is written.
        say: Takes a line for the user.
    """

    def __init__(self, settings: Settings, path: Path | None, say: Callable[[str], None]) -> None:
        self.entries: list[Entry] = []
        self.weights = (settings.content_weight, settings.style_weight, settings.tv_weight)
        self.path = path
        self.say = say
        self.file: BinaryIO | None = None
        self.started = time.monotonic()

    def __enter__(self) -> Self:
        self.started = time.monotonic()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.file is None:
            return
        try:
            self.file.close()
        except OSError as failure:  # A distant disk may say so only now.
            self.say(f"{self.path}: {reason(failure)}; the end of the log may be missing")

    def check(self, inputs: Sequence[Path]) -> None:
        """Refuse a path that no log could be written to, before any work is done.

        Args:
            inputs: The files that it must not overwrite, nor through links.

        Raises:
            ImageError: If the path is refused.
        """
        if self.path is not None:
            check_file(self.path, LOG_SUFFIXES, inputs)

    def show(self, step: Step) -> None:
        """Take down a step.

        A row that cannot be written is one warning, and the last: the run goes
        on without its log, since a gap would be worse than an end.

        Args:
            step: The step just taken.
        """
        entry = self._entry(step)
        self.entries.append(entry)
        if self.path is None:
            return
        try:
            self._write(entry, self.path)
        except OSError as error:
            self.say(f"{self.path}: {reason(error)}; the run goes on, and the log ends here")
            self.path = None

    def _entry(self, step: Step) -> Entry:
        width, height, _ = step.scale
        content, style, tv = (
            weighted / weight if weight else None
            for weighted, weight in zip(step.losses, self.weights, strict=True)
        )
        return Entry(
            iteration=len(self.entries) + 1,
            size_iteration=step.iteration,
            width=width,
            height=height,
            content=content,
            style=style,
            tv=tv,
            weighted_content=step.losses.content,
            weighted_style=step.losses.style,
            weighted_tv=step.losses.tv,
            total=step.losses.total,
            seconds=round(time.monotonic() - self.started, 3),
        )

    def _write(self, entry: Entry, path: Path) -> None:
        written = to_row(entry, path)
        if self.file is None:
            # Unbuffered, so that a row reaches the system in one piece.
            self.file = path.open("wb", buffering=0)
            written = header(path) + written
        end = self.file.tell()
        if self.file.write(written) != len(written):
            self.file.truncate(end)
            raise OSError("no space is left for a whole row")


def header(path: Path) -> bytes:
    """What a log begins with: the names of the columns in CSV, else nothing."""
    return _csv_line(Entry._fields) if path.suffix.lower() == ".csv" else b""


def to_row(entry: Entry, path: Path) -> bytes:
    """Write an entry as one line, with digits enough to read each number back exactly.

    Args:
        entry: A step.
        path: Of the log; its suffix tells the format.

    Returns:
        The line with its end. A term that was not evaluated is an empty cell,
        or null.
    """
    if path.suffix.lower() == ".csv":
        return _csv_line(entry)
    return json.dumps(entry._asdict()).encode() + b"\n"


def _csv_line(cells: Sequence[object]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().encode()
