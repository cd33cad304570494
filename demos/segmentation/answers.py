"""What comes back: an analysis that is kept, the labelled picture, and what lies under a click.

    analyse(picture, options, *, clip, sam, job) -> Analysis         slow: the models run here, and only here
    label(analysis, labels, options, *, clip, job) -> Segmentation   fast: words, thresholds and merging
    click(picture, clicks, labels, options, *, clip, sam, job) -> ClickAnswer

are in :mod:`demos.segmentation.pipeline`. ``Analysis.serves(options)`` says whether a kept one will do; no labels
means the vocabulary. :mod:`.paint` draws an answer over its picture, :mod:`.exports` turns it into files, and
``exports.as_json`` into what the endpoint returns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from demos.segmentation.options import Level, Way

OTHER = "other"  # the name of label 0
Mode = Literal["labels", "vocabulary"]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class WordScore:
    """How well one word fits a region.

    Attributes:
        word: The label or noun.
        score: Probability in [0, 1] against the other words (and the negatives, where "other" is on).
        cosine: Cosine of region and word before scale, hubness taken off if asked.
    """

    word: str
    score: float
    cosine: float


@dataclass(frozen=True)
class Region:
    """One region of the picture.

    Attributes:
        id: Its value in ``Segmentation.region_map``, from 1.
        label_index: Its value in ``Segmentation.label_map``; 0 = other.
        label: Name of the label; ``OTHER`` for 0.
        score: Probability of the label; of the best word where it is "other".
        words: The best words, at most five, best first.
        area_px: Pixels in ``region_map``.
        share: The same as share of the picture, in [0, 1].
        box_xyxy: Smallest rectangle around these pixels; right and bottom are exclusive.
        point_xy: A pixel well inside, for a caption.
        level: Where it stands in the nesting of regions.
        parent: Id of the region around it, 0 if there is none.
        predicted_iou: What the mask model thinks of its outline, in [0, 1]; 1 for the way "dense", which has none.
        stability: How little the outline moves with the cut, in [0, 1]; 1 for the way "dense".
    """

    id: int
    label_index: int
    label: str
    score: float
    words: tuple[WordScore, ...]
    area_px: int
    share: float
    box_xyxy: tuple[int, int, int, int]
    point_xy: tuple[int, int]
    level: Level
    parent: int
    predicted_iou: float
    stability: float


@dataclass(frozen=True)
class LabelRow:
    """One label of the legend.

    Attributes:
        index: Its value in ``label_map``.
        name: As written, or the noun found.
        colour_rgb: Its colour, 0 to 255 each; the same name has the same colour in every picture.
        threshold: Below it a region stays "other".
        share: Share of the picture, in [0, 1].
        regions: How many regions carry it.
        best_score: Best probability of any region for it, whether it passed or not.
    """

    index: int
    name: str
    colour_rgb: tuple[int, int, int]
    threshold: float
    share: float
    regions: int
    best_score: float


@dataclass(frozen=True, eq=False)
class Segmentation:
    """The labelled picture.

    Attributes:
        label_map: (H, W) uint8, index of the label at each pixel; 0 = other.
        region_map: (H, W) int32, id of the region at each pixel; 0 = in no region.
        labels: The legend: row 0 is "other", row i has index i. In vocabulary mode the nouns found, largest first.
        regions: In order of their ids, largest first.
        guesses: Ids of regions to paint greyed with their best word: filled only where no region passed.
        mode: Words were given, or taken from the vocabulary.
        way: How regions were named.
        seconds: Wall time of each stage, in order: of the analysis ("regions", "dense", "crops", "arrange") and of
            the labelling ("words", "label"); stages that did not run are left out.
        models: Names of the models that took part, the image-text model first.
        notes: Sentences for the visitor.
    """

    label_map: NDArray[np.uint8]
    region_map: NDArray[np.int32]
    labels: tuple[LabelRow, ...]
    regions: tuple[Region, ...]
    guesses: tuple[int, ...]
    mode: Mode
    way: Way
    seconds: Mapping[str, float]
    models: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width of picture and maps."""
        return self.label_map.shape[0], self.label_map.shape[1]

    def region_at(self, x: float, y: float) -> Region | None:
        """The region under a pixel, or None."""
        height, width = self.size_hw
        if not (0 <= x < width and 0 <= y < height):
            return None
        found = int(self.region_map[int(y), int(x)])
        return self.regions[found - 1] if found else None

    def mask(self, region_id: int, *, with_parts: bool = False) -> Mask:
        """Pixels of a region, (H, W) bool; ``with_parts`` adds those of the regions inside it."""
        if not with_parts:
            return self.region_map == region_id
        inside = np.zeros(len(self.regions) + 1, bool)
        inside[region_id] = True
        for region in self.regions:  # a parent is larger and so comes first
            inside[region.id] |= inside[region.parent]
        return inside[self.region_map]


@dataclass(frozen=True, eq=False)
class Candidate:
    """One of the masks that a click may mean.

    Attributes:
        mask: (H, W) bool.
        level: Candidates are sorted by area: subpart, part, whole.
        predicted_iou: What the mask model thinks of the outline, in [0, 1].
        area_px: Pixels of the mask; may be 0.
        share: The same as share of the picture.
        box_xyxy: Smallest rectangle around it, right and bottom exclusive; all 0 for an empty mask.
        words: The best words, at most five, best first; of the vocabulary where no label was given.
        embedding: (D,) float32, unit norm, in the space of the texts; to look for similar regions.
    """

    mask: Mask
    level: Level
    predicted_iou: float
    area_px: int
    share: float
    box_xyxy: tuple[int, int, int, int]
    words: tuple[WordScore, ...]
    embedding: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ClickAnswer:
    """What lies under a click or in a box.

    Attributes:
        candidates: Three, smallest first.
        best: Position of the one to take by itself.
        seconds: Wall time, s.
        models: Names of the models, the image-text model first.
        notes: Sentences for the visitor.
    """

    candidates: tuple[Candidate, ...]
    best: int
    seconds: float
    models: tuple[str, ...]
    notes: tuple[str, ...]
