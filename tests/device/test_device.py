import pytest
import torch

from styletransfer.device.device import (
    choose_device,
    choose_precision,
    explain,
    prefers_winograd,
    set_threads,
    tune,
)
from styletransfer.errors import DeviceError

CPU = torch.device("cpu")


def machine(monkeypatch: pytest.MonkeyPatch, cuda: int = 0, mps: bool = False) -> None:
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
def test_a_name_becomes_a_device_that_is_there(
    cuda: int, mps: bool, name: str, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(monkeypatch, cuda, mps)
    assert choose_device(name) == torch.device(device)


@pytest.mark.parametrize(
    ("cuda", "mps", "name", "present"),
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
def test_an_absent_device_is_an_error_that_names_the_present_ones(
    cuda: int, mps: bool, name: str, present: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(monkeypatch, cuda, mps)
    with pytest.raises(DeviceError) as caught:
        choose_device(name)
    expected = f"device {name!r} is not available; this machine has {present}"
    assert str(caught.value) == expected


@pytest.mark.parametrize("device", ["cpu", "cuda:0", "mps"])
def test_a_precision_that_is_named_is_taken(device: str) -> None:
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
def test_a_processor_is_given_bfloat16_only_if_it_computes_it(
    amx: bool, avx512: bool, expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512, raising=False)
    assert choose_precision("auto", CPU).dtype == expected


@pytest.mark.parametrize(
    ("amx", "avx512", "says"),
    [(True, True, "by AMX"), (False, True, "by AVX512-BF16"), (False, False, "nothing here")],
)
def test_the_choice_of_a_precision_names_its_reason(
    amx: bool, avx512: bool, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512, raising=False)
    assert says in choose_precision("auto", CPU).reason
    assert choose_precision("float32", CPU).reason == "as asked for"
    assert choose_precision("bfloat16", CPU).name == "bfloat16"


@pytest.mark.parametrize(("device", "tried"), [("cpu", False), ("mps", False), ("cuda:0", True)])
def test_cudnn_tries_its_convolutions_only_on_a_card(
    device: str, tried: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", False)
    tune(torch.device(device))
    assert torch.backends.cudnn.benchmark is tried


def test_threads_are_set_only_if_asked_for() -> None:
    before = torch.get_num_threads()
    set_threads(None)
    assert torch.get_num_threads() == before
    try:
        set_threads(before + 1)
        assert explain("float32", CPU) == f" (as asked for), threads: {before + 1}"
    finally:
        torch.set_num_threads(before)


def test_a_torch_that_cannot_tell_gets_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    for check in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        monkeypatch.delattr(torch.cpu, check, raising=False)
    assert choose_precision("auto", CPU).dtype == torch.float32


@pytest.mark.parametrize(
    ("capability", "expected"),
    [((7, 5), torch.float32), ((8, 0), torch.bfloat16), ((9, 0), torch.bfloat16)],
)
def test_a_gpu_is_given_bfloat16_from_ampere_on(
    capability: tuple[int, int], expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    assert choose_precision("auto", torch.device("cuda:0")).dtype == expected


def test_mps_is_given_float32() -> None:
    assert choose_precision("auto", torch.device("mps")).dtype == torch.float32


@pytest.mark.parametrize(
    ("device", "amx", "dtype", "expected"),
    [
        ("cpu", False, torch.float32, True),
        ("cpu", False, torch.bfloat16, True),
        ("cpu", True, torch.float32, True),
        ("cpu", True, torch.bfloat16, False),
        ("mps", False, torch.float32, False),
        ("cuda:0", False, torch.float32, False),
    ],
)
def test_products_are_slow_on_processors_but_for_bfloat16_by_amx(
    device: str,
    amx: bool,
    dtype: torch.dtype,
    expected: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True, raising=False)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (8, 0))
    assert prefers_winograd(torch.device(device), dtype) is expected
