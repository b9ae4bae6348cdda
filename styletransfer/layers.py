"""Names of the VGG layers.

Separate from the network, so that a misspelt name is refused without importing
torch.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from styletransfer.errors import ConfigError, quote

BLOCKS: Mapping[str, tuple[int, ...]] = {
    "vgg16": (2, 2, 3, 3, 3),
    "vgg19": (2, 2, 4, 4, 4),
}
"""Number of convolutions in each block, by network. A pooling layer ends each block."""

WIDTHS = (64, 128, 256, 512, 512)
"""Channels of each block."""


def layer_names(network: str) -> tuple[str, ...]:
    """List the layers of a network, in order of evaluation.

    Args:
        network: A key of `BLOCKS`.

    Returns:
        ``conv1_1``, ``relu1_1``, …, ``pool5``. The index of a name is the index
        of the layer in torchvision's ``features``.

    Example:
        >>> layer_names("vgg19").index("conv5_1")
        28
    """

    def names() -> Iterator[str]:
        for block, depth in enumerate(BLOCKS[network], start=1):
            for position in range(1, depth + 1):
                yield f"conv{block}_{position}"
                yield f"relu{block}_{position}"
            yield f"pool{block}"

    return tuple(names())


def width(layer: str) -> int:
    """Channels of a layer."""
    return WIDTHS[int(layer[4]) - 1]


def stride(names: Sequence[str], layer: str) -> int:
    """Pixels from one position of a layer to the next.

    Args:
        names: The layers of a network, as from `layer_names`.
        layer: One of them.

    Example:
        >>> stride(layer_names("vgg19"), "relu3_1")
        4
    """
    pools = names[: names.index(layer) + 1]
    return int(2 ** sum(name.startswith("pool") for name in pools))


def reach(names: Sequence[str], layers: Iterable[str]) -> int:
    """Pixels on each side of a position's own square that its activations depend on.

    Args:
        names: The layers of a network, as from `layer_names`.
        layers: Some of them; the farthest counts.

    Example:
        >>> reach(layer_names("vgg19"), ["relu1_1", "relu5_1"])
        70
    """
    depth = 1 + max((names.index(layer) for layer in layers), default=-1)
    return sum(stride(names, name) for name in names[:depth] if name.startswith("conv"))


BLOCK_SHARES = (5.0, 4.0, 3.5, 1.5, 0.2)
"""Default weight of a style layer in each block."""


DETAIL_LAYER = "relu2_2"
"""The layer that `Settings.detail` adds to the content loss."""


def content_shares(layers: Sequence[str], detail: float) -> dict[str, float]:
    """The share of each layer in the content loss.

    Args:
        layers: `Settings.content_layers`.
        detail: `Settings.detail`.
    """
    shares = dict.fromkeys(layers, (1 - detail) / len(layers))
    if detail:
        shares[DETAIL_LAYER] = shares.get(DETAIL_LAYER, 0) + detail
    return {layer: share for layer, share in shares.items() if share}


def default_share(layer: str) -> float:
    """Return the default weight of a style layer.

    Shallow layers, which hold colours and strokes, weigh more than deep ones.
    Those of the fifth block show whole objects: with the weight of the others,
    objects of the style image, such as windows or beams, appear in the
    background of the result.

    Args:
        layer: A layer name.

    Returns:
        5, 4, 3.5, 1.5 and 0.2 in the five blocks.
    """
    return BLOCK_SHARES[int(layer[4]) - 1]


def check_layers(field: str, layers: tuple[str, ...], network: str) -> None:
    """Refuse layers that a network does not have, and duplicates.

    Args:
        field: The name of the setting, for the message.
        layers: Layer names.
        network: A key of `BLOCKS`.

    Raises:
        ConfigError: If a name is unknown or repeated, or `layers` is empty.
    """
    known = [name for name in layer_names(network) if not name.startswith("pool")]
    if not layers:
        raise ConfigError(f"{field} must name at least one layer, such as relu4_1")
    for name in layers:
        if name not in known:
            raise ConfigError(
                f"{field}: {network} has no layer {quote(name)}; its layers are "
                f"{known[1]} … {known[-1]} and {known[0]} … {known[-2]}"
            )
    if len(set(layers)) < len(layers):
        raise ConfigError(f"{field} names a layer twice: {', '.join(layers)}")
