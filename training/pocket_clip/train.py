"""Train the image tower against caption embeddings (targets.py); resumable, on a wall-clock or a step budget.

Run: ``python -m training.pocket_clip.train --data DATA --out RUN --minutes 60``; the same command resumes.
"""

from __future__ import annotations

import argparse
import csv
import json
import logging
import math
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, distributed, nn
from torch.nn import functional

from training.pocket_clip import bank as banks
from training.pocket_clip.batches import MIN_CROP, BatchMaker, PictureSource, mix_of
from training.pocket_clip.composites import RegionMaker, SceneSource, emoji_cutouts, toy_cutouts
from training.pocket_clip.depthwise import speed_up
from training.pocket_clip.model import ImageTower, TowerShape, WeightAverage, fast_numbers
from training.pocket_clip.pack import load_image_tower
from training.pocket_clip.part_source import PartSource
from training.pocket_clip.regions import part_loss, region_loss
from training.pocket_clip.rivals import load as load_rivals
from training.pocket_clip.targets import CaptionTargets

log = logging.getLogger(__name__)

WARM_UP = 0.03  # share of the budget
CHECKPOINT_SECONDS = 120.0
SYNC_STEPS = 8
LOGGED = ("loss", "hit", "region", "region_hit", "ground", "taught", "part_hit")


@dataclass(frozen=True)
class Recipe:
    """Everything that a run depends on besides its data."""

    minutes: float = 60.0
    steps: int = 0  # > 0: a budget of steps instead of minutes (tests; exactly repeatable)
    batch: int = 128
    stages: tuple[tuple[float, int], ...] = ((0.0, 48), (0.35, 64), (0.7, 96))  # (share of the budget, side px)
    rate: float = 2e-3
    decay: float = 0.05
    optimizer: str = "muon"
    average: float = 0.998
    seed: int = 0
    regions: int = 0  # pictures with masks in each step (composites.py); 0: none
    region_px: int = 128
    region_weight: float = 0.5
    parts: int = 0  # regions that are named in each step (part_source.py); 0: none
    part_weight: float = 0.5
    also_px: int = 0  # > 0: another side, for a share of the steps
    also_share: float = 0.25
    teacher_px: int = 0  # > 0: the tower that the run starts from teaches too, on this side of the same pictures
    teacher_weight: float = 8.0
    least_crop: float = MIN_CROP

    def side_px(self, progress: float) -> int:
        """Picture side at this share of the budget."""
        return [side for start, side in self.stages if progress >= start][-1]

    def rate_at(self, progress: float) -> float:
        """Linear warm-up, then half a cosine to zero."""
        if progress < WARM_UP:
            return self.rate * (progress / WARM_UP * 0.95 + 0.05)
        return self.rate * 0.5 * (1 + math.cos(math.pi * min((progress - WARM_UP) / (1 - WARM_UP), 1)))


