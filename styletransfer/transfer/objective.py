"""The objective at one image size: three weighted losses and their targets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from styletransfer.layers import default_share
from styletransfer.settings import Settings
from styletransfer.transfer.losses import LayerLosses, gram_matrix
from styletransfer.transfer.total_variation import SMOOTHING, total_variation_loss
from styletransfer.vgg.encoder import Encoder
from styletransfer.vgg.kernels import gram, loss_taps
from styletransfer.vgg.kernels import total_variation as kernels


@dataclass(frozen=True, slots=True)
class Terms:
    """The three weighted terms of the objective, scalar tensors."""

    content: Tensor
    style: Tensor
    tv: Tensor

    @property
    def total(self) -> Tensor:
        """The loss: their sum."""
        return self.content + self.style + self.tv


@dataclass(slots=True)
class Targets:
    """What an image is compared with at one size. None: not computed yet.

    Neither depends on the weights. Runs on the same pictures whose settings
    differ only in their weights can share them.
    """

    content: dict[str, Tensor] | None = None
    """Activations of the content by layer, each of shape (1, C, H, W)."""

    style: dict[str, Tensor] | None = None
    """Blended Gram matrices of the styles by layer, each of shape (1, C, C)."""


class Objective:
    """The weighted loss of an image, given a content and some styles.

    ``content_weight · content + style_weight · style + tv_weight · tv``

    The targets are computed once, on construction; those of a term of weight 0
    are not computed.

    Args:
        encoder: The network.
        content: The content picture, shape (1, 3, H, W), RGB in [0, 1].
        styles: Style pictures, each of shape (1, 3, H, W), RGB in [0, 1].
        settings: Weights, layers and forms.
        targets: Targets of other runs at this size. Missing ones are added.
            None: not shared.

    References:
        Gatys et al. (2016), eq. 7, with total variation as a third term.
    """

    def __init__(
        self,
        encoder: Encoder,
        content: Tensor,
        styles: Sequence[Tensor],
        settings: Settings,
        targets: Targets | None = None,
    ) -> None:
        self.encoder = encoder
        self.settings = settings
        content_layers = settings.content_layers if settings.content_weight else ()
        style_layers = settings.style_layers if settings.style_weight else ()
        shares = _normalized(
            settings.layer_weights or [default_share(layer) for layer in settings.style_layers]
        )
        self.layer_shares = dict(zip(settings.style_layers, shares, strict=True))
        targets = Targets() if targets is None else targets
        with torch.no_grad():
            if content_layers and targets.content is None:
                targets.content = encoder(content, content_layers)
            if style_layers and targets.style is None:
                targets.style = self._blended_grams(styles)
        # Shared targets may hold a term that has weight 0 in this run.
        self.content_targets = targets.content or {} if content_layers else {}
        self.style_targets = targets.style or {} if style_layers else {}
        self._total_variation_loss = (
            total_variation_loss if encoder.fast is None else kernels.total_variation_loss
        )
        self.layer_losses = layer_losses(encoder, self.content_targets, self.style_targets)

    def __call__(self, image: Tensor) -> Terms:
        """Evaluate the weighted terms; their sum is the loss.

        Args:
            image: Shape (1, 3, H, W), values around [0, 1].

        Returns:
            The weighted terms. A term of weight 0 is not evaluated and is 0.
        """
        settings = self.settings
        content = style = tv = image.new_zeros(())
        content_losses, style_losses = self.layer_losses(image)
        for error in content_losses.values():
            content = content + error / len(content_losses)
        for layer, error in style_losses.items():
            style = style + self.layer_shares[layer] * error
        if settings.tv_weight:
            tv = self._total_variation_loss(image, settings.tv_form, SMOOTHING)
        return Terms(
            settings.content_weight * content,
            settings.style_weight * style,
            settings.tv_weight * tv,
        )

    def _blended_grams(self, styles: Sequence[Tensor]) -> dict[str, Tensor]:
        """Average the Gram matrices of the styles by their shares."""
        shares = _normalized(self.settings.style_blend or [1.0] * len(styles))
        blended: dict[str, Tensor] = {}
        for style, share in zip(styles, shares, strict=True):
            grams = gram_matrices(self.encoder, style, self.settings.style_layers)
            for layer, matrix in grams.items():
                previous = blended.get(layer)
                blended[layer] = share * matrix if previous is None else previous + share * matrix
        return blended


def layer_losses(
    encoder: Encoder, content: Mapping[str, Tensor], style: Mapping[str, Tensor]
) -> LayerLosses | loss_taps.TappedLosses:
    """Content and style losses by layer, with the kernels of the encoder.

    Args:
        encoder: The network.
        content: As in `LayerLosses`.
        style: As in `LayerLosses`.
    """
    if encoder.fast is None:
        return LayerLosses(encoder, content, style)
    return loss_taps.TappedLosses(encoder.fast, content, style)


def gram_matrices(encoder: Encoder, style: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    """Gram matrices of a picture by layer, with the kernels of the encoder.

    Args:
        encoder: The network.
        style: Shape (1, 3, H, W), RGB in [0, 1].
        layers: Layer names.

    Returns:
        Matrices of shape (1, C, C), from the first layer to the deepest.
    """
    if encoder.fast is None:
        return {layer: gram_matrix(each) for layer, each in encoder(style, layers).items()}
    return gram.gram_matrices(encoder.fast, style, layers)


def _normalized(weights: Sequence[float]) -> list[float]:
    """Scale weights to sum to 1."""
    return [weight / sum(weights) for weight in weights]
