"""Pictures for pocket-light: well-lit photos, the same with a dark subject, and SICE's exposure series.

    y = encode(decode(x) * 2^(-EV m) + noise),  m in [0, 1] a mask with a soft edge, decode the sRGB curve

so that the subject loses EV stops of light as a camera sees it: in linear light, with noise of photons (its variance
grows with the light) and of reading. Where the pictures come from is said in the project's list of training data.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

Rgb8 = NDArray[np.uint8]  # (H, W, 3)
Floats = NDArray[np.float32]
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
SETS = {"flickr": 700, "caltech": None, "houses": None}  # prepared sets and how many of each, in their order
MEAN_RANGE = (0.34, 0.64)  # mean luma of what counts as well lit
MOST_CLIPPED = 0.06  # share of pixels at either end
PHOTON_NOISE, READ_NOISE = 0.00015, 0.0006  # variance per unit of light; deviation; a phone at ISO 400 or so
HELD_OUT_EVERY = 5  # SICE: every fifth scene is for tests
SAME_SCENE = 0.8  # rank correlation of neighbours in a series


def to_linear(values: Floats) -> Floats:
    """The sRGB curve, display light to linear light, both in [0, 1]."""
    linear: Floats = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)
    return linear


def to_display(values: Floats) -> Floats:
    """The inverse of :func:`to_linear`."""
    values = np.clip(values, 0.0, 1.0)
    shown: Floats = np.where(values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055).astype(
        np.float32
    )
    return shown


def is_well_lit(rgb: Rgb8) -> bool:
    """Whether the mean is in the middle and little is clipped."""
    luma = rgb.astype(np.float32) @ LUMA
    clipped = float(((luma < 4) | (luma > 251)).mean())
    return MEAN_RANGE[0] < float(luma.mean()) / 255 < MEAN_RANGE[1] and clipped < MOST_CLIPPED


def well_lit_photos(data: Path) -> list[Rgb8]:
    """The well-lit ones among the prepared photos for training, squares of 112 px."""
    found: list[Rgb8] = []
    for name, most in SETS.items():
        pixels = np.load(data / f"{name}.npy", mmap_mode="r")
        splits = [row[1] for row in json.loads((data / f"{name}.json").read_text())]
        kept = [place for place, split in enumerate(splits) if split == "train"][:most]
        found += [rgb for place in kept[:700] if is_well_lit(rgb := np.asarray(pixels[place]))]
    return found


def drawn_mask(height: int, width: int, rng: Generator) -> Floats:
    """A random subject, (H, W) in [0, 1]: one to three ellipses, or a side of the picture, with a soft ragged edge."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    y, x = y / height - 0.5, x / width - 0.5
    field = np.full((height, width), -1.0, np.float32)
    if rng.random() < 0.25:  # everything below or beside a line
        angle = rng.uniform(0, 2 * math.pi)
        field = math.cos(angle) * x + math.sin(angle) * y - np.float32(rng.uniform(-0.2, 0.2))
    else:
        for _ in range(int(rng.integers(1, 4))):
            centre = rng.uniform(-0.3, 0.3, 2)
            radius = rng.uniform(0.12, 0.38, 2)
            angle = rng.uniform(0, math.pi)
            u = math.cos(angle) * (x - centre[0]) + math.sin(angle) * (y - centre[1])
            v = math.cos(angle) * (y - centre[1]) - math.sin(angle) * (x - centre[0])
            distance = np.sqrt((u / radius[0]) ** 2 + (v / radius[1]) ** 2)
            field = np.maximum(field, (1.0 - distance) * float(radius.min()))
    waves = sum(  # a ragged edge
        rng.uniform(-0.03, 0.03)
        * np.sin(2 * math.pi * (rng.uniform(-4, 4) * x + rng.uniform(-4, 4) * y) + rng.uniform(0, 6.3))
        for _ in range(4)
    )
    soft = 10 ** rng.uniform(-2.3, -1.2)
    mask: Floats = (1 / (1 + np.exp(np.clip(-(field + waves) / soft, -60, 60)))).astype(np.float32)
    return mask


def darkened(rgb: Floats, mask: Floats, stops: float, rng: Generator) -> Floats:
    """Take ``stops`` EV of light from where the mask is 1, with sensor noise; (H, W, 3) display light in [0, 1]."""
    light = to_linear(rgb) * np.exp2(-stops * mask)[..., None]
    deviation = np.sqrt(PHOTON_NOISE * light + READ_NOISE**2)
    noisy = light + deviation * rng.standard_normal(light.shape, np.float32)
    return to_display(np.clip(noisy, 0.0, 1.0))


def squared(rgb: Rgb8, side_px: int, rng: Generator) -> Floats:
    """A random square of at least 70 % of a picture, turned or mirrored at random, (side, side, 3) in [0, 1]."""
    height, width = rgb.shape[:2]
    cut = int(min(height, width) * rng.uniform(0.7, 1.0))
    top, left = int(rng.integers(height - cut + 1)), int(rng.integers(width - cut + 1))
    square = Image.fromarray(rgb[top : top + cut, left : left + cut]).resize((side_px, side_px), Image.Resampling.BOX)
    pixels = np.asarray(square, np.float32) / 255
    return pixels[:, ::-1].copy() if rng.random() < 0.5 else pixels


@dataclass(frozen=True)
class Scene:
    """One series of SICE: files from dark to bright."""

    paths: tuple[Path, ...]
    means: tuple[float, ...]  # luma, 0 to 255

    @property
    def target(self) -> int:
        """The one nearest to a mean of 118, the middle of what people call well exposed."""
        return int(np.argmin(np.abs(np.array(self.means) - 118)))

    @property
    def dark(self) -> tuple[int, ...]:
        """Those whose mean is less than 60 % of the target's."""
        return tuple(n for n, mean in enumerate(self.means) if mean < 0.6 * self.means[self.target])


def sice_scenes(folder: Path) -> list[Scene]:
    """Group the 2,002 pictures of Zero-DCE's training set into scenes: neighbours that rank their cells alike."""
    paths = sorted(folder.glob("*.jpg"), key=lambda path: int(re.findall(r"\d+", path.stem)[-1]))
    scenes: list[list[tuple[Path, float]]] = []
    before: Floats | None = None
    for path in paths:
        with Image.open(path) as image:
            image.draft("L", (64, 64))
            small = np.asarray(image.convert("L").resize((16, 16), Image.Resampling.BOX), np.float32)
        ranks = small.ravel().argsort(kind="stable").argsort(kind="stable").astype(np.float32)
        same = before is not None and float(np.corrcoef(ranks, before)[0, 1]) > SAME_SCENE
        if not same:
            scenes.append([])
        scenes[-1].append((path, float(small.mean())))
        before = ranks
    made = [sorted(scene, key=lambda pair: pair[1]) for scene in scenes if len(scene) >= 3]
    return [Scene(tuple(p for p, _ in scene), tuple(m for _, m in scene)) for scene in made]


def split_scenes(scenes: list[Scene]) -> tuple[list[Scene], list[Scene]]:
    """Scenes for training and scenes for tests; both only where there is something dark."""
    usable = [scene for scene in scenes if scene.dark]
    return (
        [scene for place, scene in enumerate(usable) if place % HELD_OUT_EVERY],
        usable[::HELD_OUT_EVERY],
    )
