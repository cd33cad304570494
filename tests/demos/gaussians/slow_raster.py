"""The rasteriser's slow twin: pixel by pixel over all Gaussians, in float64, straight from the formulas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from demos.gaussians.cameras import Camera
from demos.gaussians.colour import colours_from
from demos.gaussians.scene import GaussianScene
from tests.demos.gaussians.scenes import slow_covariances

Floats64 = NDArray[np.float64]
CLOSE = 1e-5  # relative: nearer to a limit than this, float32 may decide the other way


@dataclass(frozen=True)
class SlowPicture:
    """What every pixel shows.

    Attributes:
        rgb: (H, W, 3).
        alpha: (H, W).
        depth: (H, W), inf where alpha is 0.
        weights: (H, W, N), w of every Gaussian.
        is_close_call: (H, W): some alpha lies next to 1/255, or some transmittance next to 1e-4.
    """

    rgb: Floats64
    alpha: Floats64
    depth: Floats64
    weights: Floats64
    is_close_call: NDArray[np.bool_]


def slow_projection(scene: GaussianScene, camera: Camera) -> tuple[Floats64, Floats64, Floats64]:
    """Centres (N, 2) in pixels, covariances (N, 2, 2) with the blur, depths (N,)."""
    local = scene.means_xyz.astype(np.float64) @ camera.world_to_cam[:3, :3].T + camera.world_to_cam[:3, 3]
    centres, covariances = np.zeros((len(scene), 2)), np.zeros((len(scene), 2, 2))
    half_fov = 0.5 * np.array((camera.width, camera.height)) / (camera.fx, camera.fy)
    least = -np.array((camera.cx, camera.cy)) / (camera.fx, camera.fy) - 0.3 * half_fov
    greatest = np.array((camera.width - camera.cx, camera.height - camera.cy)) / (camera.fx, camera.fy) + 0.3 * half_fov
    for i, (point, covariance) in enumerate(zip(local, slow_covariances(scene), strict=True)):
        x, y, z = point
        with np.errstate(all="ignore"):  # what lies in the camera's plane is not drawn
            centres[i] = camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy
            kx, ky = np.clip((x / z, y / z), least, greatest)
            jacobian = np.array([[camera.fx / z, 0, -camera.fx * kx / z], [0, camera.fy / z, -camera.fy * ky / z]])
            turned = jacobian @ camera.world_to_cam[:3, :3]
            covariances[i] = turned @ covariance @ turned.T + 0.3 * np.eye(2)
    return centres, covariances, local[:, 2]


def slow_render(
    scene: GaussianScene, camera: Camera, *, background: ArrayLike = (0.0, 0.0, 0.0), near: float = 0.2
) -> SlowPicture:
    """Every pixel on its own: alphas of all Gaussians in order of depth, then the running product."""
    centres, covariances, depths = slow_projection(scene, camera)
    drawn = np.flatnonzero(depths > near)
    drawn = drawn[np.argsort(depths[drawn].astype(np.float32), kind="stable")]
    inverses = np.array([np.linalg.inv(covariances[i]) for i in drawn]).reshape(-1, 2, 2)
    opacities = 1 / (1 + np.exp(-scene.opacity_logits.astype(np.float64)[drawn]))
    colours = colours_from(scene.sh, scene.means_xyz, camera.centre_xyz).astype(np.float64)
    weights = np.zeros((camera.height, camera.width, len(scene)))
    close = np.zeros((camera.height, camera.width), bool)
    for row in range(camera.height):
        for column in range(camera.width):
            offset = np.array((column + 0.5, row + 0.5)) - centres[drawn]
            exponent = -0.5 * np.einsum("ni,nij,nj->n", offset, inverses, offset)
            alpha = np.minimum(opacities * np.exp(exponent), 0.99)
            close[row, column] = (np.abs(alpha * 255 - 1) < CLOSE).any()
            alpha[alpha < 1 / 255] = 0
            after = np.cumprod(1 - alpha)
            before = np.concatenate([[1.0], after[:-1]])
            ended = np.flatnonzero(after < 1e-4)
            last = ended[0] if len(ended) else len(drawn)
            close[row, column] |= (np.abs(after[: last + 1] * 1e4 - 1) < 100 * CLOSE).any()
            weights[row, column, drawn[:last]] = (alpha * before)[:last]
    total = weights.sum(axis=2)
    seen_depth = np.where(weights > 0, depths, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        depth = np.where(total > 0, (weights * seen_depth).sum(axis=2) / total, np.inf)
    rgb = weights @ colours + (1 - total)[..., None] * np.asarray(background, np.float64)
    return SlowPicture(rgb, total, depth, weights, close)
