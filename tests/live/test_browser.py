import subprocess
import sys
import threading

import pytest

from styletransfer.live import browser


def test_opening_returns_at_once_and_passes_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    opened, went_on = threading.Event(), threading.Event()
    commands = []

    def slow(command: list[str], **_: object) -> None:
        went_on.wait(5)
        commands.append(command)
        opened.set()

    monkeypatch.setattr(subprocess, "run", slow)
    browser.open_browser("http://127.0.0.1:1/?token=a")
    went_on.set()
    assert opened.wait(5)
    assert commands == [[sys.executable, "-I", "-m", "webbrowser", "http://127.0.0.1:1/?token=a"]]


def test_without_a_browser_nothing_is_printed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BROWSER", "none-of-this-name")
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("DISPLAY", raising=False)
    browser._run([sys.executable, "-I", "-m", "webbrowser", "http://127.0.0.1:1/"])
    browser._run(["none-of-this-name"])
    assert capfd.readouterr() == ("", "")
