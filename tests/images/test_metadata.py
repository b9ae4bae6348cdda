"""The metadata of a content that is also true of its result."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import ExifTags, Image, PngImagePlugin

from styletransfer.images.exif import Exif
from styletransfer.images.exif_patch import patch_exif
from styletransfer.images.metadata import Metadata, read_metadata
from styletransfer.images.reading import decode_picture
from tests.support.pictures import MAKER_NOTE, THUMBNAIL, XMP, block_of_a_camera, noise

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


def file_of(exif: Exif) -> Image.Exif:
    """The patched block as Pillow reads it."""
    read = Image.Exif()
    read.load(patch_exif(exif))
    return read


@pytest.mark.parametrize("file_format", FORMATS)
def test_entries_that_would_be_false_of_the_result_are_dropped(
    tmp_path: Path, file_format: str
) -> None:
    path = written(tmp_path / "picture", file_format, exif=block_of_a_camera(), xmp=XMP)
    assert THUMBNAIL in path.read_bytes()

    metadata = metadata_of(path)

    assert set(metadata.exif.image) == {
        ExifTags.Base.ImageWidth,
        ExifTags.Base.ImageLength,
        ExifTags.Base.Make,
        ExifTags.Base.Orientation,
        ExifTags.Base.Artist,
    }
    assert set(metadata.exif.photo) == {
        ExifTags.Base.ExposureTime,
        ExifTags.Base.MakerNote,
        ExifTags.Base.UserComment,
        ExifTags.Base.ColorSpace,
        ExifTags.Base.ExifImageWidth,
        ExifTags.Base.ExifImageHeight,
    }
    assert set(metadata.exif.gps) == {1, 2}
    assert b'xmp:Rating="4"' in metadata.xmp
    assert not any(word in metadata.xmp for word in (b"Orientation", b"4321", b"small"))


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_patched_block_describes_the_result_and_its_values_keep_their_offsets(
    tmp_path: Path, file_format: str
) -> None:
    block = block_of_a_camera()
    path = written(tmp_path / "picture", file_format, exif=block)
    exif = metadata_of(path).exif_for(70_000, 16)

    patched = patch_exif(exif)
    for value in (MAKER_NOTE, "Jürgen".encode(), b"my own words"):
        assert patched.index(value) == block[6:].index(value)
    assert THUMBNAIL not in patched

    read = file_of(exif)
    photo = read.get_ifd(ExifTags.IFD.Exif)
    assert read.get_ifd(ExifTags.IFD.IFD1) == {}
    assert read[ExifTags.Base.Orientation] == 1
    assert photo[ExifTags.Base.ColorSpace] == 1, "sRGB"
    assert (read[ExifTags.Base.ImageWidth], read[ExifTags.Base.ImageLength]) == (70_000, 16)
    sizes = (photo[ExifTags.Base.ExifImageWidth], photo[ExifTags.Base.ExifImageHeight])
    assert sizes == (70_000, 16)


def test_sizes_that_the_content_does_not_state_are_not_added(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Maker"
    path = written(tmp_path / "picture", "JPEG", exif=exif)
    assert dict(file_of(metadata_of(path).exif_for(3, 2))) == {ExifTags.Base.Make: "Maker"}


def test_a_tiff_keeps_its_entries_but_not_the_layout_of_its_pixels(tmp_path: Path) -> None:
    tags = {270: "a view", 274: 6, 282: 300.0, 315: "me", 34853: {1: "N"}}
    noise(6, 4).save(tmp_path / "picture", "TIFF", tiffinfo=tags)
    exif = metadata_of(tmp_path / "picture").exif_for(30, 20)
    read = file_of(exif)
    assert read.get_ifd(ExifTags.IFD.GPSInfo)[1] == "N"
    del read[ExifTags.IFD.GPSInfo]
    assert dict(read) == {256: 30, 257: 20, 270: "a view", 274: 1, 282: 300.0, 315: "me"}
    assert len(exif.block) == 8


def test_metadata_is_read_only_on_request(tmp_path: Path) -> None:
    path = written(tmp_path / "picture", "JPEG", exif=block_of_a_camera())
    assert decode_picture(path).metadata is None


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_picture_may_have_no_metadata(tmp_path: Path, file_format: str) -> None:
    path = written(tmp_path / "picture", file_format)
    assert decode_picture(path, metadata=True).metadata is None


def test_a_damaged_block_is_noted_and_its_picture_is_read(tmp_path: Path) -> None:
    block = block_of_a_camera(orientation=1)
    path = written(tmp_path / "picture", "PNG", exif=block[: len(block) // 3])
    notes: list[str] = []
    metadata = decode_picture(path, metadata=True, note=notes.append).metadata
    assert metadata is not None
    assert metadata.exif.image[ExifTags.Base.Make].data == b"Maker\0"
    assert notes == [f"{path}: its EXIF block is damaged; only the readable entries are kept"]
    assert decode_picture(path).colours.tobytes() == noise(6, 4).tobytes()


def test_xmp_in_utf_16_is_left_out(tmp_path: Path) -> None:
    path = written(tmp_path / "picture", "JPEG", xmp=XMP.decode().encode("utf-16"))
    assert decode_picture(path, metadata=True).metadata is None


def test_dropping_an_empty_xmp_element_leaves_its_neighbours(tmp_path: Path) -> None:
    xmp = XMP.replace(b"<tiff:ImageWidth>4321<", b'<tiff:Orientation x="1"/>kept<tiff:ImageWidth><')
    path = written(tmp_path / "picture", "JPEG", xmp=xmp)
    assert b"kept" in metadata_of(path).xmp
    assert b"Orientation" not in metadata_of(path).xmp


@pytest.mark.parametrize(
    "part",
    [
        b"<tiff:Orientation>",
        b"<tiff:Orientation ",
        b"<tiff:Orientation><tiff:ImageWidth>",
        b"<xmp:Thumbnails><",
        b' tiff:Orientation="',
        b" tiff:Orientation='",
        b" tiff:Orientation=",
        b" tiff:Orientation=\"'",
        b"</tiff:Orientation>",
        b"<tiff:Orientation/>",
        b"<tiff:Orientation>1</tiff:Orientation>",
    ],
)
def test_a_packet_of_nothing_but_dropped_names_is_read_in_no_time(part: bytes) -> None:
    picture = Image.new("RGB", (1, 1))
    picture.info["xmp"] = part * (3_000_000 // len(part))
    # With a search from each name to the end of the packet, this would take hours.
    read_metadata(picture, Path("unused"))


def test_an_xmp_packet_that_is_too_large_is_left_out_with_a_note(tmp_path: Path) -> None:
    packet = XMP + b" " * 5_000_000
    path = written(tmp_path / "picture", "WEBP", xmp=packet, exif=block_of_a_camera())
    notes: list[str] = []
    metadata = decode_picture(path, metadata=True, note=notes.append).metadata
    assert metadata is not None
    assert metadata.xmp == b""
    assert metadata.exif.image[ExifTags.Base.Make].data == b"Maker\0"
    assert notes == [f"{path}: its XMP packet of 5.0 MB is left out; the limit is 4 MB"]


def test_an_element_within_another_and_one_that_is_never_closed(tmp_path: Path) -> None:
    inner = b"a<xmp:Thumbnails>b<tiff:Orientation>6</tiff:Orientation></xmp:Thumbnails >c"
    path = written(tmp_path / "picture", "WEBP", xmp=inner + b"<tiff:ImageWidth>d")
    assert metadata_of(path).xmp == b"ac<tiff:ImageWidth>d"


def test_a_block_written_by_an_older_imagemagick_is_read(tmp_path: Path) -> None:
    block = block_of_a_camera()
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Raw profile type exif", f"\nexif\n{len(block):8}\n{block.hex()}\n", zip=True)
    buffer = io.BytesIO()
    noise(6, 4).save(buffer, "PNG", pnginfo=texts)
    path = tmp_path / "picture.png"
    path.write_bytes(buffer.getvalue())
    assert metadata_of(path).exif.image[ExifTags.Base.Make].data == b"Maker\0"
    assert decode_picture(path).colours.size == (4, 6), "upright"
