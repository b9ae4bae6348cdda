"""The levels of a picture, made strip by strip.

Of a picture of 100 million pixels, each further copy takes 300 MB or more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from PIL import Image

from styletransfer.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

STRIP = 1 << 16
"""Pixels of a strip, about; it has at least one row."""


class Levels(Protocol):
    """Levels of shape (H, W, channels), uint8 or uint16: an array, or one whose rows are made."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width and number of channels."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of a level."""

    def __getitem__(self, rows: slice, /) -> NDArray[Any]:
        """Return the levels of these rows."""


class QuantizedImage:
    """An image as `Levels`, rounded half up; its rows are quantized whenever they are needed.

    Args:
        image: Shape (1, 3, H, W), RGB; values are clamped to [0, 1].
        bits: Bits per channel, 8 or 16.
        alpha: Alpha channel, mode L, of any size; it is resized to the image's, and
            left out if it is opaque everywhere.

    Raises:
        ImageError: If a value in rows that are needed is NaN or infinite.
        ValueError: If the image has another shape.
    """

    def __init__(self, image: Tensor, bits: int, alpha: Image.Image | None = None) -> None:
        import numpy as np

        if image.ndim != 4 or image.shape[:2] != (1, 3):
            raise ValueError(f"an image has the shape (1, 3, H, W), not {tuple(image.shape)}")
        height, width = image.shape[2:]
        self._image = image.detach()[0]
        self.dtype = np.dtype(f"u{bits // 8}")
        self._greatest = 2**bits - 1
        self._alpha = None if alpha is None else self._opacity(alpha, width, height)
        self.shape = (height, width, 3 if self._alpha is None else 4)

    def __getitem__(self, rows: slice, /) -> NDArray[Any]:
        """Quantize these rows."""
        import numpy as np

        strip = self._image[:, rows]
        # float32 is too coarse to round to 16 bits exactly.
        strip = strip.float() if self.dtype.itemsize == 1 else strip.cpu().double()
        if not strip.isfinite().all():
            raise ImageError(
                "the image contains NaN or infinite values; lower the weights and run again"
            )
        scaled = (strip.clamp(0, 1) * self._greatest + 0.5).permute(1, 2, 0)
        levels = scaled.contiguous().cpu().numpy().astype(self.dtype)
        return levels if self._alpha is None else np.dstack([levels, self._alpha[rows]])

    def _opacity(self, alpha: Image.Image, width: int, height: int) -> NDArray[Any] | None:
        """Quantize the alpha channel; `None` if it is opaque everywhere."""
        import numpy as np

        if alpha.size != (width, height):
            alpha = alpha.convert("F").resize((width, height), Image.Resampling.BICUBIC)
        levels = np.empty((height, width), self.dtype)
        for rows in strips(width, height):
            strip = alpha.crop((0, rows.start, width, rows.stop)).convert("F")
            scaled = np.asarray(strip, np.float64).clip(0, 255) * (self._greatest / 255) + 0.5
            levels[rows] = scaled.astype(self.dtype)
        return None if levels.min() == self._greatest else levels


def strips(width: int, height: int) -> Iterator[slice]:
    """Divide the rows of a picture into strips."""
    rows = max(1, STRIP // max(1, width))
    return (slice(top, min(top + rows, height)) for top in range(0, height, rows))


def as_picture(levels: Levels) -> Image.Image:
    """Copy levels of 8 bits to a picture of mode RGB or RGBA."""
    height, width, channels = levels.shape
    picture = Image.new("RGB" if channels == 3 else "RGBA", (width, height))
    for rows in strips(width, height):
        picture.paste(Image.fromarray(levels[rows]), (0, rows.start))
    return picture
