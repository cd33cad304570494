"""Compare losses, targets and captions on features of the frozen tower: each choice trains a fresh last map to its end.

A choice costs a minute this way instead of an hour, and all see the same features in the same order. What it cannot
tell: how the tower itself would have grown under another loss.

Run: ``python -m training.pocket_clip.ablate --start IMAGE --raw RAW --data DATA --out FOLDER``; figures are printed and
kept in ``FOLDER/ablate.csv``, features in ``FOLDER/features.npz``.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import logging
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from training.pocket_clip import bank as banks
from training.pocket_clip import captions, hierarchy, rivals
from training.pocket_clip.batches import MIX, BatchMaker, mix_of
from training.pocket_clip.model import ImageTower, normalise
from training.pocket_clip.pack import load_image_tower
from training.pocket_clip.packed import Packed
from training.pocket_clip.polish import DRAW, Features, features_of
from training.pocket_clip.ranking import ranks
from training.pocket_clip.scores_photos import test_pictures
from training.pocket_clip.scores_toybox import colour_hits, singles
from training.pocket_clip.targets import CaptionTargets, LossChoice
from training.pocket_clip.train import load_sources
from training.toybox.classes import CLASSES

log = logging.getLogger(__name__)

BATCH = 512
TESTS = 1_500  # pictures of each test


@dataclasses.dataclass(frozen=True)
class Variant:
    """One choice: a loss, whether captions have wrong twins, MiniLM's targets, the strength of mixup (Zhang 2018)."""

    name: str
    loss: LossChoice = dataclasses.field(default_factory=LossChoice)
    has_rivals: bool = True
    is_teacher: bool = False
    mixup: float = 0.0
    learns_text: bool = False


VARIANTS = (
    Variant("as shipped"),
    Variant("no wrong twins", has_rivals=False),
    Variant("sigmoid", LossChoice(kind="sigmoid")),
    Variant("no label smoothing", LossChoice(smoothing=0.0)),
    Variant("label smoothing 0.15", LossChoice(smoothing=0.15)),
    Variant("plain names, no rewrites", LossChoice(is_rewritten=False)),
    Variant("no groups", LossChoice(group_share=0.0)),
    Variant("all others are negatives", LossChoice(spares_compatible=False)),
    Variant("mixup 0.2", mixup=0.2),
    Variant("MiniLM's targets", is_teacher=True),
    Variant("a text map trained too", learns_text=True),
)


@dataclasses.dataclass(frozen=True)
class Test:
    """Pooled features (N, C) and what a projection to caption space is scored by."""

    name: str
    pooled: Tensor
    score: Callable[[np.ndarray], float]


class Head(nn.Module):
    """The last map from pooled features to caption space, fresh; and a map of the texts that begins as the identity."""

    def __init__(self, tower: ImageTower) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.image = nn.Linear(tower.visual_projection.in_features, tower.visual_projection.out_features, bias=False)
        self.text = nn.Parameter(torch.eye(tower.visual_projection.out_features))
        self.log_scale = nn.Parameter(torch.tensor(3.0))


def train_head(
    head: Head, targets: CaptionTargets, features: Features, variant: Variant, *, steps: int, rate: float
) -> float:
    """Train in place; returns the mean loss of the last fifty steps."""
    rng = np.random.default_rng(0)
    texts = targets.targets
    learned = [head.image.weight, head.log_scale, *([head.text] if variant.learns_text else [])]
    learned += [targets.bias] if targets.bias.requires_grad else []
    optimizer = torch.optim.AdamW(learned, lr=rate, betas=(0.9, 0.98), weight_decay=0.01)
    last = []
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * 0.5 * (1 + math.cos(math.pi * step / steps))
        drawn = features.rows(torch.from_numpy(rng.integers(len(features.pooled), size=BATCH)))
        if variant.learns_text:
            targets.targets = functional.normalize(texts @ head.text, dim=-1)
        if variant.mixup:
            share = float(rng.beta(variant.mixup, variant.mixup))
            turned = features.rows(torch.from_numpy(rng.integers(len(features.pooled), size=BATCH)))
            images = head.image(share * drawn.pixels + (1 - share) * turned.pixels)
            loss = share * targets.loss(images, head.log_scale, drawn, rng)[0]
            loss = loss + (1 - share) * targets.loss(images, head.log_scale, turned, rng)[0]
        else:
            loss = targets.loss(head.image(drawn.pixels), head.log_scale, drawn, rng)[0]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        last.append(loss.item())
    targets.targets = texts
    return float(np.mean(last[-50:]))


