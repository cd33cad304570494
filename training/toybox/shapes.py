"""Builders of closed triangle meshes: everything a toy is made of. Metres, z up, faces counter-clockwise from outside.

All builders rest on ``loft``, which skins a stack of rings. A ring is counter-clockwise seen from where the stack ends.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from training.toybox.mesh import Floats, Mesh, joined

Points = Sequence[Sequence[float]] | Floats


def loft(rings: Floats, *, start: Points | None = None, end: Points | None = None, is_loop: bool = False) -> Mesh:
    """Skin a stack of rings into a closed mesh.

    Args:
        rings: (M, N, 3), each counter-clockwise seen from the last ring's side.
        start: Apex (3,) of the first cap; the ring's centre (a flat cap) by default.
        end: Apex (3,) of the last cap, likewise.
        is_loop: Join the last ring to the first instead of capping (a torus).

    Returns:
        Closed mesh of M * N vertices plus the two apexes.
    """
    rings = np.asarray(rings, dtype=np.float64)
    n_rings, n_points = rings.shape[:2]
    here = np.arange(n_rings * n_points, dtype=np.int32).reshape(n_rings, n_points)
    lower = here if is_loop else here[:-1]
    upper = np.roll(here, -1, axis=0) if is_loop else here[1:]
    a, b = lower, np.roll(lower, -1, axis=1)
    d, c = upper, np.roll(upper, -1, axis=1)
    faces = [np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)]
    vertices = [rings.reshape(-1, 3)]
    if not is_loop:
        first, last, nxt = here[0], here[-1], np.roll(np.arange(n_points), -1)
        apex = here.size
        faces.append(np.stack([np.full(n_points, apex), first[nxt], first], -1))
        faces.append(np.stack([np.full(n_points, apex + 1), last, last[nxt]], -1))
        vertices.append(np.asarray(rings[0].mean(0) if start is None else start, dtype=np.float64).reshape(1, 3))
        vertices.append(np.asarray(rings[-1].mean(0) if end is None else end, dtype=np.float64).reshape(1, 3))
    return Mesh(np.concatenate(vertices), np.concatenate(faces).astype(np.int32))


def curve(control: Points, n: int) -> Floats:
    """Return ``n`` points (n, D) on the centripetal Catmull-Rom spline through ``control`` (K, D), ends included.

    Centripetal knots (Yuksel et al. 2011) keep the curve from overshooting where control points lie close together.
    """
    knots = np.asarray(control, dtype=np.float64)
    padded = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    gaps = np.maximum(np.sqrt(np.linalg.norm(np.diff(padded, axis=0), axis=1)), 1e-6)
    s = np.linspace(0, len(knots) - 1, n)
    i = np.minimum(s.astype(int), len(knots) - 2)
    p0, p1, p2, p3 = (padded[i + k] for k in range(4))
    d0, d1, d2 = (gaps[i + k][:, None] for k in range(3))
    t = (s - i)[:, None]
    start = ((p1 - p0) / d0 - (p2 - p0) / (d0 + d1) + (p2 - p1) / d1) * d1
    stop = ((p2 - p1) / d1 - (p3 - p1) / (d1 + d2) + (p3 - p2) / d2) * d1
    a, b = 2 * t**3 - 3 * t**2 + 1, t**3 - 2 * t**2 + t
    return a * p1 + b * start + (1 - a) * p2 + (t**3 - t**2) * stop


def lathe(profile_rz: Points, n: int = 24, *, is_hoop: bool = False) -> Mesh:
    """Turn a profile (K, 2) of (radius, z) about the z axis; it runs up the outside (and down the inside of a cup).

    A profile that starts or ends at radius 0 is pointed or smooth there; else a flat cap closes it. A hoop's profile is
    a closed loop instead, its last point joined to the first.
    """
    profile = np.asarray(profile_rz, dtype=np.float64)
    if is_hoop:
        turn = 2 * np.pi * np.arange(n) / n
        height = np.broadcast_to(profile[:, 1:], (len(profile), n))
        return loft(np.stack([profile[:, :1] * np.cos(turn), profile[:, :1] * np.sin(turn), height], -1), is_loop=True)
    start = (0.0, 0.0, profile[0, 1]) if profile[0, 0] <= 1e-9 else None
    end = (0.0, 0.0, profile[-1, 1]) if profile[-1, 0] <= 1e-9 else None
    body = profile[(1 if start else 0) : (len(profile) - 1 if end else len(profile))]
    angle = 2 * np.pi * np.arange(n) / n
    radius, z = np.maximum(body[:, :1], 1e-6), body[:, 1:]
    rings = np.stack([radius * np.cos(angle), radius * np.sin(angle), np.broadcast_to(z, (len(body), n))], -1)
    return loft(rings, start=start, end=end)


def cup_profile(outside_rz: Points, wall: float) -> Floats:
    """Return an outside profile continued over the rim and down the inside, ``wall`` thick; the floor is as thick."""
    outside = np.asarray(outside_rz, dtype=np.float64)
    inside = outside[::-1].copy()
    inside[:, 0] = np.maximum(inside[:, 0] - wall, 0.0)
    bottom = outside[:, 1].min() + wall
    inside[0, 1] -= 0.0
    inside = inside[inside[:, 1] > bottom]
    return np.concatenate([outside, inside, [[max(outside[0, 0], outside[1, 0]) * 0.6, bottom], [0.0, bottom]]])


def wrap(outside_rz: Points, low: float, high: float, thickness: float = 0.012, n: int = 32) -> Mesh:
    """Return a band around a lathe's outside profile between two heights, standing out by ``thickness``."""
    outside = np.asarray(outside_rz, dtype=np.float64)
    z = np.linspace(low, high, 7)
    radius = np.interp(z, outside[:, 1], outside[:, 0])
    outer, inner = np.column_stack([radius + thickness, z]), np.column_stack([radius - 2 * thickness, z])
    return lathe(np.concatenate([outer, inner[::-1]]), n, is_hoop=True)


