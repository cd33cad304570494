"""A plain NumPy rasteriser with the conventions of ours: the peer that the CPU renderer is timed against.

One Gaussian after the other, front to back, vectorised over the pixels of its box, each pixel with its own
transmittance (OpenSplat's order of work on a CPU). Projection and colours are vectorised over all Gaussians.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from demos.gaussians.cameras import Camera
from demos.gaussians.colour import colours_from
from demos.gaussians.raster import NEAR
from demos.gaussians.rotations import matrices_from_quats
from demos.gaussians.scene import GaussianScene

Floats64 = NDArray[np.float64]


def plain_picture(scene: GaussianScene, camera: Camera) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """RGB (H, W, 3) and alpha (H, W) over black."""
    centres, covariances, depths = project(scene, camera)
    opacities = scene.opacities.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        cut = 2 * np.log(255 * opacities)
        half = np.sqrt(cut[:, None] * np.stack([covariances[:, 0, 0], covariances[:, 1, 1]], axis=1))
        least = np.maximum(np.ceil(centres - half - 0.5), 0)
        greatest = np.minimum(np.floor(centres + half - 0.5), (camera.width - 1, camera.height - 1))
    drawn = np.flatnonzero((depths > NEAR) & (cut > 0) & (greatest >= least).all(axis=1))
    drawn = drawn[np.argsort(depths[drawn], kind="stable")]
    conics = np.linalg.inv(covariances[drawn])
    numbers = np.column_stack([centres[drawn], conics[:, 0, 0], conics[:, 0, 1], conics[:, 1, 1], opacities[drawn]])
    boxes = np.column_stack([least[drawn], greatest[drawn] + 1]).astype(np.int64)
    colours = colours_from(scene.sh[drawn], scene.means_xyz[drawn], camera.centre_xyz)
    through = np.ones((camera.height, camera.width), np.float32)
    alpha, rgb = np.zeros_like(through), np.zeros((camera.height, camera.width, 3), np.float32)
    across, down = np.arange(camera.width) + 0.5, np.arange(camera.height)[:, None] + 0.5
    for (u, v, a, b, c, opacity), (left, top, right, bottom), colour in zip(numbers, boxes, colours, strict=True):
        box = slice(top, bottom), slice(left, right)
        dx, dy = across[left:right] - u, down[top:bottom] - v
        weight = np.minimum(opacity * np.exp(-0.5 * (a * dx * dx + c * dy * dy) - b * dx * dy), 0.99)
        weight[weight < 1 / 255] = 0
        weight *= through[box]
        after = through[box] - weight
        goes_on = after >= 1e-4
        weight *= goes_on
        through[box] = after * goes_on
        alpha[box] += weight
        rgb[box] += weight[..., None] * colour
    return rgb, alpha


def project(scene: GaussianScene, camera: Camera) -> tuple[Floats64, Floats64, Floats64]:
    """Centres (N, 2), covariances (N, 2, 2) with the blur, depths (N,)."""
    turn = camera.world_to_cam[:3, :3]
    local = scene.means_xyz.astype(np.float64) @ turn.T + camera.world_to_cam[:3, 3]
    size, focal, middle = (
        np.array(pair) for pair in ((camera.width, camera.height), (camera.fx, camera.fy), (camera.cx, camera.cy))
    )
    spare = 0.15 * size / focal
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = local[:, :2] / local[:, 2:]
        clamped = np.clip(slopes, -middle / focal - spare, (size - middle) / focal + spare)
        scale = focal / local[:, 2:]
        rows = scale[:, :, None] * (turn[None, :2] - clamped[:, :, None] * turn[2])
        roots = rows @ (matrices_from_quats(scene.quats_wxyz) * np.exp(scene.log_scales.astype(np.float64))[:, None])
        return slopes * focal + middle, roots @ roots.transpose(0, 2, 1) + 0.3 * np.eye(2), local[:, 2]
