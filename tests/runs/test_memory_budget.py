"""The command with a limit of its memory."""

import re
from pathlib import Path

import pytest

from styletransfer.device.free_memory import resident_memory
from styletransfer.settings import Settings
from styletransfer.transfer.memory import estimate_memory
from styletransfer.transfer.plan import plan_run
from styletransfer.validation import to_bytes
from tests.support.commands import Command, Refusal, check_refusals, files
from tests.support.pictures import noise

LINE = "content.png style.png -o out.png"

# One step of the shallowest layer, at a size where tiles need less than the whole.
QUICK = "--size 640 --min-size 640 -n 1 --precision float32 --device cpu"
SHALLOW = "--content-layers relu1_1 --style-layers relu1_1 --style-form gram"


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a content and a style, as the current one."""
    monkeypatch.chdir(tmp_path)
    noise(64, 48, 1).save("content.png")
    noise(40, 56, 2).save("style.png")
    return tmp_path


# Values

REFUSALS: list[Refusal] = [
    (f"{LINE} --max-memory {text}", 2, f"max_memory must be like 4GB or 800MB, not '{text}'")
    for text in ("lots", "4", "GB", "-1GB", "1.GB", "nanGB", "4TB", "1e3MB", "4GBs", "٤GB")
]


def test_what_is_no_amount_of_memory_is_refused(workspace: Path) -> None:
    check_refusals(REFUSALS, workspace)


# Refusals


@pytest.mark.parametrize("limit", ["1MB", "0GB", "100MiB"])
def test_a_limit_below_every_need_is_refused_before_the_first_iteration(
    limit: str, workspace: Path, command: Command
) -> None:
    before = files(workspace)
    ran = command(f"{LINE} --device cpu --max-memory {limit}")
    assert (ran.code, ran.out) == (1, "")
    assert re.fullmatch(
        r"stylize: error: out of memory at 64×48 on cpu: it needs about [\d.]+ GB in total"
        r"[^\n]*, and --max-memory allows [\d.]+ GB; raise --max-memory, or reduce --size or "
        r"--style-scale\n",
        ran.err,
    )
    assert files(workspace) == before


def test_a_limit_too_low_for_the_size_is_refused_with_a_size_that_fits(command: Command) -> None:
    limit = (resident_memory() + 600_000_000) // 1_000_000
    ran = command(f"{LINE} {QUICK} --size 6000 --max-memory {limit}MB")
    assert (ran.code, ran.out) == (1, "")
    assert re.fullmatch(
        r"stylize: error: out of memory at 6000×4500 on cpu: it needs about [\d.]+ GB "
        r"in total, even in tiles of 128 px, and --max-memory allows [\d.]+ GB; "
        r"--size \d+ should fit\n",
        ran.err,
    )


# Announcements


@pytest.mark.weights
def test_the_announcement_names_tiles_and_memory_where_tiles_are_needed(command: Command) -> None:
    settings = Settings(size=640, iterations=(1,), precision="float32", device="cpu")
    plan = plan_run((64, 48), [(40, 56)], settings)
    tiled, whole = (estimate_memory(plan, 640, tile) for tile in (128, None))
    limit = (resident_memory() + (tiled + whole) // 2) // 1_000_000
    ran = command(f"{LINE} {QUICK} {SHALLOW} --max-memory {limit}MB")
    found = re.match(
        r"stylize: stylizing at 640×480 on cpu in float32, in tiles of \d+ px, "
        r"(?:the content evaluated again each time, )?with about ([\d.]+) GB of memory\n",
        ran.err,
    )
    assert ran.code == 0, ran.err
    assert found, ran.err
    assert float(found[1]) <= to_bytes(f"{limit}MB") / 1e9 + 0.1
    assert Path("out.png").exists()


@pytest.mark.weights
def test_with_a_limit_that_needs_no_tiles_the_announcement_names_the_memory(
    command: Command,
) -> None:
    small = QUICK.replace("640", "32")
    ran = command(f"{LINE} {small} {SHALLOW} --max-memory 900GB")
    assert ran.code == 0, ran.err
    assert re.match(
        r"stylize: stylizing at 32×24 on cpu in float32, with about [\d.]+ GB of memory\n", ran.err
    )


@pytest.mark.weights
def test_without_a_limit_and_tiles_the_announcement_is_short(command: Command) -> None:
    ran = command(f"{LINE} {QUICK.replace('640', '32')} {SHALLOW}")
    assert re.match(r"stylize: stylizing at 32×24 on cpu in float32\n", ran.err)
