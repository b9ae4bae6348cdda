"""A picture to paint, and what is refused of it before the network is loaded."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from styletransfer.errors import ConfigError, DeviceError, ImageError
from styletransfer.runs.order import Order, Paths, accept, check_room
from styletransfer.runs.result_writer import ResultWriter
from styletransfer.settings import Settings
from styletransfer.transfer.memory import Extent

STYLES = [Extent(20, 20)]


def delivery(**values: Any) -> ResultWriter:
    Image.new("RGB", (48, 32), "teal").save("content.png")
    settings = replace(Settings(min_size=24, iterations=(3,)), **values)
    return ResultWriter(Path("content.png"), settings, lambda line: None)


@pytest.fixture(autouse=True)
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (8, 8)).save("style.png")


def order(output: str = "out.png", save_every: int | None = None, **values: Any) -> Order:
    unfinished = Path(output).with_name(f"best-{Path(output).name}")
    paths = Paths(Path(output), unfinished, None)
    return accept(delivery(**values), paths, [Path("style.png")], save_every)


def test_what_is_accepted_knows_its_sizes_and_has_written_nothing() -> None:
    accepted = order()

    assert [scale[:2] for scale in accepted.scales] == [(24, 16), (48, 32)]
    assert accepted.snapshots is None
    assert {path.name for path in Path().iterdir()} == {"content.png", "style.png"}


def test_snapshots_are_counted_over_all_sizes() -> None:
    snapshots = order(save_every=2).snapshots

    assert snapshots is not None
    assert snapshots.path(2) == Path("out-2.png")
    with pytest.raises(ConfigError, match="the run has only 6 steps"):
        order(save_every=7)


@pytest.mark.parametrize("output", ["content.png", "style.png", "out.bmp"])
def test_a_path_that_cannot_hold_the_result_is_refused(output: str) -> None:
    with pytest.raises(ImageError):
        order(output)


def test_the_place_of_an_unfinished_picture_is_held_against_the_inputs_too() -> None:
    Path("style.png").rename("best-out.png")
    Path("style.png").symlink_to("best-out.png")

    with pytest.raises(ImageError, match=r"best-out\.png: this is also an input"):
        order()


def test_a_picture_too_large_for_its_format_is_refused() -> None:
    with pytest.raises(ImageError, match="20000 pixels exceed"):
        order("out.webp", size=20_000)


def test_a_run_that_the_machine_can_take_is_told_by_its_work_and_device() -> None:
    work, device = check_room(delivery(device="cpu", precision="float32"), STYLES)

    assert (work.content, work.styles, work.precision) == ((48, 32), STYLES, "float32")
    assert device.type == "cpu"


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(DeviceError, match="device 'cuda:99' is not available"):
        check_room(delivery(device="cuda:99"), STYLES)


def test_a_run_that_the_machine_cannot_take_is_refused() -> None:
    with pytest.raises(DeviceError, match="out of memory at 65535×43690 on cpu"):
        check_room(delivery(size=65_535, device="cpu"), STYLES)
