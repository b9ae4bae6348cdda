"""What of a content's EXIF and XMP holds for the result too."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import ExifTags, PngImagePlugin

from styletransfer.images.metadata import Metadata
from styletransfer.images.reading import decode_picture
from tests.support.pictures import THUMBNAIL, XMP, block_of_a_camera, noise

FORMATS = ["JPEG", "PNG", "WEBP"]


def written(path: Path, file_format: str, **options: Any) -> Path:
    if file_format == "PNG" and "xmp" in options:
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", options.pop("xmp").decode())
    noise(6, 4).save(path, file_format, **options)
    return path


def metadata_of(path: Path) -> Metadata:
    found = decode_picture(path, metadata=True).metadata
    assert found is not None
    return found


@pytest.mark.parametrize("file_format", FORMATS)
def test_what_holds_for_the_result_is_kept_and_the_rest_is_not(
    tmp_path: Path, file_format: str
) -> None:
    path = written(tmp_path / "picture", file_format, exif=block_of_a_camera(), xmp=XMP)
    assert THUMBNAIL in path.read_bytes()

    exif, xmp = metadata_of(path)

    assert set(exif.image) == {ExifTags.Base.Make, ExifTags.Base.Artist}
    assert exif.image[ExifTags.Base.Artist].data == "Jürgen\0".encode()
    assert set(exif.photo) == {
        ExifTags.Base.ExposureTime,
        ExifTags.Base.UserComment,
        ExifTags.Base.ColorSpace,
    }
    assert exif.photo[ExifTags.Base.ColorSpace].data == b"\0\1", "sRGB"
    assert set(exif.gps) == {1, 2}
    assert THUMBNAIL not in exif.to_bytes()
    assert b'xmp:Rating="4"' in xmp
    assert not any(word in xmp for word in (b"Orientation", b"4321", b"small"))


def test_of_a_tiff_what_tells_how_its_pixels_lie_is_not_kept(tmp_path: Path) -> None:
    tags = {270: "a view", 274: 6, 282: 300.0, 315: "me", 34853: {1: "N"}}
    noise(6, 4).save(tmp_path / "picture", "TIFF", tiffinfo=tags)
    exif = metadata_of(tmp_path / "picture").exif
    assert set(exif.image) == {270, 282, 315}
    assert exif.gps[1].data == b"N\0"


def test_metadata_is_not_read_unasked(tmp_path: Path) -> None:
    path = written(tmp_path / "picture", "JPEG", exif=block_of_a_camera())
    assert decode_picture(path).metadata is None


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_picture_may_have_none(tmp_path: Path, file_format: str) -> None:
    path = written(tmp_path / "picture", file_format)
    assert decode_picture(path, metadata=True).metadata is None


def test_a_damaged_block_is_a_note_and_no_failure(tmp_path: Path) -> None:
    block = block_of_a_camera(orientation=1)
    path = written(tmp_path / "picture", "PNG", exif=block[: len(block) // 3])
    notes: list[str] = []
    decode_picture(path, metadata=True, note=notes.append)
    assert notes == [f"{path}: not all of its EXIF block can be read; the rest is kept"]
    assert decode_picture(path).colours.tobytes() == noise(6, 4).tobytes()


def test_xmp_in_utf_16_is_left_out(tmp_path: Path) -> None:
    path = written(tmp_path / "picture", "JPEG", xmp=XMP.decode().encode("utf-16"))
    assert decode_picture(path, metadata=True).metadata is None


def test_an_empty_xmp_element_takes_nothing_of_its_neighbours_along(tmp_path: Path) -> None:
    xmp = XMP.replace(b"<tiff:ImageWidth>4321<", b'<tiff:Orientation x="1"/>kept<tiff:ImageWidth><')
    path = written(tmp_path / "picture", "JPEG", xmp=xmp)
    assert b"kept" in metadata_of(path).xmp
    assert b"Orientation" not in metadata_of(path).xmp


def test_a_block_written_by_an_older_imagemagick_is_read(tmp_path: Path) -> None:
    block = block_of_a_camera()
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Raw profile type exif", f"\nexif\n{len(block):8}\n{block.hex()}\n", zip=True)
    buffer = io.BytesIO()
    noise(6, 4).save(buffer, "PNG", pnginfo=texts)
    path = tmp_path / "picture.png"
    path.write_bytes(buffer.getvalue())
    assert metadata_of(path).exif.image[ExifTags.Base.Make].data == b"Maker\0"
    assert decode_picture(path).colours.size == (4, 6), "it was turned upright"
