"""Where Gaussians start: from sparse points, or, without any, where the photos agree about a colour.

Without points, places are drawn at random in the cameras' common view, and each is shown to all photos. A place on a
surface has one colour wherever it is seen, a place in the air has the colours of whatever lies behind; the median
distance from the median colour tells them apart, also where some photos do not see the place (voxel colouring, Seitz
and Dyer 1997, without its order from near to far). The places with the least are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.tasks import Job
from demos.gaussians.cameras import Camera, Floats64
from demos.gaussians.colour import dc_from_rgb
from demos.gaussians.photos import Photo
from demos.gaussians.scene import BANDS, Floats, GaussianScene

FIRST_OPACITY = 0.1  # 3DGS's
_DRAWN_EACH = 40  # places drawn for every one kept
_LONGEST_PX = 200  # of the photos that are asked
_PIECE = 16_384
_LEAST_SHARE = 0.25  # of all photos that must see a place
_AIR_SHARE = 0.1  # of the photos that see a place may show the backdrop there by chance
_PLAIN = 0.06  # a border as even as this is a plain backdrop


@dataclass(frozen=True)
class Region:
    """The ball that the cameras look into.

    Attributes:
        centre_xyz: The point nearest to all optical axes.
        radius: Of what most cameras see of it, in world units.
        extent: 3DGS's scene extent: 1.1 times the greatest distance of a camera from their mean.
    """

    centre_xyz: tuple[float, float, float]
    radius: float
    extent: float


def common_view(cameras: Sequence[Camera]) -> Region:
    """The ball that the cameras look into.

    Raises:
        InputError: all cameras stand on one spot.
    """
    eyes = np.array([camera.centre_xyz for camera in cameras])
    axes = np.array([camera.world_to_cam[2, :3] for camera in cameras])
    spread = float(np.linalg.norm(eyes - eyes.mean(0), axis=1).max())
    if spread < 1e-6:
        raise InputError("All photos were taken from one spot; a scene needs views from several.")
    across = np.eye(3) - axes[:, :, None] * axes[:, None, :]
    # A little pull towards the cameras' mean keeps parallel axes from meeting at infinity.
    matrix = across.sum(0) + 1e-3 * len(cameras) * np.eye(3)
    ahead = eyes.mean(0) + axes.mean(0) * spread
    centre = np.linalg.solve(matrix, np.einsum("nij,nj->i", across, eyes) + 1e-3 * len(cameras) * ahead)
    depths = np.einsum("ni,ni->n", axes, centre - eyes)
    half = [min(camera.width / camera.fx, camera.height / camera.fy) / 2 for camera in cameras]
    seen = np.maximum(depths, 0.1 * spread) * np.array(half)
    x, y, z = centre.tolist()
    return Region((x, y, z), float(np.median(seen)) * 1.35, 1.1 * spread)


def backdrop(photos: Sequence[Photo]) -> Floats | None:
    """(3,) RGB of a plain backdrop, the median of the photos' borders; None if most of the border is something else."""
    border = np.concatenate(
        [np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]]) for rgb in (photo.floats for photo in photos)]
    )
    # The most frequent colour in steps of 1/16, then the median of what is near it.
    steps = (border * 15.99).astype(np.int64)
    codes = steps[:, 0] * 256 + steps[:, 1] * 16 + steps[:, 2]
    usual = border[codes == np.bincount(codes).argmax()].mean(0)
    near = border[np.abs(border - usual).max(1) < _PLAIN]
    return np.median(near, 0).astype(np.float32) if len(near) > 0.3 * len(border) else None


