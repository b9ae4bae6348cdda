"""TIFF files built from their tags."""

import zlib
from typing import Any

from styletransfer.images.exif import BIG_ENDIAN, LITTLE_ENDIAN, SHORT, Exif
from styletransfer.images.exif_patch import patch_exif

WIDTH, HEIGHT = 8, 4
NONE, DEFLATE = 1, 8
UNSIGNED, SIGNED, FLOAT = 1, 2, 3


def tiff(
    strips: list[bytes], *, order: str = "<", size: tuple[int, int] = (WIDTH, HEIGHT), **tags: Any
) -> bytes:
    """A TIFF of one strip for each plane; tags by name, as numbers."""
    exif = Exif(block={"<": LITTLE_ENDIAN, ">": BIG_ENDIAN}[order])
    numbers = {
        0x0100: size[0],
        0x0101: size[1],
        0x0102: tags.get("bits", 8),
        0x0103: tags.get("compression", NONE),
        0x0106: tags.get("photometric", 1),
        0x0115: tags.get("samples", 1),
        0x0116: size[1],
        0x011C: tags.get("planar", 1),
        0x0153: tags.get("sample_format", UNSIGNED),
    }
    image = {
        tag: exif.numbers(SHORT, *([value] if isinstance(value, int) else value))
        for tag, value in numbers.items()
    }
    if "extra" in tags:
        image[0x0152] = exif.numbers(SHORT, tags["extra"])
    if tags.get("compression") == DEFLATE:
        strips = [zlib.compress(strip) for strip in strips]
    return patch_exif(Exif(block=exif.block, image=image | tags.get("more", {})), strips)
