"""The command with masks."""

import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from styletransfer.images.provenance import KEYWORD
from styletransfer.images.tensors import read_image, save_image
from styletransfer.masks.region_masks import read_regions
from styletransfer.runs.progress import Progress
from styletransfer.settings import Settings
from styletransfer.transfer.stylize import stylize
from tests.support.commands import Command, Ran, Refusal, check_refusals
from tests.support.pictures import noise

QUICK = "--min-size 16 -n 1 -q"
ONE = "content.png style.png --content-mask half.png"
TWO = "content.png style.png other.png --content-mask half.png"

REFUSALS: list[Refusal] = [
    # Files
    ("style.png -o out.png --content-mask none.png", 1, "none.png: No such file"),
    ("style.png -o out.png --content-mask words.png", 1, "words.png: not a"),
    ("style.png -o out.png --content-mask folder", 1, "folder: Is a directory"),
    ("style.png -o out.png --style-mask none.png", 1, "none.png: No such file"),
    ("style.png -o half.png --content-mask half.png", 1, "half.png: this is also an input"),
    ("style.png -o red.png --style-mask red.png --content-mask red.png", 1, "also an input"),
    ("style.png -o a.png --content-mask half.png --log half.csv", 1, "half.csv: this is also"),
    # Counts
    (
        "style.png other.png style.png -o out.png --content-mask half.png",
        2,
        "half.png has 2 regions (white, black), but there",
    ),
    ("style.png -o out.png --content-mask three.png", 2, "has 3 regions (yellow, red, blue), but"),
    (
        "style.png other.png -o out.png --style-mask half.png",
        2,
        "--style-mask needs one mask for each of the 2 styles, not 1",
    ),
    # Colours
    (
        "style.png -o out.png --content-mask half.png --regions white=1,red=keep",
        2,
        "--regions: nothing in half.png is red; its regions are white, black",
    ),
    (
        "style.png -o out.png --content-mask half.png --regions white=1",
        2,
        "--regions says nothing about black of half.png; add black=keep, or =1",
    ),
    (
        "style.png -o out.png --content-mask half.png --regions white=2,black=1",
        2,
        "--regions white=2: there is only 1 style",
    ),
    (
        "style.png -o out.png --content-mask half.png --regions white=keep,black=keep",
        2,
        "every region is kept, so there is nothing to paint",
    ),
    (
        "style.png -o out.png --content-mask half.png --style-mask red.png",
        2,
        "red.png: nothing here is white, which half.png has; paint a part in white",
    ),
    # No effect
    ("style.png -o out.png --regions white=1", 2, "--regions has no effect: there is no --content"),
    (
        "style.png -o out.png --style-mask half.png --style-weight 0",
        2,
        "--style-mask has no effect",
    ),
    (
        "style.png other.png -o out.png --content-mask half.png --style-blend 1,2",
        2,
        "--style-blend has no effect: no region takes two styles",
    ),
]
"""The command line after the content, its exit code, and a part of its message."""


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A content, two styles and some masks, as the current folder."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("content", "style", "other")):
        noise(32, 24, number).save(f"{name}.png")
    save_columns("half.png", "white", "black")
    save_columns("red.png", "red", "blue")
    save_columns("three.png", "red", "yellow", "blue")
    save_columns("flat.png", "black")
    Path("words.png").write_text("no picture")
    Path("folder").mkdir()
    Path("half.csv").symlink_to("half.png")
    return tmp_path


