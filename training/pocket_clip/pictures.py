"""Decode the public picture sets once into fixed-size uint8 memory maps.

A prepared set is two files: ``<name>.npy`` (N, side, side, 3 or 4) uint8 and ``<name>.json`` with, per picture,
its concept key, its split ("train", "dev" or "test") and its path under the raw folder. Pictures are squashed to
the square, not cropped: the shipped processor squashes too, so that nothing of a visitor's photo is lost.

Run: ``python -m training.pocket_clip.pictures --raw RAW --data DATA [--only tiny,cifar]``
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import logging
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

log = logging.getLogger(__name__)

CALTECH_CAP = 100  # training pictures a class; "airplanes" alone has 800
CALTECH_JUNK = ("BACKGROUND_Google", "Faces_easy")


@dataclass(frozen=True)
class Entry:
    """One picture: path under the raw folder, concept key, split."""

    path: str
    concept: str
    split: str


@dataclass(frozen=True)
class PictureSet:
    """A public set: how to list it and the side it is stored at."""

    name: str
    side_px: int
    entries: Callable[[Path], Iterator[Entry]]
    has_alpha: bool = False


def hash_fraction(text: str) -> float:
    """A fixed pseudo-random number in [0, 1) for a text: the same on every machine and run."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


def _relative(raw: Path, paths: Iterator[Path]) -> list[str]:
    return sorted(p.relative_to(raw).as_posix() for p in paths)


def _tiny(raw: Path) -> Iterator[Entry]:
    base = raw / "tiny" / "tiny-imagenet-200"
    for path in _relative(raw, (base / "train").glob("*/images/*.JPEG")):
        yield Entry(path, f"tiny/{path.split('/')[-3]}", "train")
    for line in (base / "val" / "val_annotations.txt").read_text().splitlines():
        name, wnid = line.split("\t")[:2]
        yield Entry(f"tiny/tiny-imagenet-200/val/images/{name}", f"tiny/{wnid}", "test")


def _cifar(raw: Path) -> Iterator[Entry]:
    for split in ("train", "test"):
        for path in _relative(raw, (raw / "cifar" / split).glob("*/*.jpg")):
            yield Entry(path, f"cifar/{path.split('/')[-2]}", split)


def _caltech(raw: Path) -> Iterator[Entry]:
    seen: Counter[str] = Counter()
    for split in ("train", "test"):
        for line in (raw / "caltech" / f"{split}.txt").read_text().split():
            name = line.split("/")[0]
            seen[split + name] += 1
            if name in CALTECH_JUNK or (split == "train" and seen[split + name] > CALTECH_CAP):
                continue
            yield Entry(f"caltech/101_ObjectCategories/{line}", f"caltech/{name}", split)


def _pacs(raw: Path) -> Iterator[Entry]:
    for style in ("photo", "art_painting", "cartoon"):
        for path in _relative(raw, (raw / "pacs" / "PACS" / style).glob("*/*.jpg")):
            yield Entry(path, f"pacs/{path.split('/')[-2]}", "dev" if hash_fraction(path) < 0.1 else "train")


def _grocery(raw: Path) -> Iterator[Entry]:
    base = raw / "grocery" / "dataset"
    with (base / "classes.csv").open() as file:
        names = [row[0] for row in list(csv.reader(file))[1:]]
    for split, listed in (("train", "train"), ("dev", "val"), ("test", "test")):
        for line in (base / f"{listed}.txt").read_text().splitlines():
            path, fine, _ = (part.strip() for part in line.split(","))
            yield Entry(f"grocery/dataset/{path}", f"grocery/{names[int(fine)]}", split)


def _clothing(raw: Path) -> Iterator[Entry]:
    for split, folder in (("train", "train"), ("dev", "validation"), ("test", "test")):
        for path in _relative(raw, (raw / "clothing" / folder).glob("*/*.jpg")):
            yield Entry(path, f"clothing/{path.split('/')[-2]}", split)


def _houses(raw: Path) -> Iterator[Entry]:
    for path in _relative(raw, (raw / "houses").glob("*/*.jpg")):
        house, kind = path.rsplit("/", 1)[-1].removesuffix(".jpg").split("_")
        yield Entry(path, f"houses/{kind}", "dev" if hash_fraction(house) < 0.1 else "train")


