"""Time and memory of stylize, compared with a peer and with the bare convolutions.

``make bench``, or ``python -m benchmarks`` with the extra ``bench`` installed.
Everything is measured on the CPU, each measurement in a process of its own.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONTENT = ROOT / "samples" / "content" / "coffee.jpg"
STYLE = ROOT / "samples" / "style" / "cafe_terrace_at_night.jpg"