def save_columns(name: str, *colours: str) -> None:
    """Save a mask of columns of equal width, of the content's size."""
    mask = Image.new("RGB", (32, 24), colours[-1])
    for number, colour in enumerate(colours[:-1]):
        mask.paste(colour, (number * 32 // len(colours), 0, 32, 24))
    mask.paste(colours[-1], ((len(colours) - 1) * 32 // len(colours), 0, 32, 24))
    mask.save(name)


def pixels(name: str | Path) -> NDArray[Any]:
    with Image.open(name) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def keeps_the_right_half(name: str | Path) -> bool:
    """Whether a picture has the content's pixels on the right, and others on the left."""
    same = (pixels(name) == pixels("content.png")).all((0, 2))
    return bool(same[16:].all() and not same[:16].any())


# Refusals


def test_masks_that_do_not_fit_are_refused_in_one_line_without_torch_and_without_a_new_file(
    workspace: Path,
) -> None:
    lines = [(f"content.png {line}", code, part) for line, code, part in REFUSALS]
    check_refusals(lines, workspace)


def test_a_list_of_masks_may_have_a_file_whose_name_has_a_comma(command: Command) -> None:
    Path("half.png").rename("left,right.png")
    ran = command("content.png style.png -o out.bmp --style-mask left,right.png")
    assert ran == Ran(1, "", ran.err)
    assert "out.bmp: unknown suffix" in ran.err


# What is painted, and what is kept


@pytest.mark.weights
def test_a_mask_of_one_colour_changes_no_bit(command: Command) -> None:
    assert command(f"content.png style.png -o plain.png {QUICK}").code == 0
    assert command(f"content.png style.png -o out.png --content-mask flat.png {QUICK}").code == 0
    assert (pixels("out.png") == pixels("plain.png")).all()


@pytest.mark.weights
@pytest.mark.parametrize(
    "more",
    [
        "",
        "--preserve-color luminance",
        "--preserve-color match --init noise",
        "--regions black=keep,white=1 --bits 16",
    ],
)
def test_what_is_kept_is_the_content_bit_for_bit(more: str, command: Command) -> None:
    assert command(f"{ONE} -o out.png {more} {QUICK}") == Ran(0, "out.png\n", "")
    assert keeps_the_right_half("out.png")


@pytest.mark.weights
def test_every_snapshot_keeps_the_content_bit_for_bit(command: Command) -> None:
    assert command(f"{ONE} -o out.png --save-every 1 --min-size 16 -n 2 -q").code == 0
    snapshots = sorted(Path().glob("out-*.png"))
    assert len(snapshots) == 4
    assert [path.name for path in snapshots if not keeps_the_right_half(path)] == []


@pytest.mark.weights
@pytest.mark.parametrize("width", [16, 32])
def test_a_stopped_run_keeps_the_content_bit_for_bit(
    width: int, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = Progress.show

    def interrupt(self: Progress, step: Any) -> None:
        show(self, step)
        if (step.scale.width, step.iteration) == (width, 2):
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Progress, "show", interrupt)

    assert command(f"{ONE} -o out.png --min-size 16 -n 4 -q").code == 130
    assert keeps_the_right_half("out.png")


@pytest.mark.weights
def test_each_region_is_painted_in_its_own_style(command: Command) -> None:
    Image.new("RGB", (32, 24), "gold").save("style.png")
    Image.new("RGB", (32, 24), "navy").save("other.png")
    for line, warm in ((TWO, slice(0, 16)), (f"{TWO} --regions white=2,black=1", slice(16, 32))):
        assert command(f"{line} -o out.png --min-size 32 -n 5 -q").code == 0
        blueness = pixels("out.png")[..., 2] - pixels("out.png")[..., 0]
        columns = np.zeros(32, bool)
        columns[warm] = True
        assert blueness[:, columns].mean() < blueness[:, ~columns].mean() - 30


@pytest.mark.weights
def test_a_region_takes_the_parts_of_its_colour_of_a_style(command: Command) -> None:
    style = Image.new("RGB", (32, 24), "gold")
    style.paste("navy", (16, 0, 32, 24))
    style.save("style.png")
    masks = "--content-mask half.png --style-mask half.png"
    assert command(f"content.png style.png {masks} -o out.png --min-size 32 -n 5 -q").code == 0
    blueness = pixels("out.png")[..., 2] - pixels("out.png")[..., 0]
    assert blueness[:, :16].mean() < blueness[:, 16:].mean() - 30


# Messages and records


@pytest.mark.weights
def test_the_regions_are_announced_and_described(command: Command) -> None:
    ran = command(f"{TWO} -o out.png --min-size 16 -n 1 --json")
    assert ran.code == 0
    assert ran.err.startswith(
        "stylize: stylizing by regions (white 50 % style 1, black 50 % style 2) at 32×24 on "
    )
    assert json.loads(ran.out)["regions"] == [
        {"colour": "white", "takes": 1, "area": 0.5},
        {"colour": "black", "takes": 2, "area": 0.5},
    ]
    assert (
        json.loads(command(f"content.png style.png -o a.png {QUICK} --json").out)["regions"] == []
    )


@pytest.mark.weights
def test_a_result_as_configuration_gives_the_same_bytes(command: Command) -> None:
    line = f"{TWO} --style-mask half.png,half.png --regions black=1,white=2"
    assert command(f"{line} -o first.png {QUICK}").code == 0
    with Image.open("first.png") as picture:
        settings = json.loads(picture.info[KEYWORD])["settings"]
    assert settings["content_mask"] == "half.png"
    assert settings["style_mask"] == ["half.png", "half.png"]
    assert settings["regions"] == ["black=1", "white=2"]

    repeated = "content.png style.png other.png -o second.png --config first.png -q"
    assert command(repeated) == Ran(0, "second.png\n", "")
    assert Path("first.png").read_bytes() == Path("second.png").read_bytes()


@pytest.mark.weights
def test_the_library_gives_the_same_picture(command: Command) -> None:
    assert command(f"{TWO} -o out.png {QUICK}").code == 0
    content, *styles = (read_image(f"{name}.png") for name in ("content", "style", "other"))
    settings = Settings(content_mask="half.png", min_size=16, iterations=(1,))
    result = stylize(content, styles, settings, regions=read_regions(settings, 2))
    save_image(result.image, "library.png")
    assert (pixels("library.png") == pixels("out.png")).all()


# Folders and sweeps


@pytest.mark.weights
def test_one_mask_serves_all_pictures_of_a_folder(command: Command) -> None:
    noise(32, 24, 5).save("folder/a.png")
    noise(20, 30, 6).save("folder/b.png")
    assert command(f"folder style.png -o out --content-mask half.png {QUICK}").code == 0
    for name, width in (("a.png", 32), ("b.png", 20)):
        (made,) = Path("out").glob(f"{name[0]}*.png")
        same = (pixels(made) == pixels(f"folder/{name}")).all((0, 2))
        assert same[width // 2 + 1 :].all()
        assert not same[: width // 2 - 1].any()


@pytest.mark.slow
@pytest.mark.weights
def test_each_result_of_a_sweep_equals_its_run_alone_to_the_byte(command: Command) -> None:
    ran = command(f"{ONE} -o out.png --tv-weight 0,3 {QUICK}")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "out-tv0.png\nout-tv3.png\nout.png\n"
    for value in (0, 3):
        assert command(f"{ONE} -o alone.png --tv-weight {value} {QUICK}").code == 0
        assert Path(f"out-tv{value}.png").read_bytes() == Path("alone.png").read_bytes()
        assert keeps_the_right_half("alone.png")
