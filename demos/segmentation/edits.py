"""What a visitor changed by hand: regions kept from clicks, renamed or taken away, and colours; pure NumPy.

Edits are told as patches: a mask and the name that it gets. They are laid over a fresh labelling in order, so they
outlive new thresholds and new labels, which number the regions anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.labels import key_of, quoted
from demos.segmentation.answers import OTHER, Candidate, LabelRow, Mask, Region, Segmentation, WordScore
from demos.segmentation.colours import OTHER_RGB, TABLE, Rgb, colours_of
from demos.segmentation.options import Level, SegmentOptions

MAX_PATCHES = 200
MAX_ROWS = 255  # values of an 8-bit label map
MIN_LEFT = 0.15  # a region of which a patch leaves less than this share goes with the rest


@dataclass(frozen=True, eq=False)
class Patch:
    """One region as the visitor wants it.

    Attributes:
        box_xyxy: Where ``mask`` lies, pixels, right and bottom exclusive.
        mask: (h, w) bool, of that box.
        label: Its name; empty takes the region away.
        score: Probability to show.
        words: Its best words.
        level: Where it stood in the nesting.
        predicted_iou: What the mask model thought of its outline, in [0, 1].
        stability: In [0, 1].
        is_drawn: Whether it came from a click, not from a region of the answer.
    """

    box_xyxy: tuple[int, int, int, int]
    mask: Mask
    label: str
    score: float = 1.0
    words: tuple[WordScore, ...] = ()
    level: Level = "whole"
    predicted_iou: float = 1.0
    stability: float = 1.0
    is_drawn: bool = False


@dataclass(frozen=True)
class Edits:
    """All changes to one answer: patches in order, thresholds and colours by label."""

    patches: tuple[Patch, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)
    colours: Mapping[str, Rgb] = field(default_factory=dict)

    def with_patch(self, patch: Patch) -> Edits:
        """One more patch.

        Raises:
            InputError: there are ``MAX_PATCHES`` already.
        """
        if len(self.patches) >= MAX_PATCHES:
            raise InputError(f"{len(self.patches)} changes by hand are kept already, which is the most; segment anew.")
        return replace(self, patches=(*self.patches, patch))

    def for_new_words(self) -> Edits:
        """What stays when the same picture is segmented with other words: regions from clicks, and colours."""
        return Edits(tuple(patch for patch in self.patches if patch.is_drawn), {}, self.colours)

    def applied_to(self, options: SegmentOptions) -> SegmentOptions:
        """The options of a labelling with these thresholds and colours."""
        return replace(options, label_thresholds=dict(self.thresholds), label_colours=dict(self.colours))


def patch_of_region(segmentation: Segmentation, region: Region, label: str) -> Patch:
    """The patch that gives a region another name; the empty name takes it away."""
    left, top, right, bottom = region.box_xyxy
    mask = segmentation.region_map[top:bottom, left:right] == region.id
    known = next((word.score for word in region.words if key_of(word.word) == key_of(label)), region.score)
    return Patch(
        region.box_xyxy, mask, label, known, region.words, region.level, region.predicted_iou, region.stability
    )


def patch_of_candidate(candidate: Candidate, label: str) -> Patch:
    """The patch that keeps what a click found.

    Raises:
        InputError: the mask is empty.
    """
    if not candidate.area_px:
        raise InputError("This mask is empty; choose another one, or click somewhere else.")
    left, top, right, bottom = candidate.box_xyxy
    known = next((word.score for word in candidate.words if key_of(word.word) == key_of(label)), 1.0)
    return Patch(
        candidate.box_xyxy, candidate.mask[top:bottom, left:right].copy(), label, known, candidate.words,
        candidate.level, candidate.predicted_iou, is_drawn=True,
    )  # fmt: skip


def blank(size_hw: tuple[int, int], models: tuple[str, ...]) -> Segmentation:
    """An answer without regions, for pictures of which only clicked regions are kept."""
    other = LabelRow(0, OTHER, OTHER_RGB, 0.0, 1.0, 0, 0.0)
    return Segmentation(
        np.zeros(size_hw, np.uint8),
        np.zeros(size_hw, np.int32),
        (other,),
        (),
        (),
        "labels",
        "sam+dense",
        {},
        models,
        (),
    )


def edited(segmentation: Segmentation, edits: Edits) -> Segmentation:
    """Lay the patches over a labelling; thresholds and colours are options of the labelling, and so in it already.

    Args:
        segmentation: Fresh from the pipeline; it is not changed.
        edits: The changes.

    Returns:
        The same where there is nothing to lay over it. Else regions are numbered by area anew, and both maps agree
        with them.

    Raises:
        InputError: more names than an 8-bit map can hold.
    """
    if not edits.patches:
        return segmentation
    return _renumbered(segmentation, *_painted(segmentation, edits))


def _painted(segmentation: Segmentation, edits: Edits) -> tuple[list[LabelRow], NDArray[np.int32], dict[int, Region]]:
    """The legend, the map of old and new ids, and what is known of each id but its new extent."""
    rows = list(segmentation.labels)
    ids = segmentation.region_map.copy()
    regions = {region.id: region for region in segmentation.regions}
    first_new = len(regions) + 1
    for number, patch in enumerate(edits.patches, first_new):
        left, top, right, bottom = patch.box_xyxy
        view = ids[top:bottom, left:right]
        covered = np.unique(view[patch.mask])
        view[patch.mask] = number if patch.label else 0
        for old in covered[covered > 0]:
            _take_rest(ids, regions, int(old))
        if patch.label:
            row = _row_of(rows, patch.label, edits.colours)
            regions[number] = _region_of(number, patch, row)
    return rows, ids, regions


def _take_rest(ids: NDArray[np.int32], regions: dict[int, Region], old: int) -> None:
    """Let a region go of which a patch has left next to nothing; write down what is left of another."""
    region = regions[old]
    left, top, right, bottom = region.box_xyxy
    here = ids[top:bottom, left:right] == old
    area_px = int(here.sum())
    if area_px < MIN_LEFT * region.area_px or not area_px:
        ids[top:bottom, left:right][here] = 0
        del regions[old]
        return
    rows, columns = np.flatnonzero(here.any(1)), np.flatnonzero(here.any(0))
    box = (left + int(columns[0]), top + int(rows[0]), left + int(columns[-1]) + 1, top + int(rows[-1]) + 1)
    x, y = region.point_xy
    point = region.point_xy if ids[y, x] == old else _point_in(here, left, top)
    regions[old] = replace(region, box_xyxy=box, area_px=area_px, share=area_px / ids.size, point_xy=point)


def _point_in(mask: Mask, left: int, top: int) -> tuple[int, int]:
    """The pixel of a mask that lies nearest to its centre of mass, (x, y) in the picture."""
    rows, columns = np.nonzero(mask)
    nearest = int(np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2))
    return left + int(columns[nearest]), top + int(rows[nearest])


def _row_of(rows: list[LabelRow], name: str, chosen: Mapping[str, Rgb]) -> LabelRow:
    """The legend's row of a name; a new one at its end if it has none."""
    wanted = key_of(name)
    for row in rows:
        if key_of(row.name) == wanted:
            return row
    if len(rows) > MAX_ROWS:
        raise InputError(f"The legend is full with {MAX_ROWS} labels; {quoted(name)} finds no place in it.")
    taken = {row.colour_rgb for row in rows}
    own = colours_of([name], chosen)[0]
    free = own if name in chosen or own not in taken else next((rgb for rgb in TABLE if rgb not in taken), own)
    rows.append(LabelRow(len(rows), name, free, 0.0, 0.0, 0, 0.0))
    return rows[-1]


