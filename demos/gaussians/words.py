"""From typed queries to text embeddings, and what a model's relevancies have to reach to count as found."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from core.calibration import Calibration
from core.errors import InputError
from core.image_text import ImageTextModel
from core.labels import key_of, listed
from core.prompts import ensemble, fill, templates_of
from core.tasks import Job
from demos.gaussians.meanings import Texts
from demos.gaussians.options import MAX_NEGATIVES, MAX_QUERIES, QueryOptions
from demos.gaussians.scene import Floats

MAX_QUERY_CHARS = 200
# Runes: letters, so that no tokenizer drops them, and in no vocabulary but of bytes. One, and as many as a sentence.
_UNREAD = ("\u16a0", "\u16a0 \u16a0 \u16a0 \u16a0 \u16a0")
_AS_UNREAD = 0.95  # cosine with it from which a text is as good as unread; of English words it is 0.75 at most
_PART = re.compile(r"(?P<part>.+?) of the (?P<whole>.+)|(?P<owner>.+?)['\u2019]s (?P<own>.+)", re.IGNORECASE)
_SEPARATORS = re.compile(r"[;\n\r\u037e\uff1b]+")  # with the Greek and the full-width semicolon

# Least peak that counts as found, by model, with and without hubness taken off. Measured on 24 held-out Toybox scenes
# with true masks (see options.NEGATIVES): of things that are there 86 % reach it, of things that are not 8 % (11 %
# with hubness left on); LangSplat's negatives put it at 0.62.
LEAST_PEAKS: dict[str, tuple[float, float]] = {"pocket-clip": (0.61, 0.49)}
# For pieces: 45 of the 48 names, plain and with a colour, of the things in the two bundled scenes reach it, and 8 of 48
# words for things that are not there (24 words, asked in both).
LEAST_PEAKS_OF_PIECES: dict[str, float] = {"pocket-clip": 0.5}
DEFAULT_LEAST_PEAK = 0.5  # for models on which nothing was measured: at least as likely as the best negative


@dataclass(frozen=True, eq=False)
class Words:
    """Queries made ready for one model.

    Attributes:
        queries: As typed.
        rows: (Q, D) float32, unit norm.
        offsets: (Q,) float32, cosines that the texts have with everything; 0 where hubness is left on.
        negatives: (J, D) float32, unit norm; at least one.
        negative_offsets: (J,) float32.
        temperature: Of the relevancy.
        notes: Sentences for the visitor.
        parts: For queries like "handle of the mug", by their number: the texts of the part and of the whole.
    """

    queries: tuple[str, ...]
    rows: Floats
    offsets: Floats
    negatives: Floats
    negative_offsets: Floats
    temperature: float
    notes: tuple[str, ...] = ()
    parts: Mapping[int, tuple[Texts, Texts]] = field(default_factory=dict)

    def texts(self, index: int) -> Texts:
        """One query with the negatives."""
        return Texts(
            self.rows[index], self.negatives, float(self.offsets[index]), self.negative_offsets, self.temperature
        )


def read_queries(text: str) -> tuple[str, ...]:
    """Split what was typed by ``;`` or lines; repeated queries are kept once.

    Raises:
        InputError: there is none, there are too many, or one is too long.
    """
    found = _pieces(text)
    if not found:
        raise InputError("There is no query; write what to look for, for example: mug; red apple.")
    if len(found) > MAX_QUERIES:
        raise InputError(f"These are {len(found)} queries; at most {MAX_QUERIES}, split by ;.")
    return found


def encode_words(
    queries: Sequence[str], options: QueryOptions, *, model: ImageTextModel, job: Job | None = None
) -> Words:
    """Send queries and negatives to the model.

    Args:
        queries: Of :func:`read_queries`.
        options: Negatives, templates, temperature, hubness.
        model: The encoder; it keeps what it has encoded.
        job: Progress and Cancel.

    Raises:
        InputError: there is no negative left, there are too many, the templates cannot be read, or a query is in
            letters that the model does not know, which all mean the same to it.
    """
    typed = {key_of(query) for query in queries}
    negatives = tuple(word for word in _pieces(options.negatives) if key_of(word) not in typed)
    if not negatives:
        raise InputError("There is no negative word; a query needs at least one other word to be held against: object.")
    if len(negatives) > MAX_NEGATIVES:
        raise InputError(f"These are {len(negatives)} negative words; at most {MAX_NEGATIVES}.")
    templates = templates_of(options.templates)
    split = {index: pair for index, query in enumerate(queries) if (pair := part_and_whole(query)) is not None}
    halves = [word for pair in split.values() for word in pair]
    texts = [fill(template, word) for word in (*queries, *negatives, *halves, *_UNREAD) for template in templates]
    rows = ensemble(model.encode_texts(texts, job=job), len(templates))
    rows, unread = rows[: -len(_UNREAD)], rows[-len(_UNREAD) :]
    _check_read(queries, (rows @ unread.T).max(axis=1), model.name)
    calibration = model.calibration if options.hubness else Calibration()
    offsets = np.zeros(len(rows), np.float32)
    if calibration.image_mean is not None:
        offsets = rows @ calibration.image_mean
    notes = []
    cut = [truncation.text for truncation in model.truncated(texts)]
    if cut:
        notes.append(f"The model does not read these texts to their end: {listed(cut)}.")
    count, end = len(queries), len(queries) + len(negatives)
    own = [
        Texts(rows[i], rows[count:end], float(offsets[i]), offsets[count:end], options.temperature)
        for i in range(end, len(rows))
    ]
    return Words(
        queries=tuple(queries),
        rows=rows[:count],
        offsets=offsets[:count],
        negatives=rows[count:end],
        negative_offsets=offsets[count:end],
        temperature=options.temperature,
        notes=tuple(notes),
        parts={index: (own[2 * i], own[2 * i + 1]) for i, index in enumerate(split)},
    )


def _check_read(queries: Sequence[str], likeness: Floats, model: str) -> None:
    """Refuse queries of unknown letters alone; ``likeness`` begins with their cosines with such letters."""
    unread = [query for query, cosine in zip(queries, likeness, strict=False) if cosine > _AS_UNREAD]
    if unread:
        raise InputError(f"{model} does not know the letters of {listed(unread)}; it reads English words.")


def part_and_whole(query: str) -> tuple[str, str] | None:
    """("handle", "mug") of "handle of the mug" or "the mug's handle"; None for other queries."""
    found = _PART.fullmatch(query)
    if found is None:
        return None
    part, whole = found["part"] or found["own"], found["whole"] or found["owner"]
    part, whole = (word.removeprefix("the ").removeprefix("The ").strip() for word in (part, whole))
    return (part, whole) if part and whole else None


def least_peak(options: QueryOptions, model: str, *, by_pieces: bool = False) -> float:
    """What a peak is held against."""
    if options.least_peak is not None:
        return options.least_peak
    if by_pieces:
        return LEAST_PEAKS_OF_PIECES.get(model, DEFAULT_LEAST_PEAK)
    with_hubness_off, as_it_is = LEAST_PEAKS.get(model, (DEFAULT_LEAST_PEAK,) * 2)
    return with_hubness_off if options.hubness else as_it_is


def _pieces(text: str) -> tuple[str, ...]:
    """Words between separators, each once however it is spelled."""
    found: dict[str, str] = {}
    for piece in _SEPARATORS.split(text):
        word = " ".join(piece.split())
        if len(word) > MAX_QUERY_CHARS:
            raise InputError(f"A query has {len(word):,} characters; at most {MAX_QUERY_CHARS}.")
        if word:
            found.setdefault(key_of(word), word)
    return tuple(found.values())
