"""JPEG 2000 of more than 8 bits."""

from pathlib import Path

import numpy as np
import pytest

from styletransfer.images.reading import open_picture
from tests.support.pictures import noise

# A row of five grey pixels with 16 bits: 0, 32768, 65407, 65408 and 65535.
HEAD = (
    "ff4fff51002f000000000005000000010000000000000000"
    "0000000500000001000000000000000000030f01010f01010f0101"
)
REVERSIBLE = "ff52000c00000001000004040001ff5c00044080"
IRREVERSIBLE = "ff52000c00000001000004040000ff5c0005428000"
PIXELS = "ff90000a0000000000380001ff93" + "dff89050074091ecb53f934fcc88" * 3 + "ffd9"


@pytest.mark.parametrize("coding", [REVERSIBLE, IRREVERSIBLE])
def test_white_of_16_bits_stays_white(tmp_path: Path, coding: str) -> None:
    path = tmp_path / "scan.jp2"
    path.write_bytes(bytes.fromhex(HEAD + coding + PIXELS))
    levels = np.asarray(open_picture(path))
    assert levels[0].tolist() == [[each] * 3 for each in (0, 128, 255, 255, 255)]


def test_8_bits_are_read_as_they_are(tmp_path: Path) -> None:
    noise(9, 7).save(tmp_path / "a.jp2", irreversible=False)
    assert open_picture(tmp_path / "a.jp2").tobytes() == noise(9, 7).tobytes()
