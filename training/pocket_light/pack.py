"""Pack a run into the folder that the hub ships: networks in half precision, CLIP's direction of light, the card.

Run: ``python -m training.pocket_light.pack --run RUN --out assets/models/pocket-light --map-px 64``
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
DATA = (
    {"set": "Flickr8k, the first 700 of 1,000 photos, well-lit ones", "kind": "photos", "licence": "research"},
    {"set": "Caltech-101, train, the first 700, well-lit ones", "kind": "photos", "licence": "CC BY 4.0"},
    {"set": "Houses dataset, the first 700, well-lit ones", "kind": "photos", "licence": "none stated, cite"},
    {"set": "SICE exposures, four of five scenes", "kind": "photos", "licence": "CC BY-NC 4.0 (academic)"},
)


def pack(run: Path, out: Path, map_px: int) -> None:
    """Write the folder; networks that the run lacks are left out."""
    out.mkdir(parents=True, exist_ok=True)
    networks, training = {}, {}
    for method in METHODS:
        path = run / f"{method}.pt"
        if not path.exists():
            continue
        state = torch.load(path, weights_only=True)
        build().load_state_dict(state["net"])
        save_file(
            {name: value.half().contiguous() for name, value in state["net"].items()}, out / f"{method}.safetensors"
        )
        networks[method] = f"{method}.safetensors"
        training[method] = {key: round(state[key], 1) for key in ("step", "prompt_steps", "seconds")}
    if (run / "pairs.pt").exists():
        state = torch.load(run / "pairs.pt", weights_only=True)
        training["pairs"] = {"step": state["step"], "seconds": round(state["seconds"], 1)}
    _write(out / "config.json", {"map_px": map_px, "padding": "zeros", "networks": networks})
    saved = np.load(run / "direction.npz")
    residual = residual_of(saved["well"], saved["dark"])
    dark, lit = (float(residual.score(saved[name]).mean()) for name in ("dark", "well"))
    write_scale(out / DIRECTION, LightScale(GUIDE, residual, dark, lit))
    _write(out / "card.json", card(training, map_px))


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
        "input": f"longer side {map_px} px; the map is drawn along the photo's edges at full size",
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
    parser.add_argument("--map-px", type=int, default=64)
    given = parser.parse_args(arguments)
    pack(given.run, given.out, given.map_px)


if __name__ == "__main__":
    main()
