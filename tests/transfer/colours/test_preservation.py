"""The photograph's colours, kept by its chroma or by its palette."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from styletransfer.settings import Settings
from styletransfer.transfer.colours.preservation import (
    match_colours,
    to_grey,
    to_oklab,
    with_chroma,
)
from styletransfer.transfer.stylize import Step, stylize
from styletransfer.vgg.encoder import Encoder

Picture = Callable[[int, int, int], Tensor]

QUICK = Settings(min_size=48, iterations=(4,), device="cpu", precision="float32")


def mild(picture: Tensor) -> Tensor:
    """A picture far from black, white and pure colours."""
    return 0.4 + 0.2 * picture


def chroma(image: Tensor) -> Tensor:
    """Chroma of each pixel in Oklab."""
    distance: Tensor = torch.linalg.vector_norm(to_oklab(image)[:, 1:], dim=1)
    return distance


def is_grey(image: Tensor) -> bool:
    return bool((image - image[:, :1]).abs().max() < 1e-5)


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        ((1.0, 1.0, 1.0), (1.0, 0.0, 0.0)),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
        ((1.0, 0.0, 0.0), (0.62796, 0.22486, 0.12585)),
        ((0.0, 0.0, 1.0), (0.45201, -0.03246, -0.31153)),
    ],
)
def test_oklab_is_as_published(rgb: tuple[float, ...], lab: tuple[float, ...]) -> None:
    found = to_oklab(torch.tensor(rgb).view(1, 3, 1, 1)).flatten()
    torch.testing.assert_close(found, torch.tensor(lab), rtol=0, atol=2e-5)


def test_a_grey_picture_has_the_lightness_of_the_coloured_one(noisy: Picture) -> None:
    image = noisy(20, 30, 1)
    grey = to_grey(image)
    assert is_grey(grey)
    torch.testing.assert_close(to_oklab(grey)[:, :1], to_oklab(image)[:, :1], rtol=0, atol=1e-5)


def test_lightness_is_of_one_picture_and_colour_of_the_other(noisy: Picture) -> None:
    image, colours = mild(noisy(20, 30, 1)), mild(noisy(20, 30, 2))
    found, lab = to_oklab(with_chroma(image, colours)), to_oklab(colours)
    torch.testing.assert_close(found[:, :1], to_oklab(image)[:, :1], rtol=0, atol=1e-4)
    torch.testing.assert_close(found[:, 1:], lab[:, 1:], rtol=0, atol=2e-3)


def test_a_colour_that_srgb_lacks_keeps_lightness_and_hue() -> None:
    dark, red = torch.full((1, 3, 1, 1), 0.1), torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1)
    found, wanted = to_oklab(with_chroma(dark, red)).flatten(), to_oklab(red).flatten()
    assert found[0] == pytest.approx(to_oklab(dark).flatten()[0].item(), abs=1e-3)
    assert (found[2] / found[1]).item() == pytest.approx((wanted[2] / wanted[1]).item(), rel=0.02)
    assert 0.2 < found[1] / wanted[1] < 0.6


def test_a_matched_style_has_mean_and_covariance_of_the_content(noisy: Picture) -> None:
    style, content = mild(noisy(20, 30, 1)), mild(noisy(16, 16, 2)) * 0.8
    found = match_colours(style, content)[0].flatten(1)
    colours = content[0].flatten(1)
    torch.testing.assert_close(found.mean(1), colours.mean(1), rtol=0, atol=1e-4)
    spreads = [torch.cov(each, correction=0) for each in (found, colours)]
    torch.testing.assert_close(*spreads, rtol=0, atol=1e-5)


def test_a_style_of_the_contents_colours_stays_as_it_is(noisy: Picture) -> None:
    content = mild(noisy(20, 30, 1))
    torch.testing.assert_close(match_colours(content, content), content, rtol=0, atol=1e-5)


def test_flat_and_grey_pictures_are_matched_without_a_colour_of_their_own(noisy: Picture) -> None:
    grey, flat = to_grey(noisy(20, 30, 1)), torch.full((1, 3, 8, 8), 0.5)
    assert is_grey(match_colours(grey, to_grey(noisy(16, 16, 2))))
    assert is_grey(match_colours(flat, grey))
    assert match_colours(grey, flat).std() == 0


def test_luminance_keeps_the_chroma_of_the_photograph(
    encoder: Encoder, smooth: Picture, noisy: Picture
) -> None:
    content, style = mild(smooth(48, 48, 1)), noisy(48, 48, 2)
    pictures: list[Tensor] = []

    def on_step(step: Step) -> None:
        pictures.append(step.picture())

    settings = QUICK.with_values({"preserve_color": "luminance"})
    result = stylize(content, style, settings, encoder=encoder, on_step=on_step).image
    plain = stylize(content, style, QUICK, encoder=encoder).image
    for image in (result, *pictures):
        assert (chroma(image) - chroma(content)).abs().mean() < 3 / 255
    assert (chroma(plain) - chroma(content)).abs().mean() > 3 / 255
    assert (to_oklab(result) - to_oklab(content))[:, 0].abs().mean() > 0.01


@pytest.mark.parametrize("how", ["luminance", "match"])
def test_from_grey_pictures_comes_a_grey_picture(
    how: str, encoder: Encoder, noisy: Picture
) -> None:
    content, style = to_grey(noisy(48, 48, 1)), to_grey(noisy(48, 48, 2))
    settings = QUICK.with_values({"preserve_color": how})
    assert is_grey(stylize(content, style, settings, encoder=encoder).image)


def test_match_is_a_run_with_a_recoloured_style(encoder: Encoder, noisy: Picture) -> None:
    content, style = noisy(48, 48, 1), noisy(48, 48, 2)
    settings = QUICK.with_values({"preserve_color": "match"})
    matched = stylize(content, style, settings, encoder=encoder)
    by_hand = stylize(content, match_colours(style, content), QUICK, encoder=encoder)
    assert torch.equal(matched.image, by_hand.image)
