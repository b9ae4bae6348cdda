"""Pictures painted one after the other: what became of each, and how that is said."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from styletransfer.errors import (
    DivergenceError,
    ImageError,
    ShortageError,
    StyleTransferError,
    UnsavedError,
)
from styletransfer.runs.folder import list_briefly
from styletransfer.runs.progress import BatchProgress

if TYPE_CHECKING:
    from pathlib import Path

    from styletransfer.runs.naming import Job
    from styletransfer.runs.picture import Painter


class BatchTally:
    """Counts what was kept, what was painted and what failed, and tells it.

    `progress` is its bar, which is there from the start: make a series when
    work begins, and let ``with series.progress:`` take the bar away.

    Args:
        painter: Who paints; tells the user, and knows of signals.
        length: How many pictures there are.
        name: What they are called in the plural.
    """

    def __init__(self, painter: Painter, length: int, name: str) -> None:
        self.painter = painter
        self.length = length
        self.name = name
        self.progress = BatchProgress(length, quiet=painter.quiet)
        self.kept = self.painted = 0
        self.failed: list[str] = []

    @property
    def remaining(self) -> int:
        """How many pictures nothing was done about."""
        return self.length - self._done - len(self.failed)

    @property
    def _done(self) -> int:
        return self.kept + self.painted

    def keep(self) -> None:
        """Count a picture that was there already."""
        self.kept += 1
        self.set_stop_message()
        self.progress.drop()

    def finish(self, name: str, job: Job, seconds: float) -> None:
        """Count a picture that was painted, and take away what an earlier run left of it."""
        self.painted += 1
        self.set_stop_message()
        self.progress.finish(name, job.output, seconds)
        remove_unfinished(job)

    def fail(self, name: str, line: str, error: StyleTransferError) -> None:
        """Count a picture that failed, and say why.

        Args:
            name: How it is named at the end.
            line: What is said now.
            error: What went wrong.

        Raises:
            StyleTransferError: The error again, if it says something against
                the next picture as well.
        """
        if not _concerns_one(error):
            if self._done:
                self.painter.say(self._standing())
            raise error
        self.painter.say(f"error: {line}")
        self.failed.append(name)
        self.set_stop_message()
        self.progress.drop()

    def set_stop_message(self, unfinished: Path | None = None) -> None:
        """Have it known, if a signal ends the run now, what is done.

        Args:
            unfinished: Where the picture at work was saved; None: there is none.
        """
        best = "" if unfinished is None else f"; {unfinished} holds the one at work"
        self.painter.stop.message = f"interrupted: {self._standing()}{best}"

    def report_skipped(self) -> None:
        """Say how many results were there already, if any."""
        if self.kept and not self.painter.quiet:
            self.painter.say(f"{self.kept} of {self.length} results were there already")

    def refuse_failures(self) -> None:
        """End with a `StyleTransferError` that names what failed, if anything did."""
        if self.failed:
            rest = f"; --fail-fast left {self.remaining} untried" if self.remaining else ""
            raise StyleTransferError(
                f"{len(self.failed)} of {self.length} {self.name} failed: "
                f"{list_briefly(self.failed)}{rest}"
            )

    def _standing(self) -> str:
        return f"{self._done} of {self.length} {self.name} are done; --skip-existing resumes"


def remove_unfinished(job: Job) -> None:
    """Take away what an interrupted run left, once the whole picture is there."""
    with contextlib.suppress(OSError):
        job.unfinished.unlink(missing_ok=True)


def _concerns_one(error: StyleTransferError) -> bool:
    """Whether what ended one picture says nothing against the next."""
    own = isinstance(error, ImageError | DivergenceError | ShortageError)
    return own and not isinstance(error, UnsavedError)