def make_optimizers(model: nn.Module, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the tower, AdamW for all else; or AdamW alone."""
    matrices, weights, rest = [], [], []
    for name, value in model.named_parameters():
        is_matrix = value.ndim == 2 and "projection" not in name
        (matrices if is_matrix and recipe.optimizer == "muon" else weights if value.ndim > 1 else rest).append(value)
    groups = [{"params": weights, "weight_decay": recipe.decay}, {"params": rest, "weight_decay": 0.0}]
    made: list[torch.optim.Optimizer] = [torch.optim.AdamW(groups, lr=recipe.rate, betas=(0.9, 0.98))]
    if matrices:
        made.append(
            torch.optim.Muon(matrices, lr=recipe.rate, weight_decay=recipe.decay, adjust_lr_fn="match_rms_adamw")
        )
    return made


class Peers:
    """Training processes that average their weights every SYNC_STEPS steps (local SGD, Stich 2018, arXiv:1805.09767).

    On a machine with other work a thread pool waits at every layer for its slowest thread; processes wait only here.
    """

    def __init__(self, rank: int = 0, count: int = 1, rendezvous: Path | None = None) -> None:
        self.rank, self.count = rank, count
        if count > 1 and rendezvous is not None:
            distributed.init_process_group("gloo", f"file://{rendezvous.absolute()}", rank=rank, world_size=count)

    @torch.no_grad()
    def agree(self, model: nn.Module, seconds: float, is_asked_to_stop: bool) -> tuple[float, bool]:
        """Average weights and clock in place; returns (mean seconds, whether anyone wants to stop)."""
        if self.count == 1:
            return seconds, is_asked_to_stop
        values = [parameter.data for parameter in model.parameters()]
        flat = torch.cat([v.flatten() for v in values] + [torch.tensor([seconds, float(is_asked_to_stop)])])
        distributed.all_reduce(flat)
        flat /= self.count
        start = 0
        for value in values:
            value.copy_(flat[start : start + value.numel()].view_as(value))
            start += value.numel()
        return flat[-2].item(), flat[-1].item() > 0


def taught_loss(images: Tensor, teacher: nn.Module, pixels: Tensor, teacher_px: int) -> Tensor:
    """One less the mean cosine to what a teacher says of the same pictures at its own side.

    A tower knows the side that it learnt at: the shipped one of 80 px has 23.0 % of Tiny-ImageNet there and 10.1 at
    128 px. Its own answers are a target of 384 numbers a picture, where a caption is one choice (FixRes, Touvron et al.
    2019, arXiv:1906.06423, is the question; distillation, Hinton et al. 2015, arXiv:1503.02531, the answer here).

    Args:
        images: (N, D) of the student, any length.
        teacher: The frozen tower.
        pixels: (N, 3, S, S), normalised, as the student saw them.
        teacher_px: The teacher's side.
    """
    with torch.no_grad(), fast_numbers():
        small = functional.interpolate(pixels, (teacher_px, teacher_px), mode="bilinear", antialias=True)
        wanted = teacher(small.contiguous(memory_format=torch.channels_last))
    return 1 - functional.cosine_similarity(images.float(), wanted.float(), dim=-1).mean()


class Run:
    """One training with everything that a checkpoint must hold."""

    def __init__(
        self,
        recipe: Recipe,
        shape: TowerShape,
        targets: CaptionTargets,
        maker: BatchMaker,
        regions: RegionMaker | None = None,
        parts: PartSource | None = None,
    ) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.targets, self.maker, self.regions, self.parts = recipe, targets, maker, regions, parts
        self.model = ImageTower(shape).to(memory_format=torch.channels_last).train()
        speed_up(self.model)
        self.optimizers = make_optimizers(self.model, recipe)
        self.average = WeightAverage(self.model, recipe.average)
        self.rng = np.random.default_rng(recipe.seed)
        self.teacher: ImageTower | None = None
        self.step = 0
        self.seconds = 0.0
        self.seen = 0

    def start_from(self, tower: ImageTower) -> None:
        """Begin with these weights; they also teach where the recipe says so."""
        self.model.load_state_dict(tower.state_dict())
        self.average = WeightAverage(self.model, self.recipe.average)
        if self.recipe.teacher_px:
            self.teacher = tower.to(memory_format=torch.channels_last).eval().requires_grad_(False)

    @property
    def progress(self) -> float:
        """Share of the budget that is spent."""
        if self.recipe.steps:
            return self.step / self.recipe.steps
        return self.seconds / (self.recipe.minutes * 60)

    def advance(self) -> dict[str, float]:
        """One step; returns what the log shows."""
        began = time.monotonic()
        progress = self.progress
        side_px, rate = self.recipe.side_px(progress), self.recipe.rate_at(progress)
        if self.recipe.also_px and self.rng.random() < self.recipe.also_share:
            side_px = self.recipe.also_px
        batch = self.maker.draw(side_px, self.rng)
        with fast_numbers():
            images = self.model(batch.pixels)
        loss, hit = self.targets.loss(images, self.model.log_scale, batch, self.rng)
        shown = {"region": 0.0, "ground": 0.0, "region_hit": 0.0, "taught": 0.0, "part_hit": 0.0}
        if self.teacher is not None:
            apart = taught_loss(images, self.teacher, batch.pixels, self.recipe.teacher_px)
            loss = loss + self.recipe.teacher_weight * apart
            shown["taught"] = apart.item()
        loss.backward()
        if self.regions is not None:
            part, found = region_loss(
                self.model, self.targets, self.regions.draw(self.recipe.region_px, self.rng), self.rng
            )
            shown |= found
            (part * self.recipe.region_weight).backward()
            self.seen += self.regions.batch
        if self.parts is not None:
            part, found = part_loss(self.model, self.parts.draw(self.recipe.parts, side_px, self.rng))
            shown |= found
            (part * self.recipe.part_weight).backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 2.0)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            optimizer.zero_grad()
        self.average.update(self.model)
        self.step += 1
        self.seen += len(batch.pixels)
        self.seconds += time.monotonic() - began
        return {"loss": loss.item(), "hit": hit.item(), "side": side_px, "rate": rate, **shown}

    def save(self, path: Path) -> None:
        """Write the checkpoint whole, then rename it into place."""
        state = {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "average": self.average.state(),
            "rng": self.rng.bit_generator.state,
            "counters": (self.step, self.seconds, self.seen),
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
        self.rng.bit_generator.state = state["rng"]
        self.step, self.seconds, self.seen = state["counters"]


def load_sources(data: Path, bank: banks.Bank, names: list[str]) -> tuple[list[PictureSource], np.ndarray]:
    """The picture sets that are there, and the target embeddings of their free captions (F, 384)."""
    sources, free, first = [], [np.zeros((0, bank.targets.shape[1]), np.float32)], 0
    for name in names:
        if not (data / f"{name}.json").is_file():
            log.info("no %s", name)
            continue
        sources.append(PictureSource(name, data, bank, first))
        captions = data / f"{name}.captions.npy"
        if captions.is_file():
            free.append(banks.centre(np.load(captions).astype(np.float32), bank.mean))
            first += len(free[-1])
    return sources, np.concatenate(free)


def make_regions(data: Path, bank: banks.Bank, sources: list[PictureSource], batch: int) -> RegionMaker:
    """Region batches from the sets at hand; needs Toybox with scenes."""
    first = next(source.first_caption for source in sources if source.name == "toybox")
    photos = [source for source in sources if source.name in ("tiny", "houses", "flickr", "caltech", "pacs")]
    cutouts = [toy_cutouts(data, bank, first), *emoji_cutouts(sources)]
    return RegionMaker(SceneSource(data, bank, first), cutouts, photos, batch)


def train(run: Run, out: Path, peers: Peers) -> None:
    """Advance until the budget is spent; log every 20 steps, checkpoint every two minutes, at the end, on SIGTERM."""
    checkpoint, saved_at, recent = out / "checkpoint.pt", time.monotonic(), []
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    is_over = False
    while not is_over:
        shown = run.advance()
        recent.append(tuple(shown[name] for name in LOGGED))
        is_over = bool(asked) or run.progress >= 1
        if run.step % SYNC_STEPS == 0:
            run.seconds, is_over = peers.agree(run.model, run.seconds, is_over)
        elif peers.count > 1:
            is_over = False
        if peers.rank > 0:
            continue
        if run.step % 20 == 0:
            loss, hit, *regional = np.mean(recent, axis=0)
            recent.clear()
            row = [run.step, run.seen * peers.count, round(run.seconds, 1), shown["side"]]
            figures = [f"{loss:.4f}", f"{hit:.4f}", f"{shown['rate']:.6f}", *(f"{value:.4f}" for value in regional)]
            with (out / "log.csv").open("a", newline="") as file:
                csv.writer(file).writerow([*row, *figures])
        if time.monotonic() - saved_at > CHECKPOINT_SECONDS:
            run.save(checkpoint)
            saved_at = time.monotonic()
    if peers.rank == 0:
        run.save(checkpoint)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--stages", default="0:48,0.35:64,0.7:96", help="share of the budget:side, ...")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--optimizer", choices=("muon", "adamw"), default="muon")
    parser.add_argument("--sets", default="tiny,cifar,caltech,pacs,grocery,clothing,houses,flickr,fluent,noto,toybox")
    parser.add_argument("--start", type=Path, help="finished run or packed folder to go on from, with a new budget")
    parser.add_argument("--mix", default="", help="shares of sets other than the usual, set=share,...")
    parser.add_argument("--average", type=float, default=0.998, help="memory of the weight average, per step")
    parser.add_argument("--regions", type=int, default=0, help="pictures with masks in each step")
    parser.add_argument("--region-side", type=int, default=128, help="their side, pixels")
    parser.add_argument("--parts", type=int, default=0, help="cut-outs of parts in each step")
    parser.add_argument("--also", default="", help="another side and its share of the steps, side:share")
    parser.add_argument("--teacher-side", type=int, default=0, help="side at which --start also teaches")
    parser.add_argument("--least-crop", type=float, default=MIN_CROP, help="least share of a picture's area")
    parser.add_argument("--threads", type=int, default=1, help="threads of each process")
    parser.add_argument("--rank", type=int, default=0, help="number of this process; start --peers of them")
    parser.add_argument("--peers", type=int, default=1)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    args.out.mkdir(parents=True, exist_ok=True)
    stages = tuple((float(a), int(b)) for a, b in (part.split(":") for part in args.stages.split(",")))
    recipe = Recipe(
        args.minutes, batch=args.batch, stages=stages, rate=args.rate, optimizer=args.optimizer, average=args.average,
        regions=args.regions, region_px=args.region_side, parts=args.parts, teacher_px=args.teacher_side,
        least_crop=args.least_crop,
        also_px=int(args.also.split(":")[0] or 0), also_share=float(args.also.partition(":")[2] or 0),
    )  # fmt: skip
    bank = banks.load(args.data)
    sources, free = load_sources(args.data, bank, args.sets.split(","))
    mix = mix_of(args.mix)
    for source in sources:
        log.info("%s: %d training pictures", source.name, len(source.rows))
    regions = make_regions(args.data, bank, sources, recipe.regions) if recipe.regions else None
    targets = CaptionTargets(bank, free, load_rivals(args.data, [source.name for source in sources], bank))
    maker = BatchMaker(sources, args.batch, mix, recipe.least_crop)
    run = Run(recipe, TowerShape(), targets, maker, regions, PartSource(args.data) if recipe.parts else None)
    if args.start is not None:
        run.start_from(load_image_tower(args.start))
    if (args.out / "checkpoint.pt").is_file():
        run.load(args.out / "checkpoint.pt")
        log.info("resumed at step %d, %.0f s", run.step, run.seconds)
    run.rng = np.random.default_rng((run.step, args.rank)) if args.peers > 1 else run.rng
    peers = Peers(args.rank, args.peers, args.out / "rendezvous")
    (args.out / "recipe.json").write_text(
        json.dumps(recipe.__dict__ | {"sets": [s.name for s in sources], "mix": mix, "holds_out_emoji": True})
    )
    train(run, args.out, peers)


if __name__ == "__main__":
    main()
