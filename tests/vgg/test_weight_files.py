import http.server
import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save
from torch import nn

from styletransfer.errors import WeightsError
from styletransfer.vgg import weight_files
from styletransfer.vgg.weight_files import read_tensors, read_url

TENSORS = {"features.0.weight": torch.arange(54.0).view(2, 3, 3, 3)}


def saved(content: object, *, legacy: bool = False) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=not legacy)
    return buffer.getvalue()


FILES = {
    "w.safetensors": save(TENSORS),
    "w.pth": saved(TENSORS),
    "w.pt": saved(TENSORS, legacy=True),
    "w.bin": saved(TENSORS),
    "W.PTH": saved(TENSORS),
}


def refusal(source: Path | str, network: str = "vgg19") -> str:
    """The message of the error that a source raises; checked to be one line."""
    with pytest.raises(WeightsError) as caught:
        read_tensors(str(source), network)
    message = str(caught.value)
    assert "\n" not in message
    return message


def download_refusal(url: str) -> str:
    """The message of the error that a URL raises; checked to be one line."""
    with pytest.raises(WeightsError) as caught:
        read_url(url)
    message = str(caught.value)
    assert "\n" not in message
    assert f"cannot download {url}" in message
    return message


@pytest.mark.parametrize("name", FILES)
def test_the_tensors_of_every_file_format_are_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(FILES[name])
    found, tensors = read_tensors(str(path), "vgg19")
    assert found == path
    torch.testing.assert_close(tensors, TENSORS, rtol=0, atol=0)


def test_a_tilde_stands_for_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "w.pth").write_bytes(FILES["w.pth"])
    assert read_tensors("~/w.pth", "vgg19")[0] == tmp_path / "w.pth"


def test_values_other_than_dense_cpu_tensors_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    others = {
        "epoch": 3,
        7: torch.zeros(1),
        "sparse": torch.zeros(2, 2).to_sparse(),
        "meta": torch.zeros(2, device="meta"),
    }
    path.write_bytes(saved(TENSORS | others))
    assert read_tensors(str(path), "vgg19")[1].keys() == TENSORS.keys()


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".pt", ".bin"])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>not found</html>",
        b"version https://git-lfs.github.com/spec/v1\n",
        bytes(100),
        b"\x80\x02" + bytes(30),
        bytes(range(256)),
    ],
)
def test_a_file_of_another_format_is_refused_with_its_path(
    suffix: str, content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / f"w{suffix}"
    path.write_bytes(content)
    message = refusal(path)
    assert str(path) in message
    assert "download it again" in message


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_file_is_refused(name: str, share: float, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(FILES[name][: int(share * len(FILES[name]))])
    assert f"{path} is damaged, truncated" in refusal(path)


@pytest.mark.parametrize("position", range(0, 600, 30))
@pytest.mark.parametrize("legacy", [False, True])
def test_a_damaged_byte_in_a_pickle_raises_no_other_error(
    position: int, legacy: bool, tmp_path: Path
) -> None:
    content = bytearray(saved(TENSORS, legacy=legacy))
    content[position % len(content)] ^= 0xFF
    path = tmp_path / "w.pth"
    path.write_bytes(content)
    with suppress(WeightsError):
        assert isinstance(read_tensors(str(path), "vgg19")[1], dict)


class Hostile:
    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.victim,)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_pickle_with_code_is_refused_and_the_code_is_not_run(
    legacy: bool, tmp_path: Path
) -> None:
    path, victim = tmp_path / "w.pth", tmp_path / "victim"
    path.write_bytes(saved({"a": Hostile(victim)}, legacy=legacy))
    assert "not a .pth file of tensors only" in refusal(path)
    assert not victim.exists()


@pytest.mark.parametrize(
    ("content", "phrase"),
    [
        (torch.zeros(3), "does not contain a state dict"),
        ([torch.zeros(3)], "does not contain a state dict"),
        (nn.Conv2d(1, 1, 1), "not a .pth file of tensors only"),
    ],
)
def test_a_file_without_a_state_dict_is_refused(
    content: object, phrase: str, tmp_path: Path
) -> None:
    path = tmp_path / "w.pth"
    path.write_bytes(saved(content))
    assert phrase in refusal(path)


@pytest.mark.parametrize(
    ("name", "phrase"),
    [
        ("absent.pth", "No such file or directory"),
        ("absent.safetensors", "No such file or directory"),
        ("w.h5", "must end in .safetensors, .pth, .pt, .bin"),
        ("w", "must end in .safetensors, .pth, .pt, .bin"),
        ("folder.pth", "Is a directory"),
    ],
)
def test_a_path_that_is_not_a_weights_file_is_refused(
    name: str, phrase: str, tmp_path: Path
) -> None:
    (tmp_path / "folder.pth").mkdir()
    message = refusal(tmp_path / name)
    assert str(tmp_path / name) in message
    assert phrase in message


def test_bundled_weights_are_refused_for_vgg16() -> None:
    message = refusal("bundled", "vgg16")
    assert "of vgg19, not vgg16" in message
    assert "--weights torchvision" in message


@pytest.mark.weights
def test_the_bundled_file_has_the_expected_hash() -> None:
    path, tensors = read_tensors("bundled", "vgg19")
    assert sha256(path.read_bytes()).hexdigest() == weight_files.BUNDLED_SHA256
    assert len(tensors) == 3 * 16 + 1


@pytest.mark.weights
def test_a_damaged_bundled_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytearray(weight_files.BUNDLED_PATH.read_bytes())
    content[-1] ^= 1
    copy = tmp_path / "vgg19.safetensors"
    copy.write_bytes(content)
    monkeypatch.setattr(weight_files, "BUNDLED_PATH", copy)
    message = refusal("bundled")
    assert f"{copy} are damaged" in message
    assert "install styletransfer again" in message


def test_the_message_about_a_missing_bundled_file_asks_for_a_new_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weight_files, "BUNDLED_PATH", tmp_path / "absent.safetensors")
    assert "install styletransfer again" in refusal("bundled")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an empty torch.hub cache."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch" / "hub" / "checkpoints"


