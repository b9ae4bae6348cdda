"""Executes a request: makes a picture, all pictures of a folder, or a sweep."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from styletransfer.errors import ConfigError, ImageError
from styletransfer.images.pipes import STDOUT
from styletransfer.images.tensors import OUTPUT_SUFFIXES, check_output, is_complete
from styletransfer.runs.batches.batch import run_folder
from styletransfer.runs.batches.folder import is_folder
from styletransfer.runs.batches.naming import refuse_overwriting
from styletransfer.runs.batches.sweep import run_sweep
from styletransfer.runs.cluster.address import check_cluster
from styletransfer.runs.context import RunContext
from styletransfer.runs.frames.refusals import check_frames
from styletransfer.runs.frames.sequence import run_frames
from styletransfer.runs.frames.video import run_video
from styletransfer.runs.interruption import NOTHING_YET
from styletransfer.runs.jobs import CHECKPOINT_MINUTES, ExistingResult, Job, partial_path
from styletransfer.runs.picture import PictureRun
from styletransfer.runs.ranks import on_several_ranks

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from styletransfer.runs.interruption import StopRequest
    from styletransfer.runs.jobs import AnyResult, Request
    from styletransfer.runs.steering import Pilot

    Results = Generator[AnyResult, None, None]

_USUAL_STYLES = 4
_FOLDER_REMEDY = "give a folder of pictures as CONTENT to get a folder of results"


def execute(
    request: Request,
    stop: StopRequest,
    notify: Callable[[str], None],
    *,
    quiet: bool = False,
    verbose: bool = False,
    pilot: Pilot | None = None,
) -> Results:
    """Execute a request.

    Args:
        request: What to make.
        stop: Ends the runs early.
        notify: Called with each line for the user.
        quiet: Report warnings and errors only, and show no progress.
        verbose: Report why the number format was chosen.
        pilot: Steers the run of a single picture. None: its history, or nothing.

    Yields:
        Each result once it is saved; an `ExistingResult` for one that is
        skipped; at the end of a sweep its contact sheet.

    Raises:
        ConfigError: If an option has no effect.
        ImageError: If the result of a single picture is to be a folder.
        StyleTransferError: As `PictureRun`, `run_folder` and `run_sweep` do.
        InterruptionError: If a signal ended the runs.
    """
    check_frames(request)
    _check_processes(request)
    if not request.is_video:
        _refuse_ineffective_options(request)
    if not (request.is_folder or request.is_video):
        _check_arguments(request, notify)
    context = RunContext.open(
        request.styles, request.settings, stop, notify, quiet=quiet, verbose=verbose
    )
    context.pilot = pilot
    if request.sweep is not None:
        yield from run_sweep(request, request.sweep, context)
    elif request.is_video:
        yield from run_video(request, context)
    elif request.frames:
        yield from run_frames(request, context)
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
        config=request.config,
        log=request.log,
        save_every=request.save_every,
        checkpoint=request.checkpoint,
        checkpoint_every=CHECKPOINT_MINUTES
        if request.checkpoint_every is None
        else request.checkpoint_every,
    )
    if exists:
        refuse_overwriting([job])
        if job.log is not None:
            context.notify(f"{job.log}: not written, since {output} already exists")
        with context.stop.deferred(lambda: None):
            yield ExistingResult(path=output, content=job.content)
        return
    message: str | None = NOTHING_YET
    with context.stop.deferred(lambda: message):
        run = PictureRun.prepare(job, context)
        with run.piloted():
            result = run.run()
        best = f"stopped early: {result.path} holds the best picture so far"
        if job.checkpoint is not None and job.checkpoint.exists():
            best += f"; the same command goes on from {job.checkpoint}"
        message = best if result.stopped else None
        yield result


def _check_arguments(request: Request, notify: Callable[[str], None]) -> None:
    """Explain how pictures and folders go together to one who gave all pictures of a folder."""
    content, output, styles = request.content, request.output, len(request.styles)
    if is_folder(output):
        raise ImageError(
            f"{output}: this is a folder, but CONTENT is the picture {content}; "
            f"name a file in it, or {_FOLDER_REMEDY}"
        )
    if not output.suffix and output != STDOUT:
        raise ImageError(
            f"{output}: unknown suffix; use one of {' '.join(OUTPUT_SUFFIXES)}, or {_FOLDER_REMEDY}"
        )
    settings = request.settings
    assigned = settings.style_blend or settings.content_mask or settings.style_mask
    if styles > _USUAL_STYLES and not assigned:
        notify(
            f"{styles} styles are blended: CONTENT is the first picture, {content}, and all others "
            f"are styles; if they should be painted themselves, {_FOLDER_REMEDY}"
        )


def _refuse_ineffective_options(request: Request) -> None:
    every = request.checkpoint_every
    if every is not None and request.checkpoint is None:
        raise ConfigError("--checkpoint-every has no effect: there is no --checkpoint")
    if every is not None and not 0 <= every < math.inf:
        raise ConfigError(f"--checkpoint-every must be 0 or more minutes, not {every:g}")
    if request.checkpoint is not None and request.settings.history is not None:
        raise ConfigError("--checkpoint does not keep what --history needs; omit one of the two")
    if request.sweep is not None and request.checkpoint is not None:
        raise ConfigError(
            "--checkpoint needs a single result, but a list of weights is given; "
            "--skip-existing resumes a list"
        )
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


def _check_processes(request: Request) -> None:
    is_single = not (request.is_folder or request.is_video) and request.sweep is None
    if on_several_ranks() and not is_single:
        raise ConfigError(
            "torchrun shares the tiles of a single picture; for several pictures use --cluster"
        )
    if request.cluster is not None:
        if is_single:
            raise ConfigError(
                "--cluster has no effect: CONTENT is a single picture; give a folder of pictures, "
                "or a list of weights"
            )
        check_cluster(request.cluster)
