"""The example pictures of the enhancement tab: ``python -m training.pocket_light.examples`` renders them.

Toybox scenes whose subject loses light as a camera sees it, with sensor noise, and one that is well lit.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageFilter
from PIL.Image import Exif

from core.backlight import Floats, darkened
from training.toybox.examples import EXAMPLES, JPEG_QUALITY, Example, render_example
from training.toybox.light import Quality
from training.toybox.render import View
from training.toybox.segment_examples import SEGMENT_EXAMPLES

FOLDER = Path("assets/examples/enhancement")
WIDTH_PX = 960
QUALITY = Quality(supersampling=2, n_sun=24, n_sky=64, map_side=640)
EDGE_PX = 1.2  # light spills over a subject's edge
_DESCRIPTION = 0x010E  # tag of EXIF


@dataclass(frozen=True)
class Made:
    """One example: which scene, what of it is dark, by how many stops."""

    file: str
    title: str
    scene: str
    dark: Literal["all but the sky", "things", "everything", "nothing"]
    stops: float


MADE = (
    Made("dusk.jpg", "Against the sky", "animals.jpg", "all but the sky", 2.8),
    Made("street.jpg", "Against the light", "street.jpg", "all but the sky", 2.6),
    Made("dim.jpg", "Too dark", "shelf.jpg", "everything", 2.4),
    Made("duck.jpg", "Well lit", "duck.jpg", "nothing", 0.0),
)


def scene_of(name: str) -> Example:
    """A composed scene of Toybox by its file."""
    return next(example for example in (*EXAMPLES, *SEGMENT_EXAMPLES) if example.file == name)


def mask_of(view: View, dark: str) -> Floats:
    """Where light goes missing, (H, W) in [0, 1]."""
    found = {
        "all but the sky": np.isfinite(view.depth),
        "things": view.instances > 0,
        "everything": np.ones_like(view.instances, bool),
        "nothing": np.zeros_like(view.instances, bool),
    }[dark]
    image = Image.fromarray(found.astype(np.uint8) * 255).filter(ImageFilter.GaussianBlur(EDGE_PX))
    return np.asarray(image, np.float32) / 255


def write(folder: Path) -> list[Path]:
    """Render all of them with samples.json and SOURCES.md."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(11)
    paths = []
    for made in MADE:
        view = render_example(scene_of(made.scene), QUALITY, WIDTH_PX)
        rgb = view.rgb.astype(np.float32) / 255
        if made.stops:
            rgb = darkened(rgb, mask_of(view, made.dark), made.stops, rng, noise=0.7)
        exif = Exif()
        exif[_DESCRIPTION] = f"Toybox: {made.title}"
        path = folder / made.file
        Image.fromarray(np.rint(rgb * 255).astype(np.uint8)).save(path, quality=JPEG_QUALITY, optimize=True, exif=exif)
        paths.append(path)
    listed = ",\n".join(f"  {json.dumps({'file': made.file, 'title': made.title})}" for made in MADE)
    (folder / "samples.json").write_text(f"[\n{listed}\n]\n", encoding="utf-8")
    rows = "\n".join(
        f"| {made.file} | {scene_of(made.scene).title} | {made.dark}, {made.stops:g} EV |" for made in MADE
    )
    text = (
        "# Where these pictures come from\n\n"
        "All are renders of Toybox, this repository's own generator of objects (`training/toybox`), darkened in\n"
        "linear light with sensor noise, made by `python -m training.pocket_light.examples`.\n"
        f"Licence: Apache-2.0, like the code.\n\n| file | what it shows | what is dark |\n|---|---|---|\n{rows}\n"
    )
    (folder / "SOURCES.md").write_text(text, encoding="utf-8")
    return paths


def main() -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.pocket_light.examples", description=__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER)
    for path in write(parser.parse_args().out):
        sys.stdout.write(f"{path} ({path.stat().st_size // 1024} KB)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
