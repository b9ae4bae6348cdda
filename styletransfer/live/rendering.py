"""The pictures that the pages show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from styletransfer.images.tensors import to_picture

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

    from styletransfer.transfer.stylize import Step


def render_step(step: Step, limit: tuple[int, int]) -> Image.Image:
    """The picture after a step, no larger than it is, and than a width and height."""
    return to_picture(step.picture(_within(*step.scale.size, limit)))


def render_result(image: Tensor, limit: tuple[int, int]) -> Image.Image:
    """A result, shape (1, 3, H, W), RGB in [0, 1], no larger than a width and height."""
    from styletransfer.transfer.resizing import resize

    height, width = image.shape[2:]
    return to_picture(resize(image, *_within(width, height, limit)))


def _within(width: int, height: int, limit: tuple[int, int]) -> tuple[int, int]:
    """Width and height in proportion, no larger than a limit."""
    share = min(1.0, limit[0] / width, limit[1] / height)
    return max(1, round(width * share)), max(1, round(height * share))
