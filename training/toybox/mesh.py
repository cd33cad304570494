"""Triangle meshes in metres, z up, right-handed: the one shape type of Toybox, its moves and its checks.

Faces wind counter-clockwise seen from outside, so ``cross(b - a, c - a)`` points outward. Meshes carry no normals of
their own: ``corner_normals`` makes one normal a corner, smooth over edges flatter than a part's crease angle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
CREASE_DEG = 50.0  # edges sharper than this stay hard; 12-sided tubes (30 deg) look round, boxes (90 deg) do not


@dataclass(frozen=True)
class Mesh:
    """Vertices (V, 3) float64 in metres and faces (F, 3) int32, counter-clockwise from outside."""

    vertices: Floats
    faces: NDArray[np.int32]
    crease_deg: float = CREASE_DEG

    def at(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Mesh:
        """Return the mesh moved by (x, y, z) metres."""
        return replace(self, vertices=self.vertices + np.array((x, y, z)))

    def scaled(self, x: float, y: float | None = None, z: float | None = None) -> Mesh:
        """Return the mesh scaled about the origin (one number scales all axes); a mirrored mesh keeps outward faces."""
        factors = np.array((x, x if y is None else y, x if z is None else z))
        faces = self.faces[:, ::-1] if np.prod(factors) < 0 else self.faces
        return replace(self, vertices=self.vertices * factors, faces=np.ascontiguousarray(faces))

    def turned(self, axis: str, angle_deg: float) -> Mesh:
        """Return the mesh turned about the ``x``, ``y`` or ``z`` axis through the origin, right-hand rule."""
        return replace(self, vertices=self.vertices @ rotation(axis, angle_deg).T)

    def mapped(self, change: Callable[[Floats], Floats]) -> Mesh:
        """Return the mesh with its (V, 3) vertices sent through ``change``; faces stay."""
        return replace(self, vertices=np.asarray(change(self.vertices.copy()), dtype=np.float64))

    def creased(self, crease_deg: float) -> Mesh:
        """Return the mesh with another crease angle: 0 is faceted, 180 smooth all over."""
        return replace(self, crease_deg=crease_deg)


def rotation(axis: str, angle_deg: float) -> Floats:
    """Return the (3, 3) rotation about a coordinate axis, right-hand rule."""
    cosine, sine = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = cosine
    matrix[i, j], matrix[j, i] = -sine, sine
    return matrix


def joined(*meshes: Mesh) -> Mesh:
    """Return one mesh holding all faces of ``meshes``; the crease angle is the first one's."""
    offsets = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes[:-1]])
    faces = [mesh.faces + offset for mesh, offset in zip(meshes, offsets, strict=True)]
    vertices = np.concatenate([mesh.vertices for mesh in meshes])
    return Mesh(vertices, np.concatenate(faces).astype(np.int32), meshes[0].crease_deg)


def split(mesh: Mesh, is_first: NDArray[np.bool_]) -> tuple[Mesh, Mesh]:
    """Return two meshes: the faces where ``is_first`` (F,) holds, and the rest; unused vertices stay."""
    return replace(mesh, faces=mesh.faces[is_first]), replace(mesh, faces=mesh.faces[~is_first])


def signed_volume(mesh: Mesh) -> float:
    """Return the enclosed volume in cubic metres: positive when a closed mesh winds outward (divergence theorem)."""
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)


def is_closed(mesh: Mesh) -> bool:
    """Return whether every edge is met once in each direction, after dropping faces without area."""
    _, index = np.unique(np.round(mesh.vertices, 9), axis=0, return_inverse=True)
    faces = index.reshape(-1)[mesh.faces]
    kept = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    faces = faces[kept]
    edges = np.concatenate([faces[:, (0, 1)], faces[:, (1, 2)], faces[:, (2, 0)]])
    there, count = np.unique(edges, axis=0, return_counts=True)
    back = np.unique(edges[:, ::-1], axis=0)
    return bool((count == 1).all() and there.shape == back.shape and (there == back).all())


@njit(cache=True, nogil=True)
def corner_normals(vertices, faces, crease_cosine):  # (V, 3) f64, (F, 3) i32, (F,) f64 -> (F, 3, 3) f32
    """Return one unit normal per face corner: the area-weighted mean over the faces that meet there within the crease.

    Args:
        vertices: (V, 3) float64.
        faces: (F, 3) int32.
        crease_cosine: (F,) float64, cosine of the crease angle of each face.

    Returns:
        (F, 3, 3) float32: face, corner, xyz.
    """
    n_faces, n_vertices = faces.shape[0], vertices.shape[0]
    area_normal = np.empty((n_faces, 3))
    unit = np.zeros((n_faces, 3))
    start = np.zeros(n_vertices + 1, np.int64)
    for f in range(n_faces):
        a, b, c = vertices[faces[f, 0]], vertices[faces[f, 1]], vertices[faces[f, 2]]
        ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
        vx, vy, vz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        length = np.sqrt(nx * nx + ny * ny + nz * nz)
        area_normal[f, 0], area_normal[f, 1], area_normal[f, 2] = nx, ny, nz
        if length > 1e-18:
            unit[f, 0], unit[f, 1], unit[f, 2] = nx / length, ny / length, nz / length
        for k in range(3):
            start[faces[f, k] + 1] += 1
    for v in range(n_vertices):
        start[v + 1] += start[v]
    fill = start[:-1].copy()
    around = np.empty(3 * n_faces, np.int64)
    for f in range(n_faces):
        for k in range(3):
            around[fill[faces[f, k]]] = f
            fill[faces[f, k]] += 1
    normals = np.empty((n_faces, 3, 3), np.float32)
    for f in range(n_faces):
        for k in range(3):
            sx, sy, sz = 0.0, 0.0, 0.0
            v = faces[f, k]
            for slot in range(start[v], start[v + 1]):
                g = around[slot]
                cosine = unit[f, 0] * unit[g, 0] + unit[f, 1] * unit[g, 1] + unit[f, 2] * unit[g, 2]
                if g == f or cosine >= crease_cosine[f]:
                    sx += area_normal[g, 0]
                    sy += area_normal[g, 1]
                    sz += area_normal[g, 2]
            length = np.sqrt(sx * sx + sy * sy + sz * sz)
            if length < 1e-18:
                sx, sy, sz, length = unit[f, 0], unit[f, 1], unit[f, 2] + 1e-12, 1.0
            normals[f, k, 0], normals[f, k, 1], normals[f, k, 2] = sx / length, sy / length, sz / length
    return normals


def points(rows: Sequence[Sequence[float]]) -> Floats:
    """Return a list of coordinates as a float64 array (N, D)."""
    return np.asarray(rows, dtype=np.float64)
