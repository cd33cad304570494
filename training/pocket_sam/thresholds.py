"""Choose when an automatic mask is good enough: the thresholds that make most of held-out scenes kept for this.

Recall: objects that a mask overlaps by half. Precision: masks that overlap an object, a part or the ground by half.
F3 weighs recall more: the tab can merge and hide masks, but not invent them.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.sam_masks import box_survivors
from training.pocket_sam import held_out
from training.pocket_sam.measures import overlap_table

PRED_IOU = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
STABILITY = (0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9)
NMS_IOU = (0.5, 0.6, 0.7, 0.8)
BETA = 3.0
RECALLED = 0.5


Key = tuple[float, float, float]  # pred_iou, stability, nms_iou


def counted(table: NDArray[np.floating], objects: int, kept: NDArray[np.int64]) -> NDArray[np.floating]:
    """Objects found, objects, masks right, masks; of overlaps (N, objects and others) with the rows ``kept``."""
    hits = table[kept] >= RECALLED
    return np.array([hits[:, :objects].any(0).sum(), objects, hits.any(1).sum(), len(kept)], float)


def f_score(counts: NDArray[np.floating]) -> float:
    """F of recall and precision with weight BETA; 0 where nothing was found."""
    recall, precision = counts[0] / max(counts[1], 1), counts[2] / max(counts[3], 1)
    return float((1 + BETA**2) * recall * precision / max(recall + BETA**2 * precision, 1e-9))


def measure(folder: Path, data: Path, most: int | None = None) -> dict[Key, NDArray[np.floating]]:
    """What every combination of thresholds finds in the fitting scenes, as :func:`counted` says, summed."""
    from training.pocket_sam.scores import LOOSE, open_folder

    sam = open_folder(folder)
    totals = {key: np.zeros(4) for key in product(PRED_IOU, STABILITY, NMS_IOU)}
    for picture in held_out.scenes(data, is_for_fit=True, most=most):
        found = sam.automatic(picture.rgb, LOOSE)
        table = overlap_table(found.full(), np.concatenate([picture.truth, picture.others]))
        for pred_iou, stability in product(PRED_IOU, STABILITY):
            rows = np.nonzero((found.predicted_iou > pred_iou) & (found.stability >= stability))[0]
            for nms_iou in NMS_IOU:
                kept = rows[box_survivors(found.box_xyxy[rows], found.predicted_iou[rows], nms_iou)]
                totals[pred_iou, stability, nms_iou] += counted(table, len(picture.truth), kept)
    return totals


def fit(folder: Path, data: Path) -> dict[str, float]:
    """``pred_iou``, ``stability`` and ``nms_iou`` of the best F3 over the fitting scenes."""
    totals = measure(folder, data)
    best = max(totals, key=lambda key: f_score(totals[key]))
    return dict(zip(("pred_iou", "stability", "nms_iou"), best, strict=True))
