"""A folder: one job for each of its pictures."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from styletransfer.errors import ImageError, StyleTransferError
from styletransfer.images.tensors import check_output, is_complete
from styletransfer.runs.batches.folder import check_folder, list_briefly, list_pictures
from styletransfer.runs.batches.naming import name_results, refuse_overwriting
from styletransfer.runs.batches.tally import BatchTally
from styletransfer.runs.jobs import ExistingResult
from styletransfer.runs.picture import PictureRun

if TYPE_CHECKING:
    from collections.abc import Generator

    from styletransfer.runs.batches.folder import FolderListing
    from styletransfer.runs.context import RunContext
    from styletransfer.runs.jobs import Job, PictureResult, Request

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
    with contextlib.closing(BatchTally(context, len(jobs), "pictures")) as tally:
        for job in jobs:
            with context.stop.deferred(tally.stop_message):
                tally.begin(job.content.name)
                result = _make(job, request, context, tally)
                if result is not None:
                    yield result
                elif request.fail_fast:
                    break
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


def _make(
    job: Job, request: Request, context: RunContext, tally: BatchTally
) -> PictureResult | ExistingResult | None:
    """Make a picture, unless it exists and is to be skipped; None if that failed or was stopped."""
    if request.skip_existing and is_complete(job.output):
        tally.skip()
        return ExistingResult(path=job.output, content=job.content)
    try:
        result = PictureRun.prepare(job, context).run()
    except StyleTransferError as error:
        line = str(error) if str(job.content) in str(error) else f"{job.content}: {error}"
        tally.fail(str(job.content.relative_to(request.content)), line, error)
        return None
    tally.finish(str(job.content), result)
    return None if result.stopped else result


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
