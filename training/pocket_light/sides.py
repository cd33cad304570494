"""Teach packed networks to find the same light on large sides as on the small ones that they learnt on.

Run: ``python -m training.pocket_light.sides --folder PACKED --photos BSDS --raw RAW --out OUT``.
``pack`` leaves networks that know pictures of 16 to 28 px. On a photo of 1,000 px they see 35 px around a pixel, which
is no whole picture any more, and answer something else. Here the first network learns, on sides of 40 to 150 px, the
map that the tab draws from its own answer on 28 px; its answers on 28 px are held where they are. What it learnt is
added to the others, whose weights began with the same pairs (task arithmetic, Ilharco et al. 2023, arXiv:2212.04089).
From then on they look at ``--map-px``, 96: they know that side better than the one that they began with.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.random import Generator
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from core import light_net
from core.backlight import darkened, drawn_mask
from core.light import LightModel
from core.light_field import luma_of, network_field
from training.pocket_light.pack import said_input
from training.pocket_light.pictures import Rgb8, sice_scenes, split_scenes
from training.pocket_light.train import LEAST_ERROR, LIT_WEIGHT, RELATIVE, ROUND_OFF, STOPS, rate_at
from training.pocket_sam.muon import Muon

log = logging.getLogger(__name__)

TEACHER = "rave"
SIDES_PX = (40, 150)
MAP_PX = 96  # longer side of the small picture from then on
PIXELS = 2 * 96 * 96  # of a step, so that all sides cost alike
MOST_PICTURES = 4
FROM_SICE, LEFT_ALONE = 0.2, 0.15  # shares of the pictures; the others get a dark subject
HELD_SHAPE = (21, 28)  # of the small pictures whose answers are held
HELD_PICTURES, HELD_WEIGHT = 8, 4.0
RATE = 1e-3  # of Muon; Adam takes half of it
BSDS = {"set": "BSDS500, for large sides", "kind": "photos", "licence": "research and education, as stated"}


class Photos:
    """Photos of any side, most of them with a dark subject; the same seed gives the same pictures."""

    def __init__(self, photos: Path, raw: Path, seed: int = 0) -> None:
        self._photos = sorted(photos.rglob("*.jpg"))
        self._scenes = split_scenes(sice_scenes(raw / "sice" / "Zero-DCE++" / "data" / "train_data"))[0]
        self.rng: Generator = np.random.default_rng(seed)

    def draw(self, side_px: int) -> Rgb8:
        """A cut of a photo, longer side about ``side_px``."""
        kind = self.rng.random()
        if is_sice := kind < FROM_SICE:
            scene = self._scenes[int(self.rng.integers(len(self._scenes)))]
            path = scene.paths[scene.dark[int(self.rng.integers(len(scene.dark)))]]
        else:
            path = self._photos[int(self.rng.integers(len(self._photos)))]
        picture = self._cut(path, side_px)
        if self.rng.random() < 0.5:
            picture = picture[:, ::-1].copy()
        if not is_sice and kind < 1 - LEFT_ALONE:
            mask = drawn_mask(*picture.shape[:2], self.rng)
            picture = darkened(picture, mask, self.rng.uniform(*STOPS), self.rng, noise=self.rng.uniform(0, 1))
        return np.rint(picture * 255).astype(np.uint8)

    def _cut(self, path: Path, side_px: int) -> np.ndarray:
        with Image.open(path) as opened:
            image = opened.convert("RGB")
        share = self.rng.uniform(0.75, 1)
        width, height = (int(side * share) for side in image.size)
        left, top = (
            int(self.rng.integers(most - side + 1)) for most, side in zip(image.size, (width, height), strict=True)
        )
        scale = side_px / max(width, height)
        size = max(8, round(width * scale)), max(8, round(height * scale))
        how = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
        return np.asarray(image.crop((left, top, left + width, top + height)).resize(size, how), np.float32) / 255


def drawn_map(rgb: Rgb8, model: LightModel) -> Tensor:
    """The map that the tab would draw, (1, 1, H, W)."""
    small = Image.fromarray(rgb)
    small.thumbnail((model.map_px, model.map_px), Image.Resampling.BOX)
    few = np.asarray(small)
    field = network_field(luma_of(few), model.light(few, TEACHER))
    return torch.from_numpy(np.ascontiguousarray(field.at(luma_of(rgb), 0, len(rgb)), np.float32))[None, None]


def side_loss(light: Tensor, pixels: Tensor, wanted: Tensor, power: float) -> tuple[Tensor, float]:
    """How far a raw map is from the drawn one, and the picture from the drawn one's; also the mean squared error.

    Args:
        light: (1, 1, H, W), before ReLU and power.
        pixels: (1, 3, H, W).
        wanted: (1, 1, H, W), what the tab divides by.
        power: Of the map, as the tab takes it.
    """
    known = wanted ** (1 / power)
    error = (light - known) / (known + RELATIVE)
    loss = (error.square() + ROUND_OFF**2).sqrt().mean() - ROUND_OFF
    made = pixels / light.clamp(light_net.LEAST_MAP, light_net.MOST_MAP) ** power
    square = (made.clamp(max=light_net.MOST_MAP) - (pixels / wanted).clamp(max=1)).square().mean()
    return loss + LIT_WEIGHT * (square / LEAST_ERROR).log1p(), float(square.detach())


def fine_tune(net: nn.Module, model: LightModel, photos: Photos, power: float, seconds: float) -> int:
    """Train ``net`` against ``model``, which holds a copy of it as it was; CPU seconds. Returns the steps."""
    first = model.copy_of(TEACHER).eval().requires_grad_(False)
    seen: list[Tensor] = []
    for one in (net, first):
        one.cond_add1.register_forward_hook(lambda module, given, found: seen.append(found))  # type: ignore[operator, union-attr]

    def raw(one: nn.Module, pixels: Tensor) -> Tensor:
        seen.clear()
        one(pixels)
        return seen[0]

    inner = [value for value in net.parameters() if value.ndim == 4 and value.shape[0] > 1 and value.shape[1] > 3]
    outer = [value for value in net.parameters() if all(value is not other for other in inner)]
    optimizers = (Muon(inner, lr=RATE, weight_decay=0.0), torch.optim.Adam(outer, RATE / 2, betas=(0.9, 0.98)))
    began, step, squares = time.process_time(), 0, []
    while (progress := (time.process_time() - began) / seconds) < 1:
        side_px = int(np.exp(photos.rng.uniform(*np.log(SIDES_PX))))
        count = max(1, min(MOST_PICTURES, PIXELS // side_px**2))
        held = torch.from_numpy(np.stack([_held(photos) for _ in range(HELD_PICTURES)]))
        with torch.no_grad():
            before = raw(first, held)
        loss = HELD_WEIGHT * ((raw(net, held) - before) / (before + RELATIVE)).square().mean()
        for _ in range(count):
            rgb = photos.draw(side_px)
            pixels = torch.from_numpy(rgb.astype(np.float32) / 255).permute(2, 0, 1)[None]
            one, square = side_loss(raw(net, pixels), pixels, drawn_map(rgb, model), power)
            loss = loss + one / count
            squares.append(square)
        for optimizer, rate in zip(optimizers, (RATE, RATE / 2), strict=True):
            optimizer.param_groups[0]["lr"] = rate_at(progress, rate)
            optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        step += 1
        if step % 20 == 0:
            log.info("step %d, %.1f dB", step, -10 * np.log10(np.mean(squares)))
            squares = []
    return step


def _held(photos: Photos) -> np.ndarray:
    image = Image.fromarray(photos.draw(64)).resize(HELD_SHAPE[::-1], Image.Resampling.BOX)
    return np.ascontiguousarray(np.asarray(image, np.float32).transpose(2, 0, 1) / 255)


def carry_over(folder: Path, out: Path, taught: dict[str, Tensor], training: dict[str, Any], map_px: int) -> None:
    """Add what the first network learnt to every one of a folder, whose networks look at ``map_px`` from now on."""
    out.mkdir(parents=True, exist_ok=True)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    before = load_file(folder / config["networks"][TEACHER])
    for file in config["networks"].values():
        weights = load_file(folder / file)
        moved = {name: value.float() + taught[name] - before[name].float() for name, value in weights.items()}
        save_file({name: value.half().contiguous() for name, value in moved.items()}, out / file)
        (out / file).chmod(0o644)
    card["training"]["cpu_seconds_and_steps"]["sides"] = training
    config["map_px"], card["input"] = map_px, said_input(map_px)
    card["data"] = [*(row for row in card["data"] if row["set"] != BSDS["set"]), BSDS]
    (out / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    (out / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    if out != folder:
        (out / "direction.safetensors").write_bytes((folder / "direction.safetensors").read_bytes())


def read_net(path: Path) -> nn.Module:
    """A packed network in single precision."""
    net = light_net.build()
    net.load_state_dict({name: value.float() for name, value in load_file(path).items()})
    return net.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folder", type=Path, required=True, help="of training.pocket_light.pack")
    parser.add_argument("--out", type=Path, help="another folder; none writes into the first")
    parser.add_argument("--photos", type=Path, required=True, help="BSDS500's images")
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=900.0, help="CPU seconds")
    parser.add_argument("--map-px", type=int, default=MAP_PX, help="longer side that they look at from then on")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    config = json.loads((given.folder / "config.json").read_text(encoding="utf-8"))
    power = config["powers"].get(TEACHER, 1.0)
    nets = [read_net(given.folder / config["networks"][TEACHER]) for _ in range(2)]
    model = LightModel("before", {TEACHER: nets[0]}, map_px=config["map_px"], powers={TEACHER: power})
    steps = fine_tune(nets[1], model, Photos(given.photos, given.raw), power, given.seconds)
    training = {"step": steps, "seconds": given.seconds, "sides_px": list(SIDES_PX)}
    carry_over(given.folder, given.out or given.folder, nets[1].state_dict(), training, given.map_px)


if __name__ == "__main__":
    main()
