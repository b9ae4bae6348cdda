"""Total variation: how much neighbouring pixels differ, and the loss that keeps it low.

`styletransfer.vgg.kernels.total_variation` computes the same loss faster on a CPU.
"""

import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.choices import TVForm

SMOOTHING = 1e-3
"""The ε under the root of the total variation loss, in units of [0, 1]."""


def total_variation(image: Tensor, form: TVForm = "isotropic", *, circular: bool = False) -> Tensor:
    """Total variation: how much neighbouring pixels differ, summed.

    ``Σ_{i,j} √((x_{i+1,j} − x_{i,j})² + (x_{i,j+1} − x_{i,j})²)`` per channel,
    then averaged over the channels. A difference that would reach outside the
    image is 0, unless the picture is circular. The gradient is 0 where the root is 0.

    Args:
        image: Shape (B, C, H, W).
        form: ``isotropic`` as above, ``anisotropic`` for Σ|dx| + |dy|, or
            ``squared`` for Σ dx² + dy².
        circular: Whether the last row and column are followed by the first, as in
            a picture whose opposite borders fit together.

    Returns:
        Shape (B,), 0 and up, in units of the image.

    References:
        Rudin, Osher & Fatemi (1992); the colour average is the channel-wise
        form of Blomgren & Chan (1998).

    Example:
        >>> total_variation(torch.tensor([[[[0.0, 4.0], [3.0, 0.0]]]]))
        tensor([12.])
    """
    down, right = _differences(image, circular)
    each: Tensor
    if form == "isotropic":
        each = torch.linalg.vector_norm(torch.stack((down, right)), dim=0)
    elif form == "anisotropic":
        each = down.abs() + right.abs()
    else:
        each = down.square() + right.square()
    return each.sum((2, 3)).mean(1)


def total_variation_loss(
    image: Tensor,
    form: TVForm = "isotropic",
    smoothing: float = SMOOTHING,
    *,
    circular: bool = False,
) -> Tensor:
    """Total variation per pixel, smoothed so that it can be optimized.

    ``mean(√(dx² + dy² + ε²)) − ε`` over pixels, channels and the batch; for the
    anisotropic form ``mean(√(dx² + ε²) + √(dy² + ε²)) − 2 ε``.

    Args:
        image: Shape (B, C, H, W), values around [0, 1].
        form: As in `total_variation`.
        smoothing: ε in units of the image, above 0. In flat regions the gradient
            then fades to 0. The squared form needs no smoothing.
        circular: As in `total_variation`.

    Returns:
        A scalar from 0 up. At most ε below ``total_variation(image) / (H·W)``;
        the anisotropic form, with two roots, at most 2 ε.
    """
    down, right = (difference.square() for difference in _differences(image, circular))
    if form == "squared":
        return (down + right).mean()
    squares = [down + right] if form == "isotropic" else [down, right]
    roots = [(square + smoothing**2).sqrt().mean() - smoothing for square in squares]
    return torch.stack(roots).sum()


def _differences(image: Tensor, circular: bool) -> tuple[Tensor, Tensor]:
    """Differences to the pixel below and to the right; at the last one 0, or to the first."""
    if circular:
        return image.roll(-1, 2) - image, image.roll(-1, 3) - image
    down = functional.pad(image.diff(dim=2), (0, 0, 0, 1))
    right = functional.pad(image.diff(dim=3), (0, 1))
    return down, right
