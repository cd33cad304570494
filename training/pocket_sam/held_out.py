"""What pocket-sam is measured on: Toybox scenes from azimuths, pictures and colours never trained, BSDS500 val photos.

The first ``SCORED`` held-out scenes are for scores; the last ``FITTED`` of them choose thresholds. BSDS test photos are
opened by nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SCORED, FITTED = 60, 30
LEAST_PX = 64  # an object that shows fewer pixels (of 192 x 192, 0.17 %) is not asked for
LEAST_PART_PX = 24
BSDS_SPLIT = "val"


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture with its truth.

    Attributes:
        rgb: (H, W, 3) uint8.
        truth: Toybox: (M, H, W) bool, the objects that show; BSDS: (annotators, H, W) int, region ids.
        others: Toybox: (K, H, W) bool, parts and the ground, which a mask may mean as well.
    """

    rgb: NDArray[np.uint8]
    truth: NDArray[np.generic]
    others: NDArray[np.bool_] | None = None


def shards(data: Path) -> list[Path]:
    """Held-out scene shards in DATA, in DATA/toys or beside DATA.

    Raises:
        FileNotFoundError: there are none.
    """
    for folder in (data, data / "toys", data.parent / "toys"):
        found = [path for path in sorted(folder.glob("toybox_scene6_held_out_*.npz")) if ".tmp" not in path.name]
        if found:
            return found
    raise FileNotFoundError(
        f"no toybox_scene6_held_out_*.npz in or beside {data}: "
        "python -m training.toybox render --split held_out --n 300 --objects 6 --side 192 --out DATA/toys"
    )


def objects_of(instances: NDArray[np.integer], least_px: int = LEAST_PX) -> NDArray[np.bool_]:
    """The ids but 0 that show at least ``least_px`` pixels: (M, H, W) bool."""
    numbers, sizes = np.unique(instances, return_counts=True)
    return np.array([instances == k for k, size in zip(numbers, sizes, strict=True) if k and size >= least_px], bool)


def scenes(data: Path, *, is_for_fit: bool = False, most: int | None = None) -> list[Picture]:
    """Held-out scenes for scores (from the front) or for thresholds (from the back)."""
    with np.load(shards(data)[0]) as shard:
        rgb, instances, parts = shard["rgb"], shard["instances"], shard["parts"]
    rows = range(len(rgb))[-FITTED:] if is_for_fit else range(min(SCORED, len(rgb) - FITTED))
    found = []
    for row in rows[:most]:
        others = [*objects_of(parts[row], LEAST_PART_PX), instances[row] == 0]
        found.append(Picture(rgb[row], objects_of(instances[row]), np.array(others)))
    return [picture for picture in found if len(picture.truth)]


def bsds(raw: Path, *, split: str = BSDS_SPLIT, most: int | None = None) -> list[Picture]:
    """BSDS500 photos with all annotators' regions."""
    from scipy.io import loadmat

    folder, found = raw / "bsds", []
    for path in sorted((folder / "images" / split).glob("*.jpg"))[:most]:
        truth = loadmat(folder / "groundTruth" / split / f"{path.stem}.mat")["groundTruth"][0]
        regions = np.stack([entry["Segmentation"][0, 0].astype(np.int32) for entry in truth])
        found.append(Picture(np.asarray(Image.open(path).convert("RGB")), regions))
    return found
