import pytest
import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.vgg.kernels.padded import Activations, Border, PaddedLayout, pad, writable

SIZES = [(1, 1), (1, 6), (6, 1), (2, 2), (4, 5), (3, 205)]

Format = torch.dtype


def values(height: int, width: int, dtype: Format = torch.float64, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    made = torch.randn(2, 3, height, width, generator=generator, dtype=torch.float64)
    return made.to(dtype)


def padded(height: int, width: int, dtype: Format = torch.float64, seed: int = 1) -> Activations:
    """Activations with arbitrary values in their padding."""
    layout = PaddedLayout(height, width, "repeat")
    whole = layout.allocate(values(height, width, dtype), 3)
    height, width = whole.shape[2:]
    return Activations(whole.copy_(values(height, width, dtype, seed)), layout)


def with_padding(padded_values: Activations) -> Tensor:
    """The picture with one position of padding at each side."""
    height, width = padded_values.layout.height, padded_values.layout.width
    return padded_values.whole[:, :, : height + 2, : width + 2]


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("size", SIZES)
def test_the_padding_repeats_the_outermost_values(size: tuple[int, int], dtype: Format) -> None:
    padded_values = pad(values(*size, dtype), "repeat")
    padded_values.layout.fill_padding(padded_values.whole)
    expected = functional.pad(values(*size).double(), (1, 1, 1, 1), "replicate").to(dtype)
    assert torch.equal(with_padding(padded_values), expected)


@pytest.mark.parametrize("size", SIZES)
def test_folding_is_the_gradient_of_filling(size: tuple[int, int]) -> None:
    padded_values, gradient = pad(values(*size), "repeat"), padded(*size)
    padded_values.layout.fill_padding(padded_values.whole)
    product = (with_padding(padded_values) * with_padding(gradient)).sum()
    gradient.layout.fold_gradient(gradient.whole)
    torch.testing.assert_close((padded_values.inner * gradient.inner).sum(), product)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("size", SIZES)
def test_a_cleared_padding_is_0_and_the_picture_as_it_was(
    size: tuple[int, int], dtype: Format
) -> None:
    cleared, sides = padded(*size, dtype), padded(*size, dtype)
    cleared.layout.clear_padding(cleared.whole)
    sides.layout.clear_sides(sides.whole)
    before = padded(*size, dtype)
    expected = torch.zeros_like(before.whole)
    before.layout.inner(expected).copy_(before.inner)
    assert torch.equal(cleared.whole, expected)
    assert torch.equal(sides.layout.rows(sides.whole), before.layout.rows(expected))


@pytest.mark.parametrize("border", ["repeat", "zeros"])
@pytest.mark.parametrize("size", SIZES)
def test_a_picture_and_its_gradient_go_in_and_out_unchanged(
    size: tuple[int, int], border: Border
) -> None:
    picture, grad_output = values(*size).requires_grad_(), values(*size, seed=1)
    padded_values = pad(picture, border)
    assert torch.equal(padded_values.inner, picture)
    (gradient,) = torch.autograd.grad(padded_values.inner, picture, grad_output)
    assert torch.equal(gradient, grad_output)


def test_where_zeros_lie_beyond_the_border_there_is_no_padding() -> None:
    padded_values = pad(values(4, 5), "zeros")
    for change in (
        padded_values.layout.fill_padding,
        padded_values.layout.fold_gradient,
        padded_values.layout.clear_padding,
    ):
        change(padded_values.whole)
    assert torch.equal(padded_values.whole, values(4, 5))
    assert padded_values.whole.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    ("width", "dtype", "length"),
    [
        (128, torch.bfloat16, 130),
        (256, torch.bfloat16, 272),
        (256, torch.float32, 258),
        (270, torch.bfloat16, 272),
    ],
)
def test_long_rows_in_bfloat16_are_whole_tiles_with_nothing_in_them(
    width: int, dtype: Format, length: int
) -> None:
    whole = pad(values(2, width, dtype), "repeat").whole
    assert whole.shape[2:] == (4, length)
    assert not whole[..., width + 2 :].any()


def test_a_gradient_that_stands_for_many_numbers_is_not_overwritten() -> None:
    dense = values(4, 5).contiguous(memory_format=torch.channels_last)
    assert writable(dense) is dense
    one = torch.ones(1, 1, 1, 1)
    writable(one.expand(2, 3, 4, 5)).zero_()
    assert one.item() == 1
