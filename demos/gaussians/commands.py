"""Edits as commands, and the few sentences that say them: "remove the mug", "make the apple blue", "twist the vase".

A sentence is a verb, the words for the thing, and what the verb needs:

    isolate | keep only | show only | extract                THING
    remove | delete | hide | erase                           THING
    make | paint | colour | color | recolour | recolor       THING  COLOUR        a colour's name or #rrggbb
    make                                                     THING  look like ... | taller | wider | smaller ...
    move | shift                                             THING  left | right | up | down | forward | back [a little]
    duplicate | copy | clone                                 THING  [DIRECTION]
    twist                                                    THING
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.labels import quoted

Verb = Literal[
    "isolate", "remove", "recolour", "restyle", "move", "duplicate", "scale", "taller", "wider", "bigger", "twist"
]
VERBS: Final[tuple[Verb, ...]] = (
    "isolate", "remove", "recolour", "restyle", "move", "duplicate", "scale", "taller", "wider", "bigger", "twist",
)  # fmt: skip
Direction = Literal["left", "right", "up", "down", "forward", "back"]
DIRECTIONS: Final[tuple[Direction, ...]] = ("left", "right", "up", "down", "forward", "back")

# sRGB in [0, 1]; everyday shades rather than the corners of the cube, which look like paint out of a tube.
COLOURS: Final[dict[str, tuple[float, float, float]]] = {
    "red": (0.80, 0.10, 0.10),
    "green": (0.12, 0.60, 0.18),
    "blue": (0.12, 0.25, 0.80),
    "yellow": (0.95, 0.82, 0.10),
    "orange": (0.95, 0.50, 0.08),
    "purple": (0.48, 0.16, 0.62),
    "violet": (0.48, 0.16, 0.62),
    "pink": (0.95, 0.50, 0.68),
    "magenta": (0.85, 0.10, 0.65),
    "cyan": (0.10, 0.75, 0.82),
    "turquoise": (0.15, 0.72, 0.66),
    "teal": (0.05, 0.45, 0.45),
    "brown": (0.42, 0.25, 0.12),
    "beige": (0.87, 0.80, 0.65),
    "gold": (0.83, 0.65, 0.15),
    "silver": (0.72, 0.73, 0.75),
    "white": (0.95, 0.95, 0.95),
    "grey": (0.50, 0.50, 0.50),
    "gray": (0.50, 0.50, 0.50),
    "black": (0.06, 0.06, 0.06),
    "navy": (0.05, 0.10, 0.35),
    "maroon": (0.45, 0.06, 0.10),
    "olive": (0.42, 0.44, 0.10),
    "lime": (0.60, 0.85, 0.15),
}
MAX_COMMAND_CHARS = 300
_LITTLE, _MUCH = 0.5, 2.0

_ISOLATE = re.compile(r"^(?:isolate|extract|keep only|show only|keep) (.+)$")
_REMOVE = re.compile(r"^(?:remove|delete|hide|erase) (.+)$")
_MOVE = re.compile(
    rf"^(?:move|shift) (.+?) (?:to the )?({'|'.join(DIRECTIONS)})(?: (?:by )?(a little|a bit|far|a lot))?$"
)
_COPY = re.compile(rf"^(?:duplicate|copy|clone) (.+?)(?: (?:to the )?({'|'.join(DIRECTIONS)}))?$")
_TWIST = re.compile(r"^twist (.+?)(?: (back|the other way))?$")
_LOOK = re.compile(r"^(?:make|turn) (.+?) (?:look like|into|look) (.+)$")
_MAKE = re.compile(r"^(?:make|paint|colou?r|recolou?r|turn) (.+) (\S+)$")
_SIZES: Final[dict[str, tuple[Verb, float]]] = {
    "taller": ("taller", 0.5), "shorter": ("taller", -0.5), "lower": ("taller", -0.5),
    "wider": ("wider", 0.5), "fatter": ("wider", 0.5), "thicker": ("wider", 0.5),
    "thinner": ("wider", -0.5), "narrower": ("wider", -0.5), "slimmer": ("wider", -0.5),
    "bigger": ("bigger", 0.5), "larger": ("bigger", 0.5), "smaller": ("bigger", -0.5),
    "twisted": ("twist", 0.5),
}  # fmt: skip
_ARTICLE = re.compile(r"^(?:the|a|an|all|this|that|my) ")


@dataclass(frozen=True, eq=False)
class Command:
    """What to do with a selection.

    Attributes:
        verb: One of ``VERBS``; "restyle" is the recolouring that the image-text model guides.
        thing: Words for what is edited, "" where a selection is given otherwise.
        strength: 0 changes nothing, bit for bit; 1 is the whole of it; deformations take -1 to 1.
        rgb: (3,) target in [0, 1], for "recolour".
        towards: Text that the result should look like, for "restyle".
        example: Picture (H, W, 3) uint8 that it should look like, for "restyle"; wins over ``towards``.
        direction: Seen from the camera, for "move" and "duplicate"; "up" is the scene's up.
        distance: In heights or widths of the selection, for "move" and "duplicate".
        factor: For "scale".
    """

    verb: Verb
    thing: str = ""
    strength: float = 1.0
    rgb: tuple[float, float, float] | None = None
    towards: str = ""
    example: NDArray[np.uint8] | None = None
    direction: Direction = "right"
    distance: float = 1.0
    factor: float = 1.0

    def check(self) -> None:
        """Refuse what cannot be done.

        Raises:
            InputError: an unknown verb, a strength out of range, or something that the verb needs is missing.
        """
        if self.verb not in VERBS:
            raise InputError(f"There is no edit called {quoted(str(self.verb))}; choose one of {', '.join(VERBS)}.")
        if not -1 <= self.strength <= 1:
            raise InputError(f"The strength is {self.strength:g}; allowed are -1 to 1.")
        if self.verb == "recolour" and self.rgb is None:
            raise InputError(f"Recolouring needs a colour: {', '.join(COLOURS)}, or #rrggbb.")
        if self.verb == "restyle" and not self.towards.strip() and self.example is None:
            raise InputError("Restyling needs a text or an example picture of what it should look like.")
        if self.direction not in DIRECTIONS:
            raise InputError(f"There is no direction {quoted(str(self.direction))}; choose {', '.join(DIRECTIONS)}.")
        if not 0 <= self.distance <= 100:
            raise InputError(f"The distance is {self.distance:g} sizes; allowed are 0 to 100.")


def colour_named(text: str) -> tuple[float, float, float] | None:
    """The colour of a name or of #rgb or #rrggbb; None if it is neither."""
    word = text.strip().casefold()
    if re.fullmatch(r"#[0-9a-f]{3}", word):
        word = "#" + "".join(2 * digit for digit in word[1:])
    if re.fullmatch(r"#[0-9a-f]{6}", word):
        red, green, blue = (int(word[i : i + 2], 16) / 255 for i in (1, 3, 5))
        return red, green, blue
    return COLOURS.get(word)


