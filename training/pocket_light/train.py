"""Train the networks of pocket-light; resumable, on a budget of CPU seconds (a shared machine's clock says little).

Run first ``python -m training.pocket_light.train pairs --data DATA --raw RAW --out RUN --seconds 400``, then the same
with ``rave``, ``clip-lit`` and ``clip-lit-latent``, which start from RUN/pairs.pt where it is there, else (or with
``--from-nothing``) from a map of ones. The same command resumes the pairs; the others are short and start anew.

- ``pairs``: the known map of photos whose subject was darkened, some of them left as they were, and of SICE scenes.
  CLIP-LIT starts with 1,000 steps of self-reconstruction; this is a start that knows pictures too.
- the others: :mod:`core.light_fit`, on the darkened photos alone; the guide is pocket-clip.
"""

from __future__ import annotations

import argparse
import csv
import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.random import Generator
from PIL import Image
from torch import Tensor

from core import light_net
from core.backlight import darkened, drawn_mask
from core.light_fit import FitOptions, LightFit
from core.light_guide import Guide, load_guide
from core.light_losses import Residual, residual_of
from training.pocket_light.pictures import (
    Floats,
    Rgb8,
    Scene,
    sice_scenes,
    split_scenes,
    squared,
    well_lit_photos,
)
from training.pocket_sam.muon import Muon

log = logging.getLogger(__name__)

STOPS = (1.0, 3.5)  # EV that a subject loses
# Share of the budget to which a side (px) holds: the network sees 35 px around a pixel, so the whole of such pictures,
# and where light is missing is a matter of large areas; a step of 16 px costs a sixteenth of one of 64.
STAGES = ((0.5, 16), (1.0, 24))
GUIDED_PX = 80  # side of the pictures of guided runs, the guide's own
PAIRS_BATCH, GUIDED_BATCH = 16, 4
LEFT_ALONE, FROM_SICE = 0.2, 0.2  # shares of the pairs
PAIRS_RATE, MATRIX_RATE = 2e-3, 3e-3  # of Adam, and of Muon for the convolutions inside
GUIDED_RATE, KEPT_RATE, FIRST_RATE = 5e-5, 2e-4, 4e-4  # guided after pairs; of the pairs beside it; guided from nothing
MOST_NOISE = 0.3  # share of the sensor's noise that is left in a small copy of a photo
RELATIVE, ROUND_OFF = 0.1, 0.1  # of the loss on the map
LIT = 0.65  # of the map: from here on an area counts as one that had its light
LIT_WEIGHT, DARK_WEIGHT = 0.15, 0.05  # of the pictures' errors: what was well lit is not to be touched
LEAST_ERROR = 3e-4  # squared: a smaller one cannot be seen
GUIDE = "pocket-clip"
GROUP = 256  # pictures of each kind behind the residual vector
PROMPT_STEPS, ROUND_STEPS, REFINE_STEPS = 60, 42, 20  # the authors': 8,000, then rounds of 2,100 and 1,000
SAVE_EVERY = 25


