"""Held-out Toybox scenes with the truth about every pixel, and how an answer is held against it.

Bundled: ``benchmarks/toybox_held_out`` (JPEG pictures, PNG maps of objects, scenes.json). Other scenes come from a
folder of shards as ``python -m training.toybox render --split held_out --objects 6 --side 384 --n 64 --out FOLDER``
writes them.

    IoU_k = TP_k / (TP_k + FP_k + FN_k) over the pixels of all scenes,  mIoU = mean over the classes that are there

Source: the usual protocol of ADE20K and PASCAL VOC; "other" is no class of the mean, but whatever is called a class
there counts against that class.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

BUNDLED = Path(__file__).with_name("toybox_held_out")
DISTRACTORS = 10
LEAST_PX = 50  # of an object; what is smaller is not asked for
JPEG_QUALITY = 92


@dataclass(frozen=True, eq=False)
class TrueScene:
    """A picture and what is where in it.

    Attributes:
        rgb: (H, W, 3) uint8.
        objects: (H, W) uint8, number of the object at each pixel, 0 = ground and background.
        names: Class of each object by number.
        labels: What is asked for: the scene's classes, then distractors.
    """

    rgb: NDArray[np.uint8]
    objects: NDArray[np.uint8]
    names: dict[int, str]
    labels: tuple[str, ...]

    def true_classes(self, classes: Sequence[str]) -> NDArray[np.intp]:
        """(H, W) position of the class in ``classes`` + 1, 0 for background."""
        of_object = np.zeros(int(self.objects.max()) + 1, np.intp)
        for number, name in self.names.items():
            if number < len(of_object):
                of_object[number] = classes.index(name) + 1
        return of_object[self.objects]

    @property
    def true_masks(self) -> list[NDArray[np.bool_]]:
        """Masks of the objects that are large enough."""
        masks = [self.objects == number for number in self.names]
        return [mask for mask in masks if mask.sum() >= LEAST_PX]


def read_scenes(folder: Path = BUNDLED, count: int | None = None) -> tuple[list[TrueScene], tuple[str, ...]]:
    """Scenes of a folder of either kind, with labels drawn by their position, and all classes there are.

    Raises:
        FileNotFoundError: the folder holds no scenes.
    """
    if (folder / "scenes.json").exists():
        listed = json.loads((folder / "scenes.json").read_text(encoding="utf-8"))
        classes = tuple(listed["classes"])
        raw = [_read_files(folder, row) for row in listed["scenes"][:count]]
    else:
        raw, classes = _read_shards(folder, count)
    scenes = []
    for position, (rgb, objects, names) in enumerate(raw):
        scenes.append(TrueScene(rgb, objects, names, _labels(names.values(), classes, position)))
    return scenes, classes


Raw = tuple[NDArray[np.uint8], NDArray[np.uint8], dict[int, str]]


def _read_files(folder: Path, row: dict[str, object]) -> Raw:
    rgb = np.asarray(Image.open(folder / f"{row['name']}.jpg"))
    objects = np.asarray(Image.open(folder / f"{row['name']}.png"))
    names = dict(enumerate(row["objects"], 1))  # type: ignore[call-overload]
    return rgb, objects, names


def _read_shards(folder: Path, count: int | None) -> tuple[list[Raw], tuple[str, ...]]:
    """Scenes of ``training.toybox`` shards, in the order of their numbers."""
    raw: list[Raw] = []
    classes: tuple[str, ...] = ()
    for path in sorted(folder.glob("toybox_scene*_held_out_*.npz")):
        with np.load(path) as shard:
            classes = tuple(str(name) for name in shard["classes"])
            pictures, maps = shard["rgb"], shard["instances"]
            for at, text in enumerate(shard["meta"]):
                if count is not None and len(raw) == count:
                    break
                names = {int(thing["id"]): str(thing["class"]) for thing in json.loads(str(text))["objects"]}
                raw.append((pictures[at], maps[at], names))
    if not raw:
        raise FileNotFoundError(f"{folder} holds neither scenes.json nor toybox_scene*_held_out_*.npz")
    return raw, classes


def _labels(own: Iterable[str], classes: Sequence[str], seed: int) -> tuple[str, ...]:
    """The scene's classes, each once, and distractors that are not there."""
    there = list(dict.fromkeys(own))
    others = [name for name in classes if name not in there]
    drawn = np.random.default_rng(seed).choice(others, DISTRACTORS, replace=False)
    return (*there, *(str(name) for name in drawn))


