"""The command: options in, one picture out, and an exit code to trust."""

import secrets
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from styletransfer import __version__
from styletransfer import options as opt
from styletransfer.config import Settings, field_names
from styletransfer.errors import ConfigError, DivergenceError, ImageError, StyleTransferError
from styletransfer.images import check_output, open_picture, save_image, to_tensor
from styletransfer.interrupt import InterruptionError, StopRequest, exit_code
from styletransfer.record import record
from styletransfer.usage import init_file, settings_from

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from styletransfer.transfer import Result, Step

app = typer.Typer(
    pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]}
)


class Job(NamedTuple):
    """A run that has been checked, with its pictures decoded."""

    content: "Image"
    styles: "list[Image]"
    init: "Image | None"
    output: Path
    settings: Settings
    quiet: bool


def main() -> None:
    """Run the command; an expected failure is one line and an exit code."""
    try:
        app()
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
        job = _prepare(content, styles, output, settings, quiet=quiet)
        result = _run(job, stop)
        _save(result.image, job)
    typer.echo(job.output)
    if stop.signal_number is not None:
        _say(f"stopped early: {job.output} holds the best picture so far")
        raise typer.Exit(exit_code(stop.signal_number))


def _prepare(
    content: Path, styles: list[Path], output: Path, settings: Settings, *, quiet: bool
) -> Job:
    """Read the inputs and try the output, so that what can fail fails now."""
    init = init_file(settings)
    inputs = [content, *styles] if init is None else [content, *styles, init]
    pictures = {path: open_picture(path, note=_say) for path in dict.fromkeys(inputs)}
    check_output(output, inputs)
    return Job(
        content=pictures[content],
        styles=[pictures[path] for path in styles],
        init=None if init is None else pictures[init],
        output=output,
        settings=settings,
        quiet=quiet,
    )


def _run(job: Job, stop: StopRequest) -> "Result":
    """Paint, with progress, until the end or a signal."""
    # Torch takes a second to import: only now that everything has been checked.
    from styletransfer.progress import Progress
    from styletransfer.runtime import retain_memory
    from styletransfer.transfer import encoder_for, plan
    from styletransfer.transfer import stylize as transfer

    retain_memory()
    encoder = encoder_for(job.settings)
    scales = plan(job.content.width, job.content.height, job.settings)
    if not job.quiet:
        width, height, _ = scales[-1]
        kind = str(encoder.dtype).removeprefix("torch.")
        _say(f"painting {width}×{height} on {encoder.mean.device} in {kind}")
    with Progress(scales, quiet=job.quiet) as progress:

        def on_step(step: "Step") -> bool:
            progress.show(step)
            stop.hold = True
            return stop.signal_number is not None

        try:
            return transfer(
                to_tensor(job.content),
                [to_tensor(style) for style in job.styles],
                job.settings,
                init=None if job.init is None else to_tensor(job.init),
                encoder=encoder,
                on_step=on_step,
            )
        except DivergenceError as error:
            _save(error.image, job)
            message = f"{error}; the best picture is in {job.output}"
            raise DivergenceError(message, error.image) from None


def _save(image: "Tensor", job: Job) -> None:
    """Save the result, if need be elsewhere: minutes of work are not to be lost."""
    try:
        save_image(image, job.output, text=record(job.settings))
    except ImageError as error:
        rescue = Path(tempfile.gettempdir()) / f"stylize-{secrets.token_hex(4)}.png"
        save_image(image, rescue, text=record(job.settings))
        raise ImageError(f"{error}; the picture was saved as {rescue} instead") from error


def _say(text: str) -> None:
    # A path may hold a line break; a message is one line.
    typer.echo(f"stylize: {' '.join(text.splitlines())}", err=True)
