"""What an image is compared with at each size of a run."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from styletransfer.errors import ConfigError
from styletransfer.settings import Settings
from styletransfer.transfer.losses import TINY
from styletransfer.transfer.pyramid import Scale
from styletransfer.transfer.regions import Regions
from styletransfer.transfer.tiling.content import tiled_features
from styletransfer.transfer.tiling.statistics import tiled_moments
from styletransfer.vgg.encoder import Encoder
from styletransfer.vgg.kernels import moments as fast_moments
from styletransfer.vgg.moments import Moments, moments


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


_DECISIVE = (
    *("style_blend", "style_scale", "preserve_color", "tileable"),
    *("content_mask", "style_mask", "regions"),
)
"""Settings that decide what targets are at a size, beside the network."""


class SharedTargets:
    """Targets shared by runs on the same pictures whose settings differ only in weights.

    The first run that needs a target computes it, the next ones find it. A run
    with shared targets gives the same picture to the bit as one without.
    """

    def __init__(self) -> None:
        self._by_size: defaultdict[tuple[int, int], Targets] = defaultdict(Targets)
        self._made_for: tuple[tuple[Any, ...], list[Tensor]] | None = None

    def check(
        self, encoder: Encoder, content: Tensor, styles: Sequence[Tensor], settings: Settings
    ) -> None:
        """Refuse a run on other pictures or with other settings than the first one.

        Args:
            encoder: The network.
            content: As in `stylize`, like the following.
            styles: One or more.
            settings: The settings of the run.

        Raises:
            ConfigError: If the targets do not fit.
        """
        key = (encoder, *_decisive(settings))
        pictures = [content, *styles]
        if self._made_for is None:
            self._made_for = (key, pictures)
        known, others = self._made_for
        same = len(pictures) == len(others) and all(
            one is other or torch.equal(one, other)
            for one, other in zip(pictures, others, strict=True)
        )
        if known != key or not same:
            raise ConfigError(
                "targets can be shared only by runs on the same pictures whose settings differ in "
                "their weights; make new ones"
            )

    def at(self, scale: Scale, settings: Settings) -> Targets:
        """The targets at a size.

        Args:
            scale: The size.
            settings: Those that hold now. Where others than at the start of the run decide
                what the targets are, they are not shared, but for what stays the same.
        """
        shared = self._by_size[scale.size]
        if self._made_for is None or _decisive(settings) == self._made_for[0][1:]:
            return shared
        # Recoloured pictures depend on the size of the result and the scale of the styles.
        return Targets(shared.content) if settings.preserve_color == "none" else Targets()


def _decisive(settings: Settings) -> tuple[Any, ...]:
    size = None if settings.preserve_color == "none" else settings.size
    return (*(getattr(settings, name) for name in _DECISIVE), size)


def blended_moments(
    encoder: Encoder,
    styles: Sequence[Tensor],
    layers: Collection[str],
    settings: Settings,
    regions: Regions | None = None,
    tile: int | None = None,
) -> dict[str, Moments]:
    """Average the moments of styles by their shares; in each region, of those that have it.

    Args:
        encoder: The network.
        styles: Shape (1, 3, H, W) each, RGB in [0, 1]; possibly each several times
            in turn, at several sizes.
        layers: Layer names.
        settings: The shares of the styles.
        regions: Which parts of the styles are used. None: all.
        tile: As in `picture_moments`.

    Returns:
        Moments by layer, of the whole or of each region.
    """
    parts: list[dict[str, Tensor] | None] = [None] * len(styles)
    if regions is not None:
        parts = [encoder.follow(part, layers) for part in regions.styles]
    each = [
        picture_moments(encoder, style, layers, part, tile)
        for style, part in zip(styles, parts, strict=True)
    ]
    return {
        layer: blended([found[layer] for found in each], settings, in_regions=regions is not None)
        for layer in each[0]
    }


def picture_features(
    encoder: Encoder,
    picture: Tensor,
    layers: Collection[str],
    tile: int | None = None,
    *,
    circular: bool = False,
) -> dict[str, Tensor]:
    """Activations of a picture by layer.

    Args:
        encoder: The network.
        picture: Shape (1, 3, H, W), RGB in [0, 1].
        layers: Layer names.
        tile: As in `picture_moments`.
        circular: As in `Encoder.forward`.

    Returns:
        As `Encoder.forward`.
    """
    if tile is None:
        whole: dict[str, Tensor] = encoder(picture, layers, circular=circular)
        return whole
    return tiled_features(encoder, picture, layers, tile, circular=circular)


def picture_moments(
    encoder: Encoder,
    picture: Tensor,
    layers: Collection[str],
    shares: Mapping[str, Tensor] | None = None,
    tile: int | None = None,
) -> dict[str, Moments]:
    """Moments of a picture by layer, with the kernels of the encoder.

    Args:
        encoder: The network.
        picture: Shape (1, 3, H, W), RGB in [0, 1].
        layers: Layer names.
        shares: Shares of regions by layer, see `vgg.moments.moments`. None: the
            whole picture.
        tile: Side of the tiles in which a larger picture is evaluated. None: all at
            once.

    Returns:
        Moments by layer.
    """
    if tile is not None and max(picture.shape[2:]) > tile:
        return tiled_moments(encoder, picture, layers, tile, shares)
    if encoder.fast is None:
        of = shares or {}
        found = encoder(picture, layers).items()
        return {layer: moments(each, of.get(layer)) for layer, each in found}
    return fast_moments.network_moments(encoder.fast, picture, layers, shares)


def blended(parts: Sequence[Moments], settings: Settings, *, in_regions: bool) -> Moments:
    """The mean of moments by the shares of the styles.

    Args:
        parts: Moments of each style, possibly of each several times in turn, at
            several sizes.
        settings: The shares of the styles.
        in_regions: Whether they are of regions: in each, of the styles that have it.
    """
    blend = settings.style_blend or [1.0] * len(parts)
    repeats = len(parts) // len(blend)
    shares = normalized([share for share in blend for _ in range(repeats)])
    each = torch.tensor(shares).to(parts[0].mean)[:, None].expand(-1, len(parts[0].mean))
    if in_regions:
        each = each * torch.stack([is_found(part) for part in parts])
        each = each / each.sum(0).clamp_min(TINY)
    means = [share[:, None] * part.mean for share, part in zip(each, parts, strict=True)]
    grams = [share[:, None, None] * part.gram for share, part in zip(each, parts, strict=True)]
    return Moments(sum(means[1:], means[0]), sum(grams[1:], grams[0]))


def is_found(found: Moments) -> Tensor:
    """Whether each region has any position in a layer, shape (R,), given its moments."""
    return found.gram.flatten(1).any(1)


def normalized(weights: Sequence[float]) -> list[float]:
    """Scale weights, of which one is above 0, to sum to 1."""
    return [weight / sum(weights) for weight in weights]
