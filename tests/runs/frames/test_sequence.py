"""Folders of frames: the command with `--frames`."""

import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from styletransfer.images.reading import open_picture
from tests.support.commands import Command, files
from tests.support.videos import sequence

ROOT = Path(__file__).parents[3]
QUICK = "--size 32 --min-size 32 -n 3 --style-form gram --quiet"

pytestmark = pytest.mark.weights


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A style, and a folder of frames of two shots, as the current folder."""
    monkeypatch.chdir(tmp_path)
    Image.radial_gradient("L").resize((32, 32)).convert("RGB").save("style.png")
    Path("frames").mkdir()
    for number, picture in enumerate(sequence(4, (32, 24), 1), 8):
        picture.save(f"frames/{number}.png")
    for number in (12, 13):
        Image.new("RGB", (32, 24), "black").save(f"frames/{number}.png")
    return tmp_path


def results(numbers: Sequence[int]) -> str:
    return "".join(f"out/{number}-style.png\n" for number in numbers)


def test_frames_are_made_in_natural_order_each_from_the_last(
    workspace: Path, command: Command
) -> None:
    assert command(f"frames style.png -o out --frames {QUICK}").out == results(range(8, 14))
    assert command(f"frames style.png -o apart {QUICK}").code == 0

    painted, apart = files(workspace / "out"), files(workspace / "apart")
    pairs = zip(painted.items(), apart.values(), strict=True)
    same = sorted(Path(path).name for (path, one), other in pairs if one == other)
    # The first of each shot is a run of its own.
    assert same == ["12-style.png", "8-style.png"]


def test_a_resumed_run_gives_the_same_bytes(workspace: Path, command: Command) -> None:
    line = f"frames style.png -o out --frames --skip-existing --json {QUICK}"
    command(line)
    whole = files(workspace / "out")
    for number in (10, 11, 13):
        Path(f"out/{number}-style.png").unlink()

    ran = command(line)

    assert [json.loads(each)["skipped"] for each in ran.out.splitlines()] == [
        number not in (10, 11, 13) for number in range(8, 14)
    ]
    assert files(workspace / "out") == whole


def test_the_frame_after_one_that_fails_starts_from_the_last_good_result(
    workspace: Path, command: Command
) -> None:
    Path("frames/9.png").unlink()
    command(f"frames style.png -o without --frames {QUICK}")
    Path("frames/9.png").write_bytes(b"no picture")

    ran = command(f"frames style.png -o out --frames {QUICK}")

    assert ran.code == 1
    assert ran.out == results([8, 10, 11, 12, 13])
    assert "stylize: error: 1 of 6 frames failed: 9.png\n" in ran.err
    assert Path("out/10-style.png").read_bytes() == Path("without/10-style.png").read_bytes()


def test_fail_fast_ends_at_the_first_failure(workspace: Path, command: Command) -> None:
    Path("frames/9.png").write_bytes(b"no picture")

    ran = command(f"frames style.png -o out --frames --fail-fast {QUICK}")

    assert (ran.code, ran.out) == (1, results([8]))


def static_shot(count: int) -> list[Image.Image]:
    """A photograph with the noise of a camera."""
    generator = np.random.default_rng(0)
    with Image.open(ROOT / "samples" / "content" / "coffee.jpg") as picture:
        levels = np.asarray(picture.convert("RGB").resize((96, 64)), np.float64)
    noisy = (levels + generator.normal(0, 2, levels.shape) for _ in range(count))
    return [Image.fromarray(each.round().clip(0, 255).astype(np.uint8)) for each in noisy]


def pan(count: int) -> list[Image.Image]:
    """A pan over the same photograph, by 3 pixels a frame."""
    with Image.open(ROOT / "samples" / "content" / "coffee.jpg") as picture:
        scene = picture.convert("RGB").resize((120, 80), Image.Resampling.LANCZOS)
    return [scene.crop((3 * i, 8, 3 * i + 96, 72)) for i in range(count)]


def flicker(folder: str, shift: int) -> float:
    """Mean change between neighbouring results where they show the same, in levels of 255."""
    painted = [np.asarray(open_picture(path), float) for path in sorted(Path(folder).iterdir())]
    moved = ((one[:, shift:], other[:, : -shift or None]) for one, other in pairwise(painted))
    return float(np.mean([abs(one - other).mean() for one, other in moved]))


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize(("make", "shift"), [(static_shot, 0), (pan, 3)])
def test_frames_flicker_at_most_half_as_much_as_independent_runs(
    workspace: Path, command: Command, make: Callable[[int], list[Image.Image]], shift: int
) -> None:
    style = ROOT / "samples" / "style" / "cafe_terrace_at_night.jpg"
    Path("shot").mkdir()
    for number, picture in enumerate(make(3)):
        picture.save(f"shot/{number}.png")
    line = f"shot {style} --style-form gram -n 15 --quiet"
    command(f"{line} -o apart")

    assert command(f"{line} -o steady --frames").code == 0

    assert flicker("steady", shift) <= flicker("apart", shift) / 2
