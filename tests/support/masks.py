"""Masks that tests draw."""

import numpy as np
from PIL import Image, ImageColor


def stripes(*colours: str, width: int = 20) -> Image.Image:
    """Vertical stripes of equal width, 16 pixels high."""
    row = np.array([[ImageColor.getrgb(colour) for colour in colours]], np.uint8)
    return Image.fromarray(row.repeat(width, 1).repeat(16, 0))
