"""Every score of the pocket CLIP, in the order of its table: ``python -m training.evaluate pocket-clip``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from training.pocket_clip.packed import Packed
from training.pocket_clip.scores_emoji import emoji_scores
from training.pocket_clip.scores_photos import caltech_scores, cifar_scores, flickr_scores, tiny_scores
from training.pocket_clip.scores_toybox import object_scores, point_scores, relation_score
from training.pocket_clip.scores_use import calibration_scores, cost_scores, text_scores
from training.score import Score

log = logging.getLogger(__name__)


def rows(folder: Path, data: Path, raw: Path, only: Sequence[str] = ()) -> list[Score]:
    """Measure a packed folder on all sets.

    Args:
        folder: The packed folder.
        data: Prepared arrays, with the Toybox shards in ``toys`` in it or beside it.
        raw: The sets as fetched (names of classes, sentences).
        only: Parts to measure; empty = all.

    Raises:
        FileNotFoundError: a set is missing on this machine.
    """
    torch.set_num_threads(1)
    packed = Packed(folder)
    parts: dict[str, Callable[[], list[Score]]] = {
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
    unknown = set(only) - set(parts)
    if unknown:
        raise ValueError(f"no part {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
    found = []
    for name in only or parts:
        found += parts[name]()
        log.info("%s measured", name)
    return found
