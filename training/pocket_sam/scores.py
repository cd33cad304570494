"""Figures of a packed pocket-sam folder: clicks and automatic masks on held-out scenes, covering of BSDS val photos.

Everything goes through core.sam, as on a visitor's machine. n of the clicks is scenes: objects of one picture are not
independent samples.

Run: ``python -m training.evaluate pocket-sam --data DATA --raw RAW [--json] [--write]``
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.catalog import spec
from core.sam import AutomaticOptions, Prompt, PromptableSam, load
from training.pocket_sam import held_out
from training.pocket_sam.measures import covering, innermost, iou, next_click, overlap_table, partition
from training.score import Z_95, Score, mean, share

NAME = "pocket-sam"
CLICKS = 3
RECALLED = 0.5  # IoU
LARGE_SHARE = 0.01  # of the picture
POINTS_PER_SIDE = 24
BSDS_POINTS_PER_SIDE = 16
LOOSE = AutomaticOptions(POINTS_PER_SIDE, pred_iou=0.0, stability=0.4, nms_iou=0.95, adaptive=False)
COVERING_CUTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
DISJOINT_TOYS = "azimuth sectors, picture seeds and colour pairs never rendered for training"
DISJOINT_BSDS = "BSDS500 val; train photos were trained, test photos opened by nobody"


def open_folder(folder: Path) -> PromptableSam:
    """A packed folder, loaded as the hub loads it; a new one is in no row of the catalogue yet."""
    return load(folder, replace(spec("sam-vit-b"), name=NAME, title="Pocket SAM", family="pocket-sam"))


@dataclass(frozen=True)
class Clicks:
    """IoU with one object of a simulated user's clicks."""

    best_of_3: float
    first_choice: float
    by_box: float
    after_clicks: float


def click(sam: PromptableSam, rgb: NDArray[np.uint8], truth: NDArray[np.bool_]) -> Clicks:
    """Ask for one object: by its innermost point, by its box, and with corrections."""
    points, labels = [innermost(truth)], [1]
    first = sam.prompt(rgb, Prompt(np.array(points, np.float32), np.array(labels)))
    found = [iou(mask, truth) for mask in first.masks]
    rows, columns = np.nonzero(truth.any(1))[0], np.nonzero(truth.any(0))[0]
    box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)
    boxed = sam.prompt(rgb, Prompt(box_xyxy=box))
    answer = first
    for _ in range(CLICKS - 1):
        place, label = next_click(truth, answer.masks[answer.best])
        points.append(place)
        labels.append(label)
        logits = answer.logits[answer.best]
        answer = sam.prompt(rgb, Prompt(np.array(points, np.float32), np.array(labels), mask_logits=logits))
    ends = (found[first.best], iou(boxed.masks[boxed.best], truth), iou(answer.masks[answer.best], truth))
    return Clicks(max(found), *ends)


def mean_of_scenes(name: str, what: str, by_scene: list[NDArray[np.floating]], bar: float | None = None) -> Score:
    """Mean over all objects, its interval from the scenes: objects of one picture are not independent samples.

    Source: ratio estimator of a cluster sample (Cochran 1977, Sampling Techniques, 6.2).
    """
    together = np.concatenate(by_scene)
    value = float(together.mean())
    spread = np.array([float((values - value).sum()) for values in by_scene])
    error = Z_95 * float(np.sqrt((spread**2).sum())) / len(together)
    low, middle, high = (round(end, 4) for end in (value - error, value, value + error))
    return Score(name, what, middle, len(by_scene), low, high, bar, disjoint=DISJOINT_TOYS)


def click_scores(sam: PromptableSam, data: Path, most: int | None = None) -> list[Score]:
    """Clicks on every object of the held-out scenes."""
    by_scene = []
    for picture in held_out.scenes(data, most=most):
        asked = [click(sam, picture.rgb, truth) for truth in picture.truth]
        by_scene.append(np.array([(c.best_of_3, c.first_choice, c.by_box, c.after_clicks) for c in asked]))
    where = f"{sum(map(len, by_scene))} objects of held-out Toybox scenes"
    named = (
        ("toys_point", f"{where}: IoU of the best of 3 masks at one click", 0.75),
        ("toys_point_first", "the same, the mask that the model itself prefers", None),
        ("toys_box", "the same objects asked for by their box", None),
        ("toys_clicks", f"the same after {CLICKS} clicks", None),
    )
    return [
        mean_of_scenes(name, what, [values[:, column] for values in by_scene], bar)
        for column, (name, what, bar) in enumerate(named)
    ]


