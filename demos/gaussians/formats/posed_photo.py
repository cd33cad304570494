"""A photo's name, its camera and how far its lens is from a pinhole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.images import shown_name
from demos.gaussians.cameras import Camera

MAX_SIDE_PX = 100_000
MAX_NUMBER_PX = 1e8  # of a focal length or a principal point
_LEAST_FOCAL_PX = 1e-3
_MAX_SHIFT = 1e9  # of a camera, in world units
_SKEW_FORGIVEN = 0.02  # of a rotation read from rounded text; beyond it the matrix is something else


@dataclass(frozen=True, eq=False)
class PosedPhoto:
    """One photo.

    Attributes:
        name: As the model names it, with folders; after matching, the entry of the archive.
        camera: Its pinhole camera.
        distortion: k1, k2, p1, p2 of OpenCV's lens model, all 0 for a pinhole.
    """

    name: str
    camera: Camera
    distortion: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


def distorted(xy: NDArray[np.float64], distortion: tuple[float, float, float, float]) -> NDArray[np.float64]:
    """Where OpenCV's lens (k1, k2, p1, p2) puts ideal image points.

    Args:
        xy: (N, 2) points at depth 1: x / z and y / z.
        distortion: The four coefficients.

    Returns:
        (N, 2) points at depth 1 after the lens.
    """
    k1, k2, p1, p2 = distortion
    x, y = xy[:, 0], xy[:, 1]
    square = x * x + y * y
    radial = 1 + k1 * square + k2 * square * square
    bent_x = x * radial + 2 * p1 * x * y + p2 * (square + 2 * x * x)
    bent_y = y * radial + p1 * (square + 2 * y * y) + 2 * p2 * x * y
    return np.stack([bent_x, bent_y], 1)


def distortion_px(photo: PosedPhoto) -> float:
    """How far the lens moves the worst corner, in pixels."""
    camera = photo.camera
    corners = np.array([(0, 0), (camera.width, 0), (0, camera.height), (camera.width, camera.height)], np.float64)
    ideal = (corners - (camera.cx, camera.cy)) / (camera.fx, camera.fy)
    with np.errstate(over="ignore", invalid="ignore"):
        moved = (distorted(ideal, photo.distortion) - ideal) * (camera.fx, camera.fy)
        return float(np.nan_to_num(np.linalg.norm(moved, axis=1).max(), nan=np.inf))


def checked_camera(
    size_wh: tuple[float, float],
    focal: tuple[float, float],
    centre: tuple[float, float],
    world_to_cam: NDArray[np.float64],
    *,
    photo: str,
    shown: str,
) -> Camera:
    """A camera out of a stranger's numbers.

    Raises:
        InputError: sizes or focal lengths that are none, or a pose that is no rigid motion.
    """
    entry = shown_name(photo)
    numbers = np.array((*size_wh, *focal, *centre), np.float64)
    is_sound = (np.abs(numbers) <= MAX_NUMBER_PX).all() and (numbers[:4] > _LEAST_FOCAL_PX).all()
    if not is_sound or (numbers[:2] > MAX_SIDE_PX).any():
        raise InputError(f"{shown}: the camera of {entry} has no sensible size or focal length.")
    rotation = world_to_cam[:3, :3]
    is_finite = bool((np.abs(world_to_cam) <= _MAX_SHIFT).all())
    if not is_finite or np.abs(rotation @ rotation.T - np.eye(3)).max() > _SKEW_FORGIVEN or np.linalg.det(rotation) < 0:
        raise InputError(f"{shown}: the pose of {entry} is no rotation and shift.")
    u, _, v = np.linalg.svd(rotation)
    motion = np.eye(4)
    motion[:3, :3], motion[:3, 3] = u @ v, world_to_cam[:3, 3]
    width, height = (max(1, int(round(side))) for side in size_wh)
    return Camera(width, height, float(focal[0]), float(focal[1]), float(centre[0]), float(centre[1]), motion)
