"""Decoding picture files."""

import io
import struct
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, UnidentifiedImageError, features

from styletransfer.errors import ImageError
from styletransfer.images.colour import srgb_profile
from styletransfer.images.exif import BIG_ENDIAN, LITTLE_ENDIAN, SHORT, Exif
from styletransfer.images.exif_patch import patch_exif
from styletransfer.images.opening import is_picture
from styletransfer.images.reading import decode_picture, is_complete, open_picture
from styletransfer.images.tensors import read_image, save_image, to_tensor
from tests.support.pictures import XMP, block_of_a_camera, noise, refusal
from tests.support.tiffs import tiff

ROOT = Path(__file__).parents[2]
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "TIFF", "PPM", "TGA", "PCX", "QOI"])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (640, 3), (33, 17)])
def test_a_lossless_file_of_any_size_is_read_exactly(
    tmp_path: Path, file_format: str, size: tuple[int, int]
) -> None:
    path = tmp_path / f"picture.{file_format.lower()}"
    noise(*size).save(path, file_format)
    picture = open_picture(path)
    assert picture.mode == "RGB"
    assert picture.size == size
    assert picture.tobytes() == noise(*size).tobytes()


@pytest.mark.parametrize("file_format", ["JPEG", "WEBP", "GIF", "JPEG2000", "MPO", "ICO"])
def test_the_format_is_detected_from_the_content(tmp_path: Path, file_format: str) -> None:
    path = tmp_path / "picture.png"
    Image.new("RGB", (32, 16), RED).save(path, file_format)
    picture = open_picture(path)
    assert picture.mode == "RGB"
    red, green, blue = picture.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))  # type: ignore[misc]  # an RGB picture's pixel is a triple
    assert (red > 250, green < 5, blue < 5) == (True, True, True)


# A 3 × 2 picture with a top row of red, green and blue above a black row, stored
# so that each EXIF orientation turns it upright.
STORED = {
    1: ["RGB", "KKK"],
    2: ["BGR", "KKK"],
    3: ["KKK", "BGR"],
    4: ["KKK", "RGB"],
    5: ["RK", "GK", "BK"],
    6: ["BK", "GK", "RK"],
    7: ["KB", "KG", "KR"],
    8: ["KR", "KG", "KB"],
}
COLOURS = {"R": RED, "G": GREEN, "B": BLUE, "K": (0, 0, 0)}


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP"])
def test_pictures_are_recognized_by_their_first_bytes(tmp_path: Path, file_format: str) -> None:
    path = tmp_path / "notes.txt"
    noise(64, 64).save(path, file_format)
    assert is_picture(path)


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"avif"])
def test_heic_and_avif_are_recognized_even_where_they_cannot_be_decoded(
    tmp_path: Path, brand: bytes
) -> None:
    path = tmp_path / "phone"
    path.write_bytes(b"\0\0\0\x18ftyp" + brand + bytes(12))

    assert is_picture(path)


@pytest.mark.filterwarnings("error")
def test_a_picture_too_large_to_decode_is_recognized(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise(64, 64).save(tmp_path / "large.png")
    for limit in (3000, 1000):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        assert is_picture(tmp_path / "large.png")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"words",
        b"[section]\nkey = 1\n",
        b"\x00\x00\x01\xba" + bytes(60),
        b"\0\0\0\x18ftypisom",
    ],
    ids=["empty", "words", "ini", "mpeg", "mp4"],
)
def test_other_files_are_not_pictures(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)

    assert not is_picture(path)


def test_missing_files_and_folders_are_not_pictures(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.png"):
        assert not is_picture(path)
        assert not is_complete(path)


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_a_picture_is_complete_and_a_truncated_one_is_not(tmp_path: Path, file_format: str) -> None:
    path = tmp_path / "picture"
    noise(64, 64).save(path, file_format)
    assert is_complete(path)
    path.write_bytes(path.read_bytes()[:-100])
    assert not is_complete(path)


def stored(orientation: int, scale: int = 1) -> Image.Image:
    rows = STORED[orientation]
    picture = Image.new("RGB", (len(rows[0]), len(rows)))
    picture.putdata([COLOURS[letter] for row in rows for letter in row])
    return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)


