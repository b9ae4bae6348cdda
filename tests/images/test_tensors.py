"""Picture files to tensors and back."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from styletransfer.errors import ConfigError
from styletransfer.images import levels
from styletransfer.images.exif import ASCII, Entry, Exif
from styletransfer.images.metadata import Metadata
from styletransfer.images.tensors import (
    check_output,
    holds_alpha,
    save_image,
    to_picture,
    to_tensor,
)
from tests.support.pictures import noise, noise_image, read_png, read_tiff, refusal

RED, GREEN = (255, 0, 0), (0, 255, 0)


def test_an_image_is_a_batch_of_one_in_float32() -> None:
    image = to_tensor(noise(5, 3))
    assert image.shape == (1, 3, 3, 5)
    assert image.dtype == torch.float32
    assert image.is_contiguous()


def test_levels_0_to_255_become_0_to_1() -> None:
    picture = Image.new("RGB", (3, 1))
    picture.putdata([RED, GREEN, (51, 102, 255)])
    expected = torch.tensor([[[1, 0, 0.2]], [[0, 1, 0.4]], [[0, 0, 1]]])
    assert torch.equal(to_tensor(picture)[0], expected)


@pytest.mark.parametrize("height", [1, 3, 4, 5, 9])
def test_strips_of_a_picture_become_its_tensor(
    monkeypatch: pytest.MonkeyPatch, height: int
) -> None:
    monkeypatch.setattr(levels, "STRIP", 4 * 7)
    picture = noise(7, height)
    expected = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None] / 255
    assert torch.equal(to_tensor(picture), expected)


def test_a_picture_is_unchanged_by_conversion_to_a_tensor_and_back() -> None:
    picture = Image.new("RGB", (256, 1))
    picture.putdata([(level, 255 - level, level) for level in range(256)])
    assert to_picture(to_tensor(picture)).tobytes() == picture.tobytes()


@pytest.mark.parametrize(
    ("value", "level"),
    [
        (-3.0, 0),
        (0.499 / 255, 0),
        (0.5 / 255, 1),
        (1.5 / 255, 2),
        (2.499 / 255, 2),
        (0.5, 128),
        (1, 255),
        (9, 255),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_are_clamped_and_rounded_half_up(
    value: float, level: int, dtype: torch.dtype
) -> None:
    picture = to_picture(torch.full((1, 3, 2, 2), value, dtype=dtype))
    assert picture.getpixel((1, 1)) == (level, level, level)


def test_memory_layout_and_autograd_do_not_change_the_picture() -> None:
    image = noise_image()
    expected = to_picture(image).tobytes()
    assert to_picture(image.to(memory_format=torch.channels_last)).tobytes() == expected
    assert to_picture(image.clone().requires_grad_()).tobytes() == expected


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_value_that_is_not_finite_is_refused(tmp_path: Path, value: float) -> None:
    image = noise_image()
    image[0, 1, 2, 3] = value
    assert "NaN or infinite" in refusal(to_picture, image)
    assert "NaN or infinite" in refusal(save_image, image, tmp_path / "out.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", [(3, 4, 4), (2, 3, 4, 4), (1, 1, 4, 4), (1, 4, 4, 3)])
def test_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\(1, 3, H, W\)"):
        to_picture(torch.zeros(shape))


# 16 bits and alpha channel


def deep(path: Path) -> NDArray[Any]:
    return (read_png if path.suffix == ".png" else read_tiff)(path.read_bytes())


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize(
    ("value", "level"),
    [
        (-3.0, 0),
        (0.499 / 65535, 0),
        (0.5 / 65535, 1),
        (1.5 / 65535, 2),
        (32767.5 / 65535, 32768),
        (65534.499 / 65535, 65534),
        (1, 65535),
        (9, 65535),
    ],
)
def test_values_are_clamped_and_rounded_half_up_at_16_bits(
    tmp_path: Path, suffix: str, value: float, level: int
) -> None:
    path = tmp_path / f"out{suffix}"
    save_image(torch.full((1, 3, 2, 2), value, dtype=torch.float64), path, bits=16)
    assert (deep(path) == level).all()


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_every_level_of_16_bits_is_reached(tmp_path: Path, suffix: str) -> None:
    image = torch.arange(65536.0).reshape(1, 1, 256, 256).expand(1, 3, 256, 256)
    save_image(image / 65535, tmp_path / f"out{suffix}", bits=16)
    expected = np.repeat(np.arange(65536).reshape(256, 256, 1), 3, axis=2)
    assert np.array_equal(deep(tmp_path / f"out{suffix}"), expected)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_value_that_is_not_finite_is_refused_at_16_bits(tmp_path: Path, value: float) -> None:
    image = torch.full((1, 3, 2, 2), value)
    assert "NaN or infinite" in refusal(partial(save_image, bits=16), image, tmp_path / "out.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp"])
def test_16_bits_are_refused_for_jpeg_and_webp(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(ConfigError) as caught:
        save_image(noise_image(), tmp_path / f"out{suffix}", bits=16)
    line = "bits 16 needs a .png or .tif output; choose one, or --bits 8"
    assert str(caught.value) == line
    with pytest.raises(ConfigError, match=line):
        check_output(tmp_path / f"out{suffix}", [], bits=16)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_alpha_and_the_colours_of_transparent_pixels_are_saved_exactly(
    tmp_path: Path, suffix: str
) -> None:
    alpha = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    save_image(noise_image(), tmp_path / f"out{suffix}", alpha=alpha)
    with Image.open(tmp_path / f"out{suffix}") as picture:
        assert picture.mode == "RGBA"
        assert picture.getchannel("A").tobytes() == alpha.tobytes()
        if suffix != ".webp":
            assert picture.convert("RGB").tobytes() == noise(16, 16).tobytes()


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_the_alpha_channel_has_16_bits_too(tmp_path: Path, suffix: str) -> None:
    alpha = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    save_image(noise_image(), tmp_path / f"out{suffix}", alpha=alpha, bits=16)
    assert np.array_equal(deep(tmp_path / f"out{suffix}")[..., 3], 257 * np.asarray(alpha, "u2"))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("size", [(3, 50), (160, 90)])
def test_the_alpha_channel_is_resized_to_the_image(
    tmp_path: Path, size: tuple[int, int], bits: int
) -> None:
    """Both parts keep their alpha away from the edge between them."""
    alpha = Image.new("L", size, 255)
    alpha.paste(0, (0, 0, size[0], size[1] // 2))
    save_image(noise_image(), tmp_path / "out.png", alpha=alpha, bits=bits)
    with Image.open(tmp_path / "out.png") as picture:
        opaque = np.asarray(picture.getchannel("A"))
    assert opaque.shape == (16, 16)
    assert (opaque[:6] == 0).all()
    assert (opaque[-6:] == 255).all()


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_an_opaque_alpha_channel_is_not_stored(tmp_path: Path, suffix: str, bits: int) -> None:
    alpha = Image.new("L", (33, 7), 255)
    save_image(noise_image(), tmp_path / f"with{suffix}", alpha=alpha, bits=bits)
    save_image(noise_image(), tmp_path / f"without{suffix}", bits=bits)
    with_, without = (tmp_path / f"{name}{suffix}" for name in ("with", "without"))
    assert with_.read_bytes() == without.read_bytes()


def test_a_jpeg_has_no_alpha_channel(tmp_path: Path) -> None:
    assert [holds_alpha(Path(f"out{suffix}")) for suffix in (".jpg", ".JPEG", ".png")] == [
        False,
        False,
        True,
    ]
    save_image(noise_image(), tmp_path / "out.jpg", alpha=Image.new("L", (16, 16), 9))
    with Image.open(tmp_path / "out.jpg") as picture:
        assert picture.mode == "RGB"


def test_metadata_too_long_for_a_format_is_refused_before_the_run(tmp_path: Path) -> None:
    metadata = Metadata(Exif(image={0x010E: Entry(ASCII, b"a" * 70_000)}))
    line = refusal(partial(check_output, metadata=metadata), tmp_path / "out.jpg", [])
    assert line.endswith("choose a .png output, or leave out --keep-metadata")
    for suffix in (".png", ".tif", ".webp"):
        check_output(tmp_path / f"out{suffix}", [], metadata=metadata)
