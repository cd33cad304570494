"""transforms.json of nerfstudio, Instant-NGP and Blender's NeRF scenes: poses from camera to world, OpenGL axes.

Intrinsics stand once for all frames or in every frame (``fl_x``, ``fl_y``, ``cx``, ``cy``, ``w``, ``h``, ``k1``,
``k2``, ``p1``, ``p2``); older files give the horizontal angle ``camera_angle_x`` instead.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from core.errors import InputError
from core.images import shown_name
from demos.gaussians.cameras import Camera, opengl_from_world_to_cam, world_to_cam_from_opengl
from demos.gaussians.formats.posed_photo import PosedPhoto, checked_camera

NAMES: Final = ("transforms.json", "transforms_train.json")
MAX_FRAMES = 10_000
_PINHOLES = ("", "PINHOLE", "SIMPLE_PINHOLE", "OPENCV")
_BENDS = ("k1", "k2", "p1", "p2")


def parse(content: bytes, *, shown: str, size_of: Callable[[str], tuple[int, int]]) -> list[PosedPhoto]:
    """Parse a transforms.json.

    Args:
        content: The file.
        shown: What sentences call it.
        size_of: Width and height of a photo by its name; asked once, and only if the file does not tell.

    Raises:
        InputError: no JSON, no frames, a lens that is not read, or a frame that makes no sense.
    """
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{shown} is damaged: its transforms.json is no JSON.") from error
    frames = data.get("frames") if isinstance(data, dict) else None
    if not isinstance(frames, list) or not frames:
        raise InputError(f"{shown} is damaged: its transforms.json has no frames.")
    if len(frames) > MAX_FRAMES:
        raise InputError(f"{shown} claims {len(frames):,} photos; at most {MAX_FRAMES:,}.")
    size: tuple[int, int] | None = None
    photos = []
    for frame in frames:
        if not isinstance(frame, dict) or not isinstance(frame.get("file_path"), str):
            raise InputError(f"{shown} is damaged: a frame of its transforms.json names no file.")
        known = {**data, **frame}
        if "w" not in known or "h" not in known:
            size = size or size_of(frame["file_path"])
            known = {**known, "w": size[0], "h": size[1]}
        photos.append(_photo(known, frame["file_path"], shown))
    return photos


def dump(photos: list[PosedPhoto]) -> bytes:
    """The transforms.json of some photos, intrinsics in every frame: the inverse of :func:`parse`."""
    return json.dumps({"camera_model": "OPENCV", "frames": [_frame(photo) for photo in photos]}, indent=1).encode()


def _frame(photo: PosedPhoto) -> dict[str, Any]:
    camera: Camera = photo.camera
    return {
        "file_path": photo.name,
        "w": camera.width,
        "h": camera.height,
        "fl_x": camera.fx,
        "fl_y": camera.fy,
        "cx": camera.cx,
        "cy": camera.cy,
        **dict(zip(_BENDS, photo.distortion, strict=True)),
        "transform_matrix": opengl_from_world_to_cam(camera.world_to_cam).tolist(),
    }


def _photo(known: Mapping[str, Any], name: str, shown: str) -> PosedPhoto:
    model = known.get("camera_model", "")
    if model not in _PINHOLES or known.get("is_fisheye"):
        raise InputError(
            f"{shown} has cameras of the model {shown_name(str(model))}; undistort the photos first, allowed are "
            "PINHOLE and OPENCV."
        )
    width, height = _number(known, "w", name, shown), _number(known, "h", name, shown)
    if "fl_x" in known:
        fx = _number(known, "fl_x", name, shown)
    else:
        angle = _number(known, "camera_angle_x", name, shown)
        if not 0 < angle < math.pi:
            raise InputError(f"{shown}: camera_angle_x of {shown_name(name)} is {angle:g}; allowed is 0 to pi.")
        fx = width / 2 / math.tan(angle / 2)
    fy = _number(known, "fl_y", name, shown) if "fl_y" in known else fx
    cx = _number(known, "cx", name, shown) if "cx" in known else width / 2
    cy = _number(known, "cy", name, shown) if "cy" in known else height / 2
    k1, k2, p1, p2 = (_number(known, key, name, shown) if key in known else 0.0 for key in _BENDS)
    motion = _motion(known.get("transform_matrix"), name, shown)
    camera = checked_camera((width, height), (fx, fy), (cx, cy), motion, photo=name, shown=shown)
    return PosedPhoto(name, camera, (k1, k2, p1, p2))


def _number(known: Mapping[str, Any], key: str, name: str, shown: str) -> float:
    value = known.get(key)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or abs(value) > 1e18 or math.isnan(value):
        raise InputError(f"{shown}: {key} of {shown_name(name)} is no sensible number.")
    return float(value)


def _motion(value: Any, name: str, shown: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The (4, 4) world-to-camera motion of a ``transform_matrix`` of three or four rows."""
    try:
        matrix = np.array(value, np.float64)
    except (ValueError, TypeError, OverflowError, RecursionError):
        matrix = np.empty(0)
    if matrix.shape not in ((3, 4), (4, 4)) or not np.isfinite(matrix).all():
        raise InputError(f"{shown}: the transform_matrix of {shown_name(name)} is no matrix of 4 x 4 numbers.")
    whole = np.eye(4)
    whole[:3] = matrix[:3]
    return world_to_cam_from_opengl(whole)
