"""NNPACK's convolution, and the network that goes by it with channels first."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.device.device import choose_convolution
from styletransfer.vgg.encoder import Encoder
from styletransfer.vgg.kernels import nnpack
from styletransfer.vgg.kernels.convolution import convolve

CPU = torch.device("cpu")

pytestmark = pytest.mark.skipif(
    choose_convolution(CPU, torch.float32) != "nnpack", reason="torch has no NNPACK here"
)


def random(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("size", [(1, 1), (1, 6), (7, 5), (43, 64)])
@pytest.mark.parametrize("channels", [(3, 8), (16, 5)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_value_and_gradient_are_those_of_torchs_own_convolution(
    layout: torch.memory_format, channels: tuple[int, int], size: tuple[int, int]
) -> None:
    first, second = channels
    weight, bias = random(second, first, 3, 3), random(second)
    values = random(1, first, *size).to(memory_format=layout).requires_grad_()
    grad_output = random(1, second, *size)
    found = convolve(values, nnpack.Kernel(weight, bias))
    expected = functional.conv2d(values, weight, bias, padding=1)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-3)
    gradients = [torch.autograd.grad(each, values, grad_output)[0] for each in (found, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-3)


def test_it_is_worthwhile_for_single_pictures_that_are_not_small() -> None:
    assert nnpack.is_worthwhile(torch.empty(1, 64, 32, 32))
    assert not nnpack.is_worthwhile(torch.empty(1, 64, 31, 33))
    assert not nnpack.is_worthwhile(torch.empty(2, 64, 64, 64))


@pytest.mark.parametrize("pooling", ["max", "avg"])
@pytest.mark.parametrize("size", [(96, 128), (45, 71), (9, 200)])
def test_the_network_is_that_of_plain_torch(size: tuple[int, int], pooling: str) -> None:
    layers = ["relu1_1", "conv2_2", "relu4_2", "relu5_1"]
    image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    found: list[tuple[Tensor, ...]] = []
    for kernels in ("auto", "plain"):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            encoder = Encoder(narrowing=4, pooling=pooling, kernels=kernels)
        encoder.place_on(CPU, torch.float32)
        variable = image.clone().requires_grad_()
        features = encoder(variable, layers)
        loss = sum((one.square().mean() for one in features.values()), variable.new_zeros(()))
        found.append((loss, *torch.autograd.grad(loss, variable)))
        if encoder.fast is not None:
            assert {method for _, method in encoder.fast.kernels} == {"nnpack", "direct"}
    torch.testing.assert_close(*found, rtol=1e-3, atol=1e-6)
