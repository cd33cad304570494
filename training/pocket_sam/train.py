"""Train pocket-sam; resumable, on a wall-clock or a step budget. The log has both clocks: a shared machine differs.

Run: ``python -m training.pocket_sam.train --data DATA --raw RAW --toys TOYS --out RUN --minutes 60``; the same command
resumes, and takes in Toybox shards that have been rendered meanwhile.
"""

from __future__ import annotations

import argparse
import csv
import json
import logging
import math
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.random import Generator
from torch import nn

from core.sam_build import build
from training.pocket_clip.model import WeightAverage
from training.pocket_sam import compose, network
from training.pocket_sam.muon import Muon
from training.pocket_sam.prompts import Batch, make_batch
from training.pocket_sam.sources import Bsds, Emoji, Photos, Sample, Toys

log = logging.getLogger(__name__)

SIZES: dict[str, Any] = {
    "img_size": 192,
    "patch_size": 8,
    "dim": 64,
    "decoder_mlp": 256,
    "decoder_heads": 4,
    "decoder_depth": 2,
    "mask_in_chans": 16,
    "encoder": {"kind": "conv", "widths": [24, 64, 112, 144], "depths": [1, 2, 2, 1]},
}
MIX = {"scene": 0.5, "composite": 0.2, "textures": 0.1, "bsds": 0.2}
AFFINITY_WEIGHT = 0.3
CORRECTED_SHARE = 0.34  # prompts that get a second round with the first answer and a click
WARM_UP = 0.03  # share of the budget
CHECKPOINT_SECONDS = 120.0  # wall
REFRESH_STEPS = 100
AVERAGE_STEPS = 4
LOGGED = ("step", "pictures", "seconds", "cpu_seconds", "side_px", "loss", "iou_first", "iou_corrected", "rate")


@dataclass(frozen=True)
class Recipe:
    """Everything that a run depends on besides its data."""

    minutes: float = 60.0
    steps: int = 0  # > 0: a budget of steps instead
    batch: int = 8
    prompts: int = 3
    stages: tuple[tuple[float, int], ...] = ((0.0, 96), (0.45, 128), (0.75, 192))  # (share of the budget, side px)
    rate: float = 2e-3
    decay: float = 0.05
    optimizer: str = "muon"
    average: float = 0.992  # memory of the weight average, per AVERAGE_STEPS
    seed: int = 0

    def side_px(self, progress: float) -> int:
        """Picture side at this share of the budget."""
        return [side for start, side in self.stages if progress >= start][-1]

    def rate_at(self, progress: float) -> float:
        """Linear warm-up, then half a cosine to zero."""
        if progress < WARM_UP:
            return self.rate * (progress / WARM_UP * 0.95 + 0.05)
        return self.rate * 0.5 * (1 + math.cos(math.pi * min((progress - WARM_UP) / (1 - WARM_UP), 1)))


class Material:
    """All sources; ``draw`` gives the pictures of one step."""

    def __init__(self, data: Path, raw: Path, toys: Path) -> None:
        self.photos, self.emoji, self.bsds = Photos(data), Emoji(data), Bsds(raw / "bsds")
        self.scenes, self.singles = Toys(toys, "scene6", 8000), Toys(toys, "single", 6000)

    def refresh(self) -> None:
        """Take in new shards."""
        self.scenes.refresh()
        self.singles.refresh()

    def draw(self, count: int, side_px: int, rng: Generator) -> list[Sample]:
        """``count`` samples in the shares of MIX; before any scene is rendered, composites stand in."""
        names = rng.choice(list(MIX), count, p=list(MIX.values()))
        return [self.one(str(name), side_px, rng) for name in names]

    def one(self, name: str, side_px: int, rng: Generator) -> Sample:
        """One sample of a kind of MIX."""
        if name == "bsds":
            return self.bsds.draw(rng, side_px)
        if name == "textures":
            return compose.textures(rng, side_px, self.photos)
        if name == "scene" and len(self.scenes):
            return compose.scene(rng, side_px, self.scenes, self.photos)
        return compose.composite(rng, side_px, self.photos, self.singles, self.emoji)


