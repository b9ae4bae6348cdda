"""A folder of frames: its shots, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from styletransfer.runs.batches.batch import counted, plan_folder
from styletransfer.runs.batches.tally import BatchTally
from styletransfer.runs.cluster.dispatch import make_on_cluster
from styletransfer.runs.frames.shots import make_shot, plan_shots

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from styletransfer.runs.batches.outcomes import Outcomes
    from styletransfer.runs.context import RunContext
    from styletransfer.runs.frames.shots import Shot
    from styletransfer.runs.jobs import ExistingResult, PictureResult, Request

    Results = Generator[PictureResult | ExistingResult, None, None]


def run_frames(request: Request, context: RunContext) -> Results:
    """Make all pictures of a folder as frames of a film, in natural order.

    Args:
        request: The folder, and how to treat its pictures.
        context: What the runs share.

    Yields:
        Each result once it is saved or skipped.

    Raises:
        ConfigError: If there are fewer frames than `Request.shots` says.
        StyleTransferError: As `run_folder` does.
        InterruptionError: If a signal ended the runs.
    """
    jobs = plan_folder(request, context)
    shots = plan_shots(jobs, request.shots, skip_existing=request.skip_existing)
    yield from make_frames(shots, request, context)


def make_frames(shots: Sequence[Shot], request: Request, context: RunContext) -> Results:
    """Make the frames of all shots. One that fails is reported, and the next is begun.

    Args:
        shots: The shots in order.
        request: Says where, and whether to end at the first failure.
        context: What the runs share.

    Yields:
        Each result once it is saved or skipped.

    Raises:
        StyleTransferError: At once if all frames would fail in the same way; at the
            end if any failed.
        InterruptionError: If a signal ended the runs.
    """
    jobs = [job for shot in shots for job in shot.jobs]
    if len(shots) > 1:
        firsts = ", ".join(str(shot.first + 1) for shot in shots)
        context.inform(f"{len(shots)} shots, whose first frames are {firsts}")
    tally = BatchTally(context, len(jobs), "frames", fail_fast=request.fail_fast)
    names = [job.content.name for job in jobs]
    yield from counted(_outcomes(shots, request, context, tally), jobs, names, tally)


def _outcomes(
    shots: Sequence[Shot], request: Request, context: RunContext, tally: BatchTally
) -> Outcomes:
    """Make the shots: one after the other here, or several at once on a cluster."""
    if request.cluster is not None:
        jobs = [job for shot in shots for job in shot.jobs]
        chains = [range(shot.first, shot.first + len(shot.jobs)) for shot in shots]
        with context.stop.deferred(tally.stop_message):
            yield from make_on_cluster(jobs, request, context, tally, chains=chains)
        return
    for shot in shots:
        outcomes = make_shot(shot, context)
        for job in shot.jobs:
            with context.stop.deferred(tally.stop_message):
                tally.begin(job.content.name)
                yield next(outcomes)
            if tally.ended:
                return
