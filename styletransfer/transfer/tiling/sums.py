"""What a tile adds to the sums over positions, and what they give back to its activations."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

from styletransfer.vgg.kernels.moments import moments as fast_moments
from styletransfer.vgg.moments import LEAST_SHARE, Moments, moments

_ROWS = 1 << 16
"""Positions whose gradient is computed at a time."""


@dataclass(frozen=True, slots=True)
class Pull:
    """The gradient of a layer's activations, given those of its statistics."""

    of_error: Tensor | None
    """Gradient of the sum of squared differences, a scalar. None: there is none."""

    of_mean: Tensor | None
    """Gradients of the sums of activations, shape (R, C). None: there are none."""

    of_gram: Tensor | None
    """Gradients of the sums of their products, plus their transposes, shape (R, C, C)."""

    def add(
        self, into: Tensor, values: Tensor, target: Tensor | None, shares: Tensor | None
    ) -> None:
        """Add the gradient at some positions.

        ``∂/∂F = 2 e (F − T) + Σ_r w_r (b_r + F (Q_r + Q_rᵀ))``

        Args:
            into: Where to add it, shape (1, C, H, W).
            values: The activations F, of the same shape.
            target: Those of the content, of the same shape.
            shares: The shares w of regions, shape (R, H, W). None: ones.
        """
        height, width = values.shape[2:]
        step = max(1, _ROWS // max(1, width))
        for top in range(0, height, step):
            rows = slice(top, top + step)
            own = values[0, :, rows].permute(1, 2, 0)
            change = torch.zeros_like(own)
            if self.of_error is not None and target is not None:
                difference = own - target[0, :, rows].permute(1, 2, 0)
                change += difference.mul_((2 * self.of_error).to(own))
            if self.of_mean is not None and self.of_gram is not None:
                flat = own.reshape(-1, own.shape[2])
                for region, (mean, gram) in enumerate(zip(self.of_mean, self.of_gram, strict=True)):
                    found = torch.addmm(mean.to(own), flat, gram.to(own)).view(own.shape)
                    if shares is not None:
                        found *= shares[region, rows, :, None].to(own)
                    change += found
            into[0, :, rows].permute(1, 2, 0).add_(change)


class Total:
    """A sum in twice the precision of float64: in any order, it rounds to the same float32.

    References:
        Knuth, The Art of Computer Programming 2, 4.2.2, for what an addition rounds off.
    """

    def __init__(self) -> None:
        self.value: Any = 0.0
        self.rounded_off: Any = 0.0

    def add(self, value: Any) -> None:
        """Add a number, or a tensor of the shape of the others, in float64."""
        total = self.value + value
        before = total - value
        self.rounded_off = self.rounded_off + (self.value - before) + (value - (total - before))
        self.value = total

    @classmethod
    def of(cls, parts: Iterable[Self]) -> Self:
        """The sum of sums."""
        whole = cls()
        for part in parts:
            whole.add(part.value)
            whole.rounded_off = whole.rounded_off + part.rounded_off
        return whole

    @property
    def result(self) -> Any:
        """The sum, rounded once."""
        return self.value + self.rounded_off


class Sums:
    """Sums over positions, from which moments are made."""

    def __init__(self) -> None:
        self.count, self.mean, self.gram = Total(), Total(), Total()
        self.dtype: torch.dtype | None = None

    def add(self, features: Tensor, shares: Tensor | None) -> None:
        """Add activations (1, C, H, W), with shares (R, H, W) of regions or as a whole."""
        if not features.numel():
            return
        of = fast_moments if features.device.type == "cpu" else moments
        found = of(features, shares)
        if shares is None:
            counts = found.mean.new_full((1,), features.shape[2] * features.shape[3])
        else:
            counts = shares.flatten(1).sum(1).to(found.mean)
        self.count.add(counts.double())
        self.mean.add(found.mean.double() * counts[:, None])
        self.gram.add(found.gram.double() * counts[:, None, None])
        self.dtype = found.mean.dtype

    @classmethod
    def of(cls, parts: Iterable[Self]) -> Self:
        """The sum of sums."""
        whole, parts = cls(), [part for part in parts if part.dtype is not None]
        for name in ("count", "mean", "gram"):
            setattr(whole, name, Total.of(getattr(part, name) for part in parts))
        whole.dtype = parts[-1].dtype
        return whole

    def moments(self) -> Moments:
        """The means of all that was added."""
        count = self.count.result.clamp_min(LEAST_SHARE)
        mean = self.mean.result / count[:, None]
        gram = self.gram.result / count[:, None, None]
        return Moments(mean.to(self.dtype), gram.to(self.dtype))
