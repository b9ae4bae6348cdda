from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import conv2d

from styletransfer.errors import WeightsError
from styletransfer.settings import Settings
from styletransfer.vgg.checkpoints import LAYOUTS, Checkpoint, load_checkpoint
from styletransfer.vgg.encoder import Encoder, convolutions
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
    """A narrow network as its own layout has it, be that torchvision's or Caffe's."""
    generator = torch.Generator().manual_seed(0)
    state: State = {}
    for stem, (_, out_channels, in_channels) in convolutions(network, NARROWING).items():
        state[f"{stem}.weight"] = torch.randn(out_channels, in_channels, 3, 3, generator=generator)
        state[f"{stem}.bias"] = torch.randn(out_channels, generator=generator)
    return state


def as_keras(state: State, weight: str = "{}/kernel", bias: str = "{}/bias") -> State:
    """The tensors as Keras names and lays them out; ``{}`` is the layer's name."""
    renamed: State = {}
    network = "vgg19" if "features.34.weight" in state else "vgg16"
    for stem, convolution in convolutions(network, NARROWING).items():
        layer = convolution.name.replace("conv", "block").replace("_", "_conv")
        kernel = state[f"{stem}.weight"].permute(2, 3, 1, 0).contiguous()
        renamed[weight.replace("{}", layer)] = kernel
        renamed[bias.replace("{}", layer)] = state[f"{stem}.bias"]
    return renamed


def packed_state() -> State:
    """A narrow network in the form of the bundled file."""
    generator = torch.Generator().manual_seed(0)
    packed: State = {"mean": torch.tensor([0.1, 0.2, 0.3])}
    for stem, (_, out_channels, in_channels) in convolutions("vgg19", NARROWING).items():
        codes = torch.randint(256, (out_channels, in_channels, 3, 3), generator=generator)
        packed[f"{stem}.weight"] = codes.to(torch.uint8)
        packed[f"{stem}.codebook"] = torch.randn(256, generator=generator)
        packed[f"{stem}.bias"] = torch.randn(out_channels, generator=generator)
    return packed


def stored(state: State, folder: Path) -> Path:
    path = folder / "net.safetensors"
    save_file(state, path)
    return path


def refusal(source: Path | str, *arguments: Any) -> str:
    with pytest.raises(WeightsError) as caught:
        load(source, *arguments)
    message = str(caught.value)
    assert "\n" not in message
    assert str(source) in message
    return message


def test_the_layouts_are_those_that_the_settings_offer() -> None:
    assert get_args(get_type_hints(Settings)["weights_layout"]) == LAYOUTS


def test_a_torchvision_network_answers_as_it_did_to_normalized_rgb(tmp_path: Path) -> None:
    state, image = random_state(), torch.rand(1, 3, 8, 9)
    loaded, mean = load(stored(state, tmp_path), "torchvision")
    normalized = (image - TORCHVISION_MEAN.view(3, 1, 1)) / TORCHVISION_STD.view(3, 1, 1)
    expected = conv2d(normalized, state["features.0.weight"], padding=1)
    actual = conv2d(image - mean.view(3, 1, 1), loaded["features.0.weight"], padding=1)
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4)


def test_a_caffe_network_answers_as_it_did_to_bgr_from_0_to_255(tmp_path: Path) -> None:
    state, image = random_state(), torch.rand(1, 3, 8, 9)
    loaded, mean = load(stored(state, tmp_path), "caffe")
    bgr = (image * 255 - OXFORD_MEAN.view(3, 1, 1)).flip(1)
    expected = conv2d(bgr, state["features.0.weight"], padding=1)
    actual = conv2d(image - mean.view(3, 1, 1), loaded["features.0.weight"], padding=1)
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("layout", ["torchvision", "caffe"])
def test_only_the_first_weight_is_changed(layout: str, tmp_path: Path) -> None:
    state = random_state()
    loaded = load(stored(state, tmp_path), layout).state
    del state["features.0.weight"], loaded["features.0.weight"]
    torch.testing.assert_close(loaded, state, rtol=0, atol=0)


@pytest.mark.parametrize("network", ["vgg19", "vgg16"])
def test_one_network_in_every_layout_is_the_same_state(network: str, tmp_path: Path) -> None:
    caffe = random_state(network)
    first = caffe["features.0.weight"].flip(1) * 255 * TORCHVISION_STD.view(3, 1, 1)
    files = {
        "caffe": caffe,
        "keras": as_keras(caffe),
        "torchvision": caffe | {"features.0.weight": first},
    }
    loaded = [load(stored(files[layout], tmp_path), layout, network).state for layout in LAYOUTS]
    for state in loaded[1:]:
        torch.testing.assert_close(state, loaded[0])


@pytest.mark.parametrize(
    ("weight", "bias"),
    [
        ("{}_W", "{}_b"),
        ("{}_W:0", "{}_b:0"),
        ("{}/kernel", "{}/bias"),
        ("{}/kernel:0", "{}/bias:0"),
        ("{}.kernel", "{}.bias"),
        ("{}.weight", "{}.bias"),
        ("{}_kernel", "{}_bias"),
        ("{}/{}_W_1:0", "{}/{}_b_1:0"),
        ("{}/{}/kernel:0", "{}/{}/bias:0"),
    ],
)
def test_every_usual_spelling_of_keras_is_known(weight: str, bias: str, tmp_path: Path) -> None:
    state = random_state()
    expected = load(stored(state, tmp_path), "caffe")
    actual = load(stored(as_keras(state, weight, bias), tmp_path), "keras")
    torch.testing.assert_close(actual, expected, rtol=0, atol=0)


