"""The held-out mixtures that sound separation is measured on, as training/pocket_sep/held_out.py wrote them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.sep_spectrogram import Floats


@dataclass(frozen=True, eq=False)
class Case:
    """One mixture and what is asked of it; the first source is the target.

    Attributes:
        kind: "two families", "one family" or "three".
        sources: (N, T) float32.
        name: The target's label.
        words: Other words for it, never trained.
        wrong: The label of a sound that is not in it.
        picture: (H, W, 3) uint8, or None where no picture shows it.
    """

    kind: str
    sources: Floats
    name: str
    words: str
    wrong: str
    picture: NDArray[np.uint8] | None

    @property
    def mixture(self) -> Floats:
        """The sum, (T,)."""
        found: Floats = self.sources.sum(0)
        return found


def read_cases(path: Path, most: int | None = None) -> list[Case]:
    """The mixtures of ``held_out.npz``; ``most`` of each kind."""
    with np.load(path) as file:
        sources, pictures, rows = file["sources"], file["pictures"], json.loads(str(file["rows"]))
    found: list[Case] = []
    for values, picture, row in zip(sources, pictures, rows, strict=True):
        if most is None or sum(case.kind == row["kind"] for case in found) < most:
            kept = values[: len(row["names"])].astype(np.float32) / 32768
            shown = picture if picture.any() else None
            found.append(Case(row["kind"], kept, row["names"][0], row["words"][0], row["absent"], shown))
    return found
