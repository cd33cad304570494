"""Frames of a video, to be the query: "the thing that is seen here"."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.images import MAX_PIXELS, shown_name
from core.tasks import Job
from demos.separation.read import container_kind

Rgb = NDArray[np.uint8]
MOST_FRAMES = 3  # what CLIPSep averages over
_HEAD_BYTES = 512


def read_frames(path: Path, at_s: float | None = None, *, name: str = "", job: Job | None = None) -> tuple[Rgb, ...]:
    """Three frames of a video, one a second.

    Args:
        path: The file.
        at_s: Moment of the middle one; None takes the middle of the video.
        name: What to call the file in sentences.
        job: Asked for Cancel.

    Returns:
        One to three (H, W, 3) uint8, upright sRGB; fewer where the video is shorter.

    Raises:
        InputError: no video, no picture in it, too large, or damaged; one sentence.
    """
    import av

    shown = shown_name(name or path.name)
    try:
        with path.open("rb") as stream:
            kind = container_kind(stream.read(_HEAD_BYTES))
    except OSError as error:
        raise InputError(f"{shown} cannot be read: {error.strerror or 'no such file'}.") from error
    if kind is None:
        raise InputError(f"{shown} is no video.")
    try:
        with av.open(str(path), format=kind, metadata_errors="ignore") as container:
            if not container.streams.video:
                raise InputError(f"{shown} holds no pictures.")
            found = _decode(container, at_s, shown, job)
    except (av.FFmpegError, OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"The pictures of {shown} are damaged and cannot be decoded.") from error
    if not found:
        raise InputError(f"{shown} holds no picture that can be decoded.")
    return tuple(found)


def _decode(container: Any, at_s: float | None, shown: str, job: Job | None) -> list[Rgb]:
    """The first frame at or after each moment; the last frame there is where the video ends before."""
    stream = container.streams.video[0]
    if stream.width * stream.height > MAX_PIXELS:
        megapixels = f"{stream.width * stream.height / 1e6:,.0f} megapixels"
        raise InputError(f"The pictures of {shown} have {megapixels}; at most {MAX_PIXELS // 10**6}.")
    length_s = float(container.duration or 0) / 1e6
    middle_s = length_s / 2 if at_s is None else min(max(at_s, 0.0), length_s)
    wanted = [second for second in (middle_s - 1, middle_s, middle_s + 1) if 0 <= second <= length_s] or [0.0]
    if wanted[0] > 0:
        container.seek(int(wanted[0] * 1e6), backward=True)  # to the key frame before it
    found: list[Rgb] = []
    last: Any = None
    for frame in container.decode(stream):
        if job is not None:
            job.check()
        last = frame
        if frame.time is None or frame.time >= wanted[len(found)] - 1e-3:
            found.append(_upright(frame))
            if len(found) == min(len(wanted), MOST_FRAMES):
                return found
    if last is not None and not found:
        found.append(_upright(last))
    return found


def _upright(frame: Any) -> Rgb:
    """RGB, turned as the file says; FFmpeg gives degrees counter-clockwise."""
    rgb: Rgb = frame.to_ndarray(format="rgb24")
    turns = round(float(getattr(frame, "rotation", 0) or 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(rgb, turns))
