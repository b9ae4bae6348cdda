"""What is said about a run before its first iteration and after its last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from styletransfer.images.tensors import holds_alpha

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from styletransfer.runs.context import InputPicture, RunContext
    from styletransfer.runs.jobs import Job
    from styletransfer.transfer.plan import RunPlan
    from styletransfer.transfer.pyramid import Scale
    from styletransfer.transfer.stylize import Result


def warn_about_transparency(content: InputPicture, output: Path, context: RunContext) -> None:
    """Warn if the content is transparent, and the format of the output cannot be."""
    if content.decoded.alpha is not None and not holds_alpha(output):
        context.notify(
            f"{output}: JPEG has no transparency, so {content.path} is composited on "
            f"{context.background}; .png, .webp and .tif keep it"
        )


def warn_about_content(content: InputPicture, output: Path, context: RunContext) -> None:
    """Warn of transparency that is lost, and of masks of other proportions."""
    warn_about_transparency(content, output, context)
    if context.masks is not None:
        context.masks.warn_about_proportions(content.size, context.notify)


def announce(plan: RunPlan, context: RunContext) -> None:
    """Report the size, the device and the number format."""
    from styletransfer.device.device import explain
    from styletransfer.transfer.workspace import choose_workspace, describe_workspace

    scale, settings = plan.scales[-1], plan.settings
    size = f"{scale.width}×{scale.height}"
    styles, masks = len(context.styles), context.masks
    how = f" in a blend of {styles} styles" if styles > 1 else ""
    how = how if masks is None else f" by regions ({masks})"
    line = f"stylizing{how} at {size} on {plan.device} in {plan.precision.name}"
    space = choose_workspace(plan, scale.longest_side)
    if space.tile is not None or settings.max_memory:
        line += f", {describe_workspace(space, plan)}"
    if context.verbose:
        line += explain(settings.precision, plan.device)
    context.announce(line)


def announce_resumption(done: int, scales: Sequence[Scale], job: Job, context: RunContext) -> None:
    """Report that a run goes on after so many iterations."""
    total = sum(scale.iterations for scale in scales)
    context.inform(f"going on from {job.checkpoint}, {done} of {total} iterations")


def warn_about_result(result: Result, job: Job, content: InputPicture, context: RunContext) -> None:
    """Warn if a result is nearly one colour, or hardly changed."""
    from styletransfer.runs.sanity import find_problem

    settings, masks = job.settings, context.masks
    problem = find_problem(
        result,
        content.image,
        settings,
        1.0 if masks is None else masks.painted,
    )
    if problem is not None:
        context.notify(f"{job.output}: {problem}")