def agreeing_places(
    photos: Sequence[Photo], region: Region, count: int, *, seed: int, plain: Floats | None, job: Job | None = None
) -> tuple[Floats, Floats]:
    """Places in the cameras' common view about whose colour the photos agree.

    Args:
        photos: All of them; they are made smaller here.
        region: Where to look.
        count: How many to keep.
        seed: Of the places drawn.
        plain: (3,) colour of a plain backdrop: where photos show it, there is air. None if there is none.
        job: Told the places done; asked for Cancel between pieces.

    Returns:
        (P, 3) float32 places and their colours (P, 3) float32 in [0, 1]; P is ``count`` if there are as many.
    """
    small = [photo.resized(_LONGEST_PX) for photo in photos]
    rng = np.random.default_rng(seed)
    drawn = count * _DRAWN_EACH
    kept_xyz, kept_rgb, kept_score = [], [], []
    for first in range(0, drawn, _PIECE):
        if job is not None:
            job.step("running", first, drawn, unit="places", note="where photos agree")
        places = _in_ball(rng, min(_PIECE, drawn - first)) * region.radius + region.centre_xyz
        colours, is_seen = _seen_colours(places, small)
        score, rgb = _disagreement(colours, is_seen)
        if plain is not None:  # no photo sees the backdrop through a solid thing (the visual hull)
            is_air = (np.abs(colours - plain).max(2) < _PLAIN) & is_seen
            score = np.where(is_air.sum(1) > _AIR_SHARE * is_seen.sum(1), np.inf, score)
        best = np.argsort(score, kind="stable")[: max(1, 4 * len(score) // _DRAWN_EACH)]
        kept_xyz.append(places[best])
        kept_rgb.append(rgb[best])
        kept_score.append(score[best])
    scores = np.concatenate(kept_score)
    order = np.argsort(scores, kind="stable")[: min(count, max(16, int(np.isfinite(scores).sum())))]
    return np.concatenate(kept_xyz)[order].astype(np.float32), np.concatenate(kept_rgb)[order]


def far_places(region: Region, count: int, rng: np.random.Generator) -> Floats:
    """(count, 3) places on a sphere far around the scene: what photos show beyond it."""
    away = rng.normal(size=(count, 3))
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    return (away * 4 * (region.radius + region.extent) + region.centre_xyz).astype(np.float32)


def from_places(places_xyz: Floats, rgb: Floats, *, degree: int) -> GaussianScene:
    """Round Gaussians of opacity 0.1 at places, as wide as the mean distance to the three nearest others (3DGS)."""
    from scipy.spatial import cKDTree

    count = len(places_xyz)
    near = cKDTree(places_xyz).query(places_xyz, k=min(4, count))[0].reshape(count, -1)[:, 1:]
    width = np.sqrt(np.maximum((near**2).mean(1) if near.size else np.ones(count), 1e-14))
    sh = np.zeros((count, BANDS[degree], 3), np.float32)
    sh[:, 0] = dc_from_rgb(rgb)
    quats = np.zeros((count, 4), np.float32)
    quats[:, 0] = 1
    return GaussianScene(
        places_xyz.astype(np.float32),
        np.repeat(np.log(width)[:, None], 3, 1).astype(np.float32),
        quats,
        np.full(count, np.log(FIRST_OPACITY / (1 - FIRST_OPACITY)), np.float32),
        sh,
    )


def _in_ball(rng: np.random.Generator, count: int) -> Floats64:
    """(count, 3) points evenly in the unit ball."""
    away = rng.normal(size=(count, 3))
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    return away * rng.random((count, 1)) ** (1 / 3)


def _seen_colours(places: Floats64, photos: Sequence[Photo]) -> tuple[Floats, NDArray[np.bool_]]:
    """(P, V, 3) float32 colours that the photos have at the places, and (P, V) whether they are on the photo."""
    colours = np.zeros((len(places), len(photos), 3), np.float32)
    is_seen = np.zeros((len(places), len(photos)), bool)
    for v, photo in enumerate(photos):
        uv, depth = photo.camera.project(places)
        with np.errstate(invalid="ignore"):
            cell = np.floor(np.clip(np.nan_to_num(uv, nan=-1.0), -1, 1e6)).astype(np.int64)
        height, width = photo.rgb.shape[:2]
        inside = (depth > 0) & (cell[:, 0] >= 0) & (cell[:, 0] < width) & (cell[:, 1] >= 0) & (cell[:, 1] < height)
        is_seen[:, v] = inside
        colours[inside, v] = photo.rgb[cell[inside, 1], cell[inside, 0]] / np.float32(255)
    return colours, is_seen


def _disagreement(colours: Floats, is_seen: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Median distance from the median colour (inf where too few photos see the place), and that colour."""
    shown = np.where(is_seen[..., None], colours, np.nan)
    enough = is_seen.sum(1) >= max(3, _LEAST_SHARE * is_seen.shape[1])
    score = np.full(len(colours), np.inf, np.float32)
    middle = np.zeros((len(colours), 3), np.float32)
    if enough.any():
        middle[enough] = np.nanmedian(shown[enough], axis=1)
        off = np.abs(shown[enough] - middle[enough, None]).sum(2)
        score[enough] = np.nanmedian(off, axis=1)
    return score, middle
