"""Pinhole cameras in the OpenCV frame: x right, y down, z forward.

A world point p goes to ``world_to_cam[:3] @ (p, 1) = (x, y, z)`` and lands on the picture at ``u = fx x / z + cx``,
``v = fy y / z + cy``. The picture's corner is (0, 0) and the centre of pixel (column i, row j) is (i + 0.5, j + 0.5),
as in COLMAP and gsplat. 3D Gaussian Splatting counts pixel centres from 0 and takes the principal point half a pixel
off the middle, which is the same picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from demos.gaussians.rotations import matrices_from_quats, quats_from_matrices
from demos.gaussians.scene import GaussianScene

Floats64 = NDArray[np.float64]

_OPENGL = np.diag((1.0, -1.0, -1.0, 1.0))  # OpenGL camera axes (x right, y up, z back) <-> OpenCV; its own inverse


@dataclass(frozen=True, eq=False)
class Camera:
    """A rigid motion and a pinhole.

    Attributes:
        width: Picture width in pixels.
        height: Picture height in pixels.
        fx: Focal length in pixel widths.
        fy: Focal length in pixel heights.
        cx: Principal point from the left edge in pixels.
        cy: Principal point from the upper edge in pixels.
        world_to_cam: (4, 4) float64 rigid motion.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    world_to_cam: Floats64

    @property
    def centre_xyz(self) -> Floats64:
        """Eye point in the world, (3,)."""
        return -self.world_to_cam[:3, :3].T @ self.world_to_cam[:3, 3]

    @property
    def cam_to_world(self) -> Floats64:
        """(4, 4) float64, the inverse of ``world_to_cam``."""
        return inverted(self.world_to_cam)

    def project(self, points_xyz: ArrayLike) -> tuple[Floats64, Floats64]:
        """World points (N, 3) -> pixel positions (N, 2) and depths (N,) along the viewing direction."""
        local = np.asarray(points_xyz, np.float64) @ self.world_to_cam[:3, :3].T + self.world_to_cam[:3, 3]
        return local[:, :2] / local[:, 2:] * (self.fx, self.fy) + (self.cx, self.cy), local[:, 2]

    def unproject(self, uv_px: ArrayLike, depths: ArrayLike) -> Floats64:
        """Pixel positions (N, 2) and depths (N,) -> world points (N, 3): the inverse of :meth:`project`."""
        along = np.asarray(depths, np.float64)
        local_xy = (np.asarray(uv_px, np.float64) - (self.cx, self.cy)) / (self.fx, self.fy) * along[:, None]
        return (np.column_stack([local_xy, along]) - self.world_to_cam[:3, 3]) @ self.world_to_cam[:3, :3]

    def resized(self, width: int, height: int) -> Camera:
        """The same view with other numbers of pixels."""
        across, down = width / self.width, height / self.height
        return replace(
            self,
            width=width,
            height=height,
            fx=self.fx * across,
            fy=self.fy * down,
            cx=self.cx * across,
            cy=self.cy * down,
        )


def inverted(rigid: ArrayLike) -> Floats64:
    """The inverse (4, 4) of a rigid motion (4, 4): rotation transposed, no solving."""
    motion = np.asarray(rigid, np.float64)
    inverse = np.eye(4)
    inverse[:3, :3] = motion[:3, :3].T
    inverse[:3, 3] = -motion[:3, :3].T @ motion[:3, 3]
    return inverse


def world_to_cam_from_colmap(quat_wxyz: ArrayLike, translation_xyz: ArrayLike) -> Floats64:
    """COLMAP's pose of an image (QW QX QY QZ, TX TY TZ; world to camera, OpenCV axes) -> (4, 4)."""
    motion = np.eye(4)
    motion[:3, :3] = matrices_from_quats(quat_wxyz)
    motion[:3, 3] = np.asarray(translation_xyz, np.float64)
    return motion


def colmap_from_world_to_cam(world_to_cam: ArrayLike) -> tuple[Floats64, Floats64]:
    """(4, 4) -> COLMAP's unit quaternion wxyz (w >= 0) and translation."""
    motion = np.asarray(world_to_cam, np.float64)
    return quats_from_matrices(motion[:3, :3]), motion[:3, 3].copy()


def world_to_cam_from_opengl(cam_to_world: ArrayLike) -> Floats64:
    """``transform_matrix`` of a transforms.json (camera to world, y up, z back) -> (4, 4) world to camera, OpenCV."""
    return inverted(np.asarray(cam_to_world, np.float64) @ _OPENGL)


def opengl_from_world_to_cam(world_to_cam: ArrayLike) -> Floats64:
    """(4, 4) world to camera, OpenCV -> ``transform_matrix`` of a transforms.json."""
    return inverted(world_to_cam) @ _OPENGL


