"""The command: reads options, prints the paths of the results, and sets the exit code."""

import os
import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from styletransfer import __version__
from styletransfer.cli import frame_options as frame
from styletransfer.cli import live_options as lively
from styletransfer.cli import region_options as region
from styletransfer.cli import run_options as run
from styletransfer.cli import setting_options as setting
from styletransfer.cli.option_parsing import HintingCommand
from styletransfer.cli.result_json import describe, to_line
from styletransfer.cli.streams import drop_output, protect_streams, share_a_reader
from styletransfer.errors import (
    ConfigError,
    InterruptionError,
    StyleTransferError,
    one_line,
    reason,
)
from styletransfer.images.pipes import STDOUT, kept_pipes
from styletransfer.live.pilot import pilot_for
from styletransfer.report.report import Report
from styletransfer.runs.batches.folder import is_folder
from styletransfer.runs.batches.weight_grid import sweep_from
from styletransfer.runs.execute import execute
from styletransfer.runs.frames.refusals import is_video, refuse_for_video
from styletransfer.runs.interruption import StopRequest
from styletransfer.runs.jobs import PictureResult, Request
from styletransfer.runs.progress import bars_paused
from styletransfer.runs.resolve import config_file, refuse_for_folder, refuse_for_stdout
from styletransfer.settings import field_names

_COMPLETION = "_STYLIZE_COMPLETE"
"""The environment variable that a shell sets to ask for completions."""

app = typer.Typer(
    pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]}
)


def main(stop: StopRequest | None = None) -> None:
    """Run the command; report an expected failure in one line, with an exit code.

    Args:
        stop: Ends the run early; None: a new one.
    """
    protect_streams()
    stop = stop or StopRequest()
    if _COMPLETION in os.environ:
        # Typer breaks help at this width, and a shell treats each line as a candidate.
        os.environ.setdefault("TERMINAL_WIDTH", "10000")
    try:
        # Also under `python -m`: help and completion show this name.
        app(prog_name="stylize", complete_var=_COMPLETION, obj=stop)
    except InterruptionError as error:
        stop.finish()
        _notify(str(error))
        sys.exit(error.exit_code)
    except StyleTransferError as error:
        stop.finish()
        _notify(f"error: {error}")
        sys.exit(2 if isinstance(error, ConfigError) else 1)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"stylize {__version__}")
        raise typer.Exit


