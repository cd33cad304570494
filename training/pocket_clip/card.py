"""The model card of the pocket model: what it is, what it was made from, with which licences; scores come later.

Run: ``python -m training.pocket_clip.card --image RUN --text RUN --out assets/models/pocket-clip``; for runs that went
on from a shipped checkpoint ``--earlier CARD.json`` instead of ``--text``, or beside it.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path
from typing import Any

from training.pocket_clip.emoji_groups import HELD_OUT_SUBGROUPS

DATA_SETS = (
    ("Tiny-ImageNet, 170 of its 200 classes", "photos", "ImageNet terms (research)"),
    ("CIFAR-10 training pictures, low weight", "photos", "none stated"),
    ("Caltech-101, train list, at most 100 a class", "photos", "CC BY 4.0"),
    ("PACS: photo, art painting, cartoon", "photos and drawings", "none stated"),
    ("Grocery Store Dataset, train", "photos", "MIT"),
    ("Clothing dataset (small), train", "photos", "CC0"),
    ("Houses dataset", "photos", "none stated, cite Ahmed and Moustafa 2016"),
    ("Flickr8k, first 700 of the 1,000 pictures at hand, with captions", "photos", "Flickr8k research terms"),
    ("Fluent emoji, 3D style", "emoji", "MIT"),
    ("Noto emoji", "emoji", "Apache-2.0"),
    ("emojilib keywords", "words", "MIT"),
    ("WaffleCLIP descriptors", "words", "MIT"),
    ("ImageNet-21k lemmas and glosses (WordNet) as listed in timm", "words", "WordNet licence / Apache-2.0"),
    ("all-MiniLM-L6-v2, the teacher of the text tower", "weights", "Apache-2.0"),
    ("Toybox, the project's own generator", "renders", "Apache-2.0"),
)


HELD_OUT = (
    "30 Tiny-ImageNet classes",
    "all val and test lists",
    "Toybox azimuth sectors and colour pairs",
    "the last 300 Flickr8k pictures at hand",
    "the emoji styles Fluent flat and FxEmoji",
    "2 % of the phrases by hash",
)
EMOJI_GROUPS = f"eight subgroups of emoji ({', '.join(HELD_OUT_SUBGROUPS)})"


def last_row(log: Path) -> list[str]:
    """Last row of a CSV log."""
    with log.open(newline="") as file:
        return list(csv.reader(file))[-1]


def training_of(
    image_runs: list[Path], text_run: Path | None, earlier: dict[str, Any], hardware: str
) -> dict[str, Any]:
    """What was spent, all runs together.

    Args:
        image_runs: Folders with log.csv and recipe.json, in the order they were made.
        text_run: The same of the text tower; None: the earlier one is still in use.
        earlier: ``training`` of the card of the checkpoint that the first run started from; empty = from scratch.
        hardware: In words.
    """
    rows = [last_row(run / "log.csv") for run in image_runs]
    recipes = [json.loads((run / "recipe.json").read_text()) for run in image_runs]
    text = None if text_run is None else last_row(text_run / "log.csv")
    spent = {
        "image_steps": sum(int(row[0]) for row in rows),
        "pictures_seen": sum(int(row[1]) for row in rows),
        "image_minutes": sum(float(row[2]) for row in rows) / 60,
    }
    return {
        **{name: round(value + earlier.get(name, 0), 1) for name, value in spent.items()},
        "text_steps": earlier["text_steps"] if text is None else int(text[0]),
        "text_minutes": earlier["text_minutes"] if text is None else round(float(text[1]) / 60, 1),
        "recipes": [*earlier.get("recipes", []), *recipes],
        "seed": recipes[0]["seed"],
        "hardware": hardware,
    }


def held_out_words(training: dict[str, Any]) -> str:
    """What no run behind the checkpoint showed; the emoji groups only where every recipe says so."""
    groups = [EMOJI_GROUPS] if all(recipe.get("holds_out_emoji") for recipe in training["recipes"]) else []
    return "; ".join([*HELD_OUT, *groups])


def make_card(training: dict[str, Any], parameters_m: dict[str, float], side_px: int) -> dict[str, Any]:
    """The card without scores."""
    return {
        "name": "pocket-clip",
        "what": "A tiny image-text model trained from scratch by this project. Best with 3 to 10 distinct everyday "
        "labels; fine distinctions, text in pictures, faces and places are beyond it.",
        "licence": "Apache-2.0 for the weights as far as it is ours to give; trained on the sets below, of which "
        "ImageNet and Flickr8k are for research.",
        "parameters_m": parameters_m,
        "input": f"{side_px} x {side_px} px, whole picture squashed, ImageNet mean and spread; 48 tokens",
        "training": training,
        "data": [{"set": name, "kind": kind, "licence": licence} for name, kind, licence in DATA_SETS],
        "held_out": held_out_words(training),
        "scores": [],
        "calibration": {},
    }


def main() -> None:
    from safetensors import safe_open

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", type=Path, nargs="+", required=True, help="runs in the order they were made")
    parser.add_argument("--text", type=Path, help="run of the text tower; by default the earlier card's")
    parser.add_argument("--earlier", type=Path, help="card.json of the checkpoint that the first run started from")
    parser.add_argument("--hardware", default="2 CPU cores, shared with other work")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    if args.text is None and args.earlier is None:
        parser.error("either --text or --earlier tells how the text tower was made")
    sizes: dict[str, int] = {}
    with safe_open(args.out / "model.safetensors", "np") as weights:
        for name in weights.keys():  # noqa: SIM118 (no mapping)
            tower = "text" if name.startswith("text") else "image"
            sizes[tower] = sizes.get(tower, 0) + weights.get_tensor(name).size
    parameters = {tower: round(size / 1e6, 2) for tower, size in sizes.items()}
    side = json.loads((args.out / "preprocessor_config.json").read_text())["size"]["height"]
    earlier = json.loads(args.earlier.read_text())["training"] if args.earlier else {}
    training = training_of(args.image, args.text, earlier, args.hardware)
    card = make_card(training, parameters, side)
    (args.out / "card.json").write_text(json.dumps(card, indent=1) + "\n")


if __name__ == "__main__":
    main()
