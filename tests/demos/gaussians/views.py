"""Cameras for tests of the rasteriser, and scenes made of single Gaussians."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from demos.gaussians.cameras import Camera, look_at
from demos.gaussians.colour import dc_from_rgb
from demos.gaussians.scene import GaussianScene


def camera(width: int = 40, height: int = 28, **changes: float) -> Camera:
    """Looks at the origin from aside; the principal point is not in the middle."""
    seen = look_at((1.0, -7.0, 2.0), (0.0, 0.0, 0.0), fov_deg=50, width=width, height=height)
    return replace(seen, fy=seen.fy * 1.1, cx=seen.cx + 1.7, cy=seen.cy - 2.3, **changes)


def ball(
    point_xyz: tuple[float, float, float],
    *,
    scale: float | tuple[float, float, float] = 0.3,
    opacity_logit: float = 0.0,
    rgb: tuple[float, float, float] = (1.0, 0.0, 0.0),
    quat_wxyz: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0),
) -> GaussianScene:
    """One Gaussian."""
    return GaussianScene(
        np.array([point_xyz], np.float32),
        np.log(np.broadcast_to(np.array(scale, np.float32), (1, 3))).astype(np.float32),
        np.array([quat_wxyz], np.float32),
        np.array([opacity_logit], np.float32),
        dc_from_rgb([[rgb]]),
    )


def joined(*scenes: GaussianScene) -> GaussianScene:
    """All Gaussians in one scene."""
    names = ("means_xyz", "log_scales", "quats_wxyz", "opacity_logits", "sh")
    return GaussianScene(*(np.concatenate([getattr(scene, name) for scene in scenes]) for name in names))


def front(z: float = 4.0, size: int = 33, focal_px: float = 40.0) -> Camera:
    """A camera at (0, 0, -z) that looks along +z; the middle of its middle pixel sees the origin."""
    world_to_cam = np.eye(4)
    world_to_cam[2, 3] = z
    return Camera(size, size, focal_px, focal_px, size / 2, size / 2, world_to_cam)
