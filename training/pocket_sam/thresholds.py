"""Choose when an automatic mask is good enough: the thresholds that make most of held-out scenes kept for this.

F1 counts an object as found if a mask overlaps it by half, and a mask as right if it overlaps any object, or any
part of one by half. Recall weighs more (F2): the tab can merge and hide masks, but not invent them.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.sam_masks import box_survivors
from training.pocket_sam import held_out
from training.pocket_sam.measures import overlap_table

PRED_IOU = (0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85)
STABILITY = (0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9)
NMS_IOU = (0.5, 0.6, 0.7, 0.8)
BETA = 2.0
RECALLED = 0.5


def f_score(table: NDArray[np.floating], kept: NDArray[np.int64]) -> tuple[int, int, int, int]:
    """Objects found, objects, masks right, masks: of overlaps (N, M) with the rows ``kept``."""
    chosen = table[kept]
    found = int((chosen.max(0) >= RECALLED).sum()) if len(kept) else 0
    return found, table.shape[1], int((chosen.max(1) >= RECALLED).sum()) if len(kept) else 0, len(kept)


def fit(folder: Path, data: Path) -> dict[str, float]:
    """``pred_iou``, ``stability`` and ``nms_iou`` of the best F2 over the fitting scenes."""
    from training.pocket_sam.scores import LOOSE, open_folder

    sam = open_folder(folder)
    totals = {key: np.zeros(4) for key in product(PRED_IOU, STABILITY, NMS_IOU)}
    for picture in held_out.scenes(data, is_for_fit=True):
        found = sam.automatic(picture.rgb, LOOSE)
        table = overlap_table(found.full(), picture.truth)
        for pred_iou, stability in product(PRED_IOU, STABILITY):
            rows = np.nonzero((found.predicted_iou > pred_iou) & (found.stability >= stability))[0]
            for nms_iou in NMS_IOU:
                kept = rows[box_survivors(found.box_xyxy[rows], found.predicted_iou[rows], nms_iou)]
                totals[pred_iou, stability, nms_iou] += f_score(table, kept)

    def value(counts: NDArray[np.floating]) -> float:
        recall, precision = counts[0] / max(counts[1], 1), counts[2] / max(counts[3], 1)
        return float((1 + BETA**2) * recall * precision / max(recall + BETA**2 * precision, 1e-9))

    best = max(totals, key=lambda key: value(totals[key]))
    return dict(zip(("pred_iou", "stability", "nms_iou"), best, strict=True))
