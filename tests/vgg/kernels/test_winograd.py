"""Winograd's convolution against torch's own."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.vgg.encoder import Encoder
from styletransfer.vgg.kernels import winograd
from styletransfer.vgg.kernels.convolution import convolve
from styletransfer.vgg.kernels.relu import masked
from tests.support.marks import BFLOAT16

Both = tuple[Tensor, ...]


class Problem:
    """Some values, a kernel, and a gradient to bring back."""

    def __init__(
        self,
        height: int,
        width: int,
        channels: tuple[int, int] = (5, 7),
        dtype: torch.dtype = torch.float64,
    ) -> None:
        generator = torch.Generator().manual_seed(0)
        first, second = channels

        def random(*shape: int) -> Tensor:
            return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)

        self.weight = random(second, first, 3, 3) / (9 * first) ** 0.5
        self.bias = random(second)
        self.values = random(1, first, height, width)
        self.grad_output = random(1, second, height, width)

    def direct(self) -> Both:
        """Result and gradient as torch computes them, in float64."""
        dtype, values = torch.float64, self.values.double().requires_grad_()
        result = functional.conv2d(values, self.weight.to(dtype), self.bias.to(dtype), padding=1)
        return result.detach(), *torch.autograd.grad(result, values, self.grad_output.to(dtype))

    def use_winograd(self, side: int) -> Both:
        """Result and gradient by this module."""
        values = self.values.contiguous(memory_format=torch.channels_last).requires_grad_()
        kernel = winograd.prepare(self.weight, self.bias, side)
        result = convolve(values, kernel)
        return result.detach(), *torch.autograd.grad(result, values, self.grad_output)


@pytest.mark.parametrize("side", [2, 4])
@pytest.mark.parametrize("size", [(8, 8), (1, 1), (1, 6), (2, 3), (7, 9), (13, 22), (43, 64)])
def test_it_is_the_convolution_whatever_the_size_and_the_number_of_bands(
    size: tuple[int, int], side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(winograd, "_BAND_TILES", 10)
    problem = Problem(*size)
    for found, expected in zip(problem.use_winograd(side), problem.direct(), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("dtype", "side", "bound"),
    [
        (torch.float32, 2, 1e-6),
        (torch.float32, 4, 2e-6),
        pytest.param(torch.bfloat16, 2, 1e-2, marks=pytest.mark.bfloat16),
        pytest.param(torch.bfloat16, 4, 2.5e-2, marks=pytest.mark.bfloat16),
    ],
)
def test_rounding_stays_within_bounds_beside_float64(
    dtype: torch.dtype, side: int, bound: float
) -> None:
    problem = Problem(24, 32, (128, 128), dtype)
    for found, expected in zip(problem.use_winograd(side), problem.direct(), strict=True):
        assert (found.double() - expected).norm() <= bound * expected.norm()


@pytest.mark.parametrize("side", [2, 4])
def test_the_gradient_passes_gradcheck(side: int) -> None:
    problem = Problem(5, 6, (2, 3))
    kernel = winograd.prepare(problem.weight, problem.bias, side)
    values = problem.values.requires_grad_()
    assert torch.autograd.gradcheck(lambda image: convolve(image, kernel), values)


@pytest.mark.parametrize(
    ("batch", "channels", "size", "expected"),
    [
        (1, (64, 128), (16, 16), True),
        (1, (512, 512), (13, 15), True),
        (1, (64, 64), (512, 512), False),
        (1, (3, 64), (512, 512), False),
        (1, (512, 512), (6, 8), False),
        (2, (256, 256), (64, 64), False),
    ],
)
def test_it_is_worthwhile_for_single_pictures_wide_layers_and_enough_tiles(
    batch: int, channels: tuple[int, int], size: tuple[int, int], expected: bool
) -> None:
    first, second = channels
    values = torch.empty(batch, first, *size)
    assert winograd.is_worthwhile(values, torch.empty(second, first, 3, 3)) is expected


def test_the_network_is_the_same_with_and_without(monkeypatch: pytest.MonkeyPatch) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        image = torch.rand(1, 3, 48, 64, dtype=torch.float64)
        encoder = Encoder(narrowing=4).place_on(torch.device("cpu"), torch.float64)
    monkeypatch.setattr(winograd, "_LEAST_CHANNELS", 16)
    monkeypatch.setattr(winograd, "_LEAST_TILES", 1)
    found = {}
    assert encoder.fast is not None
    for wanted in (True, False):
        encoder.fast.method = "winograd" if wanted else "direct"
        variable = image.clone().requires_grad_()
        features = dict(encoder(variable, ["relu2_1", "relu5_1"]))
        loss = sum((one.square().sum() for one in features.values()), variable.new_zeros(()))
        found[wanted] = (loss, *torch.autograd.grad(loss, variable))
    assert {name for name, method in encoder.fast.kernels if method == "winograd"} == {
        name for name in encoder.names if name.startswith("conv") and "2_1" <= name[4:] <= "5_1"
    }
    torch.testing.assert_close(found[True], found[False], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, BFLOAT16])
@pytest.mark.parametrize("size", [(8, 8), (7, 9), (43, 64)])
def test_rectified_it_is_to_the_bit_the_convolution_and_then_the_relu(
    size: tuple[int, int], dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(winograd, "_BAND_TILES", 10)
    problem = Problem(*size, dtype=dtype)
    kernel = winograd.prepare(problem.weight, problem.bias)
    values = problem.values.requires_grad_()
    features = masked(convolve(values, kernel, relu_after=True))
    expected = functional.relu(convolve(values, kernel))
    gradients = [
        torch.autograd.grad(each, values, problem.grad_output)[0] for each in (features, expected)
    ]
    assert torch.equal(features, expected)
    assert torch.equal(*gradients)
