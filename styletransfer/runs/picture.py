"""A painter: takes picture after picture from its file to a saved result."""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING

from styletransfer.errors import DivergenceError
from styletransfer.images.tensors import open_picture, to_tensor
from styletransfer.runs.order import Paths, accept, check_room
from styletransfer.runs.painting import PictureResult
from styletransfer.runs.resolve import init_file
from styletransfer.runs.result_writer import ResultWriter
from styletransfer.transfer.memory import Extent, explain_out_of_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import torch
    from torch import Tensor

    from styletransfer.runs.interruption import StopRequest
    from styletransfer.runs.order import Order
    from styletransfer.runs.progress import BatchProgress
    from styletransfer.settings import Settings
    from styletransfer.transfer.memory import RunShape
    from styletransfer.transfer.pyramid import Scale
    from styletransfer.transfer.stylize import Result, SharedTargets, Step


class Painter:
    """Paints contents in the manner of the same styles, with the same settings.

    Styles and init are decoded once, at the start, and made into tensors once.
    Tensors, torch, which takes seconds to import, and the network wait until a
    content and its output have passed.

    Args:
        styles: Style picture files.
        settings: Of every run.
        stop: Asked after every step.
        say: Takes a line for the user.
        quiet: Show no progress.
        verbose: Say why it is computed as it is.
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
        verbose: bool = False,
        save_every: int | None = None,
        log: Path | None = None,
    ) -> None:
        self.said = ""
        self.settings = settings
        self.stop = stop
        self.say = say
        self.quiet = quiet
        self.verbose = verbose
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

    @cached_property
    def style_images(self) -> list[Tensor]:
        """The styles as images of shape (1, 3, H, W), RGB in [0, 1]."""
        return [to_tensor(style) for style in self.styles]

    @cached_property
    def init_image(self) -> Tensor | None:
        """The init as such an image; None if it is no file."""
        return None if self.init is None else to_tensor(self.init)

    def paint(
        self,
        content: Path,
        output: Path,
        *,
        unfinished: Path | None = None,
        series: BatchProgress | None = None,
    ) -> PictureResult:
        """Paint one picture.

        Args:
            content: The picture file to repaint.
            output: Where to save the result.
            unfinished: Where to save the best picture of a run that was
                stopped or diverged; None: at the output.
            series: Told how much is done.

        Returns:
            The result; of a run that was stopped, the best so far.

        Raises:
            StyleTransferError: If a file, a setting or the machine is refused,
                or the run diverges; its best picture is then saved.
            UnsavedError: If the result lies elsewhere, or nowhere.
        """
        started = time.monotonic()
        delivery = ResultWriter(content, self.settings, self.say)
        order = self.accept(delivery, output, unfinished)
        delivery.warn(output)
        painting = self.fulfil(order, series=series)
        return painting._replace(seconds=time.monotonic() - started)

    def accept(
        self,
        delivery: ResultWriter,
        output: Path,
        unfinished: Path | None = None,
        log: Path | None = None,
    ) -> Order:
        """Check a picture to paint, as `order.accept` does."""
        paths = Paths(output, unfinished or output, log or self.log)
        return accept(delivery, paths, self.inputs, self.save_every)

    def fulfil(
        self,
        order: Order,
        *,
        series: BatchProgress | None = None,
        targets: SharedTargets | None = None,
    ) -> PictureResult:
        """Paint what was accepted.

        Args:
            order: What to paint.
            series: Told how much is done.
            targets: Shared with orders of the same content whose settings
                differ in their weights alone; None: there is no other.

        Returns:
            As `paint` does, which also tells what is raised.
        """
        started = time.monotonic()
        delivery, paths = order.delivery, order.paths
        result, device, precision = self._run(order, series, targets)
        path = paths.unfinished if result.stopped else paths.output
        delivery.save(result.image, path)
        self._warn(result, delivery, path)
        height, width = result.image.shape[2:]
        return PictureResult(
            path=path,
            settings=delivery.settings,
            content=delivery.content,
            width=width,
            height=height,
            losses=result.losses,
            seconds=time.monotonic() - started,
            device=device,
            precision=precision,
            stopped=result.stopped,
            entries=order.log.entries,
        )

    def _run(
        self, order: Order, series: BatchProgress | None, targets: SharedTargets | None
    ) -> tuple[Result, str, str]:
        """Optimize, with progress, until the end or a signal."""
        from styletransfer.runs.progress import Progress
        from styletransfer.transfer.stylize import encoder_for, stylize

        delivery, paths, scales, snapshots, log = order
        work, device = self.check_room(delivery)
        encoder = encoder_for(delivery.settings)
        self._announce(scales[-1], work, device)
        with (
            explain_out_of_memory(work, device, lambda: scales[-1]),
            Progress(scales, quiet=self.quiet, series=series) as progress,
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
                    self.style_images,
                    delivery.settings,
                    init=self.init_image,
                    encoder=encoder,
                    targets=targets,
                    on_step=on_step,
                )
            except DivergenceError as error:
                delivery.save(error.image, paths.unfinished)
                message = f"{error}; the best picture is in {paths.unfinished}"
                raise DivergenceError(message, error.image) from None
        return result, str(device), work.precision

    def check_room(self, delivery: ResultWriter) -> tuple[RunShape, torch.device]:
        """Check that the machine can take a run, as `order.check_room` does."""
        return check_room(delivery, [Extent(*style.size) for style in self.styles])

    def _announce(self, scale: Scale, work: RunShape, device: torch.device) -> None:
        """Say what is painted, and on what, unless it is the same as before."""
        from styletransfer.device.device import explain

        line = f"painting {scale.width}×{scale.height} on {device} in {work.precision}"
        if self.verbose:
            line += explain(work.settings.precision, device)
        if not self.quiet and line != self.said:
            self.say(line)
        self.said = line

    def _warn(self, result: Result, delivery: ResultWriter, path: Path) -> None:
        """Say what is odd about a result, unless the user cut it short."""
        from styletransfer.runs.sanity import find_problem

        if result.stopped:
            return
        content = to_tensor(delivery.picture.colours)
        start = content if delivery.settings.init == "content" else self.init_image
        line = find_problem(result, content, self.style_images, start, delivery.settings)
        if line is not None:
            self.say(f"{path}: {line}")
