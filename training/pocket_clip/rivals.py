"""Captions that are nearly right: another colour of the same thing, the other side of the same pair.

A batch rarely holds both a red mug and a blue one, so a tower that sees only the batch's own captions hears little of
colours and nothing of left and right. Each free caption gets wrong twins as negatives of its own picture, as NegCLIP
does (Yuksekgonul et al. 2023, arXiv:2210.01936); only twins that the picture cannot also make true are taken.

Run: ``python -m training.pocket_clip.rivals --data DATA --text TEXT`` after ``... .toys``
"""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.pocket_clip import bank as banks
from training.toybox.captions import with_article
from training.toybox.palette import COLOURS

OPPOSITES = {"left of": "right of", "right of": "left of", "in front of": "behind", "behind": "in front of"}
MOST = 6  # of one caption, drawn once
_COLOUR = re.compile(rf"\b(?:(an?) )?({'|'.join(COLOURS)})\b")
_RELATION = re.compile(rf"^(.+) ({'|'.join(OPPOSITES)}) (.+)$")


def rivals_of(caption: str) -> list[str]:
    """Wrong twins of a Toybox caption: the other side for a relation, eleven other colours for a single thing."""
    relation = _RELATION.match(caption)
    if relation:
        first, word, second = relation.groups()
        return [f"{first} {OPPOSITES[word]} {second}", f"{second} {word} {first}"]
    if " and " in caption or ", " in caption:
        return []  # the other things may have the colour
    found = _COLOUR.search(caption)
    if found is None:
        return []
    article, own = found.groups()
    twins = []
    for colour in COLOURS:
        if colour != own:
            said = with_article(colour) if article else colour
            twins.append(caption[: found.start()] + said + caption[found.end() :])
    return twins


@dataclass(frozen=True)
class Rivals:
    """Wrong twins of all free captions.

    Attributes:
        targets: (R, D) float32 unit norm.
        rows: (F, MOST) int64 rows of ``targets`` for each free caption; -1 where there is none.
    """

    targets: Tensor
    rows: Tensor

    def cosines(self, images: Tensor, captions: Tensor) -> tuple[Tensor, Tensor]:
        """Unit-norm pictures (N, D) against the twins of their captions (N,): (N, MOST), and where there is none."""
        rows = torch.where(captions[:, None] >= 0, self.rows[captions.clamp(min=0)], -1)
        return torch.einsum("nd,nmd->nm", images, self.targets[rows.clamp(min=0)]), rows < 0


def attach(data: Path, name: str, text: Path) -> None:
    """Store the twins of a set's captions as ``<name>.rivals.npz``: targets (R, D) float16, rows (F, MOST) int32."""
    captions = json.loads((data / f"{name}.captions.json").read_text())
    rng = np.random.default_rng(0)
    drawn = []
    for caption in captions:
        twins = rivals_of(caption)
        drawn.append([twins[pick] for pick in rng.permutation(len(twins))[:MOST]])
    unique = sorted({twin for twins in drawn for twin in twins})
    row_of = {twin: row for row, twin in enumerate(unique)}
    rows = np.full((len(captions), MOST), -1, np.int32)
    for caption, twins in enumerate(drawn):
        rows[caption, : len(twins)] = [row_of[twin] for twin in twins]
    np.savez(data / f"{name}.rivals.npz", targets=banks.embedder(text)(unique).astype(np.float16), rows=rows)


def load(data: Path, names: list[str], bank: banks.Bank) -> Rivals:
    """Twins of the sets' free captions, in the order of train.load_sources; sets without a file have none."""
    targets, rows = [np.zeros((1, bank.targets.shape[1]), np.float32)], []  # one row, so that row 0 exists
    count = 1
    for name in names:
        captions, twins = data / f"{name}.captions.npy", data / f"{name}.rivals.npz"
        if not captions.is_file():
            continue
        own = np.full((len(np.load(captions, mmap_mode="r")), MOST), -1, np.int64)
        if twins.is_file():
            with np.load(twins) as file:
                targets.append(banks.centre(file["targets"].astype(np.float32), bank.mean))
                own = np.where(file["rows"] >= 0, file["rows"].astype(np.int64) + count, -1)
            count += len(targets[-1])
        rows.append(own)
    every = np.concatenate([*rows, np.full((1, MOST), -1, np.int64)])
    return Rivals(functional.normalize(torch.from_numpy(np.concatenate(targets)), dim=-1), torch.from_numpy(every))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--text", type=Path, required=True, help="text tower whose space the targets lie in")
    args = parser.parse_args()
    attach(args.data, "toybox", args.text)


if __name__ == "__main__":
    main()