def oriented(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_exif_orientation_is_honoured(tmp_path: Path, file_format: str, orientation: int) -> None:
    path = tmp_path / "picture"
    stored(orientation, scale=16).save(path, file_format, exif=oriented(orientation), quality=95)
    picture = open_picture(path)
    assert picture.size == (48, 32)
    difference = to_tensor(picture) - to_tensor(stored(1, scale=16))
    assert difference.abs().mean() < 0.02


def test_an_orientation_is_not_applied_again_to_a_saved_result(tmp_path: Path) -> None:
    stored(6).save(tmp_path / "turned.png", exif=oriented(6))
    save_image(read_image(tmp_path / "turned.png"), tmp_path / "upright.png")
    assert open_picture(tmp_path / "upright.png").tobytes() == stored(1).tobytes()


def test_a_picture_with_unreadable_exif_is_read_without_turning(tmp_path: Path) -> None:
    noise(5, 4).save(tmp_path / "picture.png", exif=b"Exif\0\0garbage")
    assert open_picture(tmp_path / "picture.png").tobytes() == noise(5, 4).tobytes()


def test_the_orientation_in_a_damaged_exif_block_is_honoured(tmp_path: Path) -> None:
    # The second entry is a resolution, which must be a fraction, of type text (2).
    entries = struct.pack("<HHII", 0x0112, 3, 1, 6) + struct.pack("<HHI4s", 0x011A, 2, 4, b"abc\0")
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + entries + bytes(4)
    stored(6).save(tmp_path / "picture.png", exif=exif)
    assert open_picture(tmp_path / "picture.png").tobytes() == stored(1).tobytes()


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    line = refusal(open_picture, tmp_path / "none.jpg")
    assert line.startswith(f"{tmp_path / 'none.jpg'}: No such file")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert refusal(open_picture, tmp_path).startswith(f"{tmp_path}: ")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "the file is empty"),
        (b"\0", "not a complete picture in a supported format"),
        (b"<!DOCTYPE html><title>404</title>", "not a complete picture in a supported format"),
        (b"\x89PNG\r\n\x1a\n", "not a complete picture in a supported format"),
        (b"\xff\xd8\xff\xe0", "not a complete picture in a supported format"),
    ],
)
def test_a_file_that_is_not_a_picture_is_refused(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    path = tmp_path / "picture.jpg"
    path.write_bytes(content)
    assert refusal(open_picture, path).startswith(f"{path}: {complaint}")


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"])
@pytest.mark.parametrize("part", [0.2, 0.5, 0.9])
def test_a_truncated_file_is_refused(tmp_path: Path, file_format: str, part: float) -> None:
    path = tmp_path / "picture"
    noise(64, 64).save(path, file_format)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])
    assert refusal(open_picture, path).startswith(f"{path}: ")


@pytest.mark.parametrize("file_format", ["PNG", "JPEG"])
def test_a_file_truncated_anywhere_is_refused_or_read_exactly(
    tmp_path: Path, file_format: str
) -> None:
    path = tmp_path / "picture"
    noise(9, 9).save(path, file_format)
    expected, whole = open_picture(path).tobytes(), path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        try:
            assert open_picture(path).tobytes() == expected
        except ImageError as error:
            assert str(error).startswith(f"{path}: ")  # noqa: PT017  # both outcomes are valid


@pytest.mark.filterwarnings("error")
def test_a_decompression_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "picture.png"
    noise(10, 10).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 60)  # of which Pillow warns
    assert open_picture(path).size == (10, 10)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40)
    assert refusal(open_picture, path).startswith(f"{path}: it exceeds the limit of 80 pixels")


