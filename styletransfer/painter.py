"""A painter: takes picture after picture from its file to a saved result."""

from __future__ import annotations

import secrets
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from styletransfer.errors import DivergenceError, ImageError
from styletransfer.images import check_output, open_picture, save_image, to_tensor
from styletransfer.memory import Extent, Work, check_memory, shortage_told
from styletransfer.pyramid import plan
from styletransfer.record import record
from styletransfer.snapshots import Snapshots
from styletransfer.usage import init_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PIL.Image import Image
    from torch import Tensor

    from styletransfer.config import Settings
    from styletransfer.interrupt import StopRequest
    from styletransfer.optimize import Losses
    from styletransfer.pyramid import Scale
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
        save_every: Save a snapshot after every so many steps; None: none.

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
        save_every: int | None = None,
    ) -> None:
        self.settings = settings
        self.stop = stop
        self.say = say
        self.quiet = quiet
        self.save_every = save_every
        init = init_file(settings)
        self.inputs = [*styles] if init is None else [*styles, init]
        pictures = {path: open_picture(path, note=say) for path in dict.fromkeys(self.inputs)}
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
        picture = open_picture(content, note=self.say)
        check_output(output, [content, *self.inputs])
        scales = plan(picture.width, picture.height, self.settings)
        snapshots = self._snapshots(output, scales, [content, *self.inputs])
        result, device, precision = self._run(picture, output, scales, snapshots)
        self._save(result.image, output)
        self._warn(result, picture, output)
        height, width = result.image.shape[2:]
        seconds = time.monotonic() - started
        return Painting(output, width, height, result.losses, seconds, device, precision)

    def _snapshots(
        self, output: Path, scales: Sequence[Scale], inputs: Sequence[Path]
    ) -> Snapshots | None:
        """What saves snapshots beside an output, if that is wanted and possible."""
        if self.save_every is None:
            return None
        snapshots = Snapshots(output, self.save_every, scales, self._write, self.say)
        snapshots.check(inputs)
        return snapshots

    def _run(
        self, content: Image, output: Path, scales: list[Scale], snapshots: Snapshots | None
    ) -> tuple[Result, str, str]:
        """Optimize, with progress, until the end or a signal."""
        from styletransfer.progress import Progress
        from styletransfer.runtime import choose_device, choose_precision, retain_memory
        from styletransfer.transfer import encoder_for, stylize

        retain_memory()
        device = choose_device(self.settings.device)
        precision = str(choose_precision(self.settings.precision, device)).removeprefix("torch.")
        styles = [Extent(*style.size) for style in self.styles]
        work = Work(Extent(*content.size), styles, self.settings, precision)
        check_memory(work, device)
        encoder = encoder_for(self.settings)
        if not self.quiet:
            self.say(f"painting {scales[-1].width}×{scales[-1].height} on {device} in {precision}")
        with (
            shortage_told(work, device, lambda: scales[-1]),
            Progress(scales, quiet=self.quiet) as progress,
        ):

            def on_step(step: Step) -> bool:
                progress.show(step)
                if snapshots is not None:
                    snapshots.show(step)
                self.stop.hold = True
                return self.stop.signal_number is not None

            try:
                result = stylize(
                    to_tensor(content),
                    [to_tensor(style) for style in self.styles],
                    self.settings,
                    init=None if self.init is None else to_tensor(self.init),
                    encoder=encoder,
                    on_step=on_step,
                )
            except DivergenceError as error:
                self._save(error.image, output)
                message = f"{error}; the best picture is in {output}"
                raise DivergenceError(message, error.image) from None
        return result, str(device), precision

    def _warn(self, result: Result, content: Image, output: Path) -> None:
        """Say what is odd about a result, unless the user cut it short."""
        from styletransfer.verdict import doubt

        if result.stopped:
            return
        start = content if self.settings.init == "content" else self.init
        line = doubt(
            result,
            to_tensor(content),
            [to_tensor(style) for style in self.styles],
            None if start is None else to_tensor(start),
            self.settings,
        )
        if line is not None:
            self.say(f"{output}: {line}")

    def _save(self, image: Tensor, output: Path) -> None:
        """Save a result, if need be elsewhere: minutes of work are not to be lost."""
        try:
            self._write(image, output)
        except ImageError as error:
            rescue = Path(tempfile.gettempdir()) / f"stylize-{secrets.token_hex(4)}.png"
            self._write(image, rescue)
            raise ImageError(f"{error}; the picture was saved as {rescue} instead") from error

    def _write(self, image: Tensor, output: Path) -> None:
        """Save an image with the record of its making."""
        save_image(image, output, text=record(self.settings))
