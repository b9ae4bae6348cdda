"""The content error, and what the style loss compares, layer by layer, in plain torch.

`styletransfer.vgg.kernels.loss_taps` computes the same faster on a CPU.
"""

from collections.abc import Collection, Mapping

import torch
from torch import Tensor

from styletransfer.transfer.tiling.content import EvaluatedContent, KeptContent
from styletransfer.transfer.tiling.statistics import TiledStatistics
from styletransfer.vgg.encoder import Encoder
from styletransfer.vgg.kernels.loss_taps import TappedStatistics
from styletransfer.vgg.moments import Moments, moments

TINY = 1e-12
"""Least denominator, so that a black or flat target gives a finite loss."""


def content_error(features: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference of activations, ``mean((F − T)²)``.

    Args:
        features: Activations F of the image, shape (B, C, H, W).
        target: Activations T of the content picture, same shape.

    Returns:
        A scalar from 0 up, float32 or better.

    References:
        Gatys et al. (2016), eq. 1. Differs: a mean instead of half the sum.
    """
    return (_exact(features) - _exact(target)).square().mean()


class LayerStatistics:
    """Content errors and style statistics of an image, layer by layer.

    Args:
        encoder: The network.
        content: Target activations by layer, each of shape (1, C, H, W).
        style_layers: Layers whose statistics are wanted.
        shares: Shares of regions by style layer, see `vgg.moments.moments`. None:
            the whole picture.
        circular: As in `Encoder.forward`.
    """

    def __init__(
        self,
        encoder: Encoder,
        content: Mapping[str, Tensor],
        style_layers: Collection[str],
        shares: Mapping[str, Tensor] | None = None,
        *,
        circular: bool = False,
    ) -> None:
        self.encoder = encoder
        self.content = content
        self.style_layers = style_layers
        self.shares = shares or {}
        self.circular = circular

    def __call__(self, image: Tensor) -> tuple[dict[str, Tensor], dict[str, Moments]]:
        """Evaluate the network.

        Args:
            image: Shape (1, 3, H, W), RGB in [0, 1] or around it.

        Returns:
            Content errors by layer, scalars, and moments by layer.
        """
        layers = {*self.content, *self.style_layers}
        features = self.encoder(image, layers, circular=self.circular)
        return (
            {name: content_error(features[name], target) for name, target in self.content.items()},
            {name: moments(features[name], self.shares.get(name)) for name in self.style_layers},
        )


def layer_statistics(
    encoder: Encoder,
    content: Mapping[str, Tensor] | EvaluatedContent,
    style_layers: Collection[str],
    shares: Mapping[str, Tensor] | None = None,
    *,
    circular: bool = False,
    tile: int | None = None,
) -> LayerStatistics | TappedStatistics | TiledStatistics:
    """Content errors and moments by layer, with the kernels of the encoder.

    Args:
        encoder: The network.
        content: As in `LayerStatistics`. Only in tiles, the picture itself.
        style_layers: Layer names.
        shares: Shares of regions by style layer.
        circular: Whether borders meet.
        tile: Side of the tiles, see `TiledStatistics`. None: all at once.
    """
    if isinstance(content, EvaluatedContent) or tile is not None:
        assert tile is not None
        each = content if isinstance(content, EvaluatedContent) else KeptContent(encoder, content)
        return TiledStatistics(encoder, each, style_layers, shares, side=tile, circular=circular)
    if encoder.fast is None:
        return LayerStatistics(encoder, content, style_layers, shares, circular=circular)
    return TappedStatistics(encoder.fast, content, style_layers, shares, circular=circular)


def _exact(values: Tensor) -> Tensor:
    """The values in float32 or better."""
    return values.to(torch.promote_types(values.dtype, torch.float32))
