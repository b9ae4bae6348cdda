import pytest
import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.vgg.kernels.pooling import max_pool
from styletransfer.vgg.kernels.relu import masked


def values(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


def pool(rectified: Tensor) -> Tensor:
    """`max_pool` before something that gives no gradient to what is 0."""
    return masked(max_pool(rectified))


def torchs(rectified: Tensor) -> Tensor:
    """Torch's own pooling, which prefers the first row; here the first column."""
    return functional.max_pool2d(rectified.mT, 2).mT


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(1, 3, 8, 6), (2, 5, 7, 9), (1, 1, 2, 2)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_after_a_relu_value_and_gradient_are_to_the_bit_those_of_torchs_own_pooling(
    layout: torch.memory_format, shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    # Rounded to halves, so that many squares hold their largest value twice, and -0.
    image = (values(*shape).mul(2).round() / 2).to(dtype, memory_format=layout)
    found: list[Tensor] = []
    gradients: list[Tensor] = []
    for each in (pool, torchs):
        variable = image.clone().requires_grad_()
        pooled = each(functional.threshold(variable, 0, 0))
        grad_output = values(*pooled.shape).to(dtype)
        found.append(pooled.detach())
        gradients += torch.autograd.grad(pooled, variable, grad_output)
    assert torch.equal(*found)
    assert torch.equal(*gradients)


def test_less_than_the_values_is_kept_for_the_gradient() -> None:
    kept: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(kept.append, lambda _: values(1, 2, 4, 4)):
        variable = values(1, 2, 4, 4).abs().requires_grad_()
        max_pool(variable)
    assert sum(one.numel() for one in kept) == 0.75 * variable.numel()


def test_the_gradient_passes_gradcheck() -> None:
    assert torch.autograd.gradcheck(max_pool, values(1, 2, 4, 6).abs().requires_grad_())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_of_several_largest_values_the_first_takes_the_gradient(dtype: torch.dtype) -> None:
    square = torch.tensor([[[[3.0, 5.0], [5.0, 5.0]]]], dtype=dtype).requires_grad_()
    (gradient,) = torch.autograd.grad(pool(square).sum(), square)
    assert gradient.flatten().tolist() == [0, 0, 1, 0]
    zeros = torch.zeros(1, 1, 2, 2, dtype=dtype).requires_grad_()
    assert not torch.autograd.grad(pool(zeros).sum(), zeros)[0].any()


def test_a_divergence_is_not_hidden() -> None:
    assert max_pool(torch.tensor([[[[float("nan"), 1.0], [2.0, 3.0]]]])).isnan()
