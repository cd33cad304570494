"""What the models see in a picture, kept so that words and thresholds can change without them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.calibration import unit_rows
from core.errors import InputError
from core.images import Picture
from core.sam_automatic import AutomaticOptions
from core.sam_masks import MaskSet, Prompt, PromptMasks
from core.tasks import Job
from demos.segmentation.features import DenseModel, Floats, crop_features, grid_or_none, region_features
from demos.segmentation.options import SegmentOptions, Way
from demos.segmentation.regions import Puzzle, puzzle_of, without_islands

MAX_MASKS = 1_000  # of one picture; the best by predicted IoU are kept
LEAST_PX = 16  # pixels of a mask; a smaller one is noise


class MaskModel(Protocol):
    """What finds regions; core.sam.PromptableSam is one."""

    @property
    def name(self) -> str:
        """Name in the catalogue."""
        ...

    def automatic(
        self, image: NDArray[np.uint8], options: AutomaticOptions | None = None, *, job: Job | None = None
    ) -> MaskSet:
        """All masks of a picture."""
        ...

    def prompt(self, image: NDArray[np.uint8], prompt: Prompt, *, job: Job | None = None) -> PromptMasks:
        """Three masks for one prompt."""
        ...


@dataclass(frozen=True, eq=False)
class Analysis:
    """What was seen in one picture; any words can be held against it.

    Attributes:
        rgb: (H, W, 3) uint8, the picture.
        name: Its file name.
        key: Of the options it was made with (``SegmentOptions.analysis_key``).
        way: How regions are to be named.
        puzzle: The masks; none of them for the way "dense".
        predicted_iou: (N,) float32 in [0, 1].
        stability: (N,) float32 in [0, 1].
        grid: Dense features, (h, w, D) float32, unit norm; None with an encoder that has none.
        dense: Dense features inside each mask, (N, D) unit norm; None for "sam+clip" and where ``grid`` is None.
        crops: Cut-outs as the image tower sees them, (N, D) unit norm; None for ways without.
        seconds: Wall time of the stages.
        models: Names of the models.
        notes: Sentences for the visitor.
    """

    rgb: NDArray[np.uint8]
    name: str
    key: tuple[object, ...]
    way: Way
    puzzle: Puzzle
    predicted_iou: Floats
    stability: Floats
    grid: Floats | None
    dense: Floats | None
    crops: Floats | None
    seconds: Mapping[str, float]
    models: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width of the picture."""
        return self.rgb.shape[0], self.rgb.shape[1]

    def serves(self, options: SegmentOptions) -> bool:
        """Whether it can be labelled with these options, or the models have to run again."""
        return options.analysis_key == self.key

    @property
    def regions(self) -> Floats:
        """The best single description of each mask, (N, D) unit norm: cut-outs, dense features, or their mean."""
        found = [rows for rows in (self.crops, self.dense) if rows is not None]
        return unit_rows(np.mean(found, axis=0)) if found else np.zeros((0, 1), np.float32)


@dataclass
class Clock:
    """Wall time by stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the time of the block under a name."""
        start_s = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start_s


def look(
    picture: Picture,
    options: SegmentOptions,
    *,
    clip: DenseModel,
    sam: MaskModel | None,
    job: Job | None = None,
) -> Analysis:
    """Run the models over one picture; see :func:`demos.segmentation.pipeline.analyse`."""
    clock = Clock()
    rgb, size_hw = picture.rgb, (picture.rgb.shape[0], picture.rgb.shape[1])
    if options.way == "dense":
        puzzle = puzzle_of([], size_hw)
        iou = stability = np.zeros(0, np.float32)
    else:
        if sam is None:
            raise ValueError(f"the way {options.way} needs a mask model")
        masks = _masks(rgb, options, sam, clock, job)
        with clock.stage("arrange"):
            puzzle = puzzle_of(masks.each_full(), size_hw, job=job)
        iou, stability = (np.clip(row, 0.0, 1.0) for row in (masks.predicted_iou, masks.stability))
    dense = crops = None
    with clock.stage("dense"):
        grid = grid_or_none(rgb, options, clip=clip, job=job)
        if options.way != "sam+clip" and grid is not None:
            dense = region_features(rgb, grid, puzzle, clip=clip, job=job)
    if options.way in ("sam+clip", "ensemble"):
        with clock.stage("crops"):
            crops = crop_features(rgb, puzzle, range(len(iou)), options.crops, clip=clip, job=job)
    models = (clip.name,) if sam is None or options.way == "dense" else (clip.name, sam.name)
    notes = [*picture.notes]
    if options.way == "ensemble" and grid is None:
        notes.append(f"{clip.name} gives no dense features: regions are named by their cut-outs alone.")
    if options.way != "dense" and not len(iou):
        notes.append("No regions were found in this picture; try the way “dense”, which needs none.")
    return Analysis(
        rgb, picture.name, options.analysis_key, options.way, puzzle, iou, stability,
        grid, dense, crops, clock.seconds, models, tuple(notes),
    )  # fmt: skip


def _masks(rgb: NDArray[np.uint8], options: SegmentOptions, sam: MaskModel, clock: Clock, job: Job | None) -> MaskSet:
    """The mask model's regions, the best ``MAX_MASKS`` of them."""
    automatic = AutomaticOptions(points_per_side=options.points_per_side, min_area_px=LEAST_PX)
    with clock.stage("regions"):
        found = sam.automatic(rgb, automatic, job=job)
    found = found if len(found) <= MAX_MASKS else found.take(np.arange(MAX_MASKS))
    return replace(found, logits=without_islands(found.logits))


def check_picture(picture: Picture) -> None:
    """Refuse what has no region to find.

    Raises:
        InputError: a side is a single pixel.
    """
    height, width = picture.rgb.shape[:2]
    if min(height, width) < 2:
        raise InputError(f"The picture is {width} x {height} pixels; segmentation needs at least 2 x 2.")
