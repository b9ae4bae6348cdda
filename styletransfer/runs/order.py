"""A picture to paint: what is refused of it before the network is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from styletransfer.images.tensors import check_side
from styletransfer.runs.loss_log import LossLog
from styletransfer.runs.snapshots import Snapshots
from styletransfer.transfer.memory import Extent, RunShape, check_memory
from styletransfer.transfer.pyramid import plan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import torch

    from styletransfer.runs.result_writer import ResultWriter
    from styletransfer.transfer.pyramid import Scale


class Paths(NamedTuple):
    """Where a run saves what."""

    output: Path
    """The result."""

    unfinished: Path
    """The best picture of a run that was stopped or diverged."""

    log: Path | None
    """How the terms stood after each step; None: nowhere."""


class Order(NamedTuple):
    """A picture to paint, of which all was found good that can be without torch."""

    delivery: ResultWriter
    """The content, and the settings of the run."""

    paths: Paths
    """Where all goes."""

    scales: list[Scale]
    """The sizes to come, smallest first."""

    snapshots: Snapshots | None
    """What saves the picture on the way."""

    log: LossLog
    """What remembers the terms after each step."""


def accept(
    delivery: ResultWriter, paths: Paths, inputs: Sequence[Path], save_every: int | None
) -> Order:
    """Refuse what can be refused of a picture before torch is imported.

    Args:
        delivery: The content, and the settings of the run.
        paths: Where all goes.
        inputs: The pictures beside the content that may not be overwritten.
        save_every: Steps from one snapshot to the next; None: there are none.

    Returns:
        The order.

    Raises:
        StyleTransferError: If a path, a size or a number of steps is refused.
    """
    inputs = [delivery.content, *inputs]
    output, unfinished, _ = paths
    delivery.check(dict.fromkeys((output, unfinished)), inputs)
    scales = plan(*delivery.picture.colours.size, delivery.settings)
    check_side(output, max(scales[-1][:2]))
    snapshots = None
    if save_every is not None:
        snapshots = Snapshots(output, save_every, scales, delivery.write, delivery.say)
        snapshots.check(inputs)
    log = LossLog(delivery.settings, paths.log, delivery.say)
    log.check([*inputs, output])
    return Order(delivery, paths, scales, snapshots, log)


def check_room(delivery: ResultWriter, styles: Sequence[Extent]) -> tuple[RunShape, torch.device]:
    """Refuse a run that the machine cannot take.

    Args:
        delivery: The content, and the settings of the run.
        styles: The sizes of the style pictures.

    Returns:
        What the run takes, and the device that it is for.

    Raises:
        DeviceError: If the device is not there, or has too little memory.
    """
    from styletransfer.device import device as runtime

    runtime.retain_memory()
    settings = delivery.settings
    runtime.set_threads(settings.threads)
    device = runtime.choose_device(settings.device)
    runtime.tune(device)
    precision = runtime.choose_precision(settings.precision, device)
    use_winograd = runtime.prefers_winograd(device, precision.dtype)
    content = Extent(*delivery.picture.colours.size)
    work = RunShape(content, styles, settings, precision.name, use_winograd)
    check_memory(work, device)
    return work, device