@app.command(cls=HintingCommand)
def stylize(
    context: typer.Context,
    content: run.Content,
    styles: run.Styles,
    output: run.Output,
    config: run.Config = None,
    content_weight: setting.ContentWeight = None,
    style_weight: setting.StyleWeight = None,
    style_form: setting.StyleForm = None,
    tv_weight: setting.TVWeight = None,
    tv_form: setting.TVForm = None,
    preserve_color: setting.PreserveColor = None,
    style_blend: setting.StyleBlend = None,
    style_scale: setting.StyleScale = None,
    detail: setting.Detail = None,
    content_mask: region.ContentMask = None,
    style_mask: region.StyleMask = None,
    regions: region.Regions = None,
    tileable: setting.Tileable = None,
    size: setting.Size = None,
    min_size: setting.MinSize = None,
    iterations: setting.Iterations = None,
    tolerance: setting.Tolerance = None,
    init: setting.Init = None,
    seed: setting.Seed = None,
    optimizer: setting.Optimizer = None,
    learning_rate: setting.LearningRate = None,
    preconditioning: setting.Preconditioning = None,
    content_layers: setting.ContentLayers = None,
    style_layers: setting.StyleLayers = None,
    layer_weights: setting.LayerWeights = None,
    history: lively.History = None,
    network: setting.Network = None,
    weights: setting.Weights = None,
    weights_layout: setting.WeightsLayout = None,
    pooling: setting.Pooling = None,
    device: setting.Device = None,
    precision: setting.Precision = None,
    max_memory: setting.MaxMemory = None,
    threads: setting.Threads = None,
    background: setting.Background = None,
    bits: setting.Bits = None,
    keep_metadata: setting.KeepMetadata = None,
    recursive: run.Recursive = False,
    name: run.Name = None,
    skip_existing: run.SkipExisting = False,
    fail_fast: run.FailFast = False,
    cluster: run.Cluster = None,
    frames: frame.Frames = False,
    shots: frame.Shots = None,
    live: lively.Live = False,
    json: run.Json = False,
    save_every: run.SaveEvery = None,
    checkpoint: run.Checkpoint = None,
    checkpoint_every: run.CheckpointEvery = None,
    log: run.Log = None,
    report: run.Report = None,
    quiet: run.Quiet = False,
    verbose: run.Verbose = False,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_version),
    ] = False,
) -> None:
    """Transfer the style of one or more pictures to a content picture.

    stylize photo.jpg painting.jpg -o out.png

    stylize photos painting.jpg -o results

    If CONTENT is a folder, each of its pictures gets a result; if one fails,
    the others are made all the same. A list of weights, such as --tv-weight
    0,0.3,1,3, makes one result for each, such as out-tv0.3.png beside
    --output out.png, which is then a contact sheet of them.

    The path of each result goes to stdout, everything else to stderr. Exit
    codes: 0, all results are complete; 1, a failure, explained in one line; 2,
    wrong usage; 130, 143 or 129, stopped by Ctrl-C, SIGTERM or SIGHUP, with the
    best picture so far saved. A second Ctrl-C quits at once.
    """
    _check_current_folder()
    if quiet and verbose:
        raise ConfigError("--verbose has no effect: --quiet silences it")
    given = {name: context.params[name] for name in field_names()}
    sweep = sweep_from(config, given, len(styles), output)
    request = Request(
        content=content,
        is_folder=is_folder(content),
        is_video=is_video(content, output),
        frames=frames,
        shots=shots,
        styles=tuple(styles),
        settings=sweep.variants[0].settings,
        output=output,
        config=config_file(config),
        sweep=sweep if sweep.axes else None,
        recursive=recursive,
        name=name,
        skip_existing=skip_existing,
        fail_fast=fail_fast,
        cluster=cluster,
        log=log,
        save_every=save_every,
        checkpoint=checkpoint,
        checkpoint_every=checkpoint_every,
    )
    if request.is_folder:
        refuse_for_folder(content, {"--log": log, "--report": report, "--checkpoint": checkpoint})
    if request.is_video:
        refuse_for_video(request, {"--report": report})
    if output == STDOUT:
        refuse_for_stdout(request, {"--json": json, "--report": report})
    pilot = pilot_for(request, _notify) if live else None
    stop, page = context.obj, Report(report, styles, _notify, quiet=quiet)
    with stop.handlers(), kept_pipes():
        page.check([*request.inputs, output, *([] if log is None else [log])])
        results = execute(request, stop, _notify, quiet=quiet, verbose=verbose, pilot=pilot)
        with page, closing(results):
            for result in results:
                _print(result.path, describe(result, styles) if json else None)
                if isinstance(result, PictureResult):
                    page.add(result)
            stop.finish()


def _check_current_folder() -> None:
    """Refuse to run in a folder that was deleted: not even torch can be loaded there."""
    try:
        Path.cwd()
    except OSError as error:
        raise StyleTransferError(
            f"the current folder is gone ({reason(error)}); change to another folder"
        ) from error


def _print(path: Path, described: dict[str, Any] | None) -> None:
    """Print a result to stdout: its description as JSON, or else the bytes of its path.

    Nothing is added to a picture there.
    """
    if path == STDOUT:
        return
    line: Any = str(path)
    if described is not None:
        line = to_line(described, "utf-8" if sys.stdout is None else sys.stdout.encoding)
    elif sys.stdout is not None and sys.stdout.isatty():
        line = one_line(line)
    elif os.name == "posix":
        line = os.fsencode(path)
    try:
        with bars_paused():
            typer.echo(line)
    except OSError as error:
        shared = share_a_reader()
        drop_output()
        if shared:
            # Whoever mixed the paths with the messages does not need them to go on.
            return
        raise StyleTransferError(
            f"stdout: cannot be written ({reason(error)}), so the run ends; "
            f"{path} is saved, and --skip-existing resumes"
        ) from error


def _notify(text: str) -> None:
    with bars_paused():
        typer.echo(f"stylize: {one_line(text)}", err=True)
