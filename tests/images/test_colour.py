"""Converting any mode and colour profile to 8-bit sRGB."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from styletransfer.errors import ImageError
from styletransfer.images import levels
from styletransfer.images.colour import alpha_channel, flatten, srgb_profile
from styletransfer.images.reading import open_picture
from tests.support.pictures import noise

BLACK, WHITE = (0, 0, 0), (255, 255, 255)
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


TIFF_ONLY = ("CMYK", "YCbCr", "LAB")


# Modes


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("1", 1, WHITE),
        ("L", 100, (100, 100, 100)),
        ("RGB", (1, 2, 3), (1, 2, 3)),
        ("CMYK", (0, 0, 0, 255), BLACK),
        ("CMYK", (255, 0, 0, 0), (0, 255, 255)),
        ("CMYK", (0, 51, 255, 0), (255, 204, 0)),
        ("YCbCr", (100, 128, 128), (100, 100, 100)),
        ("YCbCr", (76, 85, 255), (254, 0, 0)),
        ("LA", (100, 255), (100, 100, 100)),
        ("LA", (100, 0), WHITE),
        ("RGBA", (1, 2, 3, 255), (1, 2, 3)),
        ("RGBA", (1, 2, 3, 0), WHITE),
        ("RGBA", (0, 0, 0, 51), (204, 204, 204)),
    ],
)
def test_every_mode_is_converted_to_rgb_on_white(
    tmp_path: Path, mode: str, colour: Any, expected: tuple[int, int, int]
) -> None:
    path = tmp_path / "picture.png"
    Image.new(mode, (4, 3), colour).save(path, "TIFF" if mode in TIFF_ONLY else "PNG")
    picture = open_picture(path)
    assert picture.mode == "RGB"
    assert picture.getpixel((2, 1)) == expected


@pytest.mark.parametrize("transparency", [0, b"\x00\xff\xff"])
def test_a_palette_is_converted_to_rgb_with_its_transparent_entry_white(
    tmp_path: Path, transparency: int | bytes
) -> None:
    palette = Image.new("P", (3, 1))
    palette.putpalette([*RED, *GREEN, *BLUE])
    palette.putdata([0, 1, 2])
    palette.save(tmp_path / "solid.png")
    palette.save(tmp_path / "clear.png", transparency=transparency)
    assert open_picture(tmp_path / "solid.png").tobytes() == bytes([*RED, *GREEN, *BLUE])
    assert open_picture(tmp_path / "clear.png").tobytes() == bytes([*WHITE, *GREEN, *BLUE])


@pytest.mark.parametrize(("mode", "clear"), [("L", 7), ("RGB", (7, 7, 7))])
def test_the_colour_that_a_file_declares_transparent_becomes_white(
    tmp_path: Path, mode: str, clear: Any
) -> None:
    path = tmp_path / "picture.png"
    Image.new(mode, (2, 2), clear).save(path, transparency=clear)
    assert open_picture(path).getpixel((0, 0)) == WHITE


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("PA", (0, 255), (1, 2, 3)),
        ("PA", (0, 0), WHITE),
        ("PA", (1, 51), (204, 204, 204)),
        ("RGBX", (1, 2, 3, 0), (1, 2, 3)),
        ("RGBa", (0, 0, 0, 51), (204, 204, 204)),
        ("HSV", (85, 255, 255), GREEN),
    ],
)
def test_rare_modes_are_converted_to_rgb(
    mode: str, colour: tuple[int, ...], expected: tuple[int, int, int]
) -> None:
    picture = Image.frombytes(mode, (2, 2), bytes(colour) * 4)
    if mode == "PA":
        picture.putpalette([1, 2, 3, 0, 0, 0])
    assert flatten(picture, alpha_channel(picture), "white", print).getpixel((1, 1)) == expected


@pytest.mark.parametrize(("lightness", "level"), [(0, 0), (136, 127), (255, 255)])
def test_lab_is_converted_to_rgb(tmp_path: Path, lightness: int, level: int) -> None:
    path = tmp_path / "picture.tif"
    Image.new("LAB", (2, 2), (lightness, 128, 128)).save(path)
    assert abs(np.asarray(open_picture(path)).astype(int) - level).max() <= 1


def deep(path: Path, values: list[float], mode: str) -> Image.Image:
    """Save a picture of one row, in the byte order of the mode."""
    kind = {"I;16": "<u2", "I;16B": ">u2", "I": "=i4", "F": "=f4"}[mode]
    row = np.array([values]).astype(kind)
    Image.frombytes(mode, (len(values), 1), row.tobytes()).save(path, path.suffix[1:])
    with Image.open(path) as picture:
        return picture


LOWEST, HIGHEST = -(2**31), 2**31 - 1


@pytest.mark.parametrize(
    ("mode", "file_format", "values", "expected"),
    [
        ("I;16", "PNG", [0, 128, 129, 257, 32768, 65535], [0, 0, 1, 1, 128, 255]),
        ("I;16", "TIFF", [0, 128, 129, 257, 32768, 65535], [0, 0, 1, 1, 128, 255]),
        ("I;16B", "TIFF", [0, 128, 129, 257, 32768, 65535], [0, 0, 1, 1, 128, 255]),
        ("I;16", "PNG", [100, 200, 300], [0, 1, 1]),
        ("I", "TIFF", [0, 257, 32768, 65535], [0, 1, 128, 255]),
        ("I", "PPM", [0, 257, 32768, 65535], [0, 1, 128, 255]),
        ("I", "TIFF", [-100, 0, 100], [0, 128, 255]),
        ("I", "TIFF", [1000, 66000, 131000], [0, 128, 255]),
        ("I", "TIFF", [LOWEST, 0, HIGHEST], [0, 128, 255]),
        ("I", "TIFF", [70000, 70000], [0, 0]),
        ("F", "TIFF", [0, 0.2, 0.5, 1], [0, 51, 128, 255]),
        ("F", "TIFF", [0.4, 0.4], [102, 102]),
        ("F", "TIFF", [-1, 0, 1], [0, 128, 255]),
        ("F", "TIFF", [0, 51, 255], [0, 51, 255]),
        ("F", "TIFF", [-3e38, 0, 3e38], [0, 128, 255]),
        ("F", "TIFF", [7, 7], [0, 0]),
    ],
)
def test_greyscale_of_more_than_8_bits_is_scaled_and_never_clipped(
    tmp_path: Path, mode: str, file_format: str, values: list[float], expected: list[int]
) -> None:
    path = tmp_path / f"picture.{file_format.lower()}"
    stored = deep(path, values, mode)
    assert stored.mode == mode
    picture = open_picture(path)
    assert picture.mode == "RGB"
    assert list(picture.getchannel("G").tobytes()) == expected


def test_rescaling_an_unusual_range_is_noted(tmp_path: Path) -> None:
    notes: list[str] = []
    deep(tmp_path / "usual.tiff", [0, 1], "F")
    deep(tmp_path / "unusual.tiff", [-2, 700], "F")
    open_picture(tmp_path / "usual.tiff", note=notes.append)
    assert notes == []
    open_picture(tmp_path / "unusual.tiff", note=notes.append)
    line = f"{tmp_path / 'unusual.tiff'}: its values, -2 to 700, were rescaled to black to white"
    assert notes == [line]


def tiff(tags: dict[int, tuple[int, ...]], strip: bytes, width: int) -> bytes:
    """An uncompressed little-endian TIFF of one row, with 16-bit tags."""
    known = {
        256: (width,),
        257: (1,),
        259: (1,),
        273: (0,),
        277: (1,),
        278: (1,),
        279: (len(strip),),
    }
    entries = sorted({**known, **tags}.items())
    end = 8 + 2 + 12 * len(entries) + 4
    outside, block = b"", struct.pack("<H", len(entries))
    offset_of_strip = end + sum(2 * len(v) for _, v in entries if len(v) > 2)
    for tag, values in entries:
        packed = struct.pack(f"<{len(values)}H", *(values if tag != 273 else (offset_of_strip,)))
        if len(packed) > 4:
            packed, outside = struct.pack("<I", end + len(outside)), outside + packed
        block += struct.pack("<HHI", tag, 3, len(values)) + packed.ljust(4, b"\0")
    return b"II*\0" + struct.pack("<I", 8) + block + bytes(4) + outside + strip


@pytest.mark.parametrize(
    ("tags", "strip", "width", "expected"),
    [
        # 12 bits: 0x000 and 0xFFF.
        ({258: (12,), 262: (1,)}, b"\x00\x0f\xff", 2, [BLACK, WHITE]),
        # 32 bits unsigned, which Pillow reads as signed.
        ({258: (32,), 262: (1,)}, struct.pack("<3I", 0, 2**31, 2**32 - 1), 3, [0, 128, 255]),
        ({258: (32,), 262: (1,)}, struct.pack("<3I", 0, 32768, 65535), 3, [0, 128, 255]),
        # 16 bits signed.
        ({258: (16,), 262: (1,), 339: (2,)}, struct.pack("<3h", -100, 0, 100), 3, [0, 128, 255]),
        # 16 bits per channel.
        (
            {258: (16, 16, 16), 262: (2,), 277: (3,), 339: (1, 1, 1)},
            struct.pack("<6H", 65535, 32768, 0, 257, 0, 65535),
            2,
            [(255, 128, 0), (1, 0, 255)],
        ),
    ],
    ids=["12 bits", "unsigned, full", "unsigned, 16 used", "signed 16", "RGB of 16"],
)
def test_tiffs_of_bit_depths_that_pillow_cannot_write_are_read(
    tmp_path: Path,
    tags: dict[int, tuple[int, ...]],
    strip: bytes,
    width: int,
    expected: list[int] | list[tuple[int, int, int]],
) -> None:
    path = tmp_path / "picture.tif"
    path.write_bytes(tiff(tags, strip, width))
    picture = open_picture(path)
    colours = [each if isinstance(each, tuple) else (each,) * 3 for each in expected]
    assert [picture.getpixel((x, 0)) for x in range(width)] == colours


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_float_that_is_not_finite_is_refused(tmp_path: Path, value: float) -> None:
    path = tmp_path / "picture.tiff"
    deep(path, [0, value, 1], "F")
    with pytest.raises(ImageError) as caught:
        open_picture(path)
    assert str(caught.value) == (
        f"{path}: the picture contains NaN or infinite values; replace them first"
    )


# Transparency


@pytest.mark.parametrize(
    ("background", "expected"),
    [
        ("white", (204, 204, 204)),
        ("black", BLACK),
        ("#ff0000", (204, 0, 0)),
        ("rgb(10, 20, 30)", (8, 16, 24)),
        ("#ff000000", (204, 0, 0)),
    ],
)
def test_transparent_pictures_are_composited_on_the_background(
    tmp_path: Path, background: str, expected: tuple[int, int, int]
) -> None:
    Image.new("RGBA", (2, 2), (0, 0, 0, 51)).save(tmp_path / "picture.png")
    picture = open_picture(tmp_path / "picture.png", background=background)
    assert picture.getpixel((1, 1)) == expected


@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("profiled", [False, True])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_the_colours_of_transparent_pixels_change_no_byte(
    tmp_path: Path, file_format: str, profiled: bool, mode: str
) -> None:
    profile = swapped_profile() if profiled else None
    levels = np.array(noise(8, 8).convert(mode))
    levels[..., -1] = [[0], [0], [1], [128], [255], [0], [254], [0]]
    seen = []
    for hidden in (0, 90, 255):
        levels[levels[..., -1] == 0, :-1] = hidden
        picture = Image.frombytes(mode, (8, 8), levels.tobytes())
        options: dict[str, Any] = {"lossless": True, "exact": True} if file_format == "WEBP" else {}
        picture.save(tmp_path / "picture", file_format, icc_profile=profile, **options)
        seen.append(open_picture(tmp_path / "picture", background="teal").tobytes())
    assert seen[0][: 16 * 3] == bytes((0, 128, 128)) * 16
    assert seen[0] == seen[1] == seen[2]


def test_strips_do_not_change_a_pixel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "picture.png"
    deep = Image.fromarray(np.asarray(noise(9, 11))[..., 0] * np.uint16(257))
    clear = noise(9, 11)
    clear.putalpha(noise(9, 11, seed=1).getchannel("G"))
    for picture in (deep, clear):
        picture.save(path)
        monkeypatch.undo()
        whole = open_picture(path)
        monkeypatch.setattr(levels, "STRIP", 2 * 9)
        assert open_picture(path).tobytes() == whole.tobytes()


def test_the_transparent_level_of_a_16_bit_greyscale_png_is_honoured(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    row = np.array([[0, 257, 65535]], dtype=np.uint16)
    Image.fromarray(row).save(path, transparency=257)
    assert open_picture(path, background="red").tobytes() == bytes([*BLACK, *RED, *WHITE])


# Colour profiles


def swapped_profile() -> bytes:
    """sRGB with red and blue swapped; its size stays, as decoders check it."""
    profile = srgb_profile()
    return profile.replace(b"rXYZ", b"tmpX").replace(b"bXYZ", b"rXYZ").replace(b"tmpX", b"bXYZ")


def profile_of(space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A version 2 scanner profile; tags are aligned to four bytes."""
    d50 = struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
    tags = {b"wtpt": b"XYZ " + bytes(4) + d50, **tags}
    table, content = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        table += name + struct.pack(">II", 132 + 12 * len(tags) + len(content), len(value))
        content += value + bytes(-len(value) % 4)
    size = 128 + len(table) + len(content)
    kind = struct.pack(">I4xI4s4s4s12x", size, 0x02100000, b"scnr", space, connection)
    header = (kind + b"acsp").ljust(68, b"\0") + d50
    return header.ljust(128, b"\0") + table + content


