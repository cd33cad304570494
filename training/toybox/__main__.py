"""Command line of Toybox: ``python -m training.toybox render | sheet | examples``."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from training.toybox.examples import write_examples, write_sheet
from training.toybox.shards import write_shards


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.toybox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    render = commands.add_parser("render", help="write training pictures as .npz shards")
    render.add_argument("--split", choices=("train", "held_out"), default="train")
    render.add_argument("--n", type=int, default=12_000, help="how many pictures")
    render.add_argument("--first", type=int, default=0, help="number of the first picture in its split")
    render.add_argument("--side", type=int, default=96, help="pixels a side")
    render.add_argument(
        "--objects", type=int, default=1, help="most objects a picture; 1 goes through the classes in turn"
    )
    render.add_argument("--processes", type=int, default=1)
    render.add_argument("--out", type=Path, required=True)
    examples = commands.add_parser("examples", help="render the hub's example pictures and their SOURCES.md")
    examples.add_argument("--out", type=Path, default=Path("assets/examples/zero_shot"))
    sheet = commands.add_parser("sheet", help="draw one toy of every class on one sheet")
    sheet.add_argument("--out", type=Path, default=Path("docs/toybox_classes.png"))
    sheet.add_argument("--side", type=int, default=80, help="pixels a toy")
    sheet.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    return COMMANDS[options.command](options)


def render_command(options: argparse.Namespace) -> int:
    """Write shards at low priority and say how it goes."""
    os.nice(10)
    start = time.perf_counter()
    shards = write_shards(
        options.split, options.n, options.side, options.out,
        max_objects=options.objects, first=options.first, processes=options.processes,
    )  # fmt: skip
    for done, path in enumerate(shards, start=1):
        sys.stdout.write(f"{path} ({done} shards, {time.perf_counter() - start:.0f} s)\n")
        sys.stdout.flush()
    return 0


def examples_command(options: argparse.Namespace) -> int:
    """Write the hub's example pictures."""
    for path in write_examples(options.out):
        sys.stdout.write(f"{path} ({path.stat().st_size // 1024} KB)\n")
    return 0


def sheet_command(options: argparse.Namespace) -> int:
    """Write the sheet of classes."""
    write_sheet(options.out, options.side, options.seed)
    sys.stdout.write(f"{options.out} ({options.out.stat().st_size // 1024} KB)\n")
    return 0


COMMANDS = {"render": render_command, "examples": examples_command, "sheet": sheet_command}

if __name__ == "__main__":
    raise SystemExit(main())
