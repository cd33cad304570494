"""Measure a bundled model on held-out data and write the figures into its card.

Run: ``python -m training.evaluate pocket-clip --raw RAW --data DATA [--json] [--write]``

Everything is computed from the packed folder through transformers, as a visitor's machine would: pictures through
the folder's own processor, names through its tokenizer. No figure uses the hubness correction unless its name says so.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional
from transformers import AutoModel, AutoProcessor

from training.pocket_clip import bank, captions, hierarchy, minilm, phrases

ROOT = Path(__file__).resolve().parents[1] / "assets" / "models"
TEMPLATES = ("{}", "a photo of a {}")


@dataclass(frozen=True)
class Score:
    """One figure: a share in percent (or another unit named in ``what``), its sample size and 95 % interval."""

    name: str
    what: str
    value: float
    n: int
    low: float
    high: float
    bar: float | None = None


def share(name: str, what: str, hits: np.ndarray, bar: float | None = None) -> Score:
    """A share of hits in percent with Wilson's 95 % interval. hits: (n,) bool."""
    n, p, z = len(hits), float(np.mean(hits)), 1.96
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = round(100 * (middle - half), 1), round(100 * (middle + half), 1)
    return Score(name, what, round(100 * p, 1), n, low, high, bar)


class Packed:
    """The packed folder behind two functions: pictures and texts to unit-norm rows."""

    def __init__(self, folder: Path) -> None:
        self.model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
        self.processor = AutoProcessor.from_pretrained(folder)

    @torch.inference_mode()
    def images(self, pictures: np.ndarray, batch: int = 250) -> np.ndarray:
        """(N, H, W, 3) uint8 -> (N, D) float32."""
        rows = []
        for start in range(0, len(pictures), batch):
            inputs = self.processor.image_processor(list(pictures[start : start + batch]), return_tensors="pt")
            rows.append(functional.normalize(self.model.get_image_features(**inputs).pooler_output, dim=-1).numpy())
        return np.concatenate(rows)

    @torch.inference_mode()
    def texts(self, texts: list[str]) -> np.ndarray:
        """M texts -> (M, D) float32."""
        rows = []
        for start in range(0, len(texts), 256):
            tokens = self.processor.tokenizer(
                texts[start : start + 256], padding=True, truncation=True, return_tensors="pt"
            )
            rows.append(functional.normalize(self.model.get_text_features(**tokens).pooler_output, dim=-1).numpy())
        return np.concatenate(rows)

    def names(self, names: list[str], templates: tuple[str, ...] = TEMPLATES) -> np.ndarray:
        """Class names through templates, averaged: (M, D) unit norm."""
        filled = [[captions.fill(template, name) for name in names] for template in templates]
        mean = np.mean([self.texts(texts) for texts in filled], axis=0)
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)


@dataclass(frozen=True)
class TestSet:
    """Embedded test pictures with class numbers and the classes' keys and primary names."""

    features: np.ndarray
    answers: np.ndarray
    keys: list[str]
    names: list[str]


