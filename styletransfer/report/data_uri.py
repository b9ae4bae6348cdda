"""Pictures as data within a page, so that it is one file and asks for no other."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

from PIL import Image

from styletransfer.errors import ImageError, reason
from styletransfer.images.reading import DAMAGE
from styletransfer.images.tensors import open_picture

if TYPE_CHECKING:
    from pathlib import Path

_SHOWN_BY_BROWSERS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


def embed_file(path: Path) -> str:
    """Embed a picture file at its full size.

    Args:
        path: A picture; one that browsers show goes in as it is, byte by
            byte, any other as a PNG.

    Returns:
        A data URI.

    Raises:
        ImageError: If it cannot be read.
    """
    try:
        with Image.open(path) as picture:
            kind = _SHOWN_BY_BROWSERS.get(picture.format or "")
        if kind is not None:
            return _uri(kind, path.read_bytes())
    except DAMAGE as error:
        raise ImageError(f"{path}: cannot be read again ({reason(error)})") from error
    data = io.BytesIO()
    open_picture(path).save(data, "PNG")
    return _uri("image/png", data.getvalue())


def embed_picture(picture: Image.Image, longest: int | None = None) -> str:
    """Embed a picture as a JPEG whose losses the eye does not see.

    Args:
        picture: Mode RGB.
        longest: Its longest side in pixels if that is more; None: as it is.

    Returns:
        A data URI.
    """
    if longest is not None:
        picture = picture.copy()
        picture.thumbnail((longest, longest))
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=92, subsampling=0, optimize=True)
    return _uri("image/jpeg", data.getvalue())


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
