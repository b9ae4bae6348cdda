import pytest
import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.pooling import max_pool


def values(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(1, 3, 8, 6), (2, 5, 7, 9), (1, 1, 2, 2)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_value_and_gradient_are_to_the_bit_those_of_torchs_own_pooling(
    layout: torch.memory_format, shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    # Rounded to halves, so that many squares hold their largest value twice.
    image = (values(*shape).mul(2).round() / 2).to(dtype).contiguous(memory_format=layout)
    found: list[Tensor] = []
    gradients: list[Tensor] = []
    for pool in (max_pool, functional.max_pool2d):
        variable = image.clone().requires_grad_()
        pooled = pool(variable, 2)
        slope = values(*pooled.shape).to(dtype)
        found.append(pooled.detach())
        gradients += torch.autograd.grad(pooled, variable, slope)
    assert torch.equal(*found)
    assert torch.equal(*gradients)


def test_nothing_is_kept_for_the_gradient_but_the_values() -> None:
    kept: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(kept.append, lambda _: values(1, 2, 4, 4)):
        variable = values(1, 2, 4, 4).requires_grad_()
        max_pool(variable, 2)
    assert [one.data_ptr() for one in kept] == [variable.data_ptr()]


def test_the_gradient_passes_gradcheck() -> None:
    assert torch.autograd.gradcheck(
        lambda image: max_pool(image, 2), values(1, 2, 4, 6).requires_grad_()
    )
