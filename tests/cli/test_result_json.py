"""Results as JSON."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from styletransfer.cli.result_json import describe, to_line
from styletransfer.images.provenance import record
from styletransfer.images.tensors import save_image
from styletransfer.masks.region_masks import RegionMasks
from styletransfer.regions import parse_regions
from styletransfer.runs.jobs import ExistingResult, PictureResult, SheetResult
from styletransfer.settings import Settings
from styletransfer.transfer.objective import Losses
from tests.support.results import entry

RESULT = PictureResult(
    path=Path("out.png"),
    settings=Settings(seed=7, tv_weight=0.3),
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


def test_a_new_result_is_described() -> None:
    assert describe(RESULT, STYLES) == {
        "path": "out.png",
        "content": "photo.jpg",
        "styles": ["a.png", "b.png"],
        "size": [48, 32],
        "seconds": 1.235,
        "seed": 7,
        "weights": {"content": 1.0, "style": 14.0, "tv": 0.3},
        "losses": {"content": 0.5, "style": 1.5, "tv": 0.25, "total": 2.25},
        "device": "cpu",
        "precision": "float32",
        "regions": [],
        "stopped": False,
        "skipped": False,
        "sheet": False,
    }


def test_a_steered_result_has_the_weights_of_its_last_iteration() -> None:
    last = entry(9, Settings(content_weight=2.0, style_weight=30.0, tv_weight=5.0))
    described = describe(replace(RESULT, entries=[entry(8, RESULT.settings), last]), STYLES)
    assert described["weights"] == {"content": 2.0, "style": 30.0, "tv": 5.0}


def test_the_regions_of_a_result_are_listed() -> None:
    mask = Image.new("RGB", (4, 1), "black")
    mask.putpixel((0, 0), (255, 255, 255))
    regions = tuple(parse_regions(["white=1", "black=keep"]))
    masks = RegionMasks(regions=regions, content=mask, styles=(), count=1)
    described = describe(replace(RESULT, regions=masks), STYLES)

    assert described["regions"] == [
        {"colour": "white", "takes": 1, "area": 0.25},
        {"colour": "black", "takes": "keep", "area": 0.75},
    ]
    assert json.loads(to_line(described, "utf-8")) == described
    assert list(described) == list(describe(RESULT, STYLES))


def test_a_skipped_result_has_the_same_keys_and_null_for_what_is_not_known(
    tmp_path: Path,
) -> None:
    Image.new("RGB", (5, 4)).save(tmp_path / "out.png")
    described = describe(
        ExistingResult(path=tmp_path / "out.png", content=Path("photo.jpg")), STYLES
    )

    assert list(described) == list(describe(RESULT, STYLES))
    assert described["size"] == [5, 4]
    assert (described["stopped"], described["skipped"]) == (False, True)
    assert described["regions"] == []
    assert {key for key, value in described.items() if value is None} == {
        *("seconds", "seed", "weights", "losses", "device", "precision")
    }


def test_a_skipped_result_has_the_weights_of_its_metadata(tmp_path: Path) -> None:
    path = tmp_path / "out.png"
    save_image(torch.zeros(1, 3, 2, 3), path, text=record(Settings(tv_weight=0.3)))

    existing = ExistingResult(path=path, content=Path("photo.jpg"))
    assert describe(existing, STYLES)["weights"] == {
        "content": 1.0,
        "style": 14.0,
        "tv": 0.3,
    }


def test_a_contact_sheet_is_marked_as_one() -> None:
    sheet = SheetResult(path=Path("out.png"), content=Path("photo.jpg"), width=1600, height=400)
    described = describe(sheet, STYLES)

    assert list(described) == list(describe(RESULT, STYLES))
    assert described["sheet"] is True
    assert {key: value for key, value in described.items() if value} == {
        "path": "out.png",
        "content": "photo.jpg",
        "styles": ["a.png", "b.png"],
        "size": [1600, 400],
        "sheet": True,
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
def test_a_path_is_escaped_only_if_the_stream_cannot_encode_it(
    path: str, encoding: str, shown: str
) -> None:
    line = to_line({"path": path}, encoding)

    assert line == f'{{"path": {shown}}}'
    assert json.loads(line.encode(encoding)) == {"path": path}
