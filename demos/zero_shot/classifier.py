"""From labels and options to a classifier that is ready for any number of pictures.

Whatever the method, a label is a group of text embeddings (its templates averaged): its words, or its
descriptors. A picture's cosine with a label is the mean or the greatest over its group; hubness is taken off
before. Everything that depends on the labels alone happens once, in :func:`prepare`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.calibration import Calibration, Scoring, hubness_corrected
from core.errors import InputError
from core.image_text import ImageTextModel, Truncation
from core.images import Picture
from core.labels import Label, key_of, listed, quoted, read_labels
from core.prompts import (
    BACKGROUND,
    LabelTexts,
    check_text_count,
    ensemble,
    fill,
    joined_synonyms,
    label_texts,
    templates_of,
)
from core.tasks import Job
from demos.zero_shot import few_shot, generative
from demos.zero_shot.descriptions import descriptors_for, sentences
from demos.zero_shot.options import METHODS, Options, SynonymRule

COMPETING = ("examples", "diffusion")  # methods in which labels are never scored each on its own
Labels = str | Sequence[Label]  # what was typed, or labels already read
BACKGROUND_TITLE = "(anything else)"  # stands for the background texts in the list of texts that were sent


@dataclass(frozen=True, eq=False)
class Bank:
    """Text embeddings in groups, one group a label.

    Attributes:
        rows: (M, D) float32, unit norm; the rows of a label side by side.
        starts: First row of each label, (C,) int, rising from 0.
        rule: How the cosines of a group become one.
    """

    rows: NDArray[np.float32]
    starts: NDArray[np.intp]
    rule: SynonymRule

    def grouped(self, cosines: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosines with rows, (N, M) -> with labels, (N, C)."""
        if self.rule == "max":
            return np.maximum.reduceat(cosines, self.starts, axis=1)
        sums = np.add.reduceat(cosines, self.starts, axis=1)
        counts = np.diff(np.append(self.starts, cosines.shape[1]))
        return (sums / counts).astype(np.float32)


