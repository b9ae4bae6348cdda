"""A look at the finished image: is it one colour, or the picture that it started from?

Such a result is no failure of the program, but hardly what anybody wants; it is
the mark of a weight that outgrew the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from styletransfer.transfer import resize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from styletransfer.config import Settings
    from styletransfer.optimize import Losses
    from styletransfer.pyramid import Scale

UNIFORM = 0.02
"""A picture whose channels all deviate less than this from their mean, in units
of [0, 1], is one colour. A flat grey style leaves 0.03 of a photograph's 0.2."""

UNCHANGED = 1 / 255
"""A mean difference from the start below this, in units of [0, 1], is none to the
eye. One L-BFGS step of full length makes 1.6 levels of 255, a run with the
defaults 20 and more, and one with a style weight of 0.001 against a content
weight of 1 makes 0.9."""

_MET = 0.01
_OUTWEIGHED = 20.0
_FULL_STEP = {"lbfgs": 1.0, "adam": 0.02}
_TINY_STEP = 0.05


def doubt(
    image: Tensor,
    losses: Losses,
    content: Tensor,
    styles: Sequence[Tensor],
    start: Tensor | None,
    scales: Sequence[Scale],
    settings: Settings,
) -> str | None:
    """Say what is odd about a result, and which setting to change.

    Args:
        image: The result, shape (1, 3, H, W), RGB in [0, 1].
        losses: Its weighted terms.
        content: The content, shape (1, 3, H, W), RGB in [0, 1], at any size.
        styles: The styles, of that form.
        start: What painting started from, of that form; None: noise.
        scales: The sizes of the run.
        settings: Of the run.

    Returns:
        One line; None if nothing is odd.
    """
    if _is_uniform(image) and not _is_uniform(content):
        return f"the result is nearly one colour; {_against_uniformity(styles, settings)}"
    if start is not None and _is_unchanged(image, start, scales) and not _is_met(losses, settings):
        return f"the result is what it started from; {_against_idleness(settings)}"
    return None


def _is_uniform(image: Tensor) -> bool:
    return bool((image.std((0, 2, 3), correction=0) < UNIFORM).all())


def _is_unchanged(image: Tensor, start: Tensor, scales: Sequence[Scale]) -> bool:
    """Whether an image is its start, or that as it comes up through the sizes."""
    grown = start
    for scale in scales:
        grown = resize(grown, *scale[:2])
    direct = resize(start, *scales[-1][:2])
    return any((image - each).abs().mean() < UNCHANGED for each in (direct, grown))


def _is_met(losses: Losses, settings: Settings) -> bool:
    """Whether the start had the style already, so that there was nothing to do."""
    return bool(settings.style_weight) and losses.style < _MET * settings.style_weight


def _against_uniformity(styles: Sequence[Tensor], settings: Settings) -> str:
    if all(_is_uniform(style) for style in styles) and settings.style_weight:
        return "so is the style: choose another, or raise --content-weight"
    if settings.content_weight == settings.style_weight == 0:
        return "--content-weight and --style-weight are 0: raise one of them"
    if settings.tv_weight > settings.content_weight + settings.style_weight:
        return f"lower --tv-weight, now {settings.tv_weight:g}"
    return f"raise --content-weight, now {settings.content_weight:g}"


def _against_idleness(settings: Settings) -> str:
    if settings.style_weight == 0:
        return "--style-weight is 0: raise it"
    full = _FULL_STEP[settings.optimizer]
    if (settings.learning_rate or full) < _TINY_STEP * full:
        return f"raise --learning-rate, now {settings.learning_rate:g}; {full:g} is usual"
    if settings.content_weight > _OUTWEIGHED * settings.style_weight:
        return (
            f"raise --style-weight, now {settings.style_weight:g}, or lower "
            f"--content-weight, now {settings.content_weight:g}"
        )
    steps = ",".join(map(str, settings.iterations))
    return f"raise --iterations, now {steps}, or --style-weight, now {settings.style_weight:g}"
