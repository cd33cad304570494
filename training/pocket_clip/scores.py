"""Every score of the pocket CLIP, in the order of its table: ``python -m training.evaluate pocket-clip``."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from training.pocket_clip.packed import Packed
from training.pocket_clip.scores_emoji import emoji_scores
from training.pocket_clip.scores_photos import caltech_scores, cifar_scores, flickr_scores, tiny_scores
from training.pocket_clip.scores_toybox import object_scores, point_scores, relation_score
from training.pocket_clip.scores_use import calibration_scores, cost_scores, text_scores
from training.score import Score

log = logging.getLogger(__name__)


def fingerprint(folder: Path) -> str:
    """Hash of a checkpoint's files, the card left out: figures belong to these."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name != "card.json":
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


class Kept:
    """Figures of finished parts on disk, so that a measurement that was cut off goes on where it stopped."""

    def __init__(self, path: Path | None, folder: Path) -> None:
        self.path, self.of = path, fingerprint(folder)
        self.parts: dict[str, list[Score]] = {}
        if path is not None and path.is_file():
            found = json.loads(path.read_text())
            if found["of"] == self.of:
                self.parts = {name: [Score(**score) for score in scores] for name, scores in found["parts"].items()}

    def add(self, name: str, scores: list[Score]) -> None:
        """Take in a finished part."""
        self.parts[name] = scores
        if self.path is not None:
            parts = {part: [asdict(score) for score in scores] for part, scores in self.parts.items()}
            self.path.write_text(json.dumps({"of": self.of, "parts": parts}, indent=1) + "\n")


def rows(folder: Path, data: Path, raw: Path, only: Sequence[str] = (), keep: Path | None = None) -> list[Score]:
    """Measure a packed folder on all sets.

    Args:
        folder: The packed folder.
        data: Prepared arrays, with the Toybox shards in ``toys`` in it or beside it.
        raw: The sets as fetched (names of classes, sentences).
        only: Parts to measure; empty = all.
        keep: File of finished parts; those of the same checkpoint are not measured again.

    Raises:
        FileNotFoundError: a set is missing on this machine.
    """
    torch.set_num_threads(1)
    packed, kept = Packed(folder), Kept(keep, folder)
    parts = parts_of(packed, raw, data)
    unknown = set(only) - set(parts)
    if unknown:
        raise ValueError(f"no part {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
    for name in only or parts:
        if name not in kept.parts:
            kept.add(name, parts[name]())
            log.info("%s measured", name)
    return [score for name in only or parts for score in kept.parts[name]]


def parts_of(packed: Packed, raw: Path, data: Path) -> dict[str, Callable[[], list[Score]]]:
    """The parts of the table in order, each to be called."""
    return {
        "tiny": lambda: tiny_scores(packed, raw, data),
        "cifar": lambda: cifar_scores(packed, data),
        "caltech": lambda: caltech_scores(packed, raw, data),
        "flickr": lambda: flickr_scores(packed, raw, data),
        "emoji": lambda: emoji_scores(packed, raw, data),
        "toybox": lambda: object_scores(packed, data),
        "relation": lambda: [relation_score(packed, data)],
        "point": lambda: point_scores(packed, data),
        "calibration": lambda: calibration_scores(packed, raw, data),
        "text": lambda: text_scores(packed, raw, data),
        "cost": lambda: cost_scores(packed),
    }
