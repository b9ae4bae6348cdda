"""Total variation loss with its gradient in closed form."""

from typing import Any

import torch
from torch import Tensor

from styletransfer.choices import TVForm

_BAND = 1 << 21
"""Values in a band."""


def total_variation_loss(
    image: Tensor, form: TVForm, smoothing: float, *, circular: bool = False
) -> Tensor:
    """Compute `transfer.total_variation.total_variation_loss` in a third of autograd's time.

    Args:
        image: Shape (B, C, H, W), values around [0, 1].
        form: ``isotropic``, ``anisotropic`` or ``squared``.
        smoothing: ε in units of the image, above 0.
        circular: Whether the last row and column are followed by the first.

    Returns:
        A scalar from 0 up.
    """
    loss: Tensor = _TotalVariationLoss.apply(image, form, smoothing, circular)
    return loss


class _TotalVariationLoss(torch.autograd.Function):
    """Each difference d adds ``∂/∂d`` to one of its pixels and subtracts it from the other.

    ``∂/∂d = d / √(· + ε²)``, or ``2 d`` in the squared form. The gradient is computed at
    once, band by band, so that one picture is kept instead of five.
    """

    @staticmethod
    def forward(ctx: Any, image: Tensor, form: TVForm, smoothing: float, circular: bool) -> Tensor:
        height = image.shape[2]
        gradient = torch.zeros_like(image)
        loss = image.new_zeros(())
        step = max(1, _BAND * height // max(1, image.numel()))
        for top in range(0, height, step):
            rows = torch.arange(top, min(top + step, height), device=image.device)
            below = (rows + 1) % height
            band = slice(top, top + len(rows))
            down, right = _differences(image, band, below, circular)
            part, down, right = _derivatives(down, right, form, smoothing)
            loss += part
            gradient[:, :, band] -= down + right
            gradient[:, :, band, 1:] += right[..., :-1]
            # Without a circular border these are 0.
            gradient[:, :, band, :1] += right[..., -1:]
            gradient.index_add_(2, below, down)
        ctx.save_for_backward(gradient)
        return loss / image.numel()

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * (grad_outputs[0] / gradient.numel()), None, None, None


def _differences(
    image: Tensor, band: slice, below: Tensor, circular: bool
) -> tuple[Tensor, Tensor]:
    """Differences to the pixel below and to the right; at the last one 0, or to the first."""
    own = image[:, :, band]
    down, right = image.index_select(2, below).sub_(own), own.roll(-1, 3).sub_(own)
    if not circular:
        down[:, :, below == 0] = 0
        right[..., -1:] = 0
    return down, right


def _derivatives(
    down: Tensor, right: Tensor, form: TVForm, smoothing: float
) -> tuple[Tensor, Tensor, Tensor]:
    """The sum of the loss over a band, and its derivatives by the differences, in their place."""
    if form == "squared":
        return down.square().addcmul_(right, right).sum(), down.mul_(2), right.mul_(2)
    least = down.new_tensor(smoothing**2)
    roots = [torch.addcmul(least, down, down)]
    if form == "anisotropic":
        roots.append(torch.addcmul(least, right, right))
    else:
        roots[0].addcmul_(right, right)
    # The mean before the sum: a sum of many values near ε would round.
    means = [root.sqrt_().mean() - smoothing for root in roots]
    total = torch.stack(means).sum() * down.numel()
    return total, down.div_(roots[0]), right.div_(roots[-1])
