"""Write a trained checkpoint as the folder that core.sam reads: config.json, model.safetensors (float16), card.json.

Run: ``python -m training.pocket_sam.pack --run RUN --data DATA --out assets/models/pocket-sam [--side 192]``
"""

from __future__ import annotations

import argparse
import csv
import json
import logging
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from training.pocket_sam import thresholds
from training.pocket_sam.train import LOGGED

log = logging.getLogger(__name__)

# What the weights saw, with the licence as it is stated at the source.
DATA_SETS = (
    ("Toybox, the project's own generator: scenes with parts and toys, single toys to paste", "renders", "Apache-2.0"),
    ("BSDS500, train photos with all human segmentations", "photos with regions", "research and education, as stated"),
    ("Fluent emoji, 3D style, with alpha", "emoji", "MIT"),
    ("Noto emoji, with alpha", "emoji", "Apache-2.0"),
    ("Caltech-101, train list, as grounds and textures", "photos", "CC BY 4.0"),
    ("Clothing dataset (small), train, likewise", "photos", "CC0"),
    ("Grocery Store Dataset, train, likewise", "photos", "MIT"),
    ("Houses dataset, likewise", "photos", "none stated, cite Ahmed and Moustafa 2016"),
    ("Flickr8k, first 700 of the 1,000 pictures at hand, likewise", "photos", "Flickr8k research terms"),
    ("PACS: photo, art painting, cartoon, train, likewise", "photos and drawings", "none stated"),
)


def save_weights(weights: dict[str, torch.Tensor], path: Path) -> None:
    """Float16 safetensors; counters stay whole numbers."""
    halved = {name: value.half() if value.is_floating_point() else value for name, value in weights.items()}
    save_file({name: value.contiguous() for name, value in halved.items()}, path, metadata={"format": "pt"})
    path.chmod(0o644)


def mean_weights(runs: list[Path], *, is_raw: bool) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The mean of the runs' weights, and their sizes; runs from one start lie in one valley.

    Source: Wortsman et al. 2022, Model soups, arXiv:2203.05482, the uniform soup.
    """
    states = [torch.load(run / "checkpoint.pt", weights_only=False) for run in runs]
    weights = [state["model"] if is_raw else state["average"]["weights"] for state in states]
    first = weights[0]
    together = {
        name: torch.stack([each[name] for each in weights]).mean(0) if value.is_floating_point() else value
        for name, value in first.items()
    }
    return together, states[0]["sizes"]


def make_card(runs: list[Path], parameters_m: float, side_px: int) -> dict[str, Any]:
    """The card without scores."""
    last = []
    for run in runs:
        with (run / "log.csv").open(newline="") as file:
            last.append(dict(zip(LOGGED, list(csv.reader(file))[-1], strict=True)))
    recipes = [json.loads((run / "recipe.json").read_text()) for run in runs]
    return {
        "name": "pocket-sam",
        "what": "A tiny promptable segmenter trained from scratch by this project on a share of one CPU core. Good at "
        "distinct things before a ground, in renders and simple pictures; fine structures, crowds, hair and the "
        "textures of real photos are beyond it.",
        "licence": "Apache-2.0 for the weights as far as it is ours to give; trained on the sets below, of which "
        "BSDS500 and Flickr8k are for research.",
        "parameters_m": round(parameters_m, 2),
        "encoder": "a residual pyramid in place of ImageEncoderViT, which takes three times its CPU time (README); "
        "prompt encoder, mask decoder, predictor and generator are segment_anything's",
        "input": f"long side {side_px} px, padded to a square; masks at half of that",
        "training": {
            "steps": sum(int(row["step"]) for row in last),
            "pictures_seen": sum(int(row["pictures"]) for row in last),
            "cpu_minutes": round(sum(float(row["cpu_seconds"]) for row in last) / 60, 1),
            "wall_minutes": round(sum(float(row["seconds"]) for row in last) / 60, 1),
            "recipes": recipes,
            "seed": recipes[0]["seed"],
            "hardware": "one of 2 CPU cores (AVX2, float32), shared with much other work",
        },
        "data": [{"set": name, "kind": kind, "licence": licence} for name, kind, licence in DATA_SETS],
        "held_out": "Toybox azimuth sectors, picture seeds and colour pairs; BSDS500 val and test; eight subgroups of "
        "emoji; all val and test lists of the photo sets",
        "scores": [],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, nargs="+", required=True, help="runs in the order they were made")
    parser.add_argument("--data", type=Path, required=True, help="for the held-out scenes that choose thresholds")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--side", type=int, help="img_size other than the trained one")
    parser.add_argument("--raw-weights", action="store_true", help="the last weights instead of their average")
    parser.add_argument("--soup", type=int, default=1, help="how many of the last runs to average")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    weights, trained = mean_weights(args.run[-args.soup :], is_raw=args.raw_weights)
    sizes = {**trained, **({"img_size": args.side} if args.side else {})}
    args.out.mkdir(parents=True, exist_ok=True)
    save_weights(weights, args.out / "model.safetensors")
    (args.out / "config.json").write_text(json.dumps(sizes, indent=1) + "\n")
    fitted = thresholds.fit(args.out, args.data)
    (args.out / "config.json").write_text(json.dumps({**sizes, "thresholds": fitted}, indent=1) + "\n")
    count = sum(value.numel() for name, value in weights.items() if "running" not in name and "num_batches" not in name)
    card = make_card(args.run, count / 1e6, sizes["img_size"])
    (args.out / "card.json").write_text(json.dumps(card, indent=1) + "\n")


if __name__ == "__main__":
    main()
