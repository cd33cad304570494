"""The model card of the pocket model: what it is, what it was made from, with which licences; scores come later.

Run: ``python -m training.pocket_clip.card --image RUN --text RUN --out assets/models/pocket-clip``
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path
from typing import Any

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


def last_row(log: Path) -> list[str]:
    with log.open(newline="") as file:
        return list(csv.reader(file))[-1]


def make_card(image_runs: list[Path], text_run: Path, parameters_m: dict[str, float], side_px: int) -> dict[str, Any]:
    """The card without scores."""
    images, text = [last_row(run / "log.csv") for run in image_runs], last_row(text_run / "log.csv")
    recipes = [json.loads((run / "recipe.json").read_text()) for run in image_runs]
    return {
        "name": "pocket-clip",
        "what": "A tiny image-text model trained from scratch by this project on two CPU cores. Best with 3 to 10 "
        "distinct everyday labels; fine distinctions, text in pictures, faces and places are beyond it.",
        "licence": "Apache-2.0 for the weights as far as it is ours to give; trained on the sets below, of which "
        "ImageNet and Flickr8k are for research.",
        "parameters_m": parameters_m,
        "input": f"{side_px} x {side_px} px, whole picture squashed, ImageNet mean and spread; 48 tokens",
        "training": {
            "image_steps": sum(int(row[0]) for row in images),
            "pictures_seen": sum(int(row[1]) for row in images),
            "image_minutes": round(sum(float(row[2]) for row in images) / 60, 1),
            "text_steps": int(text[0]),
            "text_minutes": round(float(text[1]) / 60, 1),
            "recipes": recipes,
            "seed": recipes[0]["seed"],
            "hardware": "2 CPU cores (AVX-512 bf16), shared with other work",
        },
        "data": [{"set": name, "kind": kind, "licence": licence} for name, kind, licence in DATA_SETS],
        "held_out": "30 Tiny-ImageNet classes; all val and test lists; Toybox azimuth sectors and colour pairs; "
        "2 % of the phrases by hash",
        "scores": [],
        "calibration": {},
    }


def main() -> None:
    from safetensors import safe_open

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", type=Path, nargs="+", required=True, help="runs in the order they were made")
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    sizes: dict[str, int] = {}
    with safe_open(args.out / "model.safetensors", "np") as weights:
        for name in weights.keys():  # noqa: SIM118 (no mapping)
            tower = "text" if name.startswith("text") else "image"
            sizes[tower] = sizes.get(tower, 0) + weights.get_tensor(name).size
    parameters = {tower: round(size / 1e6, 2) for tower, size in sizes.items()}
    side = json.loads((args.out / "preprocessor_config.json").read_text())["size"]["height"]
    card = make_card(args.image, args.text, parameters, side)
    (args.out / "card.json").write_text(json.dumps(card, indent=1) + "\n")


if __name__ == "__main__":
    main()
