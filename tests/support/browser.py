"""Headless Chromium for the tests of pages."""

import base64
import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

webdriver = pytest.importorskip("selenium.webdriver")

from selenium.webdriver.chrome.service import Service  # noqa: E402  # after the skip
from selenium.webdriver.common.by import By  # noqa: E402  # after the skip
from selenium.webdriver.support.wait import WebDriverWait  # noqa: E402  # after the skip

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None
)
DRIVER = shutil.which("chromedriver")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
)

MARKS = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None or DRIVER is None, reason="needs chromium and chromium-driver"
    ),
]
"""The marks of a module that tests pages."""


class Browser:
    """A browser window that shows a page with the viewer."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(
        self, address: str, width: int = 1280, *, dark: bool = False, script: bool = True
    ) -> None:
        self.send("Emulation.setScriptExecutionDisabled", value=not script)
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self.driver.get(address)
        if script:
            self.wait_for("return !!document.querySelector('.stage').dataset.shown")

    def send(self, command: str, **values: Any) -> Any:
        """Send a command of the Chrome DevTools protocol."""
        return self.driver.execute_cdp_cmd(command, values)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def wait_for(self, script: str) -> None:
        WebDriverWait(self.driver, 20, 0.05).until(lambda _: self.run(script))

    def find(self, selector: str) -> Any:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def press(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def settle(self, shown: str) -> None:
        """Wait until a result is displayed in the viewer."""
        self.wait_for(f"return document.querySelector('.stage').dataset.shown === '{shown}'")
        self.driver.execute_async_script(
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(done))"
        )

    def shot(self, selector: str = "") -> NDArray[Any]:
        """A screenshot of the window or of an element, shape (H, W, 3), levels 0 to 255."""
        if selector:
            data = self.find(selector).screenshot_as_png
        else:
            data = base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"])
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(np.float64)

    def colour(self, left: float, right: float) -> tuple[float, ...]:
        """The mean colour of the stage between two fractions of its width."""
        seen = self.shot(".stage")
        width = seen.shape[1]
        part = seen[:, round(left * width) : round(right * width)]
        return tuple(part.mean((0, 1)))

    def zoom(self) -> str:
        return str(self.run("return document.querySelector('.zoom output').value"))

    def place(self) -> list[str]:
        """The position and width of the picture on the stage."""
        script = "return ['--x', '--y', '--w'].map((n) => arguments[0].style.getPropertyValue(n))"
        return list(self.run(script, self.find(".stage")))


@contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """Run Chromium with a new profile in a folder."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*QUIET, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield Browser(driver)
    driver.quit()
