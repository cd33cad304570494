"""One view of a scene, drawn and differentiated: the picture, and what it would change to move every number.

Two engines behind one interface: the CPU rasteriser and its backward pass (fit_raster, fit_project), and gsplat with
torch's autograd on CUDA. A loss is any function from a picture to its value and its derivative by the picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.tasks import Job
from demos.gaussians.cameras import Camera
from demos.gaussians.colour import C1, sh_basis
from demos.gaussians.raster import NEAR, prepare
from demos.gaussians.raster_threads import share, thread_count
from demos.gaussians.scene import Floats, GaussianScene

if TYPE_CHECKING:
    from demos.gaussians.raster_frame import Frame

Loss = Callable[[Floats], tuple[float, Floats]]  # (H, W, 3) -> value, derivative (H, W, 3)
_PIECE = 8192
_STEP = 1e-3  # of a unit direction, for the derivative of the basis above degree 1


@dataclass(frozen=True, eq=False)
class Gradients:
    """Derivatives of a loss by the numbers of a scene; arrays as in GaussianScene, 0 for what the view does not show.

    Attributes:
        means_xyz: (N, 3) float32.
        log_scales: (N, 3) float32.
        quats_wxyz: (N, 4) float32, at right angles to the quaternion.
        opacity_logits: (N,) float32.
        sh: (N, K, 3) float32.
        centres_px: (N, 2) float32, by the place on the picture; what densifying goes by.
        weights: (N,) float32, how many pixels the view takes of each Gaussian.
        value: The loss.
        rgb: (H, W, 3) float32, the picture.
    """

    means_xyz: Floats
    log_scales: Floats
    quats_wxyz: Floats
    opacity_logits: Floats
    sh: Floats
    centres_px: Floats
    weights: Floats
    value: float
    rgb: Floats


def differentiate(
    scene: GaussianScene,
    camera: Camera,
    loss: Loss,
    *,
    background: NDArray[np.float32],
    near: float = NEAR,
    threads: int | None = None,
    job: Job | None = None,
) -> Gradients:
    """Draw a view on the CPU, ask the loss, and carry its derivative back to the Gaussians.

    Args:
        scene: The Gaussians.
        camera: The view.
        loss: From the picture to its value and derivative.
        background: (3,) RGB.
        near: See :func:`demos.gaussians.raster.render`.
        threads: Likewise.
        job: Asked for Cancel about every 10 ms of work.

    Raises:
        InputError: the picture is empty or too large.
        Cancelled: ``job`` was cancelled.
    """
    prepare(job)
    from demos.gaussians import raster_frame
    from demos.gaussians.fit_raster import GIVEN_BLUE, GIVEN_RED, SUMS, TAKEN, add_entries, walk_tiles
    from demos.gaussians.raster_tiles import blend_tiles

    frame = raster_frame.make_frame(scene, camera, near=near, threads=threads or thread_count(), job=job)
    parts = list(frame.parts(job))
    height, width = camera.height, camera.width
    rgb, alpha = np.empty((height, width, 3), np.float32), np.empty((height, width), np.float32)
    depth, no_features = np.empty_like(alpha), np.empty((height, width, 0), np.float32)
    for part in parts:

        def blend(i: int, part: raster_frame.Part = part) -> None:
            blend_tiles(
                *(frame.splats.reshape(-1), np.empty(0, np.float32), 0, part.entries, part.starts, part.pieces[i]),
                *(frame.tile_columns, background, rgb, alpha, depth, no_features),
            )

        share(blend, len(part.pieces), threads=frame.threads, job=job)
    value, slope = loss(rgb)
    given = np.require(slope, np.float32, ["C", "A"])
    behind = np.einsum("hwc,hwc->hw", given, rgb)
    splat_sums = np.zeros((len(scene), SUMS), np.float32)
    for part in parts:
        sums = np.zeros((len(part.entries), SUMS), np.float32)

        def walk(i: int, part: raster_frame.Part = part, sums: Floats = sums) -> None:
            walk_tiles(
                *(frame.splats, part.entries, part.starts, part.pieces[i], frame.tile_columns),
                *(given, behind, sums),
            )

        share(walk, len(part.pieces), threads=frame.threads, job=job)
        add_entries(part.entries, sums, splat_sums)
    found = _chained(scene, frame, near, splat_sums, job)
    drgb = splat_sums[:, GIVEN_RED : GIVEN_BLUE + 1]
    d_sh, d_means = _colour_back(scene, camera, frame, drgb)
    found["means_xyz"][frame.order] += d_means
    return Gradients(**found, sh=d_sh, weights=splat_sums[:, TAKEN].copy(), value=value, rgb=rgb)


def _chained(scene: GaussianScene, frame: Frame, near: float, splat_sums: Floats, job: Job | None) -> dict[str, Floats]:
    """Derivatives by everything but the colours."""
    from demos.gaussians import raster_frame
    from demos.gaussians.fit_project import project_back

    count = len(scene)
    numbers = raster_frame._camera_numbers(frame.camera, near)
    given = (scene.means_xyz, scene.log_scales, scene.quats_wxyz, scene.opacity_logits)
    means, log_scales, quats, logits = (np.require(array, np.float32, ["C", "A"]) for array in given)
    shapes = (("means_xyz", 3), ("log_scales", 3), ("quats_wxyz", 4), ("opacity_logits", 0), ("centres_px", 2))
    found = {name: np.zeros((count, width) if width else count, np.float32) for name, width in shapes}

    def piece(i: int) -> None:
        first, last = i * _PIECE, min((i + 1) * _PIECE, count)
        project_back(
            *(means, log_scales, quats, logits, numbers, frame.splats, frame.keys, splat_sums, first, last),
            *found.values(),
        )

    share(piece, -(-count // _PIECE), threads=frame.threads, job=job)
    return found


def _colour_back(scene: GaussianScene, camera: Camera, frame: Frame, drgb: Floats) -> tuple[Floats, Floats]:
    """Derivatives by the harmonics of all Gaussians, and by the means of those on the picture, in its order."""
    from demos.gaussians.raster_project import BLUE, RED

    rows = frame.order
    d_sh = np.zeros_like(scene.sh)
    slopes = np.where(frame.splats[rows, RED : BLUE + 1] > 0, drgb[rows], np.float32(0.0))
    away = scene.means_xyz[rows] - camera.centre_xyz.astype(np.float32)
    lengths = np.maximum(np.linalg.norm(away, axis=1, keepdims=True), np.float32(1e-12))
    directions = away / lengths
    d_sh[rows] = sh_basis(directions, scene.degree)[:, :, None] * slopes[:, None, :]
    if scene.degree == 0:
        return d_sh, np.zeros((len(rows), 3), np.float32)
    by_basis = np.einsum("nkc,nc->nk", scene.sh[rows], slopes)
    if scene.degree == 1:
        turned = np.float32(C1) * np.stack([-by_basis[:, 3], -by_basis[:, 1], by_basis[:, 2]], 1)
    else:
        turned = np.stack([_basis_slope(directions, axis, scene.degree, by_basis) for axis in range(3)], 1)
    return d_sh, (turned - (turned * directions).sum(1, keepdims=True) * directions) / lengths


def _basis_slope(directions: Floats, axis: int, degree: int, by_basis: Floats) -> Floats:
    """d/d axis of sum_k Y_k t_k; the basis is polynomial, so a central difference is exact up to degree 2."""
    step = np.zeros(3)
    step[axis] = _STEP
    wide = directions.astype(np.float64)
    slope = (sh_basis(wide + step, degree) - sh_basis(wide - step, degree)) / (2 * _STEP)
    return np.einsum("nk,nk->n", slope, by_basis).astype(np.float32)
