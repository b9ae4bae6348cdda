"""Total variation without a network: denoise a photograph with each form alone.

This separates what the forms do to edges from what a style does to them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import torch

from styletransfer.choices import TVForm
from styletransfer.report.quality import edge_sharpness, noise
from styletransfer.transfer.total_variation import total_variation_loss

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

SIGMA = 12 / 255
"""Standard deviation of the added noise, in units of [0, 1]."""

REMAINDERS = (0.5, 0.25)
"""Fractions of the noise that the denoising should leave."""

_BISECTIONS = 12
_ITERATIONS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Denoised:
    """A noisy photograph after denoising with one form."""

    content: str
    """Name of the photograph."""

    form: TVForm
    """Form of the total variation."""

    left: float
    """Fraction of the noise to be left."""

    weight: float
    """The TV weight that achieves it, next to half the squared difference to the noisy
    photograph."""

    noise: float
    """`quality.noise`, in levels of 255."""

    edges: float
    """`quality.edge_sharpness`."""

    error: float
    """Root mean square difference to the clean photograph, in levels of 255."""


def denoise(content: str, clean: Tensor) -> Iterator[Denoised]:
    """Add noise to a photograph and remove it with each form.

    Args:
        content: Name of the photograph.
        clean: The photograph, shape (1, 3, H, W), RGB in [0, 1].

    Yields:
        The outcome for each remainder and form.
    """
    grain = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    noisy = clean + SIGMA * grain
    for left in REMAINDERS:
        target = left * noise(noisy, clean)
        for form in get_args(TVForm):
            weight, image = _denoise_to(target, noisy, clean, form)
            yield Denoised(
                content=content,
                form=form,
                left=left,
                weight=weight,
                noise=255 * noise(image, clean),
                edges=edge_sharpness(image, clean) or 0.0,
                error=255 * (image - clean).square().mean().sqrt().item(),
            )


def _denoise_to(target: float, noisy: Tensor, clean: Tensor, form: TVForm) -> tuple[float, Tensor]:
    """Bisect the weight that lowers the noise to a target; return it and the image."""
    low, high = math.log(1e-3), math.log(1e2)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        image = _smoothed(noisy, form, math.exp(middle))
        low, high = (middle, high) if noise(image, clean) > target else (low, middle)
    return math.exp(middle), image


def _smoothed(noisy: Tensor, form: TVForm, weight: float) -> Tensor:
    """Minimize ½ mean((x − noisy)²) + weight · TV per pixel."""
    image = noisy.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([image], max_iter=_ITERATIONS, line_search_fn="strong_wolfe")
    scale = image.numel() / 3  # Means would fall below the tolerances of the optimizer.

    def evaluate() -> Tensor:
        optimizer.zero_grad()
        distance = (image - noisy).square().mean() / 2
        loss = scale * (distance + weight * total_variation_loss(image, form))
        loss.backward()
        return loss

    optimizer.step(evaluate)
    return image.detach()
