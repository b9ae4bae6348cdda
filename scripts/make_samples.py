"""Make the sample results by running the commands in samples/README.md.

    python scripts/make_samples.py                # all results, and the strip
    python scripts/make_samples.py coffee larger  # some results, by name
    python scripts/make_samples.py strip          # the strip at the top of README.md

Results are stored as JPEG files, scaled down to 512 px if they are larger.
"""

import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
LONGEST_SIDE = 512
"""Largest longest side of a stored result, in pixels."""

QUALITY = 90

STRIP = ROOT / "samples" / "strip.jpg"
STRIP_OF = ("content/coffee.jpg", "style/cafe_terrace_at_night.jpg", "output/coffee.jpg")
STRIP_HEIGHT = 300
GAP = 6


def main() -> None:
    """Make the results named on the command line, or all of them."""
    lines = commands()
    names = sys.argv[1:] or [*lines, "strip"]
    if unknown := set(names) - {*lines, "strip"}:
        sys.exit(f"unknown result {', '.join(unknown)}; choose from {', '.join(lines)}, strip")
    for name in names:
        if name == "strip":
            make_strip()
        else:
            make_result(lines[name])


def commands() -> dict[str, list[str]]:
    """Read the commands of samples/README.md, as words, by the name of their result."""
    text = (ROOT / "samples" / "README.md").read_text(encoding="utf-8")
    lines = [shlex.split(line) for line in re.findall(r"stylize samples/[^`\n]+", text)]
    return {Path(words[words.index("-o") + 1]).stem: words for words in lines}


def make_result(words: list[str]) -> None:
    """Run one command and store its result as a sample."""
    print(shlex.join(words), flush=True)
    place = words.index("-o") + 1
    with tempfile.TemporaryDirectory() as folder:
        full = Path(folder) / "result.png"
        arguments = [*words[1:place], str(full), *words[place + 1 :]]
        subprocess.run([sys.executable, "-m", "styletransfer", *arguments], check=True, cwd=ROOT)
        with Image.open(full) as picture:
            picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
            target = ROOT / words[place]
            target.parent.mkdir(exist_ok=True)
            picture.save(target, quality=QUALITY, subsampling=0, optimize=True)


def make_strip() -> None:
    """Save content, style and result side by side at equal height."""
    pictures = [_at_height(ROOT / "samples" / name, STRIP_HEIGHT) for name in STRIP_OF]
    width = sum(picture.width for picture in pictures) + GAP * (len(pictures) - 1)
    strip = Image.new("RGB", (width, STRIP_HEIGHT), "white")
    left = 0
    for picture in pictures:
        strip.paste(picture, (left, 0))
        left += picture.width + GAP
    strip.save(STRIP, quality=QUALITY, subsampling=0, optimize=True)


def _at_height(path: Path, height: int) -> Image.Image:
    with Image.open(path) as picture:
        width = round(picture.width * height / picture.height)
        return picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
