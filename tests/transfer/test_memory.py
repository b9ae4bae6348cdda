"""How much memory a run needs."""

import sys
from dataclasses import replace

import pytest
import torch

from styletransfer.transfer.memory import estimate_memory, wanted_pairs
from styletransfer.transfer.plan import RunPlan
from tests.support.commands import run_python
from tests.support.plans import plan

PRECISIONS = (torch.float32, torch.bfloat16)

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


# The estimate


@pytest.mark.parametrize(
    ("more", "less"),
    [
        (plan(), plan(dtype=torch.bfloat16)),
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
    for dtype in PRECISIONS:
        estimates = [estimate_memory(plan(dtype=dtype), size) for size in range(16, 2048, 16)]
        assert estimates == sorted(estimates)


# Tiles and pairs


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("size", [2048, 8192])
def test_the_smaller_the_tiles_of_a_large_result_the_less_it_needs(
    size: int, dtype: torch.dtype
) -> None:
    sides = (512, 256, 128)
    whole, *tiled = (estimate_memory(plan(dtype=dtype), size, tile) for tile in (None, *sides))
    assert whole > tiled[0] > tiled[1] > tiled[2]


def test_tiles_limit_the_memory_of_a_large_style_too() -> None:
    large = plan(style_scale=4)
    assert estimate_memory(large, 1024, 256) < estimate_memory(large, 1024) / 2


def test_each_pair_is_two_images_in_float32() -> None:
    for tile in (None, 256):
        needs = [estimate_memory(plan(), 1024, tile, pairs) for pairs in (2, 5)]
        padded = 1024 * 688  # of 1024×683 pixels
        assert needs[1] - needs[0] == 3 * 2 * 3 * 4 * padded


def test_without_a_count_all_the_pairs_that_lbfgs_wants_are_estimated() -> None:
    pairs = wanted_pairs(plan())
    assert pairs > 2
    assert estimate_memory(plan(), 1024) == estimate_memory(plan(), 1024, pairs=pairs)


def test_adam_keeps_no_pairs() -> None:
    assert wanted_pairs(plan(optimizer="adam")) == 0


# What a run takes

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
