"""What decoding a picture may take."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from styletransfer.errors import ImageError
from styletransfer.images.decoders.limits import Limits
from styletransfer.images.reading import Decoded, decode_picture
from tests.support.pictures import noise


def decoded(path: Path, *, memory: int | None = None, side: int | None = None) -> Decoded:
    return decode_picture(path, limits=Limits(memory=memory, side=side))


FORMATS = ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "JPEG2000"]


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_picture_that_needs_more_memory_than_is_free_is_refused_with_the_figures(
    tmp_path: Path, file_format: str
) -> None:
    path = tmp_path / "picture"
    Image.new("RGB", (4000, 3000)).save(path, file_format)
    with pytest.raises(ImageError) as caught:
        decoded(path, memory=100_000_000)
    needed = str(caught.value).split("about ")[1].split(" GB")[0]
    assert str(caught.value) == (
        f"{path}: decoding its 4000×3000 pixels needs about {needed} GB of memory, "
        "0.1 GB are free; scale it down first"
    )
    assert 0.2 < float(needed) < 0.5
    assert decoded(path, memory=500_000_000).colours.size == (4000, 3000)


def test_it_is_refused_before_its_pixels_are_decoded(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    noise(40, 30).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:60])
    with pytest.raises(ImageError, match="memory"):
        decoded(path, memory=1000)
    with pytest.raises(ImageError, match="damaged or truncated"):
        decoded(path, memory=1_000_000)


def test_an_alpha_channel_needs_more(tmp_path: Path) -> None:
    noise(100, 100).save(tmp_path / "opaque.png")
    noise(100, 100).convert("RGBA").save(tmp_path / "clear.png")
    decoded(tmp_path / "opaque.png", memory=250_000)
    with pytest.raises(ImageError, match="memory"):
        decoded(tmp_path / "clear.png", memory=250_000)


def gradient(path: Path, width: int, height: int) -> Path:
    levels = np.linspace(0, 255, width).astype(np.uint8)
    Image.fromarray(np.broadcast_to(levels, (height, width))).save(path, "JPEG", quality=90)
    return path


@pytest.mark.parametrize(
    ("side", "size"), [(512, (1024, 768)), (513, (2048, 1536)), (4000, (8192, 6144))]
)
def test_a_very_large_jpeg_is_decoded_reduced_to_at_least_twice_the_side_that_is_needed(
    tmp_path: Path, side: int, size: tuple[int, int]
) -> None:
    colours = decoded(gradient(tmp_path / "picture.jpg", 8192, 6144), side=side).colours
    assert colours.size == size
    level = np.asarray(colours)[10, :, 0]
    expected = np.linspace(0, 255, colours.width)
    assert np.abs(level - expected).max() <= 3


def test_a_reduced_jpeg_needs_less_memory(tmp_path: Path) -> None:
    path = gradient(tmp_path / "picture.jpg", 8192, 6144)
    with pytest.raises(ImageError, match="8192×6144"):
        decoded(path, memory=100_000_000)
    assert decoded(path, memory=100_000_000, side=512).colours.width == 1024


def test_no_other_picture_is_reduced(tmp_path: Path) -> None:
    path = gradient(tmp_path / "picture.jpg", 6000, 4000)
    assert decoded(path, side=64).colours.size == (6000, 4000)
    Image.new("L", (8192, 6144)).save(tmp_path / "picture.png")
    assert decoded(tmp_path / "picture.png", side=64).colours.size == (8192, 6144)
