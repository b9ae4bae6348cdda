"""The peer's loss with our network, so that both sides minimize and report the same loss."""

import torch
from torch import Tensor

from styletransfer.transfer.losses import layer_statistics
from styletransfer.transfer.objective import Terms
from styletransfer.transfer.style_forms import GramError
from styletransfer.transfer.targets import picture_moments
from styletransfer.vgg.encoder import Encoder

CONTENT_LAYER = "relu4_2"
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")


class PeerObjective:
    """The loss that pastiche minimizes by default.

    ``0.01 · mean((F − T)²) + Σ_l 10 / C_l² · mean((G_l − A_l)²)`` with F and T
    the activations of image and content at the content layer, and G and A the
    Gram matrices of image and style at the style layers. The weight of its total
    variation is 0.

    The style term is computed from our relative errors, times the energies that
    they are relative to, so that it runs on our kernels. In float32 it judges
    both sides.

    Args:
        encoder: A VGG-19 with the bundled weights, which pastiche uses too.
        content: Shape (1, 3, H, W), RGB in [0, 1], at the size of the run.
        style: Shape (1, 3, H', W'), RGB in [0, 1].
    """

    def __init__(self, encoder: Encoder, content: Tensor, style: Tensor) -> None:
        with torch.no_grad():
            contents = encoder(content, {CONTENT_LAYER})
            styles = picture_moments(encoder, style, STYLE_LAYERS)
        self.statistics = layer_statistics(encoder, contents, STYLE_LAYERS)
        self.style_errors = {layer: GramError(each) for layer, each in styles.items()}
        self.style_factors = {
            layer: 10 / each.gram.shape[1] ** 4 * each.gram.double().square().sum().item()
            for layer, each in styles.items()
        }

    def __call__(self, image: Tensor) -> Terms:
        """Evaluate the content and style terms of an image (1, 3, H, W)."""
        contents, statistics = self.statistics(image)
        style = image.new_zeros(())
        for layer, found in statistics.items():
            style = style + self.style_factors[layer] * self.style_errors[layer](found).sum()
        content = 0.01 * contents[CONTENT_LAYER]
        return Terms(content, style, image.new_zeros(()))

    def loss(self, image: Tensor) -> float:
        """The loss of an image (1, 3, H, W) as a number."""
        with torch.no_grad():
            return self(image).total.item()
