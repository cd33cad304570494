"""Scores on photos: Tiny-ImageNet, CIFAR-10, Caltech-101, classes never trained, synonyms, Flickr8k sentences."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.pocket_clip import captions, hierarchy, scenes
from training.pocket_clip.packed import Packed
from training.pocket_clip.ranking import random_candidates, ranks
from training.score import Score, share

MOST = 10_000  # pictures a set
OFFICIAL = "the set's own val or test list; only its training list is trained"
UNSEEN = "30 classes (hierarchy.py) of which no picture of any list is trained; val pictures"
EVERYDAY_SETS = ("toybox", "cifar", "clothing", "caltech", "houses")  # sets named in everyday words


@dataclass(frozen=True)
class TestSet:
    """Embedded test pictures (N, D) with class numbers (N,) and the classes."""

    features: np.ndarray
    answers: np.ndarray
    concepts: list[captions.Concept]

    @property
    def names(self) -> list[str]:
        """Primary names, one a class."""
        return [concept.names[0] for concept in self.concepts]


def load_set(packed: Packed, data: Path, name: str, concepts: list[captions.Concept]) -> TestSet:
    """Embed at most MOST test pictures of a set, with answers among ``concepts``."""
    pictures, answers = test_pictures(data, name, concepts, MOST)
    return TestSet(packed.images(pictures), answers, concepts)


def test_pictures(data: Path, name: str, concepts: list[captions.Concept], most: int) -> tuple[np.ndarray, np.ndarray]:
    """About ``most`` test pictures of a set, evenly spaced, (N, H, W, 3) uint8, and their rows in ``concepts`` (N,)."""
    listing = json.loads((data / f"{name}.json").read_text())
    rows = [row for row, entry in enumerate(listing) if entry[1] == "test"]
    rows = rows[:: max(1, len(rows) // most)]
    row_of = {concept.key: row for row, concept in enumerate(concepts)}
    rows = [row for row in rows if listing[row][0] in row_of]
    pixels = np.load(data / f"{name}.npy", mmap_mode="r")
    return pixels[rows], np.array([row_of[listing[row][0]] for row in rows])


def tiny_scores(packed: Packed, raw: Path, data: Path) -> list[Score]:
    """200-way, the 30 unseen classes among themselves and among everyday labels, and synonyms."""
    test = load_set(packed, data, "tiny", captions.tiny_concepts(raw))
    texts = packed.names(test.names)
    similar = test.features @ texts.T
    places, fixed = ranks(similar, test.answers), ranks(packed.corrected(similar, texts), test.answers)
    unseen = np.array([key.removeprefix("tiny/") in hierarchy.HELD_OUT_WNIDS for key in keys_of(test)])
    is_unseen = unseen[test.answers]
    among = np.cumsum(unseen)[test.answers][is_unseen] - 1
    few = similar[is_unseen][:, unseen]
    few_fixed = packed.corrected(few, texts[unseen])
    what = "Tiny-ImageNet val by name, 200-way"
    return [
        share("tiny_top1", f"{what} top-1, 30 of the classes never trained", places == 0, 35, 50, disjoint=OFFICIAL),
        share("tiny_top5", f"{what} top-5", places < 5, 60, 75, disjoint=OFFICIAL),
        share("tiny_top1_hub", f"{what} top-1, hubness corrected", fixed == 0, disjoint=OFFICIAL),
        share("tiny_top5_hub", f"{what} top-5, hubness corrected", fixed < 5, disjoint=OFFICIAL),
        share("tiny_top1_trained", f"{what} top-1, pictures of the 170 trained classes only", places[~is_unseen] == 0,
              disjoint=OFFICIAL),
        share("unseen_30way", "photo classes never trained, 30-way", ranks(few, among) == 0, 22, 32, disjoint=UNSEEN),
        share("unseen_30way_hub", "photo classes never trained, 30-way, hubness corrected",
              ranks(few_fixed, among) == 0, disjoint=UNSEEN),
        everyday_score(packed, raw, test, is_unseen),
        share("unseen_5way", "the same pictures among 5 random unseen classes", random_candidates(few, among, 5),
              disjoint=UNSEEN),
        *synonym_scores(packed, raw, test, similar, texts),
    ]  # fmt: skip


def keys_of(test: TestSet) -> list[str]:
    return [concept.key for concept in test.concepts]


def everyday_score(packed: Packed, raw: Path, test: TestSet, is_unseen: np.ndarray) -> Score:
    """Pictures of never-trained classes: their name against four everyday labels that cannot be true of them too."""
    own = {concept.key for concept in test.concepts if concept.key.removeprefix("tiny/") in hierarchy.HELD_OUT_WNIDS}
    pool = [c for c in captions.build_concepts(raw) if c.key in own or c.picture_set in EVERYDAY_SETS]
    place_of = {concept.key: place for place, concept in enumerate(pool)}
    may_both = captions.compatible(pool)
    is_own = np.array([concept.key in own for concept in pool])
    may_both[:, is_own] = True  # the other unseen classes are no everyday labels
    answers = np.array([place_of[test.concepts[answer].key] for answer in test.answers[is_unseen]])
    similar = test.features[is_unseen] @ packed.names([concept.names[0] for concept in pool]).T
    won = random_candidates(similar, answers, 5, may_both=may_both)
    what = f"photo classes never trained against 4 random everyday labels of {(~is_own).sum()}"
    return share("unseen_5way_everyday", what, won, 55, 65, disjoint=UNSEEN)


def synonym_scores(packed: Packed, raw: Path, test: TestSet, similar: np.ndarray, texts: np.ndarray) -> list[Score]:
    """One class at a time goes by another lemma of words.txt while the others keep their names, 200-way."""
    base = raw / "tiny" / "tiny-imagenet-200"
    words = dict(line.split("\t") for line in (base / "words.txt").read_text().splitlines())
    by_name, by_synonym = [], []
    for answer, concept in enumerate(test.concepts):
        lemmas = [name.strip() for name in words[concept.key.removeprefix("tiny/")].split(",")]
        others = [name for name in concept.names[1:] if name in lemmas]
        rows = test.answers == answer
        if not others or not rows.any():
            continue
        rest = np.delete(similar[rows], answer, axis=1).max(1)
        own = test.features[rows] @ packed.names(others).T
        by_name.append(similar[rows, answer] > rest)
        by_synonym.append((own > rest[:, None]).mean(1))
    return [kept_share(np.concatenate(by_name).astype(float), np.concatenate(by_synonym))]


def kept_share(by_name: np.ndarray, by_synonym: np.ndarray) -> Score:
    """Accuracy by synonym over accuracy by name, (n,) each, in percent; the interval by the delta method."""
    n, ratio = len(by_name), float(by_synonym.mean() / by_name.mean())
    error = 1.96 * float((by_synonym - ratio * by_name).std() / by_name.mean() / np.sqrt(n))
    low, value, high = (round(100 * end, 1) for end in (ratio - error, ratio, ratio + error))
    what = "synonyms of words.txt: share of the 200-way accuracy that stays when a class goes by another of its lemmas"
    disjoint = f"{OFFICIAL}; the words themselves are captions of the trained classes"
    return Score("synonyms_kept", what, value, n, low, high, 60, 75, disjoint=disjoint)


def cifar_scores(packed: Packed, data: Path) -> list[Score]:
    """Ten classes by name and by paraphrases that no training caption holds."""
    test = load_set(packed, data, "cifar", captions.cifar_classes())
    named = ranks(test.features @ packed.names(test.names).T, test.answers)
    paraphrased = test.features @ packed.texts([hierarchy.CIFAR_PARAPHRASES[name] for name in test.names]).T
    never = f"{OFFICIAL}; no caption and no phrase of the text tower is one of the ten paraphrases"
    return [
        share("cifar_top1", "CIFAR-10 test by name, 10-way", named == 0, 75, 85, disjoint=OFFICIAL),
        share("cifar_paraphrase", "CIFAR-10 test by paraphrases never trained, 10-way",
              ranks(paraphrased, test.answers) == 0, 55, 70, disjoint=never),
    ]  # fmt: skip


def caltech_scores(packed: Packed, raw: Path, data: Path) -> list[Score]:
    """All object classes; the two folders of faces are one class."""
    test = load_set(packed, data, "caltech", captions.caltech_concepts(raw))
    texts = packed.names(test.names)
    similar = test.features @ texts.T
    what = f"Caltech-101 test by name, {len(texts)}-way (the two face classes are one)"
    return [
        share("caltech_top1", what, ranks(similar, test.answers) == 0, 45, 60, disjoint=OFFICIAL),
        share("caltech_top1_hub", f"{what}, hubness corrected",
              ranks(packed.corrected(similar, texts), test.answers) == 0, disjoint=OFFICIAL),
        share("caltech_5way", "Caltech-101 test among 5 random classes", random_candidates(similar, test.answers, 5),
              disjoint=OFFICIAL),
    ]  # fmt: skip


def flickr_scores(packed: Packed, raw: Path, data: Path) -> list[Score]:
    """Sentences of the 300 pictures that no training shows: is the own picture among the ten best?"""
    listing = json.loads((data / "flickr.json").read_text())
    rows = [row for row, entry in enumerate(listing) if entry[1] == "dev"]
    sentences = scenes.flickr_captions(raw)
    texts = [sentences[listing[row][0].removeprefix("flickr/")] for row in rows]
    features = packed.images(np.load(data / "flickr.npy", mmap_mode="r")[rows])
    own = np.repeat(np.arange(len(rows)), [len(few) for few in texts])
    places = ranks(packed.texts([text for few in texts for text in few]) @ features.T, own)
    found = np.array([(places[own == row] < 10).mean() for row in range(len(rows))])
    first = np.array([(places[own == row] < 1).mean() for row in range(len(rows))])
    disjoint = "the last 300 of the 1,000 pictures at hand, pictures and sentences untrained; five sentences each"
    what = f"Flickr8k development {len(rows)}: sentence to picture"
    return [
        share("flickr_r10", f"{what}, R@10", found, 20, 30, disjoint=disjoint),
        share("flickr_r1", f"{what}, R@1", first, disjoint=disjoint),
    ]
