"""Pictures that the tests of reading and writing share, and how a refusal reads."""

from collections.abc import Callable

import pytest
import torch
from PIL import Image
from torch import Tensor

from styletransfer.errors import ImageError
from styletransfer.images import to_tensor


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    generator = torch.Generator().manual_seed(seed)
    levels = torch.randint(256, (height, width, 3), generator=generator).byte()
    return Image.fromarray(levels.numpy())


def noise_image(side: int = 16, seed: int = 0) -> Tensor:
    return to_tensor(noise(side, side, seed))


def refusal(call: Callable[..., object], *arguments: object) -> str:
    """The one line with which a call refuses its arguments."""
    with pytest.raises(ImageError) as caught:
        call(*arguments)
    line = str(caught.value)
    assert "\n" not in line
    assert ";" in line, "a remedy follows the complaint"
    return line
