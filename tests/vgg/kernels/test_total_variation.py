from functools import partial
from typing import get_args

import pytest
import torch

from styletransfer.choices import TVForm
from styletransfer.transfer import total_variation as plain
from styletransfer.vgg.kernels.total_variation import total_variation_loss
from tests.support.tensors import gradient, random

FORMS: tuple[TVForm, ...] = get_args(TVForm)


@pytest.mark.parametrize("circular", [False, True])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [(7, 9), (2, 2), (1, 5), (5, 1), (1, 1)])
def test_loss_and_gradient_equal_the_formula_in_plain_torch(
    size: tuple[int, int], form: TVForm, circular: bool
) -> None:
    image = random(2, 3, *size, dtype=torch.float64)
    found, expected = (
        partial(loss, form=form, smoothing=plain.SMOOTHING, circular=circular)
        for loss in (total_variation_loss, plain.total_variation_loss)
    )
    torch.testing.assert_close(found(image), expected(image))
    torch.testing.assert_close(gradient(found, image), gradient(expected, image))
