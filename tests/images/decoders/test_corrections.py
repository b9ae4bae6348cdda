"""What Pillow makes of some formats, corrected."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from styletransfer.images.reading import decode_picture, open_picture
from tests.support.pictures import noise

RED, WHITE = (255, 0, 0), (255, 255, 255)


def png(width: int, depth: int, kind: int, row: bytes, clear: bytes) -> bytes:
    """A PNG of one row with a clear colour."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width, 1, depth, kind, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"tRNS", clear), (b"IDAT", zlib.compress(b"\0" + row))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in [*chunks, (b"IEND", b"")])


def opaque(path: Path) -> list[int]:
    """The alpha channel of the first row."""
    alpha = decode_picture(path).alpha
    assert alpha is not None
    return np.asarray(alpha)[0].tolist()  # type: ignore[no-any-return]  # numbers of an array


@pytest.mark.parametrize(
    ("depth", "row"), [(1, b"\x40"), (2, b"\x1b"), (4, b"\x01\x23"), (8, b"\0\1\2\3")]
)
def test_the_clear_level_of_a_grey_png_of_any_depth(tmp_path: Path, depth: int, row: bytes) -> None:
    (tmp_path / "grey.png").write_bytes(png(4, depth, 0, row, b"\0\1"))
    expected = [255, 0, 255, 255]
    assert opaque(tmp_path / "grey.png") == expected
    assert open_picture(tmp_path / "grey.png").getpixel((1, 0)) == WHITE


def test_the_clear_colour_of_a_png_of_16_bits_is_compared_exactly(tmp_path: Path) -> None:
    colours = [(256, 2, 3), (256, 2, 4), (257, 2, 3), (256, 2, 3)]
    row = b"".join(struct.pack(">3H", *colour) for colour in colours)
    (tmp_path / "deep.png").write_bytes(png(4, 16, 2, row, struct.pack(">3H", 256, 2, 3)))
    assert opaque(tmp_path / "deep.png") == [0, 255, 255, 0]


def test_a_png_without_its_clear_colour_is_opaque(tmp_path: Path) -> None:
    row = struct.pack(">3H", 256, 2, 3)
    (tmp_path / "deep.png").write_bytes(png(1, 16, 2, row, struct.pack(">3H", 256, 2, 4)))
    decoded = decode_picture(tmp_path / "deep.png")
    assert decoded.alpha is None
    assert decoded.colours.getpixel((0, 0)) == (1, 0, 0)


def tga(alpha: int, *, alpha_bits: int, kind: int | None = None) -> bytes:
    """A red TGA of 2 × 2 pixels with 32 bits; `kind` is that of its extension area."""
    header = struct.pack("<BBB5xHHHHBB", 0, 0, 2, 0, 0, 2, 2, 32, 0x20 | alpha_bits)
    whole = header + bytes([0, 0, 255, alpha]) * 4
    if kind is not None:
        area = struct.pack("<H492xB", 495, kind)
        whole += area + struct.pack("<II", len(whole), 0) + b"TRUEVISION-XFILE.\0"
    return whole


@pytest.mark.parametrize(
    ("alpha_bits", "kind"), [(0, None), (0, 0), (8, 0), (8, 1), (8, 2), (0, 3)]
)
def test_an_alpha_channel_of_a_tga_that_is_declared_unused_is_ignored(
    tmp_path: Path, alpha_bits: int, kind: int | None
) -> None:
    path = tmp_path / "render.tga"
    path.write_bytes(tga(0, alpha_bits=alpha_bits, kind=kind))
    notes: list[str] = []
    decoded = decode_picture(path, note=notes.append)
    assert decoded.alpha is None
    assert decoded.colours.getpixel((0, 0)) == RED
    assert notes == []


@pytest.mark.parametrize("kind", [None, 3])
def test_an_alpha_channel_of_a_tga_that_is_declared_is_used(
    tmp_path: Path, kind: int | None
) -> None:
    (tmp_path / "render.tga").write_bytes(tga(100, alpha_bits=8, kind=kind))
    assert opaque(tmp_path / "render.tga") == [100, 100]


def test_a_tga_saved_by_pillow_keeps_its_alpha_channel(tmp_path: Path) -> None:
    noise(3, 1).convert("RGBA").save(tmp_path / "a.tga")
    Image.new("RGBA", (3, 1), (1, 2, 3, 4)).save(tmp_path / "b.tga")
    assert decode_picture(tmp_path / "a.tga").alpha is None
    assert opaque(tmp_path / "b.tga") == [4, 4, 4]


@pytest.mark.parametrize("suffix", ["png", "tga", "tif", "webp"])
def test_a_picture_that_is_transparent_everywhere_causes_a_note(
    tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"clear.{suffix}"
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(path)
    notes: list[str] = []
    decode_picture(path, note=notes.append)
    assert [note.removeprefix(f"{path}: ")[:29] for note in notes] == [
        "it is transparent everywhere;"
    ]


def gif(box: tuple[int, int, int, int], *, clear: int | None = None) -> bytes:
    """A GIF with a screen of 4 × 4 and one red frame, which fills a box."""
    left, top, right, bottom = box
    frame = Image.new("P", (right - left, bottom - top), 1)
    frame.putpalette([0, 0, 255, 255, 0, 0])
    buffer = io.BytesIO()
    frame.save(buffer, "GIF", transparency=clear)
    whole = bytearray(buffer.getvalue())
    struct.pack_into("<HH", whole, 6, 4, 4)
    place = whole.index(b"\x2c\0\0\0\0")
    struct.pack_into("<HH", whole, place + 1, left, top)
    return bytes(whole)


def test_a_gif_is_clear_outside_of_its_first_frame(tmp_path: Path) -> None:
    (tmp_path / "small.gif").write_bytes(gif((1, 0, 3, 2)))
    decoded = decode_picture(tmp_path / "small.gif")
    assert decoded.alpha is not None
    expected = np.zeros((4, 4), np.uint8)
    expected[0:2, 1:3] = 255
    assert np.array_equal(np.asarray(decoded.alpha), expected)
    assert decoded.colours.getpixel((1, 0)) == RED
    assert decoded.colours.getpixel((0, 0)) == WHITE


def test_a_gif_whose_frame_fills_its_screen_is_opaque(tmp_path: Path) -> None:
    (tmp_path / "whole.gif").write_bytes(gif((0, 0, 4, 4)))
    assert decode_picture(tmp_path / "whole.gif").alpha is None


def test_a_bit_of_an_xbm_that_is_set_is_black(tmp_path: Path) -> None:
    text = "#define a_width 8\n#define a_height 1\nstatic char a_bits[] = {\n0x01};\n"
    (tmp_path / "a.xbm").write_text(text)
    levels = np.asarray(open_picture(tmp_path / "a.xbm"))[0, :, 0]
    assert levels.tolist() == [0] + [255] * 7
