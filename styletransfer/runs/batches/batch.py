"""A folder: one job for each of its pictures."""

from __future__ import annotations

import contextlib
import os
from functools import partial
from typing import TYPE_CHECKING

from styletransfer.errors import ImageError
from styletransfer.images.tensors import check_output
from styletransfer.runs.batches.folder import check_folder, list_briefly, list_pictures
from styletransfer.runs.batches.naming import name_results, refuse_overwriting
from styletransfer.runs.batches.outcomes import attempt, existing_result
from styletransfer.runs.batches.tally import BatchTally
from styletransfer.runs.cluster.dispatch import make_on_cluster
from styletransfer.runs.picture import PictureRun

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from styletransfer.runs.batches.folder import FolderListing
    from styletransfer.runs.batches.outcomes import Outcomes
    from styletransfer.runs.context import RunContext
    from styletransfer.runs.jobs import ExistingResult, Job, PictureResult, Request

    Results = Generator[PictureResult | ExistingResult, None, None]


def run_folder(request: Request, context: RunContext) -> Results:
    """Make all pictures of a folder. One that fails is reported, and the next is begun.

    Args:
        request: The folder, and how to treat its pictures.
        context: What the runs share.

    Yields:
        Each result once it is saved or skipped.

    Raises:
        StyleTransferError: Before the first picture if the folder, the output
            or a name is refused; at once if all pictures would fail in the same
            way; at the end if any failed.
        InterruptionError: If a signal ended the runs.
    """
    jobs = plan_folder(request, context)
    tally = BatchTally(context, len(jobs), "pictures", fail_fast=request.fail_fast)
    names = [str(job.content.relative_to(request.content)) for job in jobs]
    yield from counted(_outcomes(jobs, request, context, tally), jobs, names, tally)


def counted(
    outcomes: Outcomes, jobs: Sequence[Job], names: Sequence[str], tally: BatchTally
) -> Results:
    """Count what becomes of jobs, and report those that failed.

    Args:
        outcomes: What becomes of them, in any order.
        jobs: The jobs.
        names: Their names in the summary.
        tally: Counts them; closed at the end.

    Yields:
        Each result that is complete.

    Raises:
        StyleTransferError: At once if all jobs would fail in the same way; at the end
            if any failed.
    """
    with contextlib.closing(tally), contextlib.closing(outcomes):
        for outcome in outcomes:
            content, failure = str(jobs[outcome.number].content), outcome.failure
            if failure is None:
                result = tally.count(content, outcome.result)
                if result is not None:
                    yield result
            else:
                line = failure.line if content in failure.line else f"{content}: {failure.line}"
                tally.fail(names[outcome.number], line, failure)
    tally.report_skipped()
    tally.refuse_failures()


def plan_folder(request: Request, context: RunContext) -> list[Job]:
    """Find the pictures of a folder, and refuse what can be refused before the first.

    Args:
        request: The folder, and how to treat its pictures.
        context: What the runs share.

    Returns:
        The jobs, in natural order of the pictures' names.

    Raises:
        StyleTransferError: If the folder, the output or a name is refused.
    """
    folder = request.content
    check_folder(folder, request.output)
    listing = list_pictures(folder, request.output, recursive=request.recursive)
    hint = "; --recursive enters folders" if listing.folders and not request.recursive else ""
    if not listing.pictures:
        raise ImageError(f"{folder}: contains no pictures{hint or '; choose another folder'}")
    jobs = name_results(listing.pictures, request)
    skipped = _describe_skipped(listing)
    if skipped:
        context.inform(f"{folder}: skipped {skipped}{hint}")
    refuse_overwriting(jobs)
    for job in jobs:
        if not (request.skip_existing and os.path.lexists(job.output)):
            check_output(job.output, [])
            check_output(job.unfinished, [])
    return jobs


def _outcomes(
    jobs: Sequence[Job], request: Request, context: RunContext, tally: BatchTally
) -> Outcomes:
    """Do the jobs: one after the other here, or on a cluster."""
    if request.cluster is not None:
        with context.stop.deferred(tally.stop_message):
            yield from make_on_cluster(jobs, request, context, tally)
        return
    for number, job in enumerate(jobs):
        with context.stop.deferred(tally.stop_message):
            tally.begin(job.content.name)
            yield attempt(number, partial(_make, job, request, context))
        if tally.ended:
            break


def _make(job: Job, request: Request, context: RunContext) -> PictureResult | ExistingResult:
    """Make a picture, unless it exists and is to be skipped."""
    return existing_result(job, request) or PictureRun.prepare(job, context).run()


def _describe_skipped(listing: FolderListing) -> str:
    """Count and list what is skipped; empty if there is nothing."""
    folders = [f"{name}{os.sep}" for name in listing.folders]
    kinds = (
        (listing.others, "file that is not an image", "files that are not images"),
        (listing.developed, "RAW file beside its picture", "RAW files beside their pictures"),
        (folders, "folder", "folders"),
    )
    return " and ".join(
        f"{len(names)} {one if len(names) == 1 else many} ({list_briefly(names)})"
        for names, one, many in kinds
        if names
    )
