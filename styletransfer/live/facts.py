"""What the pages are told of a run."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from styletransfer.live.commands import Weights
from styletransfer.runs.repeat_command import repeat_command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from styletransfer.runs.jobs import Job
    from styletransfer.runs.picture import PictureRun
    from styletransfer.settings import Settings
    from styletransfer.transfer.pyramid import Scale


def weights_of(settings: Settings) -> Weights:
    """The weights of settings."""
    return Weights(
        settings.content_weight, settings.style_weight, settings.tv_weight, settings.style_blend
    )


def with_weights(settings: Settings, weights: Weights) -> Settings:
    """Settings with other weights."""
    return replace(
        settings,
        content_weight=weights.content,
        style_weight=weights.style,
        tv_weight=weights.tv,
        style_blend=weights.shares,
    )


def sizes_of(scales: Sequence[Scale]) -> list[tuple[int, int, int]]:
    """Width and height in pixels, and iterations, of each size."""
    return [(*scale.size, scale.iterations) for scale in scales]


def is_blended(run: PictureRun) -> bool:
    """Whether shares of the styles have an effect: some part of the content takes several."""
    masks = run.context.masks
    return masks is None or any(region.takes is None for region in masks.regions)


def command(job: Job, settings: Settings) -> str:
    """The command that paints with other settings from the start."""
    return shlex.join(repeat_command(job.content, job.styles, job.output, settings))
