"""Train pocket-sep; resumable, on a wall-clock or a step budget, in float32 on any number of cores, or on a GPU.

Run: ``python -m training.pocket_sep.train --data DATA --out RUN --minutes 60``; the same command resumes.
"""

from __future__ import annotations

import argparse
import csv
import json
import logging
import math
import signal
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor, nn

from core.sep_network import Sizes, build, enlarged, maps, mask_logits, noise_vectors, query_vectors
from core.sep_spectrogram import HOP, levelled, loudness
from training.pocket_clip.model import WeightAverage
from training.pocket_sam.muon import Muon
from training.pocket_sep.losses import (
    fidelity_loss,
    in_cells,
    label_loss,
    noise_invariant_loss,
    plain_loss,
    targets_of,
    weights_of,
)
from training.pocket_sep.mixtures import (
    Clips,
    Queries,
    QueryKind,
    draw_mixture,
    energies_of,
    filtered,
    pictures_of,
    spectra_of,
)

log = logging.getLogger(__name__)

FLOOR = 8.0  # of pictures, see core.sep_files.Usage
GAIN_JITTER = 0.5  # spread of the pictures' level, natural logarithm
NEW_SCALE = 0.05  # of maps that a grown network has more
WARM_UP = 0.03  # share of the budget
CHECKPOINT_SECONDS = 120.0  # wall
AVERAGE_STEPS = 4
FROM_COMMAND_LINE = (  # fields of the recipe
    "minutes", "steps", "batch", "frames", "channels", "listeners", "label_share", "fidelity_share", "varied_share",
    "rate", "inner_rate", "seed", "device",
)  # fmt: skip
LOGGED = ("step", "mixtures", "seconds", "cpu_seconds", "loss", "hit", "rate")


@dataclass(frozen=True)
class Recipe:
    """Everything that a run depends on besides its data.

    Attributes:
        minutes: Budget, wall clock.
        steps: Above 0: a budget of steps instead.
        batch: Mixtures a step.
        frames: Length of a mixture in frames of 16 ms; a multiple of 128.
        widths: See core.sep_network.Sizes.
        channels: Number of maps.
        coarse: See core.sep_network.Sizes.
        hears_height: Likewise.
        up_widths: Likewise.
        listeners: Likewise.
        three_sources: Share of mixtures of three.
        picture_share: Share of queries that are pictures, the rest words (the paper's "hybrid" alternates).
        absent_share: Weight of the loss for a query that names nothing in the mixture.
        label_share: Weight of the loss that asks every cell for its label.
        fidelity_share: Weight of the masks' SI-SDR in tens of decibels; wants weights that know their sounds already.
        varied_share: Share of clips that are played faster or slower and of sources that are filtered.
        jitter_db: Sources' levels lie within plus and minus this.
        is_noise_invariant: Whether to train the noise-invariant heads too (two sources only).
        rate: Highest learning rate of AdamW, for queries, ends and vectors.
        inner_rate: Highest learning rate of Muon, for the convolutions between.
        decay: Weight decay of matrices.
        average: Memory of the weight average, per AVERAGE_STEPS.
        seed: Of weights and draws.
        device: "cpu" or "cuda".
    """

    minutes: float = 60.0
    steps: int = 0
    batch: int = 10
    frames: int = 128
    widths: tuple[int, ...] = (16, 24, 40, 80, 128, 128, 128)
    channels: int = 64
    coarse: int = 2
    hears_height: bool = True
    up_widths: tuple[int, ...] = (48, 64, 80, 128, 128)
    listeners: int = 3
    three_sources: float = 0.25
    picture_share: float = 0.3
    absent_share: float = 0.25
    label_share: float = 0.3
    fidelity_share: float = 0.0
    varied_share: float = 0.7
    jitter_db: float = 3.0
    is_noise_invariant: bool = False
    rate: float = 3e-3
    inner_rate: float = 6e-3
    decay: float = 1e-3
    average: float = 0.99
    seed: int = 0
    device: str = "cpu"

    def share_at(self, progress: float) -> float:
        """Share of the highest rates: linear warm-up, then half a cosine to zero."""
        if progress < WARM_UP:
            return progress / WARM_UP * 0.95 + 0.05
        return 0.5 * (1 + math.cos(math.pi * min((progress - WARM_UP) / (1 - WARM_UP), 1)))


@dataclass(frozen=True, eq=False)
class Batch:
    """Tensors of one step.

    Attributes:
        pictures: (B, 1, 256, F) levelled log magnitudes.
        mixture: (B, 1, 256, F) magnitudes.
        sources: (B, N, 256, F) magnitudes.
        queries: (B, N + 1, D); the last one names nothing in the mixture.
        energies: (B, N + 1, 256, F), see training.pocket_sep.mixtures.energies_of; (B, 0) where no loss asks for them.
        loudness: (B, N) energy of each source.
        chosen: (B, N) index of each source's label.
        all_queries: (L, D), one query of every label.
    """

    pictures: Tensor
    mixture: Tensor
    sources: Tensor
    queries: Tensor
    energies: Tensor
    loudness: Tensor
    chosen: Tensor
    all_queries: Tensor


