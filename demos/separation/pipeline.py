"""Sound separation from file to stems; knows no Gradio.

The flow: sound -> log-frequency picture (:mod:`.listening`), queries -> embeddings (:mod:`.queries`), both -> mask
logits (core/sep.py), which are kept; logits -> masks -> stems and rest at the sound's own rate (:mod:`.masks`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from core.image_text import ImageTextModel
from core.sep import QueriedSeparator
from core.tasks import Job
from demos.separation.answers import Heard, Presence, Separation
from demos.separation.listening import picture_of
from demos.separation.masks import split
from demos.separation.options import Query, SeparateOptions
from demos.separation.queries import ask, read_queries
from demos.separation.read import read_sound
from demos.separation.sound import Sound

__all__ = [
    "Heard",
    "Query",
    "SeparateOptions",
    "Separation",
    "listen",
    "read_queries",
    "read_sound",
    "render",
    "separate",
]


def separate(
    sound: Sound,
    queries: Sequence[Query],
    options: SeparateOptions | None = None,
    *,
    clip: ImageTextModel,
    separator: QueriedSeparator,
    job: Job | None = None,
) -> Separation:
    """Split a sound into what was asked for and the rest.

    Args:
        sound: As :func:`read_sound` gives it.
        queries: One to six, as :func:`read_queries` gives them.
        options: How; None takes the defaults.
        clip: The image-text model that the separator was trained with.
        separator: The network.
        job: Where progress is told and Cancel is asked.

    Returns:
        Stems and rest, which add up to the input within 1e-4, at its own rate, length and channels.

    Raises:
        InputError: no query, or an option out of its range; one sentence.
        Cancelled: the job was cancelled.
    """
    options = options or SeparateOptions()
    return render(listen(sound, queries, options, clip=clip, separator=separator, job=job), options, job=job)


def listen(
    sound: Sound,
    queries: Sequence[Query],
    options: SeparateOptions,
    *,
    clip: ImageTextModel,
    separator: QueriedSeparator,
    job: Job | None = None,
) -> Heard:
    """Run the models; arguments and errors as for :func:`separate`."""
    options.check()
    began_s = time.perf_counter()
    known, known_embeddings = separator.usage.labels, separator.label_embeddings
    asked = ask(queries, options, clip=clip, labels=known, label_embeddings=known_embeddings, job=job)
    asked_s = time.perf_counter()
    picture = picture_of(sound, job=job)
    seen_s = time.perf_counter()
    found = separator.listen(picture, asked.embeddings, job=job)
    presence = tuple(
        Presence(
            query.text,
            float(row.max()),
            row,
            found.step_s,
            bool(row.max() >= separator.usage.heard_from),
            nearest,
            query.picture is not None,
        )
        for query, row, nearest in zip(queries, found.presence, asked.nearest, strict=True)
    )
    seconds = {"query": asked_s - began_s, "picture": seen_s - asked_s, "masks": time.perf_counter() - seen_s}
    notes = (*sound.notes, *asked.notes, *_not_heard(presence))
    models = (separator.name, clip.name)
    return Heard(sound, picture, found.logits, presence, options.listening_key, seconds, models, notes)


def render(heard: Heard, options: SeparateOptions, *, job: Job | None = None) -> Separation:
    """Make the sounds of stored masks: strength, softness and what is above 8 kHz need no model.

    Raises:
        InputError: an option out of its range.
        Cancelled: the job was cancelled.
    """
    options.check()
    began_s = time.perf_counter()
    stems, rest = split(
        heard.sound, heard.logits, strength=options.strength, softness=options.softness, above=options.above, job=job
    )
    seconds = {**heard.seconds, "sounds": time.perf_counter() - began_s}
    return Separation(stems, rest, heard, options.mode, seconds)


def _not_heard(presence: Sequence[Presence]) -> tuple[str, ...]:
    return tuple(
        f"“{one.query}” is not heard here (presence {one.score:.2f}); what follows under its name is a guess."
        for one in presence
        if not one.is_heard
    )
