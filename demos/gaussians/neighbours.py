"""Which Gaussians are near which: smoothing and growing of selections in 3D."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from demos.gaussians.field import Ints
from demos.gaussians.raster_threads import share, thread_count
from demos.gaussians.scene import Floats

_PIECE = 32_768
_KEPT = 4


def nearest(means_xyz: Floats, count: int) -> Ints:
    """The ``count`` nearest other centres of each: (N, count) int32; fewer centres than that repeat the last.

    Coinciding centres are neighbours of each other like any others.
    """
    from scipy.spatial import cKDTree

    total = len(means_xyz)
    if total < 2 or count == 0:
        return np.zeros((total, count), np.int32)
    tree = cKDTree(means_xyz, balanced_tree=False, compact_nodes=False)
    found = tree.query(means_xyz, k=min(count + 1, total), workers=thread_count())[1].astype(np.int32)
    # Each centre is among its own neighbours, mostly first; where twins displaced it, the farthest is dropped.
    own = found == np.arange(total, dtype=np.int32)[:, None]
    own[~own.any(axis=1), -1] = True
    others = found[~own].reshape(total, -1)
    if others.shape[1] < count:
        others = np.concatenate([others, np.repeat(others[:, -1:], count - others.shape[1], axis=1)], axis=1)
    return np.ascontiguousarray(others)


class NeighbourCache:
    """Neighbours by the very array of centres, so that a recoloured scene finds them again; safe from any thread."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[int, int], tuple[weakref.ref[Any], Ints]] = OrderedDict()

    def get(self, means_xyz: Floats, count: int) -> Ints:
        """See :func:`nearest`."""
        key = (id(means_xyz), count)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept[0]() is means_xyz:
                self._kept.move_to_end(key)
                return kept[1]
        found = nearest(means_xyz, count)
        with self._lock:
            self._kept[key] = weakref.ref(means_xyz), found
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found


def mean_over(values: Floats, neighbours: Ints) -> Floats:
    """Mean of each value (N,) and its neighbours': (N,) float32."""
    if not neighbours.shape[1] or not len(values):
        return values
    from demos.gaussians.pixel_loops import neighbour_means

    column, means = np.ascontiguousarray(values, np.float32)[:, None], np.empty((len(values), 1), np.float32)

    def part(i: int) -> None:
        neighbour_means(column, neighbours, i * _PIECE, min((i + 1) * _PIECE, len(values)), means)

    share(part, -(-len(values) // _PIECE), threads=thread_count())
    return means[:, 0]


def grown(mask: NDArray[np.bool_], neighbours: Ints, rings: int) -> NDArray[np.bool_]:
    """A mask (N,) with ``rings`` rings of neighbours more, or fewer if negative.

    A ring more takes in whoever has a member among its neighbours; a ring less drops whoever has an outsider there.
    """
    if rings < 0:
        return ~grown(~mask, neighbours, -rings) if len(mask) else mask
    found = mask.copy()
    for _ in range(rings):
        found = found | found[neighbours].any(axis=1) if neighbours.shape[1] else found
    return found
