"""The command: options in, pictures out, and an exit code to trust."""

import os
import sys
from typing import Annotated

import typer

from styletransfer import __version__
from styletransfer import options as opt
from styletransfer.config import field_names
from styletransfer.errors import ConfigError, StyleTransferError
from styletransfer.interrupt import InterruptionError, StopRequest, exit_code
from styletransfer.painter import Painter
from styletransfer.usage import settings_from

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
    content: opt.Content,
    styles: opt.Styles,
    output: opt.Output,
    config: opt.Config = None,
    content_weight: opt.ContentWeight = None,
    style_weight: opt.StyleWeight = None,
    tv_weight: opt.TVWeight = None,
    tv_form: opt.TVForm = None,
    style_blend: opt.StyleBlend = None,
    style_scale: opt.StyleScale = None,
    size: opt.Size = None,
    min_size: opt.MinSize = None,
    iterations: opt.Iterations = None,
    tolerance: opt.Tolerance = None,
    init: opt.Init = None,
    seed: opt.Seed = None,
    optimizer: opt.Optimizer = None,
    learning_rate: opt.LearningRate = None,
    preconditioning: opt.Preconditioning = None,
    content_layers: opt.ContentLayers = None,
    style_layers: opt.StyleLayers = None,
    layer_weights: opt.LayerWeights = None,
    network: opt.Network = None,
    weights: opt.Weights = None,
    weights_layout: opt.WeightsLayout = None,
    pooling: opt.Pooling = None,
    device: opt.Device = None,
    precision: opt.Precision = None,
    save_every: opt.SaveEvery = None,
    quiet: opt.Quiet = False,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_version),
    ] = False,
) -> None:
    """Repaint a photograph in the manner of a painting.

    stylize photo.jpg painting.jpg -o out.png

    The path of the result goes to stdout, everything else to stderr. Exit code
    0: the picture is there, whole. 1: it failed, one line says why. 2: wrong
    usage. 130 or 143: stopped by Ctrl-C or SIGTERM, with the best picture so
    far saved; a second Ctrl-C quits at once.
    """
    given = {name: context.params[name] for name in field_names()}
    settings = settings_from(config, given, len(styles))
    with StopRequest() as stop:
        painter = Painter(styles, settings, stop, _say, quiet=quiet, save_every=save_every)
        painting = painter.paint(content, output)
    typer.echo(painting.path)
    if stop.signal_number is not None:
        _say(f"stopped early: {painting.path} holds the best picture so far")
        raise typer.Exit(exit_code(stop.signal_number))


def _say(text: str) -> None:
    # A path may hold a line break; a message is one line.
    typer.echo(f"stylize: {' '.join(text.splitlines())}", err=True)