def publish(folder: Path, content: bytes, digest: str | None = None) -> str:
    """Write a file whose name contains the start of its hash, and return its URL."""
    path = folder / f"net-{(digest or sha256(content).hexdigest())[:8]}.pth"
    path.write_bytes(content)
    return path.as_uri()


@pytest.mark.parametrize(
    ("network", "name"), [("vgg19", "vgg19-dcbb9e9d.pth"), ("vgg16", "vgg16-397923af.pth")]
)
def test_cached_weights_of_torchvision_are_read_without_a_network(
    network: str, name: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(torch.hub, "urlopen")
    cache.mkdir(parents=True)
    (cache / name).write_bytes(FILES["w.pth"])
    path, tensors = read_tensors("torchvision", network)
    assert path == cache / name
    assert tensors.keys() == TENSORS.keys()


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_weights_larger_than_the_free_memory_are_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("styletransfer.vgg.weight_files.free_memory_on_linux", lambda: 100)
    (tmp_path / name).write_bytes(FILES[name])
    assert refusal(str(tmp_path / name)) == (
        f"cannot read the weights {tmp_path / name}: they need more memory than is free; "
        "free some, or choose other --weights"
    )


@pytest.mark.parametrize("content", [FILES["w.pth"][:200], FILES["w.pt"][:200], b"<html>", b""])
def test_a_damaged_file_in_the_cache_is_refused_with_the_advice_to_delete_it(
    content: bytes, cache: Path
) -> None:
    cache.mkdir(parents=True)
    (cache / "vgg19-dcbb9e9d.pth").write_bytes(content)
    message = refusal("torchvision")
    assert f"the cache {cache}: " in message
    assert "delete a damaged vgg19-dcbb9e9d.pth from the cache" in message
    assert "weights_only" not in message


def test_a_download_is_stored_in_the_cache_and_not_repeated(cache: Path, tmp_path: Path) -> None:
    url = publish(tmp_path, FILES["w.pth"])
    path, tensors = read_url(url)
    assert path.parent == cache
    assert path.read_bytes() == FILES["w.pth"]
    (tmp_path / path.name).unlink()
    again = read_url(url)
    assert again[0] == path
    torch.testing.assert_close(again[1], tensors, rtol=0, atol=0)


def test_a_download_with_a_wrong_hash_is_refused_and_deleted(cache: Path, tmp_path: Path) -> None:
    message = download_refusal(publish(tmp_path, FILES["w.pth"], "0badc0de"))
    assert 'invalid hash value (expected "0badc0de"' in message
    assert list(cache.iterdir()) == []


def test_a_failed_download_names_the_url_the_cache_and_the_remedy(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise URLError("no route\nto host")

    monkeypatch.setattr(torch.hub, "urlopen", fail)
    message = refusal("torchvision")
    assert "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth" in message
    assert str(cache) in message
    assert "no route to host" in message
    assert "check the network" in message
    assert "choose other --weights" in message
    assert list(cache.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "a file"
    blocked.touch()
    monkeypatch.setenv("TORCH_HOME", str(blocked))
    message = download_refusal(publish(tmp_path, FILES["w.pth"]))
    assert f"the cache {blocked}/hub/checkpoints: Not a directory" in message


@pytest.mark.usefixtures("cache")
def test_a_refused_connection_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    message = download_refusal(f"http://127.0.0.1:{port}/net-0badc0de.pth")
    assert "Connection refused" in message


@pytest.fixture
def empty_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an HTTP server that has no files."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("no_proxy", "*")
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_file_that_the_server_does_not_have_is_reported(empty_server: str, cache: Path) -> None:
    message = download_refusal(f"{empty_server}/net-0badc0de.pth")
    assert "HTTP Error 404: File not found" in message
    assert list(cache.iterdir()) == []
