"""Any mode and any colour profile to 8-bit sRGB.

Grey of more than 8 bits is scaled by the range of its kind, never clipped:
16 bits by 65535; 32-bit integers likewise if they fit, as a PGM's do; floats
from [0, 1] if they fit. Values beyond that are spread from their least, which
becomes black, to their greatest, which becomes white.
"""

from __future__ import annotations

import functools
import io
import struct
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageCms

from styletransfer.errors import ImageError, reason

if TYPE_CHECKING:
    from collections.abc import Callable

_DEEP_GREY = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")
_PLAIN = {"1": "L", "L": "L", "LA": "L", "CMYK": "CMYK", "LAB": "LAB"}
_MODE_OF_SPACE = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}
_BITS_PER_SAMPLE, _SAMPLE_FORMAT = 258, 339  # TIFF's numbers for these tags


def flatten(
    picture: Image.Image,
    alpha: Image.Image | None,
    background: str | tuple[int, ...],
    note: Callable[[str], None],
) -> Image.Image:
    """Turn a picture of any mode into RGB, 8 bits a channel, in sRGB.

    Its own profile is applied to the colours first; then transparent parts
    are laid on the background, so that what they hide leaves no trace.

    Args:
        picture: Decoded, with its colour profile in `info`.
        alpha: Its `opacity`.
        background: An sRGB colour as Pillow knows it.
        note: Takes a line on what was done that the user may not expect.

    Raises:
        ImageError: If a value is NaN or infinite.
    """
    colours = _apply_profile(_eight_bits(picture, note), picture.info.get("icc_profile"), note)
    colours.info.clear()  # it speaks of the picture before
    if alpha is None:
        return colours
    colours.putalpha(alpha)
    ground = Image.new("RGBA", colours.size, background)
    return Image.alpha_composite(ground, colours).convert("RGB")


def opacity(picture: Image.Image) -> Image.Image | None:
    """Take a picture's opacity, mode L from 0, clear, to 255; `None` if it is opaque all over."""
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
    """The profile that says sRGB, the same bytes at any time."""
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # Bytes 24 to 35 hold the moment of its making.
    return made[:24] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + made[36:]


def _eight_bits(picture: Image.Image, note: Callable[[str], None]) -> Image.Image:
    """The colours without their opacity, in mode L, RGB, CMYK or LAB."""
    if picture.mode in _DEEP_GREY:
        return _scale_grey(picture, note)
    if picture.mode in ("P", "PA", "RGBa"):  # RGB would take over the palette's clear entry
        picture = picture.convert("RGBA")
    return picture.convert(_PLAIN.get(picture.mode, "RGB"))


def _scale_grey(picture: Image.Image, note: Callable[[str], None]) -> Image.Image:
    """Deep grey in mode L, black to white by the range of its kind, rounded half up."""
    import numpy as np

    values: Any = np.asarray(picture)
    tags: Any = getattr(picture, "tag_v2", {})
    if picture.mode == "I" and tags and tags.get(_SAMPLE_FORMAT, (1,))[0] == 1:
        values = values.view(np.uint32)  # Pillow knows no unsigned 32 bits, and takes them so
    if not np.isfinite(values).all():
        raise ImageError("the picture holds NaN or infinite values; replace them first")
    low, high = 0.0, 1.0 if picture.mode == "F" else 65535.0
    if tags and tags.get(_BITS_PER_SAMPLE, (16,))[0] == 12:
        high = 4095.0
    least, greatest = float(values.min()), float(values.max())
    if least < low or greatest > high:
        note(f"its values, {least:g} to {greatest:g}, are spread from black to white")
        low, high = least, greatest
    levels = 255 * (values.astype(np.float64) - low) / ((high - low) or 1) + 0.5
    return Image.fromarray(levels.astype(np.uint8))


def _apply_profile(
    picture: Image.Image, profile: bytes | None, note: Callable[[str], None]
) -> Image.Image:
    """Bring a picture of mode L, RGB, CMYK or LAB into sRGB, by its profile if that will do."""
    if profile:
        try:
            return _convert(picture, profile)
        except (ImageCms.PyCMSError, OSError, TypeError, ValueError) as error:
            note(f"its colour profile is not applied ({reason(error)}); its colours may be off")
    return picture.convert("RGB")


def _convert(picture: Image.Image, profile: bytes) -> Image.Image:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    space = source.profile.xcolor_space.strip()
    if picture.mode == "L" and space == "RGB":
        picture = picture.convert("RGB")
    if _MODE_OF_SPACE.get(space) != picture.mode:
        raise ValueError(f"a profile for {space}, a picture in {picture.mode}")
    transform = ImageCms.buildTransform(
        source,
        ImageCms.createProfile("sRGB"),
        picture.mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    if picture.mode == "RGB" and _changes_nothing(transform):
        return picture
    converted = ImageCms.applyTransform(picture, transform)
    if converted is None:
        raise ValueError("no conversion to sRGB")
    return converted


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether it moves no colour by more than a level: sRGB under another name.

    Such a profile is left out, so that an sRGB picture is read exactly.
    """
    import numpy as np

    steps = np.arange(0, 256, 17, dtype=np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(16, -1, 3)
    moved = np.asarray(ImageCms.applyTransform(Image.fromarray(cube), transform))
    return bool(np.abs(moved.astype(int) - cube).max() <= 1)
