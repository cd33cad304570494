"""What masks are worth: overlaps, clicks of a simulated user, recall, and covering of human segmentations.

Covering of a human segmentation S by a partition P (Arbelaez et al. 2011, PAMI 33:898, eq. 8):
    C(P -> S) = sum over regions R of S of |R| max over R' of P of IoU(R, R') / |picture|,
averaged over a picture's annotators; ODS takes the one threshold that is best for the whole set.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Bools = NDArray[np.bool_]
Floats = NDArray[np.floating]


def iou(first: Bools, second: Bools) -> float:
    """Intersection over union of two masks; 1 for two empty ones."""
    either = int((first | second).sum())
    return float((first & second).sum()) / either if either else 1.0


def innermost(mask: Bools) -> tuple[int, int]:
    """The pixel (x, y) farthest from the mask's border, the border of the picture counted as one."""
    far = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    y, x = np.unravel_index(int(far.argmax()), far.shape)
    return int(x), int(y)


def next_click(truth: Bools, given: Bools) -> tuple[tuple[int, int], int]:
    """Where a careful user clicks next, and 1 for inside, 0 for outside: the middle of the largest error."""
    missed, wrong = truth & ~given, given & ~truth
    best, place, label = -1.0, (0, 0), 1
    for error, kind in ((missed, 1), (wrong, 0)):
        far = ndimage.distance_transform_edt(np.pad(error, 1))[1:-1, 1:-1]
        if far.max() > best:
            y, x = np.unravel_index(int(far.argmax()), far.shape)
            best, place, label = float(far.max()), (int(x), int(y)), kind
    return place, label


def overlap_table(masks: Bools, truths: Bools) -> Floats:
    """IoU of every mask with every truth: (N, H, W), (M, H, W) -> (N, M) float32."""
    given, wanted = masks.reshape(len(masks), -1).astype(np.float32), truths.reshape(len(truths), -1).astype(np.float32)
    both = given @ wanted.T
    either = given.sum(1)[:, None] + wanted.sum(1)[None] - both
    return both / np.maximum(either, 1)


def partition(masks: Bools, order: NDArray[np.int64]) -> NDArray[np.int32]:
    """One label a pixel: masks painted in ``order``, the last on top; connected pieces of what is left get their own.

    masks: (N, H, W); returns (H, W) int32 from 0.
    """
    labels = np.full(masks.shape[1:], -1, np.int32)
    for row in order:
        labels[masks[row]] = row
    rest, _ = ndimage.label(labels < 0)
    return np.where(labels < 0, len(masks) + rest, labels).astype(np.int32)


def covering(labels: NDArray[np.int32], truth: NDArray[np.integer]) -> float:
    """Covering of a human segmentation (H, W) by a partition (H, W), ids from 0 in both: 0 to 1."""
    given, wanted = labels.ravel().astype(np.int64), truth.ravel().astype(np.int64)
    count = int(given.max()) + 1
    both = np.bincount(wanted * count + given, minlength=count * (int(wanted.max()) + 1)).reshape(-1, count)
    both = both[both.any(1)][:, both.any(0)]
    either = both.sum(1, keepdims=True) + both.sum(0, keepdims=True) - both
    return float((both.sum(1) * (both / either).max(1)).sum() / both.sum())
