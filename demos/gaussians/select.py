"""From relevancies of Gaussians to a selection in 3D, and where that is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from demos.gaussians.answers import Extent, Vector
from demos.gaussians.field import Objects
from demos.gaussians.history import Selection
from demos.gaussians.neighbours import NeighbourCache, grown, mean_over
from demos.gaussians.options import QueryOptions
from demos.gaussians.relevancy import cut_at
from demos.gaussians.scene import Floats, GaussianScene

RING_NEIGHBOURS = 8  # what growing and shrinking take for adjacent
_FENCE = 1.5  # spans between the quartiles beyond which a Gaussian is a floater (Tukey)
_OBJECT_SHARE = 0.5  # of an object's Gaussians above the cut, for the whole of it to be selected

NEIGHBOURS = NeighbourCache()


def selected(
    scene: GaussianScene,
    relevancy: Floats,
    options: QueryOptions,
    *,
    objects: Objects | None = None,
    limit: float | None = None,
) -> Selection:
    """The Gaussians that answer.

    Args:
        scene: N Gaussians.
        relevancy: (N,) float32; 0 for those without a meaning, which are never chosen by the cut.
        options: Neighbours, cut, rings, whole objects.
        objects: Groups; used with ``options.whole_objects``.
        limit: The cut itself; None finds it among the relevancies as ``options`` say.

    Returns:
        Rows with weight 1.
    """
    values, has_meaning = relevancy, relevancy > 0
    if options.neighbours:
        values = mean_over(relevancy, NEIGHBOURS.get(scene.means_xyz, options.neighbours))
    if not has_meaning.any():
        return Selection.of(np.zeros(len(scene), np.float32))
    if limit is None:
        limit = cut_at(values[has_meaning], options.threshold, options.cut)
    return finished(scene, (values > np.float32(limit)) & has_meaning, options, objects=objects)


def finished(
    scene: GaussianScene, mask: NDArray[np.bool_], options: QueryOptions, *, objects: Objects | None = None
) -> Selection:
    """A mask (N,) as a selection, after what the options add to it: whole objects, rings of neighbours."""
    if options.whole_objects and objects is not None:
        mask = _whole(mask, objects)
    if options.grow:
        mask = grown(mask, NEIGHBOURS.get(scene.means_xyz, RING_NEIGHBOURS), options.grow)
    return Selection.of(mask)


def changed(scene: GaussianScene, selection: Selection, rings: int) -> Selection:
    """A selection grown (> 0) or shrunk (< 0) by rings of neighbours."""
    if not rings:
        return selection
    return Selection.of(grown(selection.mask(len(scene)), NEIGHBOURS.get(scene.means_xyz, RING_NEIGHBOURS), rings))


def extent_of(scene: GaussianScene, selection: Selection) -> Extent | None:
    """Where a selection is, without its floaters; None if it is empty."""
    rows = selection.rows
    if not rows.size:
        return None
    points = scene.means_xyz[rows].astype(np.float64)
    low, high = np.quantile(points, (0.25, 0.75), axis=0)
    reach = _FENCE * (high - low)
    keeps = ((points >= low - reach) & (points <= high + reach)).all(axis=1)
    if not keeps.any():
        keeps[:] = True
    points = points[keeps]
    shares = np.maximum(scene.opacities[rows][keeps].astype(np.float64) * selection.weights[keeps], 1e-9)
    least, greatest = points.min(axis=0), points.max(axis=0)
    centre = shares @ points / shares.sum()
    return Extent(_vector(centre), _vector(least), _vector(greatest), _vector(greatest - least), int(keeps.sum()))


def _whole(mask: NDArray[np.bool_], objects: Objects) -> NDArray[np.bool_]:
    """The objects of which most Gaussians are in the mask, whole; the mask itself where none is."""
    belongs = objects.ids >= 0
    counts = np.bincount(objects.ids[belongs], minlength=len(objects.table))
    chosen = np.bincount(objects.ids[belongs & mask], minlength=len(objects.table))
    taken = chosen > _OBJECT_SHARE * np.maximum(counts, 1)
    if not taken.any():
        return mask
    return belongs & taken[np.where(belongs, objects.ids, 0)]


def _vector(values: NDArray[np.float64]) -> Vector:
    x, y, z = (float(v) for v in values)
    return x, y, z
