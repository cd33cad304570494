"""Train the denoiser on photos with noise of its own level at every pixel; a budget of CPU seconds, resumable.

Run ``python -m training.pocket_denoise.train --data DATA --out RUN --seconds 240``: mean squared error of eps, the
noise of unit size, which is the loss of denoising diffusion models (Ho et al. 2020) with a step for each pixel.
"""

from __future__ import annotations

import argparse
import csv
import logging
import time
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from core.light_denoise import Floats, build, noise_table, predicted
from training.pocket_light.pictures import SETS, photos_of
from training.pocket_light.train import Clock, rate_at, save

log = logging.getLogger(__name__)

SIDE_PX, BATCH = 48, 8
SIGMAS = (0.004, 0.25)  # in display light, drawn evenly on a logarithmic scale
RATE = 3e-3
GREY_NOISE = 0.3  # share of pictures whose channels share half of their noise, as after a camera's mosaic
EVERY = 50  # steps between lines of the log


def noise_field(side_px: int, rng: Generator) -> Floats:
    """Noise of every pixel, (S, S): a level, and a smooth field that divides or multiplies it by up to four."""
    level = np.exp(rng.uniform(*np.log(SIGMAS)))
    cells = Image.fromarray(rng.uniform(-1, 1, (4, 4)).astype(np.float32))
    field = np.asarray(cells.resize((side_px, side_px), Image.Resampling.BICUBIC))
    spread = rng.uniform(0, np.log(4))
    sigma: Floats = np.clip(level * np.exp(spread * field), *SIGMAS).astype(np.float32)
    return sigma


def crop(rgb: NDArray[np.uint8], rng: Generator) -> Floats:
    """A square of a photo in random light, enlarged by up to two: large photos are soft at the size of their pixels."""
    cut = int(SIDE_PX * rng.uniform(0.5, 1.0)) if rng.random() < 0.5 else SIDE_PX
    top, left = (int(rng.integers(side - cut + 1)) for side in rgb.shape[:2])
    square = Image.fromarray(rgb[top : top + cut, left : left + cut]).resize(
        (SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC
    )
    pixels = np.asarray(square, np.float32) / 255
    if rng.random() < 0.5:
        pixels = pixels[:, ::-1]
    bright: Floats = (pixels * np.float32(rng.uniform(0.4, 1.0))).astype(np.float32)
    return bright


def batch(photos: list[NDArray[np.uint8]], rng: Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Noisy pictures (N, 3, S, S), their sigma (N, 1, S, S) and the unit noise in them (N, 3, S, S)."""
    clean = np.stack([crop(photos[int(n)], rng) for n in rng.integers(len(photos), size=BATCH)]).transpose(0, 3, 1, 2)
    sigma = np.stack([noise_field(SIDE_PX, rng) for _ in range(BATCH)])[:, None]
    noise = rng.standard_normal(clean.shape, np.float32)
    is_grey = rng.random((BATCH, 1, 1, 1)) < GREY_NOISE
    shared = (noise + rng.standard_normal(sigma.shape, np.float32)) / np.float32(2**0.5)
    noise = np.where(is_grey, shared, noise).astype(np.float32)
    return tuple(torch.from_numpy(part.astype(np.float32)) for part in (clean + sigma * noise, sigma, noise))  # type: ignore[return-value]


def train(data: Path, out: Path, seconds: float, seed: int) -> None:
    """Train and write RUN/denoise.pt and RUN/denoise.csv."""
    photos = [rgb for name in SETS for rgb in photos_of(data, name)]
    log.info("%d photos", len(photos))
    rng, table = np.random.default_rng(seed), noise_table()
    net, path, step, spent = build(), out / "denoise.pt", 0, 0.0
    adam = torch.optim.Adam(net.parameters(), lr=RATE, betas=(0.9, 0.98))
    average = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.98))
    if path.exists():
        state = torch.load(path, weights_only=True)
        net.load_state_dict(state["net"])
        average.load_state_dict(state["average"])
        adam.load_state_dict(state["adam"])
        step, spent = state["step"], state["seconds"]
    clock, losses = Clock(spent, seconds), []
    with (out / "denoise.csv").open("a", newline="") as file:
        rows = csv.writer(file)
        while clock.progress < 1:
            noisy, sigma, noise = batch(photos, rng)
            loss = (predicted(net, noisy, sigma, table)[0] - noise).square().mean()
            for group in adam.param_groups:
                group["lr"] = rate_at(clock.progress, RATE)
            adam.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            adam.step()
            average.update_parameters(net)
            step, losses = step + 1, [*losses, loss.item()]
            if step % EVERY == 0 or clock.progress >= 1:
                rows.writerow([step, f"{clock.spent_s:.1f}", f"{np.mean(losses):.4f}"])
                file.flush()
                losses = []
                states = {"net": net.state_dict(), "average": average.state_dict(), "adam": adam.state_dict()}
                save(path, **states, step=step, seconds=clock.spent_s)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="prepared arrays")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=240.0, help="CPU seconds")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    torch.manual_seed(given.seed)
    given.out.mkdir(parents=True, exist_ok=True)
    start_s = time.perf_counter()
    train(given.data, given.out, given.seconds, given.seed)
    log.info("%.0f s of wall time", time.perf_counter() - start_s)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
