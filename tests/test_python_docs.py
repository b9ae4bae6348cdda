"""The page and the notebook about Python run as they stand, on small pictures."""

import contextlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

import styletransfer
from styletransfer import Result, Settings, load_settings, read_image, save_image, stylize
from styletransfer.transfer.total_variation import total_variation
from styletransfer.vgg.encoder import Encoder

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = DOCS / "python.md"
NOTEBOOK = DOCS / "python.ipynb"

WIDTH, HEIGHT = 48, 32
"""Of the small pictures, in pixels. All runs are of this size."""

Picture = Callable[[int, int, int], Tensor]


@dataclass(frozen=True, slots=True)
class Session:
    """What a document leaves behind."""

    folder: Path
    """The folder in which it ran."""

    names: dict[str, Any]
    """Its variables by name."""

    def saved(self, name: str) -> Tensor:
        return read_image(self.folder / name)


def notebook() -> dict[str, Any]:
    """The notebook, as its format describes it."""
    read: dict[str, Any] = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return read


def parts(language: str) -> list[tuple[int, str]]:
    """The fenced blocks of the page in one language, each with the number of its first line."""
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.finditer(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [(text.count("\n", 0, block.start(1)) + 1, block[1]) for block in blocks]


def run(path: Path, pieces: Iterable[tuple[int, str]], folder: Path, encoder: Encoder) -> Session:
    """Run a document's code in order in a folder, where `stylize` takes the narrow network.

    Each piece of code comes with the number of its first line, for tracebacks.
    """
    names: dict[str, Any] = {"__name__": path.stem}
    threads = torch.get_num_threads()
    with contextlib.chdir(folder), pytest.MonkeyPatch.context() as patch:
        patch.setattr("styletransfer.transfer.plan.load_encoder", lambda *_: encoder)
        for line, code in pieces:
            exec(compile("\n" * (line - 1) + code, path, "exec"), names)
    torch.set_num_threads(threads)
    return Session(folder, names)


@pytest.fixture(scope="module")
def page(
    tmp_path_factory: pytest.TempPathFactory, encoder: Encoder, smooth: Picture, noisy: Picture
) -> Session:
    """The page, run beside the files that it names."""
    folder = tmp_path_factory.mktemp("page")
    save_image(smooth(HEIGHT, WIDTH, 0), folder / "content.jpg")
    save_image(smooth(40, WIDTH, 1), folder / "style.jpg")
    save_image(noisy(WIDTH, 40, 2), folder / "other.jpg")
    mask = Image.new("RGB", (WIDTH, HEIGHT), "black")
    mask.paste("white", (0, 0, WIDTH // 2, HEIGHT))
    mask.save(folder / "mask.png")
    ((_, toml),) = parts("toml")
    (folder / toml.splitlines()[0].removeprefix("# ")).write_text(toml, encoding="utf-8")
    return run(PAGE, parts("python"), folder, encoder)


@pytest.fixture
def plain(page: Session, encoder: Encoder) -> Result:
    """What the page's content, style and settings give by themselves."""
    names = page.names
    return stylize(names["content"], names["style"], names["quick"], encoder=encoder)


# The page


def test_the_picture_is_saved_in_the_size_of_the_content(page: Session) -> None:
    assert page.saved("out.png").shape == (1, 3, HEIGHT, WIDTH)


def test_the_file_overrides_the_preset(page: Session) -> None:
    expected = replace(load_settings("bold"), size=768, tv_weight=0.5)
    assert page.names["mine"] == expected != load_settings("bold")


def test_settings_come_back_from_a_dict(page: Session) -> None:
    values = json.loads(json.dumps(asdict(page.names["quick"])))
    assert Settings().with_values(values) == page.names["quick"]


def test_on_step_sees_each_iteration(page: Session) -> None:
    assert len(page.names["history"]) == page.names["bar"].n == sum(page.names["quick"].iterations)
    assert page.names["history"][-1] < page.names["history"][0]


def test_a_preview_is_saved(page: Session) -> None:
    assert page.saved("preview.png").shape == (1, 3, HEIGHT, WIDTH)


def test_the_cancelled_run_stops_with_a_picture_of_full_size(page: Session, plain: Result) -> None:
    unfinished = page.names["unfinished"]
    assert unfinished.stopped
    assert unfinished.image.shape == plain.image.shape
    assert unfinished.losses.total > plain.losses.total


def test_pillow_and_numpy_give_the_picture_that_files_give(page: Session, plain: Result) -> None:
    assert torch.equal(page.names["image"], page.names["content"])
    assert torch.equal(torch.from_numpy(page.names["pixels"]).permute(2, 0, 1)[None], plain.image)
    assert page.names["painted"].size == (WIDTH, HEIGHT)


def test_a_blend_differs_from_each_of_its_styles(
    page: Session, plain: Result, encoder: Encoder
) -> None:
    names = page.names
    other = stylize(names["content"], names["other"], names["quick"], encoder=encoder)
    assert all(not torch.equal(names["blended"].image, one.image) for one in (plain, other))


def test_the_black_part_of_the_mask_is_kept(page: Session) -> None:
    changed = (page.names["cut_out"].image - page.names["content"]).abs()
    assert changed[..., WIDTH // 2 :].max() == 0
    assert changed[..., : WIDTH // 2].mean() > 0.01


def test_the_styles_pass_into_each_other_from_top_to_bottom(
    page: Session, plain: Result, encoder: Encoder
) -> None:
    names = page.names
    other = stylize(names["content"], names["other"], names["quick"], encoder=encoder)
    to_first, to_second = (
        (names["gradual"].image - one.image).square().mean((0, 1, 3)) for one in (plain, other)
    )
    assert to_first[: HEIGHT // 4].mean() < to_second[: HEIGHT // 4].mean()
    assert to_first[-HEIGHT // 4 :].mean() > to_second[-HEIGHT // 4 :].mean()


def test_shared_targets_do_not_change_a_picture(page: Session, encoder: Encoder) -> None:
    names = page.names
    alone = stylize(
        names["content"], names["style"], replace(names["quick"], tv_weight=20), encoder=encoder
    )
    assert torch.equal(names["sweep"][20], alone.image)


def test_the_sweep_goes_from_rough_to_smooth(page: Session) -> None:
    roughness = [total_variation(image).item() for image in page.names["sweep"].values()]
    assert all(rougher > smoother for rougher, smoother in pairwise(roughness))


def test_dusk_draws_the_brightness_towards_a_quarter(page: Session, plain: Result) -> None:
    dim = page.names["dim"]
    assert abs(dim.image.mean() - 0.25) < abs(plain.image.mean() - 0.25) / 2
    assert dim.losses.extra > 0


def test_shade_darkens_the_white_part_of_the_mask(page: Session, plain: Result) -> None:
    lit, unlit = (plain.image - page.names["shaded"].image).chunk(2, dim=3)
    assert lit.mean() > 0.05
    assert lit.mean() > 2 * unlit.mean()


def test_a_run_that_diverges_leaves_its_best_picture(page: Session) -> None:
    assert page.saved("best.png").shape == (1, 3, HEIGHT, WIDTH)


def test_a_repeated_run_gives_the_same_picture(page: Session) -> None:
    assert torch.equal(page.names["again"], page.names["repeated"])


def test_the_public_names_are_those_that_the_page_calls_stable() -> None:
    _, _, section = PAGE.read_text(encoding="utf-8").partition("## What is stable")
    listed, _, _ = section.partition("What is imported")
    assert re.findall(r"`(\w+)`", listed) == styletransfer.__all__


def test_the_page_names_what_it_takes_from_other_modules() -> None:
    _, _, named = PAGE.read_text(encoding="utf-8").partition("change in any version")
    code = "".join(block for _, block in parts("python"))
    taken = re.findall(r"^from styletransfer\.\S+ import (.+)$", code, re.MULTILINE)
    names = {name for line in taken for name in line.split(", ")}
    assert set(re.findall(r"`(\w+)`", named)) == names


# The notebook


def test_the_notebook_is_short_and_has_no_outputs() -> None:
    cells = notebook()["cells"]
    assert notebook()["nbformat"] == 4
    assert 4 <= len(cells) <= 6
    assert len({cell["id"] for cell in cells}) == len(cells)
    assert all(
        cell["outputs"] == [] and cell["execution_count"] is None
        for cell in cells
        if cell["cell_type"] == "code"
    )


def test_the_notebook_shows_the_picture_as_it_grows(
    tmp_path: Path, encoder: Encoder, smooth: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    display = pytest.importorskip("IPython.display")
    shown: list[Image.Image] = []
    monkeypatch.setattr(display.DisplayHandle, "update", lambda _, picture: shown.append(picture))
    for name, seed in (("content/coffee.jpg", 0), ("style/night_cafe.jpg", 1)):
        save_image(smooth(HEIGHT, WIDTH, seed), tmp_path / "samples" / name)
    folder = tmp_path / "docs"
    folder.mkdir()
    cells = [cell for cell in notebook()["cells"] if cell["cell_type"] == "code"]
    session = run(NOTEBOOK, [(1, "".join(cell["source"])) for cell in cells], folder, encoder)
    assert len(shown) == Settings().iterations[0] // 3
    assert {picture.size for picture in shown} == {(WIDTH, HEIGHT)}
    assert session.names["pair"].size == (2 * WIDTH, HEIGHT)
    assert session.saved("out.png").shape == (1, 3, HEIGHT, WIDTH)
