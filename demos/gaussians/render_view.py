"""Pictures drawn by the server: the view itself, heat, composite, mask, contour, depth, features in false colours.

All are (H, W, 3) uint8 at the size of the camera.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from core.draw import overlay, turbo
from core.tasks import Job
from demos.gaussians.answers import Found, SceneAnswer, SceneHandle, Vector
from demos.gaussians.cameras import Camera
from demos.gaussians.decoder import Decoder
from demos.gaussians.field import LanguageField
from demos.gaussians.options import Kind
from demos.gaussians.raster import render
from demos.gaussians.scene import BLACK, Floats, GaussianScene

Rgb = NDArray[np.uint8]

_LEAST_ALPHA = 0.05  # of a pixel that has a depth
_OUTLINE_RGB = (255, 64, 160)
_MASK_DIM = 0.25  # of the picture outside the mask
_HEAT_DIM = 0.3  # of the picture where the relevancy is below 1/2: LangSplat's
_CONTOUR_PX = 2
_PCA_SAMPLE = 20_000
_KEPT_PICTURES = 4  # of a scene


@dataclass(frozen=True, eq=False)
class ViewPicture:
    """Colours and depth of a view.

    Attributes:
        rgb: (H, W, 3) uint8 over the scene's background.
        depth: (H, W) float32 along the viewing direction; inf where nothing is.
    """

    rgb: Rgb
    depth: Floats


class PictureCache:
    """The last pictures of a scene, for as long as the scene lives; safe from any thread."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._kept: WeakKeyDictionary[GaussianScene, OrderedDict[Any, ViewPicture]] = WeakKeyDictionary()

    def get(
        self, scene: GaussianScene, camera: Camera, background_rgb: Vector = BLACK, *, job: Job | None = None
    ) -> ViewPicture:
        """See :func:`draw_view`."""
        lens = (camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy)
        key = (lens, np.asarray(camera.world_to_cam, np.float64).tobytes(), background_rgb)
        with self._lock:
            kept = self._kept.setdefault(scene, OrderedDict())
            if key in kept:
                kept.move_to_end(key)
                return kept[key]
        picture = draw_view(scene, camera, background_rgb, job=job)
        with self._lock:
            kept[key] = picture
            while len(kept) > _KEPT_PICTURES:
                kept.popitem(last=False)
        return picture

    def clear(self) -> None:
        """Forget all pictures."""
        with self._lock:
            self._kept.clear()


def draw_view(
    scene: GaussianScene, camera: Camera, background_rgb: Vector = BLACK, *, job: Job | None = None
) -> ViewPicture:
    """Draw colours and depth."""
    drawn = render(scene, camera, background=background_rgb, job=job)
    depth = np.where(drawn.alpha > _LEAST_ALPHA, drawn.depth, np.float32(np.inf))
    return ViewPicture(to_bytes(drawn.rgb), depth)


def to_bytes(rgb: Floats) -> Rgb:
    """Colours in [0, 1] -> uint8, cut at both ends."""
    return np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8)


def picture_of(
    handle: SceneHandle, answer: SceneAnswer, kind: Kind = "heat", index: int = 0, *, job: Job | None = None
) -> Rgb:
    """One of the pictures of an answer.

    Args:
        handle: The scene that was asked.
        answer: Of a query.
        kind: Which picture.
        index: Which of the queries.
        job: Asked for Cancel.

    Raises:
        ValueError: "pca" without a language field.
    """
    found = answer.found[index]
    if kind == "picture":
        return answer.rgb
    if kind == "heat":
        return heat(answer.rgb, found)
    if kind == "composite":
        return overlay(answer.rgb, found.relevancy)
    if kind == "mask":
        return masked(answer.rgb, found.mask)
    if kind == "contour":
        return contoured(answer.rgb, found.mask)
    if kind == "depth":
        return depth_picture(answer.depth)
    if handle.field is None:
        raise ValueError("false colours need a language field")
    level = handle.field.levels.index(found.level)
    return feature_picture(handle.scene, answer.camera, handle.field, level, job=job)


def heat(rgb: Rgb, found: Found) -> Rgb:
    """LangSplat's heat: turbo of what lies above 1/2 in shares of the greatest; the picture at 3/10 elsewhere."""
    return heat_over(rgb, found.relevancy)