def test_a_picture_that_does_not_fit_in_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object, **__: object) -> None:
        raise MemoryError

    path = tmp_path / "picture.png"
    noise(4, 4).save(path)
    monkeypatch.setattr(Image, "open", exhausted)
    assert refusal(open_picture, path).startswith(f"{path}: not enough memory to decode it")


def test_checking_an_input_does_not_import_torch(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib\n"
        "from styletransfer.images.tensors import open_picture, check_output\n"
        "picture = pathlib.Path(sys.argv[1])\n"
        "open_picture(picture)\n"
        "check_output(picture.with_name('out.png'), [picture])\n"
        "print('torch' in sys.modules)\n"
    )
    noise(4, 4).save(tmp_path / "picture.png")
    command = [sys.executable, "-c", script, str(tmp_path / "picture.png")]
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout == "False\n"


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("mode", ["L", "I;16", "CMYK", "RGBA", "P"])
def test_uncompressed_tiffs_of_all_modes_are_turned_upright(
    tmp_path: Path, mode: str, orientation: int
) -> None:
    """Pillow memory-maps these files and then reads wrong pixels."""
    path = tmp_path / "picture.tif"
    upright = stored(1).convert("L").convert(mode)
    picture = stored(orientation).convert("L").convert(mode)
    picture.save(path, exif=oriented(orientation))
    upright.save(tmp_path / "upright.tif")
    assert open_picture(path).tobytes() == open_picture(tmp_path / "upright.tif").tobytes()
    assert open_picture(path).size == (3, 2)


# Alpha channel and 16-bit colour


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "WEBP"])
def test_the_alpha_channel_is_turned_upright_with_the_colours(
    tmp_path: Path, file_format: str, orientation: int
) -> None:
    """The top row is partly transparent, the bottom row opaque."""
    picture = stored(orientation).convert("RGBA")
    picture.putalpha(stored(orientation).convert("L").point(lambda level: 255 - level))
    options: dict[str, Any] = {"lossless": True, "exact": True} if file_format == "WEBP" else {}
    picture.save(tmp_path / "picture", file_format, exif=oriented(orientation), **options)
    alpha = decode_picture(tmp_path / "picture").alpha
    assert alpha is not None
    upright = stored(1).convert("L").point(lambda level: 255 - level)
    assert (alpha.mode, alpha.size, alpha.tobytes()) == ("L", (3, 2), upright.tobytes())


@pytest.mark.parametrize(
    ("mode", "file_format"),
    [("RGBA", "PNG"), ("RGBA", "TIFF"), ("LA", "PNG"), ("RGB", "PNG"), ("L", "JPEG"), ("P", "GIF")],
)
def test_an_opaque_picture_has_no_alpha_channel(
    tmp_path: Path, mode: str, file_format: str
) -> None:
    noise(4, 4).convert(mode).save(tmp_path / "picture", file_format)
    assert decode_picture(tmp_path / "picture").alpha is None


def test_the_transparent_entry_of_a_palette_gives_an_alpha_channel(tmp_path: Path) -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([1, 2, 3, 4, 5, 6])
    picture.putdata([0, 1])
    picture.save(tmp_path / "picture.gif", transparency=1)
    alpha = decode_picture(tmp_path / "picture.gif").alpha
    assert alpha is not None
    assert alpha.tobytes() == b"\xff\0"


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_colour_and_alpha_are_read_with_8_bits(tmp_path: Path, suffix: str) -> None:
    alpha = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    image = to_tensor(noise(16, 16))
    save_image(image, tmp_path / f"deep{suffix}", bits=16, alpha=alpha)
    save_image(image, tmp_path / f"flat{suffix}", bits=8, alpha=alpha)
    deep, flat = (decode_picture(tmp_path / f"{name}{suffix}") for name in ("deep", "flat"))
    assert deep.colours.tobytes() == flat.colours.tobytes()
    assert deep.alpha is not None
    assert deep.alpha.tobytes() == alpha.tobytes()


