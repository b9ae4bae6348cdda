"""Noise, edge sharpness and total variation of pictures with known values."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.report.quality import edge_sharpness, measure, noise


def flat(value: float = 0.5, height: int = 64, width: int = 64) -> Tensor:
    return torch.full((1, 3, height, width), value)


def grain(sigma: float, side: int = 256) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return sigma * torch.randn(1, 3, side, side, generator=generator)


def step(height: int = 32, width: int = 32) -> Tensor:
    """Black on the left, white on the right."""
    image = flat(0.0, height, width)
    image[..., width // 2 :] = 1
    return image


def blurred(image: Tensor, *kernel: float) -> Tensor:
    """Filtered along the rows, with replicate padding."""
    weights = torch.tensor(kernel)[None, None, None] / sum(kernel)
    side = len(kernel) // 2
    padded = functional.pad(image, (side, side, 0, 0), mode="replicate")
    return functional.conv2d(padded.transpose(0, 1), weights).transpose(0, 1)


# Noise


@pytest.mark.parametrize("sigma", [0.002, 0.05, 0.2])
def test_independent_noise_is_measured_by_its_standard_deviation(sigma: float) -> None:
    assert noise(flat(0.5, 256, 256) + grain(sigma), flat(0.5, 256, 256)) == pytest.approx(
        sigma, rel=0.02
    )


def test_a_flat_picture_and_a_linear_ramp_have_no_noise() -> None:
    slope = torch.linspace(0, 1, 64).expand(1, 3, 64, 64)
    for image in (flat(), slope, slope.transpose(2, 3), (slope + slope.transpose(2, 3)) / 2):
        assert noise(image, flat()) == pytest.approx(0, abs=1e-6)


def test_noise_counts_only_where_the_content_is_flat() -> None:
    content = flat(0.5, 256, 256)
    content[..., 96:] += grain(0.1)[..., 96:]
    left, right = content.clone(), content.clone()
    left[..., :96] += grain(0.05)[..., :96]
    right[..., 110:] += grain(0.3)[..., 110:]

    assert noise(content, content) < 0.002
    assert noise(left, content) == pytest.approx(0.05, rel=0.03)
    assert noise(right, content) == noise(content, content)


def test_a_checkerboard_is_noise() -> None:
    board = flat()
    board[..., ::2, ::2] = board[..., 1::2, 1::2] = 0.6
    # Each value of N * x is ±8 times the difference between neighbours.
    assert noise(board, flat()) == pytest.approx(8 * 0.1 / 6, rel=1e-4)


def test_a_picture_smaller_than_the_kernel_has_no_noise() -> None:
    assert noise(torch.rand(1, 3, 2, 9), flat(0.5, 2, 9)) == 0


# Edges


@pytest.mark.parametrize(
    ("kernel", "sharpness"),
    [((1.0,), 1.0), ((1.0, 1.0, 1.0), 1 / 3), ((1.0, 2.0, 1.0), 1 / 2), ((1.0,) * 5, 1 / 5)],
)
def test_a_blurred_step_has_the_steepness_of_the_filter(
    kernel: tuple[float, ...], sharpness: float
) -> None:
    assert edge_sharpness(blurred(step(), *kernel), step()) == pytest.approx(sharpness)


@pytest.mark.parametrize("contrast", [0.25, 0.5, 1.0])
def test_half_the_contrast_is_half_as_steep(contrast: float) -> None:
    assert edge_sharpness(step() * contrast, step()) == pytest.approx(contrast)


def test_an_edge_may_move_by_one_pixel() -> None:
    assert edge_sharpness(step().roll(1, 3), step()) == pytest.approx(1)
    assert edge_sharpness(step().roll(5, 3), step()) == pytest.approx(0)


def test_a_content_without_edges_has_no_sharpness() -> None:
    assert edge_sharpness(step(), flat(0.5, 32, 32)) is None


def test_a_picture_is_as_sharp_as_itself() -> None:
    image = torch.rand(1, 3, 33, 47, generator=torch.Generator().manual_seed(1))
    assert edge_sharpness(image, image) == 1


# Together


def test_total_variation_is_per_pixel() -> None:
    found = measure(step(20, 40), step(20, 40))
    assert found.tv == pytest.approx(20 / (20 * 40))
    assert found.edge_sharpness == 1
    assert found.noise == 0


@pytest.mark.parametrize("height", [1, 2, 3])
def test_pictures_of_a_few_pixels_can_be_measured(height: int) -> None:
    found = measure(torch.rand(1, 3, height, 1), flat(0.5, height, 1))
    assert min(found.noise, found.edge_sharpness or 0, found.tv) >= 0


def test_a_content_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="the same shape"):
        measure(flat(), flat(0.5, 32, 32))
