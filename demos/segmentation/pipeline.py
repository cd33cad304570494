"""Open-vocabulary segmentation from picture to labelled masks; knows no Gradio.

    analyse   regions and features          the models run, once a picture
    label     words, thresholds, merging    milliseconds, as often as the visitor likes
    segment   both
    click     what lies under a point or in a box

The flow of a labelling: words -> text embeddings (:mod:`.words`, :mod:`.vocabulary`), perhaps adapted to the picture
(:mod:`.refine`) -> scores of masks or pixels (:mod:`.scores`) -> names and merging (:mod:`.labelling`, :mod:`.merge`)
-> the answer (:mod:`.assemble`).
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from core.image_text import ImageTextModel
from core.images import Picture
from core.labels import Label
from core.tasks import Job
from demos.segmentation import clicks as clicking
from demos.segmentation.analysis import Analysis, MaskModel, check_picture, look
from demos.segmentation.answers import Candidate, ClickAnswer, Segmentation
from demos.segmentation.assemble import assembled, best_words
from demos.segmentation.features import DenseModel
from demos.segmentation.labelling import label_masks, label_pixels, score_rows
from demos.segmentation.options import LEVELS, Clicks, SegmentOptions
from demos.segmentation.vocabulary import found_words, read_nouns
from demos.segmentation.words import Labels, Words, encode_words, read_words

__all__ = [
    "Analysis",
    "ClickAnswer",
    "Clicks",
    "Label",
    "Labels",
    "SegmentOptions",
    "Segmentation",
    "analyse",
    "click",
    "label",
    "segment",
]

ONE_LABEL = "With one label there is nothing to compare: it is held against general words for what is around things."


def analyse(
    picture: Picture,
    options: SegmentOptions | None = None,
    *,
    clip: DenseModel,
    sam: MaskModel | None,
    job: Job | None = None,
) -> Analysis:
    """Run the models over a picture.

    Args:
        picture: Upright RGB, at least 2 x 2 pixels.
        options: Which way; None takes the defaults.
        clip: The image-text encoder.
        sam: What finds regions; None for the way "dense", which needs none.
        job: Where progress is told and Cancel is asked.

    Returns:
        What :func:`label` needs; keep it as long as the picture and ``options.analysis_key`` stay.

    Raises:
        InputError: the picture or an option cannot be used.
        ModelUnavailable: the encoder has no dense features, for ways that need them.
        Cancelled: the job was cancelled.
    """
    options = options or SegmentOptions()
    options.check()
    check_picture(picture)
    return look(picture, options, clip=clip, sam=sam, job=job)


def label(
    analysis: Analysis,
    labels: Labels = "",
    options: SegmentOptions | None = None,
    *,
    clip: ImageTextModel,
    job: Job | None = None,
) -> Segmentation:
    """Name what an analysis found.

    Args:
        analysis: Of :func:`analyse`, with the same ``clip``.
        labels: What was typed, or labels already read; empty takes names from the vocabulary.
        options: Thresholds and merging; ``analysis.serves(options)`` must be true.
        clip: The encoder; texts that it has seen cost nothing.
        job: Where progress is told and Cancel is asked.

    Returns:
        The labelled picture.

    Raises:
        InputError: labels, nouns, templates or an option cannot be used.
        ValueError: the analysis was made with other options.
        Cancelled: the job was cancelled.
    """
    options = options or SegmentOptions()
    options.check()
    if not analysis.serves(options):
        raise ValueError(f"the analysis was made with {analysis.key}, not {options.analysis_key}")
    start_s = time.perf_counter()
    nouns: Words | None = None
    if _is_open(labels):
        words, nouns = found_words(analysis, options, clip=clip, job=job)
        notes: tuple[str, ...] = ()
    else:
        words, notes = _typed(labels, options, clip=clip, job=job)
    if job is not None:
        job.step("running", note="naming the regions")
    words_s = time.perf_counter() - start_s
    start_s = time.perf_counter()
    done = label_pixels(analysis, words, options) if analysis.way == "dense" else label_masks(analysis, words, options)
    answer = assembled(
        analysis,
        words,
        done,
        options,
        mode="labels" if nouns is None else "vocabulary",
        seconds=analysis.seconds,
        notes=(*analysis.notes, *notes),
        all_words=nouns,
    )
    return replace(answer, seconds={**analysis.seconds, "words": words_s, "label": time.perf_counter() - start_s})


def segment(
    picture: Picture,
    labels: Labels = "",
    options: SegmentOptions | None = None,
    *,
    clip: DenseModel,
    sam: MaskModel | None,
    job: Job | None = None,
) -> Segmentation:
    """Analyse and label in one go; arguments as there. Labels are read before a model runs."""
    if not _is_open(labels):
        read_words(labels)
    return label(analyse(picture, options, clip=clip, sam=sam, job=job), labels, options, clip=clip, job=job)


def click(
    picture: Picture,
    clicks: Clicks,
    labels: Labels = "",
    options: SegmentOptions | None = None,
    *,
    clip: DenseModel,
    sam: MaskModel,
    job: Job | None = None,
) -> ClickAnswer:
    """Say what lies under a click or in a box; both models keep the picture, so that the next click is quick.

    Args:
        picture: The picture.
        clicks: Points, a box, or both.
        labels: As in :func:`label`; empty takes names from the vocabulary.
        options: The way decides how a candidate is described; "dense" counts as "sam+dense" here.
        clip: The encoder.
        sam: The mask model.
        job: Where progress is told and Cancel is asked.

    Returns:
        Three candidates, smallest first, each with its best words.

    Raises:
        InputError: a click outside, too many points, an empty box, labels or options that cannot be used.
        Cancelled: the job was cancelled.
    """
    start_s = time.perf_counter()
    options = options or SegmentOptions()
    options.check()
    check_picture(picture)
    clicks.check((picture.rgb.shape[0], picture.rgb.shape[1]))
    notes: tuple[str, ...] = ()
    if _is_open(labels):
        words = _nouns(options, clip=clip, job=job)
    else:
        words, notes = _typed(labels, options, clip=clip, job=job)
    found, puzzle = clicking.candidates(picture, clicks, sam=sam, job=job)
    seen = clicking.descriptions(picture, puzzle, options, clip=clip, job=job)
    scored, vectors = score_rows(words, seen), clicking.joined_description(*seen)
    boxes = clicking.boxes_of(found.masks)
    all_px = found.masks[0].size
    rows = tuple(
        Candidate(
            mask=found.masks[n],
            level=LEVELS[n],
            predicted_iou=float(np.clip(found.predicted_iou[n], 0.0, 1.0)),
            area_px=int(puzzle.mask_px[n]),
            share=float(puzzle.mask_px[n] / all_px),
            box_xyxy=boxes[n],
            words=best_words(scored, n, words.names),
            embedding=vectors[n],
        )
        for n in range(len(found.masks))
    )
    return ClickAnswer(rows, int(found.best), time.perf_counter() - start_s, (clip.name, sam.name), notes)


def _is_open(labels: Labels) -> bool:
    return not (labels.strip() if isinstance(labels, str) else labels)


def _nouns(options: SegmentOptions, *, clip: ImageTextModel, job: Job | None) -> Words:
    return encode_words(read_nouns(options.vocabulary), replace(options, templates="photo"), model=clip, job=job)


def _typed(
    labels: Labels, options: SegmentOptions, *, clip: ImageTextModel, job: Job | None
) -> tuple[Words, tuple[str, ...]]:
    """The typed labels, encoded; negatives only where "other" is wanted or there is but one label."""
    read, notes = read_words(labels)
    words = encode_words(read, options, model=clip, job=job)
    more = [*notes, *words.notes]
    if len(read) == 1:
        more.append(ONE_LABEL)
    elif not options.other:
        words = replace(words, negatives=words.negatives[:0])
    return words, tuple(more)
