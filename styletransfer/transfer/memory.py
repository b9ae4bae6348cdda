"""Estimate the memory of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from styletransfer.layers import content_shares, layer_names, reach, stride, width
from styletransfer.transfer.pyramid import GRID, fit, history_length
from styletransfer.transfer.tiling.tiles import spans

if TYPE_CHECKING:
    from styletransfer.transfer.plan import RunPlan

# Bytes, measured: see `estimate_memory`.
_PAIR_PIXEL = 24  # exact: two float32 images
_TILED_PIXEL = 130  # of a result in tiles: images, gradients, filters
_CONTENT_PIXEL = 12  # exact: one float32 image
_VALUE = {"bfloat16": 2, "float32": 4}
_INPUT_PIXEL = 16  # three float32 values, and what the conversion to them leaves behind


@dataclass(frozen=True, slots=True)
class _Costs:
    """What a run needs in one number format, in bytes."""

    least: int
    """Of any run."""

    small: tuple[int, int]
    """Of a small result or style: for the network, and for each pixel."""

    large: tuple[int, int]
    """Of a large result: the same."""

    style: tuple[int, int]
    """Of a large style: the same."""

    tile: tuple[int, int]
    """Of a tile with what lies around it: the same."""


_COSTS = {
    "bfloat16": _Costs(
        205_000_000,
        (165_000_000, 3360),
        (365_000_000, 1030),
        (310_000_000, 335),
        (660_000_000, 1030),
    ),
    "float32": _Costs(
        290_000_000,
        (240_000_000, 8900),
        (790_000_000, 1730),
        (860_000_000, 640),
        (870_000_000, 1660),
    ),
}


def estimate_memory(
    plan: RunPlan,
    size: int,
    tile: int | None = None,
    pairs: int | None = None,
    recompute: bool = False,
) -> int:
    """Estimate the memory of a run beyond that of a Python process with torch.

    16 bytes for each pixel of the content and of the styles as they were read,
    and the larger of two needs. One is that of the result: a constant for the
    network and its kernels, and so many bytes for each pixel, for activations,
    gradients and the optimizer, with 24 bytes more for each pair that L-BFGS
    keeps. The other is that of the activations of the largest style. Small
    results need less for the network and more for each pixel. In tiles, activations are
    those of the largest tile.

    Measured in bfloat16 on two cores with AVX512-BF16, twelve steps at one size, 64, 128,
    256, 512 and 1024 px, 4:3: 0.19, 0.19, 0.32, 0.52 to 0.58 and 1.18 GB; the estimates are
    4 to 20 % higher. In float32 on two cores with AVX2, the same sizes with those below
    them, as runs have them, 3:2, two steps: 0.28, 0.33, 0.61, 1.08 and 2.01 GB, 1.46 GB at
    1024 px in tiles of 512, and 1.35 GB at 512 px with a style of 1024 px; the estimates are
    1 to 13 % higher. At one size a run takes 0.1 to 0.2 GB less. In tiles, with the pairs
    that were in use, of the whole process in bfloat16: at 2048 px 1.95 GB (tiles of 256 px),
    estimated 1 % higher; at 4096 px 3.55 GB (512 px), 15 % higher; at 8192 px 10.2 GB
    (1024 px), 10 % higher.

    Args:
        plan: The plan of the run.
        size: Longest side of the result in pixels.
        tile: As in `Workspace`.
        pairs: As in `Workspace`. None: as many as L-BFGS wants.
        recompute: As in `Workspace`.

    Returns:
        Bytes.
    """
    settings, costs = plan.settings, _COSTS[plan.precision.name]
    pairs = wanted_pairs(plan) if pairs is None else pairs
    result = fit(*plan.content, size)
    style_side = max(1, round(size * max(settings.style_scale)))
    styles = [fit(*each, style_side) for each in plan.styles]
    inputs = sum(_area(each) for each in (plan.content, *plan.styles)) * _INPUT_PIXEL
    kept = _padded_area(result) * pairs * _PAIR_PIXEL
    if tile is not None:
        network, each = costs.tile
        layers = (*settings.content_layers, *settings.style_layers)
        around_tile = reach(layer_names(settings.network), layers)
        parts = [_largest_part(*picture, tile, around_tile) for picture in (result, *styles)]
        around = _TILED_PIXEL + (_CONTENT_PIXEL if recompute else _target_pixel(plan))
        around_all = round(_padded_area(result) * around)
        return inputs + kept + around_all + network + max(parts) * each
    pixels = _padded_area(result)
    whole = kept + min(network + pixels * each for network, each in (costs.small, costs.large))
    pixels = max(map(_padded_area, styles))
    style = min(network + pixels * each for network, each in (costs.small, costs.style))
    return inputs + max(costs.least, whole, style)


def wanted_pairs(plan: RunPlan) -> int:
    """How many pairs the optimizer keeps at the last size if memory allows."""
    lbfgs = plan.settings.optimizer == "lbfgs"
    return history_length(plan.scales[-1].iterations) if lbfgs else 0


def saves_by_recomputing(plan: RunPlan) -> bool:
    """Whether activations of the content take far more memory than the content itself."""
    return _target_pixel(plan) > 2 * _CONTENT_PIXEL


def _target_pixel(plan: RunPlan) -> float:
    """Bytes that the activations of the content take for each pixel of a result."""
    settings, names = plan.settings, layer_names(plan.settings.network)
    layers = content_shares(settings.content_layers, settings.detail)
    return _VALUE[plan.precision.name] * sum(
        width(layer) / stride(names, layer) ** 2 for layer in layers
    )


def _largest_part(width: int, height: int, tile: int, around: int) -> int:
    """Pixels of the largest tile of a picture, with what lies around it."""
    rows, columns = (
        max(span.last - span.first for span in spans(extent + -extent % GRID, tile, around))
        for extent in (height, width)
    )
    return rows * columns


def _area(size: tuple[int, int]) -> int:
    return size[0] * size[1]


def _padded_area(size: tuple[int, int]) -> int:
    width, height = (side + -side % GRID for side in size)
    return width * height
