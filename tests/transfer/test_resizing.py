from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from styletransfer.transfer.resizing import crop, enlarge_change, pad_to_multiple, resize

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
def test_padded_sides_are_multiples_of_16_and_a_crop_gives_the_picture_back(
    size: tuple[int, int], whole: tuple[int, int], noisy: Picture
) -> None:
    image = noisy(*size, 0)
    padded = pad_to_multiple(image)
    assert padded.shape[2:] == whole
    assert torch.equal(crop(padded, size[1], size[0]), image)


def test_the_padding_mirrors_the_picture(noisy: Picture) -> None:
    image = noisy(41, 48, 0)
    assert torch.equal(pad_to_multiple(image)[:, :, 41:], image.flip(2)[:, :, :7])


def test_a_thin_picture_is_mirrored_repeatedly(noisy: Picture) -> None:
    image = noisy(3, 16, 0)
    rows = [0, 1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1, 2, 2]
    assert torch.equal(pad_to_multiple(image), image[:, :, rows])


def test_pixels_that_did_not_change_keep_the_detail_of_the_larger_size(noisy: Picture) -> None:
    first = noisy(36, 48, 0)
    small = resize(first, 24, 18)
    assert torch.equal(enlarge_change(small, first, 48, 36), first)
    brighter = enlarge_change(small + 0.1, first, 48, 36)
    torch.testing.assert_close(brighter, (first + 0.1).clamp(0, 1))


def test_an_enlarged_picture_is_within_its_range(noisy: Picture) -> None:
    first = (noisy(36, 48, 0) > 0.5).float()
    enlarged = enlarge_change(noisy(18, 24, 1), first, 48, 36)
    assert enlarged.shape == first.shape
    assert enlarged.amin() >= 0
    assert enlarged.amax() <= 1


@pytest.mark.parametrize(("width", "height"), [(7, 9), (40, 3), (1, 1)])
def test_an_image_is_resized_within_its_range(width: int, height: int, noisy: Picture) -> None:
    image = resize((noisy(20, 20, 0) > 0.5).float(), width, height)
    assert image.shape == (1, 3, height, width)
    assert 0 <= image.min() <= image.max() <= 1


def test_an_image_of_the_size_asked_for_is_not_touched(noisy: Picture) -> None:
    image = noisy(20, 30, 0)
    assert resize(image, 30, 20) is image
