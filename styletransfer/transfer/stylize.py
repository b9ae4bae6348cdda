"""The whole method: a content picture, repainted in the manner of style pictures."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from styletransfer.device.allocator import release, released
from styletransfer.device.device import Precision, choose_device, choose_precision
from styletransfer.errors import ConfigError, DivergenceError, ImageError
from styletransfer.settings import Settings
from styletransfer.transfer.colour_preservation import finish_picture, prepare_pictures
from styletransfer.transfer.memory import explain_out_of_memory
from styletransfer.transfer.objective import Objective, Targets
from styletransfer.transfer.optimize import Losses, OnStep, optimize
from styletransfer.transfer.plan import RunPlan
from styletransfer.transfer.pyramid import Scale, plan_scales
from styletransfer.transfer.resizing import (
    crop,
    enlarge_change,
    pad_to_multiple,
    resize,
    resize_to_scale,
)
from styletransfer.vgg.encoder import Encoder, load_encoder


@dataclass(frozen=True, slots=True)
class Step:
    """One optimizer step, as passed to the callback of `stylize`."""

    scale: Scale
    """The current size."""

    iteration: int
    """Steps taken at this size, from 1."""

    losses: Losses
    """The weighted terms after this step."""

    image: Tensor
    """The image after this step, shape (1, 3, H, W) at the current size, on the
    device. RGB that may lie outside [0, 1]. It is not a copy and must not be
    written to."""

    finish: Callable[[Tensor], Tensor] = torch.clone
    """Gives an image within [0, 1] the content's colours, if they are preserved."""

    def picture(self) -> Tensor:
        """What the run would return if it ended here, at the current size.

        Returns:
            Shape (1, 3, H, W), RGB in [0, 1], on the device.
        """
        return self.finish(self.image.clamp(0, 1))


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of `stylize`."""

    image: Tensor
    """The picture, shape (1, 3, H, W), float32, RGB in [0, 1], on the CPU."""

    losses: Losses
    """Its weighted terms at the last size that was optimized."""

    stopped: bool
    """Whether the caller asked to stop before the end."""


class SharedTargets:
    """Targets shared by runs on the same pictures whose settings differ only in weights.

    The first run that needs a target computes it, the next ones find it. A run
    with shared targets gives the same picture to the bit as one without.
    """

    def __init__(self) -> None:
        self._by_size: defaultdict[tuple[int, int], Targets] = defaultdict(Targets)

    def at(self, scale: Scale) -> Targets:
        """The targets at a size."""
        return self._by_size[scale.size]


def stylize(
    content: Tensor,
    styles: Tensor | Sequence[Tensor],
    settings: Settings | None = None,
    *,
    init: Tensor | None = None,
    encoder: Encoder | None = None,
    targets: SharedTargets | None = None,
    plan: RunPlan | None = None,
    on_step: Callable[[Step], bool | None] | None = None,
) -> Result:
    """Repaint a content picture in the manner of one or more styles.

    Coarse to fine: at each size of the pyramid, an image is optimized so that
    its features match the content's, their statistics match the styles', and
    its total variation stays low. Each size starts from the result of the last
    one, see `resizing.enlarge_change`.

    Args:
        content: What the result shows, shape (1, 3, H, W), RGB in [0, 1].
        styles: How it is painted, one or more pictures of that form.
        settings: Everything else. None: the defaults.
        init: The picture to start from. None: what `Settings.init` names.
        encoder: The network. None: the one that the settings name.
        targets: Targets shared with other runs. None: not shared.
        plan: The plan of this run, if it was made before. None: made here.
        on_step: Called after every step; returning True ends the run there.

    Returns:
        The result, at its full size even if the run was stopped before.

    Raises:
        StyleTransferError: If a picture or a setting is refused, memory runs
            out, or the optimization diverges. `DivergenceError` holds the best
            picture before that.

    References:
        Gatys, Ecker & Bethge (2016); coarse to fine as in Gatys et al. (2017).
        Differs: relative losses, total variation, and a start from the content.
    """
    settings = settings or Settings()
    styles = [styles] if isinstance(styles, Tensor) else list(styles)
    _check(content, styles, init, settings)
    encoder = encoder or encoder_for(settings)
    targets = targets or SharedTargets()
    plan = _plan_with(encoder, content, styles, settings) if plan is None else plan
    final = scale = plan.scales[-1]
    how = settings.preserve_color
    if how != "none":
        # No more than will be seen is recoloured.
        content, styles = resize_to_scale(content, styles, final, settings.style_scale)
    finish = partial(finish_picture, content=content, how=how)
    first = _first_image(content, init, plan.scales[0], settings).cpu()
    content, first, styles = prepare_pictures(content, first, styles, how)
    image = resize(first, *plan.scales[0].size)
    with released(), explain_out_of_memory(plan, lambda: scale):
        for scale in plan.scales:
            release()
            shown, painted = resize_to_scale(content, styles, scale, settings.style_scale)
            objective = Objective(
                encoder,
                pad_to_multiple(shown).to(encoder.mean),
                [style.to(encoder.mean) for style in painted],
                settings,
                targets.at(scale),
            )
            start = pad_to_multiple(enlarge_change(image, first, *scale.size)).to(encoder.mean)
            try:
                optimized = optimize(
                    objective, start, scale.iterations, settings, _at_size(on_step, scale, finish)
                )
            except DivergenceError as error:
                best = crop(error.image, *scale.size).cpu()
                error.image = finish(enlarge_change(best, first, *final.size))
                raise
            image = crop(optimized.image, *scale.size).cpu()
            if optimized.stopped:
                break
        image = enlarge_change(image, first, *final.size)
    return Result(finish(image), optimized.losses, optimized.stopped)


def encoder_for(settings: Settings, plan: RunPlan | None = None) -> Encoder:
    """Load the network that the settings name, once in a process.

    Args:
        settings: Network, weights, device and precision.
        plan: The plan of the run, if it was made before.

    Returns:
        The encoder, on its device and in its number format.
    """
    device = choose_device(settings.device) if plan is None else plan.device
    precision = choose_precision(settings.precision, device) if plan is None else plan.precision
    return load_encoder(
        settings.network,
        settings.weights,
        settings.weights_layout,
        settings.pooling,
        device,
        precision.dtype,
    )


def _plan_with(
    encoder: Encoder, content: Tensor, styles: Sequence[Tensor], settings: Settings
) -> RunPlan:
    """Plan a run with an encoder that is on its device already."""
    size, *style_sizes = ((image.shape[3], image.shape[2]) for image in (content, *styles))
    return RunPlan(
        content=size,
        styles=tuple(style_sizes),
        settings=settings,
        scales=tuple(plan_scales(*size, settings)),
        device=encoder.device,
        precision=Precision(encoder.dtype, "the encoder's"),
    )


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


def _at_size(
    on_step: Callable[[Step], bool | None] | None,
    scale: Scale,
    finish: Callable[[Tensor], Tensor],
) -> OnStep | None:
    if on_step is None:
        return None

    def call(iteration: int, losses: Losses, image: Tensor) -> bool | None:
        return on_step(Step(scale, iteration, losses, crop(image, *scale.size), finish))

    return call


def _check(
    content: Tensor, styles: Sequence[Tensor], init: Tensor | None, settings: Settings
) -> None:
    if not styles:
        raise ImageError("there is no style picture; pass at least one")
    named = [("content", content), *(("style", style) for style in styles)]
    for name, image in named if init is None else [*named, ("init", init)]:
        if image.ndim != 4 or image.shape[:2] != (1, 3) or not image.numel():
            raise ImageError(f"{name} must have shape (1, 3, H, W), not {tuple(image.shape)}")
    blend = settings.style_blend
    if blend is not None and len(blend) != len(styles):
        raise ConfigError(
            f"style_blend needs one number for each of the {len(styles)} styles, not {len(blend)}"
        )
