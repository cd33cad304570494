"""Cameras as the page and programs name them: plain JSON, checked number by number, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.errors import InputError
from demos.gaussians.cameras import Camera, frame_of, look_at
from demos.gaussians.options import MAX_SIDE_PX
from demos.gaussians.scene import GaussianScene

LEAST_SIDE_PX = 32
_MAX_COORDINATE = 1e9


def read_camera(given: Any, cameras: Sequence[Camera], *, longest_px: int) -> Camera:
    """The camera that a request asks for, at a picture size of the hub's choice.

    Args:
        given: None for the first of ``cameras``; ``{"view": 3}`` for another one; or ``{"eye": [x, y, z], "target":
            [x, y, z], "up": [x, y, z], "fov_deg": 45, "width": 4, "height": 3}``, of which eye and target are needed
            and width and height tell the shape only.
        cameras: Those of the scene, at least one.
        longest_px: Longer side of the picture.

    Raises:
        InputError: it is none of these, or a number makes no sense.
    """
    if given is None or given == {}:
        return fitted(cameras[0], longest_px)
    if not isinstance(given, Mapping):
        raise InputError("The camera is no JSON object with eye and target; leave it out for the scene's own view.")
    if "view" in given:
        index = given["view"]
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(cameras):
            raise InputError(f"The camera asks for view {index!r}; this scene has views 0 to {len(cameras) - 1}.")
        return fitted(cameras[index], longest_px)
    eye, target = point_of(given, "eye"), point_of(given, "target")
    if math.dist(eye, target) < 1e-9:
        raise InputError("The camera's eye and target are the same point.")
    up = point_of(given, "up") if "up" in given else (0.0, 0.0, 1.0)
    if not any(up):
        raise InputError("The camera's up is 0, 0, 0; it must point somewhere.")
    fov_deg = number_of(given, "fov_deg", 1, 170, usual=45)
    shape = [number_of(given, side, 1, 100_000, usual=usual) for side, usual in (("width", 4), ("height", 3))]
    width, height = _sized(shape[0], shape[1], longest_px)
    return look_at(eye, target, up_xyz=up, fov_deg=fov_deg, width=width, height=height)


def fitted(camera: Camera, longest_px: int) -> Camera:
    """The same view with its longer side at ``longest_px``."""
    return camera.resized(*_sized(camera.width, camera.height, longest_px))


def told(camera: Camera, scene: GaussianScene) -> dict[str, Any]:
    """A camera as the viewer takes it: the eye, and the point in front of it that is nearest to the scene's middle."""
    centre, radius = frame_of(scene)
    return told_about(camera, centre, radius)


def told_about(camera: Camera, centre_xyz: Any, radius: float) -> dict[str, Any]:
    """As :func:`told`, for a scene whose middle (3,) and radius are known."""
    forward, eye = camera.world_to_cam[2, :3], camera.centre_xyz
    ahead = float((np.asarray(centre_xyz, np.float64) - eye) @ forward)
    target = eye + forward * max(ahead, 0.1 * radius)
    focal = (camera.fx + camera.fy) / 2
    fov_deg = 2 * math.degrees(math.atan(min(camera.width, camera.height) / 2 / focal))
    return {"eye": plain(eye), "target": plain(target), "fov": fov_deg}


def plain(vector: Any) -> list[float]:
    """An array as a list of numbers for JSON."""
    return [float(value) for value in np.asarray(vector).ravel()]


def point_of(given: Mapping[str, Any], name: str) -> tuple[float, float, float]:
    """Three numbers under a name.

    Raises:
        InputError: they are not three finite numbers.
    """
    value = given.get(name)
    if not isinstance(value, (list, tuple)) or len(value) != 3 or not all(_is_number(part) for part in value):
        raise InputError(f"The camera's {name} is {_shown(value)}; it must be three numbers.")
    x, y, z = (float(part) for part in value)
    return x, y, z


def number_of(given: Mapping[str, Any], name: str, least: float, most: float, *, usual: float) -> float:
    """A number under a name, or the usual one where there is none.

    Raises:
        InputError: it is no number, or out of range.
    """
    value = given.get(name, usual)
    if not _is_number(value) or not least <= value <= most:
        raise InputError(f"The camera's {name} is {_shown(value)}; it must be from {least:g} to {most:g}.")
    return float(value)


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and abs(value) <= _MAX_COORDINATE  # NaN fails this, too


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _sized(width: float, height: float, longest_px: int) -> tuple[int, int]:
    """Whole sides of this shape, the longer one at ``longest_px``."""
    if not LEAST_SIDE_PX <= longest_px <= MAX_SIDE_PX:
        raise InputError(f"The picture's side is {longest_px} pixels; allowed are {LEAST_SIDE_PX} to {MAX_SIDE_PX}.")
    scale = longest_px / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))
