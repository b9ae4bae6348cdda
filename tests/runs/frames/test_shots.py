"""The shots of a sequence of frames."""

import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from styletransfer.errors import ConfigError
from styletransfer.runs.frames.shots import difference, find_cuts, plan_shots
from styletransfer.runs.jobs import Job
from styletransfer.settings import Settings
from tests.support.pictures import noise
from tests.support.videos import sequence

ROOT = Path(__file__).parents[3]


def jobs(folder: Path, pictures: Sequence[Image.Image], start: int = 0) -> list[Job]:
    """Save frames, and return their jobs."""
    folder.mkdir(exist_ok=True)
    made = []
    for number, picture in enumerate(pictures, start):
        content = folder / f"{number}.png"
        picture.save(content)
        output = folder / "out" / content.name
        made.append(
            Job(
                content=content,
                styles=(),
                settings=Settings(),
                output=output,
                unfinished=output,
            )
        )
    return made


def sample(name: str) -> Image.Image:
    with Image.open(ROOT / "samples" / "content" / name) as picture:
        return picture.convert("RGB").resize((96, 64))


def test_a_pan_is_one_shot(tmp_path: Path) -> None:
    assert find_cuts(jobs(tmp_path, sequence(6))) == [0]


@pytest.mark.parametrize("share", [0.05, 0.1, 0.15])
@pytest.mark.parametrize("name", ["coffee.jpg", "cat.jpg", "astronaut.jpg"])
def test_a_fast_pan_is_one_shot(tmp_path: Path, name: str, share: float) -> None:
    """By a share of the width a frame, over photographs."""
    with Image.open(ROOT / "samples" / "content" / name) as picture:
        scene = picture.convert("RGB").resize((256, 128))
    frames = [
        scene.crop((round(96 * share * i), 32, round(96 * share * i) + 96, 96)) for i in range(8)
    ]

    assert find_cuts(jobs(tmp_path, frames)) == [0]


def test_the_difference_of_two_frames_is_that_of_what_both_show() -> None:
    scene = np.random.default_rng(0).uniform(0, 255, (40, 40, 3))

    assert difference(scene[:32, :32], scene[5:37, 8:]) == 0
    assert difference(scene[:32, :32], scene[5:37, 8:] + 3) == pytest.approx(3)


def test_another_scene_is_another_shot(tmp_path: Path) -> None:
    scenes = [sample(name) for name in ("coffee.jpg", "coffee.jpg", "cat.jpg", "astronaut.jpg")]

    assert find_cuts(jobs(tmp_path, scenes)) == [0, 2, 3]


def test_frames_of_another_size_are_another_shot(tmp_path: Path) -> None:
    plain = [Image.new("RGB", size, "teal") for size in ((32, 24), (32, 24), (24, 32))]

    assert find_cuts(jobs(tmp_path, plain)) == [0, 2]


def test_frames_of_another_folder_are_another_shot(tmp_path: Path) -> None:
    plain = [Image.new("RGB", (32, 24), "teal")] * 2

    assert find_cuts([*jobs(tmp_path / "a", plain), *jobs(tmp_path / "b", plain)]) == [0, 2]


def test_a_frame_that_cannot_be_read_is_no_cut(tmp_path: Path) -> None:
    frames = jobs(tmp_path, sequence(4, step=1))
    frames[1].content.write_bytes(b"no picture")

    assert find_cuts(frames) == [0]


@pytest.mark.parametrize("given", [(1, 3), (3,)])
def test_given_shots_replace_those_that_are_found(tmp_path: Path, given: tuple[int, ...]) -> None:
    frames = jobs(tmp_path, [noise(16, 16, seed) for seed in range(4)])

    shots = plan_shots(frames, given, skip_existing=False)

    assert [(shot.first, len(shot.jobs)) for shot in shots] == [(0, 2), (2, 2)]
    assert [job for shot in shots for job in shot.jobs] == frames


def test_a_shot_beyond_the_last_frame_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--shots 5: there are 4 frames; "):
        plan_shots(jobs(tmp_path, sequence(4)), (1, 5), skip_existing=False)


def test_a_shot_can_be_sent_to_another_process(tmp_path: Path) -> None:
    (shot,) = plan_shots(jobs(tmp_path, sequence(2)), None, skip_existing=True)

    assert pickle.loads(pickle.dumps(shot)) == shot
