"""From what a visitor asks for to one embedding a query: words or pictures, a negative, the nearest trained sound.

Both corrections are OmniSep's: the negative (1 + a) Q - a N stays stable where Q - a N does not, and leaning on the
nearest trained label brings back most of what free descriptions lose.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.image_text import ImageTextModel
from core.labels import parse_labels, quoted
from core.tasks import Job
from demos.separation.options import MAX_QUERIES, Query, SeparateOptions

Embeddings = NDArray[np.float32]
NEAR = 0.5  # cosine of words and label from which the label is leaned on
LEAN = 0.8  # how much of the label is mixed in at cosine 1


@dataclass(frozen=True, eq=False)
class Asked:
    """Queries ready for the separator.

    Attributes:
        embeddings: (Q, D) unit norm.
        nearest: The trained label that each leans to, or "".
        notes: Sentences for the visitor.
    """

    embeddings: Embeddings
    nearest: tuple[str, ...]
    notes: tuple[str, ...]


def read_queries(text: str) -> tuple[Query, ...]:
    """Queries as typed, one a line or comma separated.

    Raises:
        InputError: nothing was typed, or too many, or one is too long.
    """
    if not text.strip():
        raise InputError("There is no query; name a sound, for example: flute.")
    labels = parse_labels(text)
    if len(labels) > MAX_QUERIES:
        raise InputError(f"These are {len(labels)} queries; at most {MAX_QUERIES} at once.")
    return tuple(Query(label.name) for label in labels)


def ask(
    queries: Sequence[Query],
    options: SeparateOptions,
    *,
    clip: ImageTextModel,
    labels: Sequence[str],
    label_embeddings: Embeddings | None = None,
    job: Job | None = None,
) -> Asked:
    """Embed queries.

    Args:
        queries: At least one.
        options: The negative, and whether to lean on trained labels.
        clip: The image-text model.
        labels: Names of the sounds that the separator was trained on.
        label_embeddings: (L, D) what they lie at; None embeds the names.
        job: Where progress is told and Cancel is asked.

    Raises:
        InputError: there is no query, or one is empty.
    """
    if not queries:
        raise InputError("There is no query; name a sound, for example: flute.")
    if len(queries) > MAX_QUERIES:
        raise InputError(f"These are {len(queries)} queries; at most {MAX_QUERIES} at once.")
    rows = np.stack([_embedding(query, clip, job) for query in queries])
    nearest = [""] * len(queries)
    if options.nearest_label and labels:
        names = clip.encode_texts(list(labels), job=job) if label_embeddings is None else label_embeddings
        for i, query in enumerate(queries):
            if query.picture is None:
                rows[i], nearest[i] = _leaning(rows[i], names, labels)
    if options.negative.strip():
        against = clip.encode_texts([options.negative.strip()], job=job)
        rows = _unit((1 + options.negative_weight) * rows - options.negative_weight * against)
    words = [query.text for query in queries if query.picture is None]
    return Asked(rows, tuple(nearest), _notes([*words, options.negative], clip))


def _embedding(query: Query, clip: ImageTextModel, job: Job | None) -> Embeddings:
    """One query, (D,): its words, or the mean over its pictures."""
    if query.picture is not None:
        pictures = [query.picture, *query.frames]
        return _unit(clip.encode_images(pictures, job=job).mean(0))
    if not query.text.strip():
        raise InputError("A query is empty; name a sound, for example: flute.")
    found: Embeddings = clip.encode_texts([query.text.strip()], job=job)[0]
    return found


def _leaning(row: Embeddings, names: Embeddings, labels: Sequence[str]) -> tuple[Embeddings, str]:
    """The query moved towards the nearest label, the more the nearer it is; far from all it stays what it is."""
    cosines = names @ row
    best = int(cosines.argmax())
    nearness = float((cosines[best] - NEAR) / (1 - NEAR))
    if nearness <= 0:
        return row, ""
    share = LEAN * min(nearness, 1.0)
    return _unit((1 - share) * row + share * names[best]), labels[best]


def _unit(rows: Embeddings) -> Embeddings:
    found: Embeddings = rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9)
    return found


def _notes(words: Sequence[str], clip: ImageTextModel) -> tuple[str, ...]:
    notes = [
        f"{quoted(cut.text)} has {cut.tokens} tokens; only the first {cut.limit} were read."
        for cut in clip.truncated([w for w in words if w.strip()])
    ]
    foreign = [w for w in words if any(c.isalpha() and not unicodedata.name(c, "").startswith("LATIN") for c in w)]
    if foreign:
        notes.append(f"{quoted(foreign[0])} is not in Latin letters; {clip.name} knows English best.")
    return tuple(notes)
