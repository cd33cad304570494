"""Make the packed model's scores readable: background bank for hubness, temperature, "none of these" threshold.

Held-out pictures of several sets are mixed; each stands before ten names, its own and nine that cannot be true of it,
drawn over all sets. Even-numbered trials fit the temperature (least NLL) and the threshold (best balanced accuracy
between trials with and without the right name), odd-numbered ones give the figures of the note. The bank is training
pictures only.

Run: ``python -m training.pocket_clip.calibrate --folder assets/models/pocket-clip --raw RAW --data DATA``
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from training.evaluate import Packed
from training.pocket_clip import captions

CANDIDATES = 10
PER_SET = 400
BANK_SHARES = {
    "tiny": 260,
    "caltech": 70,
    "cifar": 30,
    "pacs": 40,
    "grocery": 30,
    "clothing": 22,
    "houses": 20,
    "toybox": 40,
}
CHECK_SETS = dict.fromkeys(("tiny", "caltech", "cifar", "toybox"), "test") | dict.fromkeys(
    ("grocery", "pacs", "clothing"), "dev"
)


@dataclass(frozen=True)
class Trials:
    """Cosines of each picture with its ten candidates, the right one in column 0: (N, 10) raw and corrected."""

    raw: np.ndarray
    corrected: np.ndarray


def pictures_of(data: Path, name: str, split: str, count: int) -> tuple[np.ndarray, list[str]]:
    """Evenly spaced pictures of a split and their concept keys; scenes without one concept are left out."""
    listing = json.loads((data / f"{name}.json").read_text())
    rows = [row for row, entry in enumerate(listing) if entry[1] == split and not entry[0].endswith("/scene")]
    rows = rows[:: max(1, len(rows) // count)][:count]
    return np.load(data / f"{name}.npy", mmap_mode="r")[rows], [listing[row][0] for row in rows]


def make_bank(packed: Packed, data: Path) -> np.ndarray:
    """Embeddings of training pictures of all kinds: (B, D)."""
    return np.concatenate(
        [packed.images(pictures_of(data, name, "train", count)[0]) for name, count in BANK_SHARES.items()]
    )


def make_trials(packed: Packed, raw: Path, data: Path, mean: np.ndarray) -> Trials:
    """Ten-way trials over all check sets, candidates by the template "a photo of a {}"."""
    concepts = [c for c in captions.build_concepts(raw) if c.picture_set in CHECK_SETS]
    row_of = {concept.key: row for row, concept in enumerate(concepts)}
    texts = packed.names([concept.names[0] for concept in concepts], ("a photo of a {}",))
    may_both = captions.compatible(concepts)
    hub, rng = texts @ mean, np.random.default_rng(0)
    found, corrected = [], []
    for name, split in CHECK_SETS.items():
        pictures, keys = pictures_of(data, name, split, PER_SET)
        for feature, key in zip(packed.images(pictures), keys, strict=True):
            own = row_of[key]
            others = rng.choice(np.nonzero(~may_both[own])[0], CANDIDATES - 1, replace=False)
            columns = np.array([own, *others])
            cosines = texts[columns] @ feature
            found.append(cosines)
            corrected.append(cosines - hub[columns])
    return Trials(np.array(found), np.array(corrected))


def log_softmax(logits: np.ndarray) -> np.ndarray:
    moved = logits - logits.max(1, keepdims=True)
    return moved - np.log(np.exp(moved).sum(1, keepdims=True))


def fit_temperature(cosines: np.ndarray, scale: float) -> float:
    """Temperature of the least mean NLL of column 0, on a grid of 1 % steps."""
    grid = np.exp(np.arange(np.log(0.1), np.log(10), 0.01))
    losses = [-log_softmax(cosines * scale / t)[:, 0].mean() for t in grid]
    return float(grid[int(np.argmin(losses))])


def expected_calibration_error(cosines: np.ndarray, scale: float, bins: int = 10) -> float:
    """Mean gap between confidence and accuracy over equal-width bins, weighted by their counts."""
    chances = np.exp(log_softmax(cosines * scale))
    best, sure = chances.argmax(1) == 0, chances.max(1)
    place = np.minimum((sure * bins).astype(int), bins - 1)
    filled = [place == number for number in range(bins) if (place == number).any()]
    return float(sum(abs(best[rows].mean() - sure[rows].mean()) * rows.mean() for rows in filled))


def area_under_roc(known: np.ndarray, unknown: np.ndarray) -> float:
    """Chance that a known picture scores above an unknown one (ties count half)."""
    both = np.concatenate([known, unknown])
    order = both.argsort(kind="stable")
    rank = np.empty(len(both))
    rank[order] = np.arange(1, len(both) + 1)
    return float((rank[: len(known)].sum() - len(known) * (len(known) + 1) / 2) / (len(known) * len(unknown)))


def best_threshold(known: np.ndarray, unknown: np.ndarray) -> float:
    """The cut with the best balanced accuracy."""
    cuts = np.quantile(np.concatenate([known, unknown]), np.linspace(0.01, 0.99, 99))
    return float(cuts[int(np.argmax([(known >= cut).mean() + (unknown < cut).mean() for cut in cuts]))])


def calibrate(packed: Packed, raw: Path, data: Path, folder: Path) -> dict[str, float]:
    """Write both calibration files; returns the figures."""
    bank = make_bank(packed, data)
    mean = bank.mean(0)
    trials = make_trials(packed, raw, data, mean)
    scale = float(packed.model.logit_scale.exp())
    fit, check = trials.corrected[::2], trials.corrected[1::2]
    temperature = fit_temperature(fit, scale)
    threshold = best_threshold(fit.max(1), fit[:, 1:].max(1))
    figures = {
        "temperature": temperature,
        "ece_before": expected_calibration_error(check, scale),
        "ece": expected_calibration_error(check, scale / temperature),
        "accuracy_10way": float((check.argmax(1) == 0).mean()),
        "accuracy_10way_without_hubness_correction": float((trials.raw[1::2].argmax(1) == 0).mean()),
        "unknown_threshold": threshold,
        "unknown_auroc": area_under_roc(check.max(1), check[:, 1:].max(1)),
        "trials": float(len(check)),
    }
    note = (
        f"On {len(check)} held-out pictures of {len(CHECK_SETS)} sets among {CANDIDATES} names: accuracy "
        f"{figures['accuracy_10way']:.1%}, calibration error {figures['ece']:.3f} "
        f"(without: {figures['ece_before']:.3f}), "
        f"none-of-these AUROC {figures['unknown_auroc']:.3f} by best corrected cosine."
    )
    listed = {"temperature": temperature, "unknown_threshold": threshold, "note": note}
    (folder / "calibration.json").write_text(json.dumps(listed, indent=1) + "\n")
    save_file(
        {"image_mean": mean.astype(np.float32), "image_bank": bank.astype(np.float16)},
        folder / "calibration.safetensors",
    )
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    args = parser.parse_args()
    figures = calibrate(Packed(args.folder), args.raw, args.data, args.folder)
    card = json.loads((args.folder / "card.json").read_text())
    card["calibration"] = {name: round(value, 4) for name, value in figures.items()}
    (args.folder / "card.json").write_text(json.dumps(card, indent=1) + "\n")


if __name__ == "__main__":
    main()
