"""A video: taken apart into frames, painted, and put together again with its sound."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from dataclasses import asdict, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from styletransfer import __version__
from styletransfer.errors import ImageError
from styletransfer.images.pipes import regular_file
from styletransfer.images.tensors import open_picture
from styletransfer.output_files import errors_of, save_file
from styletransfer.runs.frames.decoding import (
    Timing,
    decode_video,
    frame_name,
    is_video_file,
    left_behind,
)
from styletransfer.runs.frames.encoding import encode_video
from styletransfer.runs.frames.sequence import make_frames
from styletransfer.runs.frames.shots import plan_shots
from styletransfer.runs.jobs import ExistingResult, Job, VideoResult, partial_path

if TYPE_CHECKING:
    from collections.abc import Generator

    from styletransfer.runs.context import RunContext
    from styletransfer.runs.jobs import Request

    Results = Generator[VideoResult | ExistingResult, None, None]

_INDIFFERENT = ("keep_metadata", "max_memory", "threads")
"""Settings that a run may go on with others of."""


def run_video(request: Request, context: RunContext) -> Results:
    """Paint a video.

    Its frames and their results are kept in a folder beside the output until that
    is complete, so that the same command goes on after an interruption.

    Args:
        request: The video, and what is to be made of it.
        context: What the runs share.

    Yields:
        The result once it is saved, or skipped.

    Raises:
        StyleTransferError: If the frames in the folder are of another command, a frame
            fails, or the video cannot be saved.
        InterruptionError: If a signal ended the run.
    """
    output, content = request.output, request.content
    if request.skip_existing and is_video_file(output):
        yield ExistingResult(path=output, content=content)
        return
    for line in left_behind(content):
        context.notify(line)
    started = time.monotonic()
    folder = FrameFolder(request)
    with context.stop.deferred(
        lambda: "interrupted before a frame was painted; the same command goes on"
    ):
        timing = folder.prepare()
        jobs = [folder.job(number) for number in range(len(timing.times))]
        shots = plan_shots(jobs, request.shots, skip_existing=True)
    for _ in make_frames(shots, replace(request, skip_existing=True), context):
        pass
    frames = [job.output for job in jobs]
    with context.stop.deferred(
        lambda: "interrupted: all frames are painted; the same command saves the video"
    ):
        encode_video(frames, timing, content, output, keep_metadata=request.settings.keep_metadata)
    width, height = open_picture(frames[0]).size
    folder.remove()
    yield VideoResult(
        path=output,
        settings=request.settings,
        content=content,
        width=width,
        height=height,
        seconds=time.monotonic() - started,
    )


class FrameFolder:
    """The folder beside the output where the frames are, and what says whose they are.

    Args:
        request: As in `run_video`.
    """

    def __init__(self, request: Request) -> None:
        self.path = request.output.with_name(f"{request.output.name}.frames")
        self._request = request
        self._index = self.path / "frames.json"
        self._photographs = self.path / "photographs"
        self._painted = self.path / "painted"

    def job(self, number: int) -> Job:
        """Return the job of a frame, by its number from 0."""
        request, output = self._request, self._painted / frame_name(number)
        return Job(
            content=self._photographs / output.name,
            styles=request.styles,
            # The photographs have the size of the result already, with even sides.
            settings=replace(request.settings, size="original"),
            output=output,
            unfinished=partial_path(output),
            config=request.config,
        )

    def prepare(self) -> Timing:
        """Decode the video into the folder, unless an earlier run of this command has.

        Raises:
            ImageError: If the folder is of another command, or cannot be written.
        """
        command = self._command()
        found = self._read()
        if found is not None and found["command"] != command and self._painted.exists():
            raise ImageError(
                f"{self.path}: these frames are of another command; "
                "repeat that command to go on, or delete the folder"
            )
        if found is not None and found["command"] == command and "times" in found:
            return _timing(found)
        # First, so that the folder is known to be ours.
        self._write({"command": command})
        timing = decode_video(self._request.content, self._photographs, self._request.settings)
        self._write({"command": command, **asdict(timing)})
        return timing

    def remove(self) -> None:
        """Delete the folder, since the video is complete."""
        with errors_of(self.path, "the video is complete, delete this folder yourself"):
            shutil.rmtree(self.path)

    def _read(self) -> dict[str, Any] | None:
        """Read whose frames are there; None if there is no folder, or an empty one."""
        with errors_of(self.path):
            if not self.path.exists() or not any(self.path.iterdir()):
                return None
        try:
            found: dict[str, Any] = json.loads(self._index.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ImageError(
                f"{self.path}: this folder is in the way; delete it, or choose another output"
            ) from error
        return found

    def _write(self, content: dict[str, Any]) -> None:
        save_file(json.dumps(content, default=str).encode(), self._index)

    def _command(self) -> str:
        """A digest of all that decides the frames: version, settings and files."""
        request = self._request
        settings = asdict(request.settings)
        kept = {name: settings[name] for name in settings if name not in _INDIFFERENT}
        digest = hashlib.sha256(json.dumps([__version__, kept, request.shots]).encode())
        for path in request.inputs:
            if path != request.config:
                with regular_file(path) as found, found.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()


def _timing(found: dict[str, Any]) -> Timing:
    """Read what `FrameFolder` wrote."""
    return Timing(
        time_base=Fraction(found["time_base"]),
        rate=Fraction(found["rate"]),
        times=tuple(found["times"]),
        durations=tuple(found["durations"]),
    )
