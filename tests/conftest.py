"""What all tests share."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import settings
from torch import Tensor, nn
from torch.nn import functional

from styletransfer.device.device import choose_precision
from styletransfer.vgg.encoder import Encoder
from tests.support.commands import Command, run_command

BFLOAT16_IS_NATIVE = choose_precision("auto", torch.device("cpu")).dtype == torch.bfloat16

# No deadline: torch's first call of a kind is slow. Derandomized: a red run
# stays red until it is mended.
settings.register_profile("stylize", deadline=None, derandomize=True)
settings.load_profile("stylize")


def pytest_sessionstart() -> None:
    # The tests' tensors are so small that a second thread only costs time.
    torch.set_num_threads(1)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("gpu") and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    if item.get_closest_marker("bfloat16") and not BFLOAT16_IS_NATIVE:
        pytest.skip("this processor has no bfloat16 of its own, and emulates it")


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    """A VGG-19 of a 16th of the width, with seeded random weights, in float32 on the CPU."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        narrow = Encoder("vgg19", narrowing=16)
        for layer in narrow.layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return narrow.place_on(torch.device("cpu"), torch.float32)


@pytest.fixture(scope="session")
def smooth() -> Callable[[int, int, int], Tensor]:
    """Soft blobs of colour, by height, width and seed; shape (1, 3, H, W) in [0, 1]."""

    def picture(height: int, width: int, seed: int = 0) -> Tensor:
        blobs = torch.rand(1, 3, 5, 5, generator=torch.Generator().manual_seed(seed))
        return functional.interpolate(blobs, (height, width), mode="bicubic").clamp(0, 1)

    return picture


@pytest.fixture(scope="session")
def noisy() -> Callable[[int, int, int], Tensor]:
    """Noise in every pixel, by height, width and seed; shape (1, 3, H, W) in [0, 1]."""

    def picture(height: int, width: int, seed: int = 0) -> Tensor:
        return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))

    return picture


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Runs `stylize` with a command line, and tells its exit code, stdout and stderr."""
    return lambda line: run_command(line, monkeypatch, capfd)
