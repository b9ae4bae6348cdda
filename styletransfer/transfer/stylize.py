"""The whole method: a content picture, repainted in the manner of style pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from styletransfer.device.allocator import release, released
from styletransfer.errors import UnfinishedError
from styletransfer.settings import Settings
from styletransfer.transfer.best import State
from styletransfer.transfer.inputs import Inputs, check_pictures, prepare_inputs
from styletransfer.transfer.objective import ExtraLoss, Losses, Objective
from styletransfer.transfer.optimize import Descent, OnStep, optimize
from styletransfer.transfer.plan import RunPlan, encoder_for, plan_with
from styletransfer.transfer.pyramid import Scale
from styletransfer.transfer.regions import Regions
from styletransfer.transfer.resizing import crop, pad_to_multiple, resize
from styletransfer.transfer.steering import Course, Turn
from styletransfer.transfer.targets import SharedTargets, Targets
from styletransfer.transfer.tiling import ranks
from styletransfer.transfer.workspace import Workspace, choose_workspace, explain_out_of_memory
from styletransfer.vgg.encoder import Encoder


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
    """Gives an image within [0, 1] the colours and regions of the content that are kept."""

    state: Callable[[], State] = dict
    """Returns what `stylize` needs to go on from here: plain values and tensors, which
    `torch.save` takes. The next step changes them."""

    result: Callable[[], Tensor] = Tensor
    """Returns the picture that the run would return if it were stopped here: the best one,
    at the size of the result, on the CPU."""

    scales: Sequence[Scale] = ()
    """The sizes of the run as it goes now, smallest first."""

    def picture(self, size: tuple[int, int] | None = None) -> Tensor:
        """The newest picture, as the run would return it.

        Args:
            size: Width and height in pixels. None: the current size.

        Returns:
            Shape (1, 3, H, W), RGB in [0, 1], on the device.
        """
        return self.finish(resize(self.image.clamp(0, 1), *(size or self.scale.size)))


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of `stylize`."""

    image: Tensor
    """The picture, shape (1, 3, H, W), float32, RGB in [0, 1], on the CPU."""

    losses: Losses
    """Its weighted terms at the last size that was optimized."""

    stopped: bool
    """Whether the caller asked to stop before the end."""

    change: float = 1.0
    """Mean absolute difference from the start, in units of [0, 1]."""


def stylize(
    content: Tensor,
    styles: Tensor | Sequence[Tensor],
    settings: Settings | None = None,
    *,
    init: Tensor | None = None,
    encoder: Encoder | None = None,
    targets: SharedTargets | None = None,
    plan: RunPlan | None = None,
    on_step: Callable[[Step], bool | Turn | None] | None = None,
    regions: Regions | None = None,
    extra_loss: ExtraLoss | None = None,
    resume: State | None = None,
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
        on_step: Called after every step. A `Turn` that it returns lets the run go on
            otherwise, anything else that is true ends it.
        regions: Which parts of the content take which parts of the styles. None:
            all of it takes all of them.
        extra_loss: A further term of the loss: a scalar from the image at the
            current size, shape (1, 3, H, W), on the device, values around [0, 1],
            differentiable and weighted. None: none.
        resume: What `Step.state` returned in a run with the same arguments: this one
            goes on from there, to the same result. None: from the start.

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
    content, styles = content.detach(), [style.detach() for style in styles]
    check_pictures(content, styles, init, regions, settings)
    encoder = encoder or encoder_for(settings)
    targets = targets or SharedTargets()
    targets.check(encoder, content, styles, settings)
    plan = plan_with(encoder, content, styles, settings) if plan is None else plan
    inputs = prepare_inputs(content, styles, init, regions, plan.scales, settings)
    course = Course(plan, settings, inputs.start, resume)
    objective: Objective | None = None

    def finished(best: Tensor, scale: Scale) -> Tensor:
        return inputs.finish(course.enlarged(crop(best, *scale.size).cpu(), course.scales[-1]))

    with released(), explain_out_of_memory(plan, lambda: course.scale or plan.scales[-1]):
        while (scale := course.scale) is not None:
            release()
            space = choose_workspace(course.plan, scale.longest_side)
            if not inputs.are_for(course.settings):
                inputs = prepare_inputs(
                    content, styles, init, regions, course.scales, course.settings
                )
            inputs = replace(inputs, settings=course.settings)
            if objective is not None and course.is_reweighed:
                objective.settings = course.settings
            else:
                objective = None  # before the next one takes memory
                found = targets.at(scale, course.settings)
                objective = _objective(encoder, inputs, scale, found, extra_loss, space)
            try:
                optimized = optimize(
                    objective,
                    # Not named here: it is not kept beside what becomes of it.
                    course.start(scale).to(encoder.mean),
                    scale.iterations,
                    course.settings,
                    _at_size(on_step, scale, inputs.finish, finished, course),
                    pairs=None if space.tile is None else space.pairs,
                    resume=course.state,
                    taken=course.taken,
                )
            except UnfinishedError as error:
                if error.state is not None:
                    error.state = {"size": [*scale.size], "descent": error.state}
                error.image = finished(error.image, scale)
                raise
            course.go_on(optimized, scale)
            if optimized.stopped:
                break
    image = course.enlarged(course.image, course.scales[-1])
    change = course.change(image)
    return Result(inputs.finish(image), optimized.losses, optimized.stopped, change)


def _objective(
    encoder: Encoder,
    inputs: Inputs,
    scale: Scale,
    targets: Targets,
    extra_loss: ExtraLoss | None,
    space: Workspace,
) -> Objective:
    """The objective at a size, of images that are padded as `pad_to_multiple` does."""
    content, styles, regions = inputs.at(scale)
    content = pad_to_multiple(content).to(encoder.mean)
    styles = [style.to(encoder.mean) for style in styles]
    regions = None if regions is None else regions.padded(encoder.mean)
    if space.tile is not None and ranks.count() > 1:
        shapes = tuple(tuple(each.shape) for each in (content, *styles))
        size = ranks.Size(
            inputs.settings, encoder.dtype, space.tile, space.recompute, shapes, regions
        )
        ranks.tell(size, content, *styles)
        targets = Targets()  # found with the other ranks
    return Objective(
        encoder,
        content,
        styles,
        inputs.settings,
        targets,
        regions=regions,
        extra_loss=extra_loss and (lambda image: extra_loss(crop(image, *scale.size))),
        tile=space.tile,
        recompute=space.recompute,
    )


def _at_size(
    on_step: Callable[[Step], bool | Turn | None] | None,
    scale: Scale,
    finish: Callable[[Tensor], Tensor],
    finished: Callable[[Tensor, Scale], Tensor],
    course: Course,
) -> OnStep | None:
    if on_step is None:
        return None

    def call(descent: Descent) -> bool | Turn | None:
        step = Step(
            scale,
            descent.steps,
            descent.losses,
            crop(descent.image, *scale.size),
            finish,
            state=lambda: {"size": [*scale.size], "descent": descent.state()},
            result=lambda: finished(descent.best.image.clamp(0, 1), scale),
            scales=course.scales,
        )
        return course.heed(on_step(step))

    return call
