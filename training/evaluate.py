"""Measure a bundled model on held-out data and write the figures into its card.

Run: ``python -m training.evaluate pocket-clip --raw RAW --data DATA [--json] [--write]``

Every figure comes with its sample size, a 95 % interval and what keeps its samples apart from training. Everything is
computed from the packed folder, as a visitor's machine would. No figure uses the hubness correction unless it says so.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training.score import Score

ROOT = Path(__file__).resolve().parents[1] / "assets" / "models"
# Model -> module with ``rows(folder, data, raw) -> list[Score]``; imported when asked for.
MODELS = {"pocket-clip": "training.pocket_clip.scores", "pocket-sam": "training.pocket_sam.scores"}


def measure(model: str, folder: Path, data: Path, raw: Path, **extra: Any) -> list[Score]:
    """All figures of a model in the order of its table; ``extra`` are arguments that only some models' rows take."""
    module = importlib.import_module(MODELS[model])
    scores: list[Score] = module.rows(folder, data, raw, **extra)
    return scores


def line(score: Score) -> str:
    """One figure as a line of text."""
    bar = "" if score.bar is None else f"  (bar {'at most ' if score.at_most else ''}{score.bar:g})"
    return f"{score.value:8g}  [{score.low:g}, {score.high:g}]  n={score.n:5d}  {score.what}{bar}"


def write_into_card(scores: list[Score], folder: Path) -> None:
    """Replace the scores of ``card.json``."""
    path = folder / "card.json"
    card = json.loads(path.read_text())
    card["scores"] = [asdict(score) for score in scores]
    path.write_text(json.dumps(card, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("--raw", type=Path, required=True, help="the sets as fetched (names of classes)")
    parser.add_argument("--data", type=Path, required=True, help="the prepared arrays")
    parser.add_argument("--folder", type=Path, help="another packed folder than the shipped one")
    parser.add_argument("--only", default="", help="parts to measure, comma separated (pocket-clip: tiny,cifar,...)")
    parser.add_argument("--keep", type=Path, help="file of finished parts, to go on after a stop (pocket-clip)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--write", action="store_true", help="write the figures into card.json")
    args = parser.parse_args()
    if args.write and args.only:
        parser.error("--write needs all figures of one checkpoint; leave --only away")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    folder = args.folder or ROOT / args.model
    extra = {"only": list(filter(None, args.only.split(","))), "keep": args.keep}
    scores = measure(args.model, folder, args.data, args.raw, **{name: value for name, value in extra.items() if value})
    if args.write:
        write_into_card(scores, folder)
    text = json.dumps([asdict(score) for score in scores], indent=1) if args.json else "\n".join(map(line, scores))
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
