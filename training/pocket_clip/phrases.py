"""The phrases that the student text tower learns from: names, glosses, descriptors, captions, templates.

About one phrase in fifty is held out by hash and never trained on; the whole CIFAR paraphrase list is held out too.

Run: ``python -m training.pocket_clip.phrases --raw RAW --data DATA``
"""

from __future__ import annotations

import argparse
import csv
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from training.pocket_clip import bank, minilm
from training.pocket_clip.captions import (
    DRAWN_TEMPLATES,
    TEMPLATES,
    build_concepts,
    captions_of,
    fill,
    with_article,
)
from training.pocket_clip.hierarchy import CIFAR_PARAPHRASES
from training.pocket_clip.pictures import hash_fraction

log = logging.getLogger(__name__)

HELD_OUT_SHARE = 0.02
WORDNET_SHARE = 0.2  # of WordNet's 146 thousand nouns; most name nothing that can be seen
COLOURS = [
    "red",
    "orange",
    "yellow",
    "green",
    "blue",
    "purple",
    "pink",
    "brown",
    "black",
    "white",
    "grey",
    "golden",
    "silver",
]
MATERIALS = ["wooden", "metal", "plastic", "glass", "leather", "stone", "paper", "ceramic", "cloth", "rubber"]
SIZES = ["small", "large", "tiny", "huge", "tall", "short", "long", "round", "old", "new"]
RELATIONS = ("left of", "right of", "above", "below", "next to", "behind", "in front of", "on top of")
COUNTS = ("one", "two", "three", "four", "five", "six", "several", "many")
PLACES = ("on a table", "on the floor", "on a white background", "in the snow", "on the grass", "in a room", "outdoors",
          "at night", "on the beach", "in a kitchen", "in the water", "in the sky", "on a street")  # fmt: skip


def is_held_out(phrase: str) -> bool:
    return hash_fraction("phrase:" + phrase) < HELD_OUT_SHARE or phrase in CIFAR_PARAPHRASES.values()


def _imagenet_words(raw: Path) -> Iterator[str]:
    folder = raw / "timm" / "timm" / "data" / "_info"
    for line in (folder / "imagenet_synset_to_lemma.txt").read_text().splitlines():
        yield from (name.strip() for name in line.split("\t")[1].split(","))
    for line in (folder / "imagenet_synset_to_definition.txt").read_text().splitlines():
        yield line.split("\t")[1]


def _wordnet_nouns(raw: Path) -> Iterator[str]:
    for line in (raw / "tiny" / "tiny-imagenet-200" / "words.txt").read_text().splitlines():
        words = [name.strip() for name in line.split("\t")[1].split(",")]
        yield from (word for word in words if hash_fraction(word) < WORDNET_SHARE)


def _descriptors(raw: Path) -> Iterator[str]:
    for path in sorted((raw / "waffle" / "descriptors").glob("*.json")):
        for name, texts in json.loads(path.read_text()).items():
            spoken = name.replace("_", " ")
            yield spoken
            yield from texts
            yield from (f"{spoken}, which has {text}" for text in texts[:4])


def _captions(raw: Path) -> Iterator[str]:
    with (raw / "flickr" / "data" / "captions.txt").open(newline="") as file:
        yield from (row[1].strip().rstrip(" .") for row in list(csv.reader(file))[1:])


def _composed(names: list[str], rng: np.random.Generator, count: int) -> Iterator[str]:
    """Colours, materials, sizes, counts, places and relations around names: ``count`` of them, reproducible."""

    def pick(words: list[str] | tuple[str, ...]) -> str:
        return str(words[int(rng.integers(len(words)))])

    for _ in range(count):
        a, b = pick(names), pick(names)
        kind = int(rng.integers(8))
        if kind == 0:
            yield f"{pick(COLOURS)} {a}"
        elif kind == 1:
            yield f"a {pick(COLOURS)} {a} {pick(RELATIONS)} a {pick(COLOURS)} {b}"
        elif kind == 2:
            yield f"{with_article(a)} {pick(RELATIONS)} {with_article(b)}"
        elif kind == 3:
            yield f"{pick(COUNTS)} {a}s"
        elif kind == 4:
            yield f"a {pick(MATERIALS)} {a}"
        elif kind == 5:
            yield f"{with_article(a)} {pick(PLACES)}"
        elif kind == 6:
            yield f"{with_article(a)} and {with_article(b)}"
        else:
            yield f"a photo of a {pick(SIZES)} {pick(COLOURS)} {a}"


def all_phrases(raw: Path) -> list[str]:
    """Every phrase, sorted, without repeats."""
    concepts = build_concepts(raw)
    own = [text for concept in concepts for text, _ in captions_of(concept)]
    spoken = [name for concept in concepts for name in concept.names]
    lemmas = list(_imagenet_words(raw))
    rng = np.random.default_rng(0)
    everyday = spoken + [word for word in lemmas if len(word) < 24]
    templated = []
    for name in dict.fromkeys(everyday):
        for template in rng.choice(TEMPLATES + DRAWN_TEMPLATES + ("a {}",), 2, replace=False):
            templated.append(fill(str(template), name))
    composed = list(_composed(spoken, rng, 60_000))
    texts = [*own, *spoken, *lemmas, *_wordnet_nouns(raw), *_descriptors(raw), *_captions(raw), *templated, *composed]
    return sorted({text for text in texts if 1 < len(text) < 120})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    texts = all_phrases(args.raw)
    log.info("%d phrases, %d held out", len(texts), sum(map(is_held_out, texts)))
    mean = bank.load(args.data).mean
    np.save(args.data / "phrases.npy", bank.centre(minilm.embed(texts), mean).astype(np.float16))
    (args.data / "phrases.json").write_text(json.dumps(texts))


if __name__ == "__main__":
    main()
