import pytest
import torch

from styletransfer.device.device import (
    _has_nnpack,
    choose_convolution,
    choose_device,
    choose_precision,
    explain,
    set_threads,
    tune,
)
from styletransfer.errors import DeviceError

CPU = torch.device("cpu")


def set_devices(monkeypatch: pytest.MonkeyPatch, cuda: int, mps: bool) -> None:
    """Pretend that the machine has so many CUDA devices, and MPS or not."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "name", "device"),
    [
        (0, False, "auto", "cpu"),
        (0, True, "auto", "mps"),
        (2, False, "auto", "cuda:0"),
        (2, True, "auto", "cuda:0"),
        (2, False, "cpu", "cpu"),
        (2, False, "cuda", "cuda:0"),
        (2, False, "cuda:1", "cuda:1"),
        (0, True, "mps", "mps"),
    ],
)
def test_a_name_is_resolved_to_an_available_device(
    cuda: int, mps: bool, name: str, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_devices(monkeypatch, cuda, mps)
    assert choose_device(name) == torch.device(device)


@pytest.mark.parametrize(
    ("cuda", "mps", "name", "available"),
    [
        (0, False, "cuda", "cpu"),
        (0, False, "mps", "cpu"),
        (0, True, "cuda:0", "cpu, mps"),
        (2, False, "cuda:2", "cpu, cuda:1, cuda:0"),
        (2, False, "gpu", "cpu, cuda:1, cuda:0"),
        (0, False, "", "cpu"),
        (0, False, "CPU", "cpu"),
    ],
)
def test_the_message_about_a_missing_device_lists_the_available_ones(
    cuda: int, mps: bool, name: str, available: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_devices(monkeypatch, cuda, mps)
    with pytest.raises(DeviceError) as caught:
        choose_device(name)
    expected = f"device {name!r} is not available; this machine has {available}"
    assert str(caught.value) == expected


@pytest.mark.parametrize("device", ["cpu", "cuda:0", "mps"])
def test_a_requested_precision_is_used(device: str) -> None:
    assert choose_precision("float32", torch.device(device)).dtype == torch.float32
    assert choose_precision("bfloat16", torch.device(device)).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("amx", "avx512", "expected"),
    [
        (True, False, torch.bfloat16),
        (False, True, torch.bfloat16),
        (False, False, torch.float32),
    ],
)
def test_bfloat16_is_chosen_if_the_processor_computes_it_natively(
    amx: bool, avx512: bool, expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512, raising=False)
    assert choose_precision("auto", CPU).dtype == expected


@pytest.mark.parametrize(
    ("amx", "avx512", "phrase"),
    [
        (True, True, "natively by AMX"),
        (False, True, "natively by AVX512-BF16"),
        (False, False, "no native bfloat16"),
    ],
)
def test_a_precision_has_the_reason_of_its_choice(
    amx: bool, avx512: bool, phrase: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512, raising=False)
    assert phrase in choose_precision("auto", CPU).reason
    assert choose_precision("float32", CPU).reason == "as requested"
    assert choose_precision("bfloat16", CPU).name == "bfloat16"


@pytest.mark.parametrize(("device", "expected"), [("cpu", False), ("mps", False), ("cuda:0", True)])
def test_cudnn_benchmarks_its_algorithms_only_on_cuda(
    device: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", False)
    tune(torch.device(device))
    assert torch.backends.cudnn.benchmark is expected


def test_the_number_of_threads_is_set_only_if_given() -> None:
    before = torch.get_num_threads()
    set_threads(None)
    assert torch.get_num_threads() == before
    try:
        set_threads(before + 1)
        assert explain("float32", CPU) == f" (as requested), threads: {before + 1}"
    finally:
        torch.set_num_threads(before)


def test_float32_is_chosen_if_torch_cannot_query_the_processor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for check in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        monkeypatch.delattr(torch.cpu, check, raising=False)
    assert choose_precision("auto", CPU).dtype == torch.float32


@pytest.mark.parametrize(
    ("capability", "expected"),
    [((7, 5), torch.float32), ((8, 0), torch.bfloat16), ((9, 0), torch.bfloat16)],
)
def test_bfloat16_is_chosen_on_gpus_from_ampere_on(
    capability: tuple[int, int], expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    assert choose_precision("auto", torch.device("cuda:0")).dtype == expected


def test_float32_is_chosen_on_mps() -> None:
    assert choose_precision("auto", torch.device("mps")).dtype == torch.float32


@pytest.mark.parametrize(
    ("device", "amx", "nnpack", "dtype", "expected"),
    [
        ("cpu", False, True, torch.float32, "nnpack"),
        ("cpu", False, False, torch.float32, "direct"),
        ("cpu", True, True, torch.float32, "nnpack"),
        ("cpu", False, True, torch.float64, "direct"),
        ("cpu", False, True, torch.bfloat16, "winograd"),
        ("cpu", True, True, torch.bfloat16, "direct"),
        ("mps", False, True, torch.float32, "direct"),
        ("cuda:0", False, True, torch.float32, "direct"),
    ],
)
def test_convolutions_go_the_fastest_way_that_the_machine_has(
    device: str,
    amx: bool,
    nnpack: bool,
    dtype: torch.dtype,
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True, raising=False)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (8, 0))
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(torch.backends.nnpack, "is_available", lambda: nnpack)
    _has_nnpack.cache_clear()
    assert choose_convolution(torch.device(device), dtype) == expected
    _has_nnpack.cache_clear()


def test_without_nnpacks_private_name_convolutions_go_the_plain_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(torch, "_nnpack_spatial_convolution", raising=False)
    _has_nnpack.cache_clear()
    assert choose_convolution(torch.device("cpu"), torch.float32) == "direct"
    _has_nnpack.cache_clear()
