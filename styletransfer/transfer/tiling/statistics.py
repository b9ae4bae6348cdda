"""Statistics of pictures too large to be evaluated at once, tile by tile and exactly.

What the losses compare are sums over positions. A first pass adds them up over tiles.
Then their gradients are known, and a second pass evaluates each tile again, and adds
its share to the gradient of the pixels. A tile is evaluated with as much around it as
its activations depend on, so they are those of the whole picture.

Activations then take as much memory as one tile needs, whatever the size of the picture.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from styletransfer.transfer.tiling import ranks
from styletransfer.transfer.tiling.content import KeptContent, TileContent
from styletransfer.transfer.tiling.sums import Pull, Sums, Total
from styletransfer.transfer.tiling.tiles import Tile, divide
from styletransfer.vgg.encoder import Encoder
from styletransfer.vgg.kernels.gradient_taps import add_gradient
from styletransfer.vgg.kernels.network import is_rectified
from styletransfer.vgg.moments import LEAST_SHARE, Moments


class TiledStatistics:
    """Content errors and moments of an image, as `losses.LayerStatistics`, tile by tile.

    Args:
        encoder: The network.
        content: Target activations.
        style_layers: Layers whose moments are wanted.
        shares: As in `LayerStatistics`.
        side: Largest side of a tile, a multiple of `GRID`.
        circular: As in `LayerStatistics`.
    """

    def __init__(
        self,
        encoder: Encoder,
        content: TileContent,
        style_layers: Collection[str],
        shares: Mapping[str, Tensor] | None = None,
        *,
        side: int,
        circular: bool = False,
    ) -> None:
        self.encoder = encoder
        self.content = content
        self.style_layers = list(style_layers)
        self.shares = shares
        self.side = side
        self.shape: Sequence[int] = ()
        """Of the image, on ranks that are sent it."""
        self.circular = circular
        self.sizes = dict.fromkeys(content.layers, 0)
        """Number of target activations by layer, once they were compared."""
        self.layers = {*content.layers, *style_layers}
        self.strides = {layer: encoder.stride(layer) for layer in self.layers}

    def __call__(self, image: Tensor) -> tuple[dict[str, Tensor], dict[str, Moments]]:
        """Evaluate the network; see `LayerStatistics`."""
        found = _Statistics.apply(image, self)
        errors = dict(zip(self.content.layers, found, strict=False))
        rest = iter(found[len(errors) :])
        return errors, {layer: Moments(next(rest), next(rest)) for layer in self.style_layers}

    def measure(self, image: Tensor) -> Iterator[Tensor]:
        """The first pass, without autograd.

        Args:
            image: As in `__call__`.

        Yields:
            The content error of each layer; then mean and Gram matrix of each.
        """
        layers = self.content.layers
        errors = {layer: Total() for layer in layers}
        sizes = dict.fromkeys(layers, 0)
        sums = {layer: Sums() for layer in self.style_layers}
        for tile in ranks.own(self._tiles(image)):
            features = self.encoder(tile.cut(image), self.layers)
            for layer, target in self.content.of(tile).items():
                own = tile.inside(features[layer], self.strides[layer])
                errors[layer].add(_squares(own - target))
                sizes[layer] += target.numel()
            for layer in self.style_layers:
                sums[layer].add(
                    tile.inside(features[layer], self.strides[layer]), self._part(tile, layer)
                )
        parts = ranks.gathered((errors, sizes, sums))
        for layer in layers:
            self.sizes[layer] = sum(part[1][layer] for part in parts)
            error = Total.of(part[0][layer] for part in parts).result / self.sizes[layer]
            yield torch.as_tensor(error).to(_exact(image))
        for layer in self.style_layers:
            yield from Sums.of(part[2][layer] for part in parts).moments()

    def pull(self, image: Tensor, pulls: Mapping[str, Pull]) -> Tensor:
        """The second pass: the gradient of the image from those of the statistics.

        Args:
            image: As in `__call__`.
            pulls: The gradient of each layer's activations, as a function of them.
        """
        gradient = torch.zeros_like(image)
        for tile, found in ranks.collected(
            self._tiles(image),
            lambda tile: self._pull_tile(tile, image, pulls),
            lambda tile: tile.cut(image).shape,
        ):
            tile.paste(gradient, found)
        return gradient

    def _pull_tile(self, tile: Tile, image: Tensor, pulls: Mapping[str, Pull]) -> Tensor:
        """The gradient of a tile's pixels, and of those around it."""
        targets = self.content.of(tile)

        def add(layer: str, into: Tensor, values: Tensor) -> None:
            stride = self.strides[layer]
            pulls[layer].add(
                tile.inside(into, stride),
                tile.inside(values, stride),
                targets.get(layer),
                self._part(tile, layer),
            )

        part = tile.cut(image).detach().requires_grad_()
        with torch.enable_grad():
            if self.encoder.fast is None:
                return _pull_plainly(self.encoder(part, self.layers), part, add)
            passed = [part]

            def tap(layer: str, values: Tensor) -> Tensor:
                passed.append(add_gradient(values, partial(add, layer), is_rectified(layer)))
                return passed[-1]

            self.encoder.fast.walk(part, self.layers, tap)
        (found,) = torch.autograd.grad(passed[-1], part, torch.zeros_like(passed[-1]))
        return found

    def counts(self, image: Tensor, layer: str) -> Tensor:
        """Sums of the shares of each region over the positions of a layer, shape (R,)."""
        if self.shares is not None and layer in self.shares:
            return self.shares[layer].flatten(1).sum(1).clamp_min(LEAST_SHARE)
        stride = self.strides[layer]
        return image.new_full((1,), (image.shape[2] // stride) * (image.shape[3] // stride))

    def _tiles(self, image: Tensor) -> list[Tile]:
        reach = self.encoder.reach(self.layers)
        height, width = image.shape[2:]
        return divide(height, width, self.side, reach, circular=self.circular)

    def _part(self, tile: Tile, layer: str) -> Tensor | None:
        if self.shares is None or layer not in self.shares:
            return None
        return tile.of_whole(self.shares[layer], self.strides[layer])


def _pull_plainly(
    features: Mapping[str, Tensor], part: Tensor, add: Callable[[str, Tensor, Tensor], None]
) -> Tensor:
    """The gradient of a tile's pixels, by autograd's own sum."""
    gradients = {layer: torch.zeros_like(values) for layer, values in features.items()}
    for layer, into in gradients.items():
        add(layer, into, features[layer].detach())
    found: Tensor
    (found,) = torch.autograd.grad([*features.values()], part, [*gradients.values()])
    return found


class _Statistics(torch.autograd.Function):
    """`TiledStatistics`, with the second pass in its backward."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, statistics: TiledStatistics) -> tuple[Tensor, ...]:
        ctx.statistics = statistics
        ctx.save_for_backward(image)
        ranks.tell(ranks.Measure(), image)
        return tuple(statistics.measure(image))

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:
        (image,) = ctx.saved_tensors
        statistics: TiledStatistics = ctx.statistics
        rest = iter(grad_outputs)
        errors = {layer: next(rest) / size for layer, size in statistics.sizes.items()}
        pulls = {layer: Pull(errors.get(layer), None, None) for layer in statistics.layers}
        for layer in statistics.style_layers:
            mean, gram = next(rest), next(rest)
            count = statistics.counts(image, layer)
            pulls[layer] = Pull(
                errors.get(layer), mean / count[:, None], (gram + gram.mT) / count[:, None, None]
            )
        ranks.tell(ranks.Pulls(pulls))
        return statistics.pull(image, pulls), None


def tiled_moments(
    encoder: Encoder,
    picture: Tensor,
    layers: Collection[str],
    side: int,
    shares: Mapping[str, Tensor] | None = None,
) -> dict[str, Moments]:
    """Moments of a picture by layer, tile by tile.

    Args:
        encoder: The network.
        picture: Shape (1, 3, H, W), RGB in [0, 1].
        layers: Layer names.
        side: Largest side of a tile, a multiple of `GRID`.
        shares: Shares of regions by layer. None: the whole picture.
    """
    statistics = TiledStatistics(encoder, KeptContent(encoder, {}), layers, shares, side=side)
    found = statistics.measure(picture)
    return {layer: Moments(next(found), next(found)) for layer in layers}


def _squares(values: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(values, dtype=_exact(values))
    return length.double().square()


def _exact(values: Tensor) -> torch.dtype:
    return torch.promote_types(values.dtype, torch.float32)
