"""Executes a request: makes a picture, all pictures of a folder, or a sweep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from styletransfer.errors import ConfigError
from styletransfer.images.tensors import check_output, decode_picture, is_complete
from styletransfer.runs.batch import run_folder
from styletransfer.runs.interruption import NOTHING_YET
from styletransfer.runs.jobs import ExistingResult, Job, partial_path
from styletransfer.runs.naming import refuse_overwriting
from styletransfer.runs.picture import InputPicture, PictureRun
from styletransfer.runs.resolve import init_file
from styletransfer.runs.sweep import run_sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from styletransfer.runs.interruption import StopRequest
    from styletransfer.runs.jobs import AnyResult, Request
    from styletransfer.runs.progress import BatchProgress
    from styletransfer.settings import Settings
    from styletransfer.transfer.stylize import SharedTargets

    Results = Generator[AnyResult, None, None]


@dataclass(slots=True, kw_only=True)
class RunContext:
    """What all runs of a request share."""

    styles: Sequence[InputPicture]
    """The style pictures."""

    init: InputPicture | None
    """The picture to start from; None: the content or noise."""

    background: str
    """The colour behind transparent pictures."""

    stop: StopRequest
    """Ends a run early."""

    notify: Callable[[str], None]
    """Called with each line for the user."""

    quiet: bool = False
    """Report warnings and errors only."""

    verbose: bool = False
    """Report why the number format was chosen."""

    batch: BatchProgress | None = None
    """The progress of the folder or sweep that the runs belong to."""

    targets: SharedTargets | None = None
    """Targets that the runs of a sweep share."""

    announced: str = ""
    """The last announcement."""

    @classmethod
    def open(
        cls,
        styles: Sequence[Path],
        settings: Settings,
        stop: StopRequest,
        notify: Callable[[str], None],
        *,
        quiet: bool = False,
        verbose: bool = False,
    ) -> Self:
        """Decode the style pictures and the picture to start from.

        Raises:
            ImageError: If one cannot be read.
        """
        init = init_file(settings)
        pictures = {
            path: InputPicture(
                path, decode_picture(path, background=settings.background, note=notify)
            )
            for path in dict.fromkeys([*styles, *([] if init is None else [init])])
        }
        return cls(
            styles=[pictures[path] for path in styles],
            init=None if init is None else pictures[init],
            background=settings.background,
            stop=stop,
            notify=notify,
            quiet=quiet,
            verbose=verbose,
        )

    def inform(self, line: str) -> None:
        """Report a line that is neither a warning nor an error."""
        if not self.quiet:
            self.notify(line)

    def announce(self, line: str) -> None:
        """Report how a run is computed, unless the last one was computed in the same way."""
        if line != self.announced:
            self.inform(line)
        self.announced = line


def execute(
    request: Request,
    stop: StopRequest,
    notify: Callable[[str], None],
    *,
    quiet: bool = False,
    verbose: bool = False,
) -> Results:
    """Execute a request.

    Args:
        request: What to make.
        stop: Ends the runs early.
        notify: Called with each line for the user.
        quiet: Report warnings and errors only, and show no progress.
        verbose: Report why the number format was chosen.

    Yields:
        Each result once it is saved; an `ExistingResult` for one that is
        skipped; at the end of a sweep its contact sheet.

    Raises:
        ConfigError: If an option has no effect.
        StyleTransferError: As `PictureRun`, `run_folder` and `run_sweep` do.
        InterruptionError: If a signal ended the runs.
    """
    _refuse_ineffective_options(request)
    context = RunContext.open(
        request.styles, request.settings, stop, notify, quiet=quiet, verbose=verbose
    )
    if request.sweep is not None:
        yield from run_sweep(request, request.sweep, context)
    elif request.is_folder:
        yield from run_folder(request, context)
    else:
        yield from _run_picture(request, context)


def _run_picture(request: Request, context: RunContext) -> Results:
    """Make a single picture, unless it exists and is to be skipped."""
    output, skip = request.output, request.skip_existing
    exists = skip and is_complete(output)
    if skip and not exists:
        # First, since `partial_path` needs the name of a file.
        check_output(output, request.inputs)
    job = Job(
        content=request.content,
        styles=request.styles,
        settings=request.settings,
        output=output,
        # The next run would take an unfinished picture at the output for a complete one.
        unfinished=partial_path(output) if skip else output,
        log=request.log,
        save_every=request.save_every,
    )
    if exists:
        refuse_overwriting([job])
        if job.log is not None:
            context.notify(f"{job.log}: not written, since {output} already exists")
        yield ExistingResult(path=output, content=job.content)
        return
    message: str | None = NOTHING_YET
    with context.stop.deferred(lambda: message):
        result = PictureRun(job, context).run()
        best = f"stopped early: {result.path} holds the best picture so far"
        message = best if result.stopped else None
        yield result


def _refuse_ineffective_options(request: Request) -> None:
    if request.is_folder:
        if request.sweep is not None:
            raise ConfigError(
                f"a list of weights needs a single content picture, but {request.content} is a "
                "folder; give single numbers, or run the list picture by picture in a loop"
            )
        return
    given = {
        "--recursive": request.recursive,
        "--name": request.name is not None,
        "--fail-fast": request.fail_fast,
    }
    for option in (option for option, is_given in given.items() if is_given):
        raise ConfigError(f"{option} has no effect: CONTENT is not a folder")
