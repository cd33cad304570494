"""How well words are found, by the two protocols of the field, on labels in LERF-OVS's layout.

    picture   the query is asked in every labelled view (LangSplat, Qin et al. 2024, arXiv:2312.16084, and its code):
              localisation: a peak of the box-filtered relevancy of the level with the highest one lies in a true box;
              IoU: mask of the level that answers against the union of the category's polygons; both are averaged over
              all pairs of a view and a category that it shows
    scene     Gaussians are selected once a category, without a view; what the selection covers in each labelled view is
              held against the truth there (OpenGaussian, Wu et al. 2024, arXiv:2406.02058): mIoU and the share of IoUs
              of 0.25 or more

Labels: one ``frame_00041.json`` a view with "info" {"width", "height"} and "objects" [{"category", "bbox",
"segmentation"}]; boxes are left, top, right, bottom, polygons lists of points; frame 41 is the 41st view by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.image_text import ImageTextModel
from core.images import shown_name
from core.tasks import Job
from demos.gaussians.answers import SceneHandle
from demos.gaussians.cameras import Camera
from demos.gaussians.field import LanguageField
from demos.gaussians.history import Selection
from demos.gaussians.options import QueryOptions
from demos.gaussians.query import in_view, select_in_scene
from demos.gaussians.raster import render
from demos.gaussians.weights import ViewWeights, view_weights
from demos.gaussians.words import encode_words

MAX_FRAMES, MAX_OBJECTS, MAX_POINTS = 10_000, 1_000, 100_000
_FRAME = re.compile(r"frame_(\d{1,9})")
_ACCEPTED_IOU = 0.25
_COVERED = 0.5  # of a pixel, by the selection

Mask = NDArray[np.bool_]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class TrueView:
    """What a view shows.

    Attributes:
        name: For reports.
        camera: The view, of the size of the masks.
        masks: Category -> (H, W) bool, the union of its things.
        boxes: Category -> boxes left, top, right, bottom in pixels.
    """

    name: str
    camera: Camera
    masks: Mapping[str, Mask]
    boxes: Mapping[str, tuple[Box, ...]]


@dataclass(frozen=True)
class Row:
    """One pair of a view and a category.

    Attributes:
        view: Name of the view.
        query: The category.
        iou: Intersection over union of the masks.
        is_hit: Whether a peak lies in a true box; None in the scene protocol, which has no peaks.
        level: Level that answered.
        peak: Its smoothed peak.
    """

    view: str
    query: str
    iou: float
    is_hit: bool | None
    level: str
    peak: float


@dataclass(frozen=True)
class Scores:
    """Averages over rows."""

    rows: tuple[Row, ...]

    @property
    def miou(self) -> float:
        """Mean IoU over the rows; 0 if there are none."""
        return float(np.mean([row.iou for row in self.rows])) if self.rows else 0.0

    @property
    def localisation(self) -> float:
        """Share of hits; 0 without peaks."""
        hits = [row.is_hit for row in self.rows if row.is_hit is not None]
        return float(np.mean(hits)) if hits else 0.0

    @property
    def accuracy_at_quarter(self) -> float:
        """Share of rows with an IoU of 0.25 or more."""
        return float(np.mean([row.iou >= _ACCEPTED_IOU for row in self.rows])) if self.rows else 0.0


def read_lerf_labels(folder: Path, cameras: Sequence[Camera]) -> tuple[TrueView, ...]:
    """Read labels in LERF-OVS's layout.

    Args:
        folder: With ``frame_*.json``.
        cameras: All training views sorted by name.

    Raises:
        InputError: there is no label, or one is damaged, too large, or of a view that is not there.
    """
    paths = sorted(path for path in folder.glob("frame_*.json"))[: MAX_FRAMES + 1]
    if not paths:
        raise InputError(f"{shown_name(folder.name)} holds no labels; LERF-OVS's are called frame_00041.json.")
    return tuple(_true_view(path, cameras) for path in paths)


def evaluate_pictures(
    handle: SceneHandle,
    views: Sequence[TrueView],
    options: QueryOptions | None = None,
    *,
    model: ImageTextModel,
    job: Job | None = None,
) -> Scores:
    """The picture protocol; every pixel gets a meaning of its own and a mask always appears, as in LangSplat."""
    options = replace(options or QueryOptions(), map_px=0, least_peak=0.0)
    field, rows = _field(handle), []
    for index, true_view in enumerate(views):
        if job is not None:
            job.step("running", index, len(views), unit="views")
        camera = true_view.camera
        view = view_weights(handle.scene, camera, least=options.least_weight, job=job)
        rows += _picture_rows(view, field, true_view, options, model, job)
    return Scores(tuple(rows))


def evaluate_scene(
    handle: SceneHandle,
    views: Sequence[TrueView],
    options: QueryOptions | None = None,
    *,
    model: ImageTextModel,
    job: Job | None = None,
) -> Scores:
    """The scene protocol."""
    options = options or QueryOptions()
    field, found = _field(handle), {}
    categories = list(dict.fromkeys(category for view in views for category in view.masks))
    words = encode_words(categories, options, model=model, job=job)
    for index, category in enumerate(categories):
        found[category] = select_in_scene(handle.scene, field, words, index, options, job=job)
    rows = []
    for index, view in enumerate(views):
        if job is not None:
            job.step("running", index, len(views), unit="views")
        for category, mask in view.masks.items():
            chosen = found[category]
            iou = iou_of(covered(handle, view.camera, chosen.selection, job=job), mask)
            rows.append(Row(view.name, category, iou, None, chosen.level, chosen.peak))
    return Scores(tuple(rows))


def covered(handle: SceneHandle, camera: Camera, selection: Selection, *, job: Job | None = None) -> Mask:
    """Pixels (H, W) of which a selection, seen through what stands before it, is half or more."""
    share = selection.spread(len(handle.scene))[:, None]
    drawn = render(handle.scene, camera, features=share, job=job).features
    assert drawn is not None
    return drawn[..., 0] >= _COVERED


def iou_of(found: Mask, truth: Mask) -> float:
    """Intersection over union; 0 if both are empty."""
    either = int((found | truth).sum())
    return float((found & truth).sum()) / either if either else 0.0


def is_in_a_box(peaks_xy: NDArray[np.intp], boxes: Sequence[Box]) -> bool:
    """Whether any of the peaks (P, 2) lies in any of the boxes, edges included."""
    for left, top, right, bottom in boxes:
        x, y = peaks_xy[:, 0], peaks_xy[:, 1]
        if ((x >= left) & (x <= right) & (y >= top) & (y <= bottom)).any():
            return True
    return False


def _picture_rows(
    view: ViewWeights,
    field: LanguageField,
    truth: TrueView,
    options: QueryOptions,
    model: ImageTextModel,
    job: Job | None,
) -> list[Row]:
    """All categories of one view."""
    rows, queries = [], list(truth.masks)
    words = encode_words(queries, options, model=model, job=job)
    for index, query in enumerate(queries):
        seen = in_view(view, field, words, index, options, (view.width, view.height), job=job)
        peaks = np.argwhere(seen.pointing == seen.pointing.max())[:, ::-1]
        is_hit = is_in_a_box(peaks, truth.boxes[query])
        peak = float(seen.maps[seen.level].smoothed.max())
        rows.append(Row(truth.name, query, iou_of(seen.mask, truth.masks[query]), is_hit, seen.level, peak))
    return rows


def _field(handle: SceneHandle) -> LanguageField:
    if handle.field is None:
        raise InputError("A scene without language cannot be evaluated.")
    return handle.field


def _true_view(path: Path, cameras: Sequence[Camera]) -> TrueView:
    found = _FRAME.fullmatch(path.stem)
    number = int(found[1]) if found else 0
    if not 1 <= number <= len(cameras):
        raise InputError(f"{shown_name(path.name)} labels a view that is not there; the scene has {len(cameras)}.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        info, things = content["info"], content["objects"]
        width, height = int(info["width"]), int(info["height"])
        if len(things) > MAX_OBJECTS or not (0 < width <= 10_000 and 0 < height <= 10_000):
            raise ValueError(f"{len(things)} objects in {width} x {height} pixels")
        parsed = [_thing(thing, width, height) for thing in things]
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(f"{shown_name(path.name)} is no label file of LERF-OVS's layout ({error}).") from error
    masks: dict[str, Mask] = {}
    boxes: dict[str, tuple[Box, ...]] = {}
    for category, mask, box in parsed:
        masks[category] = masks[category] | mask if category in masks else mask
        boxes[category] = (*boxes.get(category, ()), box)
    return TrueView(path.stem, cameras[number - 1].resized(width, height), masks, boxes)


def _thing(thing: Mapping[str, Any], width: int, height: int) -> tuple[str, Mask, Box]:
    from PIL import Image, ImageDraw

    points = np.asarray(thing["segmentation"], np.float64)
    left, top, right, bottom = (float(v) for v in thing["bbox"])
    if points.ndim != 2 or points.shape[1] != 2 or not 3 <= len(points) <= MAX_POINTS or not np.isfinite(points).all():
        raise ValueError("a polygon is a list of three or more points")
    canvas = Image.new("1", (width, height))
    ImageDraw.Draw(canvas).polygon([(float(x), float(y)) for x, y in points], fill=1)
    return str(thing["category"]), np.asarray(canvas, bool), (left, top, right, bottom)
