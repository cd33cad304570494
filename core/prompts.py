"""Prompt templates as data, and how labels become texts and texts become class embeddings.

Symbols: t_cjk unit-norm embedding of word j of class c in template k; w_cj class word; w_c class.

    w_cj = normalise(mean_k t_cjk)        prompt ensemble, Radford et al. 2021, arXiv:2103.00020, section 3.1.4
    s(c) = max_j cos(f, w_cj)             synonyms as alternatives ("max", the default), or
    w_c  = normalise(mean_j w_cj)         synonyms as one meaning ("mean")

Measured on the pocket model a quarter into its training, top-1 by "max" / "mean": CIFAR-10 with three words a class
46.6 / 42.4 %; two unlike classes under one label, five labels, 52.8 / 47.7 % (CIFAR-10) and 46.8 / 43.8 %
(Tiny-ImageNet). Giving synonyms to half of the labels only does not favour these: 47.0 % against 47.5 % for names.
Source of the eighty templates and the seven best: openai/CLIP, notebooks/Prompt_Engineering_for_ImageNet.ipynb,
MIT licence, Copyright 2021 OpenAI; here put together from their parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.calibration import unit_rows
from core.errors import InputError
from core.labels import Label, quoted

TemplateSet = Literal["plain", "photo", "seven", "eighty", "own"]

TEMPLATE_SETS: tuple[TemplateSet, ...] = ("plain", "photo", "seven", "eighty", "own")
SLOT = "{}"
MAX_OWN_TEMPLATES = 100
MAX_TEMPLATE_CHARS = 300
MAX_TEXTS = 40_000  # labels and synonyms times templates; a ViT-B/32 reads some 100 a second on one CPU core

# Each pattern is used once with "a" and once with "the" in place of @.
_BOTH_ARTICLES = (
    "@ cartoon {}.",
    "@ embroidered {}.",
    "@ origami {}.",
    "@ plastic {}.",
    "@ plushie {}.",
    "@ toy {}.",
    "@ {} in a video game.",
    "art of @ {}.",
    "graffiti of @ {}.",
    "itap of @ {}.",
    "a photo of @ {}.",
    *(f"a {adjective} photo of @ {{}}." for adjective in (
        "bad", "good", "blurry", "bright", "dark", "cropped", "close-up", "pixelated", "black and white",
        "low resolution", "jpeg corrupted",
    )),
    *(f"a photo of @ {adjective} {{}}." for adjective in (
        "clean", "cool", "dirty", "hard to see", "large", "nice", "small", "weird",
    )),
    *(f"a {work} of @ {{}}." for work in (
        "doodle", "drawing", "painting", "rendering", "rendition", "sculpture", "sketch", "tattoo",
    )),
)  # fmt: skip
_OTHERS = ("a photo of many {}.", "a photo of one {}.", "a photo of my {}.", "itap of my {}.")

PLAIN = (SLOT,)
PHOTO = ("a photo of a {}.",)
# Chosen out of the eighty by forward selection, in this order; better than all eighty for small models.
SEVEN = (
    "itap of a {}.",
    "a bad photo of the {}.",
    "a origami {}.",
    "a photo of the large {}.",
    "a {} in a video game.",
    "art of the {}.",
    "a photo of the small {}.",
)
EIGHTY = (
    *(pattern.replace("@", article) for pattern in _BOTH_ARTICLES for article in ("a", "the")),
    *_OTHERS,
)
# What a picture shows when it shows nothing in particular: the other side of a yes-or-no question.
# "object, things, stuff, texture" are LangSplat's canonical phrases, Qin et al. 2023, arXiv:2312.16084, section 3.4.
BACKGROUND = ("object", "things", "stuff", "texture")


@dataclass(frozen=True)
class LabelTexts:
    """The very texts that were sent to the model for one label, in order."""

    label: str
    texts: tuple[str, ...]


def templates_of(name: TemplateSet, own: str = "") -> tuple[str, ...]:
    """The sentences of a template set.

    Args:
        name: Which set.
        own: For ``"own"``: the visitor's sentences, one a line.

    Raises:
        InputError: no such set, no own sentence, too many, or one without exactly one {}.
    """
    match name:
        case "plain":
            return PLAIN
        case "photo":
            return PHOTO
        case "seven":
            return SEVEN
        case "eighty":
            return EIGHTY
        case "own":
            return read_templates(own)
    raise InputError(f"There are no templates called {quoted(name)}; choose one of {', '.join(TEMPLATE_SETS)}.")


def read_templates(text: str) -> tuple[str, ...]:
    """Read the visitor's own templates, one a line; empty and repeated lines are left out.

    Raises:
        InputError: there is none, there are too many, one is too long or has not exactly one {}.
    """
    lines = list(dict.fromkeys(" ".join(line.split()) for line in text.splitlines() if line.strip()))
    if not lines:
        raise InputError("There is no template; write at least one with {} where the label goes: a photo of a {}.")
    if len(lines) > MAX_OWN_TEMPLATES:
        raise InputError(f"These are {len(lines)} templates; at most {MAX_OWN_TEMPLATES}.")
    for line in lines:
        if len(line) > MAX_TEMPLATE_CHARS:
            raise InputError(f"The template {quoted(line)} has {len(line)} characters; at most {MAX_TEMPLATE_CHARS}.")
        if line.count(SLOT) != 1:
            raise InputError(
                f"The template {quoted(line)} has {line.count(SLOT)} places {SLOT}; it must have just one."
            )
    return tuple(lines)


def fill(template: str, word: str) -> str:
    """Put a word into a template; braces, dollars and anything else inside the word stay as they are."""
    before, _, after = template.partition(SLOT)
    return before + word + after


def texts_of(label: Label, templates: Sequence[str]) -> tuple[str, ...]:
    """Every text of a label: for each of its words, each template in order."""
    return tuple(fill(template, word) for word in label.words for template in templates)


def label_texts(labels: Sequence[Label], templates: Sequence[str]) -> tuple[LabelTexts, ...]:
    """The very texts to send, label by label.

    Raises:
        InputError: more than ``MAX_TEXTS`` in all.
    """
    words = sum(len(label.words) for label in labels)
    check_text_count(words * len(templates), f"{words:,} labels and synonyms in {len(templates)} templates")
    return tuple(LabelTexts(label.name, texts_of(label, templates)) for label in labels)


def check_text_count(count: int, what: str) -> None:
    """Refuse more texts than a model reads in reasonable time.

    Raises:
        InputError: more than ``MAX_TEXTS``.
    """
    if count > MAX_TEXTS:
        raise InputError(f"{what} are {count:,} texts; at most {MAX_TEXTS:,}: take fewer labels or templates.")


def ensemble(texts: NDArray[np.float32], template_count: int) -> NDArray[np.float32]:
    """Average each word over its templates.

    Args:
        texts: Text embeddings, (W * K, D) unit norm, the K templates of a word side by side.
        template_count: K.

    Returns:
        (W, D) float32, unit norm.
    """
    return unit_rows(texts.reshape(-1, template_count, texts.shape[-1]).mean(axis=1))


def joined_synonyms(words: NDArray[np.float32], counts: Sequence[int]) -> NDArray[np.float32]:
    """Average the words of each label.

    Args:
        words: Word embeddings, (W, D) unit norm, the words of a label side by side.
        counts: Words of each label, (C,), summing to W.

    Returns:
        (C, D) float32, unit norm.
    """
    starts = np.cumsum([0, *counts[:-1]])
    sums = np.add.reduceat(words.astype(np.float64), starts, axis=0)
    return unit_rows((sums / np.asarray(counts)[:, None]).astype(np.float32))
