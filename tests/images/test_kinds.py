"""Files that are refused by name."""

from pathlib import Path

import pytest

from styletransfer.images.kinds import recognize
from styletransfer.images.opening import is_picture, is_raw
from styletransfer.images.reading import decode_picture
from tests.support.pictures import noise, refusal

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n{} loop\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'

FOREIGN = {
    "an EPS drawing": [EPS, b"\xc5\xd0\xd3\xc6" + bytes(28) + EPS, b"\x04" + EPS],
    "a PostScript document": [b"%!PS-Adobe-3.0\nshowpage\n", b"%!\nshowpage\n"],
    "a PDF document": [b"%PDF-1.7\n"],
    "an SVG drawing": [
        SVG,
        b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- by hand -->\n<!DOCTYPE svg>\n' + SVG,
        b"\xff\xfe" + SVG.decode().encode("utf-16-le"),
        b'<svg:svg xmlns:svg="http://www.w3.org/2000/svg"/>',
    ],
    "a WMF drawing": [b"\xd7\xcd\xc6\x9a" + bytes(60), b"\1\0\x09\0\0\3" + bytes(60)],
    "an EMF drawing": [b"\1\0\0\0" + bytes(36) + b" EMF" + bytes(60)],
    "BUFR weather data": [b"BUFR" + bytes(60)],
    "GRIB weather data": [b"GRIB\0\0\0\1" + bytes(60)],
    "HDF5 data": [b"\x89HDF\r\n\x1a\n" + bytes(60)],
    "a video": [
        b"\0\0\1\xba" + bytes(60),
        b"\0\0\1\xb3" + bytes(60),
        b"\0\0\0\x18ftypisom" + bytes(12),
        b"\0\0\0\x14ftypqt  " + bytes(12),
        b"RIFF\0\0\0\0AVI LIST",
    ],
    "a compressed file": [b"\x1f\x8b\x08" + bytes(20)],
}

UNREAD = {
    "an OpenEXR picture": [b"\x76\x2f\x31\x01\2\0\0\0"],
    "a Radiance HDR picture": [b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 1\n", b"#?RGBE\n"],
    "a large Photoshop document (PSB)": [b"8BPS\0\2" + bytes(40)],
    "a Photoshop document with 16 or 32 bits": [
        b"8BPS\0\1" + bytes(6) + b"\0\3" + bytes(8) + bytes([0, bits, 0, 3]) + bytes(20)
        for bits in (16, 32)
    ],
    "a GIMP project": [b"gimp xcf v011\0"],
    "a PFM picture in colour": [b"PF\n1 1\n-1.0\n" + bytes(12)],
    "a FITS picture": [b"SIMPLE  =                    T"],
    "a DICOM picture": [bytes(128) + b"DICM"],
    "a JPEG XR picture": [b"II\xbc\1" + bytes(20)],
    "a camera's RAW file": [
        b"FUJIFILMCCD-RAW 0201",
        b"IIRO\x08\0\0\0",
        b"IIU\0\x18\0\0\0",
        b"II*\0\x10\0\0\0CR\2\0",
        b"\0\0\0\x18ftypcrx \0\0\0\1",
    ],
}


def cases(kinds: dict[str, list[bytes]]) -> list[tuple[str, bytes]]:
    return [(name, content) for name, contents in kinds.items() for content in contents]


@pytest.mark.parametrize(("name", "content"), cases(FOREIGN | UNREAD))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ""])
def test_a_kind_that_is_not_read_is_named_whatever_the_suffix(
    tmp_path: Path, name: str, content: bytes, suffix: str
) -> None:
    path = tmp_path / f"file{suffix}"
    path.write_bytes(content)
    assert refusal(decode_picture, path).startswith(f"{path}: this is {name}; ")


@pytest.mark.parametrize(("name", "content"), cases(FOREIGN))
def test_drawings_documents_data_and_videos_are_no_pictures(
    tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert not is_picture(path)


@pytest.mark.parametrize(("name", "content"), cases(UNREAD))
def test_pictures_of_a_kind_that_is_not_read_count_as_pictures(
    tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert is_picture(path)
    assert is_raw(path) == (name == "a camera's RAW file")


def test_no_interpreter_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "gs"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    for name in ("a.eps", "b.jpg", "c"):
        (tmp_path / name).write_bytes(EPS)
        assert refusal(decode_picture, tmp_path / name).endswith("an EPS drawing; export it as PNG")
        assert not is_picture(tmp_path / name)
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP", "TGA", "PCX"])
def test_a_picture_is_not_taken_for_another_kind(tmp_path: Path, file_format: str) -> None:
    path = tmp_path / "picture"
    noise(64, 64).save(path, file_format)
    assert recognize(path.read_bytes()) is None
