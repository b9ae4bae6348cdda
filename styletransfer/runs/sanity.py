"""Sanity checks of a result: is it nearly one colour, or hardly changed?

Neither is an error, but either shows that a setting is far off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from styletransfer.option_text import format_value

if TYPE_CHECKING:
    from torch import Tensor

    from styletransfer.settings import Settings
    from styletransfer.transfer.stylize import Result

UNIFORM = 0.02
"""Standard deviation from the mean colour, in units of [0, 1], below which an image
is one colour. A photograph of 0.22 fell to 0.018 with a TV weight of 1000; the
flattest sound result, of a black style, had 0.05."""

UNCHANGED = 1 / 255
"""Mean absolute difference from the initial image, in units of [0, 1], below which an
image is unchanged. Of three pictures at 256 px, one L-BFGS iteration a size changed 7
levels of 255 and more, the defaults 40 and more, a style weight of 0.01 3 and more; a
style weight of 0.001 without TV 0 to 2, a content weight of 10000 at most 0.7."""

_MATCHED = 0.01


def find_problem(
    result: Result,
    content: Tensor,
    settings: Settings,
    painted: float = 1.0,
) -> str | None:
    """Describe what is wrong with a result, and name the settings to change.

    Args:
        result: The result of a run that was not stopped.
        content: The content, shape (1, 3, H, W), RGB in [0, 1].
        settings: The settings of the run.
        painted: The share of the picture that was to be painted.

    Returns:
        One line; None if the result passes both checks.
    """
    if _is_uniform(result.image):
        if _is_uniform(content):
            return None
        return f"the result is nearly one colour; {_remedy_for_one_colour(settings)}"
    if result.change >= painted * UNCHANGED or _had_the_style(result, settings):
        return None
    weight = format_value(settings.style_weight)
    return (
        "the result is almost the picture it started from; "
        f"raise --style-weight (now {weight}), --iterations or --learning-rate"
    )


def _is_uniform(image: Tensor) -> bool:
    return image.var((0, 2, 3), correction=0).mean().sqrt().item() < UNIFORM


def _had_the_style(result: Result, settings: Settings) -> bool:
    """Whether the style was matched from the start, so that there was nothing to do."""
    return bool(settings.style_weight) and result.losses.style < _MATCHED * settings.style_weight


def _remedy_for_one_colour(settings: Settings) -> str:
    if settings.tv_weight > settings.content_weight + settings.style_weight:
        return f"lower --tv-weight (now {format_value(settings.tv_weight)})"
    return f"raise --content-weight (now {format_value(settings.content_weight)})"
