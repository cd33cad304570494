"""From a frozen answer to the plain JSON that the page's views show; no arithmetic on scores here."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from demos.segmentation.answers import ClickAnswer, Mask, Region, Segmentation, WordScore
from demos.segmentation.batch import Batch

SHOWN_PX = 1_024  # longer side of the maps that go to the page
PHOTO_PX = 1_600  # longer side of the photo that goes to the page
_STAGE_WORDS = {
    "regions": "finding regions",
    "dense": "dense features",
    "crops": "cut-outs",
    "arrange": "arranging",
    "words": "words",
    "label": "naming",
}


def seconds_words(seconds: float) -> str:
    """A wall time for people: "84 ms", "1.3 s"."""
    return f"{1000 * seconds:.0f} ms" if seconds < 0.9995 else f"{seconds:.1f} s"


def hex_colour(rgb: tuple[int, int, int]) -> str:
    """``(255, 0, 16)`` -> ``"#ff0010"``."""
    return "#" + "".join(f"{value:02x}" for value in rgb)


def shrunk(cells: NDArray[Any], longest_px: int = SHOWN_PX) -> NDArray[Any]:
    """A map (H, W) whose longer side is at most ``longest_px``: the cell in the middle of each block, never a mean."""
    height, width = cells.shape
    scale = longest_px / max(height, width)
    if scale >= 1:
        return cells
    new_height, new_width = max(1, round(height * scale)), max(1, round(width * scale))
    rows = ((np.arange(new_height) + 0.5) * height / new_height).astype(np.intp)
    columns = ((np.arange(new_width) + 0.5) * width / new_width).astype(np.intp)
    return cells[rows[:, None], columns]


def packed_map(cells: NDArray[np.integer[Any]]) -> dict[str, Any]:
    """A map (H, W) of small whole numbers as assets/views/segment_map.js unpacks it.

    Each row stands as its XOR with the row above, little endian, zlib, base64: an id map of 1,024 x 768 with a
    hundred regions takes some 10 kB. An image file would be read back through a canvas, which some browsers blur
    against fingerprinting; an id must be exact.

    Raises:
        ValueError: a value is negative or above 65,535.
    """
    if cells.size and (cells.min() < 0 or cells.max() > 65_535):
        raise ValueError(f"ids must be in 0 to 65,535, got {cells.min()} to {cells.max()}")
    bits = 8 if cells.max(initial=0) < 256 else 16
    small = cells.astype("u1" if bits == 8 else "<u2")
    small[1:] ^= small[:-1].copy()
    data = base64.b64encode(zlib.compress(small.tobytes(), 6)).decode()
    return {"width": cells.shape[1], "height": cells.shape[0], "bits": bits, "data": data}


def mask_bits(masks: tuple[Mask, ...]) -> NDArray[np.uint8]:
    """Up to eight masks (H, W) in one map: bit i says whether mask i holds the pixel."""
    bits = np.zeros(shrunk(masks[0]).shape, np.uint8)
    for index, mask in enumerate(masks):
        bits |= shrunk(mask).astype(np.uint8) << index
    return bits


def _words(words: tuple[WordScore, ...]) -> list[dict[str, Any]]:
    return [{"word": word.word, "score": word.score} for word in words]


def _region(region: Region, guesses: frozenset[int]) -> dict[str, Any]:
    return {
        "id": region.id,
        "label": region.label_index,
        "name": region.label,
        "score": region.score,
        "words": _words(region.words),
        "share": region.share,
        "box": list(region.box_xyxy),
        "point": list(region.point_xy),
        "level": region.level,
        "isGuess": region.id in guesses,
    }


def labelling_seconds(seconds: Mapping[str, float]) -> float:
    """The part of the time that new words and thresholds take."""
    return sum(seconds.get(stage, 0.0) for stage in ("words", "label"))


def foot(seconds: Mapping[str, float], models: tuple[str, ...], *, is_kept: bool = False) -> str:
    """Time and models in a line, as in "1.3 s with pocket-clip and pocket-sam: finding regions 1.1 s, naming 20 ms".

    Args:
        seconds: Wall time of each stage.
        models: Their names.
        is_kept: What the models saw was kept from before; only words and thresholds were new.
    """
    by = " and ".join(models)
    if is_kept:
        before = seconds_words(sum(seconds.values()) - labelling_seconds(seconds))
        return f"{seconds_words(labelling_seconds(seconds))} with {by}; what they saw is kept from before ({before})."
    stages = ", ".join(f"{_STAGE_WORDS.get(name, name)} {seconds_words(value)}" for name, value in seconds.items())
    return f"{seconds_words(sum(seconds.values()))} with {by}: {stages}."


def packed_heat(maps: NDArray[np.float32], names: tuple[str, ...]) -> dict[str, Any]:
    """Score maps (h, w, C) in [0, 1] for the page: 256 steps, one word after the other, zlib, base64."""
    steps = np.rint(np.clip(maps, 0.0, 1.0) * 255).astype(np.uint8).transpose(2, 0, 1)
    data = base64.b64encode(zlib.compress(np.ascontiguousarray(steps).tobytes(), 6)).decode()
    return {"names": list(names), "width": maps.shape[1], "height": maps.shape[0], "data": data}


def answer_value(
    segmentation: Segmentation, serial: int, *, heat: Mapping[str, Any] | None = None, is_kept: bool = False
) -> dict[str, Any]:
    """The answer as assets/views/segment.js draws it.

    Args:
        segmentation: The answer.
        serial: Tells one answer from the next.
        heat: Of :func:`packed_heat`; without it the view colours whole regions.
        is_kept: What the models saw was kept from before.
    """
    guesses = frozenset(segmentation.guesses)
    return {
        "serial": serial,
        "map": packed_map(shrunk(segmentation.region_map)),
        "labels": [
            {
                "index": row.index,
                "name": row.name,
                "colour": hex_colour(row.colour_rgb),
                "threshold": row.threshold,
                "share": row.share,
                "regions": row.regions,
                "best": row.best_score,
            }
            for row in segmentation.labels
        ],
        "regions": [_region(region, guesses) for region in segmentation.regions],
        "mode": segmentation.mode,
        "heat": heat,
        "foot": foot(segmentation.seconds, segmentation.models, is_kept=is_kept),
        "notes": list(segmentation.notes),
    }


def found_value(answer: ClickAnswer, serial: int) -> dict[str, Any]:
    """What a click found, as assets/views/segment_panels.js offers it; ``serial`` is that of the click."""
    return {
        "serial": serial,
        "map": packed_map(mask_bits(tuple(candidate.mask for candidate in answer.candidates))),
        "items": [
            {
                "words": _words(candidate.words),
                "share": candidate.share,
                "box": list(candidate.box_xyxy),
                "level": candidate.level,
                "predicted_iou": candidate.predicted_iou,
            }
            for candidate in answer.candidates
        ],
        "best": answer.best,
        "foot": f"{seconds_words(answer.seconds)} with {' and '.join(answer.models)}.",
        "notes": list(answer.notes),
    }


def table_value(batch: Batch) -> dict[str, Any]:
    """A batch as assets/views/segment_table.js draws it: one row a picture with its largest labels."""
    failed = sum(1 for row in batch.rows if row.error)
    time_words, models = seconds_words(batch.seconds), " and ".join(batch.models)
    tail = f"; {failed} could not be read" if failed else ""
    return {
        "rows": [
            {
                "name": row.name,
                "labels": [{"name": name, "share": share} for name, share in row.labels],
                "regions": row.regions,
                "error": row.error,
            }
            for row in batch.rows
        ],
        "notes": list(batch.notes),
        "count": len(batch.rows),
        "failed": failed,
        "models": list(batch.models),
        "foot": f"{len(batch.rows)} pictures in {time_words} with {models}{tail}.",
    }
