"""Pictures for pocket-light: well-lit photos, the same with a dark subject, and SICE's exposure series.

The dark subjects are those of core.backlight. Where the pictures come from is said in README.md.

Run ``python -m training.pocket_light.pictures --sice FOLDER --out pairs.json`` for the pairs of the held-out scenes.
"""

from __future__ import annotations

import argparse
import json
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
SETS = ("flickr", "caltech", "houses")  # prepared sets
MOST_PHOTOS = 700  # of each, in their order
MEAN_RANGE = (0.34, 0.64)  # mean luma of what counts as well lit
MOST_CLIPPED = 0.06  # share of pixels at either end
HELD_OUT_EVERY = 5  # SICE: every fifth scene is for tests
SAME_SCENE = 0.8  # rank correlation of neighbours in a series


def is_well_lit(rgb: Rgb8) -> bool:
    """Whether the mean is in the middle and little is clipped."""
    luma = rgb.astype(np.float32) @ LUMA
    clipped = float(((luma < 4) | (luma > 251)).mean())
    return MEAN_RANGE[0] < float(luma.mean()) / 255 < MEAN_RANGE[1] and clipped < MOST_CLIPPED


def well_lit_photos(data: Path) -> list[Rgb8]:
    """The well-lit ones among the prepared photos for training, squares of 112 px."""
    return [rgb for name in SETS for rgb in photos_of(data, name) if is_well_lit(rgb)]


def photos_of(data: Path, name: str) -> list[Rgb8]:
    """The first photos for training of one prepared set, squares of 112 px."""
    pixels = np.load(data / f"{name}.npy", mmap_mode="r")
    splits = [row[1] for row in json.loads((data / f"{name}.json").read_text())]
    kept = [place for place, split in enumerate(splits) if split == "train"][:MOST_PHOTOS]
    return [np.asarray(pixels[place]) for place in kept]


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


def held_out_pairs(folder: Path) -> list[tuple[Path, Path]]:
    """Of every held-out scene the middle one of the dark files, and the one that it should look like."""
    scenes = split_scenes(sice_scenes(folder))[1]
    return [(scene.paths[scene.dark[len(scene.dark) // 2]], scene.paths[scene.target]) for scene in scenes]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sice", type=Path, required=True, help="train_data of Zero-DCE")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    pairs = [[str(dark), str(good)] for dark, good in held_out_pairs(given.sice)]
    given.out.write_text(json.dumps(pairs, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
