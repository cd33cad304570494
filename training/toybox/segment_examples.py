"""The example pictures of the segmentation tab: ``python -m training.toybox.segment_examples`` renders them."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from PIL import Image

from training.toybox.examples import (
    DAY,
    EVENING,
    EXAMPLE_QUALITY,
    JPEG_QUALITY,
    STUDIO,
    WINDOW,
    Example,
    Item,
    render_example,
)

FOLDER = Path("assets/examples/segmentation")
SEGMENT_EXAMPLES = (
    Example(
        "fruit.jpg", "Two apples, a pear, an orange, a banana and a jug on a table",
        (
            Item("jug", "blue", 4, -0.17, 0.10, 24, 0.20), Item("apple", "red", 3, -0.05, -0.06, 40, 0.09),
            Item("apple", "green", 5, 0.07, -0.12, 10, 0.085), Item("orange", "orange", 4, 0.17, -0.03, 0, 0.09),
            Item("pear", "green", 3, 0.03, 0.09, 0, 0.12), Item("banana", "yellow", 4, 0.19, 0.12, 20, 0.17),
        ),
        "cloth", 5, "white", WINDOW, (0.0, 0.01, 0.055), 0.80, 4, 27,
    ),
    Example(
        "playground.jpg", "A castle, a bus, a train and a ball on the grass",
        (
            Item("castle", "grey", 4, -0.16, 0.14, 14, 0.36), Item("bus", "red", 5, 0.19, 0.06, -24, 0.24),
            Item("train", "blue", 3, -0.14, -0.17, 12, 0.22), Item("ball", "yellow", 6, 0.13, -0.17, 0, 0.10),
        ),
        "grass", 6, None, DAY, (0.0, 0.0, 0.13), 1.14, 4, 18,
    ),
    Example(
        "harbour.jpg", "A lighthouse, a boat, a palm tree and an umbrella on the sand",
        (
            Item("lighthouse", "red", 4, -0.24, 0.12, 0, 0.44), Item("boat", "blue", 5, 0.02, -0.02, 22, 0.30),
            Item("palm tree", "green", 4, 0.30, 0.14, 0, 0.40), Item("umbrella", "pink", 5, 0.22, -0.16, 20, 0.16),
        ),
        "sand", 4, None, EVENING, (0.01, 0.0, 0.16), 1.32, 2, 13,
    ),
    Example(
        "shelf.jpg", "A robot, a teddy bear, a clock, a book and dice on a carpet",
        (
            Item("robot", "turquoise", 5, -0.19, 0.06, 22, 0.24), Item("teddy bear", "brown", 4, 0.03, 0.05, -6, 0.22),
            Item("clock", "white", 4, 0.24, 0.04, -20, 0.18), Item("book", "red", 4, -0.09, -0.15, 30, 0.15),
            Item("dice", "yellow", 3, 0.11, -0.14, 25, 0.075), Item("dice", "blue", 4, 0.21, -0.12, 50, 0.075),
        ),
        "carpet", 5, "grey", WINDOW, (0.02, 0.0, 0.085), 0.92, 0, 20,
    ),
    Example(
        "farm.jpg", "A horse, two pigs, a tractor and a tree on the grass",
        (
            Item("tree", "green", 5, -0.30, 0.20, 0, 0.42), Item("horse", "brown", 4, -0.06, 0.02, 30, 0.27),
            Item("tractor", "red", 4, 0.24, 0.08, -30, 0.25), Item("pig", "pink", 4, 0.10, -0.16, 20, 0.14),
            Item("pig", "pink", 6, -0.20, -0.17, -30, 0.13),
        ),
        "grass", 7, None, DAY, (0.0, 0.02, 0.13), 1.14, 4, 16,
    ),
    Example(
        "music.jpg", "A piano, a violin, a bell and headphones in a studio",
        (
            Item("piano", "black", 4, -0.10, 0.08, 20, 0.30), Item("violin", "brown", 5, 0.19, 0.04, -10, 0.26),
            Item("bell", "yellow", 4, 0.07, -0.14, 0, 0.10), Item("headphones", "red", 4, -0.17, -0.14, 30, 0.15),
        ),
        "studio", 4, "turquoise", STUDIO, (0.005, 0.0, 0.10), 0.90, 2, 18, floor_m=0.4,
    ),
)  # fmt: skip


def write(folder: Path) -> list[Path]:
    """Render all of them into ``folder`` as JPEG and write SOURCES.md beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for example in SEGMENT_EXAMPLES:
        path = folder / example.file
        rgb = render_example(example, EXAMPLE_QUALITY).rgb
        Image.fromarray(rgb).save(path, quality=JPEG_QUALITY, optimize=True, progressive=True)
        paths.append(path)
    rows = "\n".join(f"| {example.file} | {example.title} |" for example in SEGMENT_EXAMPLES)
    text = (
        "# Where these pictures come from\n\n"
        "All are renders of Toybox, this repository's own generator of objects (`training/toybox`), made by\n"
        "`python -m training.toybox.segment_examples`. Licence: Apache-2.0, like the code.\n\n"
        f"| file | what it shows |\n|---|---|\n{rows}\n"
    )
    (folder / "SOURCES.md").write_text(text, encoding="utf-8")
    return paths


def main() -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.toybox.segment_examples", description=__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER)
    os.nice(10)
    for path in write(parser.parse_args().out):
        sys.stdout.write(f"{path} ({path.stat().st_size // 1024} KB)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
