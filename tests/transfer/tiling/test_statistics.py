"""Pictures evaluated tile by tile give what they give at once, to the rounding of float64."""

from collections.abc import Sequence
from functools import cache
from typing import Any, get_args

import pytest
import torch
from torch import Tensor, nn

from styletransfer.choices import StyleForm
from styletransfer.layers import layer_names
from styletransfer.settings import Settings
from styletransfer.transfer.objective import Objective
from styletransfer.transfer.pyramid import GRID
from styletransfer.transfer.regions import Regions
from styletransfer.transfer.resizing import pad_to_multiple
from styletransfer.transfer.targets import picture_features, picture_moments
from styletransfer.transfer.tiling.tiles import divide
from styletransfer.vgg.encoder import Encoder, Kernels

PRECISE = 1e-10

LAYERS = [name for name in layer_names("vgg19") if not name.startswith("pool")]

every_kernel = pytest.mark.parametrize("kernels", get_args(Kernels))


@cache
def network(
    name: str = "vgg19", pooling: str = "max", kernels: Kernels = "auto", narrowing: int = 16
) -> Encoder:
    """A network of random weights, in float64."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = Encoder(name, pooling=pooling, kernels=kernels, narrowing=narrowing)
        for layer in made.layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return made.place_on(torch.device("cpu"), torch.float64)


def picture(height: int, width: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(1, 3, height, width, generator=generator, dtype=torch.float64)


def difference(found: Tensor, expected: Tensor) -> float:
    """The largest difference, relative to the largest value."""
    return float((found - expected).abs().max() / expected.abs().max().clamp_min(1e-300))


STYLES = ((90, 77), (41, 145))
"""Height and width of the styles; no multiples of 16."""


def evaluated(
    tile: int | None,
    encoder: Encoder,
    size: tuple[int, int] = (107, 187),
    styles: Sequence[tuple[int, int]] = STYLES,
    regions: Regions | None = None,
    recompute: bool = False,
    **values: Any,
) -> list[Tensor]:
    """The terms of an objective, and their gradient by the pixels."""
    content, image = (pad_to_multiple(picture(*size, seed)) for seed in (0, 1))
    pictures = [picture(*each, seed) for seed, each in enumerate(styles, 2)]
    settings = Settings(**values)
    objective = Objective(
        encoder, content, pictures, settings, regions=regions, tile=tile, recompute=recompute
    )
    image.requires_grad_()
    terms = objective(image)
    (gradient,) = torch.autograd.grad(terms.total, image)
    return [terms.content.detach(), terms.style.detach(), terms.tv.detach(), gradient]


def check_objective(tile: int, encoder: Encoder, *arguments: Any, **values: Any) -> None:
    """Check that an objective is the same tile by tile as at once."""
    whole = evaluated(None, encoder, *arguments, **values)
    tiled = evaluated(tile, encoder, *arguments, **values)
    assert whole[-1].any()
    for found, expected in zip(tiled, whole, strict=True):
        assert difference(found, expected) < PRECISE


# The objective


@pytest.mark.parametrize("tileable", [False, True])
@pytest.mark.parametrize("form", get_args(StyleForm))
def test_every_style_form_is_the_same_tile_by_tile(form: StyleForm, tileable: bool) -> None:
    check_objective(64, network(), style_form=form, tileable=tileable)


@every_kernel
@pytest.mark.parametrize("pooling", ["max", "avg"])
@pytest.mark.parametrize("name", ["vgg19", "vgg16"])
def test_every_network_is_the_same_tile_by_tile(name: str, pooling: str, kernels: Kernels) -> None:
    check_objective(64, network(name, pooling, kernels))


@every_kernel
@pytest.mark.parametrize(
    "values",
    [
        {"detail": 0.5},
        {"content_layers": ("conv2_2", "relu4_2"), "style_layers": ("relu4_2", "relu1_1")},
        {"content_layers": ("relu2_1",), "style_layers": ("relu5_1",)},
        {"style_blend": (1.0, 3.0), "tv_weight": 0},
        {"style_weight": 0},
        {"content_weight": 0},
        {"content_weight": 0, "style_weight": 0},  # the network is not evaluated
        {"tv_weight": 5, "tv_form": "anisotropic", "tileable": True},
    ],
)
def test_every_choice_of_terms_is_the_same_tile_by_tile(
    values: dict[str, Any], kernels: Kernels
) -> None:
    check_objective(64, network(kernels=kernels), **values)


@every_kernel
@pytest.mark.parametrize(
    "values",
    [{"detail": 0.5}, {"tileable": True}, {"style_weight": 0}, {"content_weight": 0}],
)
def test_a_content_that_is_evaluated_again_gives_the_same_to_the_bit(
    values: dict[str, Any], kernels: Kernels
) -> None:
    kept, again = (
        evaluated(64, network(kernels=kernels), recompute=way, **values) for way in (False, True)
    )
    for found, expected in zip(again, kept, strict=True):
        # Without a style, the content's own mean square is the unit, in float32 if it is kept.
        assert difference(found, expected) < (1e-7 if "style_weight" in values else 1e-300)


def test_a_content_that_is_evaluated_again_is_not_kept() -> None:
    pictures = [picture(64, 96)] * 2
    objective = Objective(network(), pictures[0], pictures[1:], Settings(), tile=32, recompute=True)
    assert not objective.content_targets


@every_kernel
@pytest.mark.parametrize("tileable", [False, True])
def test_regions_are_the_same_tile_by_tile(tileable: bool, kernels: Kernels) -> None:
    soft = pad_to_multiple(picture(107, 187, 5))[:, :2] / 2
    soft[..., 150:] = 0  # kept
    parts = [picture(*size, 6)[:, :2].round() for size in STYLES]
    regions = Regions(soft, tuple(parts))
    check_objective(64, network(kernels=kernels), regions=regions, tileable=tileable)


@pytest.mark.parametrize("tileable", [False, True])
@pytest.mark.parametrize(
    ("size", "tile"),
    [
        ((16, 190), 64),  # thinner than a tile
        ((190, 9), 64),
        ((33, 65), 16),  # tiles as small as can be
        ((49, 129), 32),
        ((48, 64), 128),  # a tile larger than the picture
        ((64, 192), 64),  # whole tiles
    ],
)
def test_every_size_is_the_same_tile_by_tile(
    size: tuple[int, int], tile: int, tileable: bool
) -> None:
    check_objective(tile, network(), size, tileable=tileable)


@pytest.mark.parametrize("style", [(1, 200), (7, 90), (200, 15), (16, 65), (20, 20)])
def test_styles_of_every_size_are_the_same_tile_by_tile(style: tuple[int, int]) -> None:
    check_objective(64, network(), (80, 80), [style])


def test_the_loss_that_a_caller_adds_sees_the_whole_image() -> None:
    content = image = picture(64, 96).requires_grad_()
    settings = Settings(content_weight=1, style_weight=0, tv_weight=0)
    seen = []

    def extra_loss(given: Tensor) -> Tensor:
        seen.append(given.shape)
        return given.square().sum()

    objective = Objective(network(), content, [content], settings, extra_loss=extra_loss, tile=32)
    (gradient,) = torch.autograd.grad(objective(image).total, image)
    torch.testing.assert_close(gradient, 2 * image.detach())  # the content error is 0
    assert seen == [(1, 3, 64, 96)]


@pytest.mark.slow
def test_the_network_in_its_full_width_is_the_same_tile_by_tile() -> None:
    # Not in the Wasserstein form: of a style with fewer positions than channels, it depends on
    # which eigenvectors of the eigenvalue 0 are found.
    check_objective(112, network(narrowing=1), (272, 304), [(200, 150)], style_form="moments")


# Features and moments


@every_kernel
@pytest.mark.parametrize("circular", [False, True])
def test_features_are_the_same_tile_by_tile(circular: bool, kernels: Kernels) -> None:
    encoder, image = network(kernels=kernels), picture(112, 176)
    whole, tiled = (
        picture_features(encoder, image, LAYERS, tile, circular=circular) for tile in (None, 48)
    )
    assert [*tiled] == LAYERS
    for layer in LAYERS:
        assert difference(tiled[layer], whole[layer]) < PRECISE


@pytest.mark.parametrize("size", [(112, 176), (3, 170), (83, 130), (129, 12)])
def test_moments_are_the_same_tile_by_tile(size: tuple[int, int]) -> None:
    whole, tiled = (picture_moments(network(), picture(*size), LAYERS, None, n) for n in (None, 48))
    for layer in LAYERS:
        assert difference(tiled[layer].mean, whole[layer].mean) < PRECISE
        assert difference(tiled[layer].gram, whole[layer].gram) < PRECISE


# How far activations look


@pytest.mark.parametrize(
    ("layers", "reach"),
    [
        ([], 0),
        (["conv1_1"], 1),
        (["relu1_2"], 2),
        (["pool1"], 2),
        (["relu2_1"], 2 + 2),
        (["relu3_1"], 2 + 4 + 4),
        (["relu4_2"], 2 + 4 + 16 + 16),
        (["relu5_1"], 70),
        (["relu5_4"], 2 + 4 + 16 + 32 + 64),
        (["relu1_1", "relu5_1", "relu4_2"], 70),
    ],
)
def test_each_convolution_looks_one_position_further(layers: list[str], reach: int) -> None:
    assert network().reach(layers) == reach


def deviation(encoder: Encoder, layer: str, reach: int) -> float:
    """How far activations in tiles with so much around them are from those of the whole."""
    image, stride = picture(64, 304), encoder.stride(layer)
    whole = encoder(image, [layer])[layer]
    return max(
        difference(
            tile.inside(encoder(tile.cut(image), [layer])[layer], stride),
            tile.of_whole(whole, stride),
        )
        for tile in divide(64, 304, 64, reach)
    )


@pytest.mark.parametrize("layer", LAYERS)
def test_a_tile_has_as_much_around_it_as_its_activations_depend_on(layer: str) -> None:
    assert deviation(network(), layer, network().reach([layer])) < PRECISE


@pytest.mark.parametrize("layer", [layer for layer in LAYERS if network().reach([layer]) > GRID])
def test_one_grid_less_around_a_tile_changes_its_activations(layer: str) -> None:
    assert deviation(network(), layer, network().reach([layer]) - GRID) > 1000 * PRECISE


# Tiles

SIZES = [(16, 16), (5, 200), (203, 187), (17, 33), (256, 512), (1000, 31)]


@pytest.mark.parametrize("circular", [False, True])
@pytest.mark.parametrize("side", [16, 64, 112, 2048])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_tiles_cover_the_picture_exactly_once(
    height: int, width: int, side: int, circular: bool
) -> None:
    covered = torch.zeros(height, width)
    for tile in divide(height, width, side, 70, circular=circular):
        covered[tile.rows.start : tile.rows.stop, tile.columns.start : tile.columns.stop] += 1
        assert max(len(tile.rows), len(tile.columns)) <= side
        assert tile.rows.start % GRID == tile.columns.start % GRID == 0
    assert (covered == 1).all()


@pytest.mark.parametrize("stride", [1, 2, 4, 8, 16])
def test_tiles_cover_each_layer_exactly_once(stride: int) -> None:
    covered = torch.zeros(1, 203 // stride, 187 // stride)
    for tile in divide(203, 187, 48, 70):
        tile.of_whole(covered, stride).add_(1)
    assert (covered == 1).all()


@pytest.mark.parametrize("circular", [False, True])
def test_paste_is_the_adjoint_of_cut(circular: bool) -> None:
    values, other = picture(48, 80), torch.zeros(1, 3, 48, 80, dtype=torch.float64)
    for tile in divide(48, 80, 32, 70, circular=circular):
        cut = tile.cut(values)
        part = picture(cut.shape[2], cut.shape[3], 3)
        tile.paste(other.zero_(), part)
        torch.testing.assert_close((cut * part).sum(), (values * other).sum())