def grey_profile(gamma: float) -> bytes:
    """A greyscale profile with a gamma curve."""
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
    return profile_of(b"GRAY", b"XYZ ", {b"kTRC": curve})


def black_ink_profile() -> bytes:
    """A CMYK profile in which only black is visible: an 8-bit table of two steps per ink."""
    matrix = struct.pack(">9i", *(0x10000 if i % 4 == 0 else 0 for i in range(9)))
    ramp, paper, ink = bytes(range(256)), bytes([255, 128, 128]), bytes([0, 128, 128])
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + matrix + 4 * ramp + 8 * (paper + ink)
    return profile_of(b"CMYK", b"Lab ", {b"A2B0": table + 3 * ramp})


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "TIFF", "WEBP"])
@pytest.mark.parametrize(("stored", "expected"), [(RED, BLUE), (BLUE, RED), (WHITE, WHITE)])
def test_an_embedded_profile_is_applied(
    tmp_path: Path,
    file_format: str,
    stored: tuple[int, int, int],
    expected: tuple[int, int, int],
) -> None:
    path = tmp_path / "picture"
    picture = Image.new("RGB", (16, 16), stored)
    picture.save(path, file_format, icc_profile=swapped_profile(), quality=100)
    notes: list[str] = []
    shown = np.asarray(open_picture(path, note=notes.append)).astype(int)
    assert abs(shown - np.array(expected)).max() <= 3
    assert notes == []


