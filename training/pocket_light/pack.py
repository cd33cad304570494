"""Pack a run into the folder that the hub ships: networks in half precision, CLIP's direction of light, the card.

Run: ``python -m training.pocket_light.pack --run RUN --out assets/models/pocket-light --powers '{...}'``
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from core.light import DIRECTION, LightScale, write_scale
from core.light_losses import residual_of
from core.light_net import PARAMETERS, build
from training.pocket_light.train import GUIDE

METHODS = ("rave", "clip-lit", "clip-lit-latent")
PHOTO_SETS = (
    {"set": "Flickr8k, the first 700 of 1,000 photos", "kind": "photos", "licence": "research"},
    {"set": "Caltech-101, train, the first 700", "kind": "photos", "licence": "CC BY 4.0"},
    {"set": "Houses dataset, the first 700", "kind": "photos", "licence": "none stated, cite"},
)
DATA = (
    *({**row, "set": f"{row['set']}, well-lit ones"} for row in PHOTO_SETS),
    {"set": "SICE exposures, four of five scenes", "kind": "photos", "licence": "CC BY-NC 4.0 (academic)"},
)


def pack(run: Path, out: Path, map_px: int, powers: dict[str, float], share: float = 1.0) -> None:
    """Write the folder; networks that the run lacks are left out.

    Args:
        run: Of :mod:`training.pocket_light.train`.
        out: The folder.
        map_px: Longer side of the picture that the networks look at.
        powers: Of the maps, by method.
        share: Of the guided weights beside those of the pairs (Wortsman et al. 2022, "Robust fine-tuning of zero-shot
            models", arXiv:2109.01903); 1 takes the guided weights alone.
    """
    out.mkdir(parents=True, exist_ok=True)
    networks, training = {}, {}
    first = torch.load(run / "pairs.pt", weights_only=True) if (run / "pairs.pt").exists() else None
    for method in METHODS:
        path = run / f"{method}.pt"
        if not path.exists():
            continue
        state = torch.load(path, weights_only=True)
        weights = dict(state["net"])
        if first is not None:
            weights = {name: first["net"][name].lerp(value, share) for name, value in weights.items()}
        build().load_state_dict(weights)
        halves = {name: value.half().contiguous() for name, value in weights.items()}
        save_file(halves, out / f"{method}.safetensors")
        (out / f"{method}.safetensors").chmod(0o644)
        networks[method] = f"{method}.safetensors"
        training[method] = {key: round(state[key], 1) for key in ("step", "prompt_steps", "seconds")}
    if first is not None:
        training["pairs"] = {"step": first["step"], "seconds": round(first["seconds"], 1)}
    _write(out / "config.json", {"map_px": map_px, "padding": "zeros", "powers": powers, "networks": networks})
    saved = np.load(run / "direction.npz")
    residual = residual_of(saved["well"], saved["dark"])
    dark, lit = (float(residual.score(saved[name]).mean()) for name in ("dark", "well"))
    write_scale(out / DIRECTION, LightScale(GUIDE, residual, dark, lit))
    (out / DIRECTION).chmod(0o644)
    _write(out / "card.json", card(training, map_px) | {"powers": powers, "share_of_guided_weights": share})


def said_input(map_px: int) -> str:
    """What the card says of the networks' input."""
    return f"longer side {map_px} px; the map is drawn along the photo's edges at full size"


def card(training: dict[str, Any], map_px: int) -> dict[str, Any]:
    """What the weights are, how they were made, and of what."""
    return {
        "name": "pocket-light",
        "what": "CLIP-LIT's illumination network, taught by the pocket encoder. A tiny guide and minutes of training:"
        " it lifts dark subjects, it does not know what they are.",
        "licence": "Apache-2.0 for the weights as far as it is ours to give; trained on the sets below, some of which"
        " are for research only.",
        "parameters": PARAMETERS,
        "networks": sorted(key for key in training if key != "pairs"),
        "input": said_input(map_px),
        "training": {"cpu_seconds_and_steps": training, "guide": GUIDE, "seed": 0},
        "deviations": "see core/light_fit.py and training/pocket_light/README.md",
        "data": list(DATA),
    }


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--map-px", type=int, default=28)
    parser.add_argument("--powers", type=json.loads, default={}, help="of the maps by method, as JSON")
    parser.add_argument("--scores", type=Path, help="what `python -m benchmarks.enhance --json` printed")
    parser.add_argument("--share", type=float, default=0.5, help="of the guided weights")
    given = parser.parse_args(arguments)
    pack(given.run, given.out, given.map_px, given.powers, given.share)
    if given.scores is not None:
        card_path = given.out / "card.json"
        listed = json.loads(given.scores.read_text(encoding="utf-8"))["results"]
        scores = [{key: row[key] for key in ("name", "figure", "unit", "bar", "is_met", "note")} for row in listed]
        _write(card_path, json.loads(card_path.read_text(encoding="utf-8")) | {"scores": scores})


if __name__ == "__main__":
    main()
