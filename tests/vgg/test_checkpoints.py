from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import conv2d

from styletransfer.choices import WeightsLayout
from styletransfer.errors import WeightsError
from styletransfer.vgg.architecture import convolutions
from styletransfer.vgg.checkpoints import LAYOUTS, Checkpoint, load_checkpoint
from styletransfer.vgg.encoder import Encoder
from styletransfer.vgg.weight_files import BUNDLED_PATH

State = dict[str, Tensor]

NARROWING = 16
TORCHVISION_MEAN = torch.tensor([0.485, 0.456, 0.406])
TORCHVISION_STD = torch.tensor([0.229, 0.224, 0.225])
OXFORD_MEAN = torch.tensor([123.68, 116.779, 103.939])


def load(
    source: Path | str,
    layout: str = "torchvision",
    network: str = "vgg19",
    narrowing: int = NARROWING,
) -> Checkpoint:
    return load_checkpoint(
        str(source),
        network=network,
        layout=layout,
        convolutions=convolutions(network, narrowing),
    )


def random_state(network: str = "vgg19") -> State:
    """The random weights of a narrow network, with the keys of a weights file."""
    generator = torch.Generator().manual_seed(0)
    state: State = {}
    for stem, layer in convolutions(network, NARROWING).items():
        shape = (layer.out_channels, layer.in_channels, 3, 3)
        state[f"{stem}.weight"] = torch.randn(shape, generator=generator)
        state[f"{stem}.bias"] = torch.randn(layer.out_channels, generator=generator)
    return state


def packed_state() -> State:
    """The random weights of a narrow network, in the format of the bundled file."""
    generator = torch.Generator().manual_seed(0)
    packed: State = {"mean": torch.tensor([0.1, 0.2, 0.3])}
    for stem, layer in convolutions("vgg19", NARROWING).items():
        shape = (layer.out_channels, layer.in_channels, 3, 3)
        codes = torch.randint(256, shape, generator=generator)
        packed[f"{stem}.weight"] = codes.to(torch.uint8)
        packed[f"{stem}.codebook"] = torch.randn(256, generator=generator)
        packed[f"{stem}.bias"] = torch.randn(layer.out_channels, generator=generator)
    return packed


def stored(state: State, folder: Path) -> Path:
    path = folder / "net.safetensors"
    save_file(state, path)
    return path


def first_features(loaded: Checkpoint, image: Tensor) -> Tensor:
    """The activations of conv1_1 without its bias."""
    return conv2d(image - loaded.mean.view(3, 1, 1), loaded.state["features.0.weight"], padding=1)


def refusal(source: Path | str, *arguments: Any) -> str:
    with pytest.raises(WeightsError) as caught:
        load(source, *arguments)
    message = str(caught.value)
    assert "\n" not in message
    assert str(source) in message
    return message


def test_the_layouts_are_the_choices_of_the_setting() -> None:
    assert get_args(WeightsLayout) == LAYOUTS


def test_torchvision_weights_give_the_features_of_normalized_rgb(tmp_path: Path) -> None:
    state, image = random_state(), torch.rand(1, 3, 8, 9)
    loaded = load(stored(state, tmp_path), "torchvision")
    normalized = (image - TORCHVISION_MEAN.view(3, 1, 1)) / TORCHVISION_STD.view(3, 1, 1)
    expected = conv2d(normalized, state["features.0.weight"], padding=1)
    actual = first_features(loaded, image)
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4)


def test_caffe_weights_give_the_features_of_bgr_from_0_to_255(tmp_path: Path) -> None:
    state, image = random_state(), torch.rand(1, 3, 8, 9)
    loaded = load(stored(state, tmp_path), "caffe")
    bgr = (image * 255 - OXFORD_MEAN.view(3, 1, 1)).flip(1)
    expected = conv2d(bgr, state["features.0.weight"], padding=1)
    actual = first_features(loaded, image)
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("layout", ["torchvision", "caffe"])
def test_only_the_first_convolution_is_converted(layout: str, tmp_path: Path) -> None:
    state = random_state()
    loaded = load(stored(state, tmp_path), layout).state
    del state["features.0.weight"], loaded["features.0.weight"]
    torch.testing.assert_close(loaded, state, rtol=0, atol=0)


@pytest.mark.parametrize("network", ["vgg19", "vgg16"])
def test_the_same_network_in_both_layouts_loads_as_the_same_state(
    network: str, tmp_path: Path
) -> None:
    caffe = random_state(network)
    first = caffe["features.0.weight"].flip(1) * 255 * TORCHVISION_STD.view(3, 1, 1)
    files = {
        "caffe": caffe,
        "torchvision": caffe | {"features.0.weight": first},
    }
    states = [load(stored(files[layout], tmp_path), layout, network).state for layout in LAYOUTS]
    torch.testing.assert_close(states[0], states[1])


@pytest.mark.parametrize(("stored_network", "network"), [("vgg19", "vgg16"), ("vgg16", "vgg19")])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_network_is_not_loaded_as_the_other(
    stored_network: str, network: str, layout: str, tmp_path: Path
) -> None:
    path = stored(random_state(stored_network), tmp_path)
    message = refusal(path, layout, network)
    assert f"pass a complete {network} state dict" in message
    assert f"--weights-layout (torchvision or caffe; now {layout})" in message


def test_an_unknown_layout_is_refused() -> None:
    with pytest.raises(WeightsError, match="known are torchvision, caffe"):
        load("net.pth", "onnx")


