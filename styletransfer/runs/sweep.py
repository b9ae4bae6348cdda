"""A sweep: one content painted once for each value in a list of weights, and a sheet of all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from styletransfer.errors import ConfigError, DivergenceError, ImageError, StyleTransferError
from styletransfer.images.provenance import sheet_record
from styletransfer.images.tensors import (
    check_output,
    check_side,
    is_complete,
    open_picture,
    save_picture,
)
from styletransfer.runs.batch import paint_folder, paint_picture, refuse_folder_options
from styletransfer.runs.contact_sheet import ContactSheet, SheetResult
from styletransfer.runs.folder import is_folder
from styletransfer.runs.naming import Job, refuse_overwriting
from styletransfer.runs.result_writer import ResultWriter
from styletransfer.runs.tally import BatchTally
from styletransfer.transfer.pyramid import plan

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from styletransfer.runs.batch import Options
    from styletransfer.runs.order import Order
    from styletransfer.runs.painting import PictureResult
    from styletransfer.runs.picture import Painter
    from styletransfer.runs.weight_grid import Sweep, Variant
    from styletransfer.transfer.stylize import SharedTargets

    Results = Generator[PictureResult | Job | SheetResult, None, None]


def paint(sweep: Sweep, painter: Painter, content: Path, output: Path, options: Options) -> Results:
    """Paint what a command line asks for: a picture, a folder of them, or a sweep.

    Args:
        sweep: Its variants; the only one of a plain run is the painter's.
        painter: Knows the styles.
        content: A picture file or, without lists, a folder.
        output: Where the result goes, or the results, or the sheet.
        options: How the pictures are treated.

    Returns:
        What `paint_picture`, `paint_folder` or `paint_sweep` does.
    """
    if sweep.axes:
        return paint_sweep(sweep, painter, content, output, options)
    paint_plainly = paint_folder if is_folder(content) else paint_picture
    return paint_plainly(painter, content, output, options)


def paint_sweep(
    sweep: Sweep, painter: Painter, content: Path, output: Path, options: Options
) -> Results:
    """Paint a picture once for each choice of the values, and a contact sheet.

    Args:
        sweep: The choices.
        painter: Knows the styles.
        content: A picture file.
        output: Where the sheet goes.
        options: Those that are for folders are refused.

    Yields:
        The results as they are saved, a job where one was there already; at
        last the sheet.

    Raises:
        ConfigError: If the content is a folder, or an option has no effect.
        StyleTransferError: Before the first step if a path is refused or the
            machine has no room; at once if whatever is wrong would be so with
            every choice; after the sheet if any failed.
        InterruptionError: If a signal ended the run, after a sheet of what is done.
    """
    if is_folder(content):
        raise ConfigError(
            f"a list of weights is for one picture, and {content} is a folder; "
            "give single numbers, or run the list picture by picture in a loop"
        )
    refuse_folder_options(options)
    yield from SweepRun(sweep, painter, content, output, options).paint()


class SweepRun:
    """Paints one variant after the other; network, pictures and targets are made once.

    Args:
        sweep: The variants.
        painter: Knows the styles.
        content: A picture file.
        output: Where the sheet goes.
        options: Whether results that are there are kept.

    Raises:
        StyleTransferError: If the content or a path is refused.
    """

    def __init__(
        self, sweep: Sweep, painter: Painter, content: Path, output: Path, options: Options
    ) -> None:
        self.variants = sweep.variants
        self.painter = painter
        self.stop = painter.stop
        self.content = content
        self.output = output
        self.targets: SharedTargets | None = None
        delivery = ResultWriter(content, painter.settings, painter.say)
        self.text = sheet_record([each.output.name for each in self.variants])
        check_output(output, [content, *painter.inputs], text=self.text)
        self.orders = [self._order(each, delivery, options) for each in self.variants]
        size = plan(*delivery.picture.colours.size, painter.settings)[-1][:2]
        self.sheet = ContactSheet(sweep.axes, size, self.variants[0].constants)
        check_side(output, max(self.sheet.image.size))
        _refuse_links([output, *(each.output for each in self.variants)])
        if any(self.orders):
            delivery.warn(output)

    def paint(self) -> Results:
        """Paint the variants, as `paint_sweep` says."""
        self._check_room()
        series = BatchTally(self.painter, len(self.variants), "results")
        with series.progress:
            for number in range(len(self.variants)):
                if self.stop.signal_number is not None:
                    break
                result = self._result(number, series)
                if result is not None:
                    yield result
        series.report_skipped()
        if series.remaining < len(self.variants):
            yield self._save_sheet()
        if series.remaining:
            self.stop.release()
        series.refuse_failures()

    def _order(self, variant: Variant, delivery: ResultWriter, options: Options) -> Order | None:
        """What is to be painted; None if it is there already."""
        job = Job(self.content, variant.output)
        if options.skip_existing and is_complete(variant.output):
            refuse_overwriting([job], self.painter.inputs)
            return None
        delivery = delivery.with_settings(variant.settings)
        log = self.painter.log
        if log is not None:
            # Named after the result: losses-tv0.3.csv belongs to out-tv0.3.png.
            values = job.output.stem.removeprefix(self.output.stem)
            log = log.with_name(f"{log.stem}{values}{log.suffix}")
        return self.painter.accept(delivery, job.output, job.unfinished, log)

    def _check_room(self) -> None:
        """Refuse the whole sweep if the machine has no room for a part of it."""
        orders = [order for order in self.orders if order is not None]
        if not orders:
            return
        # Here and not above, since it imports torch.
        from styletransfer.transfer.stylize import SharedTargets

        self.targets = SharedTargets()
        for order in orders:
            self.painter.check_room(order.delivery)

    def _result(self, number: int, series: BatchTally) -> PictureResult | Job | None:
        """The result of a variant, painted unless it is kept; None if it failed or was stopped."""
        variant, order = self.variants[number], self.orders[number]
        job = Job(self.content, variant.output)
        series.progress.begin(variant.label)
        if order is None:
            series.keep()
            self._place(number, job.output)
            return job
        try:
            painting = self.painter.fulfil(order, series=series.progress, targets=self.targets)
        except StyleTransferError as error:
            series.fail(variant.label, f"{variant.label}: {error}", error)
            if isinstance(error, DivergenceError):
                series.set_stop_message()
                self._place(number, job.unfinished, "diverged")
            else:
                self.sheet.place(number, None, "failed")
            return None
        if painting.stopped:
            series.set_stop_message(painting.path)
            return None
        series.finish(variant.label, job, painting.seconds)
        self._place(number, job.output)
        return painting

    def _place(self, number: int, path: Path, note: str = "") -> None:
        """Show a saved picture on the sheet."""
        background = self.painter.settings.background
        self.sheet.place(number, open_picture(path, background=background), note)

    def _save_sheet(self) -> SheetResult:
        import numpy as np

        try:
            save_picture(np.asarray(self.sheet.image), self.output, text=self.text)
        except ImageError as error:
            raise ImageError(
                f"{error}; the results are saved, and --skip-existing makes the sheet anew"
            ) from error
        return SheetResult(self.output, self.content, *self.sheet.image.size)


def _refuse_links(outputs: list[Path]) -> None:
    """Refuse paths of which one is a link to another."""
    taken: dict[str, Path] = {}
    for output in outputs:
        other = taken.setdefault(os.path.realpath(output), output)
        if other != output:
            raise ImageError(
                f"{output} and {other} are links to one file; remove one, or choose another output"
            )
