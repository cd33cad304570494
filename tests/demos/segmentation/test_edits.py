"""Changes by hand: patches over a labelling against slow twins, and what survives new words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError
from demos.segmentation.answers import OTHER, Candidate, LabelRow, Region, Segmentation, WordScore
from demos.segmentation.edits import MAX_PATCHES, Edits, Patch, blank, edited, patch_of_candidate, patch_of_region
from demos.segmentation.options import SegmentOptions

HEIGHT, WIDTH = 12, 16


def answer(region_map: np.ndarray, labels: list[int], names: tuple[str, ...] = ("cat", "dog")) -> Segmentation:
    """An answer whose region i carries label ``labels[i - 1]``; ids must already fall with the area."""
    regions = []
    for number, index in enumerate(labels, 1):
        rows, columns = np.nonzero(region_map == number)
        regions.append(
            Region(
                number, index, (OTHER, *names)[index], 0.8, (WordScore("cat", 0.8, 0.3), WordScore("dog", 0.1, 0.1)),
                len(rows), len(rows) / region_map.size,
                (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1),
                (int(columns[0]), int(rows[0])), "whole", 0, 0.9, 0.9,
            )
        )  # fmt: skip
    label_map = np.array([0, *labels], np.uint8)[region_map]
    legend = tuple(
        LabelRow(i, name, (10 * i, 0, 0), 0.3, float((label_map == i).mean()), labels.count(i), 0.8)
        for i, name in enumerate((OTHER, *names))
    )
    return Segmentation(label_map, region_map.astype(np.int32), legend, tuple(regions), (), "labels", "sam+dense", {},
                        ("clip", "sam"), ())  # fmt: skip


def halves() -> Segmentation:
    """A cat on the left 10 columns, a dog on the right 6."""
    ids = np.full((HEIGHT, WIDTH), 1)
    ids[:, 10:] = 2
    return answer(ids, [1, 2])


def candidate(mask: np.ndarray) -> Candidate:
    rows, columns = np.nonzero(mask)
    box = (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1) if len(rows) else (0,) * 4
    return Candidate(mask, "part", 0.7, len(rows), len(rows) / mask.size, box, (WordScore("dog", 0.6, 0.2),),
                     np.zeros(3, np.float32))  # fmt: skip


def agrees(found: Segmentation) -> None:
    """Maps, regions and legend tell the same."""
    assert [region.id for region in found.regions] == list(range(1, len(found.regions) + 1))
    assert found.region_map.max(initial=0) == len(found.regions)
    for region in found.regions:
        rows, columns = np.nonzero(found.region_map == region.id)
        assert len(rows) == region.area_px > 0 and region.share == pytest.approx(len(rows) / found.region_map.size)
        assert region.box_xyxy == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert found.region_map[region.point_xy[1], region.point_xy[0]] == region.id
        assert set(found.label_map[rows, columns]) == {region.label_index}
        assert found.labels[region.label_index].name == region.label
        assert region.parent < region.id
    areas = [region.area_px for region in found.regions]
    assert areas == sorted(areas, reverse=True)
    for row in found.labels:
        assert row.share == pytest.approx(float((found.label_map == row.index).mean()))
        assert row.regions == sum(region.label_index == row.index for region in found.regions)


def test_no_patch_changes_nothing() -> None:
    before = halves()
    assert edited(before, Edits()) is before


def test_a_region_is_renamed() -> None:
    before = halves()
    after = edited(before, Edits((patch_of_region(before, before.regions[0], "DOG"),)))
    agrees(after)
    assert [region.label for region in after.regions] == ["dog", "dog"]
    assert after.regions[0].score == 0.1, "the score shown is that of the new name"
    assert before.regions[0].label == "cat"


def test_a_new_name_gets_a_row_and_a_colour_of_its_own() -> None:
    before = halves()
    after = edited(before, Edits((patch_of_region(before, before.regions[0], "fox"),)))
    agrees(after)
    assert after.labels[3].name == "fox" and after.regions[0].label_index == 3
    assert len({row.colour_rgb for row in after.labels}) == 4
    chosen = edited(before, Edits((patch_of_region(before, before.regions[0], "fox"),), colours={"fox": (1, 2, 3)}))
    assert chosen.labels[3].colour_rgb == (1, 2, 3)


def test_a_region_is_taken_away() -> None:
    before = halves()
    after = edited(before, Edits((patch_of_region(before, before.regions[0], ""),)))
    agrees(after)
    assert [region.label for region in after.regions] == ["dog"]
    assert not after.region_map[:, :10].any() and not after.label_map[:, :10].any()


def test_a_click_lies_over_what_was_there() -> None:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[2:8, 8:12] = True
    after = edited(halves(), Edits((patch_of_candidate(candidate(mask), "bird"),)))
    agrees(after)
    assert [region.label for region in after.regions] == ["cat", "dog", "bird"]
    assert (after.region_map == 3).sum() == 24 and (after.label_map[mask] == 3).all()


def test_what_a_patch_leaves_of_a_region_goes_if_it_is_next_to_nothing() -> None:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[:, 9:] = True
    mask[0, 15] = False  # one pixel of the dog is left
    after = edited(halves(), Edits((patch_of_candidate(candidate(mask), "bird"),)))
    agrees(after)
    assert [region.label for region in after.regions] == ["cat", "bird"]
    assert after.region_map[0, 15] == 0


def test_the_first_region_of_a_picture_may_come_from_a_click() -> None:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[3:6, 4:9] = True
    after = edited(blank((HEIGHT, WIDTH), ("clip", "sam")), Edits((patch_of_candidate(candidate(mask), "dog"),)))
    agrees(after)
    assert [row.name for row in after.labels] == [OTHER, "dog"] and after.regions[0].score == 0.6


def test_guesses_end_with_the_first_name() -> None:
    before = replace(answer(halves().region_map, [0, 0]), guesses=(1,))
    gone = edited(before, Edits((patch_of_region(before, before.regions[1], ""),)))
    assert gone.guesses == (1,)
    assert edited(before, Edits((patch_of_region(before, before.regions[1], "dog"),))).guesses == ()


def test_an_empty_mask_is_a_sentence() -> None:
    with pytest.raises(InputError, match="mask is empty"):
        patch_of_candidate(candidate(np.zeros((HEIGHT, WIDTH), bool)), "dog")


def test_names_beyond_eight_bits_are_a_sentence() -> None:
    before = answer(halves().region_map, [1, 2], tuple(f"thing {i}" for i in range(255)))
    with pytest.raises(InputError, match="“fox” finds no place"):
        edited(before, Edits((patch_of_region(before, before.regions[0], "fox"),)))


def test_changes_are_bounded() -> None:
    before = halves()
    patch = patch_of_region(before, before.regions[0], "dog")
    full = Edits((patch,) * MAX_PATCHES)
    with pytest.raises(InputError, match=f"{MAX_PATCHES} changes"):
        full.with_patch(patch)


def test_new_words_keep_what_was_drawn_and_coloured() -> None:
    before, mask = halves(), np.zeros((HEIGHT, WIDTH), bool)
    mask[:3, :3] = True
    drawn = patch_of_candidate(candidate(mask), "bird")
    edits = Edits((patch_of_region(before, before.regions[0], "dog"), drawn), {"cat": 0.5}, {"cat": (1, 2, 3)})
    assert edits.for_new_words() == Edits((drawn,), {}, {"cat": (1, 2, 3)})
    options = edits.applied_to(SegmentOptions(threshold=0.4))
    assert options.label_thresholds == {"cat": 0.5} and options.label_colours == {"cat": (1, 2, 3)}
    assert options.threshold == 0.4


@st.composite
def some_patches(draw: st.DrawFn) -> tuple[Patch, ...]:
    patches = []
    for _ in range(draw(st.integers(1, 5))):
        left, top = draw(st.integers(0, WIDTH - 1)), draw(st.integers(0, HEIGHT - 1))
        right, bottom = draw(st.integers(left + 1, WIDTH)), draw(st.integers(top + 1, HEIGHT))
        mask = np.ones((bottom - top, right - left), bool)
        patches.append(Patch((left, top, right, bottom), mask, draw(st.sampled_from(["", "cat", "dog", "fox", OTHER]))))
    return tuple(patches)


@settings(max_examples=120, deadline=None)
@given(some_patches())
def test_maps_regions_and_legend_agree_after_any_patches(patches: tuple[Patch, ...]) -> None:
    before = halves()
    after = edited(before, Edits(patches))
    agrees(after)
    painted = np.array([1, 2])[(np.arange(WIDTH) >= 10).astype(int)] * np.ones((HEIGHT, 1), int)
    rows = {row.name: row.index for row in after.labels}
    for patch in patches:  # the slow twin: labels only, without the rule for remains
        left, top, right, bottom = patch.box_xyxy
        painted[top:bottom, left:right] = rows.get(patch.label, 0)
    differs = after.label_map != painted
    assert not after.label_map[differs].any(), "pixels differ only where remains of a region went"
