"""Optical flow between two photographs, and a result that is moved along."""

from collections.abc import Callable

import torch
from torch import Tensor

from styletransfer.runs.frames.motion import move

Pictures = Callable[[int, int, int], Tensor]
"""By height, width and seed, as the fixtures `smooth` and `noisy`."""


def pan(scene: Tensor, shift: int, width: int) -> Tensor:
    return scene[:, :, :, shift : shift + width].contiguous()


def test_a_result_is_moved_as_the_photograph_has_moved(smooth: Pictures) -> None:
    photograph, painting = smooth(64, 112, 0), smooth(64, 112, 1)

    moved = move(pan(painting, 0, 96), pan(photograph, 0, 96), pan(photograph, 4, 96))

    error = (moved - pan(painting, 4, 96)).abs()[:, :, 8:-8, 8:-12]
    unmoved = (pan(painting, 0, 96) - pan(painting, 4, 96)).abs()[:, :, 8:-8, 8:-12]
    assert error.mean() < 0.2 * unmoved.mean()


def test_a_result_stays_where_nothing_moves(noisy: Pictures) -> None:
    photograph, painting = noisy(32, 48, 0), noisy(32, 48, 1)

    assert torch.equal(move(painting, photograph, photograph), painting)


def test_photographs_may_have_another_size_than_the_result(smooth: Pictures) -> None:
    photograph, painting = smooth(64, 96, 0), smooth(32, 48, 1)

    assert move(painting, photograph, photograph).shape == painting.shape


def test_a_result_too_small_for_optical_flow_is_not_moved(noisy: Pictures) -> None:
    painting = noisy(4, 4, 0)

    assert torch.equal(move(painting, noisy(4, 4, 1), noisy(4, 4, 2)), painting)


def test_what_comes_in_over_a_border_is_the_photograph_in_the_colours_beside_it(
    smooth: Pictures, noisy: Pictures
) -> None:
    scene = 0.5 * smooth(64, 112, 0) + 0.1 * noisy(64, 112, 0)

    moved = move(pan(scene, 0, 96) + 0.25, pan(scene, 0, 96), pan(scene, 6, 96))

    strip = (moved - (pan(scene, 6, 96) + 0.25)).abs()[:, :, 8:-8, -5:]
    assert strip.mean() < 0.02