def make_batch(clips: Clips, queries: Queries, recipe: Recipe, rng: Generator) -> Batch:
    """Draw one step's mixtures, all of the same number of sources."""
    is_three = not recipe.is_noise_invariant and rng.random() < recipe.three_sources
    count, rows = 3 if is_three else 2, []
    for _ in range(recipe.batch):
        drawn = draw_mixture(
            clips, count, recipe.frames * HOP, rng, jitter_db=recipe.jitter_db, varied=recipe.varied_share
        )
        spectra = filtered(spectra_of(drawn.sources), recipe.varied_share, rng)
        mixture, sources = pictures_of(spectra)
        picture = np.log(mixture).T
        level = loudness(picture) + GAIN_JITTER * float(rng.standard_normal())
        absent = str(rng.choice([name for name in clips.labels if name not in drawn.names]))
        embeddings = [queries.draw(name, kind_of(recipe, rng), rng) for name in (*drawn.names, absent)]
        chosen = np.array([clips.labels.index(name) for name in drawn.names])
        shown = levelled(picture, level, FLOOR).T[None]
        energies = energies_of(spectra) if recipe.fidelity_share else np.zeros(0, np.float32)
        loud = (np.abs(spectra) ** 2).sum((1, 2))
        rows.append((shown, mixture[None], sources, np.stack(embeddings), energies, loud, chosen))
    every = np.stack([queries.draw(name, kind_of(recipe, rng), rng) for name in clips.labels])
    parts = [*(np.stack(part) for part in zip(*rows, strict=True)), every]
    return Batch(*(torch.from_numpy(part).to(recipe.device) for part in parts))


def kind_of(recipe: Recipe, rng: Generator) -> QueryKind:
    """Words or pictures, in the recipe's shares."""
    return "picture" if rng.random() < recipe.picture_share else "text"


def loss_of(net: nn.ModuleDict, batch: Batch, recipe: Recipe) -> tuple[Tensor, float]:
    """The loss, and the share of weighted cells whose mask is on the right side of one half."""
    found = maps(net, batch.pictures.contiguous(memory_format=torch.channels_last))
    logits = mask_logits(net, found, query_vectors(net, batch.queries))
    present, absent = logits[:, :-1], logits[:, -1:]
    fine, cell = weights_of(batch.mixture), 1 << recipe.coarse
    targets, weights = in_cells(targets_of(batch.sources, batch.mixture), fine, cell)
    if recipe.is_noise_invariant:
        noise = mask_logits(net, found, noise_vectors(net, batch.queries[:, :-1]))
        loss = noise_invariant_loss(present, noise, targets, weights)
    else:
        loss = plain_loss(present, targets, weights)
    loss = loss + recipe.absent_share * plain_loss(absent, torch.zeros_like(absent), weights)
    if recipe.label_share:
        shares, _ = in_cells(batch.sources / batch.sources.sum(1, keepdim=True).clamp(min=1e-9), fine, cell)
        asked = mask_logits(net, found, query_vectors(net, batch.all_queries))
        loss = loss + recipe.label_share * label_loss(asked, shares, batch.chosen, weights)
    if recipe.fidelity_share:
        fine_logits = enlarged(present, (batch.mixture.shape[2], batch.mixture.shape[3]))
        loss = loss + recipe.fidelity_share * fidelity_loss(fine_logits, batch.energies, batch.loudness)
    right = ((present.detach() > 0) == (targets > 0.5)).float() * weights
    return loss, float(right.sum() / (weights.sum() * present.shape[1]))


