"""Snapshots: the image every n iterations, beside the result."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from styletransfer.errors import ConfigError, ImageError
from styletransfer.images.provenance import read_record
from styletransfer.runs.snapshots import Snapshots
from styletransfer.transfer.objective import Losses
from styletransfer.transfer.pyramid import Scale
from styletransfer.transfer.stylize import Step
from tests.support.commands import Command, Ran, check_refusals, fill_disk

SCALES = [Scale(6, 4, 7), Scale(12, 8, 5)]
QUICK = "content.png style.png --min-size 24 -n 2,2 --style-form gram -q"


@dataclass(frozen=True)
class Saved:
    image: Tensor
    path: Path


class FakeRun:
    """A run of twelve iterations at two sizes, with what it saves and reports."""

    def __init__(self, folder: Path) -> None:
        self.output = folder / "out.png"
        self.saved: list[Saved] = []
        self.lines: list[str] = []
        self.full_until = 0

    def snapshots(self, every: int) -> Snapshots:
        return Snapshots(self.output, every, SCALES, self._save, self.lines.append)

    def run(self, every: int, value: float = 0.5) -> list[str]:
        """The names of the snapshots of a run, in their order."""
        snapshots = self.snapshots(every)
        for scale in SCALES:
            for iteration in range(1, scale.iterations + 1):
                image = torch.full((1, 3, scale.height, scale.width), value)
                snapshots.add(Step(scale, iteration, Losses(0, 0, 0), image))
        return [saved.path.name for saved in self.saved]

    def _save(self, image: Tensor, path: Path) -> None:
        if len(self.lines) < self.full_until or self.full_until < 0:
            raise ImageError(f"{path}: the disk is full; free some space")
        self.saved.append(Saved(image, path))


@pytest.fixture
def fake(tmp_path: Path) -> FakeRun:
    return FakeRun(tmp_path)


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a content and a style, as the current folder."""
    Image.linear_gradient("L").resize((48, 32)).convert("RGB").save(tmp_path / "content.png")
    Image.radial_gradient("L").resize((40, 40)).convert("RGB").save(tmp_path / "style.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


# Iterations and names


@pytest.mark.parametrize(
    ("every", "names"),
    [
        (5, ["out-05.png", "out-10.png"]),
        (6, ["out-06.png", "out-12.png"]),
        (8, ["out-08.png"]),
        (12, ["out-12.png"]),
    ],
)
def test_iterations_are_counted_over_all_sizes(every: int, names: list[str], fake: FakeRun) -> None:
    assert fake.run(every) == names


def test_the_names_sort_in_order(fake: FakeRun) -> None:
    names = fake.run(1)

    assert len(names) == 12
    assert names == sorted(names)


def test_a_suffix_in_upper_case_and_a_stem_with_dots_are_kept(fake: FakeRun) -> None:
    fake.output = fake.output.with_name("a.b-1.PNG")

    assert fake.run(12) == ["a.b-1-12.PNG"]


def test_snapshots_have_the_size_and_range_of_the_result(fake: FakeRun) -> None:
    fake.run(3, value=1.5)

    assert {tuple(saved.image.shape) for saved in fake.saved} == {(1, 3, 8, 12)}
    assert all(saved.image.max() <= 1 for saved in fake.saved)


def test_the_image_of_the_run_is_not_changed(fake: FakeRun) -> None:
    image = torch.full((1, 3, 8, 12), 1.5)
    fake.snapshots(1).add(Step(SCALES[1], 1, Losses(0, 0, 0), image))

    assert torch.equal(image, torch.full((1, 3, 8, 12), 1.5))


# Failures


def test_failing_snapshots_are_one_warning(fake: FakeRun) -> None:
    fake.full_until = -1

    assert fake.run(2) == []
    assert fake.lines == [
        f"{fake.output.with_name('out-02.png')}: the disk is full; free some space; "
        "the run continues without this snapshot"
    ]


def test_later_snapshots_are_tried_again(fake: FakeRun) -> None:
    fake.full_until = 1

    assert fake.run(5) == ["out-10.png"]
    assert len(fake.lines) == 1


# Refusals


@pytest.mark.parametrize("every", [13, 1000])
def test_more_than_the_iterations_of_the_run_is_refused(every: int, fake: FakeRun) -> None:
    with pytest.raises(ConfigError) as caught:
        fake.snapshots(every)

    assert str(caught.value) == "--save-every has no effect: the run has only 12 iterations"


@pytest.mark.parametrize("every", [0, -1])
def test_less_than_one_iteration_is_refused(every: int, fake: FakeRun) -> None:
    with pytest.raises(ConfigError, match=f"--save-every must be 1 or more, not {every}"):
        fake.snapshots(every)


def test_a_snapshot_may_not_overwrite_an_input(fake: FakeRun) -> None:
    style = fake.output.with_name("out-10.png")
    style.touch()

    with pytest.raises(ImageError, match="this is also an input"):
        fake.snapshots(5).check([style])


@pytest.mark.parametrize("name", ["out-10.png", "out-07.png", "out-15.png", "out-010.png"])
def test_an_input_that_no_snapshot_overwrites_is_accepted(name: str, fake: FakeRun) -> None:
    style = fake.output.with_name(name)
    style.touch()

    fake.snapshots(4).check([style])


def test_an_input_behind_a_link_is_found(fake: FakeRun) -> None:
    style = fake.output.with_name("style.png")
    style.touch()
    fake.output.with_name("out-05.png").symlink_to(style)

    with pytest.raises(ImageError, match=r"out-05\.png: this is also an input"):
        fake.snapshots(5).check([style])


def test_a_folder_in_the_way_is_refused(fake: FakeRun) -> None:
    fake.output.with_name("out-10.png").mkdir()

    with pytest.raises(ImageError, match=r"out-10\.png: this is a folder"):
        fake.snapshots(5).check([])


def test_a_name_that_becomes_too_long_with_its_number_is_refused(fake: FakeRun) -> None:
    fake.output = fake.output.with_name("n" * 250 + ".png")

    with pytest.raises(ImageError, match="too long"):
        fake.snapshots(5).check([])


def test_an_older_snapshot_is_accepted(fake: FakeRun) -> None:
    fake.output.with_name("out-10.png").touch()

    fake.snapshots(5).check([])


# In the command


def test_bad_numbers_and_paths_are_refused_in_one_line_without_torch(pictures: Path) -> None:
    (pictures / "out-2.png").write_bytes((pictures / "style.png").read_bytes())
    line = f"{QUICK} -o out.png --save-every"
    check_refusals(
        [
            (f"{line} 5", 2, "--save-every has no effect: the run has only 4 iterations"),
            (f"{line} 0", 2, "--save-every must be 1 or more, not 0"),
            (f"out-2.png {line} 2", 1, "out-2.png: this is also an input"),
        ],
        pictures,
    )


@pytest.mark.weights
def test_snapshots_are_saved_beside_the_result_and_do_not_change_it(
    pictures: Path, command: Command
) -> None:
    assert command(f"{QUICK} -o plain/out.png") == Ran(0, "plain/out.png\n", "")
    assert command(f"{QUICK} -o film/out.png --save-every 1") == Ran(0, "film/out.png\n", "")

    frames = sorted(path.name for path in (pictures / "film").iterdir())
    assert frames == ["out-1.png", "out-2.png", "out-3.png", "out-4.png", "out.png"]
    assert (pictures / "film/out.png").read_bytes() == (pictures / "plain/out.png").read_bytes()
    for frame in frames:
        with Image.open(pictures / "film" / frame) as picture:
            assert picture.size == (48, 32)
        assert read_record(pictures / "film" / frame)["min_size"] == 24


@pytest.mark.weights
def test_with_a_disk_full_for_snapshots_the_result_is_saved(
    pictures: Path,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill_disk(monkeypatch, "-")

    ran = command(f"{QUICK} -o out.png --save-every 1")

    assert (ran.code, ran.out) == (0, "out.png\n")
    assert ran.err.startswith("stylize: out-1.png: cannot be saved (No space left on device)")
    assert ran.err.count("\n") == 1
    assert sorted(path.name for path in pictures.glob("out*")) == ["out.png"]
