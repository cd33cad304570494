"""The hub's example pictures: a few composed scenes at full quality, written with their SOURCES.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from training.toybox.camera import Camera, orbit
from training.toybox.classes import TOYS, toy_class
from training.toybox.kit import build_toy
from training.toybox.light import Light, Quality
from training.toybox.render import View, render
from training.toybox.scene import Placed, Scene
from training.toybox.stage import make_stage
from training.toybox.views import frame_points

WIDTH_PX, HEIGHT_PX = 640, 480
EXAMPLE_QUALITY = Quality(supersampling=3, n_sun=32, n_sky=96, map_side=640)
JPEG_QUALITY = 90


@dataclass(frozen=True)
class Item:
    """One toy of an example: class, colour, seed of its shape, place (metres), turn, longest side (metres)."""

    class_name: str
    colour: str
    seed: int
    x: float
    y: float
    yaw_deg: float
    size_m: float


@dataclass(frozen=True)
class Example:
    """One composed picture; the camera orbits ``target`` (metres)."""

    file: str
    title: str
    items: tuple[Item, ...]
    stage: str
    stage_seed: int
    stage_colour: str | None
    light: Light
    target: tuple[float, float, float]
    distance_m: float
    azimuth_deg: float
    elevation_deg: float
    fov_deg: float = 30.0
    floor_m: float = 0.3  # reach that sizes the stage's pattern
    labels: tuple[str, ...] = field(default=())


WINDOW = Light(
    sun_azimuth_deg=-62, sun_elevation_deg=38, sun_rgb=(1.25, 1.10, 0.90), sun_width_deg=7,
    zenith_rgb=(0.30, 0.34, 0.42), horizon_rgb=(0.26, 0.26, 0.28), lamp_rgb=(1.9, 1.9, 2.0), exposure=1.05,
)  # fmt: skip
STUDIO = Light(
    sun_azimuth_deg=-38, sun_elevation_deg=52, sun_rgb=(0.85, 0.83, 0.80), sun_width_deg=12,
    zenith_rgb=(0.42, 0.44, 0.48), horizon_rgb=(0.34, 0.34, 0.36), lamp_rgb=(2.0, 2.0, 2.0), exposure=1.0,
)  # fmt: skip
DAY = Light(
    sun_azimuth_deg=-48, sun_elevation_deg=44, sun_rgb=(1.30, 1.20, 1.00), sun_width_deg=2.5,
    zenith_rgb=(0.30, 0.38, 0.52), horizon_rgb=(0.30, 0.34, 0.40), lamp_rgb=(0.8, 0.8, 0.9), exposure=1.0,
    sky_top_rgb=(0.24, 0.50, 0.86), sky_low_rgb=(0.74, 0.87, 0.97),
)  # fmt: skip
EVENING = Light(
    sun_azimuth_deg=58, sun_elevation_deg=20, sun_rgb=(1.55, 1.05, 0.62), sun_width_deg=3,
    zenith_rgb=(0.26, 0.28, 0.40), horizon_rgb=(0.36, 0.28, 0.26), lamp_rgb=(0.8, 0.7, 0.6), exposure=1.05,
    sky_top_rgb=(0.36, 0.45, 0.75), sky_low_rgb=(0.99, 0.78, 0.55),
)  # fmt: skip

EXAMPLES = (
    Example(
        "tea.jpg", "A teapot and a mug on a wooden table",
        (Item("teapot", "turquoise", 4, -0.06, 0.02, 18, 0.23), Item("mug", "red", 4, 0.13, -0.05, -32, 0.115)),
        "table", 2, None, WINDOW, (0.02, 0.0, 0.065), 0.72, -6, 18,
    ),
    Example(
        "duck.jpg", "A yellow toy duck", (Item("duck", "yellow", 9, 0.0, 0.0, 38, 0.16),),
        "studio", 3, "blue", STUDIO, (0.0, 0.0, 0.065), 0.42, 0, 12, floor_m=0.14,
    ),
    Example(
        "street.jpg", "A house, two trees, a dog and a car on the grass",
        (
            Item("house", "white", 3, -0.08, 0.12, 14, 0.40), Item("tree", "green", 3, 0.31, 0.16, 0, 0.42),
            Item("tree", "green", 6, -0.42, 0.22, 0, 0.36), Item("car", "red", 3, 0.16, -0.17, -14, 0.20),
            Item("dog", "brown", 6, -0.20, -0.17, 35, 0.11),
        ),
        "grass", 4, None, DAY, (-0.02, 0.02, 0.14), 1.45, 8, 13,
    ),
    Example(
        "music.jpg", "A guitar, a drum and a trumpet",
        (
            Item("guitar", "orange", 21, -0.17, 0.08, 12, 0.36), Item("drum", "blue", 5, 0.04, -0.02, 0, 0.20),
            Item("trumpet", "yellow", 3, 0.23, 0.02, -24, 0.22),
        ),
        "carpet", 8, "turquoise", WINDOW, (0.03, 0.0, 0.135), 1.03, 4, 17,
    ),
    Example(
        "animals.jpg", "An elephant, a giraffe, a penguin and a rabbit on the grass",
        (
            Item("giraffe", "yellow", 3, 0.19, 0.10, -38, 0.40), Item("elephant", "grey", 4, -0.16, 0.06, 38, 0.29),
            Item("penguin", "black", 2, 0.05, -0.09, 8, 0.14), Item("rabbit", "white", 7, -0.05, -0.17, 24, 0.13),
        ),
        "grass", 9, None, EVENING, (0.01, 0.0, 0.15), 1.1, 2, 9,
    ),
    Example(
        "lighthouse.jpg", "A lighthouse and a boat on the sand",
        (Item("lighthouse", "red", 3, -0.10, 0.08, 0, 0.42), Item("boat", "blue", 4, 0.20, -0.06, 25, 0.22)),
        "sand", 5, None, DAY, (0.03, 0.02, 0.16), 1.15, 4, 9,
    ),
)  # fmt: skip


def compose(example: Example, width_px: int = WIDTH_PX) -> tuple[Scene, Camera]:
    """Return an example's scene and its camera, 4 : 3 at ``width_px``."""
    objects = []
    for item in example.items:
        toy = build_toy(toy_class(item.class_name), np.random.default_rng(item.seed), item.colour)
        objects.append(Placed(toy, (item.x, item.y, 0.0), item.yaw_deg, item.size_m))
    stage = make_stage(example.stage, example.floor_m, np.random.default_rng(example.stage_seed), example.stage_colour)
    camera = orbit(
        example.target, example.distance_m, example.azimuth_deg, example.elevation_deg,
        fov_deg=example.fov_deg, width_px=width_px, height_px=width_px * 3 // 4,
    )  # fmt: skip
    return Scene(tuple(objects), stage, example.light), camera


