"""What runs on a worker: it makes one picture at a time, and keeps its network.

The state of a process is kept here by the key of each order: functions that a client
sends find it there.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from styletransfer.device.free_memory import limit_memory
from styletransfer.images.pipes import given_pictures
from styletransfer.runs.batches.outcomes import attempt
from styletransfer.runs.cluster.order import Answer, NotAdmitted
from styletransfer.runs.cluster.sending import Moved
from styletransfer.runs.context import RunContext
from styletransfer.runs.frames.shots import go_on_from
from styletransfer.runs.interruption import StopRequest
from styletransfer.runs.picture import PictureRun

if TYPE_CHECKING:
    from collections.abc import Mapping

    from styletransfer.runs.cluster.order import Line, Order
    from styletransfer.runs.jobs import Job, PictureResult

ADMISSION = 10.0
"""Seconds in which the client checks a worker that is new."""

_sessions: dict[str, Session] = {}
_one_at_a_time = threading.Lock()


class ClientStop(StopRequest):
    """Asked for by the client; signals have nothing to do with it."""

    asked = False

    @property
    def requested(self) -> bool:
        """Whether the client asked."""
        return self.asked


@dataclass(slots=True, kw_only=True)
class WorkerContext(RunContext):
    """Collects the lines that the client reports."""

    lines: list[Line] = field(default_factory=list)

    def inform(self, line: str) -> None:
        """Collect a line that the client may leave out."""
        self.lines.append(("inform", line))

    def announce(self, line: str) -> None:
        """Collect a line that the client reports unless it is the last one."""
        self.lines.append(("announce", line))


class Session:
    """What a worker keeps for the jobs of an order.

    Args:
        order: The order.
        folder: For the file of weights.
    """

    def __init__(self, order: Order, folder: Path) -> None:
        self.order = order
        self.admitted = threading.Event()
        self.stop = ClientStop()
        self.weights: Path | None = None
        if order.weights is not None:
            suffix, content = order.weights
            self.weights = folder / f"weights-{order.key}{suffix}"
            self.weights.write_bytes(content)
        self._context: WorkerContext | None = None
        self._for: Job | None = None

    def run(self, job: Job, start: Job | None) -> PictureResult:
        """Make a picture, as `PictureRun` does, possibly from the result of an earlier frame."""
        context = self.context_for(job)
        run = PictureRun.prepare(job, context)
        if self.order.is_prepared:
            context.lines.clear()
        if self.weights is not None:
            # Only read there: what the result records is the path of the command.
            run.job = replace(job, settings=replace(job.settings, weights=str(self.weights)))
        if start is not None:
            go_on_from(start, run)
        # The client has the masks.
        return replace(run.run(), settings=job.settings, regions=None)

    def context_for(self, job: Job) -> WorkerContext:
        """Return the context of a job; that of the last one if it has the same pictures."""
        last = self._for
        if self._context is None or last is None or last.settings != job.settings:
            # The client has opened the same pictures, and reported what there is to say.
            opened = WorkerContext.open(
                job.styles,
                job.settings,
                self.stop,
                lambda _: None,
                quiet=True,
                verbose=self.order.verbose,
            )
            opened.notify = lambda line: opened.lines.append(("notify", line))
            self._context, self._for = opened, job
        self._context.lines.clear()
        return self._context

    def take_lines(self) -> tuple[Line, ...]:
        """Return what the last run reported."""
        return () if self._context is None else tuple(self._context.lines)


def begin(order: Order, name: str, folder: Path) -> None:
    """Prepare a worker for the jobs of an order.

    Args:
        order: The order.
        name: The name of the worker; those on this machine are numbered from 0.
        folder: A folder of the worker.
    """
    if order.memory is not None:
        limit_memory(order.memory)
    if order.cards:
        # Read when torch uses CUDA for the first time.
        os.environ["CUDA_VISIBLE_DEVICES"] = order.cards[int(name)]
    _sessions[order.key] = Session(order, folder)


def admit(key: str) -> None:
    """Let this worker do the jobs of an order, since the client has checked it."""
    _sessions[key].admitted.set()


def ask_to_stop(key: str) -> None:
    """End the run in work, whose best picture is saved, and let those that follow not begin."""
    if key in _sessions:
        _sessions[key].stop.asked = True


def end(key: str) -> None:
    """Forget an order, and end the run in work if there is one."""
    session = _sessions.pop(key, None)
    if session is not None:
        session.stop.asked = True
        if session.weights is not None:
            session.weights.unlink(missing_ok=True)


def make(
    number: int, job: Job, start: Job | None, files: Mapping[Path, bytes], key: str
) -> Answer | NotAdmitted | None:
    """Make a picture, if this worker is admitted.

    Args:
        number: Which job it is, from 0.
        job: The job, with the paths of the command.
        start: The frame from whose result it starts. None: it starts by itself.
        files: What only this job reads, if the workers do not see the files of the command.
        key: That of the order.

    Returns:
        The answer; None if the client asked to stop before the picture was begun.
    """
    with _one_at_a_time:
        session = _sessions.get(key)
        # Of a worker that is started again, the client learns after the scheduler.
        if session is None or not session.admitted.wait(ADMISSION):
            return NotAdmitted()
        if session.stop.requested:
            return None
        if session.order.files is None:
            with contextlib.chdir(session.order.folder):
                outcome = attempt(number, partial(session.run, job, start))
            return Answer(outcome, session.take_lines())
        given = {**session.order.files, **files}
        return _make_elsewhere(number, job, start, given, session)


def _make_elsewhere(
    number: int, job: Job, start: Job | None, given: Mapping[Path, bytes], session: Session
) -> Answer:
    """Make a picture from given bytes, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="stylize-") as folder, given_pictures(given):
        moved = Moved(job, Path(folder), session.weights)
        outcome = attempt(number, partial(session.run, moved.job, start))
        return moved.answer(outcome, session.take_lines())


def count_cards() -> list[str]:
    """Return the CUDA devices that this worker sees. Imports torch."""
    import torch

    count = torch.cuda.device_count()
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return (named.split(",") if named else [str(index) for index in range(count)])[:count]