def _flickr(raw: Path) -> Iterator[Entry]:
    for number, path in enumerate(_relative(raw, (raw / "flickr" / "data" / "images").glob("*.jpg"))):
        yield Entry(path, f"flickr/{path.rsplit('/', 1)[-1]}", "train" if number < 700 else "dev")


def emoji_key(name: str) -> str:
    """The code points of an emoji file name, without the variation selector: the key that emojilib shares."""
    if name.startswith("emoji_u"):
        points = name.removeprefix("emoji_u").split("_")
    else:
        points = [f"{ord(letter):04x}" for letter in name]
    return "_".join(p for p in points if p != "fe0f")


def is_skin_toned(key: str) -> bool:
    """Whether the emoji carries one of the five skin tone modifiers (they only repeat a concept)."""
    return any(f"1f3f{digit}" in key for digit in "bcdef")


def _fluent(raw: Path) -> Iterator[Entry]:
    for path in _relative(raw, (raw / "fluent" / "assets").glob("*_3d.png")):
        key = emoji_key(path.rsplit("/", 1)[-1].removesuffix("_3d.png"))
        if not is_skin_toned(key):
            yield Entry(path, f"emoji/{key}", "train")


def _noto(raw: Path) -> Iterator[Entry]:
    for path in _relative(raw, (raw / "noto" / "png" / "128").glob("*.png")):
        key = emoji_key(path.rsplit("/", 1)[-1].removesuffix(".png"))
        if not is_skin_toned(key):
            yield Entry(path, f"emoji/{key}", "train")


SETS = (
    PictureSet("tiny", 64, _tiny),
    PictureSet("cifar", 32, _cifar),
    PictureSet("caltech", 112, _caltech),
    PictureSet("pacs", 112, _pacs),
    PictureSet("grocery", 112, _grocery),
    PictureSet("clothing", 112, _clothing),
    PictureSet("houses", 112, _houses),
    PictureSet("flickr", 112, _flickr),
    PictureSet("fluent", 96, _fluent, has_alpha=True),
    PictureSet("noto", 96, _noto, has_alpha=True),
)


def _decode(task: tuple[str, int, bool]) -> np.ndarray:
    path, side_px, has_alpha = task
    with Image.open(path) as image:
        square = image.convert("RGBA" if has_alpha else "RGB")
        if square.size != (side_px, side_px):
            square = square.resize((side_px, side_px), Image.Resampling.BICUBIC)
        return np.asarray(square)


def prepare(picture_set: PictureSet, raw: Path, data: Path) -> int:
    """Decode one set into ``data``; returns the number of pictures. Does nothing when it is there already."""
    target = data / f"{picture_set.name}.npy"
    listing = data / f"{picture_set.name}.json"
    if target.is_file() and listing.is_file():
        return len(json.loads(listing.read_text()))
    entries = list(picture_set.entries(raw))
    side, channels = picture_set.side_px, 4 if picture_set.has_alpha else 3
    shape = (len(entries), side, side, channels)
    pixels = np.lib.format.open_memmap(target, mode="w+", dtype=np.uint8, shape=shape)
    tasks = [(str(raw / entry.path), side, picture_set.has_alpha) for entry in entries]
    with multiprocessing.Pool(2) as pool:
        for number, picture in enumerate(pool.imap(_decode, tasks, chunksize=256)):
            pixels[number] = picture
    pixels.flush()
    listing.write_text(json.dumps([[entry.concept, entry.split, entry.path] for entry in entries]))
    log.info("%s: %d pictures, %s", picture_set.name, len(entries), dict(Counter(e.split for e in entries)))
    return len(entries)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", type=Path, required=True, help="folder with the sets as fetched")
    parser.add_argument("--data", type=Path, required=True, help="folder for the prepared arrays")
    parser.add_argument("--only", default="", help="comma separated names; all by default")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    args.data.mkdir(parents=True, exist_ok=True)
    only = set(filter(None, args.only.split(",")))
    for picture_set in SETS:
        if not only or picture_set.name in only:
            prepare(picture_set, args.raw, args.data)


if __name__ == "__main__":
    main()
