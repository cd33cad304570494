"""Sentences that say edits."""

from __future__ import annotations

import pytest

from core.errors import InputError
from demos.gaussians.commands import COLOURS, Command, colour_named, read_command


@pytest.mark.parametrize(
    "text, verb, thing",
    [
        ("remove the mug", "remove", "mug"),
        ("Delete  a red apple.", "remove", "red apple"),
        ("isolate all the books", "isolate", "books"),
        ("show only the vase", "isolate", "vase"),
        ("make the mug red", "recolour", "mug"),
        ("Paint the big red chair #00ff80", "recolour", "big red chair"),
        ("color the cup handle blue!", "recolour", "cup handle"),
        ("make the vase taller", "taller", "vase"),
        ("make the vase a bit shorter", "taller", "vase"),
        ("make the apple twice as big", "bigger", "apple"),
        ("make the lamp look like gold", "restyle", "lamp"),
        ("turn the mug into a wooden mug", "restyle", "mug"),
        ("twist the bottle", "twist", "bottle"),
        ("move the mug to the left", "move", "mug"),
        ("move the mug up a little", "move", "mug"),
        ("duplicate the apple", "duplicate", "apple"),
        ("copy the apple to the right", "duplicate", "apple"),
    ],
)
def test_sentences(text: str, verb: str, thing: str) -> None:
    command = read_command(text)
    assert (command.verb, command.thing) == (verb, thing)
    command.check()


def test_what_the_sentences_carry() -> None:
    assert read_command("make the mug red").rgb == COLOURS["red"]
    assert read_command("make the mug #f00").rgb == (1, 0, 0)
    assert read_command("make the mug much taller").strength == 1.0
    assert read_command("make the mug a bit thinner").strength == -0.25
    assert read_command("move the mug back far").direction == "back"
    assert read_command("move the mug up a little").distance == 0.3
    assert read_command("make the lamp look like gold").towards == "gold"


@pytest.mark.parametrize("text", ["", "mug", "make it so", "make the mug", "x" * 301])
def test_sentences_that_are_no_edit(text: str) -> None:
    with pytest.raises(InputError):
        read_command(text)


@pytest.mark.parametrize(
    "text, expected", [("#ABC", (170 / 255, 187 / 255, 204 / 255)), ("mauve", None), ("#12345", None)]
)
def test_colours_by_name(text: str, expected: tuple[float, float, float] | None) -> None:
    assert colour_named(text) == expected


def test_unchecked_values() -> None:
    with pytest.raises(InputError, match="direction"):
        Command("move", direction="sideways").check()  # type: ignore[arg-type]
    with pytest.raises(InputError, match="distance"):
        Command("move", distance=float("nan")).check()