def make_optimizers(model: nn.Module, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon for inner matrices and convolutions, AdamW for embeddings, ends and vectors; or AdamW alone."""
    matrices, weights, rest = [], [], []
    for name, value in model.named_parameters():
        is_end = "embed" in name or "token.weight" in name or "tokens.weight" in name or min(value.shape) <= 4
        is_matrix = value.ndim in (2, 4) and not is_end and "output_upscaling" not in name
        (matrices if is_matrix and recipe.optimizer == "muon" else weights if value.ndim > 1 else rest).append(value)
    groups = [{"params": weights, "weight_decay": recipe.decay}, {"params": rest, "weight_decay": 0.0}]
    made: list[torch.optim.Optimizer] = [torch.optim.AdamW(groups, lr=recipe.rate, betas=(0.9, 0.98), fused=True)]
    return [*made, Muon(matrices, recipe.rate, recipe.decay)] if matrices else made


class Run:
    """One training with everything that a checkpoint must hold."""

    def __init__(self, recipe: Recipe, sizes: dict[str, Any], material: Material) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.sizes, self.material = recipe, sizes, material
        self.model = build(sizes).to(memory_format=torch.channels_last).train()
        network.speed_up(self.model)
        self.optimizers = make_optimizers(self.model, recipe)
        self.average = WeightAverage(self.model, recipe.average)
        self.rng = np.random.default_rng(recipe.seed)
        self.step, self.seen, self.seconds, self.cpu_seconds = 0, 0, 0.0, 0.0

    @property
    def progress(self) -> float:
        """Share of the budget that is spent."""
        if self.recipe.steps:
            return self.step / self.recipe.steps
        return self.seconds / (self.recipe.minutes * 60)

    def losses(self, batch: Batch) -> tuple[torch.Tensor, float, float]:
        """Loss of both rounds and the best masks' mean IoU with the wanted targets after each."""
        model = self.model
        embedding = model.image_encoder(batch.pixels)
        sparse = network.embed_prompts(model, batch.points, batch.labels)
        logits, predicted = network.decode(model, embedding, sparse, network.dense_prompts(model, None, len(sparse)))
        loss, iou_first = network.prompt_loss(logits, predicted, batch.targets, batch.is_valid)
        loss = loss + AFFINITY_WEIGHT * network.affinity_loss(embedding, batch.ids)
        per_picture = self.recipe.prompts
        again = max(1, round(per_picture * CORRECTED_SHARE))
        rows = torch.arange(len(sparse)).view(-1, per_picture)[:, :again].flatten()
        target = batch.targets[rows, :1]
        best = network.overlaps(logits[rows], target)[..., 0].argmax(1)
        before = logits[rows, best].detach()
        draw = torch.Generator().manual_seed(int(self.rng.integers(1 << 31)))
        click, label = network.correction(before, target[:, 0], draw)
        points = torch.cat([click[:, None], batch.points[rows]], dim=1)
        labels = torch.cat([label[:, None], batch.labels[rows]], dim=1)
        logits, predicted = network.decode(
            model,
            embedding,
            network.embed_prompts(model, points, labels),
            network.dense_prompts(model, before.clamp(-20, 20).unsqueeze(1), len(rows)),
        )
        only = torch.tensor([[True, False, False]]).expand(len(rows), -1)
        padded = nn.functional.pad(target, (0, 0, 0, 0, 0, 2))
        second, iou_second = network.prompt_loss(logits, predicted, padded, only)
        return loss + again / per_picture * second, iou_first.mean().item(), iou_second.mean().item()

    def advance(self) -> dict[str, float]:
        """One step; returns what the log shows."""
        began, began_cpu = time.monotonic(), time.process_time()
        progress = self.progress
        side_px, rate = self.recipe.side_px(progress), self.recipe.rate_at(progress)
        network.set_side(self.model, side_px)
        if self.step % REFRESH_STEPS == 0:
            self.material.refresh()
        samples = self.material.draw(self.recipe.batch, side_px, self.rng)
        batch = make_batch(samples, self.recipe.prompts, self.rng)
        loss, iou_first, iou_corrected = self.losses(batch)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            optimizer.zero_grad()
        self.step += 1
        if self.step % AVERAGE_STEPS == 0:
            self.average.update(self.model)
        self.seen += len(samples)
        self.seconds += time.monotonic() - began
        self.cpu_seconds += time.process_time() - began_cpu
        shown = {"side_px": side_px, "loss": loss.item(), "iou_first": iou_first, "iou_corrected": iou_corrected}
        return {**shown, "rate": rate}

    def save(self, path: Path) -> None:
        """Write the checkpoint whole, then rename it into place."""
        state = {
            "sizes": self.sizes,
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "average": self.average.state(),
            "rng": (self.rng.bit_generator.state, torch.get_rng_state()),
            "counters": (self.step, self.seen, self.seconds, self.cpu_seconds),
        }
        torch.save(state, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint."""
        state = torch.load(path, weights_only=False)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.average.load(state["average"])
        self.rng.bit_generator.state, torch_state = state["rng"]
        torch.set_rng_state(torch_state)
        self.step, self.seen, self.seconds, self.cpu_seconds = state["counters"]


def train(run: Run, out: Path) -> None:
    """Advance until the budget is spent; log every 20 steps, checkpoint every two minutes, at the end, on SIGTERM."""
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    recent: list[list[float]] = []
    saved_at = time.monotonic()
    while not asked and run.progress < 1:
        shown = run.advance()
        recent.append([shown["loss"], shown["iou_first"], shown["iou_corrected"]])
        if run.step % 20 == 0:
            means = [f"{value:.4f}" for value in np.mean(recent, axis=0)]
            recent.clear()
            clocks = [round(run.seconds, 1), round(run.cpu_seconds, 1)]
            row = [run.step, run.seen, *clocks, shown["side_px"], *means, f"{shown['rate']:.6f}"]
            with (out / "log.csv").open("a", newline="") as file:
                csv.writer(file).writerow(row)
        if time.monotonic() - saved_at > CHECKPOINT_SECONDS:
            run.save(out / "checkpoint.pt")
            saved_at = time.monotonic()
    run.save(out / "checkpoint.pt")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="prepared photos and emoji")
    parser.add_argument("--raw", type=Path, required=True, help="holds bsds/images and bsds/groundTruth")
    parser.add_argument("--toys", type=Path, required=True, help="Toybox shards")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--stages", default="0:96,0.45:128,0.75:192", help="share of the budget:side, ...")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--prompts", type=int, default=3)
    parser.add_argument("--optimizer", choices=("muon", "adamw"), default="muon")
    parser.add_argument("--seed", type=int, default=0, help="runs of different seeds from one start can be averaged")
    parser.add_argument("--sizes", type=Path, help="JSON with sizes other than the usual")
    parser.add_argument("--start", type=Path, help="checkpoint of another run whose averaged weights to start from")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    args.out.mkdir(parents=True, exist_ok=True)
    stages = tuple((float(a), int(b)) for a, b in (part.split(":") for part in args.stages.split(",")))
    recipe = Recipe(
        args.minutes,
        steps=args.steps,
        batch=args.batch,
        prompts=args.prompts,
        stages=stages,
        rate=args.rate,
        optimizer=args.optimizer,
        seed=args.seed,
    )
    sizes = json.loads(args.sizes.read_text()) if args.sizes else SIZES
    run = Run(recipe, sizes, Material(args.data, args.raw, args.toys))
    if (args.out / "checkpoint.pt").is_file():
        run.load(args.out / "checkpoint.pt")
    elif args.start:
        run.model.load_state_dict(torch.load(args.start, weights_only=False)["average"]["weights"])
        run.average = WeightAverage(run.model, recipe.average)
    (args.out / "recipe.json").write_text(json.dumps({**asdict(recipe), "mix": MIX, "sizes": sizes}, indent=1) + "\n")
    log.info("from step %d; %d scenes, %d single toys", run.step, len(run.material.scenes), len(run.material.singles))
    train(run, args.out)


if __name__ == "__main__":
    main()
