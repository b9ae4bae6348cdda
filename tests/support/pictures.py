"""Pictures and helpers shared by the tests of reading and writing."""

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from styletransfer.errors import ImageError
from styletransfer.images.exif import (
    ASCII,
    BIG_ENDIAN,
    LONG,
    ORIENTATION,
    SHORT,
    UNDEFINED,
    USER_COMMENT,
    Entry,
    Exif,
)
from styletransfer.images.exif_patch import patch_exif
from styletransfer.images.tensors import to_tensor

RATIONAL = 5
MAKER_NOTE = b"a maker note with offsets from the start of the block"
THUMBNAIL = b"\xff\xd8 stands for a small JPEG \xff\xd9"
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6" '
    b'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4">'
    b"<tiff:ImageWidth>4321</tiff:ImageWidth>"
    b"<xmp:Thumbnails><rdf:Alt>small</rdf:Alt></xmp:Thumbnails>"
    b"</rdf:Description></rdf:RDF></x:xmpmeta>"
)
"""A packet with a rating, and with three values that would be false of a result."""


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    generator = torch.Generator().manual_seed(seed)
    levels = torch.randint(256, (height, width, 3), generator=generator).byte()
    return Image.fromarray(levels.numpy())


def noise_image(side: int = 16, seed: int = 0) -> Tensor:
    return to_tensor(noise(side, side, seed))


def refusal(call: Callable[..., object], *arguments: object) -> str:
    """Return the one-line message of the `ImageError` that a call raises."""
    with pytest.raises(ImageError) as caught:
        call(*arguments)
    line = str(caught.value)
    assert "\n" not in line
    assert ";" in line, "a remedy follows the problem"
    return line


def block_of_a_camera(orientation: int = 6) -> bytes:
    """An EXIF block with a location, a maker note, the sizes of another picture and a thumbnail."""
    exif = Exif(block=BIG_ENDIAN)
    image = {
        0x0100: exif.numbers(LONG, 4321),
        0x0101: exif.numbers(LONG, 4321),
        0x010F: Entry(ASCII, b"Maker\0"),
        ORIENTATION: exif.numbers(SHORT, orientation),
        0x013B: Entry(ASCII, "Jürgen\0".encode()),
        0x0213: exif.numbers(SHORT, 1),
    }
    photo = {
        0x829A: Entry(RATIONAL, (1).to_bytes(4, "big") + (125).to_bytes(4, "big")),
        0x9102: Entry(RATIONAL, (4).to_bytes(4, "big") + (3).to_bytes(4, "big")),
        0x927C: Entry(UNDEFINED, MAKER_NOTE),
        USER_COMMENT: Entry(UNDEFINED, b"ASCII\0\0\0my own words"),
        0xA001: exif.numbers(SHORT, 0xFFFF),
        0xA002: exif.numbers(LONG, 4321),
        0xA003: exif.numbers(LONG, 4321),
    }
    gps = {0x0001: Entry(ASCII, b"N\0"), 0x0002: Entry(RATIONAL, bytes(7) + b"\1" * 17)}
    block = patch_exif(replace(exif, image=image, photo=photo, gps=gps))
    # The pointer to the next directory follows the last entry.
    (count,) = struct.unpack_from(">H", block, 8)
    pointer, start = 10 + 12 * count, len(block)
    rows = [(0x0201, LONG, 1, start + 2 + 24 + 4), (0x0202, LONG, 1, len(THUMBNAIL))]
    directory = struct.pack(">H", 2) + b"".join(struct.pack(">HHII", *row) for row in rows)
    linked = block[:pointer] + struct.pack(">I", start) + block[pointer + 4 :]
    return b"Exif\0\0" + linked + directory + bytes(4) + THUMBNAIL


def read_png(data: bytes) -> NDArray[Any]:
    """Decode a 16-bit PNG independently of the code under test."""
    at, chunks = 8, []
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        name, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length)[0] == zlib.crc32(name + body)
        chunks.append((name, body))
        at += 12 + length
    width, height, depth, kind = struct.unpack_from(">IIBB", dict(chunks)[b"IHDR"])
    channels = {2: 3, 6: 4}[kind]
    assert depth == 16
    pixels = zlib.decompress(b"".join(body for name, body in chunks if name == b"IDAT"))
    pixel, stride = 2 * channels, 2 * channels * width
    above, rows = bytearray(stride), b""
    for start in range(0, len(pixels), stride + 1):
        code, row = pixels[start], bytearray(pixels[start + 1 : start + 1 + stride])
        for i in range(stride):
            before = row[i - pixel] if i >= pixel else 0
            row[i] = (row[i] + {0: 0, 1: before, 2: above[i]}[code]) % 256
        above, rows = row, rows + row
    return np.frombuffer(rows, ">u2").reshape(height, width, channels)


def read_tiff(data: bytes) -> NDArray[Any]:
    """Decode the strips of a TIFF that uses horizontal differencing."""
    with Image.open(io.BytesIO(data)) as picture:
        tags: Any = dict(picture.tag_v2)  # type: ignore[attr-defined]  # a TIFF has them
    order = {b"II": "<", b"MM": ">"}[data[:2]]
    assert tags[317] == 2
    strips = zip(tags[273], tags[279], strict=True)
    pixels = b"".join(zlib.decompress(data[at : at + length]) for at, length in strips)
    depth = f"{order}u{tags[258][0] // 8}"
    differences = np.frombuffer(pixels, depth).reshape(tags[257], tags[256], tags[277])
    return np.cumsum(differences, axis=1, dtype=depth[1:])
