"""Make the packed model's scores readable: background bank for hubness, temperature, "none of these" threshold.

Held-out pictures of several sets are mixed; each stands before ten names, its own and nine that cannot be true of it,
drawn over all sets (trials.py). Even-numbered trials fit the strength of the hubness correction and the temperature
(least NLL, together) and the threshold (best balanced accuracy between trials with and without the right name),
odd-numbered ones give the figures of the note. The bank is training pictures only. The mean is stored times the
strength, so that the hub subtracts just that much.

Run: ``python -m training.pocket_clip.calibrate --folder assets/models/pocket-clip --raw RAW --data DATA``
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

from training.pocket_clip.packed import Packed
from training.pocket_clip.ranking import area_under_roc, expected_calibration_error
from training.pocket_clip.trials import CANDIDATES, CHECK_SETS, Trials, make_trials, pictures_of

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
STRENGTHS = tuple(number / 10 for number in range(11))  # 0: no correction, 1: the whole mean


def make_bank(packed: Packed, data: Path) -> np.ndarray:
    """Embeddings of training pictures of all kinds: (B, D)."""
    return np.concatenate(
        [packed.images(pictures_of(data, name, "train", count)[0]) for name, count in BANK_SHARES.items()]
    )


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Over the last axis: (N, M) -> (N, M)."""
    moved = logits - logits.max(1, keepdims=True)
    return moved - np.log(np.exp(moved).sum(1, keepdims=True))


def fit_temperature(cosines: np.ndarray, scale: float) -> tuple[float, float]:
    """Temperature of the least mean NLL of column 0, on a grid of 1 % steps; and that NLL."""
    grid = np.exp(np.arange(np.log(0.1), np.log(10), 0.01))
    losses = [-log_softmax(cosines * scale / t)[:, 0].mean() for t in grid]
    best = int(np.argmin(losses))
    return float(grid[best]), float(losses[best])


def fit_strength(trials: Trials, scale: float) -> float:
    """Strength of the correction with the least NLL, each at its own best temperature."""
    losses = [fit_temperature(replace(trials, strength=s).corrected, scale)[1] for s in STRENGTHS]
    return STRENGTHS[int(np.argmin(losses))]


def best_threshold(known: np.ndarray, unknown: np.ndarray) -> float:
    """The cut with the best balanced accuracy."""
    cuts = np.quantile(np.concatenate([known, unknown]), np.linspace(0.01, 0.99, 99))
    return float(cuts[int(np.argmax([(known >= cut).mean() + (unknown < cut).mean() for cut in cuts]))])


def error_of(cosines: np.ndarray, scale: float) -> float:
    """Calibration error of trials whose right answer is column 0."""
    chances = np.exp(log_softmax(cosines * scale))
    return expected_calibration_error(chances.max(1), chances.argmax(1) == 0)


def fit(trials: Trials, scale: float) -> dict[str, float]:
    """Everything that the even trials decide, and what the odd ones say of it."""
    strength = fit_strength(trials.half(0), scale)
    trials = replace(trials, strength=strength)
    even, odd = trials.half(0).corrected, trials.half(1).corrected
    temperature, _ = fit_temperature(even, scale)
    return {
        "temperature": temperature,
        "hubness_strength": strength,
        "ece_before": error_of(odd, scale),
        "ece": error_of(odd, scale / temperature),
        "accuracy_10way": float((odd.argmax(1) == 0).mean()),
        "accuracy_10way_without_hubness_correction": float((trials.half(1).raw.argmax(1) == 0).mean()),
        "unknown_threshold": best_threshold(even.max(1), even[:, 1:].max(1)),
        "unknown_auroc": area_under_roc(odd.max(1), odd[:, 1:].max(1)),
        "trials": float(len(odd)),
    }


def calibrate(packed: Packed, raw: Path, data: Path, folder: Path) -> dict[str, float]:
    """Write both calibration files; returns the figures."""
    bank = make_bank(packed, data)
    figures = fit(make_trials(packed, raw, data, bank.mean(0)), packed.scale)
    note = (
        f"On {figures['trials']:.0f} held-out pictures of {len(CHECK_SETS)} sets among {CANDIDATES} names: accuracy "
        f"{figures['accuracy_10way']:.1%}, calibration error {figures['ece']:.3f} "
        f"(without: {figures['ece_before']:.3f}), "
        f"none-of-these AUROC {figures['unknown_auroc']:.3f} by best corrected cosine."
    )
    listed = {name: figures[name] for name in ("temperature", "unknown_threshold")} | {"note": note}
    (folder / "calibration.json").write_text(json.dumps(listed, indent=1) + "\n")
    mean = figures["hubness_strength"] * bank.mean(0)
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
    torch.set_num_threads(1)
    figures = calibrate(Packed(args.folder), args.raw, args.data, args.folder)
    card = json.loads((args.folder / "card.json").read_text())
    card["calibration"] = {name: round(value, 4) for name, value in figures.items()}
    (args.folder / "card.json").write_text(json.dumps(card, indent=1) + "\n")


if __name__ == "__main__":
    main()
