"""What the tiles of an image are compared with: the content's activations."""

from collections.abc import Collection, Mapping
from typing import Protocol

import torch
from torch import Tensor

from styletransfer.transfer.tiling import ranks
from styletransfer.transfer.tiling.tiles import Tile, divide
from styletransfer.vgg.encoder import Encoder


class TileContent(Protocol):
    """The content's activations, tile by tile."""

    layers: Collection[str]
    """Layer names."""

    def of(self, tile: Tile) -> dict[str, Tensor]:
        """Those of a tile's own positions by layer, each of shape (1, C, H', W')."""
        ...


class KeptContent:
    """Activations of the whole content, which were found before.

    Args:
        encoder: The network.
        features: By layer, each of shape (1, C, H_l, W_l).
    """

    def __init__(self, encoder: Encoder, features: Mapping[str, Tensor]) -> None:
        self.encoder = encoder
        self.features = features
        self.layers: Collection[str] = [*features]

    def of(self, tile: Tile) -> dict[str, Tensor]:
        """See `TileContent`."""
        return {
            layer: tile.of_whole(values, self.encoder.stride(layer))
            for layer, values in self.features.items()
        }


class EvaluatedContent:
    """The content picture, of which a tile is evaluated whenever it is compared.

    To the same bits as `KeptContent`, without its memory, in half as much time again.

    Args:
        encoder: The network.
        picture: Shape (1, 3, H, W), RGB in [0, 1], of the image's size.
        layers: Layer names.
        side: Largest side of a tile in pixels.
        circular: As in `Encoder.forward`.
    """

    def __init__(
        self,
        encoder: Encoder,
        picture: Tensor,
        layers: Collection[str],
        side: int,
        *,
        circular: bool,
    ) -> None:
        self.encoder = encoder
        self.picture = picture
        self.layers = layers
        self.side = side
        self.circular = circular

    @torch.no_grad()
    def of(self, tile: Tile) -> dict[str, Tensor]:
        """See `TileContent`."""
        found = self.encoder(tile.cut(self.picture), self.layers)
        return {
            layer: tile.inside(values, self.encoder.stride(layer))
            for layer, values in found.items()
        }

    def mean_square(self, layer: str) -> Tensor:
        """The mean square of a layer's activations."""
        height, width = self.picture.shape[2:]
        reach = self.encoder.reach(self.layers)
        total, count = self.picture.new_zeros((), dtype=torch.float64), 0
        for tile in divide(height, width, self.side, reach, circular=self.circular):
            values = self.of(tile)[layer]
            total += values.double().square().sum()
            count += values.numel()
        return (total / count).to(self.picture)


def tiled_features(
    encoder: Encoder, picture: Tensor, layers: Collection[str], side: int, *, circular: bool = False
) -> dict[str, Tensor]:
    """Activations of a picture, as `Encoder.forward` without autograd, tile by tile.

    Args:
        encoder: The network.
        picture: Shape (1, 3, H, W), RGB in [0, 1].
        layers: Layer names.
        side: Largest side of a tile, a multiple of `GRID`.
        circular: As in `Encoder.forward`.
    """
    height, width = picture.shape[2:]
    found: dict[str, Tensor] = {}
    tiles = divide(height, width, side, encoder.reach(layers), circular=circular)
    for tile in ranks.own(tiles):
        for layer, values in encoder(tile.cut(picture), layers).items():
            stride = encoder.stride(layer)
            if layer not in found:
                shape = (1, values.shape[1], height // stride, width // stride)
                found[layer] = values.new_zeros(shape).to(memory_format=torch.channels_last)
            tile.of_whole(found[layer], stride).copy_(tile.inside(values, stride))
    return {layer: ranks.total(values) for layer, values in found.items()}
