"""A second opinion: CLAP, which knows sounds and words, says how much each sound is what was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.tasks import Job
from demos.separation.answers import Separation
from demos.separation.sound import Sound

Floats = NDArray[np.float32]
PIECE_S = 10.0
MOST_PIECES = 6  # of a sound, evenly spread: a minute of an hour is enough for an opinion
TEMPLATE = "this is a sound of {}"  # CLAP's own


class SoundTextModel(Protocol):
    """What is asked of it; core.clap.SoundTextEncoder is one."""

    @property
    def name(self) -> str:
        """Name in the catalogue."""
        ...

    @property
    def rate_hz(self) -> int:
        """Sample rate of its sounds."""
        ...

    def encode_texts(self, texts: Sequence[str], *, job: Job | None = None) -> Floats:
        """(N, D) unit norm."""
        ...

    def encode_sounds(self, waves: Sequence[Floats], *, job: Job | None = None) -> Floats:
        """(N, D) unit norm."""
        ...


@dataclass(frozen=True)
class Opinion:
    """How much the sounds are one query, as cosines.

    Attributes:
        query: The query.
        own: Its own stem.
        whole: The mixture.
        rest: What is left.
        place: Of the own stem among all stems and the rest: 1 is the nearest to the words.
        count: Number of stems and rest.
    """

    query: str
    own: float
    whole: float
    rest: float
    place: int
    count: int


def judge(found: Separation, model: SoundTextModel, *, job: Job | None = None) -> tuple[Opinion | None, ...]:
    """One opinion a query; None where a picture was the query, which CLAP cannot see.

    Raises:
        Cancelled: the job was cancelled.
    """
    named = [not one.is_picture for one in found.heard.presence]
    if not any(named):
        return (None,) * len(named)
    texts = model.encode_texts([TEMPLATE.format(one.query) for one in found.heard.presence], job=job)
    sounds = (*found.stems, found.rest, found.heard.sound)
    rows = np.stack([_embedding(sound, model, job) for sound in sounds])
    cosines = texts @ rows.T
    return tuple(_opinion(found, cosines[i], i) if is_named else None for i, is_named in enumerate(named))


def _opinion(found: Separation, cosines: Floats, index: int) -> Opinion:
    parts = cosines[:-1]
    place = int((parts > parts[index]).sum()) + 1
    rest, whole = (float(value) for value in cosines[-2:])
    return Opinion(found.heard.presence[index].query, float(cosines[index]), whole, rest, place, len(parts))


def _embedding(sound: Sound, model: SoundTextModel, job: Job | None) -> Floats:
    """The mean over pieces, (D,)."""
    import soxr

    length = round(PIECE_S * sound.rate_hz)
    count = min(max(-(-sound.frames // length), 1), MOST_PIECES)
    waves = []
    for start in np.linspace(0, max(sound.frames - length, 0), count).astype(int):
        mono = sound.block(int(start), int(min(start + length, sound.frames))).mean(1)
        waves.append(np.asarray(soxr.resample(mono, sound.rate_hz, model.rate_hz), np.float32))
    found: Floats = model.encode_sounds(waves, job=job).mean(0)
    return found / max(float(np.linalg.norm(found)), 1e-9)
