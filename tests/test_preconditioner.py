import math

import pytest
import torch
from torch import Tensor

from styletransfer.preconditioner import FrequencyPreconditioner

CPU = torch.device("cpu")
SIZES = [(8, 8), (9, 7), (16, 5), (1, 1), (1, 9), (200, 4), (3, 64), (2, 2)]


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
def test_the_filter_is_its_own_transpose(height: int, width: int, exponent: float) -> None:
    filtered = FrequencyPreconditioner(height, width, exponent, CPU)
    left, right = random(3, height, width), random(3, height, width, seed=1)
    one, other = (filtered(left) * right).sum(), (left * filtered(right)).sum()
    torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_a_filter_keeps_the_shape(height: int, width: int) -> None:
    filtered = FrequencyPreconditioner(height, width, 0.5, CPU)(random(2, 3, height, width))
    assert filtered.shape == (2, 3, height, width)
    assert filtered.isfinite().all()


def test_an_exponent_of_0_is_the_identity_to_the_bit() -> None:
    field = random(1, 3, 9, 7)
    assert torch.equal(FrequencyPreconditioner(9, 7, 0, CPU)(field), field)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (15, 21), (12, 40)])
@pytest.mark.parametrize("exponent", [0.5, 1.0])
@pytest.mark.parametrize("cycles", [(0, 0), (0, 1), (1, 0), (2, 3), (5, 6)])
def test_a_wave_is_lifted_by_the_gain_of_its_frequency(
    height: int, width: int, exponent: float, cycles: tuple[int, int]
) -> None:
    down = torch.arange(height)[:, None] * (cycles[0] / height)
    right = torch.arange(width) * (cycles[1] / width)
    wave = torch.cos(2 * math.pi * (down + right))
    frequency = max(math.hypot(cycles[0] / height, cycles[1] / width), 1 / max(height, width))
    gain = (frequency / 0.5) ** -exponent
    filtered = FrequencyPreconditioner(height, width, exponent, CPU)(wave)
    torch.testing.assert_close(filtered, gain * wave, rtol=1e-4, atol=1e-4)


def test_the_finest_stripes_are_left_alone() -> None:
    stripes = torch.tensor([1.0, -1.0]).repeat(6, 6)
    filtered = FrequencyPreconditioner(6, 12, 0.5, CPU)(stripes)
    torch.testing.assert_close(filtered, stripes)
