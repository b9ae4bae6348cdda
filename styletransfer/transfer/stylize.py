"""The whole method: a content picture, repainted in the manner of styles."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.device.allocator import release, released
from styletransfer.device.device import choose_device, choose_precision
from styletransfer.errors import ConfigError, DivergenceError, ImageError
from styletransfer.settings import Settings
from styletransfer.transfer.memory import Extent, RunShape, explain_out_of_memory
from styletransfer.transfer.objective import Objective, Targets
from styletransfer.transfer.optimize import Losses, OnStep, optimize
from styletransfer.transfer.pyramid import Scale, fit, plan
from styletransfer.transfer.resizing import crop, pad_to_multiple
from styletransfer.vgg.encoder import Encoder, load_encoder

__all__ = [
    "Result",
    "Scale",
    "SharedTargets",
    "Step",
    "encoder_for",
    "plan",
    "resize",
    "stylize",
]


class Step(NamedTuple):
    """One optimizer step, as told to the caller of `stylize`."""

    scale: Scale
    """The size at work."""

    iteration: int
    """Steps taken at this size, from 1."""

    losses: Losses
    """The weighted terms after this step."""

    image: Tensor
    """The image after this step, shape (1, 3, H, W) at the size at work, RGB
    that may lie outside [0, 1], on the device. No copy: to be looked at, not
    to be written to."""


class Result(NamedTuple):
    """What a run came to."""

    image: Tensor
    """The picture, shape (1, 3, H, W), float32, RGB in [0, 1], on the CPU."""

    losses: Losses
    """Its weighted terms, at the last size that was worked on."""

    stopped: bool
    """Whether the caller asked to stop before the end."""


class SharedTargets:
    """What runs on the same pictures share whose settings differ in their weights alone.

    The features of the content and the Gram matrices of the styles at each
    size: the first run that needs them computes them, and the next find them.
    A run that shares them gives the same picture to the bit as one by itself.
    """

    def __init__(self) -> None:
        self._by_size: defaultdict[tuple[int, int], Targets] = defaultdict(Targets)

    def at(self, width: int, height: int) -> Targets:
        """The targets at a size in pixels."""
        return self._by_size[width, height]


def stylize(
    content: Tensor,
    styles: Tensor | Sequence[Tensor],
    settings: Settings | None = None,
    *,
    init: Tensor | None = None,
    encoder: Encoder | None = None,
    targets: SharedTargets | None = None,
    on_step: Callable[[Step], bool | None] | None = None,
) -> Result:
    """Repaint a content picture in the manner of one or more styles.

    Coarse to fine: at each size of the pyramid, an image is optimized so that
    its features match the content's, its Gram matrices the styles', and its
    total variation stays low; each size starts from the last one's result
    (see `enlarge`).

    Args:
        content: What the result shows, shape (1, 3, H, W), RGB in [0, 1].
        styles: How it is painted, one or more pictures of that form.
        settings: Everything else; None: the defaults.
        init: The picture to start from; None: what `Settings.init` names.
        encoder: The network; None: the one that the settings name.
        targets: Shared with other runs; None: there is none.
        on_step: Called after every step; returning True ends the run there.

    Returns:
        The result, at its full size even if it was stopped before.

    Raises:
        StyleTransferError: If a picture or a setting is refused, memory runs
            out, or the run diverges; `DivergenceError` holds the best picture
            before that.

    References:
        Gatys, Ecker & Bethge (2016); coarse to fine as in Gatys et al. (2017).
        Differs: relative terms, total variation, and a start from the content.
    """
    settings = settings or Settings()
    styles = [styles] if isinstance(styles, Tensor) else list(styles)
    _check(content, styles, init, settings)
    encoder = encoder or encoder_for(settings)
    targets = targets or SharedTargets()
    scales = plan(content.shape[3], content.shape[2], settings)
    scale, first = scales[0], _first_image(content, init, scales[0], settings).cpu()
    image = resize(first, *scale[:2])
    work = _work(content, styles, settings, encoder)
    with released(), explain_out_of_memory(work, encoder.mean.device, lambda: scale):
        for scale in scales:
            release()
            side = max(scale[:2]) * settings.style_scale
            objective = Objective(
                encoder,
                pad_to_multiple(resize(content, *scale[:2])).to(encoder.mean),
                [_resize_style(style, side).to(encoder.mean) for style in styles],
                settings,
                targets.at(*scale[:2]),
            )
            start = pad_to_multiple(enlarge(image, first, *scale[:2])).to(encoder.mean)
            try:
                image, losses, _, stopped = optimize(
                    objective, start, scale.iterations, settings, _tell(on_step, scale)
                )
            except DivergenceError as error:
                best = crop(error.image, *scale[:2]).cpu()
                error.image = enlarge(best, first, *scales[-1][:2])
                raise
            image = crop(image, *scale[:2]).cpu()
            if stopped:
                break
        image = enlarge(image, first, *scales[-1][:2])
    return Result(image, losses, stopped)


def _work(
    content: Tensor, styles: Sequence[Tensor], settings: Settings, encoder: Encoder
) -> RunShape:
    """What decides how much memory a run takes."""
    extents = [Extent(*image.shape[:1:-1]) for image in (content, *styles)]
    precision = str(encoder.dtype).removeprefix("torch.")
    return RunShape(extents[0], extents[1:], settings, precision, encoder.use_winograd)


def encoder_for(settings: Settings) -> Encoder:
    """Load the network that the settings name, once in a process.

    Args:
        settings: Network, weights, device and precision.

    Returns:
        The encoder, on its device and in its number format.
    """
    device = choose_device(settings.device)
    dtype = choose_precision(settings.precision, device).dtype
    return load_encoder(
        settings.network, settings.weights, settings.weights_layout, settings.pooling, device, dtype
    )


def resize(image: Tensor, width: int, height: int) -> Tensor:
    """Resize an image with an antialiased bicubic filter.

    Args:
        image: Shape (1, 3, H, W), RGB in [0, 1].
        width: In pixels.
        height: In pixels.

    Returns:
        Shape (1, 3, `height`, `width`), clamped to [0, 1]; the image itself if
        it has that size.
    """
    if image.shape[2:] == (height, width):
        return image
    return _bicubic(image, width, height).clamp(0, 1)


def enlarge(image: Tensor, first: Tensor, width: int, height: int) -> Tensor:
    """Bring a painted image to a larger size: what changed is enlarged, not the picture.

    The detail that only the larger size has room for is that of the first image.
    To paint it from a blurred picture takes a sixth of the steps of a size more,
    and faces lose by it.

    Args:
        image: The result of a smaller size, shape (1, 3, H, W), RGB in [0, 1].
        first: What the run started from, at any size, of that form.
        width: In pixels.
        height: In pixels.

    Returns:
        Shape (1, 3, `height`, `width`), clamped to [0, 1]; the image itself if
        it has that size.
    """
    if image.shape[2:] == (height, width):
        return image
    change = image - resize(first, image.shape[3], image.shape[2])
    return (resize(first, width, height) + _bicubic(change, width, height)).clamp(0, 1)


def _bicubic(field: Tensor, width: int, height: int) -> Tensor:
    return functional.interpolate(field, (height, width), mode="bicubic", antialias=True)


def _resize_style(style: Tensor, size: float) -> Tensor:
    """Resize a style so that its longest side is `size`, keeping its shape."""
    width, height = fit(style.shape[3], style.shape[2], max(1, round(size)))
    return resize(style, width, height)


def _first_image(content: Tensor, init: Tensor | None, scale: Scale, settings: Settings) -> Tensor:
    if init is not None:
        return init
    if settings.init == "content":
        return content
    if settings.init == "noise":
        generator = torch.Generator().manual_seed(settings.seed)
        noise = torch.randn(1, 3, scale.height, scale.width, generator=generator)
        return (0.5 + 0.1 * noise).clamp(0, 1)
    raise ConfigError(f"init {settings.init!r} is a file: read it, and pass it as init=")


def _tell(on_step: Callable[[Step], bool | None] | None, scale: Scale) -> OnStep | None:
    if on_step is None:
        return None

    def tell(iteration: int, losses: Losses, image: Tensor) -> bool | None:
        return on_step(Step(scale, iteration, losses, crop(image, *scale[:2])))

    return tell


def _check(
    content: Tensor, styles: Sequence[Tensor], init: Tensor | None, settings: Settings
) -> None:
    if not styles:
        raise ImageError("there is no style picture; give at least one")
    named = [("content", content), *(("style", style) for style in styles)]
    for name, image in named if init is None else [*named, ("init", init)]:
        if image.ndim != 4 or image.shape[:2] != (1, 3) or not image.numel():
            raise ImageError(f"{name} must have shape (1, 3, H, W), not {tuple(image.shape)}")
    blend = settings.style_blend
    if blend is not None and len(blend) != len(styles):
        raise ConfigError(
            f"style_blend needs one number for each of the {len(styles)} styles, not {len(blend)}"
        )