def optimizers(net: nn.ModuleDict, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """AdamW for queries, both ends and vectors; Muon for the convolutions between."""
    inner: list[Tensor] = []
    matrices: list[Tensor] = []
    vectors: list[Tensor] = []
    ends = ("downs.0.", "head." if recipe.coarse else "ups.0.")
    for name, value in net.named_parameters():
        is_end = name.startswith(ends)
        is_inner = (value.ndim == 4 and not is_end) or name.startswith("listening.blocks.")
        (vectors if value.ndim < 2 or name.endswith("rows") else inner if is_inner else matrices).append(value)
    groups = [{"params": matrices, "weight_decay": recipe.decay}, {"params": vectors, "weight_decay": 0.0}]
    return [torch.optim.AdamW(groups, lr=recipe.rate, betas=(0.9, 0.98)), Muon(inner, recipe.inner_rate, recipe.decay)]


@torch.no_grad()
def grow(net: nn.ModuleDict, smaller: dict[str, Tensor]) -> None:
    """Give a network the weights of one that is part of it, so that it answers as that one did (Net2Net's idea).

    New channels begin at random, and what listened to the old ones begins by not listening to them.
    """
    own = net.state_dict()
    for name, value in smaller.items():
        corner = tuple(slice(0, length) for length in value.shape)
        if value.ndim == 4 or name == "scale":
            own[name][corner[:1]] = 0
        own[name][corner] = value
    if own["scale"].shape != smaller["scale"].shape:
        own["scale"][len(smaller["scale"]) :] = NEW_SCALE


class Run:
    """One training with everything that a checkpoint must hold."""

    def __init__(self, recipe: Recipe, data: Path) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        self.clips, self.queries = Clips(data, "train"), Queries(data)
        self.sizes = Sizes(
            recipe.widths,
            recipe.channels,
            self.queries.dim,
            recipe.is_noise_invariant,
            recipe.coarse,
            recipe.hears_height,
            recipe.up_widths,
            recipe.listeners,
        )
        self.net = build(self.sizes).to(recipe.device).to(memory_format=torch.channels_last)
        with torch.no_grad():  # queries are unit vectors: without this the heads begin almost blind to them
            self.net["query"].weight.normal_(0, 3.0)
        self.optimizers = optimizers(self.net, recipe)
        self.average = WeightAverage(self.net, recipe.average)
        self.rng = np.random.default_rng(recipe.seed)
        self.step, self.seconds, self.cpu_seconds = 0, 0.0, 0.0

    @property
    def progress(self) -> float:
        """Share of the budget that is spent."""
        if self.recipe.steps:
            return self.step / self.recipe.steps
        return self.seconds / (self.recipe.minutes * 60)

    def advance(self) -> tuple[float, float, float]:
        """One step; returns loss, hits and learning rate."""
        began, began_cpu = time.monotonic(), time.process_time()
        share = self.recipe.share_at(self.progress)
        batch = make_batch(self.clips, self.queries, self.recipe, self.rng)
        loss, hit = loss_of(self.net.train(), batch, self.recipe)
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        for optimizer, rate in zip(self.optimizers, (self.recipe.rate, self.recipe.inner_rate), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = share * rate
            optimizer.step()
            optimizer.zero_grad()
        self.step += 1
        if self.step % AVERAGE_STEPS == 0:
            self.average.update(self.net)
        self.seconds += time.monotonic() - began
        self.cpu_seconds += time.process_time() - began_cpu
        return float(loss.detach()), hit, share * self.recipe.rate

    def save(self, path: Path) -> None:
        """Write the checkpoint whole, then rename it into place."""
        state = {
            "sizes": asdict(self.sizes),
            "net": self.net.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "average": self.average.state(),
            "rng": (self.rng.bit_generator.state, torch.get_rng_state()),
            "counters": (self.step, self.seconds, self.cpu_seconds),
        }
        torch.save(state, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)

    def begin_with(self, path: Path) -> None:
        """Take over the averaged weights of another run, which may be smaller, and nothing else."""
        state: dict[str, Any] = torch.load(path, weights_only=False)
        grow(self.net, state["average"]["weights"])
        self.average = WeightAverage(self.net, self.recipe.average)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint."""
        state: dict[str, Any] = torch.load(path, weights_only=False)
        self.net.load_state_dict(state["net"])
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        self.average.load(state["average"])
        self.rng.bit_generator.state, torch_state = state["rng"]
        torch.set_rng_state(torch_state)
        self.step, self.seconds, self.cpu_seconds = state["counters"]


def train(run: Run, out: Path) -> None:
    """Advance until the budget is spent; log every 20 steps, checkpoint every two minutes, at the end, on SIGTERM."""
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    recent: list[tuple[float, float]] = []
    saved_at = time.monotonic()
    while not asked and run.progress < 1:
        loss, hit, rate = run.advance()
        recent.append((loss, hit))
        if run.step % 20 == 0:
            means = [f"{value:.4f}" for value in np.mean(recent, axis=0)]
            recent.clear()
            clocks = [round(run.seconds, 1), round(run.cpu_seconds, 1)]
            row = [run.step, run.step * run.recipe.batch, *clocks, *means, f"{rate:.6f}"]
            log.info("%s", dict(zip(LOGGED, row, strict=True)))
            with (out / "log.csv").open("a", newline="") as file:
                csv.writer(file).writerow(row)
        if time.monotonic() - saved_at > CHECKPOINT_SECONDS:
            run.save(out / "checkpoint.pt")
            saved_at = time.monotonic()
    run.save(out / "checkpoint.pt")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="clips.npy, clips.json and queries.npz")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="a run of these or smaller sizes, whose averages to begin with")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--noise-invariant", action="store_true", help="train the NIT heads too")
    for name in ("widths", "up_widths"):
        default = list(getattr(Recipe, name))
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, nargs="+", default=default)
    for name in FROM_COMMAND_LINE:
        value = getattr(Recipe, name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(args.threads)
    recipe = Recipe(**{name: getattr(args, name) for name in FROM_COMMAND_LINE})
    recipe = replace(recipe, widths=tuple(args.widths), up_widths=tuple(args.up_widths))
    recipe = replace(recipe, is_noise_invariant=args.noise_invariant)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "recipe.json").write_text(json.dumps(asdict(recipe), indent=1) + "\n")
    run = Run(recipe, args.data)
    if (args.out / "checkpoint.pt").exists():
        run.load(args.out / "checkpoint.pt")
    elif args.start is not None:
        run.begin_with(args.start / "checkpoint.pt")
    train(run, args.out)


if __name__ == "__main__":
    main()