def load_set(packed: Packed, data: Path, name: str, split: str, concepts: list[captions.Concept], most: int) -> TestSet:
    """Embed at most ``most`` pictures of a split (evenly spaced), with answers among ``concepts``."""
    listing = json.loads((data / f"{name}.json").read_text())
    rows = [row for row, entry in enumerate(listing) if entry[1] == split]
    rows = rows[:: max(1, len(rows) // most)]
    keys = [concept.key for concept in concepts]
    row_of = {key: row for row, key in enumerate(keys)}
    rows = [row for row in rows if listing[row][0] in row_of]
    pixels = np.load(data / f"{name}.npy", mmap_mode="r")
    answers = np.array([row_of[listing[row][0]] for row in rows])
    return TestSet(packed.images(pixels[rows]), answers, keys, [concept.names[0] for concept in concepts])


def ranks(similarities: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Place of the right answer, 0 = first: (N,)."""
    own = similarities[np.arange(len(answers)), answers]
    return (similarities > own[:, None]).sum(1)


def random_candidates(similarities: np.ndarray, answers: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Hits (N,) when the right answer stands among ``count`` random candidates."""
    rng = np.random.default_rng(seed)
    hits = []
    for row, answer in zip(similarities, answers, strict=True):
        others = rng.choice(np.delete(np.arange(len(row)), answer), count - 1, replace=False)
        hits.append(row[answer] > row[others].max())
    return np.array(hits)


def tiny_scores(packed: Packed, raw: Path, data: Path, most: int) -> list[Score]:
    test = load_set(packed, data, "tiny", "test", captions.tiny_concepts(raw), most)
    texts = packed.names(test.names)
    similar = test.features @ texts.T
    places = ranks(similar, test.answers)
    unseen = np.array([bank.is_held_out(key) for key in test.keys])
    is_unseen = unseen[test.answers]
    among = np.cumsum(unseen)[test.answers] - 1
    return [
        share("tiny_top1", "Tiny-ImageNet val by name, 200-way top-1, 30 classes never trained", places == 0, 20.0),
        share("tiny_top5", "the same, top-5", places < 5),
        share("tiny_top1_trained", "the same, pictures of the 170 trained classes only", places[~is_unseen] == 0),
        share("unseen_30way", "30 Tiny-ImageNet classes never trained, 30-way top-1",
              ranks(similar[is_unseen][:, unseen], among[is_unseen]) == 0),
        share("unseen_5way", "the same pictures among 5 random unseen classes",
              random_candidates(similar[is_unseen][:, unseen], among[is_unseen], 5, 0)),
    ]  # fmt: skip


def cifar_scores(packed: Packed, data: Path, most: int) -> list[Score]:
    concepts = [captions.Concept(f"cifar/{k}", (k, *v[1:])) for k, v in hierarchy.CIFAR_NAMES.items()]
    test = load_set(packed, data, "cifar", "test", concepts, most)
    named = test.features @ packed.names(test.names).T
    paraphrased = test.features @ packed.texts([hierarchy.CIFAR_PARAPHRASES[name] for name in test.names]).T
    return [
        share("cifar_top1", "CIFAR-10 test by name, 10-way", ranks(named, test.answers) == 0, 55.0),
        share("cifar_paraphrase", "the same by paraphrases never trained", ranks(paraphrased, test.answers) == 0),
    ]


def caltech_scores(packed: Packed, raw: Path, data: Path) -> list[Score]:
    test = load_set(packed, data, "caltech", "test", captions.caltech_concepts(raw), 10_000)
    similar = test.features @ packed.names(test.names).T
    return [
        share("caltech_top1", "Caltech-101 test by name, 100-way", ranks(similar, test.answers) == 0),
        share("caltech_5way", "the same among 5 random classes", random_candidates(similar, test.answers, 5, 0)),
    ]


def toybox_scores(packed: Packed, data: Path) -> list[Score]:
    concepts = captions.toybox_concepts()
    test = load_set(packed, data, "toybox", "test", concepts, 10_000)
    similar = test.features @ packed.names(test.names).T
    return [
        share("toybox_60way", "Toybox, new scenes and viewpoints, one object, among 60 random classes",
              random_candidates(similar, test.answers, 60, 0), 90.0),
        share("toybox_all", f"the same, all {len(concepts)} classes", ranks(similar, test.answers) == 0),
    ]  # fmt: skip


def toybox_colours(packed: Packed, data: Path) -> list[Score]:
    """Colour and object: the right pair among 20 pairs, half of them the same object in another colour."""
    listing = json.loads((data / "toybox.json").read_text())
    texts = json.loads((data / "toybox.captions.json").read_text())
    pixels = np.load(data / "toybox.npy", mmap_mode="r")
    rows = [r for r, e in enumerate(listing) if e[1] == "test" and e[0] != "toybox/scene"]
    full = [texts[listing[r][3][0]] for r in rows]
    features, rng, hits = packed.images(pixels[rows]), np.random.default_rng(0), []
    pool = packed.texts(full)
    names = np.array([listing[r][0] for r in rows])
    for place in range(len(rows)):
        same = [p for p in np.nonzero(names == names[place])[0] if full[p] != full[place]][:10]
        other = rng.choice(np.nonzero(names != names[place])[0], 19 - len(same), replace=False)
        candidates = [*same, *other]
        hits.append(features[place] @ pool[place] > (features[place] @ pool[candidates].T).max())
    return [share("toybox_colour", "Toybox colour x object, 20 candidates", np.array(hits))]


def text_scores(packed: Packed, data: Path) -> list[Score]:
    """Student against teacher on phrases held out by hash: cosine after the same centring (the strict sense)."""
    listed = json.loads((data / "phrases.json").read_text())
    rows = [row for row, text in enumerate(listed) if phrases.is_held_out(text)]
    mean = bank.load(data).mean
    teacher = bank.centre(minilm.embed([listed[row] for row in rows]), mean)
    cosines = (packed.texts([listed[row] for row in rows]) * teacher).sum(1)
    error = 1.96 * cosines.std() / np.sqrt(len(cosines))
    value, low, high = (round(float(v), 4) for v in (cosines.mean(), cosines.mean() - error, cosines.mean() + error))
    what = "student text tower against centred MiniLM, mean cosine, held-out phrases"
    return [Score("text_cosine", what, value, len(rows), low, high, 0.9)]


def speed_scores(packed: Packed, folder: Path) -> list[Score]:
    """One picture of 300x400 and 10 labels, end to end, median of 20 on one thread; and the folder's size."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    picture = np.random.default_rng(0).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    labels = ["cat", "dog", "mug", "car", "tree", "house", "bird", "chair", "apple", "boat"]
    seconds = []
    for _ in range(20):
        start = time.perf_counter()
        packed.images(picture[None]) @ packed.texts(labels).T
        seconds.append(time.perf_counter() - start)
    torch.set_num_threads(threads)
    low, middle, high = (round(1000 * float(np.quantile(seconds, q)), 1) for q in (0.025, 0.5, 0.975))
    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file()) / 1e6
    return [
        Score("milliseconds", "one picture and 10 labels on one CPU core, ms, median", middle, 20, low, high, 150.0),
        Score("megabytes", "folder, 10**6 bytes", round(size, 2), 1, round(size, 2), round(size, 2), 30.0),
    ]


def evaluate(folder: Path, raw: Path, data: Path, most: int) -> list[Score]:
    """All figures in order; a set that is missing on this machine raises FileNotFoundError."""
    packed = Packed(folder)
    parts: list[Callable[[], list[Score]]] = [
        lambda: tiny_scores(packed, raw, data, most),
        lambda: cifar_scores(packed, data, most),
        lambda: caltech_scores(packed, raw, data),
        lambda: toybox_scores(packed, data),
        lambda: toybox_colours(packed, data),
        lambda: text_scores(packed, data),
        lambda: speed_scores(packed, folder),
    ]
    return [score for part in parts for score in part()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=("pocket-clip",))
    parser.add_argument("--raw", type=Path, required=True, help="the sets as fetched (names of classes)")
    parser.add_argument("--data", type=Path, required=True, help="the prepared arrays")
    parser.add_argument("--folder", type=Path, help="another packed folder than the shipped one")
    parser.add_argument("--most", type=int, default=10_000, help="pictures per set")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--write", action="store_true", help="write the figures into card.json")
    args = parser.parse_args()
    torch.set_num_threads(2)
    folder = args.folder or ROOT / args.model
    scores = evaluate(folder, args.raw, args.data, args.most)
    if args.write:
        card = json.loads((folder / "card.json").read_text())
        card["scores"] = [asdict(score) for score in scores]
        (folder / "card.json").write_text(json.dumps(card, indent=1) + "\n")
    if args.json:
        sys.stdout.write(json.dumps([asdict(score) for score in scores], indent=1) + "\n")
        return
    for score in scores:
        bar = "" if score.bar is None else f"  (bar {score.bar:g})"
        sys.stdout.write(f"{score.value:8g}  [{score.low:g}, {score.high:g}]  n={score.n:5d}  {score.what}{bar}\n")


if __name__ == "__main__":
    main()
