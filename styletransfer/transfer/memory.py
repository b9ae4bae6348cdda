"""Estimate a run's memory, and explain out-of-memory errors.

Linux grants more memory than there is and kills the process that then uses it.
So the need is estimated, and refused, before the run starts.
"""

from __future__ import annotations

import contextlib
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from styletransfer.device.free_memory import free_memory
from styletransfer.errors import ShortageError
from styletransfer.transfer.pyramid import GRID, fit, history_length

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from styletransfer.transfer.plan import RunPlan
    from styletransfer.transfer.pyramid import Scale

# Bytes, measured: see `estimate_memory`.
_PAIR_PIXEL = 24  # exact: two float32 images
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


_COSTS = {
    "bfloat16": _Costs(205_000_000, (165_000_000, 3360), (365_000_000, 1030), (310_000_000, 335)),
    "float32": _Costs(275_000_000, (275_000_000, 5460), (505_000_000, 1660), (505_000_000, 620)),
}

# Messages of torch's allocators, of oneDNN, of Intel's FFT and of C++.
_OUT_OF_MEMORY = re.compile(
    r"alloc|out of memory|not enough memory|could not create a primitive", re.IGNORECASE
)


def estimate_memory(plan: RunPlan, size: int) -> int:
    """Estimate the memory of a run beyond that of a Python process with torch.

    16 bytes for each pixel of the content and of the styles as they were read,
    and the larger of two needs. One is that of the result: a constant for the
    network and its kernels, and so many bytes for each pixel, for activations,
    gradients and the optimizer, with 24 bytes more for each pair that L-BFGS
    keeps. The other is that of the activations of the largest style. Small
    results need less for the network and more for each pixel.

    Measured on two cores with AVX512-BF16 and torch 2.14, twelve steps on a 4:3
    picture at 64, 128, 256, 512 and 1024 px: 0.19, 0.19, 0.32, 0.52 to 0.58 and
    1.18 GB in bfloat16, 0.27, 0.31, 0.52, 0.79 and 1.88 GB in float32. The
    estimates are 4 to 20 % higher, also with Adam and with large photographs and
    styles.

    Args:
        plan: The plan of the run.
        size: Longest side of the result in pixels.

    Returns:
        Bytes.
    """
    settings, costs = plan.settings, _COSTS[plan.precision.name]
    pairs = history_length(plan.scales[-1].iterations) if settings.optimizer == "lbfgs" else 0
    pixels = _padded_area(fit(*plan.content, size))
    result = min(
        network + pixels * (each + pairs * _PAIR_PIXEL)
        for network, each in (costs.small, costs.large)
    )
    side = max(1, round(size * max(settings.style_scale)))
    pixels = max(_padded_area(fit(*each, side)) for each in plan.styles)
    style = min(network + pixels * each for network, each in (costs.small, costs.style))
    inputs = sum(_area(each) for each in (plan.content, *plan.styles)) * _INPUT_PIXEL
    return inputs + max(costs.least, result, style)


def check_memory(plan: RunPlan) -> None:
    """Refuse a run that needs more memory than is free.

    Args:
        plan: The plan of the run.

    Raises:
        ShortageError: If the estimate exceeds what is free.
    """
    free = free_memory(plan.device)
    if free is None:
        return
    scale = plan.scales[-1]
    needed = estimate_memory(plan, scale.longest_side)
    if needed > free:
        raise ShortageError(
            f"out of memory at {scale.width}×{scale.height} on {plan.device}: it needs about "
            f"{_gigabytes(needed)}, {_gigabytes(free)} are free; "
            f"{_remedy(largest_size(plan, scale.longest_side, free))}"
        )


def largest_size(plan: RunPlan, size: int, free: int) -> int:
    """Find the largest size below another at which a run should fit.

    Args:
        plan: The plan of the run.
        size: A longest side that is too large, in pixels.
        free: Free memory in bytes.

    Returns:
        Longest side in pixels, a multiple of 64 from 64 up; 0 if none fits.
    """
    candidates = range((size - 1) // 64 * 64, 0, -64)
    return next((side for side in candidates if estimate_memory(plan, side) <= free), 0)


@contextlib.contextmanager
def explain_out_of_memory(plan: RunPlan, current: Callable[[], Scale]) -> Iterator[None]:
    """Turn a failed allocation into one line with a remedy.

    Args:
        plan: The plan of the run.
        current: Returns the current size, once memory has run out.

    Raises:
        ShortageError: If memory runs out inside the block.
    """
    free = free_memory(plan.device)
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not _OUT_OF_MEMORY.search(str(error)):
            raise
        scale = current()
        # This size has just failed, whatever the estimate says.
        size = max(1, scale.longest_side * 3 // 4)
        remedy = _remedy(largest_size(plan, size, sys.maxsize if free is None else free))
        raise ShortageError(
            f"out of memory at {scale.width}×{scale.height} on {plan.device}; {remedy}"
        ) from None


def _area(size: tuple[int, int]) -> int:
    return size[0] * size[1]


def _padded_area(size: tuple[int, int]) -> int:
    width, height = (side + -side % GRID for side in size)
    return width * height


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"


def _remedy(size: int) -> str:
    if size:
        return f"--size {size} should fit"
    return "free some memory, or reduce --size or --style-scale"
