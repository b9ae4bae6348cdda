"""PNG chunks that no pixel needs."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from styletransfer.images import provenance
from styletransfer.images.colour import srgb_profile
from styletransfer.images.png import larger_texts, mend_png
from styletransfer.images.reading import decode_picture, open_picture
from styletransfer.settings import Settings
from tests.support.pictures import noise, refusal

MEGABYTE = 1 << 20


def chunk(name: bytes, data: bytes, *, damaged: bool = False) -> bytes:
    checksum = zlib.crc32(name + data) ^ damaged
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)


def png(before: bytes = b"", after: bytes = b"") -> bytes:
    """A PNG of noise with more chunks before and after its pixels."""
    buffer = io.BytesIO()
    noise(5, 4).save(buffer, "PNG")
    whole = buffer.getvalue()
    return whole[:33] + before + whole[33:-12] + after + whole[-12:]


def read(path: Path, content: bytes) -> list[str]:
    """Check that the picture is read exactly, and return the notes without the path."""
    path.write_bytes(content)
    notes: list[str] = []
    decoded = decode_picture(path, metadata=True, note=notes.append)
    assert decoded.colours.tobytes() == noise(5, 4).tobytes()
    return [note.removeprefix(f"{path}: ") for note in notes]


TEXT = zlib.compress(bytes(10 * MEGABYTE))
WORDS = {
    "tEXt": chunk(b"tEXt", b"workflow\0" + b"words " * 400_000),
    "zTXt": chunk(b"zTXt", b"workflow\0\0" + TEXT),
    "iTXt": chunk(b"iTXt", b"workflow\0\1\0\0\0" + TEXT),
}


@pytest.mark.parametrize("words", WORDS.values(), ids=list(WORDS))
@pytest.mark.parametrize("side", ["before", "after"])
def test_long_text_costs_no_pixel_and_causes_no_note(
    tmp_path: Path, words: bytes, side: str
) -> None:
    assert read(tmp_path / "picture.png", png(**{side: words})) == []


def test_text_beyond_the_limits_is_left_out_with_a_note(tmp_path: Path) -> None:
    longest = chunk(b"zTXt", b"workflow\0\0" + zlib.compress(bytes(17 * MEGABYTE)))
    notes = read(tmp_path / "picture.png", png(before=longest, after=longest))
    assert notes == ["its very large chunks are ignored: zTXt"]
    notes = read(tmp_path / "picture.png", png(before=7 * WORDS["zTXt"]))
    assert notes == ["its very large chunks are ignored: zTXt"]


def test_a_colour_profile_of_several_megabytes_is_applied(tmp_path: Path) -> None:
    # Swaps red and green, and has a private tag of 3 MB, as those of displays may.
    profile = bytearray(srgb_profile())
    profile = profile.replace(b"rXYZ", b"....").replace(b"gXYZ", b"rXYZ").replace(b"....", b"gXYZ")
    profile += bytes(3 * MEGABYTE)
    profile[:4] = struct.pack(">I", len(profile))
    path = tmp_path / "picture.png"
    path.write_bytes(png(before=chunk(b"iCCP", b"display\0\0" + zlib.compress(profile))))
    notes: list[str] = []
    red, green, blue = open_picture(path, note=notes.append).split()
    swapped = Image.merge("RGB", (green, red, blue))
    assert np.abs(np.asarray(swapped, int) - np.asarray(noise(5, 4))).max() <= 1
    assert notes == []


OPTIONAL = {
    "pHYs": struct.pack(">IIB", 2835, 2835, 1),
    "iCCP": b"sRGB\0\0" + zlib.compress(srgb_profile()),
    "tEXt": b"Author\0me",
    "zTXt": b"Author\0\0" + zlib.compress(b"me"),
    "iTXt": b"Author\0\0\0\0\0me",
    "gAMA": struct.pack(">I", 45455),
    "cHRM": struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000),
    "sRGB": b"\0",
    "bKGD": bytes(6),
    "tIME": bytes(7),
    "eXIf": b"II*\0\x08\0\0\0\0\0",
    "sBIT": b"\x08\x08\x08",
    "prVt": b"private",
}


@pytest.mark.parametrize("name", OPTIONAL)
@pytest.mark.parametrize("side", ["before", "after"])
def test_a_wrong_checksum_in_an_optional_chunk_costs_no_pixel(
    tmp_path: Path, name: str, side: str
) -> None:
    damaged = chunk(name.encode(), OPTIONAL[name], damaged=True)
    notes = read(tmp_path / "picture.png", png(**{side: damaged}))
    assert notes == [f"its damaged chunks are ignored: {name}"]


@pytest.mark.parametrize("name", ["pHYs", "iCCP", "gAMA", "cHRM", "sRGB"])
def test_a_short_chunk_costs_no_pixel(tmp_path: Path, name: str) -> None:
    notes = read(tmp_path / "picture.png", png(before=chunk(name.encode(), b"")))
    assert notes == [f"its damaged chunks are ignored: {name}"]


@pytest.mark.parametrize("name", ["iCCP", "zTXt"])
def test_an_unknown_compression_costs_no_pixel(tmp_path: Path, name: str) -> None:
    notes = read(tmp_path / "picture.png", png(before=chunk(name.encode(), b"name\0\x05abc")))
    assert notes == [f"its damaged chunks are ignored: {name}"]


def test_one_note_names_all_damaged_chunks(tmp_path: Path) -> None:
    damaged = b"".join(chunk(name, b"?", damaged=True) for name in (b"pHYs", b"tIME", b"pHYs"))
    notes = read(tmp_path / "picture.png", png(before=damaged))
    assert notes == ["its damaged chunks are ignored: pHYs, tIME"]


def test_a_damaged_animation_is_read_as_its_still_picture(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    noise(5, 4).save(buffer, "PNG", save_all=True, append_images=[noise(5, 4, 1)])
    whole = buffer.getvalue()
    at = whole.index(b"acTL") + 4
    notes = read(tmp_path / "picture.png", whole[:at] + b"\1" + whole[at + 1 :])
    assert notes == ["its damaged chunks are ignored: acTL"]


def test_a_wrong_checksum_where_pixels_are_concerned_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    noise(5, 4).convert("P").save(path, transparency=3)
    whole = path.read_bytes()
    for name in (b"IHDR", b"PLTE", b"tRNS"):
        at = whole.index(name)
        (length,) = struct.unpack(">I", whole[at - 4 : at])
        end = at + 4 + length
        path.write_bytes(whole[:end] + b"\0\0\0\0" + whole[end + 4 :])
        assert refusal(open_picture, path).startswith(f"{path}: ")


def test_other_files_and_ordinary_pngs_are_opened_as_they_are(tmp_path: Path) -> None:
    for content in (b"", b"text", png(), png(before=chunk(b"tEXt", b"Author\0me")), png()[:50]):
        (tmp_path / "file").write_bytes(content)
        assert mend_png(tmp_path / "file") == tmp_path / "file"
        stream = io.BytesIO(content)
        assert mend_png(stream) is stream
        assert stream.tell() == 0


def test_pillow_keeps_its_own_limit_elsewhere() -> None:
    before = PngImagePlugin.MAX_TEXT_CHUNK
    with larger_texts():
        assert before < PngImagePlugin.MAX_TEXT_CHUNK
    assert before == PngImagePlugin.MAX_TEXT_CHUNK


def test_the_record_of_a_result_is_read_beside_long_text(tmp_path: Path) -> None:
    texts = PngImagePlugin.PngInfo()
    for keyword, value in provenance.record(Settings(size=99)).items():
        texts.add_text(keyword, value)
    noise(5, 4).save(tmp_path / "result.png", pnginfo=texts)
    whole = (tmp_path / "result.png").read_bytes()
    damaged = chunk(b"tIME", b"", damaged=True)
    (tmp_path / "result.png").write_bytes(whole[:33] + damaged + WORDS["zTXt"] + whole[33:])
    assert provenance.read_record(tmp_path / "result.png")["size"] == 99


MEANT = ("eXIf", "iCCP", "gAMA", "cHRM")
"""The chunks that turn the picture or change its colours."""


@given(
    st.lists(
        # Whole chunks of these two change the colours.
        st.tuples(
            st.sampled_from(sorted(OPTIONAL.keys() - {"gAMA", "cHRM"})),
            st.binary(max_size=40),
            st.booleans(),
        ),
        max_size=4,
    )
)
def test_optional_chunks_of_any_bytes_cost_no_pixel(
    tmp_path_factory: pytest.TempPathFactory, chunks: list[tuple[str, bytes, bool]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "chunks.png"
    harmless = [each for each in chunks if each[0] not in MEANT]
    content = b"".join(chunk(name.encode(), data, damaged=wrong) for name, data, wrong in harmless)
    read(path, png(before=content, after=content))
