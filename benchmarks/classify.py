"""Classifying with a full-size CLIP ViT-B/32 (random weights) against transformers' own zero-shot pipeline.

Both sides get the same folder, threads, pictures and texts and run in turns in one process. The pipeline keeps
nothing between calls; we keep embeddings by content, which is what the repeats measure. Several templates are
handed to the pipeline as one list of finished texts: kinder to it than one call a template.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Measurement, in_turns, seconds
from benchmarks.random_checkpoints import COMMON_WORDS, save_clip_b32
from core import clip
from core.calibration import logits, probabilities, unit_rows
from core.catalog import spec
from core.clip import ClipEncoder

_NOUNS = """
apple baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle caterpillar cattle
chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl
hamster house kangaroo keyboard lamp lawnmower leopard lion lizard lobster man maple motorcycle mountain mouse mushroom
oak orange orchid otter palm pear pickup pine plain plate poppy porcupine possum rabbit raccoon ray road rocket rose
sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar sunflower pepper table tank telephone
television tiger tractor train trout tulip turtle wardrobe whale willow wolf woman worm crocus
anchor banjo candle drum easel ferry guitar harp igloo jacket kettle ladder mirror needle oven pillow quilt ribbon
saddle teapot umbrella violin wagon xylophone yacht zebra anvil basket compass dagger eraser flute goblet hammer
inkwell jug kite lantern magnet notebook olive piano quill raft scissors trumpet urn vase whistle accordion barrel
cactus dice envelope feather globe helmet iron jar kimono locket medal net ornament parcel quiver rake shovel thimble
unicycle visor wrench acorn bagel cello dome engine fence gate hinge island jewel knot lemon
"""
NOUNS = _NOUNS.split()
SEVEN = (
    "itap of a {}.",
    "a bad photo of the {}.",
    "a origami {}.",
    "a photo of the large {}.",
    "a {} in a video game.",
    "art of the {}.",
    "a photo of the small {}.",
)
PIPELINE_TEMPLATE = "This is a photo of {}."  # the pipeline's default
PICTURES = 100
PEER_PICTURES = 3  # of the 100 that the pipeline is timed on; it does the same work for each


class Sides:
    """Our encoder and the pipeline over one checkpoint."""

    def __init__(self, folder: Path) -> None:
        from transformers import pipeline

        logging.getLogger("transformers").setLevel(logging.ERROR)
        self.encoder: ClipEncoder = clip.load(folder, spec("clip-vit-b-32"), device="cpu", dtype="float32")
        self.pipeline: Any = pipeline("zero-shot-image-classification", model=str(folder), device=-1)

    def ours(
        self, pictures: Sequence[NDArray[np.uint8]], labels: Sequence[str], templates: Sequence[str]
    ) -> NDArray[np.float32]:
        """Confidences (N, labels): the mean embedding of each label's texts against each picture."""
        texts = self.encoder.encode_texts([t.format(label) for label in labels for t in templates])
        classes = unit_rows(texts.reshape(len(labels), len(templates), -1).mean(axis=1))
        scores = logits(self.encoder.encode_images(pictures), classes, scale=self.encoder.logit_scale)
        return probabilities(scores, "softmax")

    def peer(self, pictures: Sequence[Any], labels: Sequence[str], templates: Sequence[str]) -> list[Any]:
        """The pipeline over the same texts; the mean over templates, which it cannot take, is left out."""
        texts = [t.format(label) for label in labels for t in templates]
        return [self.pipeline(picture, candidate_labels=texts, hypothesis_template="{}") for picture in pictures]

    def forget(self) -> None:
        """Empty our store of embeddings."""
        self.encoder.cache.clear()


def pictures(count: int, *, seed: int = 0, height: int = 480, width: int = 640) -> list[NDArray[np.uint8]]:
    """Pictures of smooth random colours, (H, W, 3) uint8."""
    from PIL import Image

    rng = np.random.default_rng(seed)
    coarse = [Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)) for _ in range(count)]
    return [np.asarray(image.resize((width, height), Image.Resampling.BICUBIC)) for image in coarse]


