"""Pinhole cameras in the OpenCV frame: x right, y down, z forward; world in metres, z up.

A world point p goes to ``world_to_cam[:3] @ (p, 1) = (x, y, z)`` and lands on the picture at
``u = fx x / z + cx``, ``v = fy y / z + cy``; the centre of pixel (column i, row j) is (i + 0.5, j + 0.5), which is also
the convention of 3D Gaussian Splatting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from training.toybox.mesh import Floats


@dataclass(frozen=True)
class Camera:
    """World-to-camera rigid motion (4, 4) float64 and pinhole intrinsics in pixels."""

    world_to_cam: Floats
    fx: float
    fy: float
    cx: float
    cy: float
    width_px: int
    height_px: int

    @property
    def centre(self) -> Floats:
        """Eye point in the world, (3,) metres."""
        return -self.world_to_cam[:3, :3].T @ self.world_to_cam[:3, 3]

    def enlarged(self, factor: float) -> Camera:
        """Return the same view with ``factor`` times the pixels a side."""
        fx, fy, cx, cy = (factor * value for value in (self.fx, self.fy, self.cx, self.cy))
        width, height = round(self.width_px * factor), round(self.height_px * factor)
        return replace(self, fx=fx, fy=fy, cx=cx, cy=cy, width_px=width, height_px=height)

    def project(self, points_n3: Floats) -> tuple[Floats, Floats]:
        """Return pixel positions (N, 2) and depths (N,) in metres of world points (N, 3)."""
        local = points_n3 @ self.world_to_cam[:3, :3].T + self.world_to_cam[:3, 3]
        uv = local[:, :2] / local[:, 2:] * (self.fx, self.fy) + (self.cx, self.cy)
        return uv, local[:, 2]

    def unproject(self, uv_n2: Floats, depth_n: Floats) -> Floats:
        """Return the world points (N, 3) at pixel positions (N, 2) and depths (N,): the inverse of ``project``."""
        local_xy = (uv_n2 - (self.cx, self.cy)) / (self.fx, self.fy) * depth_n[:, None]
        local = np.column_stack([local_xy, depth_n])
        return (local - self.world_to_cam[:3, 3]) @ self.world_to_cam[:3, :3]


def look_at(
    eye: Sequence[float] | Floats,
    target: Sequence[float] | Floats,
    *,
    fov_deg: float = 35.0,
    width_px: int = 128,
    height_px: int | None = None,
    roll_deg: float = 0.0,
) -> Camera:
    """Return a camera at ``eye`` (3,) that sees ``target`` (3,) in the middle of its picture, z up.

    Args:
        eye: Eye point in metres.
        target: Point in metres, apart from the eye.
        fov_deg: Angle across the shorter side of the picture.
        width_px: Picture width.
        height_px: Picture height; the width by default.
        roll_deg: Turn about the viewing direction, clockwise for the viewer's head.

    Raises:
        ValueError: eye and target are the same point.
    """
    forward = np.asarray(target, dtype=np.float64) - np.asarray(eye, dtype=np.float64)
    distance = float(np.linalg.norm(forward))
    if distance < 1e-9:
        raise ValueError("look_at needs an eye apart from its target; both are the same point.")
    forward /= distance
    up = np.array((0.0, 0.0, 1.0)) if abs(forward[2]) < 0.9999 else np.array((0.0, 1.0, 0.0))
    right = np.cross(forward, up)
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    cosine, sine = np.cos(np.radians(roll_deg)), np.sin(np.radians(roll_deg))
    rows = np.stack([cosine * right + sine * down, cosine * down - sine * right, forward])
    world_to_cam = np.eye(4)
    world_to_cam[:3, :3] = rows
    world_to_cam[:3, 3] = -rows @ np.asarray(eye, dtype=np.float64)
    height = width_px if height_px is None else height_px
    focal = min(width_px, height) / 2 / np.tan(np.radians(fov_deg) / 2)
    return Camera(world_to_cam, focal, focal, width_px / 2, height / 2, width_px, height)


def orbit(
    target: Sequence[float] | Floats,
    distance_m: float,
    azimuth_deg: float,
    elevation_deg: float,
    *,
    fov_deg: float = 35.0,
    width_px: int = 128,
    height_px: int | None = None,
    roll_deg: float = 0.0,
) -> Camera:
    """Return a camera on a sphere about ``target``; azimuth 0 looks along +y at the toys' fronts, 90 from +x."""
    azimuth, elevation = np.radians(azimuth_deg), np.radians(elevation_deg)
    direction = np.array([np.sin(azimuth) * np.cos(elevation), -np.cos(azimuth) * np.cos(elevation), np.sin(elevation)])
    eye = np.asarray(target, dtype=np.float64) + distance_m * direction
    return look_at(eye, target, fov_deg=fov_deg, width_px=width_px, height_px=height_px, roll_deg=roll_deg)
