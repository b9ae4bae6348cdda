"""Videos made for the tests, and what is in a video."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

TIME_BASE = Fraction(1, 30_000)
RATE = Fraction(30_000, 1001)


@dataclass(frozen=True)
class Contents:
    """What is in a video."""

    size: tuple[int, int]
    times: list[Fraction]
    seconds: Fraction
    pictures: list[Image.Image]
    rotation: int
    rate: Fraction | None
    colours: tuple[int, ...]
    sound: list[tuple[bytes, Fraction]]


def sequence(count: int, size: tuple[int, int] = (64, 48), step: int = 3) -> list[Image.Image]:
    """A pan over soft blobs of colour, by `step` pixels a frame."""
    generator = np.random.default_rng(0)
    blobs = Image.fromarray(generator.integers(64, 192, (6, 8, 3), np.uint8))
    width, height = size
    scene = blobs.resize((width + step * count, height), Image.Resampling.BICUBIC)
    return [scene.crop((step * i, 0, step * i + width, height)) for i in range(count)]


def write_video(
    path: Path,
    pictures: list[Image.Image],
    times: Sequence[int] | None = None,
    *,
    time_base: Fraction = TIME_BASE,
    sound: str | None = "aac",
    rotation: int = 0,
    aspect: Fraction = Fraction(1),
    transfer: int = 2,
    b_frames: bool = False,
    seconds: float = 0.25,
) -> Path:
    """Write a video in H.264, with a sine tone.

    Args:
        path: The file.
        pictures: The frames; none gives a file with sound only.
        times: When they are shown, in units of `time_base`. None: at `RATE`.
        time_base: In seconds.
        sound: The codec. None: no sound.
        rotation: By which players turn it, in degrees, counterclockwise.
        aspect: Width of a pixel divided by its height.
        transfer: The transfer characteristic, as ffmpeg numbers them; 2: not declared.
        b_frames: Store frames in another order than that in which they are shown.
        seconds: The length of the sound.
    """
    options = {"x264-params": "bframes=3:b-adapt=0:scenecut=0"} if b_frames else {}
    with av.open(str(path), "w") as container:
        video: Any = None
        if pictures:
            video = container.add_stream("libx264", RATE, options)
            video.width, video.height = pictures[0].size
            video.pix_fmt, video.codec_context.time_base = "yuv420p", time_base
            video.codec_context.sample_aspect_ratio = aspect
            video.codec_context.color_trc = transfer
            if rotation:
                video.set_display_rotation(rotation)
        audio: Any = None if sound is None else container.add_stream(sound, 48_000, layout="mono")
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.asarray(picture))
            frame.time_base, frame.pts = time_base, (times or range(0, 10**6, 1001))[number]
            container.mux(video.encode(frame))
        if pictures:
            container.mux(video.encode(None))
        if audio is not None:
            tone = np.sin(2 * np.pi * 440 / 48_000 * np.arange(48_000 * seconds, dtype=np.float32))
            spoken = av.AudioFrame.from_ndarray(tone[None], "fltp", "mono")
            spoken.sample_rate, spoken.pts = 48_000, 0
            container.mux(audio.encode(spoken))
            container.mux(audio.encode(None))
    return path


def add_subtitles(path: Path, subtitled: Path) -> Path:
    """Copy the pictures of a video to a .mkv file with a subtitle."""
    text = path.with_suffix(".srt")
    text.write_text("1\n00:00:00,000 --> 00:00:00,100\nHello.\n", encoding="utf-8")
    with av.open(str(subtitled), "w") as container:
        sources = [av.open(str(path)), av.open(str(text))]
        streams: list[Any] = [sources[0].streams.video[0], sources[1].streams.subtitles[0]]
        copies = [container.add_stream_from_template(each) for each in streams]
        for source, stream, copy in zip(sources, streams, copies, strict=True):
            with source:
                for packet in source.demux(stream):
                    if packet.dts is not None:
                        packet.stream = copy
                        container.mux(packet)
    return subtitled


def read_video(path: Path) -> Contents:
    """Read all of a video."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames: list[Any] = list(container.decode(stream))
        context = stream.codec_context
        contents = Contents(
            size=(stream.width, stream.height),
            times=[frame.pts * frame.time_base for frame in frames],
            seconds=(stream.duration or 0) * (stream.time_base or Fraction(1)),
            pictures=[Image.fromarray(frame.to_ndarray(format="rgb24")) for frame in frames],
            rotation=frames[0].rotation,
            rate=stream.average_rate,
            colours=(
                context.color_primaries,
                context.color_trc,
                context.colorspace,
                context.color_range,
            ),
            sound=[],
        )
    with av.open(str(path)) as container:
        packets: Any = container.demux(*container.streams.audio)
        for packet in packets:
            if packet.stream.type == "audio" and packet.dts is not None:
                contents.sound.append((bytes(packet), packet.pts * packet.time_base))
    return contents
