"""Pack a run into the folder that the hub ships, with its scores beside those of plain cosines.

Run: ``python -m training.pocket_diffdis.pack --features FEATURES --run RUN --out assets/models/pocket-diffdis``

Both ways see the same embeddings of the same test pictures and the same texts ("{}" and "a photo of a {}", averaged).
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file

from core.catalog import spec
from core.diffusion_text import DRAWS, STEPS, TextDiffusion, load
from core.model_spec import ModelSpec
from training.evaluate import ROOT
from training.pocket_clip.ranking import random_candidates, ranks
from training.score import Score, share

ENCODER = "pocket-clip"
OFFICIAL = "the set's own val or test list; neither pocket-clip nor this model was trained on it"
UNSEEN = "30 classes of which neither model was shown a picture or a caption; val pictures"
SETS = {"tiny": "Tiny-ImageNet val, 200-way", "cifar": "CIFAR-10 test, 10-way", "caltech": "Caltech-101 test"}


def write(run: Path, out: Path) -> None:
    """Weights in half precision and config.json."""
    out.mkdir(parents=True, exist_ok=True)
    recipe = json.loads((run / "recipe.json").read_text())
    state = torch.load(run / "net.pt", weights_only=True)
    save_file({name: value.half().contiguous() for name, value in state.items()}, out / "model.safetensors")
    (out / "model.safetensors").chmod(0o644)
    config = {
        "dim": len(state["last.bias"]), "width": len(state["first.bias"]), "encoder": ENCODER,
        "logit_scale": recipe["logit_scale"],
    }  # fmt: skip
    (out / "config.json").write_text(json.dumps(config, indent=1) + "\n")


def scores(model: TextDiffusion, features: Path) -> list[Score]:
    """Every set by name: plain cosine, denoised texts, and the mean of both logits."""
    train, test = np.load(features / "train.npz"), np.load(features / "test.npz")
    keys: list[str] = json.loads((features / "concepts.json").read_text())
    names, is_held_out = train["names"].astype(np.float32), train["is_held_out"]
    found: list[Score] = []
    for name, title in SETS.items():
        pictures, owners = test[f"{name}_pictures"].astype(np.float32), test[f"{name}_owners"]
        classes = np.array([row for row, key in enumerate(keys) if key.split("/")[0] == name])
        answers = np.searchsorted(classes, owners)
        ways = similarities(model, pictures, names[classes])
        for way, similar in ways.items():
            found.append(share(f"{name}_{way}", f"{title}: {way}", ranks(similar, answers) == 0, disjoint=OFFICIAL))
        if name == "tiny":
            few = is_held_out[classes]
            is_few = few[answers]
            among = (np.cumsum(few) - 1)[answers][is_few]
            for way, similar in ways.items():
                some = similar[is_few][:, few]
                hits = ranks(some, among) == 0
                found.append(share(f"unseen_{way}", f"never-trained classes, 30-way: {way}", hits, disjoint=UNSEEN))
        for way, similar in ways.items():
            won = random_candidates(similar, answers, 5)
            found.append(share(f"{name}_5_{way}", f"{title.split(',')[0]}, 5 random classes: {way}", won))
    return found


def similarities(
    model: TextDiffusion, pictures: NDArray[np.float32], texts: NDArray[np.float32]
) -> dict[str, NDArray[np.float32]]:
    """Logits of pictures (N, D) with texts (M, D) by each way, (N, M) each."""
    plain = pictures @ texts.T
    drawn = np.einsum("nkd,md->nm", model.denoised(pictures), texts, optimize=True) / DRAWS
    with safe_open(ROOT / ENCODER / "model.safetensors", "np") as file:
        scale = float(np.exp(file.get_tensor("logit_scale")))
    scale /= json.loads((ROOT / ENCODER / "calibration.json").read_text())["temperature"]
    return {"cosine": plain, "diffusion": drawn, "both": scale * plain + model.logit_scale * drawn}


def card(run: Path, found: list[Score], milliseconds: float) -> dict[str, object]:
    """What the weights are, how they were made, and of what."""
    base = json.loads((ROOT / ENCODER / "card.json").read_text())
    return {
        "name": "pocket-diffdis",
        "what": "A diffusion over text embeddings given a picture's embedding by pocket-clip: it draws the text that a"
        " picture denoises to, and the nearest label is the answer. It knows what pocket-clip was taught, no more.",
        "licence": base["licence"],
        "encoder": ENCODER,
        "training": json.loads((run / "recipe.json").read_text()),
        "answer": {"draws": DRAWS, "ddim_steps": STEPS, "milliseconds_a_picture_in_batches": round(milliseconds, 2)},
        "data": base.get("data", []),
        "deviations": "see core/diffusion_text.py and training/pocket_diffdis/README.md",
        "scores": [asdict(score) for score in found],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    write(args.run, args.out)
    row: ModelSpec = spec(ENCODER)
    model = load(args.out, row)
    found = scores(model, args.features)
    begin_s = time.process_time()
    pictures = np.load(args.features / "test.npz")["tiny_pictures"][:256].astype(np.float32)
    model.denoised(pictures)
    milliseconds = (time.process_time() - begin_s) / len(pictures) * 1000
    (args.out / "card.json").write_text(json.dumps(card(args.run, found, milliseconds), indent=1) + "\n")
    for score in found:
        print(f"{score.value:6.1f} [{score.low}, {score.high}] n={score.n} {score.what}")


if __name__ == "__main__":
    main()
