"""Writes docs/pocket-clip.md from the model's card.json: ``python -m docs.model_card``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from core.checkpoints import BUNDLED_DIR
from docs.readme_tables import SCORES_HEAD, card_scores, score_rows

PAGE = Path(__file__).resolve().parent / "pocket-clip.md"
PICTURES = ("pocket_clip_right.png", "pocket_clip_wrong.png")


def read_card() -> dict[str, Any]:
    """The card of the bundled model."""
    card: dict[str, Any] = json.loads((BUNDLED_DIR / "pocket-clip" / "card.json").read_text(encoding="utf-8"))
    return card


def facts(card: dict[str, Any]) -> str:
    """Size, input and what the training took."""
    spent, sizes = card["training"], card["parameters_m"]
    rows = [
        ("Parameters", " and ".join(f"{size:g} M ({tower})" for tower, size in sizes.items())),
        ("Input", card["input"]),
        ("Pictures seen", f"{spent['pictures_seen']:,.0f} in {spent['image_minutes']:g} minutes of training"),
        ("Text tower", f"{spent['text_steps']:,} steps, {spent['text_minutes']:g} minutes"),
        ("Hardware", spent["hardware"]),
        ("Licence", card["licence"]),
        ("Held out of all training", card["held_out"]),
    ]
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {words} |" for name, words in rows)])


def data_sets(card: dict[str, Any]) -> str:
    """What it was trained on, with licences."""
    rows = [f"| {row['set']} | {row['kind']} | {row['licence']} |" for row in card["data"]]
    return "\n".join(["| Set | Kind | Licence |", "|---|---|---|", *rows])


def apartness(card: dict[str, Any]) -> str:
    """What keeps the samples of each figure apart from training, one line a reason."""
    reasons: dict[str, list[str]] = {}
    for score in card["scores"]:
        if score.get("disjoint"):
            reasons.setdefault(score["disjoint"], []).append(f"`{score['name']}`")
    lines = [f"- {', '.join(names)}: {reason}." for reason, names in reasons.items()]
    return "\n".join(["What keeps the samples apart from training:\n", *lines]) if lines else ""


def photo_words(card: dict[str, Any]) -> str:
    """Photo classes told best, and those taken for each other; words only, the photos are not ours to show."""
    answers = card.get("photo_answers")
    if not answers:
        return ""
    best = ", ".join(f"{name} {percent} %" for name, percent in answers["best"])
    confused = ", ".join(f"{said} for {own} ({count})" for own, said, count in answers["confused"])
    return (
        f"Photos of Tiny-ImageNet's val list are told best of: {best}.\n\n"
        f"Most often it says, out of 50 photos of a class: {confused}.\n"
    )


def gallery() -> str:
    """The two grids, where they were drawn."""
    shown = [name for name in PICTURES if (PAGE.parent / name).is_file()]
    return "\n\n".join(f"![answers that are {name.split('_')[-1].removesuffix('.png')}]({name})" for name in shown)


def page() -> str:
    """The whole card as Markdown."""
    card = read_card()
    parts = [
        "# Pocket CLIP",
        card["what"],
        facts(card),
        "## Scores",
        "\n".join([*SCORES_HEAD, *score_rows(card_scores("pocket-clip"))]),
        apartness(card),
        "## Answers, right and wrong",
        "Held-out views of toys (80 names to choose from) and emoji in a style that it never saw (10 names), in the "
        "order of a shuffle: two rows of each that it gets right, then two that it gets wrong.",
        gallery(),
        photo_words(card),
        "## Training",
        "Data:",
        data_sets(card),
        "Log: [image tower](../training/logs/pocket-clip-image.csv), "
        "[text tower](../training/logs/pocket-clip-text.csv); how and why: [training](../training/README.md).",
        "![loss and held-out cosine](../training/logs/pocket-clip.svg)",
    ]
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
