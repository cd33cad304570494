"""Outlines of masks as polygons, exact along the edges of pixels or simplified.

The border of a mask runs along pixel edges; each edge gets a direction so that the mask lies to its right (y down).
Linked at their ends the edges form closed rings: clockwise around the mask, counter-clockwise around its holes. Where
two pixels touch at a corner only, the walk turns right and so keeps them apart (4-connected). Filled by the even-odd
rule at pixel centres the exact rings give the mask back bit by bit.

Simplification: Douglas and Peucker 1973, Cartographica 10(2): a point stays if it is farther than the tolerance from
the chord of its stretch.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ring = NDArray[np.float64]  # (P, 2) x and y in pixels, (0, 0) the picture's upper left corner; not closed
_STEPS_XY = np.array([(1, 0), (0, 1), (-1, 0), (0, -1)])  # east, south, west, north: one on is a right turn


def rings(mask: NDArray[np.bool_], *, tolerance_px: float = 0.0) -> list[list[Ring]]:
    """Outlines of a mask, piece by piece.

    Args:
        mask: (H, W) bool.
        tolerance_px: How far an outline may lie from the exact one; 0 keeps every corner.

    Returns:
        One list a connected piece, largest first: its outer ring, then the rings of its holes. A ring that
        simplification would leave without an area keeps its exact corners.
    """
    exact = _closed_walks(mask)
    outer = [ring for ring in exact if signed_area(ring) > 0]
    holes = [ring for ring in exact if signed_area(ring) < 0]
    outer.sort(key=signed_area, reverse=True)
    pieces = [[ring] for ring in outer]
    for hole in holes:
        owner = next(n for n in reversed(range(len(outer))) if _holds(outer[n], hole))  # the smallest around it
        pieces[owner].append(hole)
    return [[simplified(ring, tolerance_px) for ring in piece] for piece in pieces]


def signed_area(ring: Ring) -> float:
    """Area by the shoelace formula, px^2; positive for clockwise rings (y down)."""
    x, y = ring[:, 0], ring[:, 1]
    return float(0.5 * (x * np.roll(y, -1) - np.roll(x, -1) * y).sum())


def simplified(ring: Ring, tolerance_px: float) -> Ring:
    """Drop points that lie within a tolerance of what remains; the ring itself if too little would be left."""
    if tolerance_px <= 0.0 or len(ring) <= 4:
        return ring
    # A ring has no ends: it is cut at its first point and at the one farthest from it.
    far = int(((ring - ring[0]) ** 2).sum(axis=1).argmax())
    keep = np.zeros(len(ring) + 1, bool)
    closed = np.concatenate([ring, ring[:1]])
    keep[[0, far, len(ring)]] = True
    stack = [(0, far), (far, len(ring))]
    while stack:
        first, last = stack.pop()
        if last - first < 2:
            continue
        distances = _from_chord(closed[first + 1 : last], closed[first], closed[last])
        worst = int(distances.argmax())
        if distances[worst] > tolerance_px:
            at = first + 1 + worst
            keep[at] = True
            stack += [(first, at), (at, last)]
    found = closed[:-1][keep[:-1]]
    return found if len(found) >= 3 and signed_area(found) * signed_area(ring) > 0 else ring


def bridged(piece: list[Ring]) -> Ring:
    """An outer ring and its holes as one ring, joined by slits without width, for formats that know no holes."""
    whole = piece[0]
    for hole in piece[1:]:
        gaps = ((whole[:, None] - hole[None]) ** 2).sum(axis=2)
        here, there = np.unravel_index(gaps.argmin(), gaps.shape)
        around = np.roll(hole, -int(there), axis=0)
        whole = np.concatenate([whole[: here + 1], around, around[:1], whole[here:]])
    return whole


def _closed_walks(mask: NDArray[np.bool_]) -> list[Ring]:
    """All rings along pixel edges, corners only."""
    keys, width = _edges(mask)
    if not len(keys):
        return []
    vertex, direction = np.divmod(keys, 4)
    end = vertex + _STEPS_XY[direction, 1] * width + _STEPS_XY[direction, 0]
    following = np.full(len(keys), -1, np.int64)
    for turn in (-1, 0, 1):  # later ones overwrite: right before straight before left
        wanted = end * 4 + (direction + turn) % 4
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        following = np.where(keys[place] == wanted, place, following)
    is_corner = direction[following] != direction
    starts = np.stack([end % width, end // width], axis=1).astype(np.float64)
    order, bounds = _cycles(following.tolist())
    found = []
    for first, last in zip(bounds[:-1], bounds[1:], strict=True):
        cycle = order[first:last]
        found.append(starts[cycle][is_corner[cycle]])
    return found


def _edges(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int64], int]:
    """Sorted keys (vertex number * 4 + direction) of all border edges, and vertices a row."""
    padded = np.pad(mask, 1)
    width = mask.shape[1] + 1
    down = padded[1:, 1:-1].astype(np.int8) - padded[:-1, 1:-1]  # (H + 1, W): 1 where the mask begins below
    across = padded[1:-1, 1:].astype(np.int8) - padded[1:-1, :-1]  # (H, W + 1): 1 where it begins to the right
    keys = []
    for changes, value, direction, shift_x, shift_y in (
        (down, 1, 0, 0, 0),
        (across, -1, 1, 0, 0),
        (down, -1, 2, 1, 0),
        (across, 1, 3, 0, 1),
    ):
        y, x = np.nonzero(changes == value)
        keys.append(((y + shift_y) * width + x + shift_x) * 4 + direction)
    return np.sort(np.concatenate(keys)), width


def _cycles(following: list[int]) -> tuple[NDArray[np.int64], list[int]]:
    """A permutation's cycles one after the other, and where each begins."""
    seen = bytearray(len(following))
    order: list[int] = []
    bounds = [0]
    for start in range(len(following)):
        here = start
        while not seen[here]:
            seen[here] = 1
            order.append(here)
            here = following[here]
        if len(order) > bounds[-1]:
            bounds.append(len(order))
    return np.array(order, np.int64), bounds


def _holds(outer: Ring, hole: Ring) -> bool:
    """Whether an outer ring runs around a hole: an even-odd test at a point just inside the hole's border."""
    (x0, y0), (x1, y1) = hole[0], hole[1]
    length = max(abs(x1 - x0), abs(y1 - y0))
    # Holes run counter-clockwise, so what lies to the left of their edges is the hole itself.
    at_x = x0 + 0.5 * (x1 - x0) / length + 0.5 * (y1 - y0) / length
    at_y = y0 + 0.5 * (y1 - y0) / length - 0.5 * (x1 - x0) / length
    x, y = outer[:, 0], outer[:, 1]
    next_x, next_y = np.roll(x, -1), np.roll(y, -1)
    crosses = (y > at_y) != (next_y > at_y)
    with np.errstate(divide="ignore", invalid="ignore"):
        at = x + (at_y - y) / (next_y - y) * (next_x - x)
    return bool((crosses & (at > at_x)).sum() % 2)


def _from_chord(points: Ring, first: NDArray[np.float64], last: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances of points from the stretch between two ends, (P,)."""
    chord = last - first
    length = float(np.hypot(*chord))
    offsets = points - first
    if length == 0.0:
        return np.hypot(offsets[:, 0], offsets[:, 1])
    return np.abs(chord[0] * offsets[:, 1] - chord[1] * offsets[:, 0]) / length
