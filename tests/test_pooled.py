from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from styletransfer import convolution
from styletransfer.convolution import Kernel, convolve
from styletransfer.encoder import Encoder
from styletransfer.halo import Border, place
from styletransfer.pooled import convolve_and_pool
from styletransfer.pooling import max_pool
from styletransfer.rectifier import masked
from tests.marks import BFLOAT16

Way = Callable[[Tensor], Tensor]


def random(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)


def found(way: Way, image: Tensor) -> tuple[Tensor, Tensor]:
    """What comes of an image, and its gradient."""
    variable = image.clone().requires_grad_()
    pooled = masked(way(variable))
    slope = random(*pooled.shape, seed=3, dtype=image.dtype)
    (gradient,) = torch.autograd.grad(pooled, variable, slope)
    return pooled.detach(), gradient


@pytest.mark.parametrize("dtype", [torch.float64, BFLOAT16])
@pytest.mark.parametrize("border", ["repeat", "zeros"])
@pytest.mark.parametrize("relu_before", [False, True])
@pytest.mark.parametrize("rows", [1, 4, 100])
@pytest.mark.parametrize("size", [(2, 2), (7, 9), (12, 10), (6, 202)])
def test_it_is_the_convolution_and_then_the_pooling_band_by_band(
    size: tuple[int, int],
    rows: int,
    relu_before: bool,
    border: Border,
    dtype: torch.dtype,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image = random(1, 3, *size, dtype=dtype).relu()
    kernel = Kernel(random(4, 3, 3, 3, seed=1, dtype=dtype), random(4, seed=2, dtype=dtype))

    def at_once(image: Tensor) -> Tensor:
        return convolve_and_pool(place(image, border), kernel, relu_before=relu_before).inner

    def apart(image: Tensor) -> Tensor:
        values = place(image, border)
        convolved = convolve(values, kernel, relu_before=relu_before, relu_after=True)
        return max_pool(convolved).inner

    expected = found(apart, image)
    monkeypatch.setattr(convolution, "_LARGE", 0)
    monkeypatch.setattr(convolution, "_BAND", rows * size[1] * 4 * image.element_size())
    for actual, wanted in zip(found(at_once, image), expected, strict=True):
        torch.testing.assert_close(actual, wanted)


def test_a_batch_is_pooled_picture_by_picture() -> None:
    images = random(3, 3, 6, 8).relu()
    kernel = Kernel(random(4, 3, 3, 3, seed=1), random(4, seed=2))
    together = convolve_and_pool(place(images, "repeat"), kernel).inner
    for one, alone in zip(images, together, strict=True):
        torch.testing.assert_close(
            convolve_and_pool(place(one[None], "repeat"), kernel).inner[0], alone
        )


@pytest.mark.parametrize("shown", ["conv1_2", "relu1_2", "pool1", "relu2_1"])
def test_the_network_shows_what_lies_between_where_it_is_asked_for(
    shown: str, encoder: Encoder, noisy: Callable[[int, int, int], Tensor]
) -> None:
    image = noisy(32, 48, 0)
    expected = encoder(image, encoder.names)
    for name, features in encoder(image, {shown, "relu3_1"}).items():
        torch.testing.assert_close(features, expected[name])
