"""Frames to a video file, with the sound of another. Needs the extra `video`."""

from __future__ import annotations

import contextlib
import heapq
import io
from typing import TYPE_CHECKING, Any

from styletransfer.errors import ImageError
from styletransfer.images.tensors import open_picture
from styletransfer.output_files import errors_of, replaced
from styletransfer.runs.frames.decoding import opened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from fractions import Fraction
    from pathlib import Path

    from av import Packet
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.stream import VideoStream

    from styletransfer.runs.frames.decoding import Timing

_BT709 = 1  # in all of ffmpeg's lists of colours
_LIMITED_RANGE = 1

# Brushwork is fine and rich in contrast: at the encoders' defaults it smears.
_H264 = ("libx264", {"crf": "16", "preset": "medium"})
_VP9 = ("libvpx-vp9", {"crf": "20", "b": "0", "row-mt": "1", "cpu-used": "2"})

_FORMATS: Mapping[str, tuple[str, tuple[str, dict[str, str]]]] = {
    ".mp4": ("mp4", _H264),
    ".mov": ("mov", _H264),
    ".mkv": ("matroska", _H264),
    ".webm": ("webm", _VP9),
}
"""By suffix: the name of the container in ffmpeg, and the encoder with its options."""

VIDEO_SUFFIXES = tuple(_FORMATS)
"""The suffixes of videos that are written, in lower case."""


def check_streams(content: Path, output: Path) -> None:
    """Refuse an output that cannot hold the sound of a video, or be encoded here.

    Args:
        content: The video.
        output: What is to be made of it.

    Raises:
        ImageError: If it is refused, or the video cannot be read.
    """
    import av

    container_name, (encoder, _) = _FORMATS[output.suffix.lower()]
    if encoder not in av.codecs_available:
        raise ImageError(f"{output}: this PyAV has no {encoder}; run pip install --upgrade av")
    with opened(content) as source, av.open(io.BytesIO(), "w", container_name) as empty:
        for stream in source.streams.audio:
            if stream.codec.canonical_name not in empty.supported_codecs:
                raise ImageError(
                    f"{output}: a {output.suffix} file cannot hold the sound of {content} "
                    f"({stream.codec.canonical_name}); use .mkv"
                )


def encode_video(
    frames: Sequence[Path], timing: Timing, content: Path, output: Path, *, keep_metadata: bool
) -> None:
    """Save frames as a video, in H.264 or VP9, with the sound of another, atomically.

    Args:
        frames: Picture files of one size with even sides.
        timing: When they are shown.
        content: The video whose sound is copied as it is.
        output: The file; its suffix, one of `VIDEO_SUFFIXES`, selects the format.
        keep_metadata: Copy title, date, location and the like.

    Raises:
        ImageError: If it cannot be read or saved.
    """
    import av

    container_name, (encoder, options) = _FORMATS[output.suffix.lower()]
    if not timing.is_even:
        # MP4 states the length in the order of storing, which B-frames change: players
        # would end before the last frames.
        options = options | {"bf": "0"}
    with (
        opened(content) as source,
        replaced(output) as file,
        errors_of(output),
        _errors_of_encoder(output),
        av.open(file, "w", container_name) as container,
    ):
        if keep_metadata:
            container.metadata.update(source.metadata)
        stream: Any = container.add_stream(encoder, timing.rate, options)
        _describe(stream, open_picture(frames[0]).size, timing)
        copies = {
            each.index: container.add_stream_from_template(each) for each in source.streams.audio
        }
        packets = (_painted(stream, frames, timing), _sound(source, copies))
        # In the order of their times, or players would have to seek.
        for packet in heapq.merge(*packets, key=_when):
            container.mux(packet)


@contextlib.contextmanager
def _errors_of_encoder(output: Path) -> Iterator[None]:
    import av

    try:
        yield
    except av.FFmpegError as error:
        raise ImageError(
            f"{output}: cannot be saved ({error.strerror}); try another format, such as .mkv"
        ) from error


def _when(packet: Any) -> Fraction:
    """When a packet is decoded, in seconds."""
    when: Fraction = packet.dts * packet.time_base
    return when


def _describe(stream: VideoStream, size: tuple[int, int], timing: Timing) -> None:
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    context: Any = stream.codec_context
    context.time_base = timing.time_base
    context.color_primaries = context.color_trc = context.colorspace = _BT709
    context.color_range = _LIMITED_RANGE


def _painted(stream: VideoStream, frames: Sequence[Path], timing: Timing) -> Iterator[Packet[Any]]:
    """Encode the frames."""
    import av
    import numpy as np
    from av.video.reformatter import ColorRange, Colorspace

    for path, time, duration in zip(frames, timing.times, timing.durations, strict=True):
        frame = av.VideoFrame.from_ndarray(np.asarray(open_picture(path))).reformat(
            format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
        )
        frame.pts, frame.time_base, frame.duration = time, timing.time_base, duration
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _sound(source: InputContainer, copies: Mapping[int, AudioStream]) -> Iterator[Packet[Any]]:
    """Copy the packets of the streams with copies, by index."""
    # Of no streams, demux would give the packets of all.
    for packet in source.demux(*source.streams.audio) if copies else ():
        if packet.dts is not None:  # the last one of a stream is empty
            packet.stream = copies[packet.stream.index]
            yield packet