class Material:
    """Pictures by the batch; the same seed gives the same pictures."""

    def __init__(self, data: Path, raw: Path, seed: int) -> None:
        self.photos = well_lit_photos(data)
        folder = raw / "sice" / "Zero-DCE++" / "data" / "train_data"
        self.scenes: list[Scene] = split_scenes(sice_scenes(folder))[0] if folder.is_dir() else []
        self.rng: Generator = np.random.default_rng(seed)
        self._read: dict[Path, Rgb8] = {}

    def pair(self, side_px: int) -> tuple[Floats, Floats]:
        """A picture as it should be and as it was given, (S, S, 3) each, in display light."""
        kind = self.rng.random()
        if self.scenes and kind < FROM_SICE:
            return self._sice_pair(side_px)
        good = self.good(side_px)
        if kind < FROM_SICE + LEFT_ALONE:
            return good, good
        mask = drawn_mask(side_px, side_px, self.rng)
        return good, darkened(good, mask, self.rng.uniform(*STOPS), self.rng, noise=self.rng.uniform(0, MOST_NOISE))

    def pairs(self, side_px: int) -> tuple[Tensor, Tensor]:
        """A batch of pairs, given and wanted, (N, 3, S, S) each."""
        drawn = [self.pair(side_px) for _ in range(PAIRS_BATCH)]
        wanted, given = (
            torch.from_numpy(np.stack(side).transpose(0, 3, 1, 2).copy()) for side in zip(*drawn, strict=True)
        )
        return given, wanted

    def good(self, side_px: int) -> Floats:
        """A well-lit picture, (S, S, 3)."""
        return squared(self.photos[int(self.rng.integers(len(self.photos)))], side_px, self.rng)

    def good_batch(self, count: int, side_px: int) -> Floats:
        """(N, 3, S, S)."""
        return np.stack([self.good(side_px) for _ in range(count)]).transpose(0, 3, 1, 2).copy()

    def dark_batch(self, count: int, side_px: int) -> Floats:
        """Well-lit pictures with a dark subject, (N, 3, S, S)."""
        made = [
            darkened(self.good(side_px), drawn_mask(side_px, side_px, self.rng), self.rng.uniform(*STOPS), self.rng)
            for _ in range(count)
        ]
        return np.stack(made).transpose(0, 3, 1, 2).copy()

    def _sice_pair(self, side_px: int) -> tuple[Floats, Floats]:
        scene = self.scenes[int(self.rng.integers(len(self.scenes)))]
        dark = scene.dark[int(self.rng.integers(len(scene.dark)))]
        seed = int(self.rng.integers(1 << 31))
        cuts = [
            squared(self._picture(scene.paths[n]), side_px, np.random.default_rng(seed)) for n in (scene.target, dark)
        ]
        return cuts[0], cuts[1]

    def _picture(self, path: Path) -> Rgb8:
        if path not in self._read:
            with Image.open(path) as image:
                image.draft("RGB", (128, 128))
                self._read[path] = np.asarray(image.convert("RGB").resize((128, 128), Image.Resampling.BOX))
        return self._read[path]


def embedded(guide: Guide, pictures: Floats) -> Floats:
    """(N, 3, S, S) -> (N, D), sixteen at a time."""
    with torch.no_grad():
        rows = [guide.look(torch.from_numpy(pictures[n : n + 16]))[0].numpy() for n in range(0, len(pictures), 16)]
    return np.concatenate(rows)


def direction(guide: Guide, material: Material, folder: Path) -> tuple[Residual, Floats, Floats]:
    """The residual vector of well-lit and darkened pictures, and both groups' embeddings; made once a run."""
    path = folder / "direction.npz"
    if not path.exists():
        well = embedded(guide, material.good_batch(GROUP, guide.side_px))
        dark = embedded(guide, material.dark_batch(GROUP, guide.side_px))
        np.savez(path, well=well, dark=dark)
    saved = np.load(path)
    return residual_of(saved["well"], saved["dark"]), saved["well"], saved["dark"]


class Clock:
    """CPU seconds of this process added to those of earlier ones."""

    def __init__(self, spent_s: float, budget_s: float) -> None:
        self._before, self._began, self._budget = spent_s, time.process_time(), budget_s

    @property
    def spent_s(self) -> float:
        """CPU seconds in all."""
        return self._before + time.process_time() - self._began

    @property
    def progress(self) -> float:
        """Share of the budget."""
        return self.spent_s / self._budget


def rate_at(progress: float, rate: float) -> float:
    """A short warm-up, then half a cosine to a twentieth."""
    if progress < 0.03:
        return rate * (0.1 + 0.9 * progress / 0.03)
    return rate * (0.05 + 0.95 * 0.5 * (1 + float(np.cos(np.pi * min(progress, 1.0)))))