def look_at(
    eye_xyz: ArrayLike,
    target_xyz: ArrayLike,
    *,
    up_xyz: ArrayLike = (0.0, 0.0, 1.0),
    fov_deg: float = 45.0,
    width: int = 640,
    height: int = 480,
) -> Camera:
    """A camera at ``eye_xyz`` that sees ``target_xyz`` in the middle of its picture.

    Args:
        eye_xyz: Eye point (3,).
        target_xyz: Point (3,), apart from the eye.
        up_xyz: Direction (3,) that points up in the picture; looking along it, another one is taken.
        fov_deg: Angle across the shorter side of the picture.
        width: Picture width in pixels.
        height: Picture height in pixels.

    Raises:
        ValueError: eye and target are the same point.
    """
    eye = np.asarray(eye_xyz, np.float64)
    forward = np.asarray(target_xyz, np.float64) - eye
    distance = float(np.linalg.norm(forward))
    if distance < 1e-12:
        raise ValueError("look_at needs an eye apart from its target; both are the same point")
    forward = forward / distance
    up = np.asarray(up_xyz, np.float64) / np.linalg.norm(np.asarray(up_xyz, np.float64))
    if abs(float(forward @ up)) > 1 - 1e-9:
        up = np.eye(3)[int(np.argmin(np.abs(up)))]
    right = np.cross(forward, up)
    right = right / np.linalg.norm(right)
    world_to_cam = np.eye(4)
    world_to_cam[:3, :3] = np.stack([right, np.cross(forward, right), forward])
    world_to_cam[:3, 3] = -world_to_cam[:3, :3] @ eye
    focal_px = min(width, height) / 2 / np.tan(np.radians(fov_deg) / 2)
    return Camera(width, height, float(focal_px), float(focal_px), width / 2, height / 2, world_to_cam)


def orbit(
    target_xyz: ArrayLike,
    distance: float,
    azimuth_deg: float,
    elevation_deg: float,
    *,
    up_xyz: ArrayLike = (0.0, 0.0, 1.0),
    fov_deg: float = 45.0,
    width: int = 640,
    height: int = 480,
) -> Camera:
    """A camera on a sphere about ``target_xyz``; with z up, azimuth 0 looks along +y and 90 is seen from +x."""
    up = np.asarray(up_xyz, np.float64) / np.linalg.norm(np.asarray(up_xyz, np.float64))
    axes = _turn_z_to(up)
    azimuth, elevation = np.radians(azimuth_deg), np.radians(elevation_deg)
    level = np.array([np.sin(azimuth) * np.cos(elevation), -np.cos(azimuth) * np.cos(elevation), np.sin(elevation)])
    target = np.asarray(target_xyz, np.float64)
    eye = target + distance * (axes @ level)
    # At the poles the picture's top is where the camera came over from, so that an orbit does not jump there.
    over = axes @ np.array(
        [-np.sin(azimuth) * np.sin(elevation), np.cos(azimuth) * np.sin(elevation), np.cos(elevation)]
    )
    return look_at(eye, target, up_xyz=over, fov_deg=fov_deg, width=width, height=height)


def orbit_path(
    target_xyz: ArrayLike,
    distance: float,
    count: int,
    *,
    elevation_deg: float = 20.0,
    start_deg: float = 0.0,
    up_xyz: ArrayLike = (0.0, 0.0, 1.0),
    fov_deg: float = 45.0,
    width: int = 640,
    height: int = 480,
) -> list[Camera]:
    """``count`` cameras once around at equal steps; the step after the last one would be the first again."""
    return [
        orbit(
            target_xyz,
            distance,
            start_deg + 360.0 * i / count,
            elevation_deg,
            up_xyz=up_xyz,
            fov_deg=fov_deg,
            width=width,
            height=height,
        )
        for i in range(count)
    ]


def frame_of(scene: GaussianScene, *, coverage: float = 0.95) -> tuple[Floats64, float]:
    """Where to look and how far a scene reaches, unmoved by floaters and by a few huge Gaussians.

    Returns:
        Centre (3,) and radius: ``coverage`` of the opacity lies within the radius of the opacity-weighted median.
    """
    if not len(scene):
        return np.zeros(3), 1.0
    weights = np.maximum(scene.opacities.astype(np.float64), 1e-6)
    points = scene.means_xyz.astype(np.float64)
    centre = np.array([_weighted_quantile(points[:, axis], weights, 0.5) for axis in range(3)])
    radius = _weighted_quantile(np.linalg.norm(points - centre, axis=1), weights, coverage)
    return centre, radius if radius > 0 else float(np.median(scene.scales)) * 3


def fitting_distance(radius: float, fov_deg: float) -> float:
    """How far from its centre a ball of ``radius`` just fills ``fov_deg``."""
    return radius / float(np.sin(np.radians(fov_deg) / 2))


def _weighted_quantile(values: Floats64, weights: Floats64, share: float) -> float:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return float(values[order[min(int(np.searchsorted(reached, share * reached[-1])), len(values) - 1)]])


def _turn_z_to(up: Sequence[float] | Floats64) -> Floats64:
    """A rotation (3, 3) that takes +z to the unit vector ``up``; the identity for +z itself."""
    x, y, z = (float(v) for v in up)
    if z < -1 + 1e-12:
        return np.diag((1.0, -1.0, -1.0))
    cross = np.array([[0.0, 0.0, x], [0.0, 0.0, y], [-x, -y, 0.0]])
    return np.eye(3) + cross + cross @ cross / (1 + z)
