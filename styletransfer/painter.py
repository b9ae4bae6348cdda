"""A painter: takes picture after picture from its file to a saved result."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from styletransfer.delivery import Delivery
from styletransfer.errors import DivergenceError
from styletransfer.images import check_side, open_picture, to_tensor
from styletransfer.losslog import LossLog
from styletransfer.memory import Extent, Work, check_memory, shortage_told
from styletransfer.pyramid import plan
from styletransfer.snapshots import Snapshots
from styletransfer.usage import init_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from styletransfer.config import Settings
    from styletransfer.encoder import Encoder
    from styletransfer.interrupt import StopRequest
    from styletransfer.losslog import Entry
    from styletransfer.optimize import Losses
    from styletransfer.progress import FolderProgress
    from styletransfer.pyramid import Scale
    from styletransfer.transfer import Result, Step


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

    entries: Sequence[Entry] = ()
    """How the terms stood after each step."""


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
        log: Where each run writes how its terms stood after each step; None:
            nowhere.

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
        log: Path | None = None,
    ) -> None:
        self.said = ""
        self.settings = settings
        self.stop = stop
        self.say = say
        self.quiet = quiet
        self.save_every = save_every
        self.log = log
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
        delivery = Delivery(content, self.settings, self.say)
        inputs = [content, *self.inputs]
        delivery.check(dict.fromkeys((output, unfinished)), inputs)
        scales = plan(*delivery.picture.colours.size, self.settings)
        check_side(output, max(scales[-1][:2]))
        snapshots = self._snapshots(delivery, output, scales, inputs)
        log = LossLog(self.settings, self.log, self.say)
        log.check([*inputs, output])
        result, device, precision = self._run(delivery, unfinished, scales, snapshots, log, folder)
        path = unfinished if result.stopped else output
        delivery.save(result.image, path)
        self._warn(result, delivery, path)
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
            entries=log.entries,
        )

    def _snapshots(
        self, delivery: Delivery, output: Path, scales: Sequence[Scale], inputs: Sequence[Path]
    ) -> Snapshots | None:
        """What saves snapshots beside an output, if that is wanted and possible."""
        if self.save_every is None:
            return None
        snapshots = Snapshots(output, self.save_every, scales, delivery.write, self.say)
        snapshots.check(inputs)
        return snapshots

    def _run(
        self,
        delivery: Delivery,
        unfinished: Path,
        scales: list[Scale],
        snapshots: Snapshots | None,
        log: LossLog,
        folder: FolderProgress | None,
    ) -> tuple[Result, str, str]:
        """Optimize, with progress, until the end or a signal."""
        from styletransfer.progress import Progress
        from styletransfer.transfer import stylize

        encoder, work = self._encoder(delivery.picture.colours.size)
        device = encoder.mean.device
        width, height, _ = scales[-1]
        self._announce(f"painting {width}×{height} on {device} in {work.precision}")
        with (
            shortage_told(work, device, lambda: scales[-1]),
            Progress(scales, quiet=self.quiet, folder=folder) as progress,
            log,
        ):

            def on_step(step: Step) -> bool:
                progress.show(step)
                log.show(step)
                if snapshots is not None:
                    snapshots.show(step)
                self.stop.hold = True
                return self.stop.signal_number is not None

            try:
                result = stylize(
                    to_tensor(delivery.picture.colours),
                    [to_tensor(style) for style in self.styles],
                    self.settings,
                    init=None if self.init is None else to_tensor(self.init),
                    encoder=encoder,
                    on_step=on_step,
                )
            except DivergenceError as error:
                delivery.save(error.image, unfinished)
                message = f"{error}; the best picture is in {unfinished}"
                raise DivergenceError(message, error.image) from None
        return result, str(device), work.precision

    def _encoder(self, content: tuple[int, int]) -> tuple[Encoder, Work]:
        """The network, loaded once the machine is known to have room for the work."""
        from styletransfer.runtime import choose_device, choose_precision, retain_memory
        from styletransfer.transfer import encoder_for

        retain_memory()
        device = choose_device(self.settings.device)
        precision = str(choose_precision(self.settings.precision, device)).removeprefix("torch.")
        styles = [Extent(*style.size) for style in self.styles]
        work = Work(Extent(*content), styles, self.settings, precision)
        check_memory(work, device)
        return encoder_for(self.settings), work

    def _announce(self, line: str) -> None:
        """Say what is painted, unless it is the same as before."""
        if not self.quiet and line != self.said:
            self.say(line)
        self.said = line

    def _warn(self, result: Result, delivery: Delivery, path: Path) -> None:
        """Say what is odd about a result, unless the user cut it short."""
        from styletransfer.verdict import doubt

        if result.stopped:
            return
        content = delivery.picture.colours
        start = content if self.settings.init == "content" else self.init
        line = doubt(
            result,
            to_tensor(content),
            [to_tensor(style) for style in self.styles],
            None if start is None else to_tensor(start),
            self.settings,
        )
        if line is not None:
            self.say(f"{path}: {line}")
