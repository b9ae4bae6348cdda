"""The files of jobs: whether the workers see them, and how they are sent if not."""

from __future__ import annotations

import contextlib
import secrets
import stat
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from styletransfer.errors import ImageError, UnsavedError, reason
from styletransfer.images.pipes import regular_file
from styletransfer.masks.region_masks import mask_files
from styletransfer.output_files import refuse_replacing, save_file
from styletransfer.runs.batches.outcomes import Failure, Outcome
from styletransfer.runs.cluster.order import Answer, ask_workers
from styletransfer.runs.jobs import PictureResult
from styletransfer.runs.resolve import init_file, weights_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from distributed import Client

    from styletransfer.runs.cluster.order import Line
    from styletransfer.runs.jobs import Job

Mark = tuple[int, int]
"""Size and time of change of a file; a copy elsewhere may have another time."""


def workers_see(client: Client, jobs: Sequence[Job], workers: Sequence[str]) -> bool:
    """Whether workers see the files that jobs read, and the folders of their results.

    Args:
        client: Connected to the workers.
        jobs: The jobs.
        workers: The addresses of the workers.

    Raises:
        ImageError: If a folder of results cannot be written.
    """
    inputs = dict.fromkeys(path for job in jobs for path in job.inputs)
    # What is missing is missing everywhere, and fails there as it does here.
    marks = {path: _mark(path) for path in inputs if path.exists()}
    if None in marks.values():  # a pipe
        return False
    with contextlib.ExitStack() as stack:
        for folder in dict.fromkeys(job.output.parent for job in jobs):
            token = stack.enter_context(_token_in(folder))
            marks[token] = _mark(token)
        answers = ask_workers(client, sees, Path.cwd(), marks, workers=workers)
    # One that does not answer does not count as one that sees.
    return all(answers.get(address) is True for address in workers)


def sees(folder: Path, marks: Mapping[Path, Mark]) -> bool:
    """Whether this process sees the same files as another one.

    Args:
        folder: The current folder of the other; relative paths start there.
        marks: What the other sees.
    """
    return all(_mark(folder / path) == mark for path, mark in marks.items())


def read_input(path: Path) -> bytes:
    """Read a file, or a pipe, to be sent.

    Raises:
        ImageError: If it cannot be read.
    """
    try:
        with regular_file(path) as file:
            return file.read_bytes()
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error
    except OSError as error:
        raise ImageError(f"{path}: {reason(error)}") from error


def read_shared(job: Job) -> dict[Path, bytes]:
    """Read the pictures that a job has in common with the others of its request, to be sent.

    Raises:
        ImageError: If one cannot be read.
    """
    init = init_file(job.settings)
    paths = [*job.styles, *mask_files(job.settings), *([] if init is None else [init])]
    return {path: read_input(path) for path in paths}


def read_weights(job: Job) -> tuple[str, bytes] | None:
    """Read the file of the network's weights, to be sent; None if it is not one of the user.

    Returns:
        Its suffix, which says how it is read, and its content.

    Raises:
        ImageError: If it cannot be read.
    """
    path = weights_file(job.settings)
    return None if path is None else (path.suffix, read_input(path))


class Moved:
    """A job whose files are written to a temporary folder, and then answered.

    Args:
        job: The job, with the paths of the command.
        folder: The temporary folder.
        weights: Where the file of the network's weights is. None: none was sent.
    """

    def __init__(self, job: Job, folder: Path, weights: Path | None = None) -> None:
        self._folders = {folder / "result": job.output.parent}
        for moved in self._folders:
            moved.mkdir()
        log = job.log
        if log is not None:
            self._folders[folder / "log"] = log.parent
            log = folder / "log" / log.name
        # Joined to a name, since nothing is written before one in the current folder.
        self._names = {
            str(moved / "x")[:-1]: str(original / "x")[:-1]
            for moved, original in self._folders.items()
        }
        if weights is not None:
            self._names[str(weights)] = str(weights_file(job.settings))
        result = folder / "result"
        self.job = replace(
            job,
            output=result / job.output.name,
            unfinished=result / job.unfinished.name,
            log=log,
        )

    def answer(self, outcome: Outcome, lines: Sequence[Line]) -> Answer:
        """Answer with the files that were written, under the paths of the command."""
        files = {
            original / path.name: path.read_bytes()
            for moved, original in self._folders.items()
            if moved.is_dir()
            for path in moved.iterdir()
        }
        result, failure = outcome.result, outcome.failure
        if result is not None:
            result = replace(result, path=Path(self._original(str(result.path))))
        if failure is not None:
            failure = Failure(failure.kind, self._original(failure.line))
        texts = tuple((method, self._original(line)) for method, line in lines)
        return Answer(Outcome(outcome.number, result, failure), texts, files)

    def _original(self, text: str) -> str:
        """Replace the paths of this process by those of the command."""
        for moved, original in self._names.items():
            text = text.replace(moved, original)
        return text


def save_answer(answer: Answer, job: Job) -> Outcome:
    """Save the files that a worker sent.

    Args:
        answer: Its answer.
        job: The job, with the paths of the command.

    Returns:
        What became of the job; a failure if a file could not be saved at its path.
    """
    try:
        for path, data in answer.files.items():
            _save(path, data, job)
    except ImageError as error:
        return Outcome(answer.outcome.number, failure=Failure(type(error), str(error)))
    result = answer.outcome.result
    if isinstance(result, PictureResult) and answer.files and not result.stopped:
        with contextlib.suppress(OSError):
            job.unfinished.unlink(missing_ok=True)
    return answer.outcome


def _save(path: Path, data: bytes, job: Job) -> None:
    """Save a file; if that fails, save it in the temporary folder so that it is not lost."""
    try:
        refuse_replacing(path, job.inputs)
        save_file(data, path)
    except ImageError as error:
        rescue = Path(tempfile.gettempdir()) / f"stylize-{secrets.token_hex(4)}{path.suffix}"
        try:
            save_file(data, rescue)
        except ImageError as again:
            raise UnsavedError(f"{error}; nor could it be saved as {rescue}") from again
        raise UnsavedError(f"{error}; it was saved as {rescue} instead") from error


def _mark(path: Path) -> Mark | None:
    """What tells a file from others; None if it is not a regular file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None


@contextlib.contextmanager
def _token_in(folder: Path) -> Iterator[Path]:
    """Write a small hidden file, and remove it at the end."""
    token = folder / f".stylize-{secrets.token_hex(8)}.tmp"
    save_file(secrets.token_bytes(secrets.randbelow(256) + 1), token)
    try:
        yield token
    finally:
        token.unlink(missing_ok=True)
