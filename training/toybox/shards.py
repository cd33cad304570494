"""Training pictures on disk: many random views in compact .npz shards, made by one or two polite processes.

A shard holds arrays of equal length n: ``rgb`` (n, S, S, 3) uint8, ``instances`` (n, S, S) uint8 (object ids, 0
background), ``parts`` (n, S, S) uint8 (part ids, 0 background), ``number`` (n,) int64 (the picture's number in its
split), and ``meta`` (n,) JSON: {"captions": [...], "stage": ..., "objects": [{"id", "class", "class_id", "colour",
"look", "size_m", "box_xyxy", "pixels"}], "parts": [[id, object id, name, colour], ...]}.
For single-object pictures ``class_id`` (n,) int16 and ``colour_id`` (n,) int16 repeat the answer; else they are -1.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.toybox.classes import CLASSES
from training.toybox.palette import COLOURS
from training.toybox.render import View
from training.toybox.views import Split, picture_rng, render_scene, render_single

SHARD_PICTURES = 1000


@dataclass(frozen=True)
class Job:
    """One shard to make: pictures ``first`` to ``first + n`` of a split."""

    split: Split
    first: int
    n: int
    side_px: int
    max_objects: int
    folder: Path

    @property
    def path(self) -> Path:
        """File of the shard."""
        kind = "single" if self.max_objects == 1 else f"scene{self.max_objects}"
        return self.folder / f"toybox_{kind}_{self.split}_{self.side_px}_{self.first:07d}.npz"


def picture(split: Split, number: int, side_px: int, max_objects: int = 1) -> View:
    """Return picture ``number`` of a split: singles take the classes in turn, scenes hold 2 to ``max_objects``."""
    rng = picture_rng(split, number)
    if max_objects == 1:
        return render_single(CLASSES[number % len(CLASSES)], rng, side_px, split=split)
    return render_scene(rng, side_px, int(rng.integers(2, max_objects + 1)), split=split)


def view_meta(view: View) -> str:
    """Return what a shard says of one view, as JSON."""
    objects = [
        {
            "id": thing.id, "class": thing.class_name, "class_id": CLASSES.index(thing.class_name),
            "colour": thing.colour, "look": thing.look, "size_m": round(thing.size_m, 3),
            "box_xyxy": thing.box_xyxy, "pixels": thing.pixels,
        }
        for thing in view.objects
    ]  # fmt: skip
    parts = [[label.id, label.object_id, label.name, label.colour] for label in view.part_labels]
    return json.dumps({"captions": view.captions, "stage": view.stage, "objects": objects, "parts": parts})


def write_shard(job: Job) -> Path:
    """Render and write one shard; a finished shard is left alone, so an interrupted run goes on where it stopped."""
    if job.path.exists():
        return job.path
    views = [picture(job.split, job.first + i, job.side_px, job.max_objects) for i in range(job.n)]
    is_single = job.max_objects == 1
    partial = job.path.with_suffix(".tmp.npz")
    np.savez_compressed(
        partial,
        rgb=np.stack([view.rgb for view in views]),
        instances=np.stack([view.instances for view in views]).astype(np.uint8),
        parts=np.stack([view.parts for view in views]).clip(max=255).astype(np.uint8),
        number=np.arange(job.first, job.first + job.n),
        class_id=np.array([CLASSES.index(v.objects[0].class_name) if is_single else -1 for v in views], np.int16),
        colour_id=np.array([COLOURS.index(v.objects[0].colour) if is_single else -1 for v in views], np.int16),
        meta=np.array([view_meta(view) for view in views]),
        classes=np.array(CLASSES),
    )
    partial.replace(job.path)
    return job.path


def write_shards(
    split: Split, n: int, side_px: int, folder: Path, *, max_objects: int = 1, first: int = 0, processes: int = 1
) -> Iterator[Path]:
    """Yield the shards of ``n`` pictures as they are finished."""
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [
        Job(split, first + start, min(SHARD_PICTURES, n - start), side_px, max_objects, folder)
        for start in range(0, n, SHARD_PICTURES)
    ]
    if processes <= 1:
        yield from map(write_shard, jobs)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(write_shard, jobs)