@pytest.mark.parametrize("header", [LITTLE_ENDIAN, BIG_ENDIAN])
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("planar", [False, True])
def test_an_uncompressed_16_bit_tiff_is_read_with_interleaved_or_planar_channels(
    tmp_path: Path, planar: bool, channels: int, header: bytes
) -> None:
    levels = np.random.default_rng(0).integers(0, 2**16, (5, 7, channels), np.uint16)
    if channels == 4:
        levels[..., 3] = 65535
    planes = np.moveaxis(levels, 2, 0) if planar else levels[None]
    exif = Exif(block=header)
    strips = [plane.astype(f"{exif.order}u2").tobytes() for plane in planes]
    image = {
        0x0100: exif.numbers(SHORT, 7),
        0x0101: exif.numbers(SHORT, 5),
        0x0102: exif.numbers(SHORT, *[16] * channels),
        0x0103: exif.numbers(SHORT, 1),
        0x0106: exif.numbers(SHORT, 2),
        0x0115: exif.numbers(SHORT, channels),
        0x0116: exif.numbers(SHORT, 5),
        0x011C: exif.numbers(SHORT, 2 if planar else 1),
    }
    if channels == 4:
        image[0x0152] = exif.numbers(SHORT, 2)
    path = tmp_path / "picture.tif"
    path.write_bytes(patch_exif(Exif(block=header, image=image), strips))
    assert np.array_equal(np.asarray(open_picture(path)), levels[..., :3] >> 8)


# Several frames, other formats


FRAMES = {"GIF": "animated", "PNG": "animated", "WEBP": "animated", "TIFF": "several pages"}


@pytest.mark.parametrize("file_format", FRAMES)
def test_the_first_of_several_frames_is_used_with_a_note(tmp_path: Path, file_format: str) -> None:
    path = tmp_path / "picture"
    first, second = Image.new("RGB", (8, 8), RED), Image.new("RGB", (8, 8), BLUE)
    options: dict[str, Any] = {"lossless": True} if file_format == "WEBP" else {}
    first.save(path, file_format, save_all=True, append_images=[second], **options)
    notes: list[str] = []
    picture = open_picture(path, note=notes.append)
    assert picture.tobytes() == bytes(RED) * 64
    assert len(notes) == 1
    assert notes[0].startswith(f"{path}: it ")
    assert FRAMES[file_format] in notes[0]
    assert open_picture(path).tobytes() == picture.tobytes()


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "MPO"])
def test_an_ordinary_picture_causes_no_note(tmp_path: Path, file_format: str) -> None:
    noise(8, 8).save(tmp_path / "picture", file_format)
    notes: list[str] = []
    open_picture(tmp_path / "picture", note=notes.append)
    assert notes == []


@pytest.mark.skipif("avif" not in features.get_supported(), reason="this Pillow reads no AVIF")
def test_avif_is_read_where_pillow_supports_it(tmp_path: Path) -> None:
    Image.new("RGB", (16, 16), "white").save(tmp_path / "picture.jpg", "AVIF")
    assert open_picture(tmp_path / "picture.jpg").getpixel((8, 8)) == (255, 255, 255)


def family(brand: bytes) -> bytes:
    """The first bytes of a HEIF or AVIF file."""
    return b"\0\0\0\x18ftyp" + brand + bytes(4) + b"mif1" + brand


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1", b"msf1"])
def test_heic_without_pillow_heif_is_refused_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, brand: bytes
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    path = tmp_path / "picture.jpg"
    path.write_bytes(family(brand))
    line = refusal(open_picture, path)
    assert line.startswith(f"{path}: reading HEIC needs pillow-heif; run pip install pillow-heif")


def test_avif_without_support_in_pillow_is_refused_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "get_supported", list)
    monkeypatch.setattr(Image, "open", no_picture)
    (tmp_path / "picture").write_bytes(family(b"avif"))
    assert "pip install --upgrade pillow" in refusal(open_picture, tmp_path / "picture")


def no_picture(*_: object, **__: object) -> None:
    raise UnidentifiedImageError


