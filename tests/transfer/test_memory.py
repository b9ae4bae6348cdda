"""How much memory a run takes, and what is said where that is too much."""

import re
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from styletransfer.errors import DeviceError
from styletransfer.settings import Settings
from styletransfer.transfer.memory import (
    Extent,
    RunShape,
    check_memory,
    estimate_memory,
    explain_out_of_memory,
    largest_size,
)
from styletransfer.transfer.pyramid import Scale

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")
MIB = 1 << 20

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def work(
    precision: str = "float32", width: int = 600, height: int = 400, **values: object
) -> RunShape:
    settings = Settings().with_values(values)
    return RunShape(Extent(width, height), [Extent(300, 300)], settings, precision)


def python(program: str, *arguments: str) -> str:
    """The stdout of a fresh process on one core, which must exit with 0."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *arguments],
        cwd=ROOT,
        env={"OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# The forecast


@linux
@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.parametrize(
    ("precision", "optimizer"),
    [
        pytest.param("bfloat16", "lbfgs", marks=pytest.mark.bfloat16),
        ("float32", "adam"),
    ],
)
def test_the_forecast_is_a_little_below_the_truth(precision: str, optimizer: str) -> None:
    program = """
        import re, sys
        from pathlib import Path
        import torch
        from styletransfer.settings import Settings
        from styletransfer.transfer.memory import Extent, Work, need
        from styletransfer.device.device import retain_memory
        from styletransfer.transfer.stylize import encoder_for, stylize

        def peak():
            status = Path("/proc/self/status").read_text()
            return int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) << 10

        retain_memory()
        precision, optimizer = sys.argv[1:]
        before = peak()
        settings = Settings(
            size=512, min_size=512, iterations=(1,), optimizer=optimizer, precision=precision,
            device="cpu",
        )
        picture = torch.rand(1, 3, 384, 512)
        stylize(picture, picture, settings)
        taken = peak() - before
        extent, minimal = Extent(512, 384), encoder_for(settings).use_winograd
        print(need(Work(extent, [extent], settings, precision, minimal), 512) / taken)
    """
    assert 0.67 < float(python(program, precision, optimizer)) <= 1


# A size that fits


def test_the_size_that_should_fit_is_the_largest_multiple_of_64() -> None:
    room = estimate_memory(work(), 1000)
    size = largest_size(work(), 4096, room)

    assert size == 960
    assert estimate_memory(work(), size) <= room < estimate_memory(work(), size + 64)


def test_the_size_that_should_fit_is_below_the_one_that_does_not() -> None:
    assert largest_size(work(), 512, sys.maxsize) == 448
    assert largest_size(work(), 500, sys.maxsize) == 448


def test_where_nothing_fits_there_is_no_such_size() -> None:
    assert largest_size(work(), 512, 1) == 0


# Before the work


@linux
def test_a_run_that_takes_more_than_there_is_is_refused_with_a_size_that_fits() -> None:
    asked = work(size=65_535)

    with pytest.raises(DeviceError) as caught:
        check_memory(asked, CPU)

    line = str(caught.value)
    found = re.fullmatch(
        r"out of memory at 65535×43690 on cpu: it takes about [\d.]+ GB and [\d.]+ GB are free; "
        r"--size (\d+) should fit",
        line,
    )
    assert found
    check_memory(asked._replace(settings=replace(asked.settings, size=int(found[1]))), CPU)


def test_a_run_that_fits_is_not_refused() -> None:
    check_memory(work(size=64), CPU)


def test_where_nobody_can_tell_nothing_is_refused() -> None:
    check_memory(work(size=65_535), torch.device("mps"))


# When it happens all the same


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
def test_a_failed_allocation_is_told_with_the_size_at_work(error: Exception) -> None:
    with (
        pytest.raises(DeviceError) as caught,
        explain_out_of_memory(work(), torch.device("mps"), lambda: Scale(600, 400, 1)),
    ):
        raise error

    assert str(caught.value) == "out of memory at 600×400 on mps; --size 448 should fit"


@pytest.mark.parametrize("error", [RuntimeError("shapes do not match"), ValueError("alloc")])
def test_any_other_error_passes(error: Exception) -> None:
    with (
        pytest.raises(type(error), match=str(error)),
        explain_out_of_memory(work(), CPU, lambda: Scale(600, 400, 1)),
    ):
        raise error


@linux
@pytest.mark.slow
def test_a_run_that_runs_out_of_memory_says_so_in_one_line() -> None:
    program = """
        import resource, sys
        import torch
        from styletransfer.settings import Settings
        from styletransfer.vgg.encoder import Encoder
        from styletransfer.errors import DeviceError
        from styletransfer.transfer.stylize import stylize

        encoder = Encoder(narrowing=16).place(torch.device("cpu"), torch.float32)
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
    line = python(program)

    remedy = r"(--size \d+ should fit|free some memory, or take another machine)"
    assert re.fullmatch(rf"out of memory at \d+×\d+ on cpu; {remedy}\n", line)