@pytest.mark.parametrize(
    ("gamma", "level", "expected"),
    # Worked out with the curve of sRGB: 255·srgb((level/255)^gamma).
    [(1.0, 55, 128), (1.0, 255, 255), (1.0, 0, 0), (2.2, 128, 128), (1.8, 128, 146)],
)
@pytest.mark.parametrize("mode", ["L", "I;16", "LA"])
def test_a_greyscale_profile_is_applied(
    tmp_path: Path, mode: str, gamma: float, level: int, expected: int
) -> None:
    path = tmp_path / "picture.png"
    value: Any = {"L": level, "I;16": level * 257, "LA": (level, 255)}[mode]
    Image.new(mode, (2, 2), value).save(path, icc_profile=grey_profile(gamma))
    notes: list[str] = []
    shown = open_picture(path, note=notes.append).getpixel((0, 0))
    assert notes == []
    assert isinstance(shown, tuple)
    assert max(shown) - min(shown) <= 1
    assert abs(shown[0] - expected) <= 1


def test_a_profile_is_applied_to_the_colours_of_a_palette(tmp_path: Path) -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([*RED, *WHITE])
    palette.putdata([0, 1])
    palette.save(tmp_path / "picture.png", icc_profile=swapped_profile())
    shown = np.asarray(open_picture(tmp_path / "picture.png")).astype(int)
    assert abs(shown - np.array([[BLUE, WHITE]])).max() <= 3


