"""A look at the finished image: is it one colour, or the picture that it started from?

Such a result is no failure of the program, but hardly what anybody wants; it is
the mark of a weight that outgrew the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from styletransfer.transfer.stylize import resize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from styletransfer.settings import Settings
    from styletransfer.transfer.optimize import Losses
    from styletransfer.transfer.stylize import Result

UNIFORM = 0.02
"""A picture that deviates less than this from its mean colour, in units of [0, 1],
is one colour. A photograph of 0.22 came to 0.018 with a TV weight of 1000; the
calmest honest result, of a black style, to 0.05."""

UNCHANGED = 1 / 255
"""A mean difference from the start below this, in units of [0, 1], is none to the
eye. Of three pictures at 256 px, one L-BFGS step a size made 7 levels of 255 and more,
the defaults 40 and more, a style weight of 0.01 3 and more; a style weight of 0.001
without TV made 0 to 2, a content weight of 10000 at most 0.7."""

_MET = 0.01
_OUTWEIGHED = 20.0
_FULL_STEP = {"lbfgs": 1.0, "adam": 0.02}
_TINY_STEP = 0.05


def find_problem(
    result: Result,
    content: Tensor,
    styles: Sequence[Tensor],
    start: Tensor | None,
    settings: Settings,
) -> str | None:
    """Say what is odd about a result, and which setting to change.

    Args:
        result: Of a run that went to its end.
        content: The content, shape (1, 3, H, W), RGB in [0, 1].
        styles: The styles, of that form.
        start: What painting started from, of that form; None: noise.
        settings: Of the run.

    Returns:
        One line; None if nothing is odd.
    """
    if _is_uniform(result.image):
        if _is_uniform(content):
            return None
        return f"the result is nearly one colour; {_against_uniformity(styles, settings)}"
    if start is None or _is_met(result.losses, settings):
        return None
    if _is_unchanged(result.image, start):
        return f"the result is almost the picture it started from; {_against_idleness(settings)}"
    return None


def _is_uniform(image: Tensor) -> bool:
    return image.var((0, 2, 3), correction=0).mean().sqrt().item() < UNIFORM


def _is_unchanged(image: Tensor, start: Tensor) -> bool:
    start = resize(start, image.shape[3], image.shape[2])
    return (image - start).abs().mean().item() < UNCHANGED


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
