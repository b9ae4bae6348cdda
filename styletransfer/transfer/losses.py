"""Content and style loss, as the paper has them, in plain torch.

Each is an error relative to its target, so a pure number. To first order, one
set of weights therefore serves every image size and every network.

`styletransfer.vgg.kernels.loss_taps` computes the same losses faster on a CPU.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from styletransfer.vgg.encoder import Encoder

_TINY = 1e-12
"""Least denominator, so that a black or flat target gives a finite loss."""


def gram_matrix(features: Tensor) -> Tensor:
    """Correlations between channels, averaged over positions.

    ``G = F Fᵀ / (H·W)``

    Args:
        features: Activations F of shape (B, C, H, W).

    Returns:
        Symmetric matrices of shape (B, C, C), float32 or better.

    References:
        Gatys et al. (2016), eq. 3. Differs: divided by H·W, so that one style
        weight serves every image size.

    Example:
        >>> gram_matrix(torch.ones(1, 2, 5, 7))
        tensor([[[1., 1.],
                 [1., 1.]]])
    """
    positions = _exact(features).flatten(2)
    return positions @ positions.mT / positions.shape[2]


def content_loss(features: Tensor, target: Tensor) -> Tensor:
    """Relative squared error of activations.

    ``mean((F − T)²) / mean(T²)``

    Args:
        features: Activations F of the image, shape (B, C, H, W).
        target: Activations T of the content picture, same shape.

    Returns:
        A scalar from 0 up, float32 or better.

    References:
        Gatys et al. (2016), eq. 1. Differs: divided by the target's mean square,
        which makes the loss a pure number.
    """
    features, target = _exact(features), _exact(target)
    return (features - target).square().mean() / target.square().mean().clamp_min(_TINY)


def style_loss(features: Tensor, target: Tensor) -> Tensor:
    """Relative squared error of the Gram matrix of one layer.

    ``‖G(F) − A‖²_F / ‖A‖²_F``

    Args:
        features: Activations F of the image, shape (B, C, H, W).
        target: Gram matrices A of the style, shape (B, C, C) or (1, C, C).

    Returns:
        A scalar from 0 up: the mean over the batch.

    References:
        Gatys et al. (2016), eq. 4–6. Differs: divided by the target's squared
        norm instead of 4 C² (H·W)², so that a layer's share does not depend on
        its width or on the magnitude of its activations.
    """
    error = (gram_matrix(features) - target).square().sum((1, 2))
    return (error / target.square().sum((1, 2)).clamp_min(_TINY)).mean()


class LayerLosses:
    """Content and style losses of an image, layer by layer.

    Args:
        encoder: The network.
        content: Target activations by layer, each of shape (1, C, H, W).
        style: Target Gram matrices by layer, each of shape (1, C, C).
    """

    def __init__(
        self, encoder: Encoder, content: Mapping[str, Tensor], style: Mapping[str, Tensor]
    ) -> None:
        self.encoder = encoder
        self.content = content
        self.style = style

    def __call__(self, image: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Evaluate the losses.

        Args:
            image: Shape (1, 3, H, W), RGB in [0, 1] or around it.

        Returns:
            Content losses and style losses by layer, scalars.
        """
        features = self.encoder(image, {*self.content, *self.style})
        return (
            {name: content_loss(features[name], target) for name, target in self.content.items()},
            {name: style_loss(features[name], target) for name, target in self.style.items()},
        )


def _exact(values: Tensor) -> Tensor:
    """The values in float32 or better."""
    return values.to(torch.promote_types(values.dtype, torch.float32))
