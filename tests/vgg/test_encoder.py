from collections.abc import Callable
from typing import get_args, get_type_hints

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import vgg

from styletransfer.device.device import Convolution, choose_convolution
from styletransfer.layers import BLOCKS, WIDTHS, layer_names
from styletransfer.settings import Settings
from styletransfer.transfer.plan import encoder_for
from styletransfer.vgg.architecture import convolutions
from styletransfer.vgg.encoder import Encoder, Kernels, load_encoder
from styletransfer.vgg.kernels import winograd
from tests.support.commands import run_python
from tests.support.marks import BFLOAT16

Picture = Callable[[int, int, int], Tensor]

CPU = torch.device("cpu")
KERNELS: tuple[Kernels, ...] = get_args(Kernels)


def narrow(
    network: str = "vgg19",
    pooling: str = "max",
    kernels: Kernels = "auto",
    dtype: torch.dtype = torch.float32,
) -> Encoder:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = Encoder(network, narrowing=16, pooling=pooling, kernels=kernels)
    return made.place_on(CPU, dtype)


def by_hand(encoder: Encoder, image: Tensor, depth: int) -> Tensor:
    """The layers one after the other, as torch evaluates them."""
    values: Tensor = encoder.layers[:depth](image - encoder.mean.view(3, 1, 1))
    return values


def test_the_networks_and_poolings_are_those_that_the_settings_offer() -> None:
    hints = get_type_hints(Settings)
    assert set(get_args(hints["network"])) == set(BLOCKS)
    for pooling in get_args(hints["pooling"]):
        assert dict(narrow(pooling=pooling)(torch.rand(1, 3, 4, 4), ["pool1"]))


@pytest.mark.parametrize("network", ["vgg19", "vgg16"])
def test_every_layer_equals_the_slice_of_torchvisions_layers(network: str, noisy: Picture) -> None:
    encoder, image = narrow(network), noisy(35, 50, 0)
    names = layer_names(network)
    for number, name in enumerate(names):
        expected = by_hand(encoder, image, number + 1)
        torch.testing.assert_close(dict(encoder(image, [name]))[name], expected)


@pytest.mark.parametrize("circular", [False, True])
@pytest.mark.parametrize("pooling", ["max", "avg"])
@pytest.mark.parametrize("size", [(35, 50), (3, 20), (64, 64)])
def test_the_fast_kernels_equal_plain_torch(
    size: tuple[int, int], pooling: str, circular: bool, noisy: Picture
) -> None:
    image = noisy(*size, 0).double()
    layers = ["conv1_1", "relu1_1", "pool2", "relu3_1", "conv4_2", "relu5_1"]
    found = []
    for kernels in KERNELS:
        encoder = narrow(pooling=pooling, kernels=kernels, dtype=torch.float64)
        variable = image.clone().requires_grad_()
        features = encoder(variable, layers, circular=circular)
        loss = torch.stack([each.square().mean() for each in features.values()]).sum()
        found.append((*features.values(), *torch.autograd.grad(loss, variable)))
    for fast, plain in zip(*found, strict=True):
        torch.testing.assert_close(fast, plain)


