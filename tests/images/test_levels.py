"""The levels of a picture, made strip by strip."""

import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from styletransfer.images import levels
from styletransfer.images.encoding import encode
from styletransfer.images.levels import QuantizedImage, as_picture, strips

ROOT = Path(__file__).parents[2]
WIDTH, ROWS = 8, 4
HEIGHTS = [1, ROWS - 1, ROWS, ROWS + 1, 2 * ROWS, 2 * ROWS + 1]


@pytest.fixture(autouse=True)
def narrow_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(levels, "STRIP", WIDTH * ROWS)


def random_image(height: int, width: int = WIDTH) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(height))


def formula(image: Tensor, bits: int) -> NDArray[Any]:
    values = image[0].double().permute(1, 2, 0).numpy()
    rounded: NDArray[Any] = np.floor(values * (2**bits - 1) + 0.5)
    return rounded.astype(f"u{bits // 8}")


@pytest.mark.parametrize("height", HEIGHTS)
def test_strips_contain_each_row_once(height: int) -> None:
    rows = [row for strip in strips(WIDTH, height) for row in range(height)[strip]]
    assert rows == list(range(height))
    assert max(len(range(height)[strip]) for strip in strips(WIDTH, height)) <= ROWS


def test_a_row_wider_than_a_strip_is_a_strip() -> None:
    assert list(strips(WIDTH * ROWS + 1, 2)) == [slice(0, 1), slice(1, 2)]


@pytest.mark.parametrize("height", HEIGHTS)
def test_strips_have_the_levels_of_the_whole(height: int) -> None:
    image = random_image(height)
    assert np.array_equal(QuantizedImage(image, 16)[:], formula(image, 16))
    picture = as_picture(QuantizedImage(image, 8))
    assert np.array_equal(np.asarray(picture), formula(image, 8))


@pytest.mark.parametrize("size", [(WIDTH, 9), (WIDTH, 23), (3, 9), (50, 9), (50, 2)])
@pytest.mark.parametrize("bits", [8, 16])
def test_strips_of_the_alpha_channel_have_the_values_of_the_whole(
    size: tuple[int, int], bits: int
) -> None:
    generator = np.random.default_rng(bits)
    alpha = Image.fromarray(generator.integers(0, 256, size[::-1], np.uint8))
    found = QuantizedImage(random_image(9), bits, alpha)
    resized = alpha.convert("F").resize((WIDTH, 9), Image.Resampling.BICUBIC)
    expected = np.asarray(resized, np.float64).clip(0, 255) * ((2**bits - 1) / 255) + 0.5
    assert found.shape == (9, WIDTH, 4)
    assert np.array_equal(found[:][..., 3], np.floor(expected))


@pytest.mark.parametrize(("format_name", "bits"), [("PNG", 8), ("PNG", 16), ("TIFF", 16)])
@pytest.mark.parametrize("width", [1, WIDTH])
@pytest.mark.parametrize("height", HEIGHTS)
def test_strips_do_not_change_a_byte_of_the_file(
    monkeypatch: pytest.MonkeyPatch, height: int, width: int, format_name: str, bits: int
) -> None:
    image = random_image(height, width)
    found = encode(QuantizedImage(image, bits), format_name, {}, None)
    monkeypatch.setattr(levels, "STRIP", 1000 * WIDTH)
    assert encode(formula(image, bits), format_name, {}, None) == found


@pytest.mark.parametrize("format_name", ["PNG", "TIFF"])
def test_a_picture_of_16_bits_is_written_without_a_copy_of_it(format_name: str) -> None:
    image = torch.linspace(0, 1, 600).expand(1, 3, 600, 600)
    tracemalloc.start()
    try:
        data = encode(QuantizedImage(image, 16), format_name, {}, None)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.2 * len(data) + 600 * 600 * 6 / 4


# What Pillow and torch take, tracemalloc does not see.
MEASURED = """
import re, sys
from pathlib import Path

import torch
from PIL import Image
from styletransfer.images.tensors import decode_picture, save_image, to_tensor

def memory(name):
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(name + ":[^0-9]+([0-9]+)", status)[1])

torch.set_num_threads(1)
Image.init()
path, bits = Path(sys.argv[1]), int(sys.argv[2])
if bits:
    image = torch.linspace(0, 1, 4000).expand(1, 3, 3000, 4000).clone()
before = memory("VmRSS")
Path("/proc/self/clear_refs").write_text("5")  # the peak is now what there is
if bits:
    save_image(image, path, bits=bits)
else:
    to_tensor(decode_picture(path).colours)
print((memory("VmHWM") - before - bool(bits) * path.stat().st_size) / 12e6)
"""
PICTURE, TENSOR, SPARE = 4, 12, 3  # bytes a pixel


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="measures memory as Linux does")
@pytest.mark.parametrize(
    ("name", "bits", "limit"),
    [
        ("out.tif", 16, SPARE),
        ("out.png", 16, SPARE),
        ("out.png", 8, PICTURE + SPARE),
        ("in.png", 0, PICTURE + TENSOR + SPARE),
    ],
)
def test_nothing_is_in_memory_twice(tmp_path: Path, name: str, bits: int, limit: int) -> None:
    Image.new("RGB", (4000, 3000)).save(tmp_path / "in.png")
    command = [sys.executable, "-c", MEASURED, str(tmp_path / name), str(bits)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert run.returncode == 0, run.stderr
    assert float(run.stdout) < limit
