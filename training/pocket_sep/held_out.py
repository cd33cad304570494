"""Write the fixed mixtures that pocket-sep is measured on: held-out files, held-out words, pictures never trained on.

``held_out.npz`` is all that ``python -m benchmarks.separate`` needs: ``sources`` (M, 3, T) int16 at 16 kHz, a third
source of zeros where there are two; ``pictures`` (M, 96, 96, 3) uint8 of the first source, black where no picture shows
it; ``rows``, JSON: per mixture its kind ("two families", "one family" or "three"), names and words of its sources, and
the name of a sound that is not in it. Sources stand at 0 dB to each other.

Run: ``python -m training.pocket_sep.held_out --data DATA --cache CACHE``; ``--more 120`` afterwards keeps the mixtures
that there are and adds 120 of two families, drawn with the next seed: a standard error of 0.5 dB falls to 0.33.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from core.sep_spectrogram import HOP
from training.pocket_clip.pictures import hash_fraction
from training.pocket_sep.labels import labels
from training.pocket_sep.mixtures import Clips, draw_mixture
from training.pocket_sep.queries import TEST_SHARE, pictures_by_concept

LENGTH = 256 * HOP  # 4.1 s
COUNTS = {"two families": 80, "one family": 20, "three": 40}
PICTURE_PX = 96
SEED = 7
_PEAK = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True, help="prepared pictures of training.pocket_clip")
    parser.add_argument("--more", type=int, default=0, help="keep held_out.npz and add so many of two families")
    args = parser.parse_args()
    path = args.data / "held_out.npz"
    draw = _Draw(Clips(args.data, "held_out"), pictures_by_concept(args.cache), SEED + bool(args.more))
    counts = {"two families": args.more} if args.more else COUNTS
    found = [draw(kind) for kind, count in counts.items() for _ in range(count)]
    sources, pictures = (np.stack([one[place] for one in found]) for place in (0, 1))
    rows = [one[2] for one in found]
    if args.more:
        with np.load(path) as file:
            sources = np.concatenate([file["sources"], sources])
            pictures = np.concatenate([file["pictures"], pictures])
            rows = [*json.loads(str(file["rows"])), *rows]
    np.savez_compressed(path, sources=sources, pictures=pictures, rows=json.dumps(rows))


class _Draw:
    """One mixture after the other, of held-out clips."""

    def __init__(self, clips: Clips, shown: dict[str, Any], seed: int) -> None:
        self._clips, self._shown, self._rng = clips, shown, np.random.default_rng(seed)
        self._by_name = {row.name: row for row in labels()}

    def __call__(self, kind: str) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
        """Sources (3, T) int16, a picture of the first, and what the benchmark is told."""
        clips, rng = self._clips, self._rng
        drawn = draw_mixture(
            clips, 3 if kind == "three" else 2, LENGTH, rng, jitter_db=0.0, one_family=float(kind == "one family")
        )
        if kind == "one family":  # the draw only allows it: look until there is a pair
            while len({clips.family[name] for name in drawn.names}) > 1:
                drawn = draw_mixture(clips, 2, LENGTH, rng, jitter_db=0.0, one_family=1.0)
        scale = _PEAK / max(float(np.abs(drawn.sources.sum(0)).max()), float(np.abs(drawn.sources).max()))
        padded = np.zeros((3, LENGTH), np.int16)
        padded[: len(drawn.sources)] = np.round(scale * drawn.sources * 32767)
        absent = str(rng.choice([name for name in clips.labels if name not in drawn.names]))
        picture = _picture(self._by_name[drawn.names[0]].pictures, self._shown, rng)
        words = [str(rng.choice(self._by_name[name].held_out)) for name in drawn.names]
        return padded, picture, {"kind": kind, "names": drawn.names, "words": words, "absent": absent}


def _picture(concepts: tuple[str, ...], shown: dict[str, Any], rng: np.random.Generator) -> np.ndarray:
    """A picture of one of the concepts from the held-out part, or black."""
    pairs = [pair for concept in concepts for pair in shown[concept]]
    kept = [rgb for path, rgb in pairs if hash_fraction(path.split("#")[0]) < TEST_SHARE]
    if not kept:
        return np.zeros((PICTURE_PX, PICTURE_PX, 3), np.uint8)
    chosen = Image.fromarray(kept[int(rng.integers(len(kept)))])
    return np.asarray(chosen.resize((PICTURE_PX, PICTURE_PX), Image.Resampling.BICUBIC))


if __name__ == "__main__":
    main()
