"""Gaussians as .ply: what 3D Gaussian Splatting writes and what its successors made of it.

Read by property name, in any order and type, binary of either byte order or text: the authors' files (62 floats a
row), gsplat's (no normals), nerfstudio's (RGB instead of SH if so trained, z up), 2DGS (two scales), fewer or no bands
of spherical harmonics. ``f_rest`` is channel-major: all of R, then G, then B.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from demos.gaussians.colour import dc_from_rgb
from demos.gaussians.formats import compressed_ply
from demos.gaussians.formats.blob import Blob
from demos.gaussians.formats.ply_table import Header, Table, read_header, read_tables
from demos.gaussians.formats.result import (
    UP_IS_MINUS_Y,
    UP_IS_Z,
    ReadScene,
    check_count,
    finished,
    rows_in_budget,
)
from demos.gaussians.scene import BANDS, Floats, GaussianScene

_XYZ = ("x", "y", "z")
_SCALES = ("scale_0", "scale_1", "scale_2")
_ROTATION = ("rot_0", "rot_1", "rot_2", "rot_3")
_DC = ("f_dc_0", "f_dc_1", "f_dc_2")
_RGB = ("red", "green", "blue")
_NEEDED = (*_XYZ, *_SCALES[:2], *_ROTATION, "opacity")
_FLAT_LOG_SCALE = -20.0  # 2DGS has no thickness; 2e-9 world units
_REST: Final = {3 * (bands - 1): degree for degree, bands in enumerate((*BANDS, 25))}  # degree 4 is cut down to 3
_SAMPLED_ROWS = 1_000
_PLAUSIBLE = 1e6  # coordinates, logits and log-scales of real files stay far below, swapped bytes do not


def read_ply(blob: Blob, *, budget: int) -> ReadScene:
    """Read a .ply with Gaussians, compressed or not.

    Args:
        blob: The file.
        budget: Most Gaussians to keep.

    Raises:
        InputError: damaged, cut short, a mesh or a point cloud, empty, too large.
    """
    header = read_header(blob)
    tables = read_tables(blob, header, ("chunk", "vertex", "sh"))
    if compressed_ply.is_compressed(tables):
        return compressed_ply.decode(tables, blob, budget=budget)
    if "vertex" not in tables:
        raise InputError(f"{blob.shown} holds no element “vertex”, so no Gaussians.")
    return _decode(tables["vertex"], header, blob, budget=budget)


def write_ply(scene: GaussianScene, *, with_ids: bool = False) -> bytes:
    """The scene as the authors of 3D Gaussian Splatting write it: binary, little-endian, 14 + 3K + 3 floats a row.

    Args:
        scene: The Gaussians.
        with_ids: Append an integer property ``id_LEVEL`` for every level of the scene's language ids.
    """
    rest = [f"f_rest_{i}" for i in range(3 * (scene.sh.shape[1] - 1))]
    names = (*_XYZ, "nx", "ny", "nz", *_DC, *rest, "opacity", *_SCALES, *_ROTATION)
    blocks: list[Floats] = [
        scene.means_xyz,
        np.zeros_like(scene.means_xyz),
        scene.sh[:, 0],
        scene.sh[:, 1:].transpose(0, 2, 1).reshape(len(scene), len(rest)),
        scene.opacity_logits[:, None],
        scene.log_scales,
        scene.quats_wxyz,
    ]
    rows = np.concatenate(blocks, 1).astype("<f4", copy=False)
    types = ["float"] * len(names)
    if with_ids and scene.language is not None and scene.language.ids is not None:
        # Same width as a float, so the bits travel in the same table.
        ids = np.ascontiguousarray(scene.language.ids, "<i4").view("<f4")
        rows = np.concatenate([rows, ids], 1)
        names = (*names, *(f"id_{level}" for level in scene.language.levels))
        types += ["int"] * len(scene.language.levels)
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {len(scene)}"]
    lines += [f"property {kind} {name}" for kind, name in zip(types, names, strict=True)]
    return "\n".join([*lines, "end_header", ""]).encode() + rows.tobytes()


def _decode(table: Table, header: Header, blob: Blob, *, budget: int) -> ReadScene:
    missing = [name for name in _NEEDED if not table.has([name])]
    if missing:
        what = "a point cloud" if table.has(_XYZ) else "something else"
        raise InputError(f"{blob.shown} is {what}, no Gaussian splat: it has no property {', '.join(missing)}.")
    check_count(len(table), blob.shown)
    notes: list[str] = []
    if header.end and not _is_plausible(table) and _is_plausible(table.swapped()):
        table = table.swapped()
        notes.append("Its header names the wrong byte order; it was read in the other one.")
    log_scales = _log_scales(table, slice(None))
    logits = table.floats(["opacity"])[:, 0]
    rows = rows_in_budget(logits, log_scales, budget, notes)
    scene = GaussianScene(
        table.floats(_XYZ, rows),
        log_scales[rows],
        table.floats(_ROTATION, rows),
        logits[rows],
        _harmonics(table, rows, notes),
    )
    is_z_up = any(comment.lower() == "vertical axis: z" for comment in header.comments)
    kind = ("2DGS" if not table.has(_SCALES) else "3DGS") + (" .ply" if header.end else " text .ply")
    up = UP_IS_Z if is_z_up else UP_IS_MINUS_Y
    return finished(scene, notes, shown=blob.shown, kind=kind, up_xyz=up)


def _log_scales(table: Table, rows: slice) -> Floats:
    if table.has(_SCALES):
        return table.floats(_SCALES, rows)
    pair = table.floats(_SCALES[:2], rows)
    return np.concatenate([pair, np.full((len(pair), 1), _FLAT_LOG_SCALE, np.float32)], 1)


def _harmonics(table: Table, rows: NDArray[np.intp] | slice, notes: list[str]) -> Floats:
    """The (n, K, 3) coefficients, from whatever colour the file has."""
    if not table.has(_DC):
        return _plain_colour(table, rows, notes)[:, None]
    count = 0
    while table.has([f"f_rest_{count}"]):
        count += 1
    degree = _REST.get(count)
    if degree is None:
        notes.append(f"Its {count} values “f_rest” fit no degree of spherical harmonics; only the base colour is used.")
        degree = count = 0
    dc = table.floats(_DC, rows)[:, None]
    if degree == 0:
        return dc
    if degree >= len(BANDS):
        notes.append(f"Its spherical harmonics of degree {degree} were cut down to degree {len(BANDS) - 1}.")
    channel_major = table.floats(_rest_names(count), rows).reshape(len(dc), 3, count // 3)
    return np.concatenate([dc, channel_major.transpose(0, 2, 1)[:, : BANDS[-1] - 1]], 1)


def _rest_names(count: int) -> Sequence[str]:
    return [f"f_rest_{i}" for i in range(count)]


def _plain_colour(table: Table, rows: NDArray[np.intp] | slice, notes: list[str]) -> Floats:
    """The constant band (n, 3) of a file without any."""
    if not table.has(_RGB):
        notes.append("It has no colours; every Gaussian is grey.")
        return np.zeros_like(table.floats(_XYZ, rows))
    codes = dict(table.element.properties)
    rgb = table.floats(_RGB, rows)
    with np.errstate(over="ignore"):  # what overflows is left out with its row
        return dc_from_rgb(rgb / 255 if codes["red"] == "u1" else rgb)


def _is_plausible(table: Table) -> bool:
    """Whether half the rows of a sample could be Gaussians: swapped bytes make wild exponents."""
    size = np.abs(table.sample(("x", "scale_0", "scale_1", "opacity", *_ROTATION), _SAMPLED_ROWS))
    # Bytes of a float the wrong way round are mostly tiny or huge: both sides are looked at.
    is_sound = ((size < _PLAUSIBLE) & ((size > 1e-20) | (size == 0))).all(1)
    return bool(is_sound.mean() > 0.5)
