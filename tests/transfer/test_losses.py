from functools import partial
from typing import get_args

import pytest
import torch

from styletransfer.transfer.losses import LayerStatistics, content_error, layer_statistics
from styletransfer.vgg.encoder import Encoder, Kernels
from styletransfer.vgg.moments import moments
from tests.support.tensors import random

# Content


def test_equal_features_have_no_content_error() -> None:
    features = random(1, 4, 5, 6)
    assert content_error(features, features).item() == 0


def test_the_content_error_is_a_mean_square() -> None:
    features, target = torch.tensor([4.0, 6.0]), torch.tensor([3.0, 4.0])
    # ((4 − 3)² + (6 − 4)²) / 2
    assert content_error(features.view(1, 2, 1, 1), target.view(1, 2, 1, 1)).item() == 2.5


def test_the_gradient_of_the_content_error_is_right() -> None:
    features = random(2, 3, 4, 3, dtype=torch.float64).requires_grad_()
    target = random(2, 3, 4, 3, seed=1, dtype=torch.float64)
    assert torch.autograd.gradcheck(partial(content_error, target=target), (features,))


# Layer by layer


def test_each_layer_has_the_statistics_of_its_own_features(encoder: Encoder) -> None:
    image, other = (random(1, 3, 17, 20, seed=seed).sigmoid() for seed in (0, 1))
    content_layers, style_layers = ("relu2_1", "conv3_1"), ("relu1_1", "relu2_1")
    content = dict(encoder(other, content_layers))
    errors, style = LayerStatistics(encoder, content, style_layers)(image)
    for layer in content_layers:
        (features,) = encoder(image, {layer}).values()
        torch.testing.assert_close(errors[layer], content_error(features, content[layer]))
    for layer in style_layers:
        (features,) = encoder(image, {layer}).values()
        torch.testing.assert_close(style[layer], moments(features))
    assert errors.keys() == {*content_layers}
    assert style.keys() == {*style_layers}


def test_the_moments_are_those_of_the_regions_and_the_content_error_is_of_all(
    encoder: Encoder,
) -> None:
    image, other = (random(1, 3, 17, 20, seed=seed).sigmoid() for seed in (0, 1))
    layers = ("relu1_1", "relu2_1")
    content, features = dict(encoder(other, layers)), dict(encoder(image, layers))
    shares = encoder.follow((random(1, 2, 17, 20, seed=2) > 0).float(), layers)
    errors, style = LayerStatistics(encoder, content, layers, shares)(image)
    for layer in layers:
        torch.testing.assert_close(style[layer], moments(features[layer], shares[layer]))
        torch.testing.assert_close(errors[layer], content_error(features[layer], content[layer]))


@pytest.mark.parametrize("circular", [False, True])
@pytest.mark.parametrize("regional", [False, True])
def test_the_statistics_are_the_same_with_every_kernel(
    regional: bool, circular: bool, encoder: Encoder
) -> None:
    image, layers = random(1, 3, 17, 20).sigmoid(), ("relu1_1", "relu2_1")
    shares = (random(1, 2, 17, 20, seed=2) > 0).float()
    found = []
    for kernels in get_args(Kernels):
        each = Encoder(narrowing=16, kernels=kernels)
        each.load_state_dict(encoder.state_dict())
        each.place_on(torch.device("cpu"), torch.float32)
        content = each(image.flip(3), layers, circular=circular)
        followed = each.follow(shares, layers) if regional else None
        found.append(layer_statistics(each, content, layers, followed, circular=circular)(image))
    torch.testing.assert_close(*found)


def test_without_layers_there_are_no_statistics(encoder: Encoder) -> None:
    assert LayerStatistics(encoder, {}, ())(torch.zeros(1, 3, 17, 20)) == ({}, {})
