import http.server
import io
import socket
import threading
import time
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
from styletransfer.vgg import weight_files as sources
from styletransfer.vgg.weight_files import download, read_tensors

TENSORS = {"features.0.weight": torch.arange(54.0).view(2, 3, 3, 3)}


def saved(content: object, *, legacy: bool = False) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=not legacy)
    return buffer.getvalue()


WHOLE = {
    "w.safetensors": save(TENSORS),
    "w.pth": saved(TENSORS),
    "w.pt": saved(TENSORS, legacy=True),
    "w.bin": saved(TENSORS),
    "W.PTH": saved(TENSORS),
}


def refusal(source: Path | str, network: str = "vgg19") -> str:
    with pytest.raises(WeightsError) as caught:
        read_tensors(str(source), network)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("name", WHOLE)
def test_every_kind_of_file_gives_its_tensors(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(WHOLE[name])
    where, tensors = read_tensors(str(path), "vgg19")
    assert where == path
    torch.testing.assert_close(tensors, TENSORS, rtol=0, atol=0)


def test_a_tilde_stands_for_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "w.pth").write_bytes(WHOLE["w.pth"])
    assert read_tensors("~/w.pth", "vgg19")[0] == tmp_path / "w.pth"


def test_what_is_no_tensor_in_memory_is_left_out(tmp_path: Path) -> None:
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
def test_a_foreign_file_is_refused_by_its_path(suffix: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"w{suffix}"
    path.write_bytes(content)
    message = refusal(path)
    assert str(path) in message
    assert "get it anew" in message


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_cut_file_is_refused(name: str, share: float, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(WHOLE[name][: int(share * len(WHOLE[name]))])
    assert f"{path} is damaged, cut short" in refusal(path)


@pytest.mark.parametrize("place", range(0, 600, 7))
@pytest.mark.parametrize("legacy", [False, True])
def test_a_damaged_byte_in_a_pickle_is_an_expected_failure_if_any(
    place: int, legacy: bool, tmp_path: Path
) -> None:
    content = bytearray(saved(TENSORS, legacy=legacy))
    content[place % len(content)] ^= 0xFF
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
def test_a_pickle_with_code_in_it_is_refused_unrun(legacy: bool, tmp_path: Path) -> None:
    path, victim = tmp_path / "w.pth", tmp_path / "victim"
    path.write_bytes(saved({"a": Hostile(victim)}, legacy=legacy))
    assert "not a .pth file of tensors alone" in refusal(path)
    assert not victim.exists()


@pytest.mark.parametrize(
    ("content", "phrase"),
    [
        (torch.zeros(3), "holds no state dict"),
        ([torch.zeros(3)], "holds no state dict"),
        (nn.Conv2d(1, 1, 1), "not a .pth file of tensors alone"),
    ],
)
def test_what_is_no_state_dict_is_refused(content: object, phrase: str, tmp_path: Path) -> None:
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
def test_what_is_no_file_of_weights_is_refused(name: str, phrase: str, tmp_path: Path) -> None:
    (tmp_path / "folder.pth").mkdir()
    message = refusal(tmp_path / name)
    assert str(tmp_path / name) in message
    assert phrase in message


def test_the_bundled_weights_are_not_offered_for_vgg16() -> None:
    message = refusal("bundled", "vgg16")
    assert "of vgg19, not vgg16" in message
    assert "--weights torchvision" in message


@pytest.mark.weights
def test_the_bundled_file_has_the_hash_it_should_have() -> None:
    path, tensors = read_tensors("bundled", "vgg19")
    assert sha256(path.read_bytes()).hexdigest() == sources.BUNDLED_SHA256
    assert len(tensors) == 3 * 16 + 1


@pytest.mark.weights
def test_a_damaged_copy_of_the_bundled_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytearray(sources.BUNDLED_PATH.read_bytes())
    content[-1] ^= 1
    copy = tmp_path / "vgg19.safetensors"
    copy.write_bytes(content)
    monkeypatch.setattr(sources, "BUNDLED_PATH", copy)
    message = refusal("bundled")
    assert f"{copy} are damaged" in message
    assert "install styletransfer again" in message


def test_a_missing_bundled_file_asks_for_a_new_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "BUNDLED_PATH", tmp_path / "absent.safetensors")
    assert "install styletransfer again" in refusal("bundled")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of torch's, not the user's own."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch" / "hub" / "checkpoints"


@pytest.mark.parametrize("network", ["vgg19", "vgg16"])
def test_torchvisions_weights_are_taken_from_the_cache(network: str, cache: Path) -> None:
    name = {"vgg19": "vgg19-dcbb9e9d.pth", "vgg16": "vgg16-397923af.pth"}[network]
    cache.mkdir(parents=True)
    (cache / name).write_bytes(WHOLE["w.pth"])
    path, tensors = read_tensors("torchvision", network)
    assert path == cache / name
    assert tensors.keys() == TENSORS.keys()


def test_a_cut_file_in_the_cache_is_refused_with_the_advice_to_delete_it(cache: Path) -> None:
    cache.mkdir(parents=True)
    path = cache / "vgg19-dcbb9e9d.pth"
    path.write_bytes(WHOLE["w.pth"][:200])
    message = refusal("torchvision")
    assert str(path) in message
    assert "delete it if it was downloaded" in message


def published(folder: Path, content: bytes, digest: str | None = None) -> str:
    """The address of a file whose name bears the start of its hash."""
    path = folder / f"net-{(digest or sha256(content).hexdigest())[:8]}.pth"
    path.write_bytes(content)
    return path.as_uri()


def test_a_download_lands_in_the_cache_and_is_not_repeated(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = published(tmp_path, WHOLE["w.pth"])
    path = download(url)
    assert path.parent == cache
    assert path.read_bytes() == WHOLE["w.pth"]
    (tmp_path / path.name).unlink()
    assert download(url) == path
    assert capsys.readouterr() == ("", "")


def test_a_download_with_another_hash_is_refused_and_not_kept(cache: Path, tmp_path: Path) -> None:
    url = published(tmp_path, WHOLE["w.pth"], "0badc0de")
    with pytest.raises(WeightsError, match='expected "0badc0de"'):
        download(url)
    assert list(cache.iterdir()) == []


def test_without_a_network_the_message_names_address_cache_and_remedy(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise URLError("no route\nto host")

    monkeypatch.setattr(sources, "urlopen", fail)
    message = refusal("torchvision")
    assert "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth" in message
    assert str(cache) in message
    assert "no route to host" in message
    assert "choose other --weights" in message


def test_a_connection_lost_halfway_is_refused_and_leaves_nothing(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise URLError("connection reset")

    monkeypatch.setattr(torch.hub, "urlopen", fail)
    with pytest.raises(WeightsError, match="connection reset"):
        download(published(tmp_path, WHOLE["w.pth"]))
    assert list(cache.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "a file"
    blocked.touch()
    monkeypatch.setenv("TORCH_HOME", str(blocked))
    with pytest.raises(WeightsError, match=r"to .*a file/hub/checkpoints"):
        download(published(tmp_path, WHOLE["w.pth"]))


@pytest.fixture
def silent_server() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.usefixtures("cache")
def test_a_silent_server_is_not_waited_for(
    silent_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "PATIENCE", 0.2)
    monkeypatch.setenv("no_proxy", "*")
    start = time.monotonic()
    with pytest.raises(WeightsError, match="check the network"):
        download(f"{silent_server}/net-0badc0de.pth")
    assert time.monotonic() - start < 5


@pytest.mark.usefixtures("cache")
def test_an_answer_of_not_found_is_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("no_proxy", "*")
    with http.server.HTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        with pytest.raises(WeightsError, match="HTTP Error 404"):
            download(f"http://127.0.0.1:{server.server_port}/net-0badc0de.pth")
        server.shutdown()
        thread.join()


def test_the_timeout_of_sockets_is_as_it_was_after_a_download(cache: Path, tmp_path: Path) -> None:
    before = socket.getdefaulttimeout()
    assert download(published(tmp_path, WHOLE["w.pth"])).parent == cache
    assert socket.getdefaulttimeout() == before
