"""Where network weights come from: the package, the network, a file."""

import hashlib
import pickle
import struct
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from socket import getdefaulttimeout, setdefaulttimeout
from threading import Thread
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_safetensors
from torch import Tensor

from styletransfer.errors import WeightsError
from styletransfer.runs.paths import expand_user
from styletransfer.settings import BUNDLED

BUNDLED_PATH = Path(__file__).parent / "weights" / "vgg19_oxford.safetensors"
BUNDLED_SHA256 = "11ac99cb8655f7315dafe12497cbd64a4d791c87bacedf3a4ff8a6cd642c06af"

PATIENCE = 10.0
"""Seconds that a server may stay silent."""


def read_tensors(source: str, network: str) -> tuple[Path, dict[str, Tensor]]:
    """Read tensors by name, just as they are stored.

    Args:
        source: ``bundled``, ``torchvision``, or the path of a file.
        network: ``vgg19`` or ``vgg16``.

    Returns:
        The file, and what is in it.

    Raises:
        WeightsError: If it is damaged, no file of tensors, or out of reach.
    """
    if source == BUNDLED:
        return BUNDLED_PATH, _read_bundled(network)
    path = download(_url(network)) if source == "torchvision" else expand_user(Path(source))
    return path, _read(path)


def _url(network: str) -> str:
    """Where torchvision has its weights of a network."""
    # Here, since it takes as long as the rest of the start together.
    from torchvision.models import get_model_weights

    url: str = get_model_weights(network).IMAGENET1K_V1.url
    return url


def _read_bundled(network: str) -> dict[str, Tensor]:
    if network != "vgg19":
        raise WeightsError(
            f"the bundled weights are of vgg19, not {network}; "
            "use --weights torchvision or --weights FILE"
        )
    try:
        content = BUNDLED_PATH.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"the bundled weights {BUNDLED_PATH} cannot be read ({error.strerror}); "
            "install styletransfer again"
        ) from error
    if hashlib.sha256(content).hexdigest() != BUNDLED_SHA256:
        raise WeightsError(
            f"the bundled weights {BUNDLED_PATH} are damaged (their SHA-256 is not "
            f"{BUNDLED_SHA256[:8]}…); install styletransfer again"
        )
    return parse_safetensors(content)


def _read(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a file, by name, without running anything in it."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(_READERS)
        raise WeightsError(f"{path} is no weights file: its name must end in {known}")
    try:
        content = reader(path)
    except OSError as error:
        reason = error.strerror or "it is damaged"
        raise WeightsError(f"cannot read the weights {path}: {reason}; check --weights") from error
    except _DAMAGES as error:
        raise WeightsError(
            f"{path} is damaged, cut short, or not a {path.suffix} file of tensors alone; "
            "delete it if it was downloaded, and get it anew"
        ) from error
    if not isinstance(content, Mapping):
        raise WeightsError(f"{path} holds no state dict; save the network's state_dict() instead")
    return {k: v for k, v in content.items() if isinstance(k, str) and _is_plain(v)}


def _is_plain(value: object) -> bool:
    """Whether this is a tensor with one number in memory for each of its elements."""
    return (
        isinstance(value, Tensor) and value.layout == torch.strided and value.device.type == "cpu"
    )


def _read_safetensors(path: Path) -> object:
    return parse_safetensors(path.read_bytes())


def _read_torch(path: Path) -> object:
    with warnings.catch_warnings():
        # Torch muses on files that it then refuses.
        warnings.simplefilter("ignore")
        return torch.load(path, map_location="cpu", weights_only=True)


_READERS: Mapping[str, Callable[[Path], object]] = {
    ".safetensors": _read_safetensors,
    ".pth": _read_torch,
    ".pt": _read_torch,
    ".bin": _read_torch,
}

# What the readers were seen to raise over bytes that are not what they should be.
_DAMAGES = (
    SafetensorError,
    pickle.UnpicklingError,
    struct.error,
    RuntimeError,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    AssertionError,
)


def download(url: str) -> Path:
    """Fetch a file into torch's cache, unless it is there already.

    Args:
        url: Where it is. The file's name bears the start of its SHA-256, as in
            ``vgg19-dcbb9e9d.pth``.

    Returns:
        The path of the file, whose hash was checked when it came.

    Raises:
        WeightsError: If it cannot be had; within seconds, not minutes.
    """
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    path = folder / url.rpartition("/")[2]
    if path.exists():
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check_answer(url)
        with _socket_timeout(PATIENCE):
            torch.hub.download_url_to_file(
                url,
                str(path),
                hash_prefix=path.stem.rpartition("-")[2],
                progress=sys.stderr.isatty(),
            )
    except (OSError, HTTPException, RuntimeError) as error:
        reason = " ".join(str(error).split()) or "no answer"
        if isinstance(error, HTTPError):
            error.close()  # It is the server's answer as well.
        raise WeightsError(
            f"cannot download {url} to {folder} ({reason}); check the network, "
            "put the file there yourself, or choose other --weights"
        ) from error
    return path


def _check_answer(url: str) -> None:
    """Raise within `PATIENCE` if a server does not answer.

    A timeout of the socket would not do: it counts anew for each address of
    the server, and not at all while its name is looked up.
    """
    answer: Future[None] = Future()

    def ask() -> None:
        try:
            urlopen(Request(url, method="HEAD"), timeout=PATIENCE).close()
            answer.set_result(None)
        except (OSError, HTTPException) as error:
            answer.set_exception(error)

    Thread(target=ask, daemon=True).start()
    answer.result(timeout=PATIENCE)


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    before = getdefaulttimeout()
    setdefaulttimeout(seconds)
    try:
        yield
    finally:
        setdefaulttimeout(before)