def save(path: Path, **state: Any) -> None:
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)


def train_pairs(material: Material, out: Path, seconds: float) -> None:
    net = light_net.build()
    light_net.start_as_identity(net)
    inner = [value for value in net.parameters() if value.ndim == 4 and value.shape[0] > 1 and value.shape[1] > 3]
    outer = [value for value in net.parameters() if all(value is not other for other in inner)]
    optimizers = (Muon(inner, lr=MATRIX_RATE, weight_decay=0.0), torch.optim.Adam(outer, PAIRS_RATE, betas=(0.9, 0.98)))
    path, step, spent = out / "pairs.pt", 0, 0.0
    if path.exists():
        state = torch.load(path, weights_only=True)
        net.load_state_dict(state["net"])
        for optimizer, kept in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        step, spent = state["step"], state["seconds"]
    seen: list[Tensor] = []
    net.cond_add1.register_forward_hook(lambda module, given, found: seen.append(found))
    clock, losses = Clock(spent, seconds), []
    with (out / "pairs.csv").open("a", newline="") as file:
        rows = csv.writer(file)
        while clock.progress < 1:
            side_px = next(side for share, side in STAGES if clock.progress < share)
            given, wanted = material.pairs(side_px)
            seen.clear()
            net(given)
            loss = map_loss(seen[0], given, wanted)
            for optimizer, rate in zip(optimizers, (MATRIX_RATE, PAIRS_RATE), strict=True):
                optimizer.param_groups[0]["lr"] = rate_at(clock.progress, rate)
                optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            for optimizer in optimizers:
                optimizer.step()
            step, losses = step + 1, [*losses, loss.item()]
            if step % SAVE_EVERY == 0 or clock.progress >= 1:
                rows.writerow([step, f"{clock.spent_s:.1f}", side_px, f"{np.mean(losses):.4f}"])
                file.flush()
                losses = []
                kept = [optimizer.state_dict() for optimizer in optimizers]
                save(path, net=net.state_dict(), optimizers=kept, step=step, seconds=clock.spent_s)


def map_loss(light: Tensor, given: Tensor, wanted: Tensor) -> Tensor:
    """How far a map lies from the one that is known, and the pictures from theirs; of the map before its ReLU.

        mean |I - I*| / (I* + 0.1)  +  0.15 mean log MSE(lit areas)  +  0.05 mean log MSE(dark areas)

    The first has a slope everywhere, the others are the PSNR that is measured, which dark areas may miss by more.

    Args:
        light: (N, 1, S, S).
        given: Pictures (N, 3, S, S).
        wanted: What they should become; their share of light is the map I*.
    """
    least = 2 / 255  # of light on both sides: blacks say nothing
    known = (given.mean(1, keepdim=True) + least) / (wanted.mean(1, keepdim=True) + least)
    known = known.clamp(light_net.LEAST_MAP, light_net.MOST_MAP)
    error = (light - known) / (known + RELATIVE)
    loss = (error.square() + ROUND_OFF**2).sqrt().mean() - ROUND_OFF
    made = given / light.clamp(light_net.LEAST_MAP, light_net.MOST_MAP)
    squares = (made.clamp(max=1.5) - wanted).square().mean(1, keepdim=True)
    is_lit = (known > LIT).float()
    for area, weight in ((is_lit, LIT_WEIGHT), (1 - is_lit, DARK_WEIGHT)):
        count = area.sum((1, 2, 3))
        mean = (squares * area).sum((1, 2, 3)) / count.clamp_min(1.0)
        part = (mean / LEAST_ERROR).log1p() * (count > 4)
        loss = loss + weight * part.mean()
    return loss


