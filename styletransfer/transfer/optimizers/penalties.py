"""What is minimized beside the objective: penalties that keep a picture presentable."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from styletransfer.settings import Settings
from styletransfer.transfer.total_variation import SMOOTHING
from styletransfer.vgg.kernels.total_variation import total_variation_loss

GAMUT_WEIGHT = 100.0
"""Weight of the mean squared distance to [0, 1], as a multiple of the sum of the weights.
Values that are cut off at the end show as neon colours."""

CHROMA_WEIGHT = 1.0
"""Weight of the squared total variation of colour, whose grey part is left out, as a
multiple of the style weight. The style loss hardly sees colours that change from pixel to
pixel: without a penalty, twice as much of that as the style has is left, as specks and
fringes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Penalties:
    """What is minimized beside the objective."""

    gamut: float
    """Weight of the mean squared distance to [0, 1]."""

    chroma: float
    """Weight of the squared total variation of colour."""

    circular: bool = False
    """Whether opposite borders are neighbours."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Those of a run."""
        weights = settings.content_weight + settings.style_weight + settings.tv_weight
        return cls(
            gamut=GAMUT_WEIGHT * weights,
            chroma=CHROMA_WEIGHT * settings.style_weight,
            circular=settings.tileable,
        )

    def __call__(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Evaluate the penalties.

        Args:
            image: Shape (1, 3, H, W).

        Returns:
            Their sum, a scalar, and its gradient in the image's shape.
        """
        penalty, gradient = self._of_gamut(image)
        if self.chroma:
            of_chroma, also = self._of_chroma(image)
            penalty, gradient = penalty + of_chroma, gradient.add_(also)
        return penalty, gradient

    def _of_gamut(self, image: Tensor) -> tuple[Tensor, Tensor]:
        outside = image - image.clamp(0, 1)
        penalty = self.gamut * outside.square().mean()
        return penalty, outside.mul_(2 * self.gamut / image.numel())

    def _of_chroma(self, image: Tensor) -> tuple[Tensor, Tensor]:
        # Its differences have no grey part either, and so its gradient is that of the image.
        chroma = (image - image.mean(1, keepdim=True)).requires_grad_()
        with torch.enable_grad():
            variation = total_variation_loss(chroma, "squared", SMOOTHING, circular=self.circular)
            penalty = self.chroma * variation
            (gradient,) = torch.autograd.grad(penalty, chroma)
        return penalty.detach(), gradient
