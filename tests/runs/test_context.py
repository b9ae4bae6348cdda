"""What the runs of a request share."""

from pathlib import Path

import pytest
from PIL import Image

from styletransfer.errors import ConfigError, ImageError
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


# Masks


@pytest.fixture
def masks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture and two masks, in the current folder."""
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (8, 6), "teal").save("style.png")
    half = Image.new("RGB", (40, 30), "black")
    half.paste("white", (0, 0, 20, 30))
    half.save("half.png")


def opened(settings: Settings, styles: int = 1) -> RunContext:
    paths = [Path("style.png")] * styles
    return RunContext.open(paths, settings, StopRequest(), pytest.fail)


@pytest.mark.usefixtures("masks")
def test_the_masks_of_a_request_are_read_once_with_its_styles() -> None:
    context = opened(Settings(content_mask="half.png"))
    assert context.masks is not None
    assert str(context.masks) == "white 50 % style 1, black 50 % kept"
    assert opened(Settings()).masks is None


@pytest.mark.usefixtures("masks")
def test_masks_that_do_not_fit_the_styles_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"half\.png has 2 regions \(white, black\), but there"):
        opened(Settings(content_mask="half.png"), styles=3)
    with pytest.raises(ImageError, match=r"^none\.png: No such file"):
        opened(Settings(style_mask=("none.png",)))


def test_a_very_large_mask_is_read_at_the_size_that_the_run_needs(large: Path) -> None:
    settings = Settings(style_mask=(str(large),), regions=None, content_mask=str(large))
    context = RunContext.open([large], settings, StopRequest(), lambda _: None)
    assert context.masks is not None
    assert context.masks.content is not None
    assert context.masks.content.size == (1024, 768)
