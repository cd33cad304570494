"""Merging: the oracles of the OSM card, and what must hold for any masks."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from demos.segmentation.merge import Merged, merge
from demos.segmentation.regions import puzzle_of
from tests.demos.segmentation.test_regions import box


def merged(
    masks: list[NDArray[np.bool_]],
    labels: list[int],
    quality: list[float],
    *,
    overlap: float = 0.8,
    least_px: float = 1,
) -> tuple[Merged, NDArray[np.int64]]:
    """The merge and, painted, the region of each pixel (-1 for none)."""
    puzzle = puzzle_of(masks, masks[0].shape)
    found = merge(puzzle, np.array(labels), np.array(quality), overlap=overlap, least_px=least_px)
    return found, found.owner_of_cell[puzzle.cell_map]


def test_of_two_masks_that_share_ninety_percent_the_lower_goes() -> None:
    found, owner = merged([box(0, 0, 20, 20), box(2, 0, 22, 20)], [1, 2], [0.6, 0.7])
    assert found.kept.tolist() == [1] and (owner[:20, 2:22] == 0).all() and (owner[:, :2] == -1).all()


def test_99_pixels_go_and_100_stay() -> None:
    small, enough = box(0, 0, 11, 9), box(20, 0, 30, 10)
    found, _ = merged([small, enough], [1, 1], [0.9, 0.9], least_px=100)
    assert small.sum() == 99 and found.kept.tolist() == [1]


def test_a_hidden_mask_gives_its_pixels_back() -> None:
    # The middle mask hides the lowest but is itself hidden by the best: the lowest gets its place.
    masks = [box(0, 0, 10, 10), box(5, 0, 15, 10), box(8, 0, 18, 10)]
    found, owner = merged(masks, [1, 2, 3], [0.9, 0.5, 0.4], overlap=0.6)
    assert sorted(found.kept.tolist()) == [0, 2]
    assert (owner[:10, 10:18] == found.kept.tolist().index(2)).all()


def test_a_name_is_never_covered_by_other() -> None:
    found, owner = merged([box(0, 0, 20, 20), box(5, 5, 15, 15)], [1, 0], [0.1, 0.99])
    assert found.kept.tolist() == [0] and (owner[:20, :20] == 0).all()


def test_masks_that_take_no_part_leave_no_trace() -> None:
    found, owner = merged([box(0, 0, 20, 20), box(5, 5, 15, 15)], [-1, 2], [0.9, 0.1])
    assert found.kept.tolist() == [1] and (owner >= 0).sum() == 100


def test_a_part_of_the_same_name_goes_into_its_whole_unless_that_is_the_worse() -> None:
    masks = [box(0, 0, 20, 20), box(5, 5, 15, 15)]
    found, owner = merged(masks, [1, 1], [0.8, 0.9])
    assert found.kept.tolist() == [0] and (owner == 0).sum() == 400
    found, _ = merged(masks, [1, 1], [0.2, 0.9], overlap=0.5)
    assert found.kept.tolist() == [0, 1]


def test_a_part_of_another_name_keeps_its_place_and_knows_its_whole() -> None:
    found, owner = merged([box(0, 0, 20, 20), box(5, 5, 15, 15)], [1, 2], [0.8, 0.9], overlap=0.5)
    assert found.kept.tolist() == [0, 1] and found.parents.tolist() == [-1, 0] and owner[10, 10] == 1


def test_a_dropped_whole_passes_its_parts_on() -> None:
    ring = box(0, 0, 20, 20) & ~box(5, 5, 15, 15)
    found, _ = merged([box(0, 0, 20, 20), ring, box(5, 5, 15, 15)], [1, 3, 2], [0.1, 0.9, 0.9])
    assert found.kept.tolist() == [1, 2] and found.parents.tolist() == [-1, 0]


def test_no_masks_no_regions() -> None:
    found = merge(puzzle_of([], (4, 5)), np.zeros(0, np.intp), np.zeros(0), overlap=0.5, least_px=1)
    assert not len(found.kept) and (found.owner_of_cell == -1).all()


SCENES = st.integers(1, 6).flatmap(
    lambda n: st.tuples(
        arrays(bool, (n, 6, 7)),
        st.lists(st.integers(-1, 2), min_size=n, max_size=n),
        st.lists(st.floats(0, 1), min_size=n, max_size=n),
        st.floats(0, 1),
        st.integers(1, 8),
    )
)


@settings(max_examples=200, deadline=None)
@given(SCENES)
def test_regions_keep_their_promises(
    scene: tuple[NDArray[np.bool_], list[int], list[float], float, int],
) -> None:
    masks, labels, quality, overlap, least_px = scene
    puzzle = puzzle_of(masks, masks.shape[1:])
    found = merge(puzzle, np.array(labels), np.array(quality), overlap=overlap, least_px=least_px)
    owner = found.owner_of_cell[puzzle.cell_map]
    areas = [int((owner == n).sum()) for n in range(len(found.kept))]
    assert areas == sorted(areas, reverse=True) and all(area >= least_px for area in areas)
    for place, mask in enumerate(found.kept):
        assert labels[mask] >= 0
        assert areas[place] >= overlap * masks[mask].sum() - 1e-9
    for place, parent in enumerate(found.parents):
        assert parent < place  # larger, or none