def test_heic_is_read_once_pillow_heif_is_registered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, picture_in = tmp_path / "picture.heic", Image.open
    path.write_bytes(family(b"heic"))
    noise(4, 4).save(tmp_path / "inside.png")

    def register() -> None:
        monkeypatch.setattr(Image, "open", lambda *_, **__: picture_in(tmp_path / "inside.png"))

    package = SimpleNamespace(register_heif_opener=register)
    monkeypatch.setitem(sys.modules, "pillow_heif", package)
    assert open_picture(path).tobytes() == noise(4, 4).tobytes()


@pytest.mark.parametrize("background", ["no colour", "", "#12"])
def test_a_background_that_is_not_a_colour_is_refused(tmp_path: Path, background: str) -> None:
    noise(4, 4).save(tmp_path / "picture.png")
    with pytest.raises(ValueError, match="unknown color specifier"):
        open_picture(tmp_path / "picture.png", background=background)


# Damaged files


def encoded(picture: Image.Image, file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return buffer.getvalue()


def sane_files() -> list[bytes]:
    exif, clear = oriented(6), noise(6, 5).convert("RGBA")
    return [
        *(encoded(noise(6, 5), each) for each in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")),
        encoded(noise(6, 5).convert("P"), "PNG", transparency=3, exif=exif),
        encoded(clear, "PNG", icc_profile=b"\0" * 40),
        encoded(noise(6, 5).convert("F"), "TIFF"),
        encoded(noise(6, 5).convert("I"), "TIFF", compression="tiff_lzw"),
        encoded(noise(6, 5).convert("CMYK"), "JPEG"),
        encoded(noise(6, 5).convert("I;16"), "PNG"),
        encoded(noise(6, 5), "PNG", save_all=True, append_images=[noise(6, 5, 1)]),
        encoded(noise(6, 5), "JPEG2000"),
        encoded(noise(6, 5), "PPM"),
        *(
            encoded(clear, each)
            for each in ("TGA", "PSD", "QOI", "ICO", "DDS", "AVIF")
            if each in Image.SAVE
        ),
        encoded(noise(6, 5).convert("1"), "XBM"),
        encoded(noise(6, 5), "PCX"),
        encoded(noise(6, 5), "SGI"),
        tiff([noise(8, 4).tobytes() * 4], photometric=2, samples=3, bits=[32] * 3),
        tiff([bytes(range(64)) * 2], bits=[16] * 2, samples=2, extra=2),
        tiff([bytes(range(64))], bits=16, photometric=0),
        *(encoded(noise(6, 5), each, **blocks()) for each in ("JPEG", "PNG", "WEBP", "TIFF")),
        family(b"heic"),
    ]


def blocks() -> dict[str, Any]:
    """An EXIF block, a colour profile and an XMP packet to save with a picture."""
    return {"exif": block_of_a_camera(), "icc_profile": srgb_profile(), "xmp": XMP}


LIMIT = 20_000


@settings(max_examples=400)
@given(
    whole=st.sampled_from(sane_files()),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=8),
    kept=st.one_of(st.just(1.0), st.floats(0, 1)),
    tail=st.binary(max_size=8),
)
def test_a_damaged_file_gives_a_picture_or_an_image_error(
    tmp_path_factory: pytest.TempPathFactory,
    whole: bytes,
    changes: list[tuple[float, int]],
    kept: float,
    tail: bytes,
) -> None:
    content = bytearray(whole)
    for place, value in changes:
        content[int(place * (len(content) - 1))] = value
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(content[: round(kept * len(content))] + tail)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Image, "MAX_IMAGE_PIXELS", LIMIT)
        try:
            picture = decode_picture(path, metadata=True).colours
        except ImageError as error:
            assert str(error).startswith(f"{path}: ")  # noqa: PT017  # both outcomes are valid
            assert "\n" not in str(error)  # noqa: PT017  # as above
        else:
            assert picture.mode == "RGB"
            assert picture.width * picture.height <= 2 * LIMIT
