"""The objective at one image size: three weighted losses and their targets."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from styletransfer.layers import default_share
from styletransfer.settings import Settings
from styletransfer.transfer.losses import TINY, LayerStatistics
from styletransfer.transfer.style_forms import STYLE_FORMS
from styletransfer.transfer.total_variation import SMOOTHING, total_variation_loss
from styletransfer.vgg.encoder import Encoder
from styletransfer.vgg.kernels import loss_taps
from styletransfer.vgg.kernels import moments as fast_moments
from styletransfer.vgg.kernels import total_variation as kernels
from styletransfer.vgg.moments import Moments, moments


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
    """What an image is compared with at one size. Empty: not computed yet.

    Neither depends on the weights. Runs on the same pictures whose settings
    differ only in their weights can share them.
    """

    content: dict[str, Tensor] = field(default_factory=dict)
    """Activations of the content by layer, each of shape (1, C, H, W)."""

    style: dict[str, Moments] = field(default_factory=dict)
    """Blended moments of the styles by layer, of content layers too."""


class Objective:
    """The weighted loss of an image, given a content and some styles.

    ``content_weight · content + style_weight · style + tv_weight · tv``

    Content and style are measured in the same unit, the mean square of the
    style's activations: so a content with much to show keeps more of it, and a
    calm one is repainted more freely. Without a style, the unit is the mean square
    of the content's activations.

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
        Gatys et al. (2016), eq. 7, with total variation as a third term. Differs:
        both errors are relative to the style's activations.
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
            if missing := {*content_layers} - {*targets.content}:
                targets.content |= encoder(content, missing)
            wanted = {*content_layers, *style_layers} if style_layers else set()
            if missing := wanted - {*targets.style}:
                targets.style |= self._blended_moments(styles, missing)
        # Shared targets may hold a term that has weight 0 in this run.
        self.content_targets = {layer: targets.content[layer] for layer in content_layers}
        self.content_energies = {
            layer: _mean_square(target, targets.style.get(layer) if style_layers else None)
            for layer, target in self.content_targets.items()
        }
        error = STYLE_FORMS[settings.style_form]
        self.style_errors = {layer: error(targets.style[layer]) for layer in style_layers}
        self._total_variation_loss = (
            total_variation_loss if encoder.fast is None else kernels.total_variation_loss
        )
        self.statistics = layer_statistics(encoder, self.content_targets, style_layers)

    def __call__(self, image: Tensor) -> Terms:
        """Evaluate the weighted terms; their sum is the loss.

        Args:
            image: Shape (1, 3, H, W), values around [0, 1].

        Returns:
            The weighted terms. A term of weight 0 is not evaluated and is 0.
        """
        settings = self.settings
        content = style = tv = image.new_zeros(())
        content_errors, statistics = self.statistics(image)
        for layer, error in content_errors.items():
            content = content + error / self.content_energies[layer] / len(content_errors)
        for layer, found in statistics.items():
            style = style + self.layer_shares[layer] * self.style_errors[layer](found)
        if settings.tv_weight:
            tv = self._total_variation_loss(image, settings.tv_form, SMOOTHING)
        return Terms(
            settings.content_weight * content,
            settings.style_weight * style,
            settings.tv_weight * tv,
        )

    def _blended_moments(
        self, styles: Sequence[Tensor], layers: Collection[str]
    ) -> dict[str, Moments]:
        """Average the moments of the styles by their shares."""
        shares = _normalized(self.settings.style_blend or [1.0] * len(styles))
        each = [picture_moments(self.encoder, one, layers) for one in styles]
        return {
            layer: Moments(
                *(
                    sum(share * part for share, part in zip(shares, parts, strict=True))
                    for parts in zip(*(found[layer] for found in each), strict=True)
                )
            )
            for layer in each[0]
        }


def layer_statistics(
    encoder: Encoder, content: Mapping[str, Tensor], style_layers: Collection[str]
) -> LayerStatistics | loss_taps.TappedStatistics:
    """Content errors and moments by layer, with the kernels of the encoder.

    Args:
        encoder: The network.
        content: As in `LayerStatistics`.
        style_layers: As in `LayerStatistics`.
    """
    if encoder.fast is None:
        return LayerStatistics(encoder, content, style_layers)
    return loss_taps.TappedStatistics(encoder.fast, content, style_layers)


def picture_moments(
    encoder: Encoder, picture: Tensor, layers: Collection[str]
) -> dict[str, Moments]:
    """Moments of a picture by layer, with the kernels of the encoder.

    Args:
        encoder: The network.
        picture: Shape (1, 3, H, W), RGB in [0, 1].
        layers: Layer names.

    Returns:
        Moments, from the first layer to the deepest.
    """
    if encoder.fast is None:
        return {layer: moments(each) for layer, each in encoder(picture, layers).items()}
    return fast_moments.network_moments(encoder.fast, picture, layers)


def _normalized(weights: Sequence[float]) -> list[float]:
    """Scale weights to sum to 1."""
    return [weight / sum(weights) for weight in weights]


def _mean_square(content: Tensor, style: Moments | None) -> Tensor:
    """The mean square of the style's activations, or without a style of the content's."""
    if style is None:
        return content.float().square().mean().clamp_min(TINY)
    return style.gram.diagonal(dim1=1, dim2=2).mean().clamp_min(TINY)
