import pytest
import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.vgg.kernels import convolution
from styletransfer.vgg.kernels.convolution import Kernel, convolve
from styletransfer.vgg.kernels.relu import masked
from tests.support.marks import BFLOAT16

SIZES = [(1, 1), (1, 6), (6, 1), (2, 3), (7, 5)]


def parameters(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """A weight of shape (4, 3, 3, 3) and a bias."""
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(4, 3, 3, 3, generator=generator, dtype=torch.float64)
    return weight.to(dtype), torch.randn(4, generator=generator, dtype=torch.float64).to(dtype)


def values(height: int, width: int, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    made = torch.randn(2, 3, height, width, generator=generator, dtype=torch.float64)
    return made.to(dtype, memory_format=torch.channels_last)


def by_hand(image: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The sum over the nine neighbours, those beyond the border being 0."""
    height, width = image.shape[2:]
    total = bias.view(1, -1, 1, 1).expand(len(image), -1, height, width)
    surrounded = functional.pad(image, (1, 1, 1, 1))
    for i in range(3):
        for j in range(3):
            neighbour = surrounded[:, :, i : i + height, j : j + width]
            total = total + torch.einsum("dc,bchw->bdhw", weight[:, :, i, j], neighbour)
    return total


@pytest.mark.parametrize("size", SIZES)
def test_beyond_the_border_a_convolution_sees_zeros(size: tuple[int, int]) -> None:
    image, (weight, bias) = values(*size), parameters()
    torch.testing.assert_close(convolve(image, Kernel(weight, bias)), by_hand(image, weight, bias))


@pytest.mark.parametrize("size", SIZES)
def test_its_gradient_is_right(size: tuple[int, int]) -> None:
    weight, bias = parameters()
    image = values(*size).requires_grad_()
    assert torch.autograd.gradcheck(lambda image: convolve(image, Kernel(weight, bias)), image)


@pytest.mark.parametrize("size", [(9, 8), (4, 211)])
@pytest.mark.parametrize("dtype", [torch.float32, BFLOAT16])
def test_every_number_format_agrees_with_float64(dtype: torch.dtype, size: tuple[int, int]) -> None:
    exact = values(*size).requires_grad_()
    coarse = values(*size, dtype).requires_grad_()
    outputs = convolve(exact, Kernel(*parameters())), convolve(coarse, Kernel(*parameters(dtype)))
    grad_outputs_ = [
        torch.autograd.grad(output.square().sum(), image)[0].double()
        for output, image in zip(outputs, (exact, coarse), strict=True)
    ]
    assert outputs[1].dtype == dtype
    bound = 4 * torch.finfo(dtype).eps
    assert (grad_outputs_[1] - grad_outputs_[0]).norm() < bound * grad_outputs_[0].norm()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, BFLOAT16])
def test_rectified_it_is_to_the_bit_the_convolution_and_then_the_relu(dtype: torch.dtype) -> None:
    weight, bias = parameters(dtype)
    image = values(300, 260, dtype).requires_grad_()
    features = masked(convolve(image, Kernel(weight, bias), relu_after=True))
    expected = functional.relu(convolve(image, Kernel(weight, bias)))
    grad_output = torch.randn(features.shape, generator=torch.Generator().manual_seed(2)).to(dtype)
    gradients = [torch.autograd.grad(each, image, grad_output)[0] for each in (features, expected)]
    assert torch.equal(features, expected)
    assert torch.equal(*gradients)


@pytest.mark.parametrize("dtype", [torch.float32, BFLOAT16])
def test_the_fused_operation_agrees_with_torchs_conv2d(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not convolution._has_fused(dtype):
        pytest.skip(f"torch has no fused convolution in {dtype} on this processor")
    found = []
    for fused in (True, False):
        monkeypatch.setattr(convolution, "_has_fused", lambda dtype, fused=fused: fused)
        image = values(20, 17, dtype).requires_grad_()
        features = masked(convolve(image, Kernel(*parameters(dtype)), relu_after=True))
        (gradient,) = torch.autograd.grad(features.square().sum(), image)
        found.append((features.detach(), gradient))
    bound = 2 * torch.finfo(dtype).eps
    for fast, plain in zip(*found, strict=True):
        assert (fast - plain).norm() <= bound * plain.norm()


def test_after_a_relu_what_it_made_0_gets_no_gradient() -> None:
    image, kernel = values(6, 5).relu(), Kernel(*parameters())
    gradients: list[Tensor] = []
    for relu_before in (False, True):
        variable = image.clone().requires_grad_()
        features = convolve(variable, kernel, relu_before=relu_before)
        gradients += torch.autograd.grad(features.square().sum(), variable)
    assert torch.equal(gradients[1], gradients[0] * (image > 0))


def test_the_weights_are_reordered_only_for_another_shape() -> None:
    kernel = Kernel(*parameters(torch.float32))

    def ordered(turned: bool, *shape: int) -> Tensor:
        size = torch.Size(shape)
        return kernel.ordered(size, size, turned, (0, 0))

    once = ordered(False, 1, 3, 8, 8)
    assert ordered(False, 1, 3, 8, 8) is once
    assert ordered(True, 1, 4, 8, 8) is not once
    assert ordered(False, 1, 3, 8, 8) is once
    assert ordered(False, 1, 3, 80, 8) is not once


@pytest.mark.parametrize("rows", [1, 2, 3, 6, 7])
@pytest.mark.parametrize("height", [1, 2, 6, 7])
def test_large_results_are_the_same_band_by_band(
    height: int, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = Kernel(*parameters())
    found = []
    for limit in (convolution._LARGE, 0):
        monkeypatch.setattr(convolution, "_LARGE", limit)
        monkeypatch.setattr(convolution, "_BAND", rows * 5 * 4 * 8)
        image = values(height, 5)[:1].requires_grad_()
        features = convolve(image, kernel)
        grad_output = values(height, 5).repeat(1, 2, 1, 1)[:1, :4]
        found.append((features, *torch.autograd.grad(features, image, grad_output)))
    for banded, whole in zip(*found, strict=True):
        torch.testing.assert_close(banded, whole)


@pytest.mark.parametrize("relu_after", [False, True])
def test_one_kernel_serves_pictures_of_all_sizes_in_turns(relu_after: bool) -> None:
    kernel = Kernel(*parameters(torch.float32))
    for size in (*SIZES, *SIZES):
        image = values(*size, torch.float32)
        expected = by_hand(image, *parameters(torch.float32))
        expected = expected.relu() if relu_after else expected
        torch.testing.assert_close(convolve(image, kernel, relu_after=relu_after), expected)