def cylinder(radius: float, height: float, *, top: float | None = None, bevel: float = 0.0, n: int = 24) -> Mesh:
    """Return a cylinder, or a cone frustum with another ``top`` radius, standing on z = 0, edges bevelled."""
    top = radius if top is None else top
    if top <= 1e-6:
        return lathe([(0, 0), (max(radius - bevel, 0), 0), (radius, bevel), (0, height)], n)
    if bevel <= 0:
        return lathe([(radius, 0), (top, height)], n)
    b = min(bevel, radius * 0.9, top * 0.9, height * 0.45)
    c = b * 0.29
    low = [(radius - b, 0), (radius - c, c), (radius, b)]
    return lathe([*low, (top, height - b), (top - c, height - c), (top - b, height)], n)


def sphere(radius: float = 1.0, n: int = 20) -> Mesh:
    """Return a sphere about the origin, n sides around and n / 2 from pole to pole."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, max(n // 2, 4) + 1)
    profile = np.stack([np.cos(angle), np.sin(angle)], -1) * radius
    profile[[0, -1], 0] = 0.0
    return lathe(profile, n)


def ellipsoid(x: float, y: float, z: float, n: int = 20) -> Mesh:
    """Return an ellipsoid about the origin with half axes x, y, z."""
    return sphere(1.0, n).scaled(x, y, z)


def superellipsoid(x: float, y: float, z: float, power: float = 0.5, n: int = 24) -> Mesh:
    """Return a pillow about the origin with half axes x, y, z: power 1 is an ellipsoid, towards 0 a box."""
    return sphere(1.0, n).mapped(lambda v: np.sign(v) * np.abs(v) ** power).scaled(x, y, z).creased(80.0)


def dome(radius: float, height: float, n: int = 24) -> Mesh:
    """Return half an ellipsoid standing on z = 0, closed by a flat floor."""
    angle = np.linspace(0, np.pi / 2, 8)
    profile = np.stack([np.cos(angle) * radius, np.sin(angle) * height], -1)
    profile[-1, 0] = 0.0
    return lathe(profile, n)


def box(x: float, y: float, z: float, rounding: float = 0.0, n: int = 3) -> Mesh:
    """Return a box of full sizes x, y, z standing on z = 0 about the z axis, edges rounded by ``rounding`` metres."""
    half = np.array((x, y, z)) / 2
    r = min(rounding, *(0.98 * half))
    if r <= 0:
        ring = np.array([(1, -1), (1, 1), (-1, 1), (-1, -1)]) * half[:2]
        rings = np.stack([np.column_stack([ring, np.full(4, h)]) for h in (0.0, z)])
        return loft(rings)
    quarter = np.linspace(0, np.pi / 2, n + 1)
    around = np.concatenate([quarter + k * np.pi / 2 for k in range(4)])
    corner = np.repeat(np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)]), n + 1, axis=0) * (half[:2] - r)
    tilt = np.concatenate([quarter - np.pi / 2, quarter])
    lift = np.repeat(np.array([-1.0, 1.0]) * (half[2] - r), n + 1)
    flat = np.stack([np.cos(around), np.sin(around)], -1)
    xy = corner[None] + r * np.cos(tilt)[:, None, None] * flat[None]
    heights = np.broadcast_to((lift + r * np.sin(tilt) + half[2])[:, None, None], (len(tilt), len(around), 1))
    return loft(np.concatenate([xy, heights], -1))


def torus(radius: float, tube_radius: float, n: int = 28, m: int = 10) -> Mesh:
    """Return a ring about the z axis, centred on the origin."""
    turn = 2 * np.pi * np.arange(n) / n
    around = 2 * np.pi * np.arange(m) / m
    reach = radius + tube_radius * np.cos(around)
    height = np.broadcast_to(-tube_radius * np.sin(around), (n, m))
    return loft(np.stack([np.outer(np.cos(turn), reach), np.outer(np.sin(turn), reach), height], -1), is_loop=True)


def tube(
    path: Points, radius: float | Sequence[float] | Floats, n: int = 10, *, flat: float = 1.0, round_ends: bool = True
) -> Mesh:
    """Return a tube along ``path`` (K, 3) with one radius or (K,) radii; ``flat`` squeezes its first normal."""
    way = np.asarray(path, dtype=np.float64)
    radii = np.broadcast_to(np.asarray(radius, dtype=np.float64), (len(way),)).copy()
    tangents = np.gradient(way, axis=0)
    tangents /= np.maximum(np.linalg.norm(tangents, axis=1, keepdims=True), 1e-12)
    if round_ends:
        tilt = np.radians([78.0, 52.0, 26.0])
        head = way[0] - tangents[0] * (radii[0] * np.sin(tilt))[:, None]
        tail = way[-1] + tangents[-1] * (radii[-1] * np.sin(tilt[::-1]))[:, None]
        way = np.concatenate([head, way, tail])
        radii = np.concatenate([radii[0] * np.cos(tilt), radii, radii[-1] * np.cos(tilt[::-1])])
        tangents = np.concatenate([np.repeat(tangents[:1], 3, 0), tangents, np.repeat(tangents[-1:], 3, 0)])
    first, second = _frames(tangents)
    angle = 2 * np.pi * np.arange(n) / n
    ring = first[:, None] * np.cos(angle)[None, :, None] * flat + second[:, None] * np.sin(angle)[None, :, None]
    return loft(way[:, None] + ring * radii[:, None, None])


def _frames(tangents: Floats) -> tuple[Floats, Floats]:
    """Return two unit normals (K, 3) along a path, carried without twist; first x second = tangent."""
    seed = np.eye(3)[np.argmin(np.abs(tangents[0]))]
    firsts = np.empty_like(tangents)
    normal = np.cross(tangents[0], seed)
    for i, tangent in enumerate(tangents):
        normal = normal - tangent * (normal @ tangent)
        normal = normal / max(np.sqrt(normal @ normal), 1e-12)
        firsts[i] = normal
    return firsts, np.cross(tangents, firsts)


def rod(
    start: Sequence[float], stop: Sequence[float], radius: float, stop_radius: float | None = None, n: int = 10
) -> Mesh:
    """Return a straight flat-ended rod from ``start`` to ``stop`` (metres), tapering to ``stop_radius``."""
    ends = np.array([start, stop], dtype=np.float64)
    return tube(ends, [radius, radius if stop_radius is None else stop_radius], n, round_ends=False)


def extrude(polygon_xy: Points, height: float, bevel: float = 0.0) -> Mesh:
    """Raise a simple polygon (K, 2) from z = 0 to ``height``; concave is fine, either winding; edges bevelled."""
    outline = np.asarray(polygon_xy, dtype=np.float64)
    x, y = outline.T
    if np.dot(x, np.roll(y, -1)) < np.dot(y, np.roll(x, -1)):
        outline = outline[::-1].copy()
    layers = (
        [(0.0, 0.0), (height, 0.0)]
        if bevel <= 0
        else [(0.0, bevel), (bevel, 0.0), (height - bevel, 0.0), (height, bevel)]
    )
    rings = np.stack([np.column_stack([_inset(outline, by), np.full(len(outline), z)]) for z, by in layers])
    n = len(outline)
    skin = loft(rings)
    sides = skin.faces[: 2 * n * (len(layers) - 1)]
    lid = triangulate(rings[-1][:, :2])
    caps = [lid[:, ::-1], lid + n * (len(layers) - 1)]
    return Mesh(skin.vertices[: n * len(layers)], np.concatenate([sides, *caps]).astype(np.int32))


def _inset(outline: Floats, by: float) -> Floats:
    """Return a counter-clockwise polygon moved inward by about ``by`` at each corner (mitre held to twice)."""
    edge = np.roll(outline, -1, axis=0) - outline
    normal = np.stack([-edge[:, 1], edge[:, 0]], -1) / np.maximum(np.linalg.norm(edge, axis=1, keepdims=True), 1e-12)
    mitre = normal + np.roll(normal, 1, axis=0)
    return outline + by * mitre / np.maximum((mitre**2).sum(1, keepdims=True) / 2, 0.5)


@njit(cache=True, nogil=True)
def triangulate(outline):  # (K, 2) f64 -> (K - 2, 3) i32
    """Cut a simple counter-clockwise polygon (K, 2) into K - 2 triangles by clipping ears (Meisters 1975)."""
    n = outline.shape[0]
    left = list(range(n))
    faces = np.zeros((max(n - 2, 0), 3), np.int32)
    count, guard = 0, 0
    while len(left) > 3 and guard < 4 * n * n:
        found = False
        for i in range(len(left)):
            a, b, c = left[i - 1], left[i], left[(i + 1) % len(left)]
            ax, ay, bx, by, cx, cy = (
                outline[a, 0],
                outline[a, 1],
                outline[b, 0],
                outline[b, 1],
                outline[c, 0],
                outline[c, 1],
            )
            guard += 1
            if (bx - ax) * (cy - ay) - (by - ay) * (cx - ax) <= 1e-14:
                continue
            is_ear = True
            for p in left:
                if p in (a, b, c):
                    continue
                px, py = outline[p, 0], outline[p, 1]
                if (
                    (bx - ax) * (py - ay) - (by - ay) * (px - ax) > -1e-14
                    and (cx - bx) * (py - by) - (cy - by) * (px - bx) > -1e-14
                    and (ax - cx) * (py - cy) - (ay - cy) * (px - cx) > -1e-14
                ):
                    is_ear = False
                    break
            if is_ear:
                faces[count, 0], faces[count, 1], faces[count, 2] = a, b, c
                count += 1
                left.pop(i)
                found = True
                break
        if not found:
            left.pop(0)  # a degenerate corner: drop it
    if len(left) == 3:
        faces[count, 0], faces[count, 1], faces[count, 2] = left[0], left[1], left[2]
        count += 1
    return faces[:count]


def sheet(grid: Floats, thickness: float) -> Mesh:
    """Thicken a (M, N, 3) grid of points into a closed slab: a leaf, an ear, a sail."""
    du, dv = np.gradient(grid, axis=0), np.gradient(grid, axis=1)
    normal = np.cross(dv, du)
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-12)
    front, back = grid + normal * thickness / 2, grid - normal * thickness / 2
    rings = np.concatenate([front, back[:, ::-1]], axis=1)
    return loft(rings)


def ring_of(mesh: Mesh, count: int, radius: float = 0.0, start_deg: float = 0.0) -> Mesh:
    """Return ``count`` copies of a mesh set around the z axis, each first moved ``radius`` along x."""
    moved = mesh.at(radius)
    return joined(*(moved.turned("z", start_deg + 360.0 * k / count) for k in range(count)))


def disc_outline(radius: float, n: int = 24, *, x: float = 0.0, y: float = 0.0) -> Floats:
    """Return a circle as a counter-clockwise polygon (n, 2)."""
    angle = 2 * np.pi * np.arange(n) / n
    return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], -1)


def star_outline(outer: float, inner: float, tips: int = 5) -> Floats:
    """Return a star polygon (2 * tips, 2) with its first tip along +y."""
    angle = np.pi / 2 + np.pi * np.arange(2 * tips) / tips
    radius = np.where(np.arange(2 * tips) % 2 == 0, outer, inner)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1)
