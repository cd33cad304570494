"""Train the diffusion over text embeddings: ``python -m training.pocket_diffdis.train --features FEATURES --out RUN``.

Symbols as in :mod:`core.diffusion_text`. One caption of each picture's concept is drawn a step; the classification part
compares the predicted text with one drawn caption of each concept of the batch, those that may be true of the picture
left out (pocket_clip's table). One picture in ten is kept for the scale of the cosines and for stopping.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from core.diffusion_text import TextDiffusion, build, ddim

log = logging.getLogger(__name__)
TRAIN_STEPS = 1000  # of the scheduler
CE_SCALE, CE_WEIGHT = 20.0, 0.5
PICTURE_NOISE = 0.3  # as a share of an embedding's length: pictures that were trained lie nearer to their texts
DEV_EVERY = 10
TOLD_EVERY = 100


@dataclass(frozen=True, eq=False)
class Material:
    """What is read from FEATURES/train.npz; see features.py."""

    pictures: NDArray[np.float32]  # (N, D)
    owners: NDArray[np.int64]  # (N,)
    captions: NDArray[np.float32]  # (M, D)
    offsets: NDArray[np.int64]  # (K + 1,)
    weights: NDArray[np.float64]  # (M,)
    compat: NDArray[np.bool_]  # (K, K)
    names: NDArray[np.float32]  # (K, D)

    def caption_of(self, owners: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float32]:
        """A drawn caption of each concept, (B, D)."""
        rows = []
        for owner in owners:
            first, last = self.offsets[owner], self.offsets[owner + 1]
            chances = self.weights[first:last]
            rows.append(first + rng.choice(last - first, p=chances / chances.sum()))
        return self.captions[rows]


def read(folder: Path) -> Material:
    """The training material, in float32."""
    found = np.load(folder / "train.npz")
    return Material(
        found["pictures"].astype(np.float32), found["owners"], found["captions"].astype(np.float32), found["offsets"],
        found["weights"], found["compat"], found["names"].astype(np.float32),
    )  # fmt: skip


def is_kept(count: int) -> NDArray[np.bool_]:
    """Which of the pictures are kept from training, (N,)."""
    return np.arange(count) % DEV_EVERY == 0


def loss_of(
    net: torch.nn.Module, kept: Tensor, texts: Tensor, pictures: Tensor, may_both: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Both parts of the loss on a batch.

    Args:
        net: Of :func:`core.diffusion_text.build`.
        kept: abar of every step, (T,).
        texts: Drawn captions, (B, D) unit norm.
        pictures: (B, D) unit norm.
        may_both: (B, B), which other captions may be true of a picture too; true on the diagonal.
        generator: Of steps and noise.
    """
    clean = texts * texts.shape[1] ** 0.5
    steps = torch.randint(len(kept), (len(clean),), generator=generator)
    share = kept[steps][:, None]
    noisy = share.sqrt() * clean + (1 - share).sqrt() * torch.randn(clean.shape, generator=generator)
    found = net(noisy, steps, pictures)
    logits = CE_SCALE * functional.normalize(found, dim=-1) @ texts.T
    others = may_both & ~torch.eye(len(texts), dtype=torch.bool)
    told = functional.cross_entropy(logits.masked_fill(others, -torch.inf), torch.arange(len(texts)))
    return (found - clean).square().mean(), told


def train(material: Material, steps: int, batch: int, width: int, rate: float, seed: int = 0) -> torch.nn.Module:
    """Train from scratch; the average of the weights over the last steps comes back."""
    torch.manual_seed(seed)
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    dim = material.pictures.shape[1]
    net, average = build(dim, width), build(dim, width)
    average.load_state_dict(net.state_dict())
    adam = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=0.05)
    kept = ddim(1).alphas_cumprod.float()
    rows = np.flatnonzero(~is_kept(len(material.owners)))
    begin_s = time.process_time()
    for step in range(steps):
        some = rng.choice(rows, batch, replace=False)
        owners = material.owners[some]
        pictures = material.pictures[some]
        pictures = pictures + PICTURE_NOISE / dim**0.5 * rng.standard_normal(pictures.shape, np.float32)
        pictures /= np.linalg.norm(pictures, axis=1, keepdims=True)
        texts = torch.from_numpy(material.caption_of(owners, rng))
        texts = functional.normalize(texts, dim=-1)
        may_both = torch.from_numpy(material.compat[np.ix_(owners, owners)])
        for group in adam.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 100) * 0.5 * (1 + np.cos(np.pi * step / steps))
        drawn, told = loss_of(net, kept, texts, torch.from_numpy(pictures), may_both, generator)
        adam.zero_grad()
        (drawn + CE_WEIGHT * told).backward()
        adam.step()
        with torch.no_grad():
            share = min(0.99, step / (step + 10))
            for own, new in zip(average.parameters(), net.parameters(), strict=True):
                own.lerp_(new, 1 - share)
        if step % TOLD_EVERY == 0 or step + 1 == steps:
            cpu_s = time.process_time() - begin_s
            log.info("step %d of %d: mse %.4f, ce %.3f, %.0f CPU s", step, steps, float(drawn), float(told), cpu_s)
    return average


def fitted_scale(model: TextDiffusion, material: Material, most: int = 1500) -> float:
    """The scale under which the kept pictures' own concepts are likeliest among all that exclude each other."""
    rows = np.flatnonzero(is_kept(len(material.owners)))[:most]
    drawn = model.denoised(material.pictures[rows])
    cosines = np.einsum("nkd,md->nm", drawn, material.names, optimize=True) / drawn.shape[1]
    owners = material.owners[rows]
    others = material.compat[owners].copy()
    others[np.arange(len(rows)), owners] = False
    best, scale = -np.inf, 1.0
    for asked in np.geomspace(5, 200, 40):
        logits = torch.from_numpy(np.where(others, -np.inf, asked * cosines))
        likely = float(-functional.cross_entropy(logits, torch.from_numpy(owners)))
        if likely > best:
            best, scale = likely, float(asked)
    return scale


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--rate", type=float, default=2e-3)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    material = read(args.features)
    begin_s = time.process_time()
    net = train(material, args.steps, args.batch, args.width, args.rate).eval().requires_grad_(False)
    cpu_s = time.process_time() - begin_s
    scale = fitted_scale(TextDiffusion("run", net, encoder="pocket-clip", logit_scale=1.0), material)
    args.out.mkdir(parents=True, exist_ok=True)
    torch.save(net.state_dict(), args.out / "net.pt")
    recipe = {
        "steps": args.steps, "batch": args.batch, "width": args.width, "rate": args.rate, "seed": 0,
        "cpu_seconds": round(cpu_s, 1), "pictures": int((~is_kept(len(material.owners))).sum()),
        "captions": len(material.captions), "logit_scale": round(scale, 2),
    }  # fmt: skip
    (args.out / "recipe.json").write_text(json.dumps(recipe, indent=1) + "\n")
    log.info("%s", recipe)


if __name__ == "__main__":
    main()