@torch.inference_mode()
def pooled_of(tower: ImageTower, pictures: np.ndarray, side_px: int) -> Tensor:
    """Pooled features of pictures (N, H, W, 3) uint8, (N, C)."""
    found = []
    for start in range(0, len(pictures), DRAW):
        planes = torch.from_numpy(np.array(pictures[start : start + DRAW])).permute(0, 3, 1, 2).float().div_(255)
        small = functional.interpolate(planes, (side_px, side_px), mode="bicubic", antialias=True).clamp_(0, 1)
        found.append(tower.vision_model(normalise(small)).pooler_output)
    return torch.cat(found)


def photo_tests(packed: Packed, tower: ImageTower, raw: Path, data: Path, side_px: int) -> list[Test]:
    """Tiny-ImageNet's 200 names, its thirty unseen classes among themselves, and CIFAR-10."""
    tests = []
    for name, concepts in (("tiny", captions.tiny_concepts(raw)), ("cifar", captions.cifar_classes())):
        pictures, answers = test_pictures(data, name, concepts, TESTS)
        texts = packed.names([concept.names[0] for concept in concepts])
        pooled = pooled_of(tower, pictures, side_px)
        tests.append(Test(name, pooled, _top1(texts, answers)))
        if name == "tiny":
            unseen = np.array([concept.key.removeprefix("tiny/") in hierarchy.HELD_OUT_WNIDS for concept in concepts])
            own = unseen[answers]
            among = np.cumsum(unseen)[answers][own] - 1
            tests.append(Test("unseen", pooled[torch.from_numpy(own)], _top1(texts[unseen], among)))
    return tests


def toy_tests(packed: Packed, tower: ImageTower, data: Path, side_px: int) -> list[Test]:
    """Held-out views of single toys: their kind among all, and their colour among twenty pairs."""
    rgb, kinds, colours = singles(data, "held_out", TESTS)
    pooled = pooled_of(tower, rgb, side_px)
    return [
        Test("toys", pooled, _top1(packed.names(list(CLASSES)), kinds)),
        Test("colours", pooled, lambda found: 100 * float(colour_hits(packed, found, kinds, colours).mean())),
    ]


def _top1(texts: np.ndarray, answers: np.ndarray) -> Callable[[np.ndarray], float]:
    return lambda found: 100 * float((ranks(found @ texts.T, answers) == 0).mean())


def with_teacher(bank: banks.Bank) -> banks.Bank:
    """The bank with MiniLM's own embeddings instead of the student's, centred."""
    from training.pocket_clip import minilm

    found = minilm.embed(list(bank.texts))
    return dataclasses.replace(bank, targets=banks.centre(found, found.mean(0)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", type=Path, required=True, help="packed folder: frozen tower, texts")
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--side", type=int, default=80)
    parser.add_argument("--pictures", type=int, default=24_000)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--mix", default="toybox=0.6", help="shares of sets other than the usual, set=share,...")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    bank = banks.load(args.data)
    sources, free = load_sources(args.data, bank, list(MIX))
    mix = mix_of(args.mix)
    tower = load_image_tower(args.start).to(memory_format=torch.channels_last).eval()
    features = kept_features(args.out / "features.npz", tower, BatchMaker(sources, DRAW, mix), args.pictures, args.side)
    packed = Packed(args.start)
    tests = photo_tests(packed, tower, args.raw, args.data, args.side)
    tests += toy_tests(packed, tower, args.data, args.side)
    twins = rivals.load(args.data, [source.name for source in sources], bank)
    with (args.out / "ablate.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["choice", "loss", *(test.name for test in tests)])
        for variant in VARIANTS:
            known = with_teacher(bank) if variant.is_teacher else bank
            targets = CaptionTargets(known, free, twins if variant.has_rivals else None, variant.loss)
            head = Head(tower)
            loss = train_head(head, targets, features, variant, steps=args.steps, rate=args.rate)
            found = [f"{test.score(answers(head, test.pooled, variant)):.1f}" for test in tests]
            rows.writerow([variant.name, f"{loss:.3f}", *found])
            file.flush()
            log.info("%s: loss %.3f, %s", variant.name, loss, ", ".join(found))


def kept_features(path: Path, tower: ImageTower, maker: BatchMaker, count: int, side_px: int) -> Features:
    """Features of training pictures, computed once."""
    if not path.is_file():
        made = features_of(tower, maker, count, side_px, np.random.default_rng(1))
        np.savez(path, pooled=made.pooled.numpy(), concepts=made.concepts.numpy(), captions=made.captions.numpy())
    with np.load(path) as file:
        return Features(*(torch.from_numpy(file[name]) for name in ("pooled", "concepts", "captions")))


@torch.inference_mode()
def answers(head: Head, pooled: Tensor, variant: Variant) -> np.ndarray:
    """Pictures in the space of the packed text tower, (N, D) unit norm: a learnt map of texts is turned round."""
    images = head.image(pooled)
    if variant.learns_text:
        images = images @ head.text.T
    return functional.normalize(images, dim=-1).numpy()


if __name__ == "__main__":
    main()
