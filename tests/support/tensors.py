"""Random tensors and gradients, for the tests of losses and kernels."""

from collections.abc import Callable

import torch
from torch import Tensor


def random(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def gradient(loss: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    at = at.detach().requires_grad_()
    (result,) = torch.autograd.grad(loss(at).sum(), at)
    return result
