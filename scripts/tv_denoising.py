"""Total variation by itself: a photograph with noise, freed of it by each form alone.

Part of `scripts/tv_study.py`. There is no network here: what the forms do to
edges is then told from what a style does to them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, get_args

import torch

from styletransfer.report.quality import edge_sharpness, noise
from styletransfer.settings import TVForm
from styletransfer.transfer.total_variation import total_variation_loss

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

SIGMA = 12 / 255
"""Standard deviation of the noise, in units of [0, 1]."""

LEFT = (0.5, 0.25)
"""Shares of the noise that are to be left."""

_BISECTIONS = 12
_STEPS = 100


class Denoised(NamedTuple):
    """What one form makes of a noisy photograph; levels are of 255."""

    content: str
    """Name of the photograph."""

    form: TVForm
    """Of the total variation."""

    left: float
    """The share of the noise that was to be left."""

    weight: float
    """The weight that leaves it, beside half the squared difference to the noisy photograph."""

    noise: float
    """`quality.noise`, in levels."""

    edges: float
    """`quality.edge_sharpness`."""

    error: float
    """The root of the mean squared difference to the photograph without noise, in levels."""


def denoise(content: str, clean: Tensor) -> Iterator[Denoised]:
    """Free a photograph of noise with each form, to the same shares of it.

    Args:
        content: Its name.
        clean: The photograph, shape (1, 3, H, W), in [0, 1].
    """
    grain = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    noisy = clean + SIGMA * grain
    for left in LEFT:
        target = left * noise(noisy, clean)
        for form in get_args(TVForm):
            weight, image = _weight_for(noisy, clean, form, target)
            yield Denoised(
                content,
                form,
                left,
                weight,
                255 * noise(image, clean),
                edge_sharpness(image, clean) or 0.0,
                255 * (image - clean).square().mean().sqrt().item(),
            )


def _weight_for(noisy: Tensor, clean: Tensor, form: TVForm, target: float) -> tuple[float, Tensor]:
    """Bisect the weight at which the noise falls to a target, and the image it makes."""
    low, high = math.log(1e-3), math.log(1e2)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        image = _smoothed(noisy, form, math.exp(middle))
        low, high = (middle, high) if noise(image, clean) > target else (low, middle)
    return math.exp(middle), image


def _smoothed(noisy: Tensor, form: TVForm, weight: float) -> Tensor:
    """The image of least ½ mean((x − noisy)²) + weight · TV per pixel."""
    image = noisy.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([image], max_iter=_STEPS, line_search_fn="strong_wolfe")
    scale = image.numel() / 3  # Means would be too small for the tolerances of the optimizer.

    def evaluate() -> Tensor:
        optimizer.zero_grad()
        distance = (image - noisy).square().mean() / 2
        loss = scale * (distance + weight * total_variation_loss(image, form))
        loss.backward()
        return loss

    optimizer.step(evaluate)
    return image.detach()
