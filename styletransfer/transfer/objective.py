"""The objective at one image size: three weighted losses and their targets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from styletransfer.errors import ConfigError
from styletransfer.layers import content_shares, default_share
from styletransfer.settings import Settings
from styletransfer.transfer.losses import TINY, layer_statistics
from styletransfer.transfer.regions import Regions
from styletransfer.transfer.style_forms import STYLE_FORMS
from styletransfer.transfer.targets import (
    Targets,
    blended_moments,
    is_found,
    normalized,
    picture_features,
)
from styletransfer.transfer.tiling.content import EvaluatedContent
from styletransfer.transfer.total_variation import SMOOTHING, total_variation_loss
from styletransfer.vgg.encoder import Encoder
from styletransfer.vgg.kernels import total_variation as kernels
from styletransfer.vgg.moments import Moments


@dataclass(frozen=True, slots=True)
class Terms:
    """The weighted terms of the objective, scalar tensors."""

    content: Tensor
    style: Tensor
    tv: Tensor

    extra: Tensor | None = None
    """A term of the caller. None: there is none."""

    @property
    def total(self) -> Tensor:
        """The loss: their sum."""
        known = self.content + self.style + self.tv
        return known if self.extra is None else known + self.extra


@dataclass(frozen=True, slots=True)
class Losses:
    """The weighted terms of one evaluation, as numbers."""

    content: float
    style: float
    tv: float

    penalty: float = 0.0
    """Of values outside [0, 1] and of rough colours, see `optimize`; small at the end."""

    extra: float = 0.0
    """A term of the caller of `stylize`."""

    @property
    def terms(self) -> dict[str, float]:
        """The three terms by name."""
        return {"content": self.content, "style": self.style, "tv": self.tv}

    @property
    def total(self) -> float:
        """The loss: the sum of the terms, and of the caller's."""
        return sum(self.terms.values()) + self.extra

    @property
    def penalized(self) -> float:
        """What is minimized: the loss and the penalty."""
        return self.total + self.penalty


ExtraLoss = Callable[[Tensor], Tensor]
"""A scalar from an image of shape (1, 3, H, W)."""


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
        regions: Which parts of the content take which parts of the styles, at
            their sizes. None: all of it takes all of them.
        extra_loss: A further term, of an image as `__call__` takes it. None: none.
        tile: Side of the tiles in which the network is evaluated, a multiple of 16
            pixels. None: all at once.
        recompute: Whether tiles of the content are evaluated whenever they are compared,
            instead of keeping its activations.

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
        *,
        regions: Regions | None = None,
        extra_loss: ExtraLoss | None = None,
        tile: int | None = None,
        recompute: bool = False,
    ) -> None:
        self.encoder = encoder
        self.settings = settings
        self.regions = regions
        self.extra_loss = extra_loss
        self.kept = None if regions is None else regions.kept_at(content.shape[3], content.shape[2])
        # A large picture is not held in vain.
        self.content = None if self.kept is None else content
        self.content_shares: dict[str, float] = {}
        if settings.content_weight:
            self.content_shares = content_shares(settings.content_layers, settings.detail)
        content_layers = [*self.content_shares]
        self.evaluated: EvaluatedContent | None = None
        if recompute and tile is not None:
            self.evaluated = EvaluatedContent(
                encoder, content, content_layers, tile, circular=settings.tileable
            )
        style_layers = settings.style_layers if settings.style_weight else ()
        shares = normalized(
            settings.layer_weights or [default_share(layer) for layer in settings.style_layers]
        )
        self.layer_shares = dict(zip(settings.style_layers, shares, strict=True))
        targets = Targets() if targets is None else targets
        with torch.no_grad():
            missing = {*content_layers} - {*targets.content}
            if missing and self.evaluated is None:
                targets.content |= picture_features(
                    encoder, content, missing, tile, circular=settings.tileable
                )
            wanted = {*content_layers, *style_layers} if style_layers else set()
            if missing := wanted - {*targets.style}:
                targets.style |= blended_moments(encoder, styles, missing, settings, regions, tile)
        self._take(targets, style_layers)
        self._total_variation_loss = (
            total_variation_loss if encoder.fast is None else kernels.total_variation_loss
        )
        self.statistics = layer_statistics(
            encoder,
            self.evaluated or self.content_targets,
            style_layers,
            None if regions is None else encoder.follow(regions.content, style_layers),
            circular=settings.tileable,
            tile=tile,
        )

    def _take(self, targets: Targets, style_layers: Sequence[str]) -> None:
        """Take what this run compares from targets that may hold more."""
        self.areas = {layer: self._areas(found) for layer, found in targets.style.items()}
        self.content_targets = {
            layer: targets.content[layer] for layer in self.content_shares if self.evaluated is None
        }
        self.content_energies = {
            layer: self._content_energy(layer, targets.style.get(layer) if style_layers else None)
            for layer in self.content_shares
        }
        error = STYLE_FORMS[self.settings.style_form]
        self.style_errors = {layer: error(targets.style[layer]) for layer in style_layers}

    def __call__(self, image: Tensor) -> Terms:
        """Evaluate the weighted terms; their sum is the loss.

        Args:
            image: Shape (1, 3, H, W), values around [0, 1].

        Returns:
            The weighted terms. A term of weight 0 is not evaluated and is 0.
        """
        settings = self.settings
        if self.kept is not None and self.content is not None:
            image = torch.lerp(image, self.content, self.kept)
        content = style = tv = image.new_zeros(())
        # First, so that its gradient, which is as large as the picture, comes last.
        if settings.tv_weight:
            tv = self._total_variation_loss(
                image, settings.tv_form, SMOOTHING, circular=settings.tileable
            )
        content_errors, statistics = self.statistics(image)
        for layer, error in content_errors.items():
            content = content + self.content_shares[layer] * error / self.content_energies[layer]
        for layer, found in statistics.items():
            errors = self.areas[layer] * self.style_errors[layer](found)
            style = style + self.layer_shares[layer] * errors.sum()
        return Terms(
            settings.content_weight * content,
            settings.style_weight * style,
            settings.tv_weight * tv,
            self._extra(image),
        )

    def _extra(self, image: Tensor) -> Tensor | None:
        if self.extra_loss is None:
            return None
        found = self.extra_loss(image)
        if not isinstance(found, Tensor) or found.numel() != 1:
            raise ConfigError(f"extra_loss must return a tensor of one number, not {found!r:.80}")
        return found.sum()

    def _content_energy(self, layer: str, style: Moments | None) -> Tensor:
        """The mean square of the style's activations, or without a style of the content's.

        Of several regions, the mean by their areas.
        """
        if style is None or not self.areas[layer].any():
            if self.evaluated is not None:
                return self.evaluated.mean_square(layer).clamp_min(TINY)
            return self.content_targets[layer].float().square().mean().clamp_min(TINY)
        areas, each = self.areas[layer], style.gram.diagonal(dim1=1, dim2=2).mean(1)
        return ((areas * each).sum() / areas.sum().clamp_min(TINY)).clamp_min(TINY)

    def _areas(self, found: Moments) -> Tensor:
        """The area of each region: 0 in a layer where no style is large enough to show it."""
        if self.regions is None:
            return found.mean.new_ones(1)
        return self.regions.areas * is_found(found)
