"""The command: options in, pictures out, and an exit code to trust."""

import os
import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from styletransfer import __version__
from styletransfer.cli import run_options as run
from styletransfer.cli import setting_options as setting
from styletransfer.cli.result_json import describe, to_line
from styletransfer.errors import ConfigError, InterruptionError, StyleTransferError, reason
from styletransfer.report.report import Report
from styletransfer.runs.batch import Options
from styletransfer.runs.folder import is_folder
from styletransfer.runs.interruption import StopRequest
from styletransfer.runs.painting import PictureResult
from styletransfer.runs.picture import Painter
from styletransfer.runs.progress import bars_paused
from styletransfer.runs.resolve import refuse_for_folder
from styletransfer.runs.sweep import paint
from styletransfer.runs.weight_grid import sweep_from
from styletransfer.settings import field_names

_COMPLETION = "_STYLIZE_COMPLETE"
"""The environment variable by which a shell asks for completions."""

app = typer.Typer(
    pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]}
)


def main() -> None:
    """Run the command; an expected failure is one line and an exit code."""
    if _COMPLETION in os.environ:
        # Typer breaks help at this width, and a shell takes each line for a candidate.
        os.environ.setdefault("TERMINAL_WIDTH", "10000")
    try:
        # Under `python -m`, too: help and completion are about this name.
        app(prog_name="stylize", complete_var=_COMPLETION)
    except InterruptionError as error:
        _say(str(error))
        sys.exit(error.exit_code)
    except StyleTransferError as error:
        _say(f"error: {error}")
        sys.exit(2 if isinstance(error, ConfigError) else 1)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"stylize {__version__}")
        raise typer.Exit


@app.command()
def stylize(
    context: typer.Context,
    content: run.Content,
    styles: run.Styles,
    output: run.Output,
    config: run.Config = None,
    content_weight: setting.ContentWeight = None,
    style_weight: setting.StyleWeight = None,
    tv_weight: setting.TVWeight = None,
    tv_form: setting.TVForm = None,
    style_blend: setting.StyleBlend = None,
    style_scale: setting.StyleScale = None,
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
    network: setting.Network = None,
    weights: setting.Weights = None,
    weights_layout: setting.WeightsLayout = None,
    pooling: setting.Pooling = None,
    device: setting.Device = None,
    precision: setting.Precision = None,
    threads: setting.Threads = None,
    background: setting.Background = None,
    bits: setting.Bits = None,
    keep_metadata: setting.KeepMetadata = None,
    recursive: run.Recursive = False,
    name: run.Name = None,
    skip_existing: run.SkipExisting = False,
    fail_fast: run.FailFast = False,
    json: run.Json = False,
    save_every: run.SaveEvery = None,
    log: run.Log = None,
    report: run.Report = None,
    quiet: run.Quiet = False,
    verbose: run.Verbose = False,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_version),
    ] = False,
) -> None:
    """Repaint a photograph in the manner of a painting.

    stylize photo.jpg painting.jpg -o out.png

    stylize photos painting.jpg -o painted

    A folder is painted picture by picture; one that fails does not keep the
    others from it. A list of weights, as in --tv-weight 0,0.3,1,3, paints the
    picture with each beside OUT, as out-tv0.3.png, and OUT is a sheet of all.

    The path of each result goes to stdout, everything else to stderr. Exit
    code 0: every picture is there, whole. 1: one failed, and one line for each
    says why. 2: wrong usage. 130 or 143: stopped by Ctrl-C or SIGTERM, with
    the best picture so far saved; a second Ctrl-C quits at once.
    """
    if quiet and verbose:
        raise ConfigError("--verbose has no effect: --quiet silences it")
    given = {name: context.params[name] for name in field_names()}
    sweep = sweep_from(config, given, len(styles), output)
    settings = sweep.variants[0].settings
    options = Options(recursive, name, skip_existing, fail_fast)
    if is_folder(content):
        refuse_for_folder(content, {"--log": log, "--report": report})
    with StopRequest() as stop:
        painter = Painter(
            styles,
            settings,
            stop,
            _say,
            quiet=quiet,
            verbose=verbose,
            save_every=save_every,
            log=log,
        )
        page = Report(report, styles, _say, quiet=quiet)
        page.check([content, *painter.inputs])
        with page, closing(paint(sweep, painter, content, output, options)) as results:
            for result in results:
                _print(result.path, describe(result, styles) if json else None)
                if isinstance(result, PictureResult):
                    page.add(result)


def _print(path: Path, described: dict[str, Any] | None) -> None:
    """Print a result to stdout: what describes it, else its path as the system knows it."""
    line: str | bytes = str(path)
    if described is not None:
        line = to_line(described, "utf-8" if sys.stdout is None else sys.stdout.encoding)
    elif os.name == "posix":
        line = os.fsencode(path)
    try:
        with bars_paused():
            typer.echo(line)
    except OSError as error:
        # What is left in its buffer would fail once more at the exit.
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        raise StyleTransferError(
            f"stdout: cannot be written to ({reason(error)}), which ends the run; "
            f"{path} is saved, and --skip-existing resumes"
        ) from error


def _say(text: str) -> None:
    # A path may hold a line break; a message is one line.
    with bars_paused():
        typer.echo(f"stylize: {' '.join(text.splitlines())}", err=True)