def render_example(example: Example, quality: Quality = EXAMPLE_QUALITY, width_px: int = WIDTH_PX) -> View:
    """Render an example."""
    scene, camera = compose(example, width_px)
    return render(scene, camera, quality)


def write_examples(folder: Path) -> list[Path]:
    """Render all examples into ``folder`` as JPEG and write SOURCES.md beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for example in EXAMPLES:
        path = folder / example.file
        Image.fromarray(render_example(example).rgb).save(path, quality=JPEG_QUALITY, optimize=True, progressive=True)
        paths.append(path)
    rows = "\n".join(f"| {example.file} | {example.title} |" for example in EXAMPLES)
    text = (
        "# Where these pictures come from\n\n"
        "All are renders of Toybox, this repository's own generator of objects (`training/toybox`), made by\n"
        "`python -m training.toybox examples`. Licence: Apache-2.0, like the code.\n\n"
        f"| file | what it shows |\n|---|---|\n{rows}\n"
    )
    (folder / "SOURCES.md").write_text(text, encoding="utf-8")
    return paths


SHEET_COLUMNS = 14
SHEET_LIGHT = STUDIO


def write_sheet(path: Path, side_px: int = 80, seed: int = 1) -> None:
    """Draw one toy of every class in a natural colour on a grey studio floor, named, into one palette PNG."""
    label_px = 13
    rows = -(-len(TOYS) // SHEET_COLUMNS)
    sheet = Image.new("RGB", (SHEET_COLUMNS * side_px, rows * (side_px + label_px)), (235, 235, 234))
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=10)
    for i, row in enumerate(TOYS):
        rng = np.random.default_rng((seed, i))
        toy = build_toy(row, rng, row.colours[int(rng.integers(len(row.colours)))])
        placed = Placed(toy, (0.0, 0.0, 0.0), 0.0, 0.2)
        stage = make_stage("studio", 0.2, np.random.default_rng(5), "white")
        elevation = float(np.clip(22.0, *row.elevation_deg))
        camera = frame_points(placed.world_vertices(), -32.0 if row.front_deg > 60 else -20.0, elevation, 0.9, side_px)
        quality = Quality(supersampling=3, n_sun=12, n_sky=32, map_side=256)
        view = render(Scene((placed,), stage, SHEET_LIGHT), camera, quality)
        x, y = i % SHEET_COLUMNS * side_px, i // SHEET_COLUMNS * (side_px + label_px)
        sheet.paste(Image.fromarray(view.rgb), (x, y))
        pen.text((x + side_px / 2, y + side_px + label_px / 2), row.name, fill=(40, 40, 40), font=font, anchor="mm")
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
