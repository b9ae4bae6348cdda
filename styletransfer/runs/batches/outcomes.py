"""What became of a job, as plain data, so that any process can tell any other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from styletransfer.errors import StyleTransferError
from styletransfer.images.tensors import is_complete
from styletransfer.runs.jobs import ExistingResult

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from styletransfer.runs.jobs import Job, PictureResult, Request

    Outcomes = Generator["Outcome"]


@dataclass(frozen=True, slots=True)
class Failure:
    """An expected failure. The exception itself may hold a picture, which needs not travel."""

    kind: type[StyleTransferError]
    """The class of the exception."""

    line: str
    """Its message."""

    def error(self) -> StyleTransferError:
        """Make an exception of this class with this message, and nothing else."""
        # Without __init__, for which some classes need a picture.
        return self.kind.__new__(self.kind, self.line)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job; either `result` or `failure` is given."""

    number: int
    """Which job it was, from 0."""

    result: PictureResult | ExistingResult | None = None
    """What was made, or existed."""

    failure: Failure | None = None
    """Why there is no result."""


def attempt(number: int, make: Callable[[], PictureResult | ExistingResult]) -> Outcome:
    """Do a job, and return an expected failure instead of raising it.

    Args:
        number: Which job it is, from 0.
        make: Does it.
    """
    try:
        return Outcome(number, make())
    except StyleTransferError as error:
        return Outcome(number, failure=Failure(type(error), str(error)))


def existing_result(job: Job, request: Request) -> ExistingResult | None:
    """Return the result of a job if it exists, is complete and is to be skipped."""
    if request.skip_existing and is_complete(job.output):
        return ExistingResult(path=job.output, content=job.content)
    return None
