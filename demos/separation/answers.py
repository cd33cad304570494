"""What comes back: a sound that was listened to, with its masks, and the sounds made of it.

    listen(sound, queries, options, *, clip, separator, job) -> Heard     slow: the models run here, and only here
    render(heard, options, *, job) -> Separation                         fast: strength, softness, keep or remove
    separate(...) -> Separation                                          both

are in :mod:`demos.separation.pipeline`; :mod:`.pictures` draws, :mod:`.write` makes files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from demos.separation.options import Mode
from demos.separation.sound import Sound


@dataclass(frozen=True, eq=False)
class Presence:
    """Whether and when a query is heard.

    Attributes:
        query: The query as typed.
        score: In [0, 1], the highest of ``over_time``.
        over_time: (S,) every ``step_s`` seconds: the chance that the sound is there, see core/sep_presence.py.
        step_s: Seconds between two of them.
        is_heard: Whether the score reaches what the model asks for.
        nearest: The trained sound that the query leans to, or "".
        is_picture: Whether a picture was shown in place of words.
    """

    query: str
    score: float
    over_time: NDArray[np.float32]
    step_s: float
    is_heard: bool
    nearest: str = ""
    is_picture: bool = False


@dataclass(frozen=True, eq=False)
class Heard:
    """A sound that the model has listened to.

    Attributes:
        sound: As read.
        picture: (F, 256) float16 log magnitudes at 16 kHz, all channels together.
        logits: (Q, F, 256) float16 mask logits.
        presence: One a query.
        key: Options that the logits depend on.
        seconds: Wall time of each stage.
        models: Names of the separator and of the query model.
        notes: Sentences for the visitor.
    """

    sound: Sound
    picture: NDArray[np.float16]
    logits: NDArray[np.float16]
    presence: tuple[Presence, ...]
    key: tuple[object, ...]
    seconds: Mapping[str, float]
    models: tuple[str, str]
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Separation:
    """The sounds.

    Attributes:
        stems: One a query, with rate, channels and length of the input.
        rest: What is left; stems + rest is the input.
        heard: What they were made of.
        mode: Whether the named sounds are wanted or not.
        seconds: Wall time of each stage, in order.
    """

    stems: tuple[Sound, ...]
    rest: Sound
    heard: Heard
    mode: Mode
    seconds: Mapping[str, float]
