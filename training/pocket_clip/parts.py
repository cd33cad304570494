"""Cut-outs of toys and of their parts, each with its words: "handle of the mug", "mug".

The 3D and the segmentation tab embed a region as a cut-out on the mean colour and by the cells inside it; a tower that
only saw whole pictures takes a handle for the whole mug. Writes ``parts.npy`` (N, SIDE, SIDE, 4) uint8, squares of
WINDOW times a region's box with its mask as alpha, ``parts.json`` [[class, part or ""], ...], the words of which each
cut-out names one, and ``parts.npz``: ``words`` (N,) int32 and ``targets`` (T, W, D) float16, the words in T templates.

Run: ``python -m training.pocket_clip.parts --shards SHARDS --data DATA --text TEXT``
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from training.pocket_clip import bank as banks
from training.toybox.captions import PAIRED_PARTS, plural_part

log = logging.getLogger(__name__)

SIDE_PX = 80
WINDOW = 1.6  # side of what is stored, in sides of the region's box
LEAST_PX = 40  # of a part in its picture
LEAST_SHARE = 0.03  # of its object: less is a detail that nobody asks for
MOST_PARTS = 3  # of one object
WHOLE_SHARE = 0.4  # of the objects also stand as a whole
TEMPLATES = (
    ("{part} of the {thing}", "{thing}"),
    ("the {part} of the {thing}", "the {thing}"),
    ("{thing} {part}", "a {thing}"),
)


def phrase(template: tuple[str, str], thing: str, part: str) -> str:
    """A thing's part in words, or the thing itself where ``part`` is empty."""
    return template[0].format(part=part, thing=thing) if part else template[1].format(thing=thing)


def window_of(rgb: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A square around a region with its mask as alpha: (H, W, 3), (H, W) bool -> (SIDE_PX, SIDE_PX, 4) uint8.

    What lies outside the picture repeats its edge.
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    side = max(8, round(max(rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1) * WINDOW))
    top, left = (rows[0] + rows[-1] + 1 - side) // 2, (columns[0] + columns[-1] + 1 - side) // 2
    down, across = np.arange(top, top + side), np.arange(left, left + side)
    inside = ((down >= 0) & (down < mask.shape[0]))[:, None] & ((across >= 0) & (across < mask.shape[1]))
    place = np.ix_(down.clip(0, mask.shape[0] - 1), across.clip(0, mask.shape[1] - 1))
    alpha = (mask[place] & inside).astype(np.uint8) * np.uint8(255)
    size = (SIDE_PX, SIDE_PX)
    colours = Image.fromarray(rgb[place]).resize(size, Image.Resampling.BICUBIC)
    return np.dstack([np.asarray(colours), np.asarray(Image.fromarray(alpha).resize(size, Image.Resampling.BILINEAR))])


def regions_of(
    meta: dict[str, Any], instances: np.ndarray, parts: np.ndarray, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, str, str]]:
    """Masks (H, W) bool of a view with class and part; the part is empty for whole objects."""
    for thing in meta["objects"]:
        whole = instances == thing["id"]
        area = int(whole.sum())
        if area < LEAST_PX:
            continue
        if rng.random() < WHOLE_SHARE:
            yield whole, thing["class"], ""
        names = sorted({name for _, owner, name, _ in meta["parts"] if owner == thing["id"]} - {thing["class"]})
        found = 0
        for pick in rng.permutation(len(names)):
            ids = [i for i, owner, name, _ in meta["parts"] if owner == thing["id"] and name == names[pick]]
            mask = np.isin(parts, ids)
            if (own := int(mask.sum())) >= LEAST_PX and own >= LEAST_SHARE * area and found < MOST_PARTS:
                found += 1
                yield mask, thing["class"], names[pick]


def gather(shards: Path, most: int, seed: int = 0) -> tuple[np.ndarray, list[tuple[str, str]]]:
    """Up to ``most`` cut-outs of the training shards, evenly spread, and what each shows."""
    rng = np.random.default_rng(seed)
    paths = sorted(path for path in shards.glob("toybox_*_train_*.npz") if ".tmp" not in path.name)
    pictures, shown = [], []
    for path in paths:
        with np.load(path) as shard:
            rgb, instances, parts, metas = (shard[name] for name in ("rgb", "instances", "parts", "meta"))
        left = most // len(paths)
        for number in rng.permutation(len(rgb)):
            meta = json.loads(str(metas[number]))
            for mask, thing, part in regions_of(meta, instances[number], parts[number], rng):
                pictures.append(window_of(rgb[number], mask))
                shown.append((thing, part))
                left -= 1
            if left <= 0:
                break
        log.info("%s: %d cut-outs so far", path.name, len(pictures))
    return np.stack(pictures), shown


def spoken(part: str) -> str:
    """A part as it is asked for: "wheels" where it comes in numbers."""
    return plural_part(part) if part in PAIRED_PARTS else part


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--text", type=Path, required=True, help="text tower whose space the targets lie in")
    parser.add_argument("--most", type=int, default=48_000)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    pictures, shown = gather(args.shards, args.most)
    unique = sorted(set(shown))
    row_of = {one: row for row, one in enumerate(unique)}
    embed, mean = banks.embedder(args.text), banks.load(args.data).mean
    said = [[phrase(template, thing, spoken(part)) for thing, part in unique] for template in TEMPLATES]
    said.append([phrase(TEMPLATES[0], thing, part) for thing, part in unique])  # in the singular
    targets = np.stack([banks.centre(embed(texts), mean) for texts in said]).astype(np.float16)
    np.save(args.data / "parts.npy", pictures)
    np.savez(args.data / "parts.npz", words=np.array([row_of[one] for one in shown], np.int32), targets=targets)
    (args.data / "parts.json").write_text(json.dumps(unique))


if __name__ == "__main__":
    main()
