"""How fast and how frugal stylize is, beside a peer and beside what the machine allows.

``make bench``, or ``python -m benchmarks --help`` where the extra ``bench`` is
installed. Everything is measured on the CPU, in processes of its own.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONTENT = ROOT / "samples" / "content" / "coffee.jpg"
STYLE = ROOT / "samples" / "style" / "cafe_terrace_at_night.jpg"