@pytest.mark.parametrize(("file", "wanted"), [("vgg19", "vgg16"), ("vgg16", "vgg19")])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_network_is_not_loaded_as_the_other(
    file: str, wanted: str, layout: str, tmp_path: Path
) -> None:
    state = random_state(file)
    path = stored(as_keras(state) if layout == "keras" else state, tmp_path)
    assert f"give a whole {wanted}" in refusal(path, layout, wanted)


@pytest.mark.parametrize(
    ("layout", "in_keras"), [("keras", False), ("torchvision", True), ("caffe", True)]
)
def test_the_wrong_layout_is_refused_with_the_choice(
    layout: str, in_keras: bool, tmp_path: Path
) -> None:
    state = random_state()
    message = refusal(stored(as_keras(state) if in_keras else state, tmp_path), layout)
    assert "has no weight of conv1_1" in message
    assert f"--weights-layout (torchvision, caffe, keras; now {layout})" in message


def test_a_layout_that_does_not_exist_is_refused() -> None:
    with pytest.raises(WeightsError, match="known are torchvision, caffe, keras"):
        load("net.pth", "onnx")


def test_classifiers_and_other_tensors_are_ignored(tmp_path: Path) -> None:
    state = random_state()
    others = {"classifier.0.weight": torch.zeros(2, 2), "features.99.bias": torch.zeros(2)}
    loaded = load(stored(state | others, tmp_path), "caffe").state
    assert loaded.keys() == state.keys()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_any_floating_point_becomes_float32(dtype: torch.dtype, tmp_path: Path) -> None:
    state = {key: value.to(dtype) for key, value in random_state().items()}
    loaded, mean = load(stored(state, tmp_path))
    assert {tensor.dtype for tensor in (*loaded.values(), mean)} == {torch.float32}


def test_parameters_lose_their_gradient(tmp_path: Path) -> None:
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
def test_a_state_that_does_not_fit_is_refused_by_layer(
    key: str, change: Callable[[Tensor], Tensor] | None, phrase: str, tmp_path: Path
) -> None:
    state = random_state()
    tensor = state.pop(key)
    if change is not None:
        state[key] = change(tensor).contiguous()
    assert phrase in refusal(stored(state, tmp_path))


def test_a_keras_kernel_of_another_rank_is_refused(tmp_path: Path) -> None:
    state = as_keras(random_state()) | {"block1_conv1/kernel": torch.zeros(3, 3)}
    assert "weight of conv1_1 of shape (3, 3)" in refusal(stored(state, tmp_path), "keras")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_packed_file_is_looked_up_in_its_codebooks_whatever_the_layout(
    layout: str, tmp_path: Path
) -> None:
    packed = packed_state()
    loaded, mean = load(stored(packed, tmp_path), layout)
    assert torch.equal(mean, packed["mean"])
    for stem in convolutions("vgg19"):
        codes, codebook = packed[f"{stem}.weight"].long(), packed[f"{stem}.codebook"]
        assert torch.equal(loaded[f"{stem}.weight"], codebook[codes])
        assert torch.equal(loaded[f"{stem}.bias"], packed[f"{stem}.bias"])


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


def test_torchvisions_own_weights_are_read_in_its_layout_whatever_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cache = tmp_path / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    torch.save(random_state(), cache / "vgg19-dcbb9e9d.pth")
    assert torch.equal(load("torchvision", "keras").mean, TORCHVISION_MEAN)


@pytest.mark.weights
def test_the_bundled_weights_are_those_of_a_whole_vgg19() -> None:
    state, mean = load("bundled", narrowing=1)
    assert len(state) == 2 * 16
    assert all(len(weight.unique()) <= 256 for weight in state.values() if weight.ndim == 4)
    torch.testing.assert_close(mean, OXFORD_MEAN / 255)


@pytest.mark.weights
def test_the_bundled_file_given_by_its_path_is_the_same() -> None:
    named, by_path = load("bundled", narrowing=1), load(BUNDLED_PATH, "keras", narrowing=1)
    torch.testing.assert_close(by_path, named, rtol=0, atol=0)


@pytest.mark.weights
def test_the_bundled_network_sees_something_in_every_layer() -> None:
    encoder = Encoder("vgg19", load("bundled", narrowing=1))
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    features = dict(encoder(image, [name for name in encoder.names if name.startswith("relu")]))
    active = [float((values > 0).float().mean()) for values in features.values()]
    assert len(active) == 16
    assert 0.01 < min(active) <= max(active) < 0.99


@pytest.mark.weights
def test_the_bundled_file_names_its_authors_and_licence() -> None:
    with safe_open(BUNDLED_PATH, "pt") as file:
        metadata = file.metadata()
    assert "Simonyan" in metadata["origin"]
    assert "creativecommons.org/licenses/by/4.0" in metadata["licence"]
