"""The pictures of a run: a single one, or all of a folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from styletransfer.errors import ConfigError, ImageError, StyleTransferError
from styletransfer.images.tensors import check_output, is_complete
from styletransfer.runs.folder import list_briefly, list_pictures
from styletransfer.runs.naming import (
    DEFAULT_NAME,
    Job,
    Template,
    check_folder,
    name_results,
    refuse_overwriting,
)
from styletransfer.runs.tally import BatchTally, remove_unfinished

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from styletransfer.runs.painting import PictureResult
    from styletransfer.runs.picture import Painter

    Results = Generator[PictureResult | Job, None, None]


class Options(NamedTuple):
    """How the pictures of a run are treated."""

    recursive: bool = False
    """Enter the folders in the content."""

    name: str | None = None
    """The template of the results' names; None: `DEFAULT_NAME`."""

    skip_existing: bool = False
    """Leave results that are there as they are."""

    fail_fast: bool = False
    """End with the first failure."""


def paint_picture(painter: Painter, content: Path, output: Path, options: Options) -> Results:
    """Paint a single picture.

    Args:
        painter: Knows the styles and the settings.
        content: A picture file.
        output: Where the result goes.
        options: Those that are for folders are refused.

    Yields:
        The result, once it is saved; a job if it was there already.

    Raises:
        ConfigError: If an option has no effect.
        StyleTransferError: As `Painter.paint` does.
        InterruptionError: If a signal ended the run.
    """
    refuse_folder_options(options)
    job = Job(content, output)
    if options.skip_existing and is_complete(output):
        refuse_overwriting([job], painter.inputs)
        if painter.log is not None:
            painter.say(f"{painter.log}: not written, since {output} was there already")
        yield job
        return
    unfinished = None
    if options.skip_existing:
        check_output(output, [content, *painter.inputs])
        # The next run would take an unfinished picture at the output for a whole one.
        unfinished = job.unfinished
    painting = painter.paint(content, output, unfinished=unfinished)
    yield painting
    if painting.stopped:
        painter.stop.message = f"stopped early: {painting.path} holds the best picture so far"
        painter.stop.release()
    if unfinished is not None:
        remove_unfinished(job)


def paint_folder(painter: Painter, folder: Path, output: Path, options: Options) -> Results:
    """Paint all pictures of a folder.

    Args:
        painter: Knows the styles and the settings.
        folder: Of the contents.
        output: The folder of the results.
        options: Which pictures, under which names, and what if one fails.

    Yields:
        The results as they are saved; a job where one was there already.

    Raises:
        StyleTransferError: Before the first picture if the folder, the output
            or a name is refused; at once if whatever is wrong would be so with
            every picture; at the end if any failed.
        InterruptionError: If a signal ended the run.
    """
    jobs = plan_folder(painter, folder, output, options)
    series = BatchTally(painter, len(jobs), "pictures")
    with series.progress:
        for job in jobs:
            painter.stop.release()
            series.progress.begin(job.content.name)
            result = _result(job, folder, options, series)
            if result is not None:
                yield result
            elif options.fail_fast:
                break
    series.report_skipped()
    series.refuse_failures()


def plan_folder(painter: Painter, folder: Path, output: Path, options: Options) -> list[Job]:
    """Find the pictures of a folder, and refuse what can be before any work.

    Args:
        painter: Knows the styles and the settings.
        folder: Of the contents.
        output: The folder of the results; made if missing.
        options: Which pictures, under which names.

    Returns:
        The jobs, in natural order of their contents.

    Raises:
        StyleTransferError: As `paint_folder` does before the first picture.
    """
    template = Template(DEFAULT_NAME if options.name is None else options.name)
    check_folder(folder, output)
    pictures, others, folders = list_pictures(folder, output, recursive=options.recursive)
    hint = "; --recursive enters folders" if folders and not options.recursive else ""
    if not pictures:
        raise ImageError(f"{folder}: there is no picture in it{hint or '; choose another folder'}")
    passed = list_briefly([*others, *(f"{name}{os.sep}" for name in folders)])
    if passed and not painter.quiet:
        painter.say(f"{folder}: passed over what is no picture: {passed}{hint}")
    jobs = name_results(
        pictures, folder, output, template, painter.style_paths, painter.settings.seed
    )
    refuse_overwriting(jobs, painter.inputs)
    for job in jobs:
        if not (options.skip_existing and os.path.lexists(job.output)):
            check_output(job.output, [])
            check_output(job.unfinished, [])
    return jobs


def _result(
    job: Job, folder: Path, options: Options, series: BatchTally
) -> PictureResult | Job | None:
    """The result of a job, painted unless it is to be kept; None if that failed."""
    if options.skip_existing and is_complete(job.output):
        series.keep()
        return job
    painter = series.painter
    try:
        painting = painter.paint(
            job.content, job.output, unfinished=job.unfinished, series=series.progress
        )
    except StyleTransferError as error:
        line = str(error) if str(job.content) in str(error) else f"{job.content}: {error}"
        series.fail(str(job.content.relative_to(folder)), line, error)
        return None
    if painting.stopped:
        series.set_stop_message(painting.path)
        painter.stop.release()
    series.finish(str(job.content), job, painting.seconds)
    return painting


def refuse_folder_options(options: Options) -> None:
    """Refuse what is for folders, where the content is none, with a `ConfigError`."""
    given = {
        "--recursive": options.recursive,
        "--name": options.name is not None,
        "--fail-fast": options.fail_fast,
    }
    for flag in (flag for flag, is_given in given.items() if is_given):
        raise ConfigError(f"{flag} has no effect: CONTENT is not a folder")
