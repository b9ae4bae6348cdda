"""TIFF files with samples that Pillow does not read, with tifffile and imagecodecs.

Levels map to black and white as those of greyscale do: from 0 to the greatest
value of an integer type, and [0, 1] for floats; if a float lies outside that
range, the least value maps to black and the greatest to white.

References:
    TIFF 6.0, sections 16 to 18, 21 and 23.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageFile

from styletransfer.errors import ImageError
from styletransfer.images.colour import flatten
from styletransfer.images.exif import ORIENTATION, SHORT, Exif
from styletransfer.images.exif_patch import patch_exif

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _CMYK, _CIELAB, _ICCLAB = 0, 1, 2, 5, 8, 9
_MODES = {
    _WHITE_IS_ZERO: "L",
    _BLACK_IS_ZERO: "L",
    _RGB: "RGB",
    _CMYK: "CMYK",
    _CIELAB: "RGB",  # converted
    _ICCLAB: "RGB",
}
_ASSOCIATED, _UNASSOCIATED = 1, 2
_ICC_PROFILE = 34675
_D50 = (0.96422, 1.0, 0.82521)
# To linear sRGB, adapted from D50 to D65 after Bradford.
_XYZ_TO_RGB = (
    (3.1338561, -1.6168667, -0.4906146),
    (-0.9787684, 1.9161415, 0.0334540),
    (0.0719453, -0.2289914, 1.4052427),
)


class SampledTiff(ImageFile.ImageFile):
    """The first page of a TIFF, decoded by tifffile when it is loaded."""

    format = "TIFF"
    format_description = "TIFF read by tifffile"
    note: Callable[[str], None]

    def _open(self) -> None:
        pages = _pages(self.fp)
        page = pages[0]
        self.is_animated = len(pages) > 1
        self._size = page.imagewidth, page.imagelength
        self._mode = _mode(page)
        self._page = page
        if _ICC_PROFILE in page.tags and page.photometric not in (_CIELAB, _ICCLAB):
            self.info["icc_profile"] = page.tags[_ICC_PROFILE].value
        if ORIENTATION in page.tags:
            exif = Exif()
            turned = exif.numbers(SHORT, int(page.tags[ORIENTATION].value))
            self.info["exif"] = patch_exif(Exif(image={ORIENTATION: turned}))

    def load(self) -> Any:
        """Decode the page, once."""
        if self._im is None:
            picture = _assemble(self._page, self.info.get("icc_profile"), self.note)
            self._mode, self.im = picture.mode, picture.im
            if picture.mode == "RGBA":
                self.info.pop("icc_profile", None)  # it has been applied
        return super().load()


def open_samples(path: Path, note: Callable[[str], None]) -> Image.Image:
    """Open a TIFF with tifffile.

    Args:
        path: The file.
        note: Called with a message about values that are out of range.

    Returns:
        The picture, not yet decoded.

    Raises:
        ImportError: If tifffile is not installed.
        Exception: One of `formats.DAMAGE` if the file is damaged.
    """
    picture = SampledTiff(path)
    picture.note = note
    with contextlib.ExitStack() as stack:
        stack.callback(picture.close)
        Image._decompression_bomb_check(picture.size)
        stack.pop_all()
    return picture


def _pages(file: Any) -> Any:
    import tifffile

    log = logging.getLogger("tifffile")
    if not log.handlers:  # what it logs is raised as well, and would be printed
        log.addHandler(logging.NullHandler())
    return tifffile.TiffFile(file).pages


def _mode(page: Any) -> str:
    mode = _MODES.get(page.photometric)
    if mode is None or page.samplesperpixel < len(mode):
        raise SyntaxError("colours that are not read")
    return "RGBA" if _alpha_kind(page, len(mode)) else mode


def _alpha_kind(page: Any, colours: int) -> int:
    """How the sample after the colours is stored if it is an alpha channel, or 0."""
    if page.samplesperpixel == colours:
        return 0
    kind = page.extrasamples[0] if page.extrasamples else _UNASSOCIATED
    return int(kind) if kind in (_ASSOCIATED, _UNASSOCIATED) else 0


def _assemble(page: Any, profile: bytes | None, note: Callable[[str], None]) -> Image.Image:
    """Make a picture of mode L, RGB or CMYK, or RGBA in sRGB."""
    mode = _MODES[page.photometric]
    samples = _samples(page)
    colours, others = samples[..., : len(mode)], samples[..., len(mode) :]
    kind = _alpha_kind(page, len(mode))
    if page.photometric in (_CIELAB, _ICCLAB):
        colours = _srgb(_lab(colours, page.photometric))
    else:
        colours = _unit_range(colours, page, note)
    if page.photometric == _WHITE_IS_ZERO:
        colours = 1 - colours
    alpha = _unit_range(others[..., :1], page, note) if kind else None
    if alpha is not None and kind == _ASSOCIATED:
        colours = (colours / alpha.clip(1e-6)).clip(0, 1)
    picture = _picture(colours, mode)
    if alpha is None:
        return picture
    picture.info["icc_profile"] = profile
    picture = flatten(picture, None, "white", note)
    picture.putalpha(_picture(alpha, "L"))
    return picture


def _samples(page: Any) -> NDArray[Any]:
    """Decode a page to the shape (H, W, samples)."""
    import numpy as np

    values: NDArray[Any] = np.asarray(page.asarray())
    if values.ndim == 2:
        return values[..., None]
    is_planar = page.planarconfig == 2 and page.samplesperpixel > 1
    return np.moveaxis(values, 0, 2) if is_planar else values


def _unit_range(values: NDArray[Any], page: Any, note: Callable[[str], None]) -> NDArray[Any]:
    """Scale values to [0, 1]."""
    import numpy as np

    if values.dtype.kind in "ui":
        bits = page.bitspersample - (values.dtype.kind == "i")
        fractions: NDArray[Any] = values.astype(np.float32) / (2**bits - 1)
        return fractions.clip(0, 1)
    values = values.astype(np.float32)
    if not np.isfinite(values).all():
        raise ImageError("the picture contains NaN or infinite values; replace them first")
    least, greatest = float(values.min()), float(values.max())
    if least >= 0 and greatest <= 1:
        return values
    note(f"its values, {least:g} to {greatest:g}, were rescaled to black to white")
    return (values - least) / ((greatest - least) or 1)


def _lab(values: NDArray[Any], photometric: int) -> NDArray[Any]:
    """Scale stored values to L from 0 to 100, and a and b from −128 to 128."""
    import numpy as np

    if values.dtype.kind not in "ui":
        return values.astype(np.float32)
    steps = 2 ** (8 * values.dtype.itemsize - 8)
    lab: NDArray[Any]
    if photometric == _ICCLAB:
        lab = values.astype(np.float32) / steps * [100 / 255, 1, 1] - [0, 128, 128]
        return lab
    lightness = values[..., 0].astype(np.float32) * (100 / (256 * steps - 1))
    signed = values.view(f"i{values.dtype.itemsize}")
    lab = np.dstack([lightness, signed[..., 1:].astype(np.float32) / steps])
    return lab


def _srgb(lab: NDArray[Any]) -> NDArray[Any]:
    """Convert Lab under D50 to sRGB in [0, 1]; what sRGB cannot show is clipped."""
    import numpy as np

    middle = (lab[..., 0] + 16) / 116
    roots = np.stack([middle + lab[..., 1] / 500, middle, middle - lab[..., 2] / 200], axis=-1)
    edge = 6 / 29
    xyz = np.where(roots > edge, roots**3, 3 * edge**2 * (roots - 4 / 29)) * _D50
    linear = (xyz @ np.transpose(_XYZ_TO_RGB)).clip(0, 1)
    curve = 1.055 * linear ** (1 / 2.4) - 0.055
    srgb: NDArray[Any] = np.where(linear <= 0.0031308, 12.92 * linear, curve)
    return srgb.clip(0, 1)


def _picture(values: NDArray[Any], mode: str) -> Image.Image:
    """Make a picture of fractions, shape (H, W, channels), rounding half up."""
    import numpy as np

    levels = (values * 255 + 0.5).astype(np.uint8)
    bands = [Image.fromarray(np.ascontiguousarray(band)) for band in np.moveaxis(levels, 2, 0)]
    return bands[0] if mode == "L" else Image.merge(mode, bands)
