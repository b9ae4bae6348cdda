"""Adds a known gradient to that of activations, on their way to deeper layers."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from styletransfer.vgg.kernels.loss_taps import masked_gradient, writable


def add_gradient(
    features: Tensor, add: Callable[[Tensor, Tensor], None], rectified: bool = False
) -> Tensor:
    """Let a function add to the gradient of activations.

    Args:
        features: Activations of shape (B, C, H, W).
        add: Called with the gradient, to add to in place, and the activations.
        rectified: As in `loss_taps.tap_content`.

    Returns:
        The activations to go on with, for exactly one consumer.
    """
    passed: Tensor = _Added.apply(features, add, rectified)
    return passed


class _Added(torch.autograd.Function):
    """`add_gradient`."""

    @staticmethod
    def forward(
        ctx: Any, features: Tensor, add: Callable[[Tensor, Tensor], None], rectified: bool
    ) -> Tensor:
        ctx.add, ctx.rectified = add, rectified
        ctx.save_for_backward(features)
        return features.view_as(features)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None]:
        (features,) = ctx.saved_tensors
        gradient = writable(grad_outputs[0], features)
        ctx.add(gradient, features)
        return masked_gradient(gradient, features, ctx.rectified), None, None
