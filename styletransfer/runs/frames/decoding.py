"""Video files: recognized, opened, and taken apart into frames. Needs the extra `video`."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from PIL import Image

from styletransfer.errors import ImageError
from styletransfer.images.kinds import VIDEO, first_bytes, recognize
from styletransfer.images.saving import save_picture
from styletransfer.transfer.pyramid import plan_scales

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

    from styletransfer.settings import Settings

_HIGH_DEFINITION = 720
"""Rows from which on players take colours that a video does not declare for BT.709."""

_HDR = {16: "PQ", 18: "HLG"}
"""Transfer characteristics with a larger range of brightness, as ffmpeg numbers them."""

_TURNS = {
    90: Image.Transpose.ROTATE_90,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_270,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When the frames of a video are shown."""

    time_base: Fraction
    """The unit of the times, in seconds."""

    rate: Fraction
    """Frames a second, on average."""

    times: tuple[int, ...]
    """When each frame appears; increasing."""

    durations: tuple[int, ...]
    """For how long; 0: not known."""

    @property
    def is_even(self) -> bool:
        """Whether no frame follows its neighbour twice as late as another does."""
        steps = [later - earlier for earlier, later in pairwise(self.times)]
        return max(steps, default=1) < 2 * min(steps, default=1)


def is_video_file(path: Path) -> bool:
    """Whether a file starts like a video, whatever its suffix."""
    try:
        # Reading a pipe would empty it.
        return path.is_file() and recognize(first_bytes(path)) is VIDEO
    except OSError:
        return False


@contextlib.contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """Open a video within the block.

    Raises:
        ImageError: If it cannot be read, also later within the block.
    """
    import av

    try:
        with av.open(str(path)) as container:
            yield container
    except av.FFmpegError as error:
        raise ImageError(
            f"{path}: this video cannot be read ({error.strerror}); "
            "download it again, or convert it to MP4"
        ) from error


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """Return the stream of a video that a player would show.

    Raises:
        ImageError: If there is none.
    """
    stream = container.streams.best("video")
    if stream is None:
        raise ImageError(f"{path}: this file has no pictures, only sound; choose another")
    return stream  # type: ignore[return-value]  # of the kind that was asked for


def left_behind(path: Path) -> list[str]:
    """Say what of a video does not come along, in a line each.

    Raises:
        ImageError: If it cannot be read.
    """
    lines = []
    with opened(path) as container:
        hdr = _HDR.get(video_stream(container, path).codec_context.color_trc)
        if hdr is not None:
            lines.append(
                f"{path}: this is HDR ({hdr}), whose brightness is not converted, so the colours "
                "will be dull; convert the video to SDR before"
            )
        if container.streams.subtitles:
            lines.append(f"{path}: its subtitles are left out; copy them with another program")
    return lines


def decode_video(path: Path, folder: Path, settings: Settings) -> Timing:
    """Save all frames of a video as PNG files, upright, at the size of their results.

    That size is rounded down to even sides, which yuv420p needs.

    Args:
        path: The video.
        folder: Where they are saved, as `frame_name` numbers them.
        settings: The size of the results.

    Returns:
        When each frame is shown.

    Raises:
        ImageError: If the video cannot be read or has no frames, or a frame cannot be saved.
    """
    import numpy as np

    times: list[int] = []
    durations: list[int] = []
    with opened(path) as container:
        stream = video_stream(container, path)
        stream.thread_type = "AUTO"
        base = stream.time_base or Fraction(1, 90_000)
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        aspect, size = stream.sample_aspect_ratio or Fraction(1), (0, 0)
        for frame in container.decode(stream):
            picture = _upright(frame, aspect)
            if not times:
                size = even(*plan_scales(*picture.size, settings)[-1].size)
            if picture.size != size:
                picture = picture.resize(size, Image.Resampling.LANCZOS)
            save_picture(np.asarray(picture), folder / frame_name(len(times)))
            # Some containers give no times.
            step = max(1, round(1 / (rate * base)))
            expected = times[-1] + step if times else 0
            times.append(expected if frame.pts is None else frame.pts)
            durations.append(frame.duration or 0)
    if not times:
        raise ImageError(f"{path}: this video has no frames; download it again")
    return Timing(
        time_base=base, rate=rate, times=tuple(increasing(times)), durations=tuple(durations)
    )


def even(width: int, height: int) -> tuple[int, int]:
    """Round sides down to even ones, at least 2.

    Example:
        >>> even(512, 341)
        (512, 340)
    """
    return max(2, width // 2 * 2), max(2, height // 2 * 2)


def increasing(times: Sequence[int]) -> list[int]:
    """Put the times of frames in order: AVI gives those in which frames are stored.

    Example:
        >>> increasing([0, 2, 1, 3, 3])
        [0, 1, 2, 3, 4]
    """
    return list(accumulate(sorted(times), lambda last, time: max(time, last + 1)))


def frame_name(number: int) -> str:
    """Return the file name of a frame.

    Args:
        number: Its number, from 0.

    Example:
        >>> frame_name(0)
        '000001.png'
    """
    return f"{number + 1:06}.png"


def _upright(frame: VideoFrame, aspect: Fraction) -> Image.Image:
    """The frame as players show it: in RGB, turned, with square pixels.

    Args:
        frame: The frame.
        aspect: Width of a pixel divided by its height.
    """
    from av.video.reformatter import Colorspace

    undeclared = frame.colorspace == 2  # as ffmpeg numbers them
    guess = Colorspace.ITU709 if frame.height >= _HIGH_DEFINITION else Colorspace.ITU601
    colours = frame.to_ndarray(format="rgb24", src_colorspace=guess if undeclared else None)
    picture = Image.fromarray(colours)
    if aspect != 1:
        width = max(1, round(picture.width * aspect))
        picture = picture.resize((width, picture.height), Image.Resampling.LANCZOS)
    turn = _TURNS.get(frame.rotation % 360)
    return picture if turn is None else picture.transpose(turn)
