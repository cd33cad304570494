"""Pieces of one colour in space: what the parts of things are made of, found without any photo or model.

A segmenter sees things; their parts are often a few pixels of a photo, but hundreds of Gaussians of one colour that
hang together. The graph of nearest neighbours is cut as Felzenszwalb and Huttenlocher 2004 (IJCV 59(2)) cut a picture:

    edges in the order of their weight w = distance of colours; pieces A and B are joined by one if
    w <= Int(A) + k / |A|  and  w <= Int(B) + k / |B|        Int: the greatest weight inside so far

Large k makes large pieces. Colours are OkLab's (Ottosson 2020) with lightness at ``LIGHTNESS`` of its weight, because
shade changes it and paint does not, each the median with its neighbours'.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from demos.gaussians.colour import rgb_from_dc
from demos.gaussians.field import Ints
from demos.gaussians.neighbours import nearest
from demos.gaussians.scene import Floats, GaussianScene

LIGHTNESS: Final = 0.3
SCALES: Final = (0.1, 0.3, 1.0, 3.0)  # k, from screws to things
NEIGHBOURS: Final = 10
LEAST_GAUSSIANS: Final = 12
LEAST_OPACITY: Final = 0.1  # fainter ones are haze around things

_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def oklab(rgb: Floats) -> Floats:
    """Colours in OkLab of sRGB in [0, 1], (..., 3) float32."""
    given = np.clip(rgb, 0, 1)
    linear = np.where(given <= 0.04045, given / 12.92, ((given + 0.055) / 1.055) ** 2.4)
    return (np.cbrt(linear @ _TO_CONES.T) @ _TO_LAB.T).astype(np.float32)


def superpoints(scene: GaussianScene, is_seen: NDArray[np.bool_], scale: float) -> Ints:
    """Cut a scene into pieces of one colour.

    Args:
        scene: N Gaussians.
        is_seen: (N,) bool; what no photo shows is in no piece.
        scale: k above.

    Returns:
        (N,) int32, pieces from 0 on, -1 for Gaussians that are in none.
    """
    pieces = np.full(len(scene), -1, np.int32)
    rows = np.flatnonzero((scene.opacities > LEAST_OPACITY) & is_seen)
    if len(rows) <= 1:
        return pieces
    near = nearest(scene.means_xyz[rows], NEIGHBOURS)
    colours = oklab(rgb_from_dc(scene.sh[rows, 0])) * np.array((LIGHTNESS, 1, 1), np.float32)
    colours = np.median(np.concatenate([colours[:, None], colours[near]], axis=1), axis=1)
    begins, ends = np.repeat(np.arange(len(rows)), NEIGHBOURS), near.reshape(-1)
    weights = np.linalg.norm(colours[begins] - colours[ends], axis=1)
    order = np.argsort(weights, kind="stable")
    edges = list(zip(begins[order].tolist(), ends[order].tolist(), weights[order].tolist(), strict=True))
    pieces[rows] = _joined(len(rows), edges, scale)
    return pieces


def _joined(count: int, edges: list[tuple[int, int, float]], scale: float) -> Ints:
    """Pieces of ``count`` points by edges in the order of their weight, those that stay small joined to a neighbour."""
    head, sizes, limits = list(range(count)), [1] * count, [scale] * count

    def root(at: int) -> int:
        while head[at] != at:
            head[at] = head[head[at]]
            at = head[at]
        return at

    for a, b, weight in edges:
        a, b = root(a), root(b)
        if a != b and weight <= limits[a] and weight <= limits[b]:
            head[b] = a
            sizes[a] += sizes[b]
            limits[a] = weight + scale / sizes[a]
    for a, b, _ in edges:
        a, b = root(a), root(b)
        if a != b and min(sizes[a], sizes[b]) < LEAST_GAUSSIANS:
            head[b] = a
            sizes[a] += sizes[b]
    return np.unique([root(at) for at in range(count)], return_inverse=True)[1].astype(np.int32)