@dataclass(frozen=True)
class Head:
    """How the model turns cosines into scores."""

    name: str
    scoring: Scoring
    scale: float
    bias: float
    temperature: float
    calibration: Calibration  # the identity where hubness is left on

    def logits(self, cosines: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores that compete in a softmax, (..., C), temperature applied."""
        return (cosines * np.float32(self.scale) + np.float32(self.bias)) / np.float32(self.temperature)


@dataclass(frozen=True, eq=False)
class Classifier:
    """Labels made ready for one model.

    Attributes:
        labels: In the visitor's order.
        options: As chosen.
        head: Of the model.
        bank: Text embeddings of the labels.
        background: Text embeddings of nothing in particular, (B, D), or None where no score needs them.
        descriptors: For method "descriptions": label -> its descriptors (empty: its plain name was used).
        gaussians: For method "examples".
        alpha: Weight of the Gaussians.
        denoiser: For method "diffusion" with a diffusion over texts.
        texts: What was sent to the model.
        truncations: Texts that the model did not read to their end.
        notes: Sentences for the visitor.
    """

    labels: tuple[Label, ...]
    options: Options
    head: Head
    bank: Bank
    background: NDArray[np.float32] | None
    descriptors: Mapping[str, tuple[str, ...]]
    gaussians: few_shot.Gaussians | None
    alpha: float | None
    denoiser: generative.TextDenoiser | None
    texts: tuple[LabelTexts, ...]
    truncations: tuple[Truncation, ...]
    notes: tuple[str, ...]

    @property
    def is_independent(self) -> bool:
        """Whether each label is scored on its own: asked for, or there is but one."""
        return len(self.labels) == 1 or (self.options.is_multi_label and self.options.method not in COMPETING)

    def row_cosines(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Pictures or patches (N, D) -> cosines with every text (N, M), hubness taken off."""
        return hubness_corrected(embeddings @ self.bank.rows.T, self.bank.rows, self.head.calibration)

    def background_cosines(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Pictures or patches (N, D) -> cosines with the background texts (N, B), hubness taken off."""
        assert self.background is not None, "prepare() was not asked for the background"
        return hubness_corrected(embeddings @ self.background.T, self.background, self.head.calibration)


def prepare(
    labels: Labels,
    options: Options,
    *,
    model: ImageTextModel,
    examples: Mapping[str, Sequence[Picture]] | None = None,
    generator: generative.Generator | None = None,
    with_background: bool = False,
    job: Job | None = None,
) -> Classifier:
    """Read the labels, send their texts (and the example pictures) to the model, and fit what has to be fitted.

    Args:
        labels: What was typed, or labels.
        options: How to classify.
        model: The encoder.
        examples: For method "examples": label name -> pictures; a new name becomes a label.
        generator: For method "diffusion": the model; None where only the texts are wanted.
        with_background: Encode the background texts even if no score needs them.
        job: Progress and Cancel.

    Raises:
        InputError: labels, templates, descriptors, options or examples cannot be used.
    """
    if job is not None:
        job.step("checking")
    _check_options(options)
    given = {name: pictures for name, pictures in (examples or {}).items() if len(pictures)}
    found, notes = _all_labels(labels, given if options.method == "examples" else {})
    templates = templates_of(options.templates, options.own_templates)
    chosen = descriptors_for(found, options.descriptors) if options.method == "descriptions" else {}
    texts = _texts(found, templates, chosen)
    is_each = options.is_multi_label and options.method not in COMPETING
    needs_background = with_background or is_each or len(found) == 1
    flat = [text for row in texts for text in row.texts]
    background_texts = [fill(template, word) for word in BACKGROUND for template in templates]
    encoded = model.encode_texts(flat + background_texts * needs_background, job=job)
    classifier = Classifier(
        labels=found,
        options=options,
        head=_head_of(model, options),
        bank=_bank(encoded[: len(flat)], found, chosen, len(templates), options.synonym_rule),
        background=ensemble(encoded[len(flat) :], len(templates)) if needs_background else None,
        descriptors=chosen,
        gaussians=None,
        alpha=None,
        denoiser=generator if isinstance(generator, generative.TextDenoiser) else None,
        texts=texts + ((LabelTexts(BACKGROUND_TITLE, tuple(background_texts)),) if needs_background else ()),
        truncations=model.truncated(list(dict.fromkeys(flat))),
        notes=(),
    )
    if options.method == "examples":
        classifier, more = _with_examples(classifier, given, model=model, job=job)
        notes += more
    return replace(classifier, notes=(*notes, *_notes_about(classifier)))


def _check_options(options: Options) -> None:
    if options.method not in METHODS:
        raise InputError(f"There is no method called {quoted(options.method)}; choose one of {', '.join(METHODS)}.")
    if options.temperature is not None and not 0.01 <= options.temperature <= 100:
        raise InputError(f"The temperature is {options.temperature:g}; it must be from 0.01 to 100.")
    if options.alpha is not None and not 0 <= options.alpha <= 1_000:
        raise InputError(f"The weight of the examples is {options.alpha:g}; it must be from 0 to 1,000.")
    if options.unknown_threshold is not None and not -1 <= options.unknown_threshold <= 1:
        raise InputError(f"The threshold is {options.unknown_threshold:g}; it must be from -1 to 1.")


def _all_labels(labels: Labels, examples: Mapping[str, Sequence[Picture]]) -> tuple[tuple[Label, ...], tuple[str, ...]]:
    """The labels, and those that only the examples name; notes about both."""
    notes: tuple[str, ...] = ()
    if isinstance(labels, str):
        if labels.strip() or not examples:
            read = read_labels(labels)
            labels, notes = read.labels, read.notes
        else:
            labels = ()
    known = {key_of(word) for label in labels for word in label.words}
    added = [Label(name) for name in examples if key_of(name) not in known]
    if not labels and not added:
        raise InputError("There is no label; write at least one, for example: cat, dog, bird.")
    return (*labels, *added), notes


def _texts(
    labels: Sequence[Label], templates: Sequence[str], chosen: Mapping[str, tuple[str, ...]]
) -> tuple[LabelTexts, ...]:
    """The texts of each label: its descriptors' sentences where it has some, else its words in the templates."""
    described = [label for label in labels if chosen.get(label.name)]
    count = sum(len(chosen[label.name]) for label in described) * len(templates)
    check_text_count(count, f"{len(described):,} labels with their descriptors in {len(templates)} templates")
    plain = iter(label_texts([label for label in labels if not chosen.get(label.name)], templates))
    return tuple(
        LabelTexts(label.name, sentences(label.name, chosen[label.name], templates))
        if chosen.get(label.name)
        else next(plain)
        for label in labels
    )


def _bank(
    encoded: NDArray[np.float32],
    labels: Sequence[Label],
    chosen: Mapping[str, tuple[str, ...]],
    template_count: int,
    rule: SynonymRule,
) -> Bank:
    """Average templates, then synonyms if they are to be one meaning; descriptors always stay apart."""
    rows = ensemble(encoded, template_count)
    counts = [len(chosen.get(label.name, ())) or len(label.words) for label in labels]
    if not chosen and rule == "mean":
        rows, counts = joined_synonyms(rows, counts), [1] * len(labels)
    starts = np.cumsum([0, *counts[:-1]])
    return Bank(rows, starts.astype(np.intp), "mean" if chosen else rule)


def _head_of(model: ImageTextModel, options: Options) -> Head:
    temperature = model.calibration.temperature if options.temperature is None else options.temperature
    calibration = model.calibration if options.hubness else Calibration()
    return Head(model.name, model.scoring, model.logit_scale, model.logit_bias, temperature, calibration)


def _with_examples(
    classifier: Classifier, examples: Mapping[str, Sequence[Picture]], *, model: ImageTextModel, job: Job | None
) -> tuple[Classifier, tuple[str, ...]]:
    """Fit the Gaussians to the example pictures."""
    if not examples:
        raise InputError("There is no example picture; give 1 to 16 of at least one label.")
    index_of = {key_of(word): i for i, label in enumerate(classifier.labels) for word in label.words}
    pictures, owners = [], []
    for name, some in examples.items():
        if len(some) > few_shot.MAX_SHOTS:
            raise InputError(f"{quoted(name)} has {len(some)} example pictures; at most {few_shot.MAX_SHOTS}.")
        pictures += [picture.rgb for picture in some]
        owners += [index_of[key_of(name)]] * len(some)
    features, owner_of = model.encode_images(pictures, job=job), np.array(owners)
    bank = classifier.bank
    texts = joined_synonyms(bank.rows, np.diff(np.append(bank.starts, len(bank.rows))).tolist())
    gaussians = few_shot.fit(features, owner_of, few_shot.class_means(features, owner_of, texts))
    alpha = classifier.options.alpha
    if alpha is None:
        logits = classifier.head.logits(bank.grouped(classifier.row_cosines(features)))
        chosen = few_shot.choose_alpha(features, owner_of, texts, logits)
        weight = few_shot.UNTRIED_WEIGHT if chosen is None else few_shot.LEAST_WEIGHT
        slope = classifier.head.scale / classifier.head.temperature
        alpha = max(chosen or 0.0, few_shot.alpha_of_weight(gaussians, slope, weight))
    without = [label.name for i, label in enumerate(classifier.labels) if i not in set(owners)]
    notes = [f"Without an example, only the name speaks for {listed(without)}."] if without else []
    return replace(classifier, gaussians=gaussians, alpha=alpha), tuple(notes)


def _notes_about(classifier: Classifier) -> list[str]:
    """What a visitor should know about this set of labels under this model."""
    notes = []
    if len(classifier.labels) == 1:
        notes.append(
            "With one label there is nothing to compare: the bar says how well it fits against general words "
            f"({', '.join(BACKGROUND)})."
        )
    plain = [label.name for label in classifier.labels if not classifier.descriptors.get(label.name)]
    if classifier.options.method == "descriptions" and plain:
        notes.append(f"No descriptors are known for {listed(plain)}: scored by the plain name.")
    if classifier.options.is_multi_label and classifier.options.method in COMPETING:
        way = "With example pictures" if classifier.options.method == "examples" else "With diffusion"
        notes.append(f"{way} the labels compete; scoring each on its own is not offered.")
    if classifier.truncations:
        limit = classifier.truncations[0].limit
        some = listed([truncation.text for truncation in classifier.truncations])
        notes.append(f"The model reads {limit} tokens; the end of these texts was cut: {some}.")
    return notes