def read_command(text: str) -> Command:
    """Understand a sentence.

    Raises:
        InputError: it is none of those above.
    """
    said = " ".join(text.split()).casefold().rstrip(".! ")
    if len(said) > MAX_COMMAND_CHARS:
        raise InputError(f"The sentence has {len(said):,} characters; at most {MAX_COMMAND_CHARS}.")
    for pattern, verb in ((_ISOLATE, "isolate"), (_REMOVE, "remove")):
        if found := pattern.match(said):
            return Command("isolate" if verb == "isolate" else "remove", _thing(found[1]))
    if found := _MOVE.match(said):
        return Command("move", _thing(found[1]), direction=_direction(found[2]), distance=_distance(found[3]))
    if found := _COPY.match(said):
        return Command("duplicate", _thing(found[1]), direction=_direction(found[2] or "right"))
    if found := _TWIST.match(said):
        return Command("twist", _thing(found[1]), strength=-0.5 if found[2] else 0.5)
    if made := _made(said):
        return made
    raise InputError(
        f"{quoted(text)} is no edit that is known; try: make the mug red, remove the mug, isolate the mug, "
        "move the mug left, duplicate the mug, make the mug taller, twist the mug."
    )


def _made(said: str) -> Command | None:
    """Sentences with "make" and its like."""
    if found := _LOOK.match(said):
        return Command("restyle", _thing(found[1]), towards=found[2])
    if found := _MAKE.match(said):
        thing, last = found[1], found[2]
        strength = 1.0
        for word, factor in (("a little", _LITTLE), ("a bit", _LITTLE), ("much", _MUCH)):
            if thing.endswith(f" {word}"):
                thing, strength = thing[: -len(word) - 1], factor
        rgb = colour_named(last)
        if rgb is not None:
            return Command("recolour", _thing(thing), rgb=rgb)
        if last in _SIZES:
            verb, amount = _SIZES[last]
            return Command(verb, _thing(thing), strength=float(np.clip(amount * strength, -1, 1)))
        if last == "big" and thing.endswith(" twice as"):
            return Command("bigger", _thing(thing[: -len(" twice as")]), strength=1.0)
    return None


def _thing(words: str) -> str:
    thing = words.strip()
    while found := _ARTICLE.match(thing):
        thing = thing[found.end() :]
    return thing


def _direction(word: str) -> Direction:
    return next(direction for direction in DIRECTIONS if direction == word)


def _distance(words: str | None) -> float:
    return {"a little": 0.3, "a bit": 0.3, "far": 3.0, "a lot": 3.0}.get(words or "", 1.0)
