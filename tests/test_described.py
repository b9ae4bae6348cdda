"""A result in JSON."""

import json
from pathlib import Path

import pytest
from PIL import Image

from styletransfer.described import describe, to_line
from styletransfer.naming import Job
from styletransfer.optimize import Losses
from styletransfer.painter import Painting

PAINTING = Painting(
    path=Path("out.png"),
    content=Path("photo.jpg"),
    width=48,
    height=32,
    losses=Losses(0.5, 1.5, 0.25),
    seconds=1.23456,
    device="cpu",
    precision="float32",
    stopped=False,
)
STYLES = [Path("a.png"), Path("b.png")]


def test_a_painting_is_described() -> None:
    assert describe(PAINTING, STYLES, seed=7) == {
        "path": "out.png",
        "content": "photo.jpg",
        "styles": ["a.png", "b.png"],
        "size": [48, 32],
        "seconds": 1.235,
        "seed": 7,
        "losses": {"content": 0.5, "style": 1.5, "tv": 0.25, "total": 2.25},
        "device": "cpu",
        "precision": "float32",
        "stopped": False,
        "skipped": False,
    }


def test_a_result_that_was_there_has_the_same_keys_and_null_where_nothing_is_known(
    tmp_path: Path,
) -> None:
    Image.new("RGB", (5, 4)).save(tmp_path / "out.png")
    described = describe(Job(Path("photo.jpg"), tmp_path / "out.png"), STYLES, seed=7)

    assert list(described) == list(describe(PAINTING, STYLES, seed=7))
    assert described["size"] == [5, 4]
    assert (described["stopped"], described["skipped"]) == (False, True)
    assert {key for key, value in described.items() if value is None} == {
        *("seconds", "seed", "losses", "device", "precision")
    }


@pytest.mark.parametrize(
    ("path", "encoding", "shown"),
    [
        ("ä 日本.png", "utf-8", '"ä 日本.png"'),
        ("ä.png", "ascii", '"\\u00e4.png"'),
        ("日.png", "latin-1", '"\\u65e5.png"'),
        ("\udcff.png", "utf-8", '"\\udcff.png"'),
        ("two\nlines.png", "utf-8", '"two\\nlines.png"'),
    ],
)
def test_a_path_stays_readable_as_far_as_the_stream_can_hold_it(
    path: str, encoding: str, shown: str
) -> None:
    line = to_line({"path": path}, encoding)

    assert line == f'{{"path": {shown}}}'
    assert json.loads(line.encode(encoding)) == {"path": path}
