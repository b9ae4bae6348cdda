from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from styletransfer.transfer.resizing import crop, pad_to_multiple

Picture = Callable[[int, int, int], Tensor]


@pytest.mark.parametrize(
    ("size", "whole"),
    [
        ((48, 32), (48, 32)),
        ((41, 48), (48, 48)),
        ((33, 47), (48, 48)),
        ((1, 1), (16, 16)),
        ((3, 200), (16, 208)),
    ],
)
def test_a_canvas_has_sides_of_whole_multiples_of_16_and_holds_the_picture(
    size: tuple[int, int], whole: tuple[int, int], noisy: Picture
) -> None:
    image = noisy(*size, 0)
    stretched = pad_to_multiple(image)
    assert stretched.shape[2:] == whole
    assert torch.equal(crop(stretched, size[1], size[0]), image)


def test_beyond_the_picture_a_canvas_is_its_mirror_image(noisy: Picture) -> None:
    image = noisy(41, 48, 0)
    assert torch.equal(pad_to_multiple(image)[:, :, 41:], image.flip(2)[:, :, :7])


def test_a_picture_thinner_than_its_mirror_goes_to_and_fro(noisy: Picture) -> None:
    image = noisy(3, 16, 0)
    rows = [0, 1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1, 2, 2]
    assert torch.equal(pad_to_multiple(image), image[:, :, rows])
