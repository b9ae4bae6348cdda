import pytest
import torch
from torch import Tensor

from styletransfer.transfer import losses
from styletransfer.vgg.kernels.gram import gram_matrix
from styletransfer.vgg.kernels.padded import Border, pad
from tests.support.tensors import random


def fast(features: Tensor, border: Border = "zeros") -> Tensor:
    return gram_matrix(pad(features, border))


@pytest.mark.parametrize("border", ["repeat", "zeros"])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("size", [(1, 1), (5, 6), (3, 250)])
def test_it_equals_the_formula_in_plain_torch(
    size: tuple[int, int], layout: torch.memory_format, border: Border
) -> None:
    features = random(2, 4, *size).contiguous(memory_format=layout)
    torch.testing.assert_close(fast(features, border), losses.gram_matrix(features))


@pytest.mark.parametrize("size", [(8, 8), (64, 64), (91, 100), (1, 9001)])
def test_bfloat16_grams_are_summed_in_float32_over_chunks(size: tuple[int, int]) -> None:
    features = random(1, 8, *size).to(torch.bfloat16)
    gram = fast(features)
    assert gram.dtype == torch.float32
    # Each chunk's sum is rounded to the 8 bits of bfloat16, and no more than that.
    expected = losses.gram_matrix(features.float())
    torch.testing.assert_close(gram, expected, rtol=2**-7, atol=0.01)


@pytest.mark.bfloat16
def test_a_long_bfloat16_sum_does_not_stand_still() -> None:
    ones = torch.ones(1, 2, 1, 4096 * 5 + 1, dtype=torch.bfloat16)
    torch.testing.assert_close(fast(ones), torch.ones(1, 2, 2), rtol=2**-8, atol=0)
