"""Zero-shot classification from picture to answer; knows no Gradio.

The flow: labels -> texts -> text embeddings (:mod:`.classifier`), picture -> embedding -> cosines -> confidences
(:mod:`.answers`, :mod:`.scores`), and beside them the reasons (:mod:`.descriptions`, :mod:`.explain`) and the
exports (:mod:`.batch`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.image_text import ImageTextModel
from core.images import Picture
from core.labels import Label, LabelList, key_of, parse_labels, quoted, read_labels
from core.sources import PartOfJob, Source, count_of, read_sources
from core.tasks import Job
from demos.zero_shot import batch, generative
from demos.zero_shot.answers import answer, is_unknown, ranked, score
from demos.zero_shot.batch import Row, Table
from demos.zero_shot.classifier import COMPETING, Classifier, Labels, prepare
from demos.zero_shot.explain import enlarged, heat_of, margins, mean_of_views
from demos.zero_shot.options import NONE_OF_THESE, Classification, Options, Scored
from demos.zero_shot.scores import Histogram, histogram
from demos.zero_shot.snippets import snippet_curl, snippet_python

__all__ = [
    "NONE_OF_THESE",
    "Classification",
    "Label",
    "LabelList",
    "Labels",
    "Options",
    "Scored",
    "classify",
    "classify_batch",
    "parse_labels",
    "read_labels",
    "snippet_curl",
    "snippet_python",
    "threshold_histogram",
    "where_it_looked",
]


def classify(
    picture: Picture,
    labels: Labels,
    options: Options | None = None,
    *,
    model: ImageTextModel,
    examples: Mapping[str, Sequence[Picture]] | None = None,
    generator: generative.Generator | None = None,
    job: Job | None = None,
) -> Classification:
    """Say which of the labels a picture shows.

    Args:
        picture: The picture, upright RGB.
        labels: What the visitor typed, or labels already read.
        options: How; None takes the defaults.
        model: The encoder.
        examples: For method ``"examples"``: label name -> 1 to 16 pictures; a name that is no label yet becomes one.
        generator: For method ``"diffusion"``: a diffusion over texts, or a latent diffusion that ranks anew.
        job: Where progress is told and Cancel is asked.

    Returns:
        The ranking and its reasons.

    Raises:
        InputError: no label, too many, a bad template, no example, ...; one sentence.
    """
    start_s = time.perf_counter()
    options = options or Options()
    if options.method == "diffusion":
        generative.check(generator, model.name)
    classifier = prepare(labels, options, model=model, examples=examples, generator=generator, job=job)
    scores = score(classifier, model.encode_images([picture.rgb], job=job), job=job)
    found = answer(classifier, scores, 0, notes=picture.notes, seconds=0.0)
    if options.method == "diffusion" and isinstance(generator, generative.NoiseJudge):
        found = generative.reranked(found, picture.rgb, generator, job=job)
    return replace(found, seconds=time.perf_counter() - start_s)


def classify_batch(
    sources: Iterable[Source],
    labels: Labels,
    options: Options | None = None,
    *,
    model: ImageTextModel,
    examples: Mapping[str, Sequence[Picture]] | None = None,
    generator: generative.Generator | None = None,
    job: Job | None = None,
) -> Table:
    """Classify many pictures; a bad file becomes a row with its sentence and stops nothing.

    Args:
        sources: Picture files, ZIP archives (their pictures are rows of their own), or (name, content) pairs.
        labels: As in :func:`classify`.
        options: As in :func:`classify`.
        model: The encoder.
        examples: As in :func:`classify`.
        generator: For method ``"diffusion"``: a diffusion over texts.
        job: As in :func:`classify`.

    Returns:
        One row a picture, in the order given; ``Table.to_csv()`` and ``Table.to_json()`` export it.

    Raises:
        InputError: no picture at all, or labels and options that are wrong for every picture.
    """
    start_s = time.perf_counter()
    given = list(sources)
    if not given:
        raise InputError("There is no picture; give at least one file or a ZIP archive.")
    options = options or Options()
    if options.method == "diffusion":
        generative.check(generator, model.name)
        if isinstance(generator, generative.NoiseJudge):
            raise InputError(
                f"{generator.name} takes minutes a picture; for many pictures choose a diffusion over texts."
            )
    classifier = prepare(labels, options, model=model, examples=examples, generator=generator, job=job)
    notes: list[str] = []
    total = count_of(given)
    rows: list[Row] = []
    for chunk in batch.chunks(read_sources(given, note=notes.append, job=job)):
        part = None if job is None else PartOfJob(job, len(rows), total)
        rows += _rows(chunk, classifier, model, part)
    names = tuple(label.name for label in classifier.labels)
    seconds = time.perf_counter() - start_s
    return Table(tuple(rows), names, (*notes, *classifier.notes), model.name, seconds)


def _rows(
    chunk: Sequence[tuple[str, Picture | InputError]],
    classifier: Classifier,
    model: ImageTextModel,
    job: Job | None,
) -> list[Row]:
    """Rows of one chunk; its pictures go through the model together."""
    pictures = [picture.rgb for _, picture in chunk if isinstance(picture, Picture)]
    scores = score(classifier, model.encode_images(pictures, job=job), job=job) if pictures else None
    rows, index = [], 0
    for name, picture in chunk:
        if isinstance(picture, InputError) or scores is None:
            rows.append(Row(name, error=str(picture)))
            continue
        ranking = ranked(classifier.labels, scores.confidences[index], scores.cosines[index])
        value = float(scores.unknown[index])
        label = NONE_OF_THESE if is_unknown(classifier.options, value) else ranking[0].label
        rows.append(Row(name, label, ranking, value))
        index += 1
    return rows


def where_it_looked(
    picture: Picture,
    label: str,
    labels: Labels,
    options: Options | None = None,
    *,
    model: ImageTextModel,
    job: Job | None = None,
) -> NDArray[np.float32]:
    """Show which parts of a picture speak for one label against the other labels and general words.

    The heat is relative to the picture: 1 where it speaks most for the label. Example pictures take no part.

    Args:
        picture: The picture.
        label: Name of the label asked for.
        labels: As in :func:`classify`.
        options: As in :func:`classify`.
        model: The encoder.
        job: As in :func:`classify`.

    Returns:
        Heat, (H, W) float32 in [0, 1], the size of the picture; ``core.draw.overlay`` paints it.

    Raises:
        InputError: ``label`` is none of the labels.
    """
    options = options or Options()
    by_texts = _without_examples(options)
    classifier = prepare(labels, by_texts, model=model, with_background=True, job=job)
    keys = [key_of(one.name) for one in classifier.labels]
    if key_of(label) not in keys:
        raise InputError(f"{quoted(label)} is none of the labels.")
    index = keys.index(key_of(label))
    sides_px = model.patch_sides_px
    asked = [(side_px, is_mirrored) for side_px in sides_px for is_mirrored in (False, True)[: len(sides_px)]]
    views = []
    for side_px, is_mirrored in asked:
        rgb = np.ascontiguousarray(picture.rgb[:, ::-1]) if is_mirrored else picture.rgb
        patches = model.encode_patches(rgb, size_px=side_px, job=job)
        flat = patches.reshape(-1, patches.shape[-1])
        cosines = classifier.bank.grouped(classifier.row_cosines(flat))
        margin = margins(cosines, classifier.background_cosines(flat), index)
        views.append((margin.reshape(patches.shape[:2]), is_mirrored))
    scale = classifier.head.scale / classifier.head.temperature
    return enlarged(heat_of(mean_of_views(views), scale=scale), picture.rgb.shape[:2])


def threshold_histogram(
    classification: Classification,
    labels: Labels,
    options: Options | None = None,
    *,
    model: ImageTextModel,
    job: Job | None = None,
) -> Histogram:
    """Count how pictures of all kinds score under these labels, to set the threshold by.

    Where the model brings no background pictures, the scores of this picture's own labels are counted.

    Args:
        classification: The answer whose score is shown among them.
        labels: As in :func:`classify`.
        options: As in :func:`classify`.
        model: The encoder.
        job: As in :func:`classify`.

    Returns:
        The histogram; most of its pictures show none of the labels, so a good threshold lies to their right.
    """
    options = options or Options()
    if classification.method == "examples":  # classes that only examples named were scored by name too
        labels = _with_added(labels, classification)
    bank = model.calibration.image_bank
    if bank is None:
        is_cosine = options.unknown_score == "cosine"
        own = np.array([scored.cosine for scored in classification.ranked] if is_cosine else [])
        return histogram(own, classification.unknown_value, what="this picture with each label")
    classifier = prepare(labels, _without_examples(options), model=model, job=job)
    values = score(classifier, bank).unknown
    return histogram(values, classification.unknown_value, what=f"{len(bank):,} pictures of all kinds")


def _with_added(labels: Labels, classification: Classification) -> tuple[Label, ...]:
    """The labels as given, and those of the answer that only example pictures named."""
    given: tuple[Label, ...] = ()
    if not isinstance(labels, str):
        given = tuple(labels)
    elif labels.strip():
        given = parse_labels(labels)
    known = {key_of(word) for label in given for word in label.words}
    return (*given, *(Label(s.label) for s in classification.ranked if key_of(s.label) not in known))


def _without_examples(options: Options) -> Options:
    """The same options by names, for what example pictures and diffusion take no part in."""
    return replace(options, method="names") if options.method in COMPETING else options
