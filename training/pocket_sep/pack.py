"""Pack a run's averaged weights as assets/models/pocket-sep: float16 safetensors, config.json, card.json.

The presence from which a sound counts as heard is chosen here, on held-out sources mixed by another seed than the
mixtures of the scores: the value that tells present from absent best.

Run: ``python -m training.pocket_sep.pack --run RUN --data DATA --out assets/models/pocket-sep``
"""

from __future__ import annotations

import argparse
import csv
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from core.sep import QueriedSeparator
from core.sep_files import Usage, read_separator
from core.sep_presence import presence_over_time
from core.sep_spectrogram import HOP, LEAST_MAGNITUDE
from training.pocket_sep.labels import labels
from training.pocket_sep.mixtures import Clips, Queries, draw_mixture, pictures_of
from training.pocket_sep.queries import QUERY_MODEL
from training.pocket_sep.train import FLOOR, LOGGED

PRESENCE_MIXTURES = 60
WINDOW_FRAMES = 256
SEED = 11
DATA_SETS = (
    ("Philharmonia samples", "single notes of 16 instruments", "free for any use but not for resale as they are"),
    ("Tonejs/audio: Berklee and Salamander samples", "things, tools, voices, nature", "CC BY 3.0"),
    ("Free Spoken Digit Dataset", "spoken digits", "CC BY-SA 4.0"),
    ("Animal-Sound-Dataset", "ten animals", "none stated"),
    ("the project's own synthesiser", "23 sounds", "Apache-2.0"),
)


def save_weights(weights: dict[str, torch.Tensor], path: Path) -> None:
    """Float16 safetensors; counters stay whole numbers."""
    halved = {name: value.half() if value.is_floating_point() else value for name, value in weights.items()}
    save_file({name: value.contiguous() for name, value in halved.items()}, path, metadata={"format": "pt"})
    path.chmod(0o644)


def fit_heard_from(model: QueriedSeparator, data: Path) -> float:
    """The presence that best tells sounds that are in a mixture from sounds that are not."""
    clips, queries, rng = Clips(data, "held_out"), Queries(data), np.random.default_rng(SEED)
    present, absent = [], []
    for _ in range(PRESENCE_MIXTURES):
        drawn = draw_mixture(clips, 2, WINDOW_FRAMES * HOP, rng)
        mixture, _ = pictures_of(drawn.sources)
        other = str(rng.choice([name for name in clips.labels if name not in drawn.names]))
        picture = np.log(mixture + np.float32(LEAST_MAGNITUDE)).T.astype(np.float16)
        rows = np.stack([queries.name(name) for name in (*drawn.names, other)])
        scores = presence_over_time(model.logits(picture, rows), picture)[0].max(1)
        present += list(scores[:-1])
        absent.append(scores[-1])
    steps = np.linspace(0, 1, 101)
    balanced = [np.mean(np.array(present) >= s) + np.mean(np.array(absent) < s) for s in steps]
    return round(float(steps[int(np.argmax(balanced))]), 2)


def make_card(run: Path, parameters_m: float) -> dict[str, Any]:
    """The card; scores are written by ``python -m benchmarks.separate --write-card``."""
    with (run / "log.csv").open(newline="") as file:
        last = dict(zip(LOGGED, list(csv.reader(file))[-1], strict=True))
    recipe = json.loads((run / "recipe.json").read_text())
    return {
        "name": "pocket-sep",
        "what": "A tiny sound separator trained from scratch by this project. It knows the sounds in its config.json,"
        " asked for in English words or by a picture; two or three of them at a time, 16 kHz inside.",
        "licence": "Apache-2.0 for the weights as far as it is ours to give; trained on the sets below.",
        "parameters_m": round(parameters_m, 2),
        "input": "16 kHz, windows of 64 ms every 16 ms, 256 rows, 4.1 s at a time; queries by pocket-clip",
        "training": {
            "steps": int(last["step"]),
            "mixtures": int(last["mixtures"]),
            "cpu_minutes": round(float(last["cpu_seconds"]) / 60, 1),
            "wall_minutes": round(float(last["seconds"]) / 60, 1),
            "recipe": recipe,
        },
        "data": [{"set": name, "kind": kind, "licence": licence} for name, kind, licence in DATA_SETS],
        "held_out": "every tenth file by the hash of its name; 2 ways of naming each sound; a fifth of the pictures",
        "scores": [],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    state = torch.load(args.run / "checkpoint.pt", map_location="cpu", weights_only=False)
    args.out.mkdir(parents=True, exist_ok=True)
    save_weights(state["average"]["weights"], args.out / "model.safetensors")
    known = set(Clips(args.data, "train").labels)
    usage = Usage(
        QUERY_MODEL,
        window_frames=WINDOW_FRAMES,
        floor=FLOOR,
        labels=tuple(row.name for row in labels() if row.name in known),
        query_sha256=json.loads((args.data / "queries.json").read_text())["sha256"],
    )
    write_config(args.out, state["sizes"], usage)
    model = QueriedSeparator("pocket-sep", *read_separator(args.out, "pocket-sep"))
    write_config(args.out, state["sizes"], replace(usage, heard_from=fit_heard_from(model, args.data)))
    count = sum(value.numel() for name, value in state["net"].items() if "running" not in name and "num_" not in name)
    (args.out / "card.json").write_text(json.dumps(make_card(args.run, count / 1e6), indent=1) + "\n")


def write_config(folder: Path, sizes: dict[str, Any], usage: Usage) -> None:
    """config.json as core/sep_files.py reads it."""
    (folder / "config.json").write_text(json.dumps({"sizes": sizes, "usage": asdict(usage)}, indent=1) + "\n")


if __name__ == "__main__":
    main()
