"""What is refused of frames and videos before anything is done."""

from __future__ import annotations

from importlib.util import find_spec
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from styletransfer.errors import ConfigError, ImageError
from styletransfer.output_files import check_file
from styletransfer.runs.frames.decoding import is_video_file, opened, video_stream
from styletransfer.runs.frames.encoding import VIDEO_SUFFIXES, check_streams

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from styletransfer.runs.jobs import Request

_PACKAGES = {"cv2": "opencv-python-headless", "av": "av"}
"""The packages of the extra `video`: the names by which they are imported and installed."""


def is_video(content: Path, output: Path) -> bool:
    """Whether a video is to be made of a video."""
    return output.suffix.lower() in VIDEO_SUFFIXES and is_video_file(content)


def check_frames(request: Request) -> None:
    """Refuse options that frames and videos do not have, and what cannot be read or written.

    Raises:
        ConfigError: If an option has no effect, or a package is missing.
        ImageError: If a video or its output is refused.
    """
    made = request.is_video or request.frames
    if request.shots is not None and not made:
        raise ConfigError("--shots has no effect: there is no --frames")
    if not made:
        return
    if not (request.is_folder or request.is_video):
        raise ConfigError("--frames has no effect: CONTENT is not a folder")
    _check_order(request.shots)
    needed = list(_PACKAGES) if request.is_video else ["cv2"]
    missing = [_PACKAGES[name] for name in needed if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"frames and videos need {' and '.join(missing)}; pip install {' '.join(missing)}"
        )
    if request.is_video:
        _check_video(request)
    elif request.output.suffix.lower() in VIDEO_SUFFIXES:
        raise ImageError(
            f"{request.output}: this is the name of a video, but {request.content} is a folder; "
            "name a folder"
        )


def refuse_for_video(request: Request, given: Mapping[str, Any]) -> None:
    """Refuse options that a video does not have.

    Args:
        request: What is asked for.
        given: Values of further options; None where one is not given.

    Raises:
        ConfigError: If one is given.
    """
    wanted = {
        "a list of weights": request.sweep,
        "--bits 16": request.settings.bits == 16,
        "--recursive": request.recursive,
        "--name": request.name,
        "--save-every": request.save_every,
        "--log": request.log,
        "--checkpoint": request.checkpoint,
        **given,
    }
    for name in (name for name, value in wanted.items() if value not in (None, False)):
        raise ConfigError(f"{name} does not apply to videos, and {request.content} is one; omit it")


def _check_order(shots: Sequence[int] | None) -> None:
    if shots is not None and (shots[0] < 1 or any(a >= b for a, b in pairwise(shots))):
        raise ConfigError(
            "--shots must be the numbers of the first frames, from 1 and in order, such as 1,120"
        )


def _check_video(request: Request) -> None:
    check_file(request.output, VIDEO_SUFFIXES, request.inputs)
    with opened(request.content) as container:
        video_stream(container, request.content)
    check_streams(request.content, request.output)
