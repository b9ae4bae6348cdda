"""Convert pictures of any mode and colour profile to 8-bit sRGB.

Greyscale of more than 8 bits is scaled, never clipped. The range of its type
maps to black and white: [0, 65535] for integers (those of a PGM may have 32
bits), [0, 4095] for 12-bit TIFF, [0, 1] for floats. If a value lies outside
that range, the least value maps to black and the greatest to white.
"""

from __future__ import annotations

import functools
import io
import math
import struct
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageCms

from styletransfer.errors import ImageError, reason
from styletransfer.images.levels import strips

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_DEEP_GREY = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")
_PLAIN = {"1": "L", "L": "L", "LA": "L", "CMYK": "CMYK", "LAB": "LAB"}
_MODE_OF_SPACE = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}
_BITS_PER_SAMPLE, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339  # TIFF tags


def flatten(
    picture: Image.Image,
    alpha: Image.Image | None,
    background: str | tuple[int, ...],
    note: Callable[[str], None],
) -> Image.Image:
    """Convert a picture to 8-bit sRGB and composite it on a background.

    The colour profile is applied before compositing, so that the colours of
    fully transparent pixels do not affect the result.

    Args:
        picture: A decoded picture with its colour profile in `info`. Its pixels
            may be overwritten, which takes less memory than a copy.
        alpha: Its alpha channel, from `alpha_channel`; `None` if it is opaque.
        background: A colour in sRGB, as Pillow accepts it.
        note: Called with a message about anything the user may not expect.

    Returns:
        A picture of mode RGB.

    Raises:
        ImageError: If a value is NaN or infinite.
    """
    colours = _apply_profile(_eight_bits(picture, note), picture.info.get("icc_profile"), note)
    colours = colours._new(colours.im)  # the same pixels
    colours.info.clear()  # it describes the picture before conversion
    if alpha is not None:
        for rows in strips(*colours.size):
            box = (0, rows.start, colours.width, rows.stop)
            strip = colours.crop(box)
            strip.putalpha(alpha.crop(box))
            canvas = Image.new("RGBA", strip.size, background)
            colours.paste(Image.alpha_composite(canvas, strip).convert("RGB"), box)
    return colours


def alpha_channel(picture: Image.Image) -> Image.Image | None:
    """Return the alpha channel, mode L, 0 transparent to 255 opaque; `None` if all is opaque."""
    if not picture.has_transparency_data:
        return None
    if picture.mode in _DEEP_GREY:
        import numpy as np

        opaque = np.asarray(picture) != picture.info["transparency"]
        alpha = Image.fromarray(opaque.astype(np.uint8) * 255)
    else:
        alpha = picture.convert("RGBA").getchannel("A")
    return None if alpha.getextrema() == (255, 255) else alpha


@functools.cache
def srgb_profile() -> bytes:
    """Return an ICC profile for sRGB, always the same bytes."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # Bytes 24 to 35 hold the time of creation.
    return profile[:24] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + profile[36:]


def _eight_bits(picture: Image.Image, note: Callable[[str], None]) -> Image.Image:
    """Drop the alpha channel and convert to mode L, RGB, CMYK or LAB."""
    if picture.mode in _DEEP_GREY:
        return _scale_grey(picture, note)
    if picture.mode in ("P", "PA", "RGBa"):  # RGB would inherit the palette's transparent entry
        picture = picture.convert("RGBA")
    return _in_mode(picture, _PLAIN.get(picture.mode, "RGB"))


def _in_mode(picture: Image.Image, mode: str) -> Image.Image:
    """Convert a picture, without the copy that Pillow makes of one in that mode."""
    return picture if picture.mode == mode else picture.convert(mode)


def _scale_grey(picture: Image.Image, note: Callable[[str], None]) -> Image.Image:
    """Scale greyscale of more than 8 bits to mode L, rounding half up."""
    import numpy as np

    tags: Any = getattr(picture, "tag_v2", {})
    least, greatest = math.inf, -math.inf
    for _, values in _grey_strips(picture):
        if not np.isfinite(values).all():
            raise ImageError("the picture contains NaN or infinite values; replace them first")
        least, greatest = min(least, float(values.min())), max(greatest, float(values.max()))
    low, high = 0.0, 1.0 if picture.mode == "F" else 65535.0
    if tags and tags.get(_BITS_PER_SAMPLE, (16,))[0] == 12:
        high = 4095.0
    if least < low or greatest > high:
        note(f"its values, {least:g} to {greatest:g}, were rescaled to black to white")
        low, high = least, greatest
    if tags and tags.get(_PHOTOMETRIC) == 0:  # white is zero
        low, high = high, low
    scaled = Image.new("L", picture.size)
    for top, values in _grey_strips(picture):
        levels = 255 * (values.astype(np.float64) - low) / ((high - low) or 1) + 0.5
        scaled.paste(Image.fromarray(levels.astype(np.uint8)), (0, top))
    return scaled


def _grey_strips(picture: Image.Image) -> Iterator[tuple[int, Any]]:
    """Yield the first row and the values of each strip of a greyscale picture."""
    import numpy as np

    tags: Any = getattr(picture, "tag_v2", {})
    is_unsigned = picture.mode == "I" and tags and tags.get(_SAMPLE_FORMAT, (1,))[0] == 1
    for rows in strips(*picture.size):
        values = np.asarray(picture.crop((0, rows.start, picture.width, rows.stop)))
        # Pillow reads unsigned 32-bit integers as signed.
        yield rows.start, values.view(np.uint32) if is_unsigned else values


def _apply_profile(
    picture: Image.Image, profile: bytes | None, note: Callable[[str], None]
) -> Image.Image:
    """Convert a picture of mode L, RGB, CMYK or LAB to sRGB, with its profile if that is usable."""
    if profile:
        try:
            return _convert(picture, profile)
        except (ImageCms.PyCMSError, OSError, TypeError, ValueError) as error:
            note(f"its colour profile is not applied ({reason(error)}); convert it to sRGB first")
    return _in_mode(picture, "RGB")


def _convert(picture: Image.Image, profile: bytes) -> Image.Image:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    space = source.profile.xcolor_space.strip()
    if picture.mode == "L" and space == "RGB":
        picture = picture.convert("RGB")
    if _MODE_OF_SPACE.get(space) != picture.mode:
        raise ValueError(f"{space} profile on a {picture.mode} picture")
    transform = ImageCms.buildTransform(
        source,
        ImageCms.createProfile("sRGB"),
        picture.mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    if picture.mode == "RGB":
        if not _is_identity(transform):
            ImageCms.applyTransform(picture, transform, inPlace=True)
        return picture
    converted = ImageCms.applyTransform(picture, transform)
    if converted is None:
        raise ValueError("it has no conversion to sRGB")
    return converted


def _is_identity(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether a transform changes no channel by more than one level out of 255.

    Its profile is then another description of sRGB. It is not applied, so that
    sRGB pictures are read exactly.
    """
    import numpy as np

    steps = np.arange(0, 256, 17, dtype=np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(16, -1, 3)
    moved = np.asarray(ImageCms.applyTransform(Image.fromarray(cube), transform))
    return bool(np.abs(moved.astype(int) - cube).max() <= 1)
