"""Free captions: sentences that belong to single pictures (Flickr8k; Toybox scenes), embedded once.

Adds to ``<name>.json`` a fourth column, the rows of the picture's captions in ``<name>.captions.npy`` (F, 384)
float16, as embedded, with the texts in ``<name>.captions.json``.

Run: ``python -m training.pocket_clip.scenes --raw RAW --data DATA``
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from training.pocket_clip.bank import embedder


def attach(
    data: Path, name: str, texts_of: list[list[str]], others: Iterable[str] = (), *, text: Path | None = None
) -> dict[str, int]:
    """Store the captions of each picture of a prepared set, in the order of its listing.

    Args:
        data: Folder of the prepared sets.
        name: Of the set.
        texts_of: Captions of each picture.
        others: Captions that belong to no whole picture.
        text: Text tower that embeds them; None: MiniLM.

    Returns:
        Row of each caption in the stored array.
    """
    listing = json.loads((data / f"{name}.json").read_text())
    unique = sorted({text for texts in texts_of for text in texts} | set(others))
    row_of = {text: row for row, text in enumerate(unique)}
    rows = [[*entry[:3], [row_of[text] for text in texts]] for entry, texts in zip(listing, texts_of, strict=True)]
    np.save(data / f"{name}.captions.npy", embedder(text)(unique).astype(np.float16))
    (data / f"{name}.captions.json").write_text(json.dumps(unique))
    (data / f"{name}.json").write_text(json.dumps(rows))
    return row_of


def flickr_captions(raw: Path) -> dict[str, list[str]]:
    """File name -> its five sentences, tidied ("dogs run ." -> "dogs run")."""
    captions: dict[str, list[str]] = defaultdict(list)
    with (raw / "flickr" / "data" / "captions.txt").open(newline="") as file:
        for row in list(csv.reader(file))[1:]:
            captions[row[0]].append(row[1].strip().rstrip(" ."))
    return captions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--text", type=Path, help="run or packed folder whose text tower makes the targets")
    args = parser.parse_args()
    captions = flickr_captions(args.raw)
    listing = json.loads((args.data / "flickr.json").read_text())
    attach(args.data, "flickr", [captions[entry[0].removeprefix("flickr/")] for entry in listing], text=args.text)


if __name__ == "__main__":
    main()
