"""The pictures of a run: checked, prepared, and brought to each size."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from styletransfer.errors import ConfigError, ImageError
from styletransfer.settings import Settings
from styletransfer.transfer.colours.preservation import finish_picture, prepare_pictures
from styletransfer.transfer.colours.recolouring import Start, recolouring
from styletransfer.transfer.pyramid import Scale
from styletransfer.transfer.regions import Regions
from styletransfer.transfer.resizing import resize, resize_to_scale

_ROUNDING = 1e-3
"""Values this far outside [0, 1] are taken for rounded ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The pictures of a run, as the network is to see them. Made by `prepare_inputs`."""

    content: Tensor
    """What the result shows, shape (1, 3, H, W), RGB in [0, 1]."""

    start: Start
    """What the run starts from."""

    styles: list[Tensor]
    """How it is painted, of the same form."""

    regions: Regions | None
    """Which parts take which style. None: all of it takes all styles."""

    colours: Tensor
    """The content in its own colours."""

    settings: Settings
    """The settings of the run."""

    def are_for(self, settings: Settings) -> bool:
        """Whether they are as `prepare_inputs` makes them for other settings of the run."""
        one, other = (
            (each.size, each.style_scale, each.preserve_color) for each in (self.settings, settings)
        )
        return settings.preserve_color == "none" or one == other

    def at(self, scale: Scale) -> tuple[Tensor, list[Tensor], Regions | None]:
        """Content, styles and regions at a size of the run.

        Returns:
            The styles at each `Settings.style_scale` in turn.
        """
        settings = self.settings
        content, styles = resize_to_scale(
            self.content, self.styles, scale, settings.style_scale, circular=settings.tileable
        )
        if self.regions is None:
            return content, styles, None
        return content, styles, _resized(self.regions, scale.size, styles)

    def finish(self, image: Tensor) -> Tensor:
        """Give an image the colours and the parts of the content that are kept.

        Args:
            image: Shape (1, 3, H, W), RGB in [0, 1], of any size and on any device.

        Returns:
            An image of that form.
        """
        image = finish_picture(image, self.colours, self.settings.preserve_color)
        if self.regions is None:
            return image
        height, width = image.shape[2:]
        kept = self.regions.kept_at(width, height)
        if kept is None:
            return image
        content = resize(self.colours, width, height, circular=self.settings.tileable)
        return torch.lerp(image, content.to(image), kept.to(image))


def prepare_inputs(
    content: Tensor,
    styles: Sequence[Tensor],
    init: Tensor | None,
    regions: Regions | None,
    scales: Sequence[Scale],
    settings: Settings,
) -> Inputs:
    """Prepare the pictures of a run.

    Args:
        content: As in `stylize`, like the following.
        styles: One or more.
        init: What to start from. None: what `Settings.init` names.
        regions: Which parts take which style.
        scales: The sizes of the run, smallest first.
        settings: The settings of the run.

    Raises:
        ConfigError: If `Settings.init` names a file.
    """
    first = _first_image(content, init, scales[0], settings).cpu()
    how = settings.preserve_color
    if how != "none":
        # No more than will be seen is recoloured.
        content, styles = resize_to_scale(content, styles, scales[-1], (max(settings.style_scale),))
    shown, first, painted = prepare_pictures(content, first, list(styles), how)
    inputs = Inputs(
        content=shown,
        start=Start(first),
        styles=painted,
        regions=None if regions is None or regions.is_whole else regions,
        colours=content,
        settings=settings,
    )
    if init is not None or settings.init != "recolored" or not settings.style_weight:
        return inputs
    return replace(inputs, start=Start(first, recolouring(*inputs.at(scales[0]), settings)))


def check_pictures(
    content: Tensor,
    styles: Sequence[Tensor],
    init: Tensor | None,
    regions: Regions | None,
    settings: Settings,
) -> None:
    """Refuse pictures of the wrong shape, and counts that differ.

    Args:
        content: As in `stylize`, like the following.
        styles: One or more.
        init: What to start from.
        regions: Which parts take which style.
        settings: The settings of the run.

    Raises:
        ImageError: If a picture has another shape, is not of floats in [0, 1], or
            there is no style.
        ConfigError: If a setting does not fit the number of styles.
    """
    if not styles:
        raise ImageError("there is no style picture; pass at least one")
    named = [("content", content), *(("style", style) for style in styles)]
    for name, image in named if init is None else [*named, ("init", init)]:
        _check_picture(name, image)
    blend = settings.style_blend
    if blend is not None and len(blend) != len(styles):
        raise ConfigError(
            f"style_blend needs one number for each of the {len(styles)} styles, not {len(blend)}"
        )
    if regions is not None and len(regions.styles) != len(styles):
        raise ConfigError(
            f"regions need weights for each of the {len(styles)} styles, not {len(regions.styles)}"
        )
    if regions is None and (settings.content_mask or settings.style_mask):
        raise ConfigError("masks are files: read them with read_regions, and pass them as regions=")


def _check_picture(name: str, image: Tensor) -> None:
    if image.ndim != 4 or image.shape[:2] != (1, 3) or not image.numel():
        raise ImageError(f"{name} must have shape (1, 3, H, W), not {tuple(image.shape)}")
    if not image.is_floating_point():
        raise ImageError(f"{name} must be floats, not {image.dtype}; divide levels by 255")
    low, high = image.aminmax()
    if not (low >= -_ROUNDING and high <= 1 + _ROUNDING):
        raise ImageError(f"{name} must be from 0 to 1, not from {low:.3g} to {high:.3g}")


def _resized(regions: Regions, size: tuple[int, int], styles: Sequence[Tensor]) -> Regions:
    """Regions for a content of a size and styles, possibly each at several sizes."""
    sizes = [(style.shape[3], style.shape[2]) for style in styles]
    repeats = len(styles) // len(regions.styles)
    each = tuple(style for style in regions.styles for _ in range(repeats))
    return Regions(regions.content, each).resized(size, sizes)


def _first_image(content: Tensor, init: Tensor | None, scale: Scale, settings: Settings) -> Tensor:
    if init is not None:
        return init
    if settings.init in {"recolored", "content"}:
        return content
    if settings.init == "noise":
        generator = torch.Generator().manual_seed(settings.seed)
        noise = torch.randn(1, 3, scale.height, scale.width, generator=generator)
        return (0.5 + 0.1 * noise).clamp(0, 1)
    raise ConfigError(f"init {settings.init!r} is a file: read it, and pass it as init=")
