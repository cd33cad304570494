"""Ten-way trials over several sets mixed: what calibration is fitted on (even ones) and measured on (odd ones)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.pocket_clip import captions, scores_toybox
from training.pocket_clip.hierarchy import HELD_OUT_WNIDS
from training.pocket_clip.packed import Packed
from training.toybox.classes import CLASSES

CANDIDATES = 10
PER_SET = 400
UNKNOWN = 600  # pictures of photo classes never trained
TEMPLATE = ("a photo of a {}",)
CHECK_SETS = dict.fromkeys(("tiny", "caltech", "cifar", "toybox"), "test") | dict.fromkeys(
    ("grocery", "pacs", "clothing"), "dev"
)


@dataclass(frozen=True)
class Trials:
    """Cosines of each picture with its ten candidates, the right one in column 0.

    Attributes:
        raw: (N, 10) plain.
        hub: (N, 10) mean cosine of each candidate over the background pictures.
        strength: How much of it the folder's calibration takes off.
    """

    raw: np.ndarray
    hub: np.ndarray
    strength: float = 1.0

    @property
    def corrected(self) -> np.ndarray:
        """Cosines less the candidates' own liking for all pictures: (N, 10)."""
        return self.raw - self.strength * self.hub

    def half(self, which: int) -> Trials:
        """Even (0) or odd (1) trials."""
        return Trials(self.raw[which::2], self.hub[which::2], self.strength)


def pictures_of(data: Path, name: str, split: str, count: int) -> tuple[np.ndarray, list[str]]:
    """Evenly spaced pictures of a split and their concept keys; Toybox comes from its shards of single toys."""
    if name == "toybox":
        rgb, kinds, _ = scores_toybox.singles(data, "train" if split == "train" else "held_out", count)
        return rgb[:count], [f"toybox/{CLASSES[kind]}" for kind in kinds[:count]]
    listing = json.loads((data / f"{name}.json").read_text())
    rows = [row for row, entry in enumerate(listing) if entry[1] == split]
    rows = [row for row in rows if split != "train" or listing[row][0].removeprefix("tiny/") not in HELD_OUT_WNIDS]
    rows = rows[:: max(1, len(rows) // count)][:count]
    return np.load(data / f"{name}.npy", mmap_mode="r")[rows], [listing[row][0] for row in rows]


def make_trials(packed: Packed, raw: Path, data: Path, mean: np.ndarray | None = None) -> Trials:
    """Ten-way trials over all check sets, candidates by the template "a photo of a {}".

    Args:
        packed: The model.
        raw: The sets as fetched.
        data: Prepared arrays.
        mean: (D,) of the background pictures; None takes the folder's own, with its strength.
    """
    concepts, texts, may_both = _candidates(packed, raw)
    row_of = {concept.key: row for row, concept in enumerate(concepts)}
    if mean is None:
        own = packed.calibration.image_mean
        mean = np.zeros(texts.shape[1], np.float32) if own is None else own
    hub, rng = texts @ mean, np.random.default_rng(0)
    found, hubs = [], []
    for name, split in CHECK_SETS.items():
        pictures, keys = pictures_of(data, name, split, PER_SET)
        for feature, key in zip(packed.images(pictures), keys, strict=True):
            own_row = row_of[key]
            others = rng.choice(np.nonzero(~may_both[own_row])[0], CANDIDATES - 1, replace=False)
            columns = np.array([own_row, *others])
            found.append(texts[columns] @ feature)
            hubs.append(hub[columns])
    return Trials(np.array(found), np.array(hubs))


def _candidates(packed: Packed, raw: Path) -> tuple[list[captions.Concept], np.ndarray, np.ndarray]:
    """Concepts of all check sets, their texts (K, D), and which of them can be true at once (K, K)."""
    concepts = [c for c in captions.build_concepts(raw) if c.picture_set in CHECK_SETS]
    texts = packed.names([concept.names[0] for concept in concepts], TEMPLATE)
    return concepts, texts, captions.compatible(concepts)


def unknown_pictures(packed: Packed, raw: Path, data: Path) -> np.ndarray:
    """Best corrected cosine (U,) of pictures of never-trained classes with ten names, all wrong."""
    concepts, texts, may_both = _candidates(packed, raw)
    row_of = {concept.key: row for row, concept in enumerate(concepts)}
    listing = json.loads((data / "tiny.json").read_text())
    rows = [
        row
        for row, entry in enumerate(listing)
        if entry[1] == "test" and entry[0].removeprefix("tiny/") in HELD_OUT_WNIDS
    ]
    rows = rows[:: max(1, len(rows) // UNKNOWN)][:UNKNOWN]
    features = packed.images(np.load(data / "tiny.npy", mmap_mode="r")[rows])
    similar, rng = packed.corrected(features @ texts.T, texts), np.random.default_rng(0)
    best = []
    for row, cosines in zip(rows, similar, strict=True):
        wrong = np.nonzero(~may_both[row_of[listing[row][0]]])[0]
        best.append(cosines[rng.choice(wrong, CANDIDATES, replace=False)].max())
    return np.array(best)
