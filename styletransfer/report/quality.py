"""Image quality of a result relative to its content: noise, edge sharpness, total variation.

All three are computed from the pixels, without a network. Both images have the
same shape (1, 3, H, W), RGB in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from styletransfer.transfer.total_variation import total_variation

if TYPE_CHECKING:
    from torch import Tensor

FLAT = 0.25
"""Fraction of the content's pixels that count as flat: those with the smallest gradient."""

EDGES = 0.05
"""Fraction of the content's pixels that count as edges: those with the largest gradient."""

_WINDOW = 7  # pixels; side of the window over which the gradient is averaged
_NOISE_KERNEL = ((1.0, -2.0, 1.0), (-2.0, 4.0, -2.0), (1.0, -2.0, 1.0))


@dataclass(frozen=True, slots=True)
class Quality:
    """The measures of one result."""

    noise: float
    """Standard deviation of fine noise, in units of [0, 1]; see `noise`."""

    edge_sharpness: float | None
    """1 for edges as steep as the content's; see `edge_sharpness`."""

    tv: float
    """Total variation per pixel and channel, in units of [0, 1]; 0 and up."""


def measure(image: Tensor, content: Tensor) -> Quality:
    """Measure a result against its content.

    Args:
        image: The result, shape (1, 3, H, W).
        content: The content at the same size.

    Returns:
        All three measures.

    Raises:
        ValueError: If the shapes differ.
    """
    height, width = image.shape[2:]
    variation = total_variation(image).item() / (height * width)
    return Quality(noise(image, content), edge_sharpness(image, content), variation)


def noise(image: Tensor, content: Tensor) -> float:
    """Standard deviation of high-frequency noise where the content is flat.

    ``σ = √(mean((N * x)²)) / 6`` with ``N = (1 −2 1)ᵀ (1 −2 1)``, over all
    channels of the content's `flat_pixels`. N removes all structure that is
    linear along rows or along columns; independent noise keeps its standard
    deviation. Brush strokes finer than about three pixels count as noise.

    Args:
        image: The result, shape (1, 3, H, W).
        content: The content at the same size.

    Returns:
        The noise in units of [0, 1]; 0 if a side has fewer than three pixels.

    Raises:
        ValueError: If the shapes differ.

    References:
        Immerkær (1996), "Fast noise variance estimation". Differs: root mean
        square instead of mean absolute value, and only over flat pixels.
    """
    _check(image, content)
    if min(image.shape[2:]) < 3:
        return 0.0
    flat = flat_pixels(content, border=1)
    kernel = torch.tensor(_NOISE_KERNEL, dtype=image.dtype, device=image.device)
    fine = functional.conv2d(image.transpose(0, 1), kernel[None, None])[:, 0]
    return fine[:, flat].double().square().mean().sqrt().item() / 6


def flat_pixels(content: Tensor, border: int = 0) -> Tensor:
    """Mask of the flat pixels of the content: the quarter with the smallest gradient.

    Pixels are ranked by |∇c|², averaged over 7×7 pixels and the channels.

    Args:
        content: The content, shape (1, 3, H, W).
        border: Width in pixels of the border to leave out on each side.

    Returns:
        Booleans of shape (H − 2·`border`, W − 2·`border`).
    """
    height, width = content.shape[2:]
    activity = functional.avg_pool2d(
        _gradient(content).square().mean(1, keepdim=True),
        _WINDOW,
        stride=1,
        padding=_WINDOW // 2,
        count_include_pad=False,
    )[0, 0, border : height - border, border : width - border]
    # `<=` includes all ties, so that the mask does not depend on the order of the pixels.
    return activity <= activity.flatten().kthvalue(_count(FLAT, activity)).values


def edge_sharpness(image: Tensor, content: Tensor) -> float | None:
    """Steepness of the result along the strongest edges of its content.

    ``Σ max |∇x| / Σ max |∇c|`` over the twentieth of the content's pixels with
    the largest gradient. Each maximum is over 3×3 pixels, since an edge may move by
    one pixel. ∇ holds the differences to the pixels below and to the right; |∇| is
    averaged over the channels.

    Args:
        image: The result, shape (1, 3, H, W).
        content: The content at the same size.

    Returns:
        1 for edges as steep as the content's, 0.5 for half as steep, more than
        1 for steeper ones; None if the content has no edges.

    Raises:
        ValueError: If the shapes differ.
    """
    _check(image, content)
    steep, steep_before = (_gradient(each).mean(1) for each in (image, content))
    strengths = steep_before.flatten()
    threshold = strengths.kthvalue(len(strengths) + 1 - _count(EDGES, strengths)).values
    edges = (steep_before >= threshold) & (steep_before > 0)
    if not edges.any():
        return None
    after, before = (functional.max_pool2d(each, 3, 1, 1)[edges] for each in (steep, steep_before))
    return (after.double().sum() / before.double().sum()).item()


def _gradient(image: Tensor) -> Tensor:
    """Gradient magnitude per channel, from forward differences; zero beyond the last pixel."""
    down = functional.pad(image.diff(dim=2), (0, 0, 0, 1))
    right = functional.pad(image.diff(dim=3), (0, 1, 0, 0))
    return torch.hypot(down, right)


def _count(fraction: float, values: Tensor) -> int:
    """The number of values in a fraction of them, at least one."""
    return max(1, round(fraction * values.numel()))


def _check(image: Tensor, content: Tensor) -> None:
    if image.shape != content.shape or image.ndim != 4 or image.shape[:2] != (1, 3):
        raise ValueError(
            "both images must have the same shape (1, 3, H, W), not "
            f"{tuple(image.shape)} and {tuple(content.shape)}"
        )
