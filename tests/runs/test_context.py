"""What the runs of a request share."""

from pathlib import Path

import pytest
from PIL import Image

from styletransfer.runs.context import RunContext, open_content
from styletransfer.runs.interruption import StopRequest
from styletransfer.settings import Settings

LARGE = (8192, 6144)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    Image.new("L", LARGE).save(tmp_path / "large.jpg")
    return tmp_path / "large.jpg"


@pytest.mark.parametrize(
    ("values", "size"),
    [
        ({}, (1024, 768)),
        ({"size": 600}, (2048, 1536)),
        ({"size": "original"}, LARGE),
    ],
)
def test_a_very_large_jpeg_is_read_at_the_size_that_the_run_needs(
    large: Path, values: dict[str, object], size: tuple[int, int]
) -> None:
    settings = Settings().with_values(values)
    assert open_content(large, settings, lambda _: None).size == size


def test_a_style_is_read_at_its_own_scale(large: Path) -> None:
    for scale, size in {0.5: (1024, 768), 2: (2048, 1536)}.items():
        settings = Settings().with_values({"style_scale": scale})
        context = RunContext.open([large], settings, StopRequest(), lambda _: None)
        assert context.styles[0].size == size
