"""The peer's loss, evaluated by our network: one objective, and one judge for both sides."""

import copy

import torch
from torch import Tensor

from styletransfer.transfer.losses import (
    content_target,
    gram_matrix,
    style_target,
    tap_content,
    tap_style,
)
from styletransfer.transfer.objective import Terms
from styletransfer.vgg.encoder import Encoder
from styletransfer.vgg.kernels.padded import Activations

CONTENT_LAYER = "relu4_2"
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")


class PeerObjective:
    """The loss that pastiche minimizes by default.

    ``0.01 · mean((F − T)²) + Σ_l 10 / C_l² · mean((G_l − A_l)²)`` with F and T
    the content layer's activations of image and content, and G and A the style
    layers' Gram matrices of image and style; its total variation has weight 0.

    It is written with our own terms, times the energies that these are relative
    to, so that our kernels do the work; in float32 it is the judge of both.

    Args:
        encoder: A VGG-19 with the bundled weights, which are pastiche's.
        content: Shape (1, 3, H, W), RGB in [0, 1], at the size at work.
        style: Shape (1, 3, H', W'), RGB in [0, 1].
    """

    def __init__(self, encoder: Encoder, content: Tensor, style: Tensor) -> None:
        self.encoder = zero_bordered(encoder)
        with torch.no_grad():
            self.content = content_target(self.encoder(content, {CONTENT_LAYER})[CONTENT_LAYER])
            features = self.encoder(style, STYLE_LAYERS)
            self.styles = {
                layer: style_target(gram_matrix(features[layer])) for layer in STYLE_LAYERS
            }
        self.content_factor = 0.01 * self.content.values.double().square().mean().item()
        self.style_factors = {
            layer: 10 / style.values.shape[1] ** 4 * style.values.double().square().sum().item()
            for layer, style in self.styles.items()
        }

    def __call__(self, image: Tensor) -> Terms:
        """Evaluate content and style of an image (1, 3, H, W); their sum is the loss."""
        content = style = image.new_zeros(())

        def tap(layer: str, features: Activations) -> Activations:
            nonlocal content, style
            if layer == CONTENT_LAYER:
                features, error = tap_content(features, self.content, rectified=True)
                content = self.content_factor * error
            else:
                features, error = tap_style(features, self.styles[layer], rectified=True)
                style = style + self.style_factors[layer] * error
            return features

        self.encoder.walk(image, {CONTENT_LAYER, *STYLE_LAYERS}, tap)
        return Terms(content, style, image.new_zeros(()))

    def loss(self, image: Tensor) -> float:
        """The loss of an image (1, 3, H, W), as a number."""
        with torch.no_grad():
            return torch.stack(self(image)).sum().item()


def zero_bordered(encoder: Encoder) -> Encoder:
    """The same network with zeros beyond the border, as the peer's has them."""
    bordered = copy.copy(encoder)
    bordered.border = "zeros"
    return bordered
