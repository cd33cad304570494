"""What the models see in a picture, kept so that words and thresholds can change without them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from core.calibration import unit_rows
from core.errors import InputError, ModelUnavailable
from core.image_text import ImageTextModel
from core.images import Picture
from core.sam_automatic import AutomaticOptions
from core.sam_masks import MaskSet, Prompt, PromptMasks
from core.tasks import Job
from demos.segmentation.crops import cut_outs, kinds_of
from demos.segmentation.dense import LEAST_COVER, covers, mean_grid, pooled
from demos.segmentation.options import Crops, SegmentOptions, Way
from demos.segmentation.regions import Puzzle, puzzle_of, without_islands

if TYPE_CHECKING:
    from core.clip_dense import DenseMethod

Floats = NDArray[np.float32]
MAX_MASKS = 1_000  # of one picture; the best by predicted IoU are kept
LEAST_PX = 16  # pixels of a mask; a smaller one is noise
# Side of the square with as many cells as the dense map, as a multiple of the model's input, where it is not given.
DENSE_SCALE = 3.0
# The same for the features of regions, where windows are read anyway: small things want many cells, large ones few.
REGION_SCALES = (2.0, 3.0, 4.0)
DENSE_MOST_PX = 448  # transformers' cells mix all with all: beyond this the time grows and the map gets worse


class DenseModel(ImageTextModel, Protocol):
    """An image-text encoder with a dense method to choose; core.clip.ClipEncoder is one."""

    @property
    def image_px(self) -> int:
        """Side of the square that the image tower was trained on."""
        ...

    def encode_patches(
        self,
        image: NDArray[np.uint8],
        *,
        size_px: int | None = None,
        method: DenseMethod = "naclip",
        in_windows: bool = False,
        job: Job | None = None,
    ) -> Floats:
        """One (H, W, 3) picture -> (h, w, D) unit norm."""
        ...


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
    grid = dense = crops = None
    with clock.stage("dense"):
        grid = grid_or_none(rgb, options, clip=clip, job=job)
    if options.way != "sam+clip" and grid is not None:
        with clock.stage("arrange"):
            dense = mask_features(grid, puzzle)
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
        rgb, picture.name, options.analysis_key, options.way, puzzle, iou, stability, grid, dense, crops,
        clock.seconds, models, tuple(notes),
    )  # fmt: skip


def grid_or_none(
    rgb: NDArray[np.uint8], options: SegmentOptions, *, clip: DenseModel, job: Job | None = None
) -> Floats | None:
    """Dense features; the ways that cut regions out do without where there are none."""
    try:
        return dense_grid(rgb, options, clip=clip, job=job)
    except ModelUnavailable:
        if options.way in ("sam+dense", "dense"):
            raise
        return None


def dense_grid(rgb: NDArray[np.uint8], options: SegmentOptions, *, clip: DenseModel, job: Job | None = None) -> Floats:
    """Dense features of a picture under these options, (h, w, D) unit norm; the mean where several sizes are read."""
    return mean_grid(
        [
            clip.encode_patches(rgb, size_px=side, method=options.dense_method, in_windows=True, job=job)
            for side in dense_sides_px(clip, options)
        ]
    )


def dense_sides_px(clip: DenseModel, options: SegmentOptions) -> tuple[int, ...]:
    """Sizes that dense features are read at: several where they name regions and it helps, else one.

    Measured with pocket-clip on 24 held-out Toybox scenes: sam+dense 0.52 with one size, 0.55 with three; the ensemble
    0.66 and 0.68 mean IoU.
    """
    if options.dense_px is None and options.way in ("sam+dense", "ensemble") and len(clip.patch_sides_px) > 1:
        return tuple(round(clip.image_px * scale) for scale in REGION_SCALES)
    return (dense_px(clip, options),)


def dense_px(clip: DenseModel, options: SegmentOptions) -> int:
    """Size of the dense map: as asked, or what measured best for small and for large models."""
    return options.dense_px or max(clip.image_px, min(round(clip.image_px * DENSE_SCALE), DENSE_MOST_PX))


def mask_features(grid: Floats, puzzle: Puzzle) -> Floats:
    """Dense features inside each mask of a puzzle; (h, w, D) -> (N, D) unit norm."""
    of_cells = covers(puzzle.cell_map, len(puzzle.area_px), (grid.shape[0], grid.shape[1]))
    flat = puzzle.inside.T.astype(np.float32) @ of_cells.reshape(len(of_cells), -1)
    points = np.full((len(flat), 2), 0.5)
    for n in np.flatnonzero(flat.max(axis=1, initial=0.0) < LEAST_COVER):
        points[n] = _innermost(puzzle, int(n))
    return pooled(grid, flat.reshape(len(flat), *of_cells.shape[1:]), points)


def crop_features(
    rgb: NDArray[np.uint8],
    puzzle: Puzzle,
    rows: Sequence[int],
    crops: Crops,
    *,
    clip: ImageTextModel,
    job: Job | None = None,
) -> Floats:
    """Each mask cut out and embedded as a picture; (N, D) unit norm, the mean over the kinds of cut-out."""
    every = [clip.encode_images(cut_outs(rgb, puzzle, rows, kind), job=job) for kind in kinds_of(crops)]
    return unit_rows(np.mean(every, axis=0)) if len(rows) else every[0]


def _masks(rgb: NDArray[np.uint8], options: SegmentOptions, sam: MaskModel, clock: Clock, job: Job | None) -> MaskSet:
    """The mask model's regions, the best ``MAX_MASKS`` of them."""
    automatic = AutomaticOptions(points_per_side=options.points_per_side, min_area_px=LEAST_PX)
    with clock.stage("regions"):
        found = sam.automatic(rgb, automatic, job=job)
    found = found if len(found) <= MAX_MASKS else found.take(np.arange(MAX_MASKS))
    return replace(found, logits=without_islands(found.logits))


def _innermost(puzzle: Puzzle, row: int) -> tuple[float, float]:
    """The point of a mask that is farthest from its border, x and y as shares of the picture."""
    from scipy.ndimage import distance_transform_edt

    left, top, right, _ = puzzle.boxes_xyxy[row]
    if left == right:
        return 0.5, 0.5
    mask = np.pad(puzzle.mask_in_box(row), 1)
    y, x = np.unravel_index(distance_transform_edt(mask).argmax(), mask.shape)
    height, width = puzzle.size_hw
    return (left + float(x) - 0.5) / width, (top + float(y) - 0.5) / height


def check_picture(picture: Picture) -> None:
    """Refuse what has no region to find.

    Raises:
        InputError: a side is a single pixel.
    """
    height, width = picture.rgb.shape[:2]
    if min(height, width) < 2:
        raise InputError(f"The picture is {width} x {height} pixels; segmentation needs at least 2 x 2.")