def run(*, is_quick: bool = False) -> list[Measurement]:
    """Measure all cases; ``is_quick`` takes few pictures, labels and repeats (to see that it runs)."""
    with tempfile.TemporaryDirectory() as scratch:
        sides = Sides(save_clip_b32(Path(scratch) / "b32", words=[*COMMON_WORDS, *NOUNS]))
    times, many = (2, 10) if is_quick else (9, 100)
    sides.ours(pictures(1), NOUNS[:10], [PIPELINE_TEMPLATE])  # both warm
    sides.peer(_pil(pictures(1)), NOUNS[:10], [PIPELINE_TEMPLATE])
    return [
        _one_picture(sides, times),
        _batch(sides, NOUNS[:many], count=4 if is_quick else PICTURES, peer_count=1 if is_quick else PEER_PICTURES),
        *_repeats(sides, NOUNS[:many], SEVEN, bar=10.0, times=1 if is_quick else 5),
        *_repeats(sides, NOUNS[:10], [PIPELINE_TEMPLATE], bar=None, times=times),
    ]


def _pil(arrays: Sequence[NDArray[np.uint8]]) -> list[Any]:
    from PIL import Image

    return [Image.fromarray(rgb) for rgb in arrays]


def _one_picture(sides: Sides, times: int) -> Measurement:
    rgb = pictures(1, seed=1)
    pil = _pil(rgb)

    def ours() -> None:
        sides.forget()
        sides.ours(rgb, NOUNS[:10], [PIPELINE_TEMPLATE])

    mine, theirs = in_turns(ours, lambda: sides.peer(pil, NOUNS[:10], [PIPELINE_TEMPLATE]), times=times)
    return Measurement("1 picture, 10 labels", mine, theirs, "s", 1.0, True, "Nothing kept from before on either side.")


def _batch(sides: Sides, labels: Sequence[str], *, count: int, peer_count: int) -> Measurement:
    rgb = pictures(count, seed=2)
    pil = _pil(rgb[:peer_count])
    sides.forget()
    mine = seconds(lambda: sides.ours(rgb, labels, SEVEN))
    theirs = seconds(lambda: sides.peer(pil, labels, SEVEN)) * count / peer_count
    note = f"Nothing kept from before. The pipeline was timed on {peer_count} of the {count} pictures and scaled up: "
    note += f"it repeats all {7 * len(labels)} texts for each."
    return Measurement(f"{count} pictures, {_scene(labels, SEVEN)}", mine, theirs, "s", 5.0, True, note)


def _repeats(
    sides: Sides, labels: Sequence[str], templates: Sequence[str], *, bar: float | None, times: int
) -> list[Measurement]:
    """Ask again after one change; what came before is kept by us, the pipeline starts anew."""
    first, scene = pictures(1, seed=3), _scene(labels, templates)
    pil = _pil(first)
    fresh_labels, fresh_pictures = iter(NOUNS[100:]), iter(pictures(2 * times, seed=4))
    sides.ours(first, labels, templates)

    def one_label_changed() -> None:
        sides.ours(first, [*labels[:-1], next(fresh_labels)], templates)

    def new_picture() -> None:
        sides.ours([next(fresh_pictures)], labels, templates)

    def peer() -> None:
        sides.peer(pil, labels, templates)

    cases = [
        ("same picture, one label changed", one_label_changed, bar, "Only the new label's texts are encoded."),
        ("same labels, new picture", new_picture, bar, "Only the new picture is encoded."),
    ]
    rows = []
    for name, ours, asked, note in cases:
        mine, theirs = in_turns(ours, peer, times=times)
        rows.append(Measurement(f"{name} ({scene})", mine, theirs, "s", asked, True, note))
    rows.append(_all_labels_changed(sides, labels, templates, times))
    return rows


def _all_labels_changed(sides: Sides, labels: Sequence[str], templates: Sequence[str], times: int) -> Measurement:
    """The worst repeat: every label is new, so the text tower decides."""
    first = pictures(1, seed=3)
    pil = _pil(first)

    def know_the_picture_alone() -> None:
        sides.forget()
        sides.encoder.encode_images(first)

    mine, theirs = in_turns(
        lambda: sides.ours(first, labels, templates),
        lambda: sides.peer(pil, labels, templates),
        times=max(1, times // 2),
        before=know_the_picture_alone,
    )
    name = f"same picture, every label changed ({_scene(labels, templates)})"
    return Measurement(name, mine, theirs, "s", None, True, "All texts are new to us too; the picture is known.")


def _scene(labels: Sequence[str], templates: Sequence[str]) -> str:
    return f"{len(labels)} labels, {len(templates)} template{'s' * (len(templates) > 1)}"
