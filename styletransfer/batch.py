"""The pictures of a run: a single one, or all of a folder."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, NamedTuple

from styletransfer.delivery import UnsavedError
from styletransfer.errors import (
    ConfigError,
    DivergenceError,
    ImageError,
    ShortageError,
    StyleTransferError,
)
from styletransfer.images import check_output, is_whole
from styletransfer.listing import enumerate_briefly, list_pictures
from styletransfer.naming import (
    DEFAULT_NAME,
    Job,
    Template,
    check_folder,
    name_results,
    refuse_overwriting,
)
from styletransfer.progress import SeriesProgress

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from styletransfer.painter import Painter
    from styletransfer.painting import Painting

    Results = Generator[Painting | Job, None, None]


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
    refuse_idle(options)
    job = Job(content, output)
    if options.skip_existing and is_whole(output):
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
        remove(unfinished)


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
    yield from FolderRun(painter, folder, jobs, options).paint()


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
    passed = enumerate_briefly([*others, *(f"{name}{os.sep}" for name in folders)])
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


class FolderRun:
    """Paints one picture of a folder after the other, and knows how far it is.

    Args:
        painter: Knows the styles and the settings.
        folder: Of the contents.
        jobs: The pictures.
        options: What is skipped, and what if one fails.
    """

    def __init__(self, painter: Painter, folder: Path, jobs: list[Job], options: Options) -> None:
        self.painter = painter
        self.folder = folder
        self.jobs = jobs
        self.options = options
        self.kept = self.painted = 0
        self.failed: list[str] = []

    def paint(self) -> Results:
        """Paint the pictures, as `paint_folder` says."""
        with SeriesProgress(len(self.jobs), quiet=self.painter.quiet) as progress:
            for job in self.jobs:
                self.painter.stop.release()
                progress.begin(job.content.name)
                result = self._result(job, progress)
                if result is not None:
                    yield result
                elif self.options.fail_fast:
                    break
        if self.kept and not self.painter.quiet:
            self.painter.say(f"{self.kept} of {len(self.jobs)} results were there already")
        if self.failed:
            raise StyleTransferError(self._failures())

    def _result(self, job: Job, progress: SeriesProgress) -> Painting | Job | None:
        """The result of a job, painted unless it is to be kept; None if that failed."""
        if self.options.skip_existing and is_whole(job.output):
            self.kept += 1
            self.painter.stop.message = self._interrupted()
            progress.drop()
            return job
        try:
            painting = self.painter.paint(
                job.content, job.output, unfinished=job.unfinished, series=progress
            )
        except StyleTransferError as error:
            if not concerns_one(error):
                if self.kept + self.painted:
                    self.painter.say(self._progress())
                raise
            named = str(error) if str(job.content) in str(error) else f"{job.content}: {error}"
            self.painter.say(f"error: {named}")
            self.failed.append(str(job.content.relative_to(self.folder)))
            progress.drop()
            return None
        if painting.stopped:
            self.painter.stop.message = self._interrupted(painting.path)
            self.painter.stop.release()
        self.painted += 1
        self.painter.stop.message = self._interrupted()
        progress.finish(str(job.content), job.output, painting.seconds)
        remove(job.unfinished)
        return painting

    def _progress(self) -> str:
        done = self.kept + self.painted
        return f"{done} of {len(self.jobs)} pictures are done; --skip-existing resumes"

    def _interrupted(self, unfinished: Path | None = None) -> str:
        best = "" if unfinished is None else f"; {unfinished} holds the one at work"
        return f"interrupted: {self._progress()}{best}"

    def _failures(self) -> str:
        untried = len(self.jobs) - self.kept - self.painted - len(self.failed)
        rest = f"; --fail-fast left {untried} untried" if untried else ""
        names = enumerate_briefly(self.failed)
        return f"{len(self.failed)} of {len(self.jobs)} pictures failed: {names}{rest}"


def concerns_one(error: StyleTransferError) -> bool:
    """Whether what ended one picture says nothing against the next."""
    own = isinstance(error, ImageError | DivergenceError | ShortageError)
    return own and not isinstance(error, UnsavedError)


def refuse_idle(options: Options) -> None:
    """Refuse what is for folders, where the content is none, with a `ConfigError`."""
    given = {
        "--recursive": options.recursive,
        "--name": options.name is not None,
        "--fail-fast": options.fail_fast,
    }
    for flag in (flag for flag, is_given in given.items() if is_given):
        raise ConfigError(f"{flag} has no effect: CONTENT is not a folder")


def remove(unfinished: Path) -> None:
    """Take away what an interrupted run left, once the whole picture is there."""
    with contextlib.suppress(OSError):
        unfinished.unlink(missing_ok=True)
