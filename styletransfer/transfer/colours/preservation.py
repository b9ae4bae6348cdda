"""Ways to keep the photograph's colours, see `Settings.preserve_color`.

Lightness and chroma are those of Oklab, in which a change of lightness leaves hue
and chroma as they look. All of it is computed in floats.

References:
    Gatys et al. (2016), Preserving Color in Neural Artistic Style Transfer.
    Ottosson (2020), A perceptual color space for image processing (Oklab).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from styletransfer.choices import PreserveColor
from styletransfer.transfer.resizing import resize

_TO_LMS = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
"""From linear sRGB to the responses of the eye's cones."""

_TO_LAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
"""From their cube roots to lightness and two colour axes."""

_HALVINGS = 8
"""Steps to the largest share of chroma that a pixel can have: to 1/256."""

_ROUNDING = 1e-6
"""A linear value this far outside [0, 1] is taken for one within."""

_LEAST_SPREAD = 1e-6
"""Colour variances below this, in squared units of [0, 1], are taken for none."""


def prepare_pictures(
    content: Tensor, first: Tensor, styles: list[Tensor], how: PreserveColor
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Prepare what the network is to see.

    Args:
        content: Shape (1, 3, H, W), RGB in [0, 1].
        first: What the run starts from, of the same form.
        styles: The styles, of the same form.
        how: ``luminance`` makes all of them grey; ``match`` gives the styles
            the content's colours.

    Returns:
        Content, first image and styles.
    """
    if how == "luminance":
        return to_grey(content), to_grey(first), [to_grey(style) for style in styles]
    if how == "match":
        return content, first, [match_colours(style, content) for style in styles]
    return content, first, styles


def finish_picture(image: Tensor, content: Tensor, how: PreserveColor) -> Tensor:
    """Give a result the content's chroma if ``luminance`` was preserved.

    Where ``match`` made all pictures grey, the result is made grey as well: the
    optimization moves the three channels each on its own.

    Args:
        image: The result, shape (1, 3, H, W), RGB in [0, 1].
        content: The content, at any size.
        how: As in `prepare_pictures`.

    Returns:
        The result, on its device.
    """
    if how == "luminance":
        return with_chroma(image, resize(content, image.shape[3], image.shape[2]).to(image))
    return to_grey(image) if how == "match" and _is_grey(content) else image


def match_colours(style: Tensor, content: Tensor) -> Tensor:
    """Recolour a style so that its colours have the content's mean and covariance.

    Of all linear maps that do so, the one that moves the colours least.

    Args:
        style: Shape (1, 3, H, W), RGB in [0, 1].
        content: The same form, at any size.

    Returns:
        The style's shape, clamped to [0, 1]. A grey style takes only those
        colours of the content that vary with its brightness.

    References:
        Gatys et al. (2016). Differs: they multiply the roots of the two
        covariances, which turns colours further.
    """
    (style_mean, spread), (content_mean, target) = (_spread(one) for one in (style, content))
    moved = least_map(spread, target) @ (_flat(style) - style_mean) + content_mean
    return moved.clamp(0, 1).view(style.shape).to(style)


def to_grey(image: Tensor) -> Tensor:
    """A grey picture of the same lightness.

    Args:
        image: Shape (1, 3, H, W), RGB in [0, 1].

    Returns:
        The same shape, with three equal channels.
    """
    lightness = to_oklab(image)[:, :1]
    return _encoded(lightness**3).clamp(0, 1).expand(-1, 3, -1, -1).contiguous()


def with_chroma(image: Tensor, colours: Tensor) -> Tensor:
    """The lightness of one picture with the colours of another.

    Args:
        image: Gives the lightness; shape (1, 3, H, W), RGB in [0, 1].
        colours: Gives hue and chroma; the same shape.

    Returns:
        The same shape. Where sRGB has no such colour, the chroma is lowered
        until it has.
    """
    lightness, chroma = to_oklab(image)[:, :1], to_oklab(colours)[:, 1:]
    found, beyond = torch.zeros_like(lightness), torch.ones_like(lightness)
    share = beyond
    for _ in range(_HALVINGS):
        linear = _to_linear(torch.cat((lightness, share * chroma), 1))
        fits = ((linear >= -_ROUNDING) & (linear <= 1 + _ROUNDING)).all(1, keepdim=True)
        found, beyond = torch.where(fits, share, found), torch.where(fits, beyond, share)
        share = (found + beyond) / 2
    return _encoded(_to_linear(torch.cat((lightness, found * chroma), 1)).clamp(0, 1))


def to_oklab(image: Tensor) -> Tensor:
    """Convert from sRGB to Oklab.

    Args:
        image: Shape (1, 3, H, W), RGB in [0, 1].

    Returns:
        The same shape: lightness in [0, 1], and two colour axes of at most 0.4.

    Example:
        >>> [round(value, 3) for value in to_oklab(torch.ones(1, 3, 1, 1)).flatten().tolist()]
        [1.0, 0.0, 0.0]
    """
    low, high = image / 12.92, ((image.clamp_min(0) + 0.055) / 1.055) ** 2.4
    linear = torch.where(image <= 0.04045, low, high)
    roots = _mixed(linear, _TO_LMS).clamp_min(0) ** (1 / 3)
    return _mixed(roots, _TO_LAB)


def _to_linear(lab: Tensor) -> Tensor:
    """From Oklab to linear sRGB."""
    return _mixed(_mixed(lab, _TO_LAB, inverse=True) ** 3, _TO_LMS, inverse=True)


def _encoded(linear: Tensor) -> Tensor:
    """From linear sRGB to sRGB."""
    high = 1.055 * linear.clamp_min(0) ** (1 / 2.4) - 0.055
    return torch.where(linear <= 0.0031308, 12.92 * linear, high)


def _mixed(image: Tensor, matrix: Sequence[Sequence[float]], *, inverse: bool = False) -> Tensor:
    """Apply a 3×3 matrix to the channels."""
    mixing = torch.tensor(matrix, dtype=torch.float64)
    mixing = torch.linalg.inv(mixing) if inverse else mixing
    return torch.einsum("dc,bchw->bdhw", mixing.to(image), image)


def _is_grey(image: Tensor) -> bool:
    """Whether no pixel has a colour that 8 bits could hold."""
    return bool((image.amax(1) - image.amin(1)).max() < 0.5 / 255)


def _flat(image: Tensor) -> Tensor:
    """The colours of all pixels, shape (3, H·W), float64."""
    return image[0].flatten(1).double()


def _spread(image: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and covariance of the colours of all pixels: shapes (3, 1) and (3, 3)."""
    colours = _flat(image)
    return colours.mean(1, keepdim=True), torch.cov(colours, correction=0)


def least_map(source: Tensor, target: Tensor) -> Tensor:
    """The linear map that gives colours another covariance and moves them least.

    Args:
        source: Covariances of colours, shape (…, 3, 3), in squared units of [0, 1].
        target: Those that the mapped colours are to have, of that shape.

    Returns:
        Symmetric matrices of that shape; 0 in directions in which the source has no spread.

    References:
        Pitié & Kokaram (2007), the linear Monge–Kantorovitch solution.
    """
    root, inverse = _symmetric_roots(source)
    between, _ = _symmetric_roots(root @ target @ root)
    return inverse @ between @ inverse


def _symmetric_roots(matrices: Tensor) -> tuple[Tensor, Tensor]:
    """Square roots of symmetric matrices, and their inverses where there is any spread."""
    values, vectors = torch.linalg.eigh(matrices)
    roots = values.clamp_min(0).sqrt()
    inverse = torch.where(values > _LEAST_SPREAD, 1 / roots.clamp_min(1e-30), 0.0)
    root = (vectors * roots[..., None, :]) @ vectors.mT
    return root, (vectors * inverse[..., None, :]) @ vectors.mT
