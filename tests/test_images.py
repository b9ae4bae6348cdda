"""Files to tensors and back."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from styletransfer.images import save_image, to_picture, to_tensor
from tests.pictures import noise, noise_image, refusal

RED, GREEN = (255, 0, 0), (0, 255, 0)


def test_an_image_is_a_batch_of_one_in_float32() -> None:
    image = to_tensor(noise(5, 3))
    assert image.shape == (1, 3, 3, 5)
    assert image.dtype == torch.float32
    assert image.is_contiguous()


def test_the_levels_of_a_picture_span_0_to_1() -> None:
    picture = Image.new("RGB", (3, 1))
    picture.putdata([RED, GREEN, (51, 102, 255)])
    expected = torch.tensor([[[1, 0, 0.2]], [[0, 1, 0.4]], [[0, 0, 1]]])
    assert torch.equal(to_tensor(picture)[0], expected)


def test_a_picture_survives_the_tensor_exactly() -> None:
    levels = Image.new("RGB", (256, 1))
    levels.putdata([(level, 255 - level, level) for level in range(256)])
    assert to_picture(to_tensor(levels)).tobytes() == levels.tobytes()


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


def test_an_image_in_any_memory_layout_or_graph_becomes_the_same_picture() -> None:
    image = noise_image()
    expected = to_picture(image).tobytes()
    assert to_picture(image.to(memory_format=torch.channels_last)).tobytes() == expected
    assert to_picture(image.clone().requires_grad_()).tobytes() == expected


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_value_that_is_not_finite_is_refused_and_never_black(
    tmp_path: Path, value: float
) -> None:
    image = noise_image()
    image[0, 1, 2, 3] = value
    assert "NaN or infinite" in refusal(to_picture, image)
    assert "NaN or infinite" in refusal(save_image, image, tmp_path / "out.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", [(3, 4, 4), (2, 3, 4, 4), (1, 1, 4, 4), (1, 4, 4, 3)])
def test_another_shape_is_no_image(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\(1, 3, H, W\)"):
        to_picture(torch.zeros(shape))
