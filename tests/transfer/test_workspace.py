"""How a run is made to fit into memory, and refused if it cannot."""

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from styletransfer.device.free_memory import free_memory, resident_memory
from styletransfer.errors import DeviceError, ShortageError
from styletransfer.settings import Settings
from styletransfer.transfer.memory import estimate_memory, wanted_pairs
from styletransfer.transfer.plan import plan_run
from styletransfer.transfer.pyramid import Scale
from styletransfer.transfer.stylize import stylize
from styletransfer.transfer.workspace import (
    Workspace,
    check_memory,
    choose_workspace,
    describe_workspace,
    explain_out_of_memory,
    largest_size,
    memory_budget,
)
from styletransfer.vgg.encoder import Encoder
from tests.support.commands import run_python
from tests.support.plans import plan

Picture = Callable[[int, int, int], Tensor]

CPU, MPS = torch.device("cpu"), torch.device("mps")

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


# The budget


@linux
@pytest.mark.parametrize(("text", "size"), [("64GB", 64_000_000_000), ("64GiB", 1 << 36)])
def test_the_largest_total_leaves_what_the_process_does_not_hold_yet(
    text: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("styletransfer.transfer.workspace.free_memory", lambda _: 1 << 50)
    budget = memory_budget(Settings(max_memory=text), CPU)
    assert budget == pytest.approx(size - resident_memory(), abs=1 << 26)


def test_a_total_beyond_what_is_free_is_limited_to_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("styletransfer.transfer.workspace.free_memory", lambda _: 1000)
    assert memory_budget(Settings(max_memory="64GB"), CPU) == 1000


def test_a_total_below_what_the_process_holds_leaves_nothing() -> None:
    assert memory_budget(Settings(max_memory="0MB"), CPU) == 0


@linux
def test_without_a_total_a_run_takes_most_of_what_is_free() -> None:
    free, budget = free_memory(CPU), memory_budget(Settings(), CPU)
    assert free is not None
    assert budget is not None
    # Other processes change what is free from one call to the next.
    assert 0.5 * free < budget < free


def test_where_free_memory_is_unknown_there_is_no_budget() -> None:
    assert memory_budget(Settings(), MPS) is None


@linux
def test_a_plan_has_the_budget_of_its_settings() -> None:
    settings = Settings(max_memory="2GB", device="cpu")
    made = plan_run((600, 400), [(300, 300)], settings)
    assert made.budget is not None
    assert made.budget + made.resident == pytest.approx(2_000_000_000, abs=1 << 26)


# The choice


def test_without_a_budget_a_picture_is_evaluated_at_once() -> None:
    space = choose_workspace(plan(), 4096)
    assert space == Workspace(None, wanted_pairs(plan()), estimate_memory(plan(), 4096))


def test_what_fits_at_once_is_evaluated_at_once() -> None:
    needed = estimate_memory(plan(), 2000)
    assert choose_workspace(plan(budget=needed), 2000).tile is None
    assert choose_workspace(plan(budget=needed - 1), 2000).tile is not None


@pytest.mark.parametrize("side", [1024, 512])
def test_the_largest_tiles_that_fit_are_chosen(side: int) -> None:
    needed = estimate_memory(plan(), 2000, side)
    assert choose_workspace(plan(budget=needed), 2000) == Workspace(
        side, wanted_pairs(plan()), needed
    )


def test_pairs_are_given_up_before_tiles_become_small() -> None:
    needed = estimate_memory(plan(), 2000, 512, recompute=True)
    space = choose_workspace(plan(budget=needed - 1), 2000)
    assert space.tile is not None
    assert space.tile >= 512
    assert 2 <= space.pairs < wanted_pairs(plan())


def test_before_pairs_are_given_up_the_content_is_evaluated_again() -> None:
    needed = estimate_memory(plan(), 2000, 512)
    space = choose_workspace(plan(budget=needed - 1), 2000)
    assert space.recompute
    assert space.pairs == wanted_pairs(plan())


def test_a_content_that_takes_no_more_than_its_activations_is_not_evaluated_again() -> None:
    half = plan(dtype=torch.bfloat16)
    assert not choose_workspace(replace(half, budget=0), 2000).recompute
    detailed = plan(dtype=torch.bfloat16, detail=0.5)
    assert choose_workspace(replace(detailed, budget=0), 2000).recompute


def test_the_last_resort_are_small_tiles() -> None:
    needed = estimate_memory(plan(), 2000, 512, 2, recompute=True)
    space = choose_workspace(plan(budget=needed - 1), 2000)
    assert space.tile is not None
    assert space.tile < 512


def test_if_nothing_fits_the_choice_is_what_needs_least() -> None:
    needed = estimate_memory(plan(), 2000, 128, 2, recompute=True)
    assert choose_workspace(plan(budget=0), 2000) == Workspace(128, 2, needed, recompute=True)


def test_adam_has_no_pairs_to_give_up() -> None:
    assert choose_workspace(plan(budget=0, optimizer="adam"), 2000).pairs == 0


def test_other_devices_evaluate_a_picture_at_once() -> None:
    assert choose_workspace(plan(device=MPS, budget=0), 2000).tile is None


def test_a_small_picture_is_not_cut_into_tiles() -> None:
    assert choose_workspace(plan(budget=0), 128).tile is None


def test_the_description_counts_the_whole_process() -> None:
    made = replace(plan(), resident=500_000_000)
    whole = Workspace(None, 2, 3_000_000_000)
    assert describe_workspace(whole, made) == "with about 3.5 GB of memory"
    tiled = replace(whole, tile=256)
    again = describe_workspace(replace(tiled, recompute=True), made)
    assert again == (
        "in tiles of 256 px, the content evaluated again each time, with about 3.5 GB of memory"
    )
    assert describe_workspace(tiled, made) == "in tiles of 256 px, with about 3.5 GB of memory"


# A run within its budget


@pytest.mark.parametrize(
    "values", [{}, {"tileable": True}, {"optimizer": "adam"}, {"detail": 0.4, "style_form": "gram"}]
)
def test_a_run_in_tiles_gives_the_same_picture(
    values: dict[str, Any],
    encoder: Encoder,
    smooth: Picture,
    noisy: Picture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = Settings(size=90, min_size=60, iterations=(4,), **values)
    content, style = smooth(75, 100, 0), noisy(60, 80, 1)
    whole, tiled = (
        patched_run(tile, content, style, settings, encoder, monkeypatch) for tile in (None, 32)
    )
    assert not torch.equal(tiled, whole)  # the tiles were used: they round otherwise
    torch.testing.assert_close(tiled, whole, rtol=0, atol=2 / 255)


def patched_run(
    tile: int | None,
    content: Tensor,
    style: Tensor,
    settings: Settings,
    encoder: Encoder,
    monkeypatch: pytest.MonkeyPatch,
) -> Tensor:
    """Run with tiles of a side that is chosen for larger pictures only."""
    monkeypatch.setattr(
        "styletransfer.transfer.stylize.choose_workspace", lambda *_: Workspace(tile, 9, 0)
    )
    return stylize(content, style, settings, encoder=encoder).image


def test_a_budget_in_the_plan_is_kept_and_gives_the_same_picture(
    encoder: Encoder, smooth: Picture, noisy: Picture
) -> None:
    unlimited = plan(size=512, min_size=512, iterations=(2,))
    limited = replace(unlimited, budget=estimate_memory(unlimited, 512, 128))
    assert choose_workspace(limited, 512).tile == 128
    whole, tiled = (
        stylize(
            smooth(400, 600, 0), noisy(300, 300, 1), each.settings, encoder=encoder, plan=each
        ).image
        for each in (unlimited, limited)
    )
    torch.testing.assert_close(tiled, whole, rtol=0, atol=2 / 255)


# The largest size that fits


def test_it_is_the_largest_multiple_of_64() -> None:
    free = estimate_memory(plan(), 960, 128, 2, recompute=True)
    assert largest_size(plan(), 4096, free) == 960
    assert largest_size(plan(), 4096, free - 1) == 896


def test_it_is_below_the_size_that_does_not_fit() -> None:
    assert largest_size(plan(), 512, sys.maxsize) == 448
    assert largest_size(plan(), 500, sys.maxsize) == 448


def test_it_is_0_where_nothing_fits() -> None:
    assert largest_size(plan(), 512, 1) == 0


# Before the run


def test_a_run_beyond_its_budget_is_refused_with_a_size_that_fits() -> None:
    with pytest.raises(ShortageError) as caught:
        check_memory(plan(budget=8_000_000_000, size=65_535))
    found = re.fullmatch(
        r"out of memory at 65535×43690 on cpu: it needs about [\d.]+ GB in total, even in tiles "
        r"of 128 px, and what is free allows [\d.]+ GB; --size (\d+) should fit",
        str(caught.value),
    )
    assert found
    check_memory(plan(budget=8_000_000_000, size=int(found[1])))


def test_a_run_for_which_no_size_fits_is_refused_with_other_remedies() -> None:
    with pytest.raises(ShortageError, match=r"; free some memory, or reduce --size or --style-sc"):
        check_memory(plan(budget=0))


def test_a_run_that_fits_only_in_tiles_is_not_refused() -> None:
    check_memory(plan(size=2000, budget=estimate_memory(plan(), 2000, 128, 2)))


def test_nothing_is_refused_without_a_budget() -> None:
    check_memory(plan(size=65_535))


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
