"""Pictures as data URIs, so that the report is a single file."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

from styletransfer.errors import ImageError, reason
from styletransfer.images.formats import DAMAGE, open_image
from styletransfer.images.tensors import open_picture

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

_SHOWN_BY_BROWSERS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


def embed_file(path: Path) -> str:
    """Embed a picture file at full size.

    Args:
        path: The picture. A PNG, JPEG or WebP file is embedded unchanged, any
            other format is converted to PNG.

    Returns:
        A data URI.

    Raises:
        ImageError: If the file cannot be read.
    """
    try:
        with open_image(path) as picture:
            media_type = _SHOWN_BY_BROWSERS.get(picture.format or "")
        if media_type is not None:
            return _data_uri(media_type, path.read_bytes())
    except DAMAGE as error:
        raise ImageError(f"{path}: cannot be read for the report ({reason(error)})") from error
    data = io.BytesIO()
    open_picture(path).save(data, "PNG")
    return _data_uri("image/png", data.getvalue())


def embed_picture(picture: Image.Image, longest: int | None = None) -> str:
    """Embed a picture as a JPEG of high quality.

    Args:
        picture: A picture of mode RGB.
        longest: Shrink the picture to this longest side in pixels if it is
            larger; None keeps its size.

    Returns:
        A data URI.
    """
    if longest is not None:
        picture = picture.copy()
        picture.thumbnail((longest, longest))
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=92, subsampling=0, optimize=True)
    return _data_uri("image/jpeg", data.getvalue())


def embed_svg(document: str) -> str:
    """Embed an SVG document.

    Args:
        document: The text of the SVG file.

    Returns:
        A data URI.
    """
    return _data_uri("image/svg+xml", document.encode())


def _data_uri(media_type: str, data: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"
