"""The peer's loss, evaluated by our network: one objective, and one judge for both sides."""

from collections.abc import Collection

import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.encoder import Encoder
from styletransfer.losses import content_loss, gram_matrix, style_loss
from styletransfer.objective import Terms

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
        self.encoder = encoder
        with torch.no_grad():
            self.content = zero_bordered(encoder, content, {CONTENT_LAYER})[CONTENT_LAYER]
            features = zero_bordered(encoder, style, STYLE_LAYERS)
            self.grams = {layer: gram_matrix(features[layer]) for layer in STYLE_LAYERS}
        self.content_factor = 0.01 * self.content.double().square().mean().item()
        self.style_factors = {
            layer: 10 / gram.shape[1] ** 4 * gram.double().square().sum().item()
            for layer, gram in self.grams.items()
        }

    def __call__(self, image: Tensor) -> Terms:
        """Evaluate content and style of an image (1, 3, H, W); their sum is the loss."""
        features = zero_bordered(self.encoder, image, {CONTENT_LAYER, *STYLE_LAYERS})
        content = self.content_factor * content_loss(features[CONTENT_LAYER], self.content)
        style = image.new_zeros(())
        for layer, gram in self.grams.items():
            style = style + self.style_factors[layer] * style_loss(features[layer], gram)
        return Terms(content, style, image.new_zeros(()))

    def loss(self, image: Tensor) -> float:
        """The loss of an image (1, 3, H, W), as a number."""
        with torch.no_grad():
            return torch.stack(self(image)).sum().item()


def zero_bordered(encoder: Encoder, image: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
    """Evaluate activations with zeros beyond the border, as the peer's network has them.

    A frame of zeros goes into each convolution, and what it gave comes off again.

    Args:
        encoder: The network; its own border goes on instead.
        image: Shape (1, 3, H, W), RGB in [0, 1] or around it.
        layers: Names of ReLUs.

    Returns:
        Activations of shape (1, C, H_l, W_l) by layer name.
    """
    values = (image - encoder.mean[:, None, None]).to(encoder.dtype)
    values = values.contiguous(memory_format=torch.channels_last)
    depth = 1 + max(encoder.names.index(layer) for layer in layers)
    features: dict[str, Tensor] = {}
    for name, layer in zip(encoder.names[:depth], encoder.layers, strict=False):
        if name.startswith("conv"):
            framed = functional.pad(values, (1, 1, 1, 1))
            values = encoder.convolve(name, framed)[..., 1:-1, 1:-1]
        else:
            values = functional.relu(values) if name.startswith("relu") else layer(values)
        if name in layers:
            features[name] = values
    return features
