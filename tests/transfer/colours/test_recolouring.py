"""The start of a run in the colours of its styles."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from styletransfer.settings import Settings
from styletransfer.transfer.colours.recolouring import Recolouring, Start, recolouring
from styletransfer.transfer.regions import Regions
from styletransfer.transfer.resizing import enlarge_change, resize
from styletransfer.vgg.moments import moments

Picture = Callable[[int, int, int], Tensor]


def recoloured(content: Tensor, *styles: Tensor, regions: Regions | None = None) -> Tensor:
    return recolouring(content, styles, regions, Settings())(content)


def grey(level: float) -> Tensor:
    return torch.full((1, 3, 20, 30), level)


def test_the_content_takes_the_mean_and_the_spread_of_the_style(smooth: Picture) -> None:
    content = 0.4 + 0.2 * smooth(40, 60, 0)
    style = 0.3 + 0.3 * smooth(30, 30, 1)
    found, wanted = moments(recoloured(content, style)), moments(style)
    torch.testing.assert_close(found.mean, wanted.mean, atol=1e-4, rtol=0)
    before = (moments(content).covariance - wanted.covariance).norm()
    assert (found.covariance - wanted.covariance).norm() < 0.3 * before


def test_a_picture_in_its_own_colours_stays_as_it_is(smooth: Picture) -> None:
    content = smooth(40, 60, 0)
    torch.testing.assert_close(recoloured(content, content), content, atol=1e-5, rtol=0)


def test_noise_of_a_picture_without_colours_is_not_spread_at_will(
    noisy: Picture, smooth: Picture
) -> None:
    content = 0.5 + 0.01 * (noisy(40, 60, 0) - 0.5)
    result = recoloured(content, smooth(30, 30, 1))
    assert result.std((2, 3)).max() < 10 * content.std((2, 3)).max()


def test_several_styles_share_as_in_the_style_loss() -> None:
    settings = Settings(style_blend=(3.0, 1.0))
    found = recolouring(grey(0.5), [grey(0.2), grey(0.6)], None, settings)(grey(0.5))
    torch.testing.assert_close(found, grey(0.3))


def test_each_region_takes_its_own_style_and_the_rest_stays() -> None:
    shares = torch.zeros(1, 2, 20, 30)
    shares[:, 0, :, :10] = 1
    shares[:, 1, :, 10:20] = 1
    ones = torch.ones(1, 1, 20, 30)
    first, second = (torch.cat(each, 1) for each in ((ones, 0 * ones), (0 * ones, ones)))
    found = recoloured(grey(0.5), grey(0.2), grey(0.9), regions=Regions(shares, (first, second)))
    assert found[0, 0, 5].tolist() == pytest.approx([0.2] * 10 + [0.9] * 10 + [0.5] * 10, abs=1e-5)


def test_a_region_that_no_style_shows_at_this_size_keeps_its_colours() -> None:
    shares = torch.ones(1, 1, 20, 30)
    part = torch.zeros(1, 1, 20, 30)
    part[..., 0, 0] = 1
    regions = Regions(shares, (part,)).resized((30, 20), [(1, 1)])
    found = recolouring(grey(0.5), [grey(0.2)[..., :1, :1]], regions, Settings())
    assert isinstance(found, Recolouring)
    assert found.factors.isfinite().all()


def test_the_layout_of_a_picture_decides_nothing(smooth: Picture, noisy: Picture) -> None:
    content, style = noisy(37, 53, 0), smooth(30, 30, 1)
    last = torch.channels_last
    other = recoloured(content.contiguous(memory_format=last), style.contiguous(memory_format=last))
    assert torch.equal(other, recoloured(content, style))


def test_an_image_is_enlarged_with_the_detail_of_the_recoloured_start(
    noisy: Picture, smooth: Picture
) -> None:
    content, style = noisy(36, 48, 0), smooth(30, 30, 1)
    start = Start(content, recolouring(content, [style], None, Settings()))
    whole = start.at(48, 36)
    assert torch.equal(start.enlarge(resize(whole, 24, 18), 48, 36), whole)
    small = start.at(24, 18)
    assert torch.equal(start.enlarge(small, 24, 18), small)
    plain = Start(content)
    assert torch.equal(plain.enlarge(small, 48, 36), enlarge_change(small, content, 48, 36))
