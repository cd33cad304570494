"""Scores on Toybox, held-out views: one object, its colour, who is left of whom, and where a named thing lies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core import clip
from core.catalog import spec
from training.pocket_clip.packed import Packed
from training.pocket_clip.ranking import peak_uv, random_candidates, ranks
from training.score import Score, share
from training.toybox.captions import one_of
from training.toybox.classes import BY_NAME, CLASSES
from training.toybox.palette import COLOURS

VIEWS = "held-out split of the generator: other seeds, azimuths that training never looks from"
SINGLES = "toybox_single_{split}_*_[0-9]*.npz"
SCENES = "toybox_scene*_held_out_*_[0-9]*.npz"
SCENES_MOST = 400  # for localisation
INPUT_PX = (128, 256, 384)
LEAST_SHARE = 1 / 64  # of the picture: one cell of the 8 x 8 map at 128 px
COLOUR_TEST = (
    "Toybox, colour x object: the right pair among 20 (9 other colours of the object, 5 other objects of the colour, "
    "5 others)"
)
RELATIONS = {"left of": "right of", "right of": "left of"}


@dataclass(frozen=True)
class Query:
    """A named object of a scene: caption and its mask (H, W) bool."""

    text: str
    mask: np.ndarray


def folder_of(data: Path) -> Path:
    """Where the shards lie: ``toys`` in the folder of the prepared sets, or beside it."""
    return data / "toys" if (data / "toys").is_dir() else data.parent / "toys"


def shards(data: Path, pattern: str) -> Iterator[dict[str, Any]]:
    """Arrays of each shard, in order of their names.

    Raises:
        FileNotFoundError: there is none.
    """
    paths = sorted(path for path in folder_of(data).glob(pattern) if ".tmp" not in path.name)
    if not paths:
        raise FileNotFoundError(f"no {pattern} in {folder_of(data)}; `python -m training.toybox render` makes them")
    for path in paths:
        with np.load(path) as shard:
            yield dict(shard)


def singles(data: Path, split: str, most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures (N, S, S, 3) uint8, classes (N,) and colours (N,) of at most ``most`` single toys, evenly spaced."""
    parts = list(shards(data, SINGLES.format(split=split)))
    rgb, kinds, colours = (np.concatenate([part[name] for part in parts]) for name in ("rgb", "class_id", "colour_id"))
    step = max(1, len(rgb) // most)
    return rgb[::step], kinds[::step].astype(int), colours[::step].astype(int)


def object_scores(packed: Packed, data: Path) -> list[Score]:
    """One toy among 60 and 80 random classes, among all, and its colour among 20 pairs."""
    rgb, kinds, colours = singles(data, "held_out", 10_000)
    features, texts = packed.images(rgb), packed.names(list(CLASSES))
    similar = features @ texts.T
    fixed = packed.corrected(similar, texts)
    what = "Toybox, one object from held-out views"
    return [
        share("toybox_60way", f"{what}, among 60 random classes", random_candidates(similar, kinds, 60), 90,
              disjoint=VIEWS),
        share("toybox_80way", f"{what}, among 80 random classes", random_candidates(similar, kinds, 80), 95, 99,
              disjoint=VIEWS),
        share("toybox_80way_hub", f"{what}, among 80 random classes, hubness corrected",
              random_candidates(fixed, kinds, 80), disjoint=VIEWS),
        share("toybox_all", f"{what}, all {len(CLASSES)} classes", ranks(similar, kinds) == 0, disjoint=VIEWS),
        share("toybox_colour", COLOUR_TEST, colour_hits(packed, features, kinds, colours), 90, 97, disjoint=VIEWS),
    ]  # fmt: skip


def colour_hits(packed: Packed, features: np.ndarray, kinds: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Whether "a red mug" beats 19 other pairs: (N,) bool."""
    pairs = [(kind, colour) for kind in range(len(CLASSES)) for colour in range(len(COLOURS))]
    texts = packed.texts([one_of(CLASSES[k], f"{COLOURS[c]} {CLASSES[k]}") for k, c in pairs])
    rng, hits = np.random.default_rng(0), []
    for feature, kind, colour in zip(features, kinds, colours, strict=True):
        other_kinds = rng.choice(np.delete(np.arange(len(CLASSES)), kind), 10, replace=False)
        other_colours = rng.choice(np.delete(np.arange(len(COLOURS)), colour), 9, replace=False)
        same_thing = [kind * len(COLOURS) + c for c in other_colours]
        same_colour = [k * len(COLOURS) + colour for k in other_kinds[:5]]
        neither = [k * len(COLOURS) + rng.choice(other_colours) for k in other_kinds[5:]]
        cosines = texts[[kind * len(COLOURS) + colour, *same_thing, *same_colour, *neither]] @ feature
        hits.append(cosines[0] > cosines[1:].max())
    return np.array(hits)


def relation_trials(data: Path) -> tuple[np.ndarray, list[str], list[str]]:
    """Pictures of two objects, a true caption with "left of" or "right of", and the same with the other word.

    The two words take turns as the true one, so that a liking for one of them earns nothing.
    """
    pictures: list[np.ndarray] = []
    right: list[str] = []
    wrong: list[str] = []
    for shard in shards(data, SCENES):
        for rgb, text in zip(shard["rgb"], shard["meta"], strict=True):
            meta = json.loads(str(text))
            word = list(RELATIONS)[len(right) % 2]
            true = [caption for caption in meta["captions"] if f" {word} " in caption]
            if len(meta["objects"]) == 2 and true:
                pictures.append(np.asarray(rgb))
                right.append(true[0])
                wrong.append(true[0].replace(f" {word} ", f" {RELATIONS[word]} "))
    return np.stack(pictures), right, wrong


def relation_score(packed: Packed, data: Path) -> Score:
    """Left or right, for the two objects of a scene; 50 % is chance."""
    pictures, right, wrong = relation_trials(data)
    features = packed.images(pictures)
    hits = (features * packed.texts(right)).sum(1) > (features * packed.texts(wrong)).sum(1)
    what = "Toybox, two objects: left-of / right-of, the caption against its mirror image (chance 50)"
    return share("toybox_relation", what, hits, 75, 90, disjoint=VIEWS)


def queries_of(instances: np.ndarray, objects: list[dict[str, Any]]) -> list[Query]:
    """Objects of one scene that "a red mug" names alone and that fill at least LEAST_SHARE of the picture."""
    names = [(thing["class"], thing["colour"]) for thing in objects]
    queries = []
    for thing, (kind, colour) in zip(objects, names, strict=True):
        if names.count((kind, colour)) == 1 and kind in BY_NAME:
            mask = instances == thing["id"]
            if mask.mean() >= LEAST_SHARE:
                queries.append(Query(one_of(kind, f"{colour} {kind}"), mask))
    return queries


def scenes(data: Path) -> Iterator[tuple[np.ndarray, list[Query]]]:
    """At most SCENES_MOST held-out pictures with at least two objects and their queries."""
    count = 0
    for shard in shards(data, SCENES):
        for rgb, instances, text in zip(shard["rgb"], shard["instances"], shard["meta"], strict=True):
            objects = json.loads(str(text))["objects"]
            queries = queries_of(instances, objects)
            if len(objects) > 1 and queries and count < SCENES_MOST:
                count += 1
                yield np.asarray(rgb), queries


def point_scores(packed: Packed, data: Path) -> list[Score]:
    """Whether the highest point of the dense map lies in the named object, for three sizes of input."""
    encoder = clip.load(packed.folder, spec("pocket-clip"))
    hits: dict[int, list[bool]] = {size_px: [] for size_px in INPUT_PX}
    covered = []
    for rgb, queries in scenes(data):
        texts = packed.texts([query.text for query in queries])
        covered += [float(query.mask.mean()) for query in queries]
        for size_px in INPUT_PX:
            cells = encoder.encode_patches(rgb, size_px=size_px)
            for query, text in zip(queries, texts, strict=True):
                x, y = peak_uv(cells @ text, rgb.shape[1], rgb.shape[0])
                hits[size_px].append(bool(query.mask[y, x]))
    chance = 100 * float(np.mean(covered))
    return [
        share(f"toybox_point_{size_px}",
              f"Toybox scenes of 2 to 6 objects, input {size_px} px: the peak of the dense map lies in the named "
              f"object (objects of at least one 64th of the picture; chance {chance:.1f})",
              np.array(found), 85, 93, disjoint=VIEWS)
        for size_px, found in hits.items()
    ]  # fmt: skip