class Keep:
    """Steps on pairs between guided ones, so that what was learnt from them is not lost to a small guide's taste."""

    def __init__(self, net: torch.nn.Module, side_px: int) -> None:
        self._net, self._side_px = net, side_px
        self._adam = torch.optim.Adam(net.parameters(), KEPT_RATE, betas=(0.9, 0.98))
        self._seen: list[Tensor] = []
        net.cond_add1.register_forward_hook(lambda module, given, found: self._seen.append(found))

    def step(self, material: Material, rate: float) -> float:
        """One step; returns its loss."""
        given, wanted = material.pairs(self._side_px)
        self._seen.clear()
        self._net(given)
        loss = map_loss(self._seen[0], given, wanted)
        self._adam.param_groups[0]["lr"] = rate
        self._adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._net.parameters(), 1.0)
        self._adam.step()
        self._seen.clear()
        return loss.item()


def train_guided(method: Any, material: Material, out: Path, seconds: float, *, from_nothing: bool, tag: str) -> None:
    """RAVE, CLIP-LIT or CLIP-LIT-Latent."""
    guide = load_guide(GUIDE)
    residual, _, _ = direction(guide, material, out)
    start = None
    if (out / "pairs.pt").exists() and not from_nothing:
        start = light_net.build()
        start.load_state_dict(torch.load(out / "pairs.pt", weights_only=True)["net"])
    options = FitOptions(method=method, rate=FIRST_RATE if start is None else GUIDED_RATE)
    fit = LightFit(guide, options, residual=residual if method == "rave" else None, net=start)
    keep = None if start is None else Keep(start, options.map_px)
    path = out / f"{tag}.pt"
    clock = Clock(0.0, seconds)
    with (out / f"{tag}.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        if method != "rave":
            for step in range(PROMPT_STEPS):
                dark, good = material.dark_batch(6, GUIDED_PX), material.good_batch(6, GUIDED_PX)
                loss = fit.teach_prompts(dark, good)
                if step % 20 == 0:
                    rows.writerow(["prompts", step, f"{clock.spent_s:.1f}", f"{loss:.4f}"])
        while clock.progress < 1:
            seen = fit.advance(material.dark_batch(GUIDED_BATCH, GUIDED_PX), rate=rate_at(clock.progress, options.rate))
            if keep is not None:
                seen["known"] = keep.step(material, rate_at(clock.progress, KEPT_RATE))
            rows.writerow(["net", fit.steps, f"{clock.spent_s:.1f}", *(f"{value:.4f}" for value in seen.values())])
            if method != "rave" and fit.steps % ROUND_STEPS == 0:
                fit.close_round()
                for _ in range(REFINE_STEPS):
                    loss = fit.refine_prompts(
                        *(make(4, GUIDED_PX) for make in (material.dark_batch, material.good_batch))
                    )
                rows.writerow(["refined", fit.prompt_steps, f"{clock.spent_s:.1f}", f"{loss:.4f}"])
            if fit.steps % SAVE_EVERY == 0 or clock.progress >= 1:
                file.flush()
                spent = {"step": fit.steps, "prompt_steps": fit.prompt_steps, "seconds": clock.spent_s}
                save(path, net=fit.net.state_dict(), **spent)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("what", choices=("pairs", "rave", "clip-lit", "clip-lit-latent"))
    parser.add_argument("--data", type=Path, required=True, help="prepared arrays")
    parser.add_argument("--raw", type=Path, required=True, help="sets as fetched")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=300.0, help="CPU seconds")
    parser.add_argument("--from-nothing", action="store_true", help="start at a map of ones")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    torch.manual_seed(given.seed)
    given.out.mkdir(parents=True, exist_ok=True)
    material = Material(given.data, given.raw, given.seed)
    log.info("%d well-lit photos, %d SICE scenes", len(material.photos), len(material.scenes))
    if given.what == "pairs":
        train_pairs(material, given.out, given.seconds)
    else:
        tag = given.what + ("-from-nothing" if given.from_nothing else "")
        train_guided(given.what, material, given.out, given.seconds, from_nothing=given.from_nothing, tag=tag)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
