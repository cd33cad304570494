"""Masks of a photo: tiles cover it, halves are dropped, twins are dropped, files bring them back."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.sam_automatic import AutomaticOptions
from core.sam_masks import MaskSet
from core.tasks import Job
from demos.gaussians.masks import PhotoMasks, distinct, find_masks, tiles_of


class ColourSegmenter:
    """Every colour of a picture that is not black is a mask; asked sizes are written down."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def automatic(
        self, image: NDArray[np.uint8], options: AutomaticOptions | None = None, *, job: Job | None = None
    ) -> MaskSet:
        self.asked.append((image.shape[0], image.shape[1]))
        codes = image.astype(np.int64) @ (65_536, 256, 1)
        masks = [codes == code for code in np.unique(codes) if code]
        logits = np.array([np.where(mask, 4.0, -4.0) for mask in masks], np.float32).reshape(-1, *codes.shape)
        ones = np.ones(len(masks), np.float32)
        boxes, points = np.zeros((len(masks), 4), np.float32), np.zeros((len(masks), 2), np.float32)
        return MaskSet((codes.shape[0], codes.shape[1]), logits, 0.9 * ones, ones, boxes, points)


def _picture() -> NDArray[np.uint8]:
    rgb = np.zeros((90, 120, 3), np.uint8)
    rgb[5:25, 6:30] = (200, 10, 10)  # inside the first small tile
    rgb[30:70, 40:100] = (10, 200, 10)  # larger than a small tile
    return rgb


@pytest.mark.parametrize("size_hw, divisors", [((90, 120), (1, 2)), ((64, 64), (3,)), ((33, 200), (1, 2, 4))])
def test_tiles_cover_the_photo(size_hw: tuple[int, int], divisors: tuple[int, ...]) -> None:
    for divisor in divisors:
        count = np.zeros(size_hw, int)
        for tile in tiles_of(size_hw, (divisor,)):
            left, top, right, bottom = tile.box_xyxy
            assert 0 <= left < right <= size_hw[1] and 0 <= top < bottom <= size_hw[0]
            count[top:bottom, left:right] += 1
        assert count.min() >= 1


def test_each_thing_is_found_once_and_no_half_of_one() -> None:
    segmenter = ColourSegmenter()
    found = find_masks(_picture(), segmenter, divisors=(1, 2))
    assert len(segmenter.asked) == len(tiles_of((90, 120), (1, 2)))
    assert len(found) == 2 and found.masks.shape[1:] == (90, 120)
    assert sorted(int(mask.sum()) for mask in found.masks) == [20 * 24, 40 * 60]


def test_a_photo_without_masks_has_none() -> None:
    found = find_masks(np.zeros((40, 50, 3), np.uint8), ColourSegmenter(), divisors=(1,))
    assert len(found) == 0 and found.masks.shape == (0, 40, 50)


def test_of_two_alike_masks_the_better_one_stays() -> None:
    rng = np.random.default_rng(1)
    base = rng.random((12, 20, 20)) < 0.5
    masks = np.concatenate([base, base])
    masks[12:, 0, :3] ^= True  # nearly the same
    scores = rng.random(24).astype(np.float32)
    kept = distinct(masks, scores)
    flat = masks.reshape(24, -1)

    def iou(a: int, b: int) -> float:
        return float((flat[a] & flat[b]).sum() / (flat[a] | flat[b]).sum())

    slow: list[int] = []
    for row in sorted(range(24), key=lambda row: -scores[row]):
        if all(iou(row, other) <= 0.8 for other in slow):
            slow.append(row)
    assert kept.tolist() == slow and len(slow) == 12


def test_packed_masks_come_back() -> None:
    rng = np.random.default_rng(2)
    one = PhotoMasks(rng.random((5, 7, 9)) < 0.4, rng.random(5).astype(np.float32))
    back = PhotoMasks.unpacked(one.packed())
    assert np.array_equal(back.masks, one.masks) and np.array_equal(back.scores, one.scores)
