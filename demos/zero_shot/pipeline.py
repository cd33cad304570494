"""Zero-shot classification from picture to answer; knows no Gradio.

The flow: labels -> texts -> class embeddings (:mod:`.classifier`), picture -> embedding, cosines -> confidences
(:mod:`.scores`), and beside them the reasons (:mod:`.descriptions`, :mod:`.explain`) and the exports (:mod:`.batch`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.images import Picture
from core.tasks import Job
from demos.zero_shot.batch import Table
from demos.zero_shot.labels import Label, LabelList, parse_labels, read_labels
from demos.zero_shot.model import ImageTextModel
from demos.zero_shot.options import NONE_OF_THESE, Classification, Options, Scored
from demos.zero_shot.scores import Histogram

__all__ = [
    "NONE_OF_THESE",
    "Classification",
    "Label",
    "LabelList",
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

Labels = str | Sequence[Label]  # what was typed, or labels already read


def classify(
    picture: Picture,
    labels: Labels,
    options: Options | None = None,
    *,
    model: ImageTextModel,
    examples: Mapping[str, Sequence[Picture]] | None = None,
    job: Job | None = None,
) -> Classification:
    """Say which of the labels a picture shows.

    Args:
        picture: The picture, upright RGB.
        labels: What the visitor typed, or labels already read.
        options: How; None takes the defaults.
        model: The encoder.
        examples: For method ``"examples"``: label name -> 1 to 16 pictures; a name that is no label yet becomes one.
        job: Where progress is told and Cancel is asked.

    Returns:
        The ranking and its reasons.

    Raises:
        InputError: no label, too many, a bad template, no example, ...; one sentence.
    """
    raise NotImplementedError


def classify_batch(
    sources: Iterable[Path | tuple[str, bytes]],
    labels: Labels,
    options: Options | None = None,
    *,
    model: ImageTextModel,
    examples: Mapping[str, Sequence[Picture]] | None = None,
    job: Job | None = None,
) -> Table:
    """Classify many pictures; a bad file becomes a row with its sentence and stops nothing.

    Args:
        sources: Picture files, ZIP archives (their pictures are rows of their own), or (name, content) pairs.
        labels: As in :func:`classify`.
        options: As in :func:`classify`.
        model: The encoder.
        examples: As in :func:`classify`.
        job: As in :func:`classify`.

    Returns:
        One row a picture, in the order given; ``Table.to_csv()`` and ``Table.to_json()`` export it.

    Raises:
        InputError: no picture at all, too many, or labels and options that are wrong for every picture.
    """
    raise NotImplementedError


def where_it_looked(
    picture: Picture,
    label: str,
    labels: Labels,
    options: Options | None = None,
    *,
    model: ImageTextModel,
    job: Job | None = None,
) -> NDArray[np.float32]:
    """Show which parts of a picture speak for one label against the others.

    Returns:
        Heat, (H, W) float32 in [0, 1], the size of the picture; ``core.draw.overlay`` paints it.

    Raises:
        InputError: ``label`` is none of the labels.
    """
    raise NotImplementedError


def threshold_histogram(
    classification: Classification, labels: Labels, options: Options, *, model: ImageTextModel, job: Job | None = None
) -> Histogram:
    """Count how pictures of all kinds (the model's background bank) score, to set the threshold by."""
    raise NotImplementedError


def snippet_python(url: str, labels: str, settings: Mapping[str, object] | None = None) -> str:
    """Python that asks the endpoint ``/classify`` for the same; ``settings`` are further arguments by name."""
    raise NotImplementedError


def snippet_curl(url: str, labels: str, settings: Mapping[str, object] | None = None) -> str:
    """Shell commands that ask the endpoint ``/classify`` for the same; needs curl alone."""
    raise NotImplementedError
