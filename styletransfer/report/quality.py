"""How a result is made, measured against its content: noise, edges and total variation.

All three are read off the pixels, with no network. Both images have the shape
(1, 3, H, W), RGB in [0, 1], and the same size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn import functional

from styletransfer.transfer.total_variation import total_variation

if TYPE_CHECKING:
    from torch import Tensor

FLAT = 0.25
"""The share of the content's pixels, those with the least gradient, that count as flat."""

EDGES = 0.05
"""The share of the content's pixels, those with the greatest gradient, that count as edges."""

_WINDOW = 7  # pixels, over which a gradient is averaged before it is called flat
_ACROSS = ((1.0, -2.0, 1.0), (-2.0, 4.0, -2.0), (1.0, -2.0, 1.0))


class Quality(NamedTuple):
    """What `measure` finds."""

    noise: float
    """See `noise`."""

    edge_sharpness: float | None
    """See `edge_sharpness`."""

    tv: float
    """Total variation per pixel and channel, in units of [0, 1]; 0 and up."""


def measure(image: Tensor, content: Tensor) -> Quality:
    """Measure a result against its content.

    Args:
        image: The result.
        content: What it shows, resized to the result's size.

    Returns:
        All three measures.

    Raises:
        ValueError: If the shapes differ.
    """
    height, width = image.shape[2:]
    variation = total_variation(image).item() / (height * width)
    return Quality(noise(image, content), edge_sharpness(image, content), variation)


def noise(image: Tensor, content: Tensor) -> float:
    """High-frequency noise where the content is flat.

    ``σ = √(mean((N * x)²)) / 6`` with ``N = (1 −2 1)ᵀ (1 −2 1)``, over all
    channels of the content's `flat_pixels`. N takes out what is
    constant or rises evenly, and what does so in one direction only; independent
    noise comes out with its own standard deviation. Brushwork finer than about
    three pixels counts as noise as well.

    Args:
        image: The result.
        content: What it shows, of the same size.

    Returns:
        In units of [0, 1], 0 and up; 0 if a side has less than three pixels.

    Raises:
        ValueError: If the shapes differ.

    References:
        Immerkær (1996), Fast noise variance estimation. Differs: the root of
        the mean square in place of the mean absolute value, and flat pixels only.
    """
    _check(image, content)
    if min(image.shape[2:]) < 3:
        return 0.0
    flat = flat_pixels(content, border=1)
    across = torch.tensor(_ACROSS, dtype=image.dtype, device=image.device)
    fine = functional.conv2d(image.transpose(0, 1), across[None, None])[:, 0]
    return fine[:, flat].double().square().mean().sqrt().item() / 6


def flat_pixels(content: Tensor, border: int = 0) -> Tensor:
    """Which pixels of a content are flat: the quarter with the least gradient.

    What is compared is |∇c|², averaged over 7×7 pixels and the channels.

    Args:
        content: A picture.
        border: So many pixels at each side are left out, less than half of them.

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
    # Pixels as flat as the last of the quarter belong to it, so that none is chosen by its place.
    return activity <= activity.flatten().kthvalue(_share(FLAT, activity)).values


def edge_sharpness(image: Tensor, content: Tensor) -> float | None:
    """How steep the result is along the strongest edges of its content.

    ``Σ max |∇x| / Σ max |∇c|`` over the twentieth of the content's pixels with
    the greatest gradient, each maximum over the 3×3 pixels around, since an edge
    may have moved by one. ∇ are the differences to the pixel below and to the
    right, and |∇| is averaged over the channels.

    Args:
        image: The result.
        content: What it shows, of the same size.

    Returns:
        1 for edges as steep as the content's, 0.5 for half as steep, above 1
        for steeper ones; None if the content has no edge at all.

    Raises:
        ValueError: If the shapes differ.
    """
    _check(image, content)
    steep, steep_before = (_gradient(each).mean(1) for each in (image, content))
    strengths = steep_before.flatten()
    threshold = strengths.kthvalue(len(strengths) + 1 - _share(EDGES, strengths)).values
    edges = (steep_before >= threshold) & (steep_before > 0)
    if not edges.any():
        return None
    after, before = (functional.max_pool2d(each, 3, 1, 1)[edges] for each in (steep, steep_before))
    return (after.double().sum() / before.double().sum()).item()


def _gradient(image: Tensor) -> Tensor:
    """The length of the differences to the pixels below and to the right, per channel."""
    down = functional.pad(image.diff(dim=2), (0, 0, 0, 1))
    right = functional.pad(image.diff(dim=3), (0, 1, 0, 0))
    return torch.hypot(down, right)


def _share(share: float, values: Tensor) -> int:
    """How many of some values a share is: one at least."""
    return max(1, round(share * values.numel()))


def _check(image: Tensor, content: Tensor) -> None:
    if image.shape != content.shape or image.ndim != 4 or image.shape[:2] != (1, 3):
        raise ValueError(
            "both images must have one shape (1, 3, H, W), not "
            f"{tuple(image.shape)} and {tuple(content.shape)}"
        )