def _region_of(number: int, patch: Patch, row: LabelRow) -> Region:
    """A region from a patch; whatever lies over it later is taken off by ``_take_rest``."""
    left, top, *_ = patch.box_xyxy
    return Region(
        id=number, label_index=row.index, label=row.name if row.index else OTHER, score=patch.score, words=patch.words,
        area_px=int(patch.mask.sum()), share=0.0, box_xyxy=patch.box_xyxy, point_xy=_point_in(patch.mask, left, top),
        level=patch.level, parent=0, predicted_iou=patch.predicted_iou, stability=patch.stability,
    )  # fmt: skip


def _renumbered(
    segmentation: Segmentation, rows: list[LabelRow], ids: NDArray[np.int32], regions: dict[int, Region]
) -> Segmentation:
    """Number the regions by area and make maps and legend agree with them."""
    order = sorted(regions.values(), key=lambda region: -region.area_px)
    new_id = np.zeros(int(ids.max(initial=0)) + 1, np.int32)
    for number, region in enumerate(order, 1):
        new_id[region.id] = number
    kept = tuple(
        replace(
            region,
            id=number,
            share=region.area_px / ids.size,
            parent=_parent(new_id, region, number, regions),
        )  # fmt: skip
        for number, region in enumerate(order, 1)
    )
    of_label = np.array([0, *(region.label_index for region in kept)], np.uint8)
    region_map = new_id[ids]
    label_map = of_label[region_map]
    shares = np.bincount(label_map.ravel(), minlength=len(rows)) / ids.size
    counts = np.bincount(of_label[1:], minlength=len(rows))
    legend = tuple(
        replace(row, share=float(shares[row.index]), regions=int(counts[row.index]), best_score=_best(row, kept))
        for row in rows
    )
    guesses = tuple(int(new_id[old]) for old in segmentation.guesses if old in regions)
    return replace(
        segmentation, label_map=label_map, region_map=region_map, labels=legend, regions=kept,
        guesses=() if any(region.label_index for region in kept) else guesses,
    )  # fmt: skip


def _parent(new_id: NDArray[np.int32], region: Region, number: int, regions: dict[int, Region]) -> int:
    """New id of the region around, 0 if it is gone or, cut by a patch, no longer the larger one."""
    around = int(new_id[region.parent]) if region.parent in regions else 0
    return around if around < number else 0


def _best(row: LabelRow, regions: tuple[Region, ...]) -> float:
    """The best score for a label, that of regions named by hand included."""
    return max([row.best_score, *(region.score for region in regions if region.label_index == row.index)])
