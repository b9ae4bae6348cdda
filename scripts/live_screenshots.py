"""Make the screenshots of docs/live.md: a real run, in headless Chromium; needs the dev packages.

python scripts/live_screenshots.py
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver

ROOT = Path(__file__).resolve().parent.parent
WIDE, NARROW = (1280, 1500), (420, 1080)
PICTURES = ("content/coffee.jpg", "style/night_cafe.jpg")
STEPS = 33
"""After so many steps the first picture is taken: three of the second size."""


def main() -> None:
    """Start a run, move a slider, and take a picture of a wide and of a narrow window."""
    with tempfile.TemporaryDirectory() as folder:
        for picture in PICTURES:
            shutil.copy(ROOT / "samples" / picture, folder)
        names = [Path(picture).name for picture in PICTURES]
        command = [sys.executable, "-m", "styletransfer", *names, "-o", "out.png", "--live"]
        # A browser that does nothing, beside the one that is steered here.
        environment = os.environ | {"BROWSER": "true", "PYTHONPATH": str(ROOT)}
        with subprocess.Popen(
            command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True
        ) as run:
            assert run.stderr is not None
            found = re.search(r"http\S+", run.stderr.readline())
            assert found is not None
            try:
                _take(found[0])
            finally:
                run.terminate()


def _take(address: str) -> None:
    options = webdriver.ChromeOptions()
    for argument in ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(argument)
    driver = Service(shutil.which("chromedriver"))
    with webdriver.Chrome(options=options, service=driver) as page:
        page.set_window_size(*WIDE)
        page.get(address)
        while _steps(page) < STEPS:
            time.sleep(0.2)
        slider = page.find_element(By.CSS_SELECTOR, "input[type=number]")
        slider.clear()
        slider.send_keys("2\n")
        while _steps(page) < STEPS + 6:
            time.sleep(0.2)
        _save(page, "live-wide.png")
        page.set_window_size(*NARROW)
        time.sleep(2)
        _save(page, "live-narrow.png")


def _steps(page: WebDriver) -> int:
    """Steps in all, from the line about progress."""
    text = page.find_element(By.TAG_NAME, "body").text
    found = re.search(r"Step (\d+) of (\d+) at .* \(size (\d)", text)
    if found is None:
        return 0
    step, size = int(found[1]), int(found[3])
    return step if size == 1 else 30 + step


def _save(page: WebDriver, name: str) -> None:
    path = ROOT / "docs" / name
    page.save_screenshot(str(path))
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(256).save(path, optimize=True)


if __name__ == "__main__":
    main()