def test_classifiers_and_other_tensors_are_ignored(tmp_path: Path) -> None:
    state = random_state()
    others = {"classifier.0.weight": torch.zeros(2, 2), "features.99.bias": torch.zeros(2)}
    loaded = load(stored(state | others, tmp_path), "caffe").state
    assert loaded.keys() == state.keys()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_any_floating_point_format_becomes_float32(dtype: torch.dtype, tmp_path: Path) -> None:
    state = {key: value.to(dtype) for key, value in random_state().items()}
    loaded = load(stored(state, tmp_path))
    assert {tensor.dtype for tensor in (*loaded.state.values(), loaded.mean)} == {torch.float32}


def test_parameters_become_plain_tensors(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    torch.save({key: torch.nn.Parameter(value) for key, value in random_state().items()}, path)
    assert not any(tensor.requires_grad for tensor in load(path).state.values())


@pytest.mark.parametrize(
    ("key", "change", "phrase"),
    [
        ("features.28.weight", None, "has no weight of conv5_1"),
        ("features.34.bias", None, "has no bias of conv5_4"),
        (
            "features.0.weight",
            lambda weight: weight[:, :1],
            "has a weight of conv1_1 of shape (4, 1, 3, 3), not (4, 3, 3, 3)",
        ),
        (
            "features.2.bias",
            lambda bias: bias[:3],
            "has a bias of conv1_2 of shape (3,), not (4,)",
        ),
        ("features.5.weight", lambda weight: weight.int(), "torch.int32 instead of floating-point"),
        ("features.7.weight", lambda weight: weight / 0, "weight of conv2_2 is not finite"),
        ("features.7.bias", lambda bias: bias * torch.nan, "bias of conv2_2 is not finite"),
        ("features.7.bias", lambda bias: bias.double() * 1e300, "bias of conv2_2 is not finite"),
    ],
)
def test_a_tensor_that_does_not_fit_is_refused_with_its_layer(
    key: str, change: Callable[[Tensor], Tensor] | None, phrase: str, tmp_path: Path
) -> None:
    state = random_state()
    tensor = state.pop(key)
    if change is not None:
        state[key] = change(tensor).contiguous()
    assert phrase in refusal(stored(state, tmp_path))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_packed_file_is_unpacked_whatever_the_layout(layout: str, tmp_path: Path) -> None:
    packed = packed_state()
    loaded = load(stored(packed, tmp_path), layout)
    assert torch.equal(loaded.mean, packed["mean"])
    for stem in convolutions("vgg19"):
        codes, codebook = packed[f"{stem}.weight"].long(), packed[f"{stem}.codebook"]
        assert torch.equal(loaded.state[f"{stem}.weight"], codebook[codes])
        assert torch.equal(loaded.state[f"{stem}.bias"], packed[f"{stem}.bias"])


@pytest.mark.parametrize(
    ("key", "change", "phrase"),
    [
        ("mean", None, "has no mean"),
        ("mean", lambda mean: mean * torch.nan, "its mean is not finite"),
        ("features.5.weight", None, "has no codebook or no codes for conv2_1"),
        ("features.5.codebook", None, "has no codebook or no codes for conv2_1"),
        ("features.5.codebook", lambda book: book[:16], "no 256-entry codebook for conv2_1"),
        ("features.5.weight", lambda codes: codes.float(), "no 256-entry codebook for conv2_1"),
        ("features.5.weight", lambda codes: codes[:1], "weight of conv2_1 of shape (1, 4, 3, 3)"),
        ("features.5.codebook", lambda book: book.long(), "torch.int64 instead of floating-point"),
        ("features.5.bias", None, "has no bias of conv2_1"),
    ],
)
def test_a_packed_file_that_does_not_fit_is_refused(
    key: str, change: Callable[[Tensor], Tensor] | None, phrase: str, tmp_path: Path
) -> None:
    packed = packed_state()
    tensor = packed.pop(key)
    if change is not None:
        packed[key] = change(tensor).contiguous()
    assert phrase in refusal(stored(packed, tmp_path))


def test_the_weights_of_torchvision_are_read_in_its_layout_whatever_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cache = tmp_path / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    torch.save(random_state(), cache / "vgg19-dcbb9e9d.pth")
    assert torch.equal(load("torchvision", "caffe").mean, TORCHVISION_MEAN)


@pytest.mark.weights
def test_the_bundled_weights_are_a_complete_vgg19() -> None:
    loaded = load("bundled", narrowing=1)
    assert len(loaded.state) == 2 * 16
    assert all(len(weight.unique()) <= 256 for weight in loaded.state.values() if weight.ndim == 4)
    torch.testing.assert_close(loaded.mean, OXFORD_MEAN / 255)


@pytest.mark.weights
def test_the_bundled_file_given_by_its_path_loads_the_same() -> None:
    named, by_path = load("bundled", narrowing=1), load(BUNDLED_PATH, "caffe", narrowing=1)
    torch.testing.assert_close(by_path.state, named.state, rtol=0, atol=0)
    assert torch.equal(by_path.mean, named.mean)


@pytest.mark.weights
def test_every_relu_of_the_bundled_network_is_active_somewhere() -> None:
    encoder = Encoder("vgg19", load("bundled", narrowing=1))
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    features = dict(encoder(image, [name for name in encoder.names if name.startswith("relu")]))
    active = [float((values > 0).float().mean()) for values in features.values()]
    assert len(active) == 16
    assert 0.01 < min(active) <= max(active) < 0.99


@pytest.mark.weights
def test_the_bundled_file_states_its_authors_and_licence() -> None:
    with safe_open(BUNDLED_PATH, "pt") as file:
        metadata = file.metadata()
    assert "Simonyan" in metadata["origin"]
    assert "creativecommons.org/licenses/by/4.0" in metadata["licence"]
