"""A scene for the browser: 32 bytes a Gaussian, read by assets/views/gaussians_gpu.js straight into textures.

A file is a header of 32 bytes, N rows of 32 bytes, and 3 (K - 1) bytes a Gaussian for the higher harmonics. Numbers
are little endian. Rows stand in order of visibility, so that any first part of them is the same scene with less detail;
values that belong to Gaussians (heat, a selection) go to the page in the same order.

| bytes | field | step |
|---|---|---|
| 12 | centre x, y, z, float32 | exact |
| 6 | base colour R, G, B = 1/2 + C0 sh_0, float16 | 1/2048 of its size |
| 2 | opacity, 0 to 65,535 | 1.5e-5 |
| 6 | logarithms of the three standard deviations, -16 to 8 | 0.04 % of the deviation |
| 6 | quaternion, smallest three of 15 bits; the top bits of the first two tell which one is left out | 4e-5 |

A harmonic is one signed byte; 127 stands for the greatest of the scene, which the header holds.
"""

from __future__ import annotations

import base64
import struct
import zlib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from demos.gaussians.colour import rgb_from_dc
from demos.gaussians.rotations import smallest_three
from demos.gaussians.scene import BANDS, Floats, GaussianScene

MAGIC: Final = b"GSV1"
HEADER: Final = struct.Struct("<4sIIf16x")  # magic, Gaussians, degree of the harmonics, what a band's 127 stands for
ROW: Final = np.dtype(
    [("mean", "<f4", 3), ("rgb", "<f2", 3), ("opacity", "<u2"), ("log_scale", "<u2", 3), ("turn", "<u2", 3)]
)
LEAST_LOG_SCALE: Final = -16.0
LOG_SCALE_STEP: Final = 24.0 / 65_535
MAX_SHOWN: Final = 1_000_000  # of more, the most visible go to the page
MAX_BAND_BYTES: Final = 24_000_000  # higher harmonics beyond this stay behind, the highest degree first
_MAX_HALF = 60_000.0
_OPACITY_STEPS, _TURN_STEPS = 65_535, 32_767

Rows = NDArray[np.void]


@dataclass(frozen=True, eq=False)
class Packed:
    """A scene as the page has it.

    Attributes:
        rows: (M,) of ``ROW``.
        bands: (M, K - 1, 3) int8, the higher harmonics.
        band_range: What 127 stands for.
        order: (M,) int64, row of the scene for each row of the file; M is below the scene's N only beyond MAX_SHOWN.
    """

    rows: Rows
    bands: NDArray[np.int8]
    band_range: float
    order: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def degree(self) -> int:
        """Degree of the harmonics that the page has, 0 to 3."""
        return BANDS.index(self.bands.shape[1] + 1)

    def to_bytes(self) -> bytes:
        """The file."""
        head = HEADER.pack(MAGIC, len(self), self.degree, self.band_range)
        return head + self.rows.tobytes() + self.bands.tobytes()


def pack(scene: GaussianScene) -> Packed:
    """Pack a scene, the most visible Gaussians first."""
    order = _by_visibility(scene)[:MAX_SHOWN]
    bands = scene.sh.shape[1]
    while bands > 1 and 3 * (bands - 1) * len(order) > MAX_BAND_BYTES:
        bands = BANDS[BANDS.index(bands) - 1]
    higher = scene.sh[:, 1:bands]
    band_range = float(np.abs(higher).max(initial=0)) or 1.0
    return _packed(scene, order, bands, band_range)


def repacked(before: Packed, scene: GaussianScene) -> Packed:
    """The same Gaussians after an edit that kept their number, in the same order and by the same steps."""
    return _packed(scene, before.order, before.bands.shape[1] + 1, before.band_range)


def changed(before: Packed, after: Packed) -> NDArray[np.intp]:
    """Rows of the file that differ between two packings of one order, (M',)."""
    here, there = (rows.view(np.uint32).reshape(len(rows), -1) for rows in (before.rows, after.rows))
    is_other = (here != there).any(1) | (before.bands != after.bands).any((1, 2))
    return np.flatnonzero(is_other)


def patch(before: Packed, after: Packed) -> dict[str, Any]:
    """What the page must overwrite to get from one packing to the other, as plain JSON."""
    at = changed(before, after)
    return {
        "count": len(at),
        "at": _text(at.astype("<u4").tobytes()),
        "rows": _text(after.rows[at].tobytes()),
        "bands": _text(after.bands[at].tobytes()),
    }


def layer(values: NDArray[Any], packed: Packed) -> str:
    """One value in [0, 1] for each Gaussian of the scene (N,) -> 256 steps in the file's order, zlib, base64."""
    steps = np.rint(np.clip(np.nan_to_num(values), 0.0, 1.0) * 255).astype(np.uint8)
    return _text(steps[packed.order].tobytes())


def ids_layer(ids: NDArray[np.integer[Any]], packed: Packed) -> str:
    """Small ids of Gaussians (N,), -1 for none -> id + 1 as uint16 in the file's order, zlib, base64."""
    shown = np.clip(np.asarray(ids, np.int64) + 1, 0, 65_535).astype("<u2")
    return _text(shown[packed.order].tobytes())


def _by_visibility(scene: GaussianScene) -> NDArray[np.int64]:
    """Rows of the scene by opacity times greatest cross-section, the greatest first; equal ones as they stand."""
    log_area = scene.log_scales.sum(1, dtype=np.float64) - scene.log_scales.min(1, initial=np.inf)
    log_opacity = -np.logaddexp(0.0, -scene.opacity_logits.astype(np.float64))
    return np.argsort(-(log_area + log_opacity), kind="stable")


def _packed(scene: GaussianScene, order: NDArray[np.int64], bands: int, band_range: float) -> Packed:
    scene = scene.take(order)
    rows = np.empty(len(scene), ROW)
    rows["mean"] = scene.means_xyz
    rows["rgb"] = np.clip(rgb_from_dc(scene.sh[:, 0]), -_MAX_HALF, _MAX_HALF)
    rows["opacity"] = np.rint(scene.opacities * np.float32(_OPACITY_STEPS))
    steps = np.rint((scene.log_scales.astype(np.float64) - LEAST_LOG_SCALE) / LOG_SCALE_STEP)
    rows["log_scale"] = np.clip(steps, 0, 65_535)
    greatest, three = smallest_three(scene.quats_wxyz)
    turn = np.clip(np.rint((three * np.float32(2**0.5) + 1) / 2 * _TURN_STEPS), 0, _TURN_STEPS).astype(np.uint16)
    turn[:, 0] |= ((greatest & 1) << 15).astype(np.uint16)
    turn[:, 1] |= ((greatest >> 1) << 15).astype(np.uint16)
    rows["turn"] = turn
    higher = np.clip(np.rint(_bands_of(scene.sh, bands) * (127 / band_range)), -127, 127).astype(np.int8)
    return Packed(rows, higher, band_range, order)


def _bands_of(sh: Floats, bands: int) -> Floats:
    """The higher harmonics (N, bands - 1, 3); zeros where an edit has left fewer."""
    higher = np.zeros((len(sh), bands - 1, 3), np.float32)
    kept = min(bands, sh.shape[1])
    higher[:, : kept - 1] = sh[:, 1:kept]
    return higher


def _text(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 6)).decode()
