"""Answers and edited scenes as files: .ply, .splat, .npz, mask PNG, JSON, and a turn around what was found.

Every function returns bytes or plain JSON; nothing is written to disk.
"""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.errors import InputError, ModelUnavailable
from core.tasks import Job
from demos.gaussians.answers import Found, SceneAnswer, SceneHandle
from demos.gaussians.cameras import Camera, frame_of
from demos.gaussians.field import to_language
from demos.gaussians.field_file import write_scene
from demos.gaussians.formats.ply import write_ply
from demos.gaussians.formats.splat import write_splat
from demos.gaussians.history import Selection
from demos.gaussians.raster import render
from demos.gaussians.render_view import contoured, to_bytes
from demos.gaussians.scene import Floats, Language
from demos.gaussians.select import extent_of

SceneFormat = Literal["ply", "splat", "npz"]
FilmFormat = Literal["gif", "webp", "mp4"]
SCENE_FORMATS: Final[tuple[SceneFormat, ...]] = ("ply", "splat", "npz")

FRAMES = 36
FRAME_S = 0.1
MOST_FRAMES = 120
FILM_SIDE_PX = 480
_FILM_S = 120  # what ffmpeg gets to write a film


def film_formats() -> tuple[FilmFormat, ...]:
    """What a film can be written as here; MP4 needs ffmpeg on the machine."""
    return ("gif", "webp", "mp4") if shutil.which("ffmpeg") else ("gif", "webp")


def scene_file(handle: SceneHandle, kind: SceneFormat, *, selection: Selection | None = None) -> bytes:
    """The edited scene, or of it the selection alone.

    Args:
        handle: The scene.
        kind: "ply" as 3DGS writes it, with an ``id_object`` of every Gaussian where there are objects; "splat" for web
            viewers, without higher bands; "npz" with all that is known, which this hub opens again.
        selection: Rows of ``handle.scene``; None takes all.

    Raises:
        InputError: the selection is empty, or there is no such format.
    """
    scene, field = handle.scene, handle.field
    if selection is not None:
        if not selection.rows.size:
            raise InputError("Nothing is selected; query for something or click it first.")
        rows = selection.rows.astype(np.intp)
        scene, field = scene.take(rows), None if field is None else field.take(rows)
    if kind == "npz":
        return write_scene(
            scene, field, cameras=handle.cameras, up_xyz=handle.up_xyz, background_rgb=handle.background_rgb
        )
    if kind == "splat":
        return write_splat(scene)
    if kind != "ply":
        raise InputError(f"There is no scene format called {kind!r}; choose one of {', '.join(SCENE_FORMATS)}.")
    if field is None or field.is_coded:
        return write_ply(scene)
    language = to_language(field)
    if field.objects is not None:
        language = Language(("object",), ids=field.objects.ids[:, None], features=field.objects.table)
    return write_ply(replace(scene, language=language), with_ids=True)


def mask_png(found: Found) -> bytes:
    """The mask as an 8-bit PNG, 255 inside; black all over if nothing was found."""
    return _png(found.mask.astype(np.uint8) * 255)


def picture_png(rgb: NDArray[np.uint8]) -> bytes:
    """A picture (H, W, 3) as PNG."""
    return _png(rgb)


def answer_json(answer: SceneAnswer) -> dict[str, Any]:
    """All queries of an answer with their levels, the view, and how long it took."""
    camera = answer.camera
    return {
        "scene": answer.scene,
        "model": answer.model,
        "camera": {
            "width": camera.width,
            "height": camera.height,
            "fx": camera.fx,
            "fy": camera.fy,
            "cx": camera.cx,
            "cy": camera.cy,
            "world_to_cam": [[float(v) for v in row] for row in camera.world_to_cam],
        },
        "queries": [
            {
                **found.as_json(),
                "least_peak": round(found.least_peak, 6),
                "levels": [{"level": p.level, "peak": round(p.peak, 6), "at_xy": list(p.at_xy)} for p in found.peaks],
            }
            for found in answer.found
        ],
        "seconds": {stage: round(seconds, 4) for stage, seconds in answer.seconds.items()},
    }