def recall_scores(sam: PromptableSam, data: Path, most: int | None = None) -> list[Score]:
    """Automatic masks with the folder's own thresholds: which objects are found."""
    hits, is_large, counts = [], [], []
    for picture in held_out.scenes(data, most=most):
        found = sam.automatic(picture.rgb, AutomaticOptions(POINTS_PER_SIDE))
        counts.append(len(found))
        table = overlap_table(found.full(), picture.truth) if len(found) else np.zeros((1, len(picture.truth)))
        hits.extend((table.max(0) >= RECALLED).tolist())
        is_large.extend((picture.truth.mean((1, 2)) >= LARGE_SHARE).tolist())
    large = np.array(hits)[np.array(is_large)]
    what = f"held-out Toybox scenes, automatic masks ({POINTS_PER_SIDE} x {POINTS_PER_SIDE} points)"
    return [
        share("toys_recall", f"{what}: objects found at IoU 0.5", np.array(hits), 90.0, disjoint=DISJOINT_TOYS),
        share("toys_recall_large", "the same, objects of 1 % of the picture or more", large, disjoint=DISJOINT_TOYS),
        mean("toys_masks", "automatic masks a scene", np.array(counts, float), digits=1, disjoint=DISJOINT_TOYS),
    ]


def coverings(sam: PromptableSam, pictures: list[held_out.Picture]) -> NDArray[np.float64]:
    """Covering of each photo at each threshold: (photos, len(COVERING_CUTS)).

    The threshold is on the predicted IoU; what passes is painted in the order of predicted IoU x stability, the best on
    top. On train photos that gave 0.48, painting small masks on large ones 0.34.
    """
    rows = []
    options = AutomaticOptions(
        BSDS_POINTS_PER_SIDE, pred_iou=COVERING_CUTS[0], stability=0.5, nms_iou=0.9, adaptive=False
    )
    for picture in pictures:
        found = sam.automatic(picture.rgb, options)
        masks, row = found.full(), []
        by_quality = np.argsort(found.predicted_iou * found.stability, kind="stable")
        for cut in COVERING_CUTS:
            labels = partition(masks, by_quality[found.predicted_iou[by_quality] > cut])
            row.append(float(np.mean([covering(labels, truth) for truth in picture.truth])))
        rows.append(row)
    return np.array(rows)


def bsds_scores(sam: PromptableSam, raw: Path, most: int | None = None) -> list[Score]:
    """Covering of BSDS val at the best threshold of the set, and at the best of every photo."""
    table = coverings(sam, held_out.bsds(raw, most=most))
    best = int(table.mean(0).argmax())
    what = f"BSDS500 val, covering by automatic masks, ODS (predicted IoU over {COVERING_CUTS[best]:g})"
    return [
        mean("bsds_covering", what, table[:, best], 0.45, disjoint=DISJOINT_BSDS),
        mean(
            "bsds_covering_ois", "the same with the best threshold of every photo", table.max(1), disjoint=DISJOINT_BSDS
        ),
    ]


def cost_scores(sam: PromptableSam, folder: Path) -> list[Score]:
    """CPU time of one photo's encoding and of one click, on one thread, and the folder's size."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    rng, embedding, clicks = np.random.default_rng(0), [], []
    for _ in range(11):
        photo = rng.integers(0, 255, (480, 640, 3), dtype=np.uint8)
        start = time.process_time()
        sam.embed(photo)
        middle = time.process_time()
        sam.prompt(photo, Prompt(np.array([[320, 240]], np.float32), np.array([1])))
        embedding.append(1000 * (middle - start))
        clicks.append(1000 * (time.process_time() - middle))
    torch.set_num_threads(threads)
    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file()) / 1e6
    return [
        _median("encode_ms", "encoding a 640 x 480 photo, ms of CPU time on one core, median", embedding[1:]),
        _median("click_ms", "one click on it, three masks at full size, likewise", clicks[1:]),
        Score(
            "megabytes", "folder, 10**6 bytes", round(size, 2), 1, round(size, 2), round(size, 2), 30.0, at_most=True
        ),
    ]


def _median(name: str, what: str, values: list[float]) -> Score:
    low, middle, high = (round(float(np.quantile(values, q)), 1) for q in (0.025, 0.5, 0.975))
    return Score(name, what, middle, len(values), low, high, at_most=True)


def rows(folder: Path, data: Path, raw: Path, most: int | None = None, *, only: Sequence[str] = ()) -> list[Score]:
    """All figures of a packed folder.

    Args:
        folder: config.json, model.safetensors.
        data: Where the held-out Toybox shards are, or the folder beside theirs.
        raw: Holds bsds/images/val and bsds/groundTruth/val.
        most: Pictures of each set; None takes all that are scored.
        only: Of "clicks", "recall", "bsds", "cost"; empty takes all.

    Raises:
        FileNotFoundError: a set is missing.
    """
    sam = open_folder(folder)
    parts: dict[str, Callable[[], list[Score]]] = {
        "clicks": lambda: click_scores(sam, data, most),
        "recall": lambda: recall_scores(sam, data, most),
        "bsds": lambda: bsds_scores(sam, raw, most),
        "cost": lambda: cost_scores(sam, folder),
    }
    return [score for name, part in parts.items() if not only or name in only for score in part()]
