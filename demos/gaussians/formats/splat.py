""".splat of antimatter15's viewer: 32 bytes a Gaussian, no header, no harmonics.

Three float32 position, three float32 standard deviations, four bytes RGBA (base colour, opacity), four bytes rotation
w, x, y, z as q * 128 + 128. Rows come sorted by opacity times volume, so that a half-loaded file shows the gist.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from core.errors import InputError
from demos.gaussians.colour import dc_from_rgb, rgb_from_dc
from demos.gaussians.formats.blob import Blob
from demos.gaussians.formats.result import ReadScene, check_count, finished, logits_of_bytes, rows_in_budget
from demos.gaussians.scene import GaussianScene

ROW: Final = np.dtype([("mean", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("rotation", "u1", 4)])
_MAX_PLAUSIBLE = 1e6  # world units; random bytes read as float32 exceed it two times in five


def read_splat(blob: Blob, *, budget: int) -> ReadScene:
    """Read a .splat.

    Raises:
        InputError: the size is no multiple of 32 bytes, or the bytes cannot be Gaussians.
    """
    count, rest = divmod(len(blob), ROW.itemsize)
    if rest:
        raise InputError(
            f"{blob.shown} has {len(blob):,} bytes, no multiple of {ROW.itemsize}: no .splat, or cut short."
        )
    check_count(count, blob.shown)
    rows = np.ndarray(count, ROW, buffer=blob.data.data)
    with np.errstate(invalid="ignore"):
        is_plausible = (np.abs(rows["mean"]) < _MAX_PLAUSIBLE).all(1) & (rows["scale"] >= 0).all(1)
    if is_plausible.mean() < 0.5:
        raise InputError(f"{blob.shown} is no .splat: most of its rows have no position or a negative size.")
    notes: list[str] = []
    with np.errstate(divide="ignore", invalid="ignore"):  # the log of 0 is flat, that of a negative size NaN: dropped
        log_scales = np.log(rows["scale"])
    kept = rows_in_budget(logits_of_bytes(rows["rgba"][:, 3]), log_scales, budget, notes)
    rows = rows[kept]
    scene = GaussianScene(
        np.array(rows["mean"], np.float32),
        np.array(log_scales[kept], np.float32),
        rows["rotation"].astype(np.float32) * np.float32(1 / 128) - np.float32(1),
        logits_of_bytes(rows["rgba"][:, 3]),
        dc_from_rgb(rows["rgba"][:, :3].astype(np.float32) / 255)[:, None],
    )
    return finished(scene, notes, shown=blob.shown, kind=".splat")


def write_splat(scene: GaussianScene) -> bytes:
    """The scene as .splat, the most visible Gaussians first; higher bands of harmonics are lost."""
    visible = scene.log_scales.sum(1, dtype=np.float64) - np.logaddexp(0.0, -scene.opacity_logits.astype(np.float64))
    scene = scene.take(np.argsort(-visible, kind="stable"))
    rows = np.empty(len(scene), ROW)
    rows["mean"], rows["scale"] = scene.means_xyz, scene.scales
    rows["rgba"][:, :3] = np.clip(np.rint(rgb_from_dc(scene.sh[:, 0]) * 255), 0, 255)
    rows["rgba"][:, 3] = np.rint(scene.opacities * 255)
    rows["rotation"] = np.clip(np.rint(scene.quats_wxyz * 128 + 128), 0, 255)
    return rows.tobytes()