def turn_film(
    handle: SceneHandle,
    camera: Camera,
    selection: Selection | None = None,
    *,
    kind: FilmFormat = "gif",
    frames: int = FRAMES,
    job: Job | None = None,
) -> bytes:
    """Once around the selection, outlined, or around the scene.

    Args:
        handle: The scene.
        camera: The first frame; the others turn it about the scene's up through what is in the middle.
        selection: Rows of ``handle.scene``; None or empty turns about the scene.
        kind: "gif", "webp" (a tenth of the size), or "mp4".
        frames: 2 to ``MOST_FRAMES``.
        job: Told how many frames are drawn; asked for Cancel.

    Raises:
        InputError: too few or too many frames, or no such format.
        ModelUnavailable: "mp4" where there is no ffmpeg.
        Cancelled: the job was cancelled.
    """
    if not 2 <= frames <= MOST_FRAMES:
        raise InputError(f"These are {frames} frames; allowed are 2 to {MOST_FRAMES}.")
    if kind not in ("gif", "webp", "mp4"):
        raise InputError(f"There is no film format called {kind!r}; choose gif, webp or mp4.")
    if kind == "mp4" and kind not in film_formats():
        raise ModelUnavailable("Writing MP4 needs the program ffmpeg, which is not installed here; take GIF or WebP.")
    shrink = min(1.0, FILM_SIDE_PX / max(camera.width, camera.height))
    # Even numbers of pixels, as most decoders of MP4 want them.
    small = camera.resized(2 * max(1, round(camera.width * shrink / 2)), 2 * max(1, round(camera.height * shrink / 2)))
    drawn = list(_frames(handle, small, selection, frames, job))
    if kind == "mp4":
        return _mp4(drawn)
    return _animation(drawn, kind)


def turned(camera: Camera, about_xyz: NDArray[np.float64], up_xyz: NDArray[np.float64], angle_rad: float) -> Camera:
    """A camera carried around an axis: it sees a point about which it turns at the same place of the picture."""
    up = up_xyz / np.linalg.norm(up_xyz)
    x, y, z = up
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turn = np.eye(3) + np.sin(angle_rad) * cross + (1 - np.cos(angle_rad)) * (cross @ cross)
    motion = np.eye(4)
    motion[:3, :3] = turn
    motion[:3, 3] = about_xyz - turn @ about_xyz
    return replace(camera, world_to_cam=camera.world_to_cam @ motion)


def _frames(
    handle: SceneHandle, camera: Camera, selection: Selection | None, count: int, job: Job | None
) -> Iterator[NDArray[np.uint8]]:
    """Frames (h, w, 3), one after the other."""
    weights = None if selection is None or not selection.rows.size else selection.spread(len(handle.scene))
    about, _ = frame_of(handle.scene)
    if weights is not None and selection is not None:
        where = extent_of(handle.scene, selection)
        about = about if where is None else np.array(where.centroid_xyz)
    up = np.array(handle.up_xyz, np.float64)
    for index in range(count):
        if job is not None:
            job.step("running", index, count, unit="frames")
        yield _frame(handle, turned(camera, about, up, 2 * np.pi * index / count), weights, job)


def _frame(handle: SceneHandle, camera: Camera, weights: Floats | None, job: Job | None) -> NDArray[np.uint8]:
    scene, behind = handle.scene, handle.background_rgb
    if weights is None:
        return to_bytes(render(scene, camera, background=behind, job=job).rgb)
    drawn = render(scene, camera, features=weights[:, None], background=behind, job=job)
    assert drawn.features is not None
    return contoured(to_bytes(drawn.rgb), drawn.features[..., 0] > 0.5)


def _animation(frames: list[NDArray[np.uint8]], kind: Literal["gif", "webp"]) -> bytes:
    pictures = [Image.fromarray(frame) for frame in frames]
    buffer = io.BytesIO()
    duration_ms = round(1000 * FRAME_S)
    if kind == "gif":
        pictures = [picture.quantize(256, method=Image.Quantize.MEDIANCUT) for picture in pictures]
        pictures[0].save(
            buffer, "GIF", save_all=True, append_images=pictures[1:], duration=duration_ms, loop=0, disposal=1
        )
    else:
        pictures[0].save(
            buffer, "WEBP", save_all=True, append_images=pictures[1:], duration=duration_ms, loop=0, quality=80
        )
    return buffer.getvalue()


def _mp4(frames: list[NDArray[np.uint8]]) -> bytes:
    """Hand raw frames to ffmpeg; fragments, because a pipe cannot be wound back."""
    height, width = frames[0].shape[:2]
    command = ["ffmpeg", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
    command += ["-r", f"{1 / FRAME_S:g}", "-i", "-", "-pix_fmt", "yuv420p"]
    command += ["-movflags", "frag_keyframe+empty_moov", "-f", "mp4", "-"]
    raw = b"".join(frame.tobytes() for frame in frames)
    try:
        done = subprocess.run(command, input=raw, capture_output=True, check=True, timeout=_FILM_S)
    except (OSError, subprocess.SubprocessError) as error:
        raise ModelUnavailable("ffmpeg could not write the film; take GIF or WebP.") from error
    return done.stdout


def _png(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
