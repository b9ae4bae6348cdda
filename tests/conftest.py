"""What all tests share."""

import pytest
import torch
from hypothesis import settings

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
