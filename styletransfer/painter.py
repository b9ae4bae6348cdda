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
    from collections.abc import Callable, Iterable, Sequence

    from torch import Tensor

    from styletransfer.config import Settings
    from styletransfer.images import Decoded
    from styletransfer.interrupt import StopRequest
    from styletransfer.optimize import Losses
    from styletransfer.progress import FolderProgress
    from styletransfer.transfer import Result, Step


class UnsavedError(ImageError):
    """A result that could not be saved at its path; as a rule, nor can the next."""


class Painting(NamedTuple):
    """A result that lies whole at its path."""

    path: Path
    """Where it was saved."""

    content: Path
    """What was repainted."""

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

    stopped: bool
    """Whether a signal ended it early."""


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
        self.said = ""
        self.settings = settings
        self.stop = stop
        self.say = say
        self.quiet = quiet
        self.style_paths = list(styles)
        init = init_file(settings)
        self.inputs = [*styles] if init is None else [*styles, init]
        pictures = {
            path: open_picture(path, background=settings.background, note=say)
            for path in dict.fromkeys(self.inputs)
        }
        self.styles = [pictures[path] for path in styles]
        self.init = None if init is None else pictures[init]

    def paint(
        self,
        content: Path,
        output: Path,
        *,
        unfinished: Path | None = None,
        folder: FolderProgress | None = None,
    ) -> Painting:
        """Paint one picture.

        Args:
            content: The picture file to repaint.
            output: Where to save the result.
            unfinished: Where to save the best picture of a run that was
                stopped or diverged; None: at the output.
            folder: Told how much is done.

        Returns:
            The result; of a run that was stopped, the best so far.

        Raises:
            StyleTransferError: If a file, a setting or the machine is refused,
                or the run diverges; its best picture is then saved.
            UnsavedError: If the result lies elsewhere, or nowhere.
        """
        started = time.monotonic()
        unfinished = unfinished or output
        picture = self._open(content, dict.fromkeys((output, unfinished)))
        result, device, precision = self._run(picture, unfinished, folder)
        path = unfinished if result.stopped else output
        self._save(result.image, picture, path)
        height, width = result.image.shape[2:]
        return Painting(
            path=path,
            content=content,
            width=width,
            height=height,
            losses=result.losses,
            seconds=time.monotonic() - started,
            device=device,
            precision=precision,
            stopped=result.stopped,
        )

    def _open(self, content: Path, outputs: Iterable[Path]) -> Decoded:
        """Decode the content, and see that the outputs can hold its result."""
        settings = self.settings
        picture = decode_picture(
            content,
            background=settings.background,
            metadata=settings.keep_metadata,
            note=self.say,
        )
        for path in outputs:
            check_output(
                path,
                [content, *self.inputs],
                bits=settings.bits,
                text=record(settings),
                metadata=picture.metadata,
            )
        if picture.alpha is not None and not holds_alpha(path):
            self.say(
                f"{path}: a JPEG holds no transparency, so {content} is laid on "
                f"{settings.background}; .png, .webp and .tif keep it"
            )
        return picture

    def _run(
        self, content: Decoded, unfinished: Path, folder: FolderProgress | None
    ) -> tuple[Result, str, str]:
        """Optimize, with progress, until the end or a signal."""
        from styletransfer.progress import Progress
        from styletransfer.runtime import retain_memory
        from styletransfer.transfer import encoder_for, plan, stylize

        retain_memory()
        encoder = encoder_for(self.settings)
        device, precision = str(encoder.mean.device), str(encoder.dtype).removeprefix("torch.")
        scales = plan(*content.colours.size, self.settings)
        check_side(unfinished, max(scales[-1][:2]))
        self._announce(
            f"painting {scales[-1].width}×{scales[-1].height} on {device} in {precision}"
        )
        with Progress(scales, quiet=self.quiet, folder=folder) as progress:

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
                self._save(error.image, content, unfinished)
                message = f"{error}; the best picture is in {unfinished}"
                raise DivergenceError(message, error.image) from None
        return result, device, precision

    def _announce(self, line: str) -> None:
        """Say what is painted, unless it is the same as before."""
        if not self.quiet and line != self.said:
            self.say(line)
        self.said = line

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
            try:
                save(rescue)
            except ImageError as again:
                raise UnsavedError(f"{error}; nor could it be saved as {rescue}") from again
            raise UnsavedError(f"{error}; the picture was saved as {rescue} instead") from error
