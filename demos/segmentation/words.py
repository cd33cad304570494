"""From words to text embeddings, and from a region's embedding to its cosines with them.

A word is a label with its synonyms, or a noun of the vocabulary; beside the words stand the *negatives*: what a
picture shows when it shows none of them. Symbols: t_j unit-norm text embeddings, W_c the texts of word c (a synonym
each, templates averaged), m the mean embedding of pictures of all kinds.

    cos(f, c) = max_{j in W_c} (f . t_j - m . t_j)           synonyms as alternatives, hubness taken off

Source of the negatives: "object, things, stuff, texture" are LangSplat's canonical phrases (Qin et al. 2023,
arXiv:2312.16084); putting words for ground, walls and sky behind "background" is the habit of the training-free
segmenters (SCLIP, NACLIP); the list here is our own, chosen on Toybox scenes and everyday photos.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.calibration import Calibration, Scoring, hubness_corrected
from core.errors import InputError
from core.image_text import ImageTextModel
from core.labels import Label, key_of, listed, read_labels
from core.prompts import ensemble, label_texts, templates_of
from core.tasks import Job
from demos.segmentation.options import MAX_LABELS, SegmentOptions

# What is behind and under the things that people name; a word that the visitor typed is left out.
NEGATIVES = (
    "background", "texture", "floor", "ground", "wall", "ceiling", "sky", "cloud", "grass", "sand", "snow", "road",
    "water", "sea", "mountain", "carpet", "wood", "tiles", "marble", "stone", "curtain", "shadow",
)  # fmt: skip

# Who types "sky" or "grass" has said what is around things: these stay of the above, else "carpet" would win a meadow.
GENERAL_NEGATIVES = ("background", "texture", "shadow")

# Words that may fill a picture from border to border; the others name things, which stand before something.
SURROUNDINGS = (
    *NEGATIVES, "lawn", "meadow", "field", "street", "pavement", "beach", "lake", "river", "ocean", "forest", "jungle",
    "desert", "hill", "soil", "earth", "ice", "blanket", "cloth", "fabric", "tablecloth", "table", "bed", "room",
)  # fmt: skip

Labels = str | Sequence[Label]  # what was typed, or labels already read
Rows = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Head:
    """How the model turns cosines into scores.

    Attributes:
        name: Of the model.
        scoring: Softmax over the words, or a sigmoid each.
        scale: What cosines are multiplied with, temperature and sharpness included.
        bias: What is added then; 0 for softmax models.
        calibration: The identity where hubness is left on.
    """

    name: str
    scoring: Scoring
    scale: float
    bias: float
    calibration: Calibration


@dataclass(frozen=True, eq=False)
class Words:
    """Words made ready for one model.

    Attributes:
        names: Of the words, (C,).
        rows: Text embeddings, (M, D) float32, unit norm, those of one word side by side.
        starts: First row of each word, (C,), rising from 0.
        negatives: Text embeddings of the negatives, (B, D); B may be 0.
        are_things: (C,) bool, False for words that name what is around things: sky, grass, table.
        head: Of the model.
        notes: Sentences for the visitor.
    """

    names: tuple[str, ...]
    rows: Rows
    starts: NDArray[np.intp]
    negatives: Rows
    are_things: NDArray[np.bool_]
    head: Head
    notes: tuple[str, ...] = ()

    def cosines(self, vectors: Rows) -> Rows:
        """Cosines with the words, the best synonym each; vectors (..., D) unit norm -> (..., C)."""
        return np.maximum.reduceat(self._corrected(vectors, self.rows), self.starts, axis=-1)

    def negative_cosines(self, vectors: Rows) -> Rows:
        """Cosines with the negatives; (..., D) unit norm -> (..., B)."""
        return self._corrected(vectors, self.negatives)

    def chosen(self, keep: Sequence[int]) -> Words:
        """Only some of the words, by position."""
        ends = np.append(self.starts[1:], len(self.rows))
        spans = [np.arange(self.starts[i], ends[i]) for i in keep]
        starts = np.cumsum([0, *(len(span) for span in spans[:-1])]).astype(np.intp)
        return replace(
            self,
            names=tuple(self.names[i] for i in keep),
            rows=self.rows[np.concatenate(spans)],
            starts=starts,
            are_things=self.are_things[list(keep)],
        )

    def _corrected(self, vectors: Rows, texts: Rows) -> Rows:
        flat = vectors.reshape(-1, vectors.shape[-1])
        found = hubness_corrected(flat @ texts.T, texts, self.head.calibration)
        return found.reshape(*vectors.shape[:-1], len(texts))


def head_of(model: ImageTextModel, options: SegmentOptions) -> Head:
    """The model's scores under these options."""
    sharpness = options.sharpness / model.calibration.temperature
    return Head(
        model.name,
        model.scoring,
        model.logit_scale * sharpness,
        model.logit_bias * sharpness,
        model.calibration if options.hubness else Calibration(),
    )


def read_words(labels: Labels) -> tuple[tuple[Label, ...], tuple[str, ...]]:
    """The labels, and sentences about what was merged.

    Raises:
        InputError: no label, too many, or one that cannot be read.
    """
    notes: tuple[str, ...] = ()
    if isinstance(labels, str):
        read = read_labels(labels)
        labels, notes = read.labels, read.notes
    if not labels:
        raise InputError("There is no label; write at least one, for example: cat, dog, bird.")
    if len(labels) > MAX_LABELS:
        raise InputError(f"These are {len(labels):,} labels; at most {MAX_LABELS}.")
    return tuple(labels), notes


def encode_words(
    labels: Sequence[Label], options: SegmentOptions, *, model: ImageTextModel, job: Job | None = None
) -> Words:
    """Send the labels and the negatives to the model, each in every template.

    Args:
        labels: The words; not empty.
        options: Templates, negatives, sharpness.
        model: The encoder; it keeps what it has encoded.
        job: Progress and Cancel.

    Raises:
        InputError: templates or negatives cannot be read, or these are too many texts.
    """
    templates = templates_of(options.templates, options.own_templates)
    typed = {key_of(word) for label in labels for word in label.words}
    negatives = [label for label in _negatives(options, typed) if not typed & {key_of(word) for word in label.words}]
    texts = [text for row in label_texts([*labels, *negatives], templates) for text in row.texts]
    encoded = ensemble(model.encode_texts(texts, job=job), len(templates))
    counts = [len(label.words) for label in labels]
    starts = np.cumsum([0, *counts[:-1]]).astype(np.intp)
    notes = []
    cut = [truncation.text for truncation in model.truncated(texts)]
    if cut:
        notes.append(f"The model does not read these texts to their end: {listed(cut)}.")
    names = tuple(label.name for label in labels)
    split = sum(counts)
    around = {key_of(word) for word in SURROUNDINGS}
    are_things = np.array([around.isdisjoint(key_of(word) for word in label.words) for label in labels])
    return Words(names, encoded[:split], starts, encoded[split:], are_things, head_of(model, options), tuple(notes))


def _negatives(options: SegmentOptions, typed: set[str]) -> tuple[Label, ...]:
    """What "other" looks like: the visitor's own words, or the bundled ones; ``typed`` holds the keys of all labels."""
    if options.negatives.strip():
        return read_labels(options.negatives).labels
    are_named = not typed.isdisjoint(key_of(word) for word in NEGATIVES)
    return tuple(Label(word) for word in (GENERAL_NEGATIVES if are_named else NEGATIVES))
