"""An impartial judge of pictures, whoever made them.

    python -m benchmarks.pictures content.jpg painting.jpg ours.png theirs.png …

The network is the original VGG-19, in float32 and plain torch; features are taken after
the ReLU, with zeros beyond the border. Content and style are resized to the picture's
size: the content exactly, the style by its longest side. Nothing is shared with the
losses that stylize minimizes but the network.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.judge import CONTENT_LAYER, STYLE_LAYERS
from styletransfer import read_image
from styletransfer.transfer.resizing import resize, resize_to_side
from styletransfer.vgg.architecture import convolutions
from styletransfer.vgg.checkpoints import load_checkpoint
from styletransfer.vgg.encoder import Encoder

HALF_LEVEL = 0.5 / 255
"""A value this near to 0 or 1 counts as cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the judge finds. All errors are relative to their target, so pure numbers."""

    content: float
    """``mean((F − T)²) / mean(T²)`` at `CONTENT_LAYER`."""

    gram: float
    """Relative squared error of the Gram matrix, mean over `STYLE_LAYERS`."""

    wasserstein: tuple[float, ...]
    """Relative squared Wasserstein distance between Gaussians, by layer."""

    cut_off: float
    """Share of the values that are 0 or 1 when rounded to 8 bits."""

    def __str__(self) -> str:
        """One line, as printed."""
        shallow = sum(self.wasserstein[:-1]) / (len(self.wasserstein) - 1)
        layers = " ".join(f"{error:.3f}" for error in self.wasserstein)
        return (
            f"content {self.content:.3f}  Gram {self.gram:.3f}  Wasserstein {shallow:.4f} "
            f"(relu1_1 to relu4_1), {self.wasserstein[-1]:.3f} (relu5_1): {layers}  "
            f"cut off {self.cut_off:.3f}"
        )


class Judge:
    """Compares pictures with a content and a style.

    Args:
        content: Shape (1, 3, H, W), RGB in [0, 1].
        style: The same form.
    """

    def __init__(self, content: Tensor, style: Tensor) -> None:
        self.content, self.style = content, style
        described = convolutions("vgg19")
        weights = load_checkpoint(
            "bundled", network="vgg19", layout="torchvision", convolutions=described
        )
        encoder = Encoder("vgg19", weights, kernels="plain")
        self.encoder = encoder.place_on(torch.device("cpu"), torch.float32)

    @torch.no_grad()
    def __call__(self, picture: Tensor) -> Verdict:
        """Judge a picture of shape (1, 3, H, W), RGB in [0, 1]."""
        height, width = picture.shape[2:]
        content = self.encoder(resize(self.content, width, height), [CONTENT_LAYER])
        style = self.encoder(resize_to_side(self.style, max(height, width)), STYLE_LAYERS)
        found = self.encoder(picture, [CONTENT_LAYER, *STYLE_LAYERS])
        target = content[CONTENT_LAYER]
        distance = (found[CONTENT_LAYER] - target).square().mean() / target.square().mean()
        pairs = [(found[layer], style[layer]) for layer in STYLE_LAYERS]
        limits = (picture <= HALF_LEVEL) | (picture >= 1 - HALF_LEVEL)
        return Verdict(
            content=distance.item(),
            gram=sum(gram_error(*pair) for pair in pairs) / len(pairs),
            wasserstein=tuple(wasserstein_error(*pair) for pair in pairs),
            cut_off=limits.float().mean().item(),
        )


def gram_error(features: Tensor, target: Tensor) -> float:
    """``‖G − A‖² / ‖A‖²`` for the Gram matrices of two activations (1, C, H, W)."""
    gram, wanted = (each @ each.T / each.shape[1] for each in map(_flat, (features, target)))
    error: float = ((gram - wanted).square().sum() / wanted.square().sum()).item()
    return error


def wasserstein_error(features: Tensor, target: Tensor) -> float:
    """``(‖m − n‖² + tr(Σ + Ξ − 2 (Ξ^½ Σ Ξ^½)^½)) / (‖n‖² + tr Ξ)`` of two activations.

    The trace of the root is the sum of the singular values of ``Ξ^½ Σ^½``.
    """
    (mean, root), (wanted, wanted_root) = (_mean_and_root(_flat(e)) for e in (features, target))
    common = torch.linalg.svdvals(wanted_root @ root).sum()
    spreads = root.square().sum() + wanted_root.square().sum() - 2 * common
    energy = wanted.square().sum() + wanted_root.square().sum()
    error: float = (((mean - wanted).square().sum() + spreads) / energy).item()
    return error


def _flat(features: Tensor) -> Tensor:
    return features[0].flatten(1).double()


def _mean_and_root(flat: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of each channel, and the symmetric root of the covariance."""
    mean = flat.mean(1)
    values, vectors = torch.linalg.eigh(flat @ flat.T / flat.shape[1] - torch.outer(mean, mean))
    return mean, (vectors * values.clamp_min(0).sqrt()) @ vectors.T


def judge_files(content: Path, style: Path, pictures: Sequence[Path]) -> Mapping[Path, Verdict]:
    """Judge picture files of one content and one style."""
    judge = Judge(read_image(content), read_image(style))
    return {picture: judge(read_image(picture)) for picture in pictures}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line for each picture that the command line names."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pictures",
        description="Judge pictures of one photograph in the style of one painting.",
    )
    parser.add_argument("content", type=Path, help="the photograph")
    parser.add_argument("style", type=Path, help="the painting")
    parser.add_argument("pictures", type=Path, nargs="+", help="what was made of them")
    options = parser.parse_args(arguments)
    for picture, verdict in judge_files(options.content, options.style, options.pictures).items():
        print(f"{picture.name}: {verdict}")


if __name__ == "__main__":
    main()
