"""Gather Toybox shards into one prepared set: pictures, object masks, free captions, and who is where.

Single toys belong to the concept "toybox/<class>" and have captions too; scenes have captions only. Beside the usual
two files this set has ``toybox.masks.npy`` (N, SIDE, SIDE) uint8 object ids, 0 background, and
``toybox.objects.json``: for each picture [[id, concept key, caption row], ...], the caption being "a red mug".

Run: ``python -m training.pocket_clip.toys --shards SHARDS --data DATA``
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from training.pocket_clip.scenes import attach
from training.toybox.captions import one_of

SIDE_PX = 128
LEAST_SHARE = 0.004  # of the picture: smaller objects are no regions


@dataclass
class Gathered:
    """Rows of all shards, in step with each other."""

    pictures: list[np.ndarray] = field(default_factory=list)  # each (n, SIDE, SIDE, 3) uint8
    masks: list[np.ndarray] = field(default_factory=list)  # each (n, SIDE, SIDE) uint8
    listing: list[list[str]] = field(default_factory=list)  # [concept, split, shard:number]
    captions: list[list[str]] = field(default_factory=list)
    objects: list[list[tuple[int, str, str]]] = field(default_factory=list)  # (id, concept, caption)

    def add(self, path: Path) -> None:
        """Take in one shard."""
        with np.load(path) as shard:
            rgb, masks = resized(shard["rgb"], shard["instances"])
            numbers, metas, is_single = shard["number"], shard["meta"], shard["class_id"] >= 0
        self.pictures.append(rgb)
        self.masks.append(masks)
        split = "train" if "_train_" in path.name else "test"
        for number, text, single in zip(numbers, metas, is_single, strict=True):
            meta = json.loads(str(text))
            name = meta["objects"][0]["class"] if single else "scene"
            self.listing.append([f"toybox/{name}", split, f"{path.name}:{number}"])
            own = [(thing["id"], thing["class"], thing["colour"], thing["pixels"]) for thing in meta["objects"]]
            least = LEAST_SHARE * (int(path.name.split("_")[-2]) ** 2)
            things = [
                (i, f"toybox/{kind}", one_of(kind, f"{colour} {kind}")) for i, kind, colour, px in own if px >= least
            ]
            self.objects.append(things)
            self.captions.append([*meta["captions"], *(caption for *_, caption in things)])


def resized(rgb: np.ndarray, masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bring pictures (n, S, S, 3) and masks (n, S, S) to SIDE_PX."""
    if rgb.shape[1] == SIDE_PX:
        return rgb, masks
    size = (SIDE_PX, SIDE_PX)
    small = [np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC)) for picture in rgb]
    ids = [np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST)) for mask in masks]
    return np.stack(small), np.stack(ids)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--text", type=Path, help="run or packed folder whose text tower makes the targets")
    args = parser.parse_args()
    gathered = Gathered()
    for path in sorted(args.shards.glob("toybox_*_[0-9]*.npz")):
        if ".tmp" not in path.name:
            gathered.add(path)
    np.save(args.data / "toybox.npy", np.concatenate(gathered.pictures))
    np.save(args.data / "toybox.masks.npy", np.concatenate(gathered.masks))
    is_scene = [entry[0] == "toybox/scene" for entry in gathered.listing]
    (args.data / "toybox.json").write_text(json.dumps(gathered.listing))
    # The caption that says what a single toy is stands among its own; a scene's objects speak for themselves only.
    own = [
        texts[: len(texts) - len(things)] if scene else texts
        for texts, things, scene in zip(gathered.captions, gathered.objects, is_scene, strict=True)
    ]
    spoken = {caption for things in gathered.objects for *_, caption in things}
    row_of = attach(args.data, "toybox", own, spoken, text=args.text)
    rows = [[(i, concept, row_of[caption]) for i, concept, caption in things] for things in gathered.objects]
    (args.data / "toybox.objects.json").write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
