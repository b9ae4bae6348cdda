"""The formats that are read."""

import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import UnidentifiedImageError

from styletransfer.images.formats import FORMATS, open_image
from styletransfer.images.opening import is_picture
from styletransfer.images.reading import decode_picture
from tests.support.pictures import noise, refusal

PACKAGE = Path(__file__).parents[2] / "styletransfer"


def test_pictures_are_opened_in_one_place() -> None:
    found = [
        path.name
        for path in PACKAGE.rglob("*.py")
        if re.search(r"Image\.open\(", path.read_text("utf-8"))
    ]
    assert found == ["formats.py"]


@pytest.mark.parametrize(
    "name", ["EPS", "WMF", "BUFR", "GRIB", "HDF5", "MPEG", "PDF", "FLI", "PCD"]
)
def test_programs_and_exotic_formats_are_not_in_the_list(name: str) -> None:
    assert name not in FORMATS


@pytest.mark.parametrize("file_format", ["SPIDER", "MSP", "DDS", "SGI", "PCX", "TGA"])
def test_a_file_is_opened_if_its_format_is_in_the_list(tmp_path: Path, file_format: str) -> None:
    path = tmp_path / "picture"
    mode = {"SPIDER": "F", "MSP": "1"}.get(file_format, "RGB")
    noise(8, 8).convert(mode).save(path, file_format)
    assert is_picture(path) == (file_format in FORMATS)
    if file_format not in FORMATS:
        with pytest.raises(UnidentifiedImageError):
            open_image(path)


def test_what_a_decoder_asserts_is_one_line(tmp_path: Path) -> None:
    """An indexed Photoshop file of 8 × 8 pixels, without its colour table."""
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, 1, 8, 8, 8, 2)
    path = tmp_path / "indexed.psd"
    path.write_bytes(header + bytes(12) + bytes(2) + bytes(64))
    assert refusal(decode_picture, path).startswith(f"{path}: the picture is damaged")


def test_the_readme_lists_the_formats() -> None:
    text = (PACKAGE.parent / "README.md").read_text("utf-8").upper()
    names = {"JPEG2000": "JPEG 2000", "HEIF": "HEIC", "JXL": "JPEG XL"}
    part_of_others = {"MPO", "DIB"}  # several JPEGs in a file; a BMP without its header
    listed = text[text.index("* READ ARE ") :][:400]
    for name in set(FORMATS) - part_of_others:
        assert names.get(name, name) in listed


def test_what_pillow_logs_does_not_reach_stderr(tmp_path: Path) -> None:
    """A TIFF with too many samples per pixel; pytest itself would catch what is logged."""
    entries = struct.pack("<HHIIHHIIHHII", 256, 3, 1, 4, 257, 3, 1, 4, 277, 3, 1, 249)
    (tmp_path / "a.tif").write_bytes(b"II*\0" + struct.pack("<IH", 8, 3) + entries + bytes(4))
    script = (
        "import pathlib, sys\n"
        "from styletransfer.images.formats import DAMAGE, open_image\n"
        "try:\n    open_image(pathlib.Path(sys.argv[1]))\n"
        "except DAMAGE:\n    print('refused')\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "a.tif")]
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert (run.stdout, run.stderr) == ("refused\n", "")
