"""The forms of the style loss: how far one layer's statistics are from the style's.

Each is an error relative to its target, so a pure number. To first order, one
set of weights therefore serves every image size and every network. There is one for
each picture, or for each region of one.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from styletransfer.choices import StyleForm
from styletransfer.transfer.losses import TINY
from styletransfer.vgg.moments import Moments

SMOOTHING = 1e-3
"""Added to all variances that the Wasserstein form compares, as a share of the style's
mean variance. The square root of a variance has no bounded slope at 0."""

DIRECTIONS = 192
"""Principal directions of the style whose correlations the Wasserstein form compares. An
eigendecomposition of all 512 of a layer takes ten times as long; the others hold 3 to 9 %
of the variance at 512 px."""


class GramError:
    """Relative squared error of the Gram matrix.

    ``‖G − A‖²_F / ‖A‖²_F`` for the Gram matrices G of the image and A of the style.

    Args:
        target: Moments of the style.

    References:
        Gatys et al. (2016), eq. 4–6. Differs: divided by the target's squared
        norm instead of 4 C² (H·W)², so that a layer's share does not depend on
        its width or on the magnitude of its activations.
    """

    def __init__(self, target: Moments) -> None:
        self.gram = target.gram
        self.energy = _squares(target.gram).clamp_min(TINY)

    def __call__(self, image: Moments) -> Tensor:
        """The errors, shape (B,), from 0 up."""
        return _squares(image.gram - self.gram) / self.energy


class MomentsError:
    """Relative squared errors of mean and covariance, half each.

    ``½ ‖m − n‖² / ‖n‖² + ½ ‖Σ − Ξ‖²_F / ‖Ξ‖²_F`` for means m, n and covariances
    Σ, Ξ of image and style.

    Args:
        target: Moments of the style.
    """

    def __init__(self, target: Moments) -> None:
        self.mean, self.covariance = target.mean, target.covariance
        self.mean_energy = _squares(self.mean).clamp_min(TINY)
        self.energy = _squares(self.covariance).clamp_min(TINY)

    def __call__(self, image: Moments) -> Tensor:
        """The errors, shape (B,), from 0 up."""
        means = _squares(image.mean - self.mean) / self.mean_energy
        spreads = _squares(image.covariance - self.covariance) / self.energy
        return means / 2 + spreads / 2


class WassersteinError:
    """Relative squared Wasserstein distance between Gaussians.

    ``(‖m − n‖² + tr(Σ + Ξ − 2 (Ξ^½ Σ Ξ^½)^½)) / (‖n‖² + tr Ξ)`` for means m, n
    and covariances Σ, Ξ of image and style: the least mean squared distance by
    which activations have to move.

    Args:
        target: Moments of the style.

    References:
        Dowson & Landau (1982). Differs: beyond the style's first `DIRECTIONS`
        principal directions, only the variance along each is compared.
    """

    def __init__(self, target: Moments) -> None:
        self.mean = target.mean
        spread = _exact(target.covariance)
        trace = _trace(spread)
        smoothing = (SMOOTHING * trace / spread.shape[1]).clamp_min(TINY)
        values, vectors = (each.flip(-1) for each in torch.linalg.eigh(spread))
        values = values.clamp_min(0) + smoothing[:, None]
        self.energy = (_squares(target.mean) + trace.to(self.mean)).clamp_min(TINY)
        self.trace = values.sum(1).to(self.mean)
        self.smoothing = torch.diag_embed(smoothing.to(self.mean)[:, None].expand_as(values))
        self.least = smoothing.square()[:, None]
        """Least eigenvalue of the product of two covariances with smoothing."""
        self.major, minor = (vectors * values.sqrt()[:, None, :]).tensor_split([DIRECTIONS], 2)
        self.minor = minor.to(self.mean)

    def __call__(self, image: Moments) -> Tensor:
        """The errors, shape (B,), from 0 up but for rounding."""
        spread = image.covariance + self.smoothing
        # In float32, rounding hides the small eigenvalues of a product of two covariances.
        overlap: Tensor = _RootTrace.apply(
            self.major.mT @ (_exact(spread) @ self.major), self.least
        )
        along = ((spread @ self.minor) * self.minor).sum(1).clamp_min(self.least.to(spread))
        common = overlap.to(spread) + along.sqrt().sum(1)
        spreads = _trace(spread) + self.trace - 2 * common
        error: Tensor = (_squares(image.mean - self.mean) + spreads) / self.energy
        return error


class _RootTrace(torch.autograd.Function):
    """``tr M^½`` of symmetric matrices (B, C, C), with its gradient ``½ M^−½``.

    Eigenvalues below ``least``, of shape (B, 1), are taken for rounding errors.
    Autograd's own way through the eigenvectors divides by differences of eigenvalues.
    """

    @staticmethod
    def forward(ctx: Any, matrices: Tensor, least: Tensor) -> Tensor:
        values, vectors = torch.linalg.eigh(matrices)
        roots: Tensor = values.clamp_min(least).sqrt()
        ctx.save_for_backward(roots, vectors)
        return roots.sum(1)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:
        roots, vectors = ctx.saved_tensors
        factors = grad_outputs[0][:, None] / (2 * roots)
        return (vectors * factors[:, None, :]) @ vectors.mT, None


def _exact(values: Tensor) -> Tensor:
    """The values in float64, which MPS has only on the CPU."""
    return values.cpu().double() if values.device.type == "mps" else values.double()


STYLE_FORMS: Mapping[StyleForm, Callable[[Moments], Callable[[Moments], Tensor]]] = {
    "gram": GramError,
    "moments": MomentsError,
    "wasserstein": WassersteinError,
}
"""Makes the error of a layer from the moments of the style, by form."""


def _squares(values: Tensor) -> Tensor:
    """Sums of squares of all but the first dimension, shape (B,)."""
    return values.square().flatten(1).sum(1)


def _trace(matrices: Tensor) -> Tensor:
    """Traces of matrices (B, C, C), shape (B,)."""
    return matrices.diagonal(dim1=1, dim2=2).sum(1)