def bundle(source: Path, count: int, *, side_px: int, folder: Path = BUNDLED) -> None:
    """Write the bundled scenes from a folder of shards; pictures are made smaller, maps too."""
    raw, classes = _read_shards(source, count)
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, (rgb, objects, names) in enumerate(raw):
        small = Image.fromarray(rgb).resize((side_px, side_px), Image.Resampling.LANCZOS)
        small.save(folder / f"{number:02d}.jpg", quality=JPEG_QUALITY, subsampling=0)
        order = sorted(names)
        new_of = np.zeros(256, np.uint8)
        new_of[order] = np.arange(1, len(order) + 1)
        Image.fromarray(new_of[objects]).resize((side_px, side_px), Image.Resampling.NEAREST).save(
            folder / f"{number:02d}.png", optimize=True
        )
        rows.append({"name": f"{number:02d}", "objects": [names[n] for n in order]})
    (folder / "scenes.json").write_text(json.dumps({"classes": classes, "scenes": rows}, indent=1) + "\n")


class Confusion:
    """Pixels by true and by given class, over all scenes."""

    def __init__(self, classes: int) -> None:
        """Start at zero for so many classes beside background."""
        self.pixels = np.zeros((classes + 1, classes + 1), np.int64)

    def add(self, truth: NDArray[np.integer], given: NDArray[np.integer]) -> None:
        """Count one scene; (H, W) each, 0 = background or other."""
        size = len(self.pixels)
        found = np.bincount((truth * size + given).ravel(), minlength=size * size)
        self.pixels += found.reshape(size, size)

    @property
    def iou(self) -> NDArray[np.float64]:
        """(C + 1,) IoU of background and classes; NaN for a class that is nowhere."""
        hits = np.diag(self.pixels)
        either = self.pixels.sum(axis=0) + self.pixels.sum(axis=1) - hits
        is_there = self.pixels.sum(axis=1) > 0
        return np.where(is_there, hits / np.maximum(either, 1), np.nan)

    @property
    def mean_iou(self) -> float:
        """Mean over the classes that are there, without background."""
        return float(np.nanmean(self.iou[1:]))


def recall(truth: Sequence[NDArray[np.bool_]], masks: Sequence[NDArray[np.bool_]], iou: float = 0.5) -> tuple[int, int]:
    """How many true masks some mask meets at this IoU, and how many there are."""
    best = [max((overlap(true, mask) for mask in masks), default=0.0) for true in truth]
    return sum(value >= iou for value in best), len(truth)


def agreement(first: Sequence[NDArray[np.bool_]], second: Sequence[NDArray[np.bool_]]) -> float:
    """Mean IoU of two sets of masks matched one to one, best pairs first; unmatched ones count 0."""
    if not first or not second:
        return float(len(first) == len(second))
    flat = [np.stack([mask.ravel() for mask in masks]).astype(np.float32) for masks in (first, second)]
    shared = flat[0] @ flat[1].T
    either = flat[0].sum(axis=1)[:, None] + flat[1].sum(axis=1)[None] - shared
    values = shared / np.maximum(either, 1.0)
    total = 0.0
    for _ in range(min(values.shape)):
        at = np.unravel_index(values.argmax(), values.shape)
        total += float(values[at])
        values[at[0], :], values[:, at[1]] = -1.0, -1.0
    return total / max(len(first), len(second))


def overlap(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """IoU of two masks; 0 for two empty ones."""
    either = int((first | second).sum())
    return float((first & second).sum() / either) if either else 0.0
