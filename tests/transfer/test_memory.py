import re
import sys
from dataclasses import replace

import pytest
import torch

from styletransfer.device.device import Precision
from styletransfer.errors import DeviceError
from styletransfer.settings import Settings
from styletransfer.transfer.memory import (
    check_memory,
    estimate_memory,
    explain_out_of_memory,
    largest_size,
)
from styletransfer.transfer.plan import RunPlan
from styletransfer.transfer.pyramid import Scale, plan_scales
from tests.support.commands import run_python

CPU, MPS = torch.device("cpu"), torch.device("mps")

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def plan(
    dtype: torch.dtype = torch.float32, device: torch.device = CPU, **values: object
) -> RunPlan:
    """A run of a content of 600×400 pixels and a style of 300×300."""
    settings = Settings().with_values(values)
    return RunPlan(
        content=(600, 400),
        styles=((300, 300),),
        settings=settings,
        scales=tuple(plan_scales(600, 400, settings)),
        device=device,
        precision=Precision(dtype, "for the test"),
    )


# The estimate


@pytest.mark.parametrize(
    ("more", "less"),
    [
        (plan(), plan(torch.bfloat16)),
        (plan(), plan(optimizer="adam")),
        (plan(iterations=[90]), plan(iterations=[30])),
        (plan(style_scale=3), plan()),
    ],
)
def test_a_run_that_needs_more_is_estimated_higher(more: RunPlan, less: RunPlan) -> None:
    assert estimate_memory(more, 512) > estimate_memory(less, 512)


def test_each_pixel_of_the_inputs_as_they_were_read_counts() -> None:
    small = plan()
    large = replace(small, content=(6000, 4000), styles=((3000, 3000),))
    pixels = (6000 * 4000 - 600 * 400) + (3000 * 3000 - 300 * 300)
    assert estimate_memory(large, 512) - estimate_memory(small, 512) == 16 * pixels


def test_a_larger_result_is_never_estimated_lower() -> None:
    for dtype in (torch.float32, torch.bfloat16):
        estimates = [estimate_memory(plan(dtype), size) for size in range(16, 2048, 16)]
        assert estimates == sorted(estimates)


MEASURE = """
import re, sys
from pathlib import Path
import torch
from styletransfer import Settings, stylize
from styletransfer.device.device import retain_memory
from styletransfer.transfer.memory import estimate_memory
from styletransfer.transfer.plan import plan_run

def peak():
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) << 10

retain_memory()
before = peak()
precision, size, width, height = sys.argv[1], *map(int, sys.argv[2:])
settings = Settings(
    size=size, min_size=size, iterations=(12,), precision=precision, device="cpu"
)
content, style = torch.rand(1, 3, height, width), torch.rand(1, 3, 384, 512)
stylize(content, style, settings)
taken = peak() - before
print(estimate_memory(plan_run((width, height), [(512, 384)], settings), size) / taken)
"""


@linux
@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.parametrize(
    "precision", ["float32", pytest.param("bfloat16", marks=pytest.mark.bfloat16)]
)
@pytest.mark.parametrize(
    ("size", "width", "height"), [(512, 512, 384), (64, 512, 384), (256, 4000, 3000)]
)
def test_the_estimate_is_near_the_peak_of_a_run(
    precision: str, size: int, width: int, height: int
) -> None:
    ran = run_python("-c", MEASURE, precision, str(size), str(width), str(height))
    assert ran.code == 0, ran.err
    assert 0.9 < float(ran.out) < 1.4


# The largest size that fits


def test_it_is_the_largest_multiple_of_64() -> None:
    free = estimate_memory(plan(), 1000)
    size = largest_size(plan(), 4096, free)
    assert size == 960
    assert estimate_memory(plan(), size) <= free < estimate_memory(plan(), size + 64)


def test_it_is_below_the_size_that_does_not_fit() -> None:
    assert largest_size(plan(), 512, sys.maxsize) == 448
    assert largest_size(plan(), 500, sys.maxsize) == 448


def test_it_is_0_where_nothing_fits() -> None:
    assert largest_size(plan(), 512, 1) == 0


# Before the run


def test_a_run_that_needs_more_than_is_free_is_refused_with_a_size_that_fits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Other processes change what is free from one call to the next.
    monkeypatch.setattr("styletransfer.transfer.memory.free_memory", lambda _: 8_000_000_000)
    with pytest.raises(DeviceError) as caught:
        check_memory(plan(size=65_535))
    found = re.fullmatch(
        r"out of memory at 65535×43690 on cpu: it needs about [\d.]+ GB, 8.0 GB are free; "
        r"--size (\d+) should fit",
        str(caught.value),
    )
    assert found
    check_memory(plan(size=int(found[1])))


def test_a_run_that_fits_is_not_refused() -> None:
    check_memory(plan(size=64))


def test_nothing_is_refused_where_free_memory_is_unknown() -> None:
    check_memory(plan(size=65_535, device=MPS))


# During the run


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        MemoryError("Unable to allocate 3.2 GiB for an array"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate"),
        RuntimeError("MPS backend out of memory (MPS allocated: 18.13 GB)"),
        RuntimeError("std::bad_alloc"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
    ],
)
def test_a_failed_allocation_names_the_current_size_and_a_smaller_one(error: Exception) -> None:
    with (
        pytest.raises(DeviceError) as caught,
        explain_out_of_memory(plan(device=MPS), lambda: Scale(600, 400, 1)),
    ):
        raise error
    assert str(caught.value) == "out of memory at 600×400 on mps; --size 448 should fit"


@pytest.mark.parametrize("error", [RuntimeError("shapes do not match"), ValueError("alloc")])
def test_any_other_error_passes(error: Exception) -> None:
    with (
        pytest.raises(type(error), match=str(error)),
        explain_out_of_memory(plan(), lambda: Scale(600, 400, 1)),
    ):
        raise error


OUT_OF_MEMORY = """
import resource
import torch
from styletransfer import DeviceError, Settings, stylize
from styletransfer.vgg.encoder import Encoder

encoder = Encoder(narrowing=16).place_on(torch.device("cpu"), torch.float32)
picture = torch.rand(1, 3, 20, 30)
stylize(picture, picture, Settings(size=30, iterations=(1,)), encoder=encoder)
with open("/proc/self/status") as file:
    (size,) = [line.split()[1] for line in file if line.startswith("VmSize")]
limit = (int(size) << 10) + (300 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    stylize(picture, picture, Settings(size=2000, iterations=(1,)), encoder=encoder)
except DeviceError as error:
    print(error)
"""


@linux
@pytest.mark.slow
def test_a_run_that_runs_out_of_memory_ends_with_one_line() -> None:
    ran = run_python("-c", OUT_OF_MEMORY)
    assert ran.code == 0, ran.err
    remedy = r"(--size \d+ should fit|free some memory, or reduce --size or --style-scale)"
    assert re.fullmatch(rf"out of memory at \d+×\d+ on cpu; {remedy}\n", ran.out)