@pytest.mark.parametrize("pooling", ["max", "avg"])
@pytest.mark.parametrize("method", [None, *get_args(Convolution)])
def test_circular_features_of_a_rolled_picture_are_the_rolled_features(
    method: Convolution | None, pooling: str, noisy: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    if method == "nnpack" and choose_convolution(CPU, torch.float32) != "nnpack":
        pytest.skip("torch has no NNPACK here")
    dtype, bound = (torch.float32, 1e-4) if method == "nnpack" else (torch.float64, 1e-9)
    encoder = narrow(pooling=pooling, kernels="auto" if method else "plain", dtype=dtype)
    monkeypatch.setattr(winograd, "_LEAST_CHANNELS", 4)
    monkeypatch.setattr(winograd, "_LEAST_TILES", 1)
    if encoder.fast is not None and method is not None:
        encoder.fast.method = method
    layers = ["conv1_1", "relu1_1", "relu2_1", "pool3", "relu4_2", "relu5_1"]

    def evaluate(image: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        variable = image.clone().requires_grad_()
        features = encoder(variable, layers, circular=True)
        loss = torch.stack([each.square().mean() for each in features.values()]).sum()
        return features, *torch.autograd.grad(loss, variable)

    def rolled(values: Tensor, side: int) -> Tensor:
        """Roll by 16 × −32 pixels, each position being `side` pixels wide."""
        return values.roll((16 // side, -32 // side), (2, 3))

    image = noisy(64, 80, 0).to(dtype)
    features, gradient = evaluate(image)
    found, of_rolled = evaluate(rolled(image, 1))
    for name, values in features.items():
        side = 80 // values.shape[3]
        torch.testing.assert_close(found[name], rolled(values, side), rtol=bound, atol=bound)
    scale = gradient.abs().max().item()
    torch.testing.assert_close(of_rolled, rolled(gradient, 1), rtol=bound, atol=bound * scale)
    if encoder.fast is not None:
        assert method in {used for _, used in encoder.fast.kernels}


def test_without_a_circular_border_a_rolled_picture_has_other_features(noisy: Picture) -> None:
    image = noisy(32, 32, 0)
    encoder = narrow()
    features, found = (encoder(each, ["relu5_1"])["relu5_1"] for each in (image, image.roll(16, 2)))
    assert not torch.allclose(found, features.roll(1, 2))


def test_plain_torch_is_used_on_request_and_the_fast_kernels_on_a_cpu() -> None:
    assert narrow(kernels="plain").fast is None
    assert narrow(kernels="auto").fast is not None


@pytest.mark.parametrize(("network", "build"), [("vgg19", vgg.vgg19), ("vgg16", vgg.vgg16)])
def test_the_keys_and_shapes_of_the_weights_are_torchvisions(
    network: str, build: Callable[[], nn.Module]
) -> None:
    with torch.device("meta"):
        theirs = build().state_dict()
    ours = {
        key: shape
        for stem, layer in convolutions(network).items()
        for key, shape in (
            (f"{stem}.weight", (layer.out_channels, layer.in_channels, 3, 3)),
            (f"{stem}.bias", (layer.out_channels,)),
        )
    }
    assert ours == {k: tuple(v.shape) for k, v in theirs.items() if k.startswith("features")}


def test_all_layers_asked_for_at_once_equal_each_asked_for_alone(
    encoder: Encoder, noisy: Picture
) -> None:
    image = noisy(40, 33, 0)
    together = dict(encoder(image, encoder.names))
    assert tuple(together) == encoder.names
    for name in encoder.names:
        assert torch.equal(together[name], dict(encoder(image, [name]))[name])


@pytest.mark.parametrize("block", [1, 2, 3, 4, 5])
def test_a_convolution_is_not_overwritten_by_its_relu(
    block: int, encoder: Encoder, noisy: Picture
) -> None:
    conv, relu = f"conv{block}_1", f"relu{block}_1"
    features = dict(encoder(noisy(32, 32, 0), [conv, relu]))
    assert (features[conv] < 0).any()
    assert torch.equal(features[conv].relu(), features[relu])


def test_a_tapped_convolution_has_the_right_gradient(encoder: Encoder, noisy: Picture) -> None:
    def grad_output(evaluate: Callable[[Tensor], Tensor]) -> Tensor:
        image = noisy(20, 20, 0).requires_grad_()
        (gradient,) = torch.autograd.grad(evaluate(image).square().sum(), image)
        return gradient

    taps = ["conv2_1", "relu2_1", "conv3_1"]
    ours = grad_output(
        lambda image: torch.cat([f.flatten() for f in dict(encoder(image, taps)).values()])
    )
    depths = [encoder.names.index(name) + 1 for name in taps]
    hand = grad_output(
        lambda image: torch.cat([by_hand(encoder, image, d).flatten() for d in depths])
    )
    torch.testing.assert_close(ours, hand, rtol=1e-4, atol=1e-4 * hand.abs().max().item())


def test_the_network_is_evaluated_only_as_deep_as_asked(
    encoder: Encoder, noisy: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    fast = encoder.fast
    assert fast is not None
    evaluate = fast._evaluate

    def spy(name: str, *rest: object) -> Tensor:
        ran.append(name)
        return evaluate(name, *rest)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(fast, "_evaluate", spy)
    dict(encoder(noisy(16, 16, 0), {"relu2_1", "conv1_2"}))
    assert ran == ["conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1", "conv2_1", "relu2_1"]
    ran.clear()
    assert dict(encoder(noisy(16, 16, 0), ())) == {}
    assert ran == []


def test_a_layer_that_is_not_there_is_an_error(encoder: Encoder, noisy: Picture) -> None:
    with pytest.raises(ValueError, match="not in"):
        dict(encoder(noisy(16, 16, 0), ["relu9_1"]))


@pytest.mark.parametrize("pooling", ["max", "avg"])
def test_a_pooling_halves_by_its_own_rule(pooling: str, noisy: Picture) -> None:
    features = dict(narrow(pooling=pooling)(noisy(12, 10, 0), ["relu1_2", "pool1"]))
    blocks = features["relu1_2"].unfold(2, 2, 2).unfold(3, 2, 2)
    expected = blocks.amax((4, 5)) if pooling == "max" else blocks.mean((4, 5))
    torch.testing.assert_close(features["pool1"], expected)


@pytest.mark.parametrize(
    ("size", "deepest"),
    [
        ((1, 1), (1, 1)),
        ((15, 15), (1, 1)),
        ((16, 16), (1, 1)),
        ((200, 4), (12, 1)),
        ((4, 200), (1, 12)),
        ((47, 33), (2, 2)),
    ],
)
def test_a_picture_of_any_size_reaches_the_deepest_layer(
    size: tuple[int, int], deepest: tuple[int, int], encoder: Encoder, noisy: Picture
) -> None:
    image = noisy(*size, 0).requires_grad_()
    features = dict(encoder(image, ["relu1_1", "relu5_1"]))
    assert features["relu5_1"].shape[2:] == deepest
    total = torch.cat([values.flatten() for values in features.values()]).sum()
    (gradient,) = torch.autograd.grad(total, image)
    assert gradient.shape == image.shape
    assert gradient.isfinite().all()


def test_a_thin_picture_is_widened_only_as_far_as_its_layers_need(
    encoder: Encoder, noisy: Picture
) -> None:
    image = noisy(3, 20, 0)
    assert dict(encoder(image, ["relu1_1"]))["relu1_1"].shape[2:] == (3, 20)
    assert dict(encoder(image, ["relu3_1"]))["relu3_1"].shape[2:] == (1, 5)


def test_a_batch_is_evaluated_picture_by_picture(encoder: Encoder, noisy: Picture) -> None:
    images = torch.cat([noisy(20, 20, 0), noisy(20, 20, 1)])
    both = dict(encoder(images, ["relu4_1"]))["relu4_1"]
    alone = torch.cat([dict(encoder(one[None], ["relu4_1"]))["relu4_1"] for one in images])
    torch.testing.assert_close(both, alone)


def test_the_image_is_left_as_it_was(encoder: Encoder, noisy: Picture) -> None:
    image = noisy(20, 20, 0)
    before = image.clone()
    dict(encoder(image, encoder.names))
    assert torch.equal(image, before)


def test_the_weights_want_no_gradient(encoder: Encoder) -> None:
    assert not any(parameter.requires_grad for parameter in encoder.parameters())


def test_the_widths_are_divided_by_the_narrowing(encoder: Encoder, noisy: Picture) -> None:
    relus = [f"relu{block}_1" for block in range(1, 6)]
    features = dict(encoder(noisy(16, 16, 0), relus))
    assert [features[relu].shape[1] for relu in relus] == [width // 16 for width in WIDTHS]


@pytest.mark.parametrize("dtype", [torch.float32, BFLOAT16, torch.float64])
def test_features_have_the_encoders_number_format_and_the_mean_at_least_float32(
    dtype: torch.dtype, noisy: Picture
) -> None:
    encoder = narrow().place_on(CPU, dtype)
    features = dict(encoder(noisy(16, 16, 0).to(encoder.mean), ["relu2_1"]))["relu2_1"]
    assert encoder.dtype == features.dtype == dtype
    assert encoder.mean.dtype == torch.promote_types(dtype, torch.float32)
    assert encoder.fast is not None
    assert features.is_contiguous(memory_format=encoder.fast.layout)


@pytest.mark.bfloat16
def test_bfloat16_features_are_near_those_of_float32(encoder: Encoder, noisy: Picture) -> None:
    image = noisy(48, 48, 0)
    half = narrow()
    half.load_state_dict(encoder.state_dict())
    coarse = dict(half.place_on(CPU, torch.bfloat16)(image, ["relu4_1"]))["relu4_1"].float()
    fine = dict(encoder(image, ["relu4_1"]))["relu4_1"]
    assert (coarse - fine).norm() < 0.03 * fine.norm()


@pytest.mark.weights
def test_a_network_is_loaded_once_in_a_process() -> None:
    assert encoder_for(Settings()) is encoder_for(Settings(tv_weight=3))


@pytest.mark.weights
def test_the_bundled_network_takes_float32_and_avg_pooling() -> None:
    encoder = load_encoder("vgg19", "bundled", "torchvision", "avg", CPU, torch.float32)
    features = dict(encoder(torch.rand(1, 3, 32, 32), ["relu1_2", "pool1"]))
    expected = nn.functional.avg_pool2d(features["relu1_2"], 2)
    torch.testing.assert_close(features["pool1"], expected)


@pytest.mark.slow
@pytest.mark.weights
def test_the_bundled_network_does_not_wait_for_torchvision() -> None:
    program = (
        "import sys; from styletransfer.transfer.plan import Settings, encoder_for\n"
        "encoder_for(Settings(device='cpu'))\n"
        "assert not {'torchvision', 'torch._dynamo'} & set(sys.modules)"
    )
    assert run_python("-c", program).code == 0
