"""The plain pipeline: stock segment_anything's automatic masks, then one CLIP forward pass for each mask's cut-out.

Same weights, thresholds, grid, words and cut-outs as ours; what differs is how they are computed. Nothing is kept
between pictures on either side.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.clip import ClipEncoder
from core.sam_automatic import POINTS_PER_SIDE, Thresholds
from demos.segmentation.crops import cut_out, kinds_of
from demos.segmentation.options import SegmentOptions
from demos.segmentation.regions import box_of
from demos.segmentation.scores import scores
from demos.segmentation.words import Words

LEAST_PX = 16  # as ours


@dataclass
class Plain:
    """Stock generator and one encoder.

    Attributes:
        sam: segment_anything's ``Sam``.
        thresholds: Of its masks.
        encoder: Names the cut-outs, one at a time.
        seconds: Wall time of each stage so far.
    """

    sam: Any
    thresholds: Thresholds
    encoder: ClipEncoder
    seconds: dict[str, float] = field(default_factory=dict)

    def masks(self, rgb: NDArray[np.uint8]) -> list[dict[str, Any]]:
        """The stock generator's masks."""
        from segment_anything import SamAutomaticMaskGenerator

        begin_s = time.perf_counter()
        generator = SamAutomaticMaskGenerator(
            self.sam,
            points_per_side=POINTS_PER_SIDE,
            pred_iou_thresh=self.thresholds.pred_iou,
            stability_score_thresh=self.thresholds.stability,
            box_nms_thresh=self.thresholds.nms_iou,
        )
        found = [mask for mask in generator.generate(rgb) if mask["area"] >= LEAST_PX]
        self._note("masks", begin_s)
        return found

    def label_map(self, rgb: NDArray[np.uint8], found: Sequence[dict[str, Any]], words: Words) -> NDArray[np.intp]:
        """Name every mask by its cut-out and paint them, the surest last; (H, W), 0 = other."""
        begin_s = time.perf_counter()
        vectors = []
        for mask in found:
            rows, columns = box_of(mask["segmentation"])
            inside = mask["segmentation"][rows, columns]
            picture = cut_out(rgb, inside, (columns.start, rows.start), kinds_of(SegmentOptions().crops)[0])
            self.encoder.cache.clear()  # a plain pipeline keeps nothing
            vectors.append(self.encoder.encode_images([picture])[0])
        self._note("crops", begin_s)
        begin_s = time.perf_counter()
        out = np.zeros(rgb.shape[:2], np.intp)
        if vectors:
            rows_nd = np.stack(vectors)
            named = scores(words.cosines(rows_nd), words.negative_cosines(rows_nd), words.head)
            everything = np.concatenate([named.other[:, None], named.words], axis=1)
            for at in np.argsort(everything.max(axis=1), kind="stable"):
                out[found[at]["segmentation"]] = everything[at].argmax()
        self._note("paint", begin_s)
        return out

    def _note(self, stage: str, begin_s: float) -> None:
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - begin_s
