"""Compressed .ply of PlayCanvas and SuperSplat: 16 bytes a Gaussian, and one byte a coefficient of its harmonics.

Element ``chunk``: 256 Gaussians share the bounds (min, max) of position, log-scale and, in newer files, colour.
Element ``vertex``: position and log-scale in 11 + 10 + 11 bits between the bounds, colour and opacity in 8 bits each,
rotation as the smallest three of (w, x, y, z) in 10 bits after 2 bits for the place of the greatest. Optional element
``sh``: one byte v per coefficient, (v + 1/2) / 256 of the range -4 to 4; 0 and 255 are the ends themselves.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from demos.gaussians.colour import dc_from_rgb, rgb_from_dc
from demos.gaussians.formats.blob import Blob
from demos.gaussians.formats.ply_table import Table
from demos.gaussians.formats.result import ReadScene, check_count, finished, logits_of_bytes, rows_in_budget
from demos.gaussians.rotations import from_smallest_three, smallest_three
from demos.gaussians.scene import Floats, GaussianScene

CHUNK = 256
_PACKED = ("packed_position", "packed_rotation", "packed_scale", "packed_color")
_BOUNDS = {
    "position": ("min_x", "min_y", "min_z", "max_x", "max_y", "max_z"),
    "scale": ("min_scale_x", "min_scale_y", "min_scale_z", "max_scale_x", "max_scale_y", "max_scale_z"),
    "colour": ("min_r", "min_g", "min_b", "max_r", "max_g", "max_b"),
}
_SH_COUNTS = (9, 24, 45)
_SH_RANGE = 8.0
_MAX_LOG_SCALE = 20.0  # bounds are clamped to it, as SuperSplat does


def is_compressed(tables: Mapping[str, Table]) -> bool:
    """Whether the tables of a .ply are packed."""
    return "vertex" in tables and tables["vertex"].has(_PACKED)


def decode(tables: Mapping[str, Table], blob: Blob, *, budget: int) -> ReadScene:
    """Unpack the Gaussians.

    Raises:
        InputError: the chunks do not fit the Gaussians, or bounds are missing.
    """
    vertex, chunk = tables["vertex"], tables.get("chunk")
    check_count(len(vertex), blob.shown)
    if chunk is None or not chunk.has((*_BOUNDS["position"], *_BOUNDS["scale"])):
        raise InputError(f"{blob.shown} is damaged: its packed Gaussians have no bounds (element “chunk”).")
    if len(chunk) * CHUNK < len(vertex):
        raise InputError(f"{blob.shown} is damaged: {len(chunk):,} chunks are too few for {len(vertex):,} Gaussians.")
    notes: list[str] = []
    everything = np.arange(len(vertex))
    log_scales = _between(chunk, "scale", _unpack_11_10_11(vertex.integers("packed_scale")), everything)
    rgba = _unpack_8888(vertex.integers("packed_color"))
    logits = logits_of_bytes(vertex.integers("packed_color").astype(np.uint8))
    rows = everything[rows_in_budget(logits, log_scales, budget, notes)]
    has_bounds = chunk.has(_BOUNDS["colour"])
    rgb = _between(chunk, "colour", rgba[rows, :3], rows) if has_bounds else rgba[rows, :3]
    with np.errstate(over="ignore"):  # what overflows is left out with its row
        dc = dc_from_rgb(rgb)
    scene = GaussianScene(
        _between(chunk, "position", _unpack_11_10_11(vertex.integers("packed_position", rows)), rows),
        log_scales[rows],
        _unpack_rotation(vertex.integers("packed_rotation", rows)),
        logits[rows],
        np.concatenate([dc[:, None], _bands(tables.get("sh"), rows, len(vertex), notes)], 1),
    )
    return finished(scene, notes, shown=blob.shown, kind="compressed .ply")


def write_compressed_ply(scene: GaussianScene) -> bytes:
    """The scene as SuperSplat packs it, with its harmonics, in the order of a space-filling curve.

    Bounds are tight only among neighbours, so the order matters: within a chunk of 256 a position keeps 1/2047 of
    the chunk's size.
    """
    scene = scene.take(_morton_order(scene.means_xyz))
    bounds, packed = [], []
    for name, values, bits in (
        ("position", scene.means_xyz, (11, 10, 11)),
        ("scale", np.clip(scene.log_scales, -_MAX_LOG_SCALE, _MAX_LOG_SCALE), (11, 10, 11)),
        ("colour", rgb_from_dc(scene.sh[:, 0]), (8, 8, 8)),
    ):
        low, high = _chunk_bounds(values)
        bounds.append(np.concatenate([low, high], 1))
        of_row = np.arange(len(scene)) // CHUNK
        span = np.maximum(high - low, 1e-5)[of_row]
        packed.append(_pack((values - low[of_row]) / span, bits))
        assert len(_BOUNDS[name]) == bounds[-1].shape[1]
    opacity = _pack(scene.opacities[:, None], (8,))
    vertex = np.stack([packed[0], _pack_rotation(scene.quats_wxyz), packed[1], packed[2] << 8 | opacity], 1)
    rest = scene.sh[:, 1:].transpose(0, 2, 1).reshape(len(scene), 3 * (scene.sh.shape[1] - 1))
    lines = ["ply", "format binary_little_endian 1.0", f"element chunk {len(bounds[0])}"]
    lines += [f"property float {name}" for names in _BOUNDS.values() for name in names]
    lines += [f"element vertex {len(scene)}", *(f"property uint {name}" for name in _PACKED)]
    if rest.shape[1]:
        lines += [f"element sh {len(scene)}", *(f"property uchar f_rest_{i}" for i in range(rest.shape[1]))]
    body = [np.concatenate(bounds, 1).astype("<f4"), vertex.astype("<u4")]
    body.append(np.clip((rest / _SH_RANGE + 0.5) * 256, 0, 255).astype(np.uint8))
    return "\n".join([*lines, "end_header", ""]).encode() + b"".join(block.tobytes() for block in body)


def _between(chunk: Table, name: str, shares: Floats, rows: NDArray[np.intp]) -> Floats:
    """Values (n, 3) at their shares (n, 3) of the way between the bounds of their chunks."""
    bounds = chunk.floats(_BOUNDS[name])[rows // CHUNK]
    with np.errstate(over="ignore", invalid="ignore"):
        return bounds[:, :3] * (1 - shares) + bounds[:, 3:] * shares


def _unpack_11_10_11(packed: NDArray[np.uint32]) -> Floats:
    parts = (
        (packed >> 21) / np.float32(2047),
        (packed >> 11 & 1023) / np.float32(1023),
        (packed & 2047) / np.float32(2047),
    )
    return np.stack(parts, 1).astype(np.float32)


def _unpack_8888(packed: NDArray[np.uint32]) -> Floats:
    return np.stack([packed >> shift & 255 for shift in (24, 16, 8, 0)], 1).astype(np.float32) / np.float32(255)


def _unpack_rotation(packed: NDArray[np.uint32]) -> Floats:
    shares = np.stack([packed >> shift & 1023 for shift in (20, 10, 0)], 1).astype(np.float32) / np.float32(1023)
    return from_smallest_three((packed >> 30).astype(np.intp), (shares - np.float32(0.5)) * np.float32(2**0.5))


def _bands(table: Table | None, rows: NDArray[np.intp], count: int, notes: list[str]) -> Floats:
    """Harmonics (n, K - 1, 3) without the constant band; K is 1 where there are none that fit."""
    names = [] if table is None else [name for name, _ in table.element.properties]
    expected = [f"f_rest_{i}" for i in range(len(names))]
    if table is None or not names:
        return np.empty((len(rows), 0, 3), np.float32)
    if len(names) not in _SH_COUNTS or set(names) != set(expected) or len(table) != count:
        notes.append("Its spherical harmonics do not fit its Gaussians; only the base colour is used.")
        return np.empty((len(rows), 0, 3), np.float32)
    byte = table.floats(expected, rows)
    share = np.where(byte <= 0, 0, np.where(byte >= 255, 1, (byte + np.float32(0.5)) / np.float32(256)))
    values = ((share - 0.5) * _SH_RANGE).astype(np.float32)
    return values.reshape(len(rows), 3, len(names) // 3).transpose(0, 2, 1)


def _chunk_bounds(values: Floats) -> tuple[Floats, Floats]:
    starts = np.arange(0, len(values), CHUNK)
    return np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)


def _pack(shares: Floats, bits: tuple[int, ...]) -> NDArray[np.uint32]:
    """Shares (n, k) in [0, 1] side by side in one integer, the first in the highest bits."""
    packed = np.zeros(len(shares), np.uint32)
    for column, width in zip(shares.T, bits, strict=True):
        top = (1 << width) - 1
        packed = packed << np.uint32(width) | np.clip(np.floor(column * top + 0.5), 0, top).astype(np.uint32)
    return packed


def _pack_rotation(quats_wxyz: Floats) -> NDArray[np.uint32]:
    greatest, three = smallest_three(quats_wxyz)
    return greatest.astype(np.uint32) << np.uint32(30) | _pack(
        three * np.float32(0.5**0.5) + np.float32(0.5), (10, 10, 10)
    )


def _morton_order(means_xyz: Floats) -> NDArray[np.intp]:
    """Rows along a Z-order curve of 1,024 cells a side."""
    low, high = means_xyz.min(0), means_xyz.max(0)
    cells = ((means_xyz - low) / np.maximum(high - low, 1e-12) * 1023).astype(np.uint32)
    code = np.zeros(len(cells), np.uint32)
    for bit in range(10):
        for axis in range(3):
            code |= (cells[:, axis] >> bit & 1) << np.uint32(3 * bit + axis)
    return np.argsort(code, kind="stable")