def test_an_rgb_profile_is_applied_to_a_greyscale_picture(tmp_path: Path) -> None:
    Image.new("L", (2, 2), 100).save(tmp_path / "picture.png", icc_profile=swapped_profile())
    notes: list[str] = []
    picture = open_picture(tmp_path / "picture.png", note=notes.append)
    assert picture.getpixel((0, 0)) == (100, 100, 100)
    assert notes == []


@pytest.mark.parametrize("model", [b"\0\0\0\0", b"sRGB"], ids=["our own", "another"])
def test_an_srgb_picture_is_read_exactly(tmp_path: Path, model: bytes) -> None:
    profile = srgb_profile()[:52] + model + srgb_profile()[56:]
    noise(32, 32).save(tmp_path / "picture.png", icc_profile=profile)
    assert open_picture(tmp_path / "picture.png").tobytes() == noise(32, 32).tobytes()


@pytest.mark.parametrize(
    "profile",
    [b"garbage", srgb_profile()[:200], srgb_profile()[:128] + bytes(460), grey_profile(2.2)],
    ids=["garbage", "cut", "without tags", "of grey"],
)
@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_an_unusable_profile_is_noted_and_not_applied(
    tmp_path: Path, profile: bytes, file_format: str
) -> None:
    path = tmp_path / "picture"
    noise(4, 4).save(path, file_format, icc_profile=profile)
    notes: list[str] = []
    picture = open_picture(path, note=notes.append)
    with Image.open(path) as stored:
        assert picture.tobytes() == stored.tobytes()
    assert len(notes) == 1
    assert notes[0].startswith(f"{path}: its colour profile is not applied (")
    assert "\n" not in notes[0]


