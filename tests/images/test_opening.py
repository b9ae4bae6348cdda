"""Opening files of formats that need a package of their own."""

import sys
from pathlib import Path

import pytest
from PIL import Image

from styletransfer.images.opening import is_picture
from styletransfer.images.reading import decode_picture
from tests.support.pictures import noise, refusal

JPEG_XL = [b"\xff\x0a" + bytes(20), b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(20)]


@pytest.mark.parametrize("content", JPEG_XL)
def test_jpeg_xl_without_its_package_is_refused_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    line = refusal(decode_picture, path)
    assert line.startswith(f"{path}: reading JPEG XL needs pillow-jxl-plugin; ")
    assert is_picture(path)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_jpeg_xl_is_read_exactly(tmp_path: Path, mode: str) -> None:
    pytest.importorskip("pillow_jxl")
    path = tmp_path / "photo.jpg"
    picture = noise(9, 7).convert(mode)
    if mode == "RGBA":
        picture.putalpha(Image.linear_gradient("L").resize((9, 7)))
    picture.save(path, "JXL", lossless=True)
    decoded = decode_picture(path)
    assert is_picture(path)
    if mode == "RGBA":
        assert decoded.alpha is not None
        assert decoded.alpha.tobytes() == picture.getchannel("A").tobytes()
    else:
        assert decoded.colours.tobytes() == picture.convert("RGB").tobytes()


@pytest.mark.parametrize("content", JPEG_XL)
def test_damaged_jpeg_xl_is_one_line(tmp_path: Path, content: bytes) -> None:
    pytest.importorskip("pillow_jxl")
    (tmp_path / "photo.jxl").write_bytes(content)
    assert refusal(decode_picture, tmp_path / "photo.jxl").startswith(f"{tmp_path}")


def test_a_variant_that_is_not_supported_is_not_called_damaged(tmp_path: Path) -> None:
    """A BMP whose compression is not known."""
    noise(4, 4).save(tmp_path / "a.bmp")
    whole = bytearray((tmp_path / "a.bmp").read_bytes())
    whole[30] = 6
    (tmp_path / "a.bmp").write_bytes(whole)
    assert "this variant of its format is not read" in refusal(decode_picture, tmp_path / "a.bmp")
