"""Pictures and captions as the shipped pocket-clip embeds them: what pocket-diffdis learns from and is measured on.

Run: ``python -m training.pocket_diffdis.features --raw RAW --data DATA --out FEATURES``

What pocket-clip holds out is held out here: thirty photo classes, eight subgroups of emoji, every val and test list.
"""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

import numpy as np
import torch

from training.evaluate import ROOT
from training.pocket_clip import captions
from training.pocket_clip.bank import is_held_out
from training.pocket_clip.packed import Packed
from training.pocket_clip.scores_emoji import on_white

log = logging.getLogger(__name__)
GUIDE = ROOT / "pocket-clip"
TRAINED = {  # set -> pictures a class at most
    "tiny": 60, "cifar": 300, "caltech": 25, "pacs": 150, "grocery": 20, "clothing": 100, "houses": 100,
    "fluent": 1, "noto": 1,
}  # fmt: skip
TESTED = {"tiny": 5_000, "cifar": 2_000, "caltech": 2_748}  # pictures at most, evenly spaced


def chosen(listing: list[list[object]], split: str, a_class: int) -> list[int]:
    """Rows of a split, at most ``a_class`` of each class that may be trained, in their order."""
    counts: dict[str, int] = {}
    rows = []
    for row, (key, own, *_) in enumerate(listing):
        if own != split or is_held_out(str(key)) or counts.get(str(key), 0) >= a_class:
            continue
        counts[str(key)] = counts.get(str(key), 0) + 1
        rows.append(row)
    return rows


def embedded(packed: Packed, data: Path, name: str, rows: list[int]) -> tuple[np.ndarray, list[str]]:
    """Embeddings (N, D) float16 of some pictures of a set, and the keys of what they show."""
    listing = json.loads((data / f"{name}.json").read_text())
    pixels = np.load(data / f"{name}.npy", mmap_mode="r")
    parts = []
    for start in range(0, len(rows), 500):
        some = np.asarray(pixels[rows[start : start + 500]])
        parts.append(packed.images(on_white(some) if some.shape[-1] == 4 else some).astype(np.float16))
    return np.concatenate(parts), [str(listing[row][0]) for row in rows]


def captions_embedded(packed: Packed, concepts: list[captions.Concept]) -> dict[str, np.ndarray]:
    """Every caption of every concept: rows (M, D), the first row of each concept, and how often each is drawn."""
    listed = [captions.captions_of(concept) for concept in concepts]
    texts = [text for some in listed for text, _ in some]
    unique = sorted(set(texts))
    rows = packed.texts(unique)
    place = {text: row for row, text in enumerate(unique)}
    return {
        "captions": rows[[place[text] for text in texts]].astype(np.float16),
        "offsets": np.cumsum([0, *(len(some) for some in listed)]),
        "weights": np.array([weight for some in listed for _, weight in some]),
        "names": packed.names([concept.names[0] for concept in concepts]),
    }


def write(raw: Path, data: Path, out: Path) -> None:
    """Embed everything and write FEATURES/train.npz and FEATURES/test.npz."""
    out.mkdir(parents=True, exist_ok=True)
    packed = Packed(GUIDE)
    concepts = captions.build_concepts(raw)
    place = {concept.key: row for row, concept in enumerate(concepts)}
    pictures, owners = [], []
    for name, a_class in TRAINED.items():
        listing = json.loads((data / f"{name}.json").read_text())
        features, keys = embedded(packed, data, name, chosen(listing, "train", a_class))
        is_known = np.array([key in place for key in keys])
        pictures.append(features[is_known])
        owners.append(np.array([place[key] for key in keys if key in place]))
        log.info("%s: %d pictures", name, len(pictures[-1]))
    table = captions_embedded(packed, concepts)
    np.savez(
        out / "train.npz", pictures=np.concatenate(pictures), owners=np.concatenate(owners),
        compat=captions.compatible(concepts), is_held_out=np.array([is_held_out(c.key) for c in concepts]), **table,
    )  # fmt: skip
    (out / "concepts.json").write_text(json.dumps([concept.key for concept in concepts]))
    tests = {}
    for name, most in TESTED.items():
        listing = json.loads((data / f"{name}.json").read_text())
        rows = [row for row, entry in enumerate(listing) if entry[1] == "test" and entry[0] in place]
        features, keys = embedded(packed, data, name, rows[:: max(1, len(rows) // most)])
        tests[f"{name}_pictures"], tests[f"{name}_owners"] = features, np.array([place[key] for key in keys])
        log.info("%s: %d test pictures", name, len(features))
    np.savez(out / "test.npz", **tests)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", type=Path, required=True, help="the sets as fetched (names of classes)")
    parser.add_argument("--data", type=Path, required=True, help="the prepared arrays")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    write(args.raw, args.data, args.out)


if __name__ == "__main__":
    main()