@pytest.mark.parametrize("file_format", ["JPEG", "TIFF"])
@pytest.mark.parametrize(
    ("inks", "expected"),
    [
        ((0, 0, 0, 0), WHITE),
        ((255, 0, 0, 0), WHITE),
        ((0, 255, 255, 0), WHITE),
        ((0, 0, 0, 255), BLACK),
    ],
)
def test_a_cmyk_profile_is_applied(
    tmp_path: Path, file_format: str, inks: Any, expected: tuple[int, int, int]
) -> None:
    path = tmp_path / "picture"
    Image.new("CMYK", (8, 8), inks).save(path, file_format, icc_profile=black_ink_profile())
    notes: list[str] = []
    shown = np.asarray(open_picture(path, note=notes.append)).astype(int)
    assert notes == []
    assert abs(shown - np.array(expected)).max() <= 2


def test_an_rgb_profile_on_a_cmyk_picture_is_not_applied(tmp_path: Path) -> None:
    path = tmp_path / "picture.jpg"
    Image.new("CMYK", (8, 8), (0, 0, 0, 0)).save(path, icc_profile=srgb_profile())
    notes: list[str] = []
    assert open_picture(path, note=notes.append).getpixel((0, 0)) == WHITE
    (line,) = notes
    assert "RGB profile on a CMYK picture" in line


def test_the_srgb_profile_is_well_formed() -> None:
    assert len(srgb_profile()) < 1000
    assert struct.unpack(">I", srgb_profile()[:4]) == (len(srgb_profile()),)
    assert "sRGB" in ImageCms.getProfileDescription(io.BytesIO(srgb_profile()))
