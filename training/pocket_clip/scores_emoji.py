"""Scores on emoji in styles that no training shows, 10-way: of trained concept groups and of held-out ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from training.pocket_clip import captions
from training.pocket_clip.emoji_groups import is_held_out_emoji
from training.pocket_clip.packed import Packed
from training.pocket_clip.ranking import random_candidates
from training.score import Score, share

TEMPLATES = ("{}", "an emoji of a {}")
STYLES = {"flat": "Fluent flat emoji", "fxemoji": "FxEmoji (another designer)"}
STYLE = "no picture of this style is trained"
GROUPS = f"{STYLE}; eight whole subgroups of Unicode (emoji_groups.py) are trained in no style"


def on_white(pictures: np.ndarray) -> np.ndarray:
    """Drawings with alpha on white: (N, H, W, 4) uint8 -> (N, H, W, 3) uint8."""
    alpha = pictures[..., 3:].astype(np.float32) / 255
    return (pictures[..., :3] * alpha + 255 * (1 - alpha)).round().astype(np.uint8)


def ten_way(packed: Packed, pictures: np.ndarray, concepts: list[captions.Concept]) -> np.ndarray:
    """Share of draws in which each drawing (N, H, W, 4) finds its own name among ten of these: (N,)."""
    texts = packed.names([concept.names[0] for concept in concepts], TEMPLATES)
    similar = packed.images(on_white(pictures)) @ texts.T
    return random_candidates(similar, np.arange(len(concepts)), 10, may_both=captions.compatible(concepts))


def groups_are_unseen(folder: Path) -> bool:
    """Whether every run behind a checkpoint held the groups out, as its card says; runs that do not say did not."""
    recipes = json.loads((folder / "card.json").read_text()).get("training", {}).get("recipes", [])
    return bool(recipes) and all(recipe.get("holds_out_emoji", False) for recipe in recipes)


def emoji_scores(packed: Packed, raw: Path, data: Path) -> list[Score]:
    """Both styles; candidates are names of the same kind (trained groups, or held-out groups)."""
    known = {concept.key: concept for concept in captions.emoji_concepts(raw)}
    elsewhere = {
        name.lower()
        for concept in captions.build_concepts(raw)
        if concept.picture_set not in ("emoji", "group")
        for name in concept.names
    }
    is_unseen, scores = groups_are_unseen(packed.folder), []
    for style in STYLES:
        listing = json.loads((data / f"{style}.json").read_text())
        pixels = np.load(data / f"{style}.npy", mmap_mode="r")
        for held_out in (False, True):
            rows = [r for r, e in enumerate(listing) if e[0] in known and is_held_out_emoji(e[0]) == held_out]
            concepts = [known[listing[row][0]] for row in rows]
            won = ten_way(packed, pixels[rows], concepts)
            if held_out:
                is_new = np.array([concept.names[0].lower() not in elsewhere for concept in concepts])
                scores += unseen_scores(style, won, is_new, is_unseen=is_unseen)
            else:
                what = f"{STYLES[style]}, style never trained, trained concept groups, 10-way"
                scores.append(share(f"emoji_{style}_trained", what, won, *bars(style, 88, 94), disjoint=STYLE))
    return scores


def bars(style: str, bar: float, aim: float) -> tuple[float | None, float | None]:
    """The bars stand on Fluent flat; the other style is reported beside it."""
    return (bar, aim) if style == "flat" else (None, None)


def unseen_scores(style: str, won: np.ndarray, is_new: np.ndarray, *, is_unseen: bool) -> list[Score]:
    """The held-out groups, all of them and without things that another set shows."""
    what = f"{STYLES[style]}, style and concept groups never trained, 10-way"
    if not is_unseen:
        what = f"{STYLES[style]}, style never trained, the eight groups meant to be held out, 10-way"
    disjoint = GROUPS if is_unseen else f"{STYLE}; a run before the groups were held out showed them in other styles"
    goals = bars(style, 55, 65) if is_unseen else (None, None)
    return [
        share(f"emoji_{style}_unseen", what, won, *goals, disjoint=disjoint),
        share(f"emoji_{style}_unseen_anywhere", f"{what}, without things of other sets", won[is_new],
              disjoint=disjoint),
    ]  # fmt: skip
