"""The layers of the VGG networks, by the names that style transfer uses.

Kept apart from the network itself, so that a misspelt layer can be refused
before torch is imported.
"""

from collections.abc import Iterator, Mapping

from styletransfer.errors import ConfigError

BLOCKS: Mapping[str, tuple[int, ...]] = {
    "vgg16": (2, 2, 3, 3, 3),
    "vgg19": (2, 2, 4, 4, 4),
}
"""Convolutions in each block, by network; a pooling ends each block."""


def layer_names(network: str) -> tuple[str, ...]:
    """Name the layers of a network, in the order of evaluation.

    Args:
        network: A key of `BLOCKS`.

    Returns:
        ``conv1_1``, ``relu1_1``, …, ``pool5``; the position of a name is the
        number that torchvision gives the layer.

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


def default_share(layer: str) -> float:
    """The weight of a style layer where none is given.

    The fifth block sees whole objects: at the share of the others, windows and
    beams of the painting turn up in the photograph's background.

    Args:
        layer: A layer name.

    Returns:
        0.2 in the fifth block, 1 before it.
    """
    return 0.2 if layer[4] == "5" else 1.0


def check_layers(field: str, layers: tuple[str, ...], network: str) -> None:
    """Refuse layers that a network has not, or that are named twice.

    Args:
        field: The setting to blame in the message.
        layers: Layer names.
        network: A key of `BLOCKS`.

    Raises:
        ConfigError: If a name is unknown or repeated, or there is none.
    """
    known = [name for name in layer_names(network) if not name.startswith("pool")]
    if not layers:
        raise ConfigError(f"{field} must name at least one layer, such as relu4_1")
    for name in layers:
        if name not in known:
            raise ConfigError(
                f"{field}: {network} has no layer {name!r}; its layers are "
                f"{known[1]} … {known[-1]} and {known[0]} … {known[-2]}"
            )
    if len(set(layers)) < len(layers):
        raise ConfigError(f"{field} names a layer twice: {', '.join(layers)}")
