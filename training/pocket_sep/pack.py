"""Pack a run's averaged weights as assets/models/pocket-sep: float16 safetensors, config.json, card.json.

The presence head, the level of the masks and the presence from which a sound counts as heard are fitted here, see
training/pocket_sep/presence.py.

Run: ``python -m training.pocket_sep.pack --run RUN --data DATA --out assets/models/pocket-sep``
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from core.sep_files import Usage
from core.sep_network import Sizes, build
from training.pocket_sep.mixtures import Clips, Queries
from training.pocket_sep.presence import MIXTURES, WINDOW_FRAMES, fit_curve, fit_hearing, fit_level, fit_reading
from training.pocket_sep.queries import QUERY_MODEL
from training.pocket_sep.train import FLOOR, LOGGED

DATA_SETS = (
    ("Philharmonia samples", "single notes of 16 instruments", "free for any use but not for resale as they are"),
    ("Tonejs/audio: Berklee and Salamander samples", "things, tools, voices, nature", "CC BY 3.0"),
    ("Free Spoken Digit Dataset", "spoken digits", "CC BY-SA 4.0"),
    ("Animal-Sound-Dataset", "ten animals", "none stated"),
    ("the project's own synthesiser", "23 sounds", "Apache-2.0"),
)


def save_weights(weights: dict[str, torch.Tensor], path: Path) -> None:
    """Float16 safetensors; counters stay whole numbers, and the presence head float32."""
    is_halved = {
        name: value.is_floating_point() and not name.startswith("presence.") for name, value in weights.items()
    }
    halved = {name: value.half() if is_halved[name] else value for name, value in weights.items()}
    save_file({name: value.contiguous() for name, value in halved.items()}, path, metadata={"format": "pt"})
    path.chmod(0o644)


def spent_by(runs: Sequence[Path]) -> dict[str, Any]:
    """What runs that began with each other's weights spent together, with the recipe of each."""
    lasts = []
    for run in runs:
        with (run / "log.csv").open(newline="") as file:
            lasts.append(dict(zip(LOGGED, list(csv.reader(file))[-1], strict=True)))
    return {
        "steps": sum(int(last["step"]) for last in lasts),
        "mixtures": sum(int(last["mixtures"]) for last in lasts),
        "cpu_minutes": round(sum(float(last["cpu_seconds"]) for last in lasts) / 60, 1),
        "wall_minutes": round(sum(float(last["seconds"]) for last in lasts) / 60, 1),
        "recipes": [json.loads((run / "recipe.json").read_text()) for run in runs],
    }


def make_card(runs: Sequence[Path], parameters_m: float) -> dict[str, Any]:
    """The card; scores are written by ``python -m benchmarks.separate --write-card``."""
    return {
        "name": "pocket-sep",
        "what": "A tiny sound separator trained from scratch by this project. It knows the sounds in its config.json,"
        " asked for in English words or by a picture; two or three of them at a time, 16 kHz inside.",
        "licence": "Apache-2.0 for the weights as far as it is ours to give; trained on the sets below.",
        "parameters_m": round(parameters_m, 2),
        "input": "16 kHz, windows of 64 ms every 16 ms, 256 rows, 4.1 s at a time; queries by pocket-clip",
        "training": spent_by(runs),
        "data": [{"set": name, "kind": kind, "licence": licence} for name, kind, licence in DATA_SETS],
        "held_out": "every tenth file by the hash of its name; 2 ways of naming each sound; a fifth of the pictures",
        "scores": [],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--earlier", type=Path, nargs="*", default=[], help="runs that it began with, oldest first")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--mixtures", type=int, default=MIXTURES, help="that the presence head is fitted on")
    args = parser.parse_args()
    state = torch.load(args.run / "checkpoint.pt", map_location="cpu", weights_only=False)
    args.out.mkdir(parents=True, exist_ok=True)
    clips, held_out, queries = Clips(args.data, "train"), Clips(args.data, "held_out"), Queries(args.data)
    sizes = Sizes.read({**state["sizes"], "presence_labels": len(clips.labels)})
    net = build(sizes)
    net.load_state_dict(state["average"]["weights"], strict=False)  # all but the head, which is fitted now
    net.eval().requires_grad_(False)
    fit_hearing(net, clips, args.mixtures)
    fit_reading(net, clips, queries)
    heard_from, auroc = fit_curve(net, (held_out, queries))
    level = fit_level(net, held_out, queries)
    print(f"heard from {heard_from}, AUROC {auroc:.3f}, level of the masks {level}")
    save_weights(net.state_dict(), args.out / "model.safetensors")
    queried = json.loads((args.data / "queries.json").read_text())
    usage = Usage(
        QUERY_MODEL,
        window_frames=WINDOW_FRAMES,
        floor=FLOOR,
        heard_from=heard_from,
        labels=tuple(clips.labels),  # in the order of the head's rows
        query_sha256=queried["sha256"],
        query_text_sha256=queried["text_sha256"],
    )
    write_config(args.out, asdict(sizes), usage)
    count = sum(v.numel() for n, v in net.state_dict().items() if "running" not in n and "num_" not in n)
    (args.out / "card.json").write_text(json.dumps(make_card([*args.earlier, args.run], count / 1e6), indent=1) + "\n")


def write_config(folder: Path, sizes: dict[str, Any], usage: Usage) -> None:
    """config.json as core/sep_files.py reads it."""
    (folder / "config.json").write_text(json.dumps({"sizes": sizes, "usage": asdict(usage)}, indent=1) + "\n")


if __name__ == "__main__":
    main()