def heat_over(rgb: Rgb, relevancy: Floats) -> Rgb:
    """As :func:`heat`, of a map (H, W)."""
    from demos.gaussians.relevancy import heat_shares

    painted = turbo(heat_shares(relevancy))
    dim = (rgb.astype(np.float32) * np.float32(_HEAT_DIM)).astype(np.uint8)
    return np.where((relevancy < 0.5)[..., None], dim, painted)


def masked(rgb: Rgb, mask: NDArray[np.bool_]) -> Rgb:
    """The picture inside the mask, dimmed outside."""
    dim = (rgb.astype(np.float32) * np.float32(_MASK_DIM)).astype(np.uint8)
    return np.where(mask[..., None], rgb, dim)


def contoured(rgb: Rgb, mask: NDArray[np.bool_]) -> Rgb:
    """The picture with a line around the mask, just outside of it; about 2 pixels wide at 731 rows."""
    width = max(1, round(_CONTOUR_PX * rgb.shape[0] / 731))
    wide = mask.copy()
    for _ in range(width):
        padded = np.pad(wide, 1)
        wide = padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:] | wide
    return np.where((wide & ~mask)[..., None], np.array(_OUTLINE_RGB, np.uint8), rgb)


def depth_picture(depth: Floats) -> Rgb:
    """Turbo of nearness: the nearest 2 % dark red, the farthest dark blue, nothing black."""
    finite = np.isfinite(depth)
    if not finite.any():
        return np.zeros((*depth.shape, 3), np.uint8)
    near, far = np.quantile(depth[finite], (0.02, 0.98))
    shares = (far - np.where(finite, depth, far)) / max(float(far - near), 1e-9)
    return np.where(finite[..., None], turbo(shares.astype(np.float32)), np.uint8(0))


def feature_picture(
    scene: GaussianScene, camera: Camera, field: LanguageField, level: int, *, job: Job | None = None
) -> Rgb:
    """The first three principal axes of the Gaussians' embeddings at a level as red, green and blue."""
    drawn = render(scene, camera, features=feature_colours(field, level), job=job).features
    assert drawn is not None
    return to_bytes(drawn)


def feature_colours(field: LanguageField, level: int) -> Floats:
    """(N, 3) float32 in [0, 1]: principal axes of the embeddings, from the 2nd to the 98th percentile; black = none."""
    if field.codes is not None:
        vectors, place = _code_vectors(field, level)
    else:
        vectors, place = _table_vectors(field, level)
    has_meaning = place >= 0
    if not has_meaning.any():
        return np.zeros((len(field), 3), np.float32)
    counts = np.bincount(place[has_meaning], minlength=len(vectors)).astype(np.float64)
    shares = counts / counts.sum()
    centred = vectors - (shares @ vectors)[None]
    scatter = (centred * shares[:, None]).T @ centred
    _, axes = np.linalg.eigh(scatter.astype(np.float64))
    axes = axes[:, ::-1][:, :3]
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])] < 0, -1, 1)  # a sign for good
    scores = centred @ axes
    some = scores[place[has_meaning][:: max(1, int(has_meaning.sum()) // _PCA_SAMPLE)]]
    low, high = np.quantile(some, (0.02, 0.98), axis=0)
    shown = np.clip((scores - low) / np.maximum(high - low, 1e-9), 0, 1)
    shown = np.pad(shown, ((0, 1), (0, 3 - shown.shape[1])))
    return shown[place].astype(np.float32)


def _table_vectors(field: LanguageField, level: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """The table, and the heaviest row of each Gaussian or -1."""
    assert field.ids is not None and field.weights is not None and field.table is not None
    ids, weights = field.ids[:, level], np.where(field.ids[:, level] >= 0, field.weights[:, level], -1)
    best = weights.argmax(axis=1)
    return field.table.astype(np.float64), ids[np.arange(len(ids)), best].astype(np.intp)


def _code_vectors(field: LanguageField, level: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Embeddings of the codes rounded to 6 bits, and which of them each Gaussian has, or -1."""
    assert field.codes is not None
    codes = field.codes[:, level]
    lengths = np.linalg.norm(codes, axis=1, keepdims=True)
    cells = np.rint(codes / np.where(lengths > 0, lengths, 1) * 32)
    different, place = np.unique(cells, axis=0, return_inverse=True)
    vectors = Decoder.of(field.decoder).whole((different / 32).astype(np.float32)).astype(np.float64)
    return vectors, np.where(lengths[:, 0] > 0, place.reshape(-1), -1)
