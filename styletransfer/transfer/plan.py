"""The plan of a run: its sizes, and the device and number format that compute it."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from styletransfer.device.device import Precision, choose_device, choose_precision
from styletransfer.device.free_memory import resident_memory
from styletransfer.settings import Settings
from styletransfer.transfer.pyramid import Scale, plan_scales
from styletransfer.transfer.tiling import ranks
from styletransfer.transfer.workspace import memory_budget
from styletransfer.vgg.encoder import Encoder, load_encoder

Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """What is decided about a run before its first step. Made once and passed on."""

    content: Size
    """Size of the content picture."""

    styles: tuple[Size, ...]
    """Sizes of the style pictures."""

    settings: Settings
    """The settings of the run."""

    scales: tuple[Scale, ...]
    """The sizes to work on, smallest first; the last one is the result's."""

    device: torch.device
    """Where the network is evaluated."""

    precision: Precision
    """The number format of the convolutions."""

    budget: int | None = None
    """What the run may take in bytes, see `workspace.memory_budget`. None: not limited."""

    ranks: int = 1
    """Processes that share the tiles, see `tiling.ranks`."""

    resident: int = 0
    """What the process held when the run was planned, in bytes."""


def plan_run(
    content: Size,
    styles: Sequence[Size],
    settings: Settings,
    scales: Sequence[Scale] | None = None,
) -> RunPlan:
    """Plan a run.

    Args:
        content: Size of the content picture.
        styles: Sizes of the style pictures.
        settings: The settings of the run.
        scales: From `plan_scales`, if they are known already. None: made here.

    Returns:
        The plan.

    Raises:
        DeviceError: If the device is not there.
    """
    device = choose_device(settings.device)
    return RunPlan(
        content=content,
        styles=tuple(styles),
        settings=settings,
        scales=tuple(plan_scales(*content, settings) if scales is None else scales),
        device=device,
        precision=choose_precision(settings.precision, device),
        budget=memory_budget(settings, device),
        ranks=ranks.count(),
        resident=resident_memory(),
    )


def encoder_for(settings: Settings, plan: RunPlan | None = None) -> Encoder:
    """Load the network that the settings name, once in a process.

    Args:
        settings: Network, weights, device and precision.
        plan: The plan of the run, if it was made before.

    Returns:
        The encoder, on its device and in its number format.
    """
    device = choose_device(settings.device) if plan is None else plan.device
    precision = choose_precision(settings.precision, device) if plan is None else plan.precision
    return encoder_on(device, precision.dtype, settings)


def encoder_on(device: torch.device, dtype: torch.dtype, settings: Settings) -> Encoder:
    """Load the network that settings name, on a device and in a number format.

    Args:
        device: Where to evaluate it.
        dtype: The number format of the convolutions.
        settings: Network and weights.
    """
    return load_encoder(
        settings.network,
        settings.weights,
        settings.weights_layout,
        settings.pooling,
        device,
        dtype,
    )


def plan_with(
    encoder: Encoder, content: Tensor, styles: Sequence[Tensor], settings: Settings
) -> RunPlan:
    """Plan a run with an encoder that is on its device already.

    Args:
        encoder: The network.
        content: Shape (1, 3, H, W).
        styles: Of that form.
        settings: The settings of the run.

    Returns:
        The plan.
    """
    size, *style_sizes = ((image.shape[3], image.shape[2]) for image in (content, *styles))
    return RunPlan(
        content=size,
        styles=tuple(style_sizes),
        settings=settings,
        scales=tuple(plan_scales(*size, settings)),
        device=encoder.device,
        precision=Precision(encoder.dtype, "the encoder's"),
        budget=memory_budget(settings, encoder.device),
        ranks=ranks.count(),
    )
