"""What became of the pictures of a folder or a sweep, and the messages about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from styletransfer.errors import (
    DivergenceError,
    ImageError,
    ShortageError,
    StyleTransferError,
    UnsavedError,
)
from styletransfer.runs.batches.folder import list_briefly
from styletransfer.runs.interruption import NOTHING_YET
from styletransfer.runs.jobs import PictureResult
from styletransfer.runs.progress import BatchProgress

if TYPE_CHECKING:
    from styletransfer.runs.batches.outcomes import Failure
    from styletransfer.runs.context import RunContext
    from styletransfer.runs.jobs import ExistingResult


class BatchTally:
    """Counts the pictures that were skipped, made, or failed, and reports them.

    Its progress bar is shown from the start; `close` removes it.

    Args:
        context: The context of the runs; their progress is added to the bar.
        length: Number of pictures.
        plural: What to call them.
        fail_fast: Whether the first failure ends the batch.
    """

    def __init__(
        self, context: RunContext, length: int, plural: str, *, fail_fast: bool = False
    ) -> None:
        self.length = length
        self.skipped = self.made = 0
        self.failed: list[str] = []
        self._context = context
        self._plural = plural
        self._fail_fast = fail_fast
        self._unfinished: list[str] = []
        self._progress = context.batch = BatchProgress(length, quiet=context.quiet)

    @property
    def remaining(self) -> int:
        """Number of pictures that were not begun or not finished."""
        return self.length - self._done - len(self.failed)

    @property
    def ended(self) -> bool:
        """Whether a failure ended the batch."""
        return self._fail_fast and bool(self.failed)

    @property
    def _done(self) -> int:
        return self.skipped + self.made

    def close(self) -> None:
        """Remove the progress bar."""
        self._progress.close()

    def begin(self, name: str) -> None:
        """Begin the next picture."""
        self._progress.begin(name)

    def show_in_work(self, count: int) -> None:
        """Show how many pictures are in work at once."""
        self._progress.show_in_work(count)

    def count(
        self, name: str, result: PictureResult | ExistingResult | None
    ) -> PictureResult | ExistingResult | None:
        """Count the current picture as made or existing; None if its run was stopped.

        Args:
            name: The picture's name in the progress.
            result: Its result.
        """
        if isinstance(result, PictureResult):
            self.finish(name, result)
            return None if result.stopped else result
        self.skip()
        return result

    def skip(self) -> None:
        """Count the current picture as one that exists already."""
        self.skipped += 1
        self._progress.drop()

    def finish(self, name: str, result: PictureResult) -> None:
        """Count the current picture as made, unless its run was stopped.

        Args:
            name: The picture's name in the progress.
            result: Its result.
        """
        if result.stopped:
            self._unfinished.append(str(result.path))
            return
        self.made += 1
        self._progress.finish(name, result.path, result.seconds)

    def fail(self, name: str, line: str, failure: Failure) -> None:
        """Count the current picture as failed, and report it.

        Args:
            name: The picture's name in the summary.
            line: The message.
            failure: The failure.

        Raises:
            StyleTransferError: The failure itself, if the other pictures would
                fail in the same way.
        """
        if not _concerns_one_picture(failure.kind):
            if self._done:
                self._context.notify(self._summary())
            raise failure.error()
        self._context.notify(f"error: {line}")
        self.failed.append(name)
        self._progress.drop()

    def stop_message(self) -> str | None:
        """Return the message if a signal ends the batch now; None if all pictures are done."""
        if not self.remaining:
            return None
        if self.remaining == self.length and not self._unfinished:
            return NOTHING_YET
        best = ""
        if self._unfinished:
            which = "unfinished one is" if len(self._unfinished) == 1 else "unfinished ones are"
            best = f"; the {which} saved as {list_briefly(self._unfinished)}"
        return f"interrupted: {self._summary()}{best}"

    def report_skipped(self) -> None:
        """Report how many results exist already, if any."""
        if self.skipped:
            self._context.inform(f"{self.skipped} of {self.length} results already exist")

    def refuse_failures(self) -> None:
        """Raise a `StyleTransferError` that names the failed pictures, if there are any."""
        if self.failed:
            rest = f"; --fail-fast skipped the other {self.remaining}" if self.remaining else ""
            raise StyleTransferError(
                f"{len(self.failed)} of {self.length} {self._plural} failed: "
                f"{list_briefly(self.failed)}{rest}"
            )

    def _summary(self) -> str:
        return f"{self._done} of {self.length} {self._plural} are done; --skip-existing resumes"


def _concerns_one_picture(kind: type[StyleTransferError]) -> bool:
    """Whether other pictures may succeed after an error of a class."""
    own = issubclass(kind, (ImageError, DivergenceError, ShortageError))
    return own and not issubclass(kind, UnsavedError)
