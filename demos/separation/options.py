"""What a visitor can choose: how queries are read, how masks are cut, what is kept, and how files are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.sep_spectrogram import Above

Depth = Literal["16", "24", "float"]
Mode = Literal["keep", "remove"]
Rgb = NDArray[np.uint8]

ABOVE: tuple[Above, ...] = ("hold", "pass", "mute")
DEPTHS: tuple[Depth, ...] = ("16", "24", "float")
MODES: tuple[Mode, ...] = ("keep", "remove")
MAX_QUERIES = 6  # each keeps a mask of the whole sound: 115 MB an hour


@dataclass(frozen=True, eq=False)
class Query:
    """One thing to listen for, in words or as a picture.

    Attributes:
        text: The words; for a picture what it is called.
        picture: (H, W, 3) uint8 upright sRGB, which then is the query in place of the words.
        frames: More pictures of the same thing (frames of a video); their embeddings are averaged.
    """

    text: str
    picture: Rgb | None = None
    frames: tuple[Rgb, ...] = ()


@dataclass(frozen=True)
class SeparateOptions:
    """How to separate; every field has a default that gives a good first answer.

    Attributes:
        negative: What should not be heard, in words; empty for nothing.
        negative_weight: a in (1 + a) Q - a N, which pushes the query Q away from the negative N.
        nearest_label: Lean towards the nearest sound that the model was trained on, where words are close to one.
        strength: Exponent of the masks: above 1 less of the other sounds leaks in, and more of the wanted is lost.
        softness: Divides the masks' logits: near 0 a bin belongs to one sound or the other, above 1 it is shared.
        above: What happens above 8 kHz, which the model does not hear.
        mode: Hear the named sounds, or everything but them.
    """

    negative: str = ""
    negative_weight: float = 0.5
    nearest_label: bool = True
    strength: float = 1.0
    softness: float = 1.0
    above: Above = "hold"
    mode: Mode = "keep"

    @property
    def listening_key(self) -> tuple[object, ...]:
        """What the stored masks depend on; as long as it stays the same, the model need not run again."""
        return (self.negative, self.negative_weight, self.nearest_label)

    def check(self) -> None:
        """Refuse values that no part of the pipeline can use.

        Raises:
            InputError: which one, what it is, and what is allowed.
        """
        for what, value, low, high in (
            ("weight of the negative query", self.negative_weight, 0.0, 2.0),
            ("strength", self.strength, 0.25, 4.0),
            ("softness", self.softness, 0.05, 4.0),
        ):
            if not low <= value <= high:
                raise InputError(f"The {what} is {value:g}; it must be from {low:g} to {high:g}.")
        if self.above not in ABOVE:
            raise InputError(f"Above 8 kHz sound can be handled by {', '.join(ABOVE)}, not by {self.above!r}.")
        if self.mode not in MODES:
            raise InputError(f"The named sounds can be handled by {' or '.join(MODES)}, not by {self.mode!r}.")
