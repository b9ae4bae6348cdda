"""Circular convolution by each kernel, against a sum over the nine rolled pictures."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.device.allocator import layout_of
from styletransfer.device.device import choose_convolution
from styletransfer.vgg.kernels import convolution, nnpack, winograd
from styletransfer.vgg.kernels.circular import CircularKernel, surround
from styletransfer.vgg.kernels.convolution import AnyKernel, convolve
from styletransfer.vgg.kernels.relu import masked
from tests.support.marks import BFLOAT16
from tests.support.tensors import random

HAS_NNPACK = choose_convolution(torch.device("cpu"), torch.float32) == "nnpack"
NNPACK = pytest.param(
    nnpack.Kernel,
    torch.float32,
    1e-3,
    marks=pytest.mark.skipif(not HAS_NNPACK, reason="torch has no NNPACK here"),
)
KERNELS = [
    (convolution.Kernel, torch.float64, 1e-12),
    (convolution.Kernel, torch.float32, 1e-3),
    (winograd.prepare, torch.float64, 1e-12),
    NNPACK,
]
"""Each kernel, a number format of it, and how exact it is."""

SIZES = [(1, 1), (1, 6), (7, 1), (2, 3), (16, 13), (43, 64)]
LAYOUTS = [torch.contiguous_format, torch.channels_last]

Prepare = Callable[[Tensor, Tensor], AnyKernel]


def parameters(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """A weight of shape (4, 3, 3, 3) and a bias."""
    return random(4, 3, 3, 3, dtype=dtype), random(4, seed=1, dtype=dtype)


def circular(values: Tensor, kernel: AnyKernel, *, relu_after: bool = False) -> Tensor:
    return convolve(values, CircularKernel(kernel), relu_after=relu_after)


def by_hand(values: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The sum over the nine neighbours, each a rolled picture."""
    total = bias.view(1, -1, 1, 1)
    for i in range(3):
        for j in range(3):
            neighbour = values.roll((1 - i, 1 - j), (2, 3))
            total = total + torch.einsum("dc,bchw->bdhw", weight[:, :, i, j], neighbour)
    return total


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("prepare", "dtype", "bound"), KERNELS)
def test_beyond_the_border_a_circular_convolution_sees_the_opposite_border(
    prepare: Prepare,
    dtype: torch.dtype,
    bound: float,
    size: tuple[int, int],
    layout: torch.memory_format,
) -> None:
    weight, bias = parameters(dtype)
    values = random(1, 3, *size, dtype=dtype).to(memory_format=layout).requires_grad_()
    grad_output = random(1, 4, *size, seed=2, dtype=dtype)
    found = circular(values, prepare(weight, bias))
    expected = by_hand(values, weight, bias)
    gradients = [torch.autograd.grad(each, values, grad_output)[0] for each in (found, expected)]
    torch.testing.assert_close(found, expected, rtol=bound, atol=bound)
    torch.testing.assert_close(*gradients, rtol=bound, atol=bound)
    assert found.is_contiguous(memory_format=layout)


@pytest.mark.parametrize("prepare", [convolution.Kernel, winograd.prepare])
def test_its_gradient_passes_gradcheck(prepare: Prepare) -> None:
    kernel = prepare(*parameters(torch.float64))
    values = random(1, 3, 5, 6, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda values: circular(values, kernel), values)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, BFLOAT16])
@pytest.mark.parametrize("prepare", [convolution.Kernel, winograd.prepare])
def test_rectified_it_is_to_the_bit_the_convolution_and_then_the_relu(
    prepare: Prepare, dtype: torch.dtype
) -> None:
    kernel = prepare(*parameters(dtype))
    values = random(1, 3, 20, 13).to(dtype).requires_grad_()
    grad_output = random(1, 4, 20, 13, seed=2).to(dtype)
    found = masked(circular(values, kernel, relu_after=True))
    expected = functional.relu(circular(values, kernel))
    gradients = [torch.autograd.grad(each, values, grad_output)[0] for each in (found, expected)]
    assert torch.equal(found, expected)
    assert torch.equal(*gradients)


@pytest.mark.parametrize(("prepare", "dtype", "bound"), KERNELS)
def test_large_results_are_the_same_band_by_band(
    prepare: Prepare, dtype: torch.dtype, bound: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    weight, bias = parameters(dtype)
    values = random(1, 3, 50, 16, dtype=dtype)
    monkeypatch.setattr(convolution, "_LARGE", 0)
    for module in (convolution, nnpack):
        monkeypatch.setattr(module, "_BAND", 7 * 18 * 4 * values.element_size())
    monkeypatch.setattr(winograd, "_BAND_TILES", 10)
    found = circular(values, prepare(weight, bias))
    torch.testing.assert_close(found, by_hand(values, weight, bias), rtol=bound, atol=bound)


@pytest.mark.parametrize(("prepare", "dtype", "bound"), KERNELS)
def test_a_kernel_serves_circular_and_other_pictures_in_turns(
    prepare: Prepare, dtype: torch.dtype, bound: float
) -> None:
    weight, bias = parameters(dtype)
    kernel = prepare(weight, bias)
    for height in (12, 14, 12):  # 14 is 12 with its borders.
        values = random(1, 3, height, 9, dtype=dtype)
        zeros = functional.conv2d(values, weight, bias, padding=1)
        torch.testing.assert_close(convolve(values, kernel), zeros, rtol=bound, atol=bound)
        expected = by_hand(values, weight, bias)
        torch.testing.assert_close(circular(values, kernel), expected, rtol=bound, atol=bound)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", SIZES)
def test_values_are_surrounded_as_by_torchs_circular_padding(
    size: tuple[int, int], layout: torch.memory_format
) -> None:
    values = random(2, 3, *size).to(memory_format=layout)
    surrounded = surround(values)
    assert torch.equal(surrounded, functional.pad(values, (1, 1, 1, 1), mode="circular"))
    assert layout_of(surrounded) == layout_of(values)


def test_values_of_any_strides_are_surrounded() -> None:
    flat = torch.ones(()).expand(1, 3, 4, 5)
    assert torch.equal(surround(flat), torch.ones(1, 3, 6, 7))
