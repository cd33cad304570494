"""Train the last linear map of a finished image tower to its end, on features of the frozen rest.

A short training leaves the map from pooled features to caption space far behind the features: a linear probe on them
names held-out toys much better than the tower itself does. Features cost one forward pass; on them the very loss of the
training (train.py) runs a hundred times faster than through the tower.

Run: ``python -m training.pocket_clip.polish --start IMAGE --data DATA --out POLISHED --side 80``; POLISHED is a run
like those of train.py, for pack.py and card.py.
"""

from __future__ import annotations

import argparse
import csv
import json
import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.pocket_clip import bank as banks
from training.pocket_clip import rivals
from training.pocket_clip.batches import Batch, BatchMaker, mix_of
from training.pocket_clip.model import ImageTower, fast_numbers
from training.pocket_clip.pack import load_image_tower
from training.pocket_clip.targets import CaptionTargets
from training.pocket_clip.train import load_sources

log = logging.getLogger(__name__)

DRAW = 128  # pictures at once through the tower
BATCH = 512
NEAR = 0.02  # weight of staying near the old answers: 1 - cosine of old and new embedding


@dataclass(frozen=True)
class Features:
    """Pooled features (N, C) float32 with what each picture shows, as in batches.Batch."""

    pooled: Tensor
    concepts: Tensor
    captions: Tensor

    def rows(self, picks: Tensor) -> Batch:
        """A batch whose pixels are features."""
        return Batch(self.pooled[picks], self.concepts[picks], self.captions[picks])


@torch.inference_mode()
def features_of(tower: ImageTower, maker: BatchMaker, count: int, side_px: int, rng: np.random.Generator) -> Features:
    """Draw about ``count`` training pictures as a training would and embed them up to the pooled features."""
    tower.eval()
    pooled, concepts, captions = [], [], []
    seen = 0
    while seen < count:
        batch = maker.draw(side_px, rng)
        with fast_numbers():
            pooled.append(tower.vision_model(batch.pixels).pooler_output.float())
        concepts.append(batch.concepts)
        captions.append(batch.captions)
        seen += len(batch.pixels)
        log.debug("%d pictures", seen)
    return Features(torch.cat(pooled), torch.cat(concepts), torch.cat(captions))


def polish(
    tower: ImageTower,
    targets: CaptionTargets,
    features: Features,
    *,
    steps: int,
    rate: float,
    batch: int,
    seed: int = 0,
) -> list[tuple[int, float, float]]:
    """Train projection and logit scale in place on the features; returns (step, loss, hits) every fifty steps."""
    rng = np.random.default_rng(0)
    projection = tower.visual_projection
    before = projection.weight.detach().clone()
    learned = [projection.weight, tower.log_scale]
    optimizer = torch.optim.AdamW(learned, lr=rate, betas=(0.9, 0.98), weight_decay=0.0)
    seen: list[tuple[int, float, float, float]] = []
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * 0.5 * (1 + math.cos(math.pi * step / steps))
        drawn = features.rows(torch.from_numpy(rng.integers(len(features.pooled), size=batch)))
        images = projection(drawn.pixels)
        loss, hit = targets.loss(images, tower.log_scale, drawn, rng)
        moved = 1 - functional.cosine_similarity(images, drawn.pixels @ before.T).mean()
        (loss + NEAR * moved).backward()
        optimizer.step()
        optimizer.zero_grad()
        if step % 50 == 0 or step == steps - 1:
            seen.append((step, loss.item(), hit.item(), rate * 0.5 * (1 + math.cos(math.pi * step / steps))))
            log.info("step %d loss %.4f hits %.3f moved %.4f", step, loss.item(), hit.item(), moved.item())
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", type=Path, required=True, help="finished run or packed folder")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--side", type=int, default=80, help="pixels; the side that will be packed")
    parser.add_argument("--pictures", type=int, default=80_000)
    parser.add_argument("--steps", type=int, default=1_500)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--sets", default="tiny,cifar,caltech,pacs,grocery,clothing,houses,flickr,fluent,noto,toybox")
    parser.add_argument("--mix", default="", help="shares of sets other than the usual, set=share,...")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    began = time.monotonic()
    args.out.mkdir(parents=True, exist_ok=True)
    bank = banks.load(args.data)
    sources, free = load_sources(args.data, bank, args.sets.split(","))
    mix = mix_of(args.mix)
    tower = load_image_tower(args.start).to(memory_format=torch.channels_last)
    maker = BatchMaker(sources, DRAW, mix)
    features = features_of(tower, maker, args.pictures, args.side, np.random.default_rng(1))
    targets = CaptionTargets(bank, free, rivals.load(args.data, [source.name for source in sources], bank))
    seen = polish(tower, targets, features, steps=args.steps, rate=args.rate, batch=BATCH)
    seconds = time.monotonic() - began
    weights = {name: value.detach().clone() for name, value in tower.state_dict().items()}
    torch.save({"model": weights, "average": {"steps": 0, "weights": weights}}, args.out / "checkpoint.pt")
    recipe = {"what": "polish", "steps": args.steps, "batch": BATCH, "rate": args.rate, "seed": 0, "mix": mix}
    (args.out / "recipe.json").write_text(json.dumps(recipe | {"holds_out_emoji": True}))
    with (args.out / "log.csv").open("w", newline="") as file:
        for step, loss, hit, rate in seen:
            spent = seconds * (step + 1) / args.steps
            row = [
                step + 1,
                len(features.pooled),
                f"{spent:.1f}",
                args.side,
                f"{loss:.4f}",
                f"{hit:.4f}",
                f"{rate:.6f}",
            ]
            csv.writer(file).writerow(row)


if __name__ == "__main__":
    main()
