"""Gather Toybox shards into one prepared set with free captions, and add the toy classes to the concepts.

Single toys belong to the concept "toybox/<class>" and have captions too; scenes have captions only.

Run: ``python -m training.pocket_clip.toys --shards SHARDS --data DATA``
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from training.pocket_clip.scenes import attach


def gather(shards: list[Path]) -> tuple[np.ndarray, list[list[str]], list[list[str]]]:
    """Pictures (N, S, S, 3) uint8, listing rows [concept, split, shard:number], captions of each picture."""
    pictures, listing, captions = [], [], []
    for path in shards:
        if ".tmp" in path.name:
            continue
        shard = np.load(path)
        split = "train" if "_train_" in path.name else "test"
        pictures.append(shard["rgb"])
        for place, (number, text) in enumerate(zip(shard["number"], shard["meta"], strict=True)):
            meta = json.loads(str(text))
            is_single = int(shard["class_id"][place]) >= 0
            name = meta["objects"][0]["class"] if is_single else "scene"
            listing.append([f"toybox/{name}", split, f"{path.name}:{number}"])
            captions.append(list(meta["captions"]))
    return np.concatenate(pictures), listing, captions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    args = parser.parse_args()
    pictures, listing, captions = gather(sorted(args.shards.glob("toybox_*_[0-9]*.npz")))
    np.save(args.data / "toybox.npy", pictures)
    (args.data / "toybox.json").write_text(json.dumps(listing))
    attach(args.data, "toybox", captions)


if __name__ == "__main__":
    main()
