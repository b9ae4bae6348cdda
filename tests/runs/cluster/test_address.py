"""The value of --cluster."""

import importlib.util
from pathlib import Path

import pytest
from PIL import Image

from styletransfer.errors import ConfigError
from styletransfer.runs.cluster import address
from styletransfer.runs.cluster.address import LocalWorkers, check_cluster, parse_cluster
from tests.support.commands import Refusal, check_refusals

LINE = "photos style.png -o out --cluster"
REFUSALS: list[Refusal] = [
    (f"{LINE} local:0", 2, "choose from local:1 to local:"),
    (f"{LINE} local:99999", 2, "choose from local:1 to local:"),
    (f"{LINE} local", 2, "'local' is neither local:N nor the address of a Dask scheduler"),
    (f"{LINE} host", 2, "such as tcp://host:8786"),
    ("photos/a.png style.png -o out.png --cluster local:1", 2, "--cluster has no effect: CONTENT"),
    (
        "photos style.png -o out --tv-weight 0,1 --cluster local:1",
        2,
        "a list of weights needs a single content picture",
    ),
]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a picture, and a style, as the current folder."""
    (tmp_path / "photos").mkdir()
    for name in ("photos/a.png", "style.png"):
        Image.new("RGB", (24, 16)).save(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("local:1", LocalWorkers(1)),
        ("tcp://painter:8786", "tcp://painter:8786"),
        ("tls://10.0.0.7:8786", "tls://10.0.0.7:8786"),
        ("painter:8786", "tcp://painter:8786"),
        ("[::1]:8786", "tcp://[::1]:8786"),
        ("local.example.org:8786", "tcp://local.example.org:8786"),
    ],
)
def test_workers_here_and_addresses_are_read(text: str, where: LocalWorkers | str) -> None:
    assert parse_cluster(text) == where


@pytest.mark.parametrize(
    "text",
    [
        *("", "local:", "local:-1", "local:two", "host", "host:", "host:0", "host:65536", "host:x"),
        *("http://host:80", "tcp://", "tcp://host", "tcp:host:1", "a b:1", "host:1/x", "::1:8786"),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--cluster"):
        parse_cluster(text)


def test_no_more_workers_are_started_than_there_are_cores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(address, "usable_cores", lambda: 4)

    assert parse_cluster("local:4") == LocalWorkers(4)
    with pytest.raises(ConfigError, match="may use 4 cores; choose from local:1 to local:4"):
        parse_cluster("local:5")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        address, "find_spec", lambda name: None if name == "distributed" else found(name)
    )

    with pytest.raises(ConfigError, match="--cluster needs distributed; pip install distributed"):
        check_cluster("local:1")


def test_bad_values_are_refused_in_one_line_without_torch_and_without_a_new_file(
    workspace: Path,
) -> None:
    check_refusals(REFUSALS, workspace)
