"""What one size of a run is optimized for: the three terms and their targets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from styletransfer.layers import default_share
from styletransfer.settings import Settings
from styletransfer.transfer.losses import (
    Target,
    content_target,
    gram_matrices,
    style_target,
    tap_content,
    tap_style,
)
from styletransfer.transfer.total_variation import total_variation_loss
from styletransfer.vgg.encoder import Encoder, is_rectified
from styletransfer.vgg.kernels.padded import Activations


class Terms(NamedTuple):
    """The three terms of the objective: scalars, before or after weighting."""

    content: Tensor
    style: Tensor
    tv: Tensor


@dataclass(slots=True)
class Targets:
    """What an image is compared to at one size; None: no run has needed it yet.

    Neither depends on the weights. So runs may share them that are on the same
    pictures and whose settings differ in their weights alone.
    """

    content: dict[str, Target] | None = None
    """Activations of the content by layer, each of shape (1, C, H, W)."""

    style: dict[str, Target] | None = None
    """Blended Gram matrices of the styles by layer, each of shape (1, C, C)."""


class Objective:
    """The weighted loss of an image against a content and some styles.

    ``content_weight · content + style_weight · style + tv_weight · tv``

    The targets are computed once, when the objective is made; those of a
    weight of 0 are not.

    Args:
        encoder: The network.
        content: The content picture, shape (1, 3, H, W), RGB in [0, 1].
        styles: Style pictures, each of shape (1, 3, H, W), RGB in [0, 1].
        settings: Weights, layers and forms.
        targets: Those that other runs have computed for this size; what is
            missing is added to them. None: there is no other run.
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
        self.weights = (settings.content_weight, settings.style_weight, settings.tv_weight)
        self.content_layers = settings.content_layers if settings.content_weight else ()
        self.style_layers = settings.style_layers if settings.style_weight else ()
        shares = _shares(
            settings.layer_weights or [default_share(layer) for layer in settings.style_layers]
        )
        self.layer_shares = dict(zip(settings.style_layers, shares, strict=True))
        targets = Targets() if targets is None else targets
        with torch.no_grad():
            if self.content_layers and targets.content is None:
                features = encoder(content, self.content_layers)
                targets.content = {name: content_target(each) for name, each in features.items()}
            if self.style_layers and targets.style is None:
                grams = self._blend(styles)
                targets.style = {name: style_target(each) for name, each in grams.items()}
        # Another weight than this run's may have filled in what is not asked for here.
        self.content_targets = targets.content or {} if self.content_layers else {}
        self.style_targets = targets.style or {} if self.style_layers else {}

    def _blend(self, styles: Sequence[Tensor]) -> dict[str, Tensor]:
        """Average the Gram matrices of the styles by their shares."""
        shares = _shares(self.settings.style_blend or [1.0] * len(styles))
        grams: dict[str, Tensor] = {}
        for style, share in zip(styles, shares, strict=True):

            def add(layer: str, features: Activations, share: float = share) -> Activations:
                gram = share * gram_matrices(features)
                grams[layer] = grams[layer] + gram if layer in grams else gram
                return features

            self.encoder.walk(style, self.style_layers, add)
        return grams

    def __call__(self, image: Tensor) -> Terms:
        """Evaluate the weighted terms; their sum is the loss.

        Args:
            image: Shape (1, 3, H, W), values around [0, 1].

        Returns:
            The weighted terms. A term of weight 0 is not evaluated, and 0.
        """
        content = style = tv = image.new_zeros(())

        def tap(layer: str, features: Activations) -> Activations:
            nonlocal content, style
            rectified = is_rectified(layer)
            if layer in self.content_targets:
                target = self.content_targets[layer]
                features, error = tap_content(features, target, rectified)
                content = content + error / len(self.content_targets)
            if layer in self.style_targets:
                features, error = tap_style(features, self.style_targets[layer], rectified)
                style = style + self.layer_shares[layer] * error
            return features

        self.encoder.walk(image, {*self.content_layers, *self.style_layers}, tap)
        if self.settings.tv_weight:
            tv = total_variation_loss(image, self.settings.tv_form)
        of_content, of_style, of_tv = self.weights
        return Terms(of_content * content, of_style * style, of_tv * tv)


def _shares(weights: Sequence[float]) -> list[float]:
    """Normalize weights to sum to 1."""
    return [weight / sum(weights) for weight in weights]
