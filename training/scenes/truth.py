"""What is true about the bundled scenes: queries with the parts that answer them, and part masks of some views.

A truth file (``truth.npz``) holds ``queries`` (Q,) JSON text, one ``{"query", "kind", "parts"}`` each, kind one of
object, attribute and part; ``parts`` (V, H, W) uint8, ids of parts, 0 for the stage; ``is_held_out`` (V,) bool: views
that no scene was fitted to; ``camera_intrinsics`` (V, 6) = width, height, fx, fy, cx, cy and ``camera_world_to_cam``
(V, 4, 4), OpenCV axes, as in the hub's scene files; ``part_names`` (P,) text "object/part" for ids 1 to P.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.toybox.render import View

LABELLED_TRAIN_VIEWS = 16  # enough for every surface to be seen; what Gaussians are labelled by
LEAST_PX = 60.0  # mean over the views that show a part: smaller ones are not asked for

# Parts that people have a word for, by class; the generator's other parts are its own business.
ASKED: dict[str, tuple[str, ...]] = {
    "teapot": ("lid", "spout", "handle"),
    "mug": ("handle",),
    "car": ("windscreen", "wheel"),
    "gift": ("ribbon", "bow"),
    "duck": ("head", "beak", "wing"),
    "flower": ("petal", "pot", "leaf"),
    "cactus": ("pot",),
    "teddy bear": ("head", "ear", "arm", "foot"),
    "candle": ("flame", "holder"),
    "robot": ("head", "arm"),
    "pineapple": ("leaf",),
    "bed": ("pillow", "blanket"),
    "bookshelf": ("book",),
    "piano": ("bench", "lid", "white key"),
    "sofa": ("cushion", "pillow"),
    "table": ("leg", "top"),
    "lamp": ("shade", "base"),
    "television": ("screen",),
    "armchair": ("seat",),
    "suitcase": ("handle",),
    "globe": ("stand",),
}


def queries_of(view: View, mean_px: dict[int, float]) -> list[dict[str, object]]:
    """What to ask: every object by its class and by colour and class, and parts as "handle of the mug".

    Args:
        view: Any view of the scene; only its labels are read.
        mean_px: Mean pixels of every part in the views that show it.
    """
    asked: list[dict[str, object]] = []
    for thing in view.objects:
        own = [part.id for part in view.part_labels if part.object_id == thing.id]
        asked.append({"query": thing.class_name, "kind": "object", "parts": own})
        asked.append({"query": f"{thing.colour} {thing.class_name}", "kind": "attribute", "parts": own})
        for name in ASKED.get(thing.class_name, ()):
            parts = [part.id for part in view.part_labels if part.object_id == thing.id and part.name == name]
            if parts and sum(mean_px.get(part, 0.0) for part in parts) >= LEAST_PX:
                asked.append({"query": f"{name} of the {thing.class_name}", "kind": "part", "parts": parts})
    return asked


def write_truth(path: Path, train: Sequence[View], held_out: Sequence[View]) -> int:
    """Write the truth file of a scene; returns the number of queries."""
    places = np.linspace(0, len(train) - 1, LABELLED_TRAIN_VIEWS).round().astype(int)
    views = [*(train[int(place)] for place in places), *held_out]
    sums: dict[int, list[int]] = {}
    for view in views:
        for part, count in zip(*np.unique(view.parts, return_counts=True), strict=True):
            sums.setdefault(int(part), []).append(int(count))
    queries = queries_of(views[0], {part: float(np.mean(counts)) for part, counts in sums.items()})
    cameras = [view.camera for view in views]
    names = [f"{views[0].objects[part.object_id - 1].class_name}/{part.name}" for part in views[0].part_labels]
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        queries=np.array([json.dumps(query) for query in queries], np.str_),
        parts=_narrow(np.stack([view.parts for view in views])),
        is_held_out=np.arange(len(views)) >= LABELLED_TRAIN_VIEWS,
        camera_intrinsics=np.array([(c.width_px, c.height_px, c.fx, c.fy, c.cx, c.cy) for c in cameras]),
        camera_world_to_cam=np.stack([camera.world_to_cam for camera in cameras]),
        part_names=np.array(names, np.str_),
    )
    path.write_bytes(stream.getvalue())
    return len(queries)


def _narrow(parts: NDArray[np.int32]) -> NDArray[np.uint8]:
    if int(parts.max()) > 255:
        raise ValueError(f"the scene has {int(parts.max())} parts; at most 255 fit into the file")
    return parts.astype(np.uint8)
