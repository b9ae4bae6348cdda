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
    small = resize(first, 24, 18, circular=True)
    assert torch.equal(enlarge_change(small, first, 48, 36, circular=True), first)


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
    assert resize(image, 30, 20, circular=True) is image


@pytest.mark.parametrize(
    ("size", "wanted"),
    [((32, 48), (48, 64)), ((48, 32), (32, 16)), ((9, 7), (20, 15)), ((3, 2), (1, 9))],
)
def test_a_circular_resize_is_the_middle_of_a_resized_tiling(
    size: tuple[int, int], wanted: tuple[int, int], noisy: Picture
) -> None:
    image, (height, width), tiles = noisy(*size, 0).double(), wanted, 7
    tiling = resize(image.repeat(1, 1, tiles, tiles), tiles * width, tiles * height)
    middle = crop(tiling[:, :, 3 * height :, 3 * width :], width, height)
    torch.testing.assert_close(resize(image, width, height, circular=True), middle)


@pytest.mark.parametrize("sixteenths", [1, 7])
def test_resized_circularly_a_rolled_picture_is_the_rolled_resized_picture(
    sixteenths: int, noisy: Picture
) -> None:
    def rolled(image: Tensor) -> Tensor:
        return image.roll([sixteenths * side // 16 for side in image.shape[2:]], (2, 3))

    image, first = noisy(32, 48, 0), noisy(96, 80, 1)
    for width, height in ((80, 48), (32, 16)):
        found = resize(rolled(image), width, height, circular=True)
        torch.testing.assert_close(found, rolled(resize(image, width, height, circular=True)))
    found = enlarge_change(rolled(image), rolled(first), 64, 48, circular=True)
    expected = rolled(enlarge_change(image, first, 64, 48, circular=True))
    torch.testing.assert_close(found, expected)


def test_far_from_the_border_a_circular_resize_is_the_usual_one(noisy: Picture) -> None:
    image = noisy(40, 40, 0)
    usual, circular = (resize(image, 60, 50, circular=each) for each in (False, True))
    torch.testing.assert_close(circular[:, :, 4:-4, 4:-4], usual[:, :, 4:-4, 4:-4])
    assert not torch.allclose(circular, usual)
