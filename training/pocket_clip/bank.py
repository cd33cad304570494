"""The caption bank: every caption of every trained concept with its target embedding, in one file.

Targets are MiniLM embeddings minus their mean over concepts, scaled to unit norm: without the centring all captions
share a large common part and the image tower learns little else at first.

Run: ``python -m training.pocket_clip.bank --raw RAW --data DATA``; ``--text FOLDER`` takes the targets from a text
tower of ours instead, so that the towers agree with each other, not only each with the teacher.
"""

from __future__ import annotations

import argparse
import functools
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.pocket_clip.captions import Concept, build_concepts, captions_of, compatible
from training.pocket_clip.emoji_groups import is_held_out_emoji
from training.pocket_clip.hierarchy import HELD_OUT_WNIDS

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bank:
    """Captions grouped by concept.

    Attributes:
        keys: concept keys, K.
        texts: captions, M, those of concept k at ``offsets[k]:offsets[k + 1]``.
        offsets: (K + 1,) int64.
        weights: (M,) float64, probability of each caption within its concept.
        targets: (M, 384) float32 unit norm, centred.
        compat: (K, K) bool, see captions.compatible.
        groups: for each concept the rows of its groups.
        mean: (384,) float32, what was subtracted before the norm.
    """

    keys: tuple[str, ...]
    texts: tuple[str, ...]
    offsets: np.ndarray
    weights: np.ndarray
    targets: np.ndarray
    compat: np.ndarray
    groups: tuple[tuple[int, ...], ...]
    mean: np.ndarray


def is_held_out(key: str) -> bool:
    """Whether no training shows the concept: thirty photo classes and eight subgroups of emoji."""
    return key.removeprefix("tiny/") in HELD_OUT_WNIDS or is_held_out_emoji(key)


def centre(embeddings: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Subtract the mean and scale to unit norm: (N, D), (D,) -> (N, D) float32."""
    moved = embeddings - mean
    return (moved / np.linalg.norm(moved, axis=1, keepdims=True).clip(1e-6)).astype(np.float32)


def fixed_mean(path: Path, per_concept: np.ndarray) -> np.ndarray:
    """The mean over concepts, (D,), computed once: later banks keep it, so that trained towers stay in one space."""
    if not path.is_file():
        np.save(path, per_concept.mean(0))
    return np.load(path)


def embedder(text: Path | None) -> Callable[[Sequence[str]], np.ndarray]:
    """What embeds captions: MiniLM, or our own finished text tower (a run or a packed folder), already centred."""
    if text is None:
        from training.pocket_clip import minilm

        return minilm.embed
    from training.pocket_clip.pack import load_text_tower
    from training.pocket_clip.student_text import embed, make_tokenizer

    return functools.partial(embed, load_text_tower(text), make_tokenizer())


def build(concepts: list[Concept], folder: Path, text: Path | None = None) -> None:
    """Write bank.json and bank.npz for these concepts; targets by MiniLM or by the text tower at ``text``."""
    listed = [captions_of(concept) for concept in concepts]
    texts = [text for captions in listed for text, _ in captions]
    offsets = np.cumsum([0, *(len(captions) for captions in listed)])
    weights = np.array([weight for captions in listed for _, weight in captions])
    unique = sorted(set(texts))
    embedded = embedder(text)(unique)
    row_of = {text: row for row, text in enumerate(unique)}
    raw = embedded[[row_of[text] for text in texts]]
    per_concept = np.stack([raw[a:b].mean(0) for a, b in zip(offsets[:-1], offsets[1:], strict=True)])
    mean = np.zeros(raw.shape[1], np.float32) if text else fixed_mean(folder / "mean.npy", per_concept)
    row_of_key = {concept.key: row for row, concept in enumerate(concepts)}
    groups = [[row_of_key[f"group/{g}"] for g in c.groups if f"group/{g}" in row_of_key] for c in concepts]
    arrays = {"offsets": offsets, "weights": weights, "mean": mean, "compat": compatible(concepts)}
    np.savez(folder / "bank.npz", targets=centre(raw, mean).astype(np.float16), **arrays)
    (folder / "bank.json").write_text(json.dumps({"keys": [c.key for c in concepts], "texts": texts, "groups": groups}))
    log.info("%d concepts, %d captions", len(concepts), len(texts))


def load(folder: Path) -> Bank:
    listed, arrays = json.loads((folder / "bank.json").read_text()), np.load(folder / "bank.npz")
    return Bank(
        keys=tuple(listed["keys"]),
        texts=tuple(listed["texts"]),
        offsets=arrays["offsets"],
        weights=arrays["weights"],
        targets=arrays["targets"].astype(np.float32),
        compat=arrays["compat"],
        groups=tuple(tuple(rows) for rows in listed["groups"]),
        mean=arrays["mean"],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--text", type=Path, help="run or packed folder whose text tower makes the targets")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    build([concept for concept in build_concepts(args.raw) if not is_held_out(concept.key)], args.data, args.text)


if __name__ == "__main__":
    main()
