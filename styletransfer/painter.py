"""A painter: takes picture after picture from its file to a saved result."""

from __future__ import annotations

import functools
import secrets
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from styletransfer.errors import DivergenceError, ImageError
from styletransfer.images import (
    check_output,
    check_side,
    decode_picture,
    holds_alpha,
    open_picture,
    save_image,
    to_tensor,
)
from styletransfer.record import record
from styletransfer.usage import init_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from styletransfer.config import Settings
    from styletransfer.images import Decoded
    from styletransfer.interrupt import StopRequest
    from styletransfer.optimize import Losses
    from styletransfer.transfer import Result, Step


class Painting(NamedTuple):
    """A result that lies whole at its path."""

    path: Path
    """Where it was saved."""

    width: int
    """In pixels."""

    height: int
    """In pixels."""

    losses: Losses
    """Its weighted terms, at the last size that was worked on."""

    seconds: float
    """From the first look at the content to the saved file."""

    device: str
    """Where the network was evaluated."""

    precision: str
    """The number format of its convolutions."""


class Painter:
    """Paints contents in the manner of the same styles, with the same settings.

    Styles and init are decoded once, at the start. Torch, which takes seconds
    to import, and the network wait until a content and its output have passed.

    Args:
        styles: Style picture files.
        settings: Of every run.
        stop: Asked after every step.
        say: Takes a line for the user.
        quiet: Show no progress.

    Raises:
        ImageError: If a style or the init cannot be read.
    """

    def __init__(
        self,
        styles: Sequence[Path],
        settings: Settings,
        stop: StopRequest,
        say: Callable[[str], None],
        *,
        quiet: bool = False,
    ) -> None:
        self.settings = settings
        self.stop = stop
        self.say = say
        self.quiet = quiet
        init = init_file(settings)
        self.inputs = [*styles] if init is None else [*styles, init]
        pictures = {
            path: open_picture(path, background=settings.background, note=say)
            for path in dict.fromkeys(self.inputs)
        }
        self.styles = [pictures[path] for path in styles]
        self.init = None if init is None else pictures[init]

    def paint(self, content: Path, output: Path) -> Painting:
        """Paint one picture.

        Args:
            content: The picture file to repaint.
            output: Where to save the result.

        Returns:
            The result; of a run that was stopped, the best so far.

        Raises:
            StyleTransferError: If a file, a setting or the machine is refused,
                or the run diverges; its best picture is then at the output.
        """
        started = time.monotonic()
        picture = self._open(content, output)
        result, device, precision = self._run(picture, output)
        self._save(result.image, picture, output)
        height, width = result.image.shape[2:]
        seconds = time.monotonic() - started
        return Painting(output, width, height, result.losses, seconds, device, precision)

    def _open(self, content: Path, output: Path) -> Decoded:
        """Decode the content, and see that the output can hold its result."""
        settings = self.settings
        picture = decode_picture(
            content,
            background=settings.background,
            metadata=settings.keep_metadata,
            note=self.say,
        )
        check_output(
            output,
            [content, *self.inputs],
            bits=settings.bits,
            text=record(settings),
            metadata=picture.metadata,
        )
        if picture.alpha is not None and not holds_alpha(output):
            self.say(
                f"{output}: a JPEG holds no transparency, so {content} is laid on "
                f"{settings.background}; .png, .webp and .tif keep it"
            )
        return picture

    def _run(self, content: Decoded, output: Path) -> tuple[Result, str, str]:
        """Optimize, with progress, until the end or a signal."""
        from styletransfer.progress import Progress
        from styletransfer.runtime import retain_memory
        from styletransfer.transfer import encoder_for, plan, stylize

        retain_memory()
        encoder = encoder_for(self.settings)
        device, precision = str(encoder.mean.device), str(encoder.dtype).removeprefix("torch.")
        scales = plan(*content.colours.size, self.settings)
        check_side(output, max(scales[-1][:2]))
        if not self.quiet:
            self.say(f"painting {scales[-1].width}×{scales[-1].height} on {device} in {precision}")
        with Progress(scales, quiet=self.quiet) as progress:

            def on_step(step: Step) -> bool:
                progress.show(step)
                self.stop.hold = True
                return self.stop.signal_number is not None

            try:
                result = stylize(
                    to_tensor(content.colours),
                    [to_tensor(style) for style in self.styles],
                    self.settings,
                    init=None if self.init is None else to_tensor(self.init),
                    encoder=encoder,
                    on_step=on_step,
                )
            except DivergenceError as error:
                self._save(error.image, content, output)
                message = f"{error}; the best picture is in {output}"
                raise DivergenceError(message, error.image) from None
        return result, device, precision

    def _save(self, image: Tensor, content: Decoded, output: Path) -> None:
        """Save a result, if need be elsewhere: minutes of work are not to be lost."""
        save = functools.partial(
            save_image,
            image,
            bits=self.settings.bits,
            alpha=content.alpha,
            text=record(self.settings),
            metadata=content.metadata,
        )
        try:
            save(output)
        except ImageError as error:
            rescue = Path(tempfile.gettempdir()) / f"stylize-{secrets.token_hex(4)}.png"
            save(rescue)
            raise ImageError(f"{error}; the picture was saved as {rescue} instead") from error
