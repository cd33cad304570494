"""The sounds that pocket-sep is trained on: their words, pictures and files, read from labels.txt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

TEMPLATES = ("{}", "the sound of {}", "a recording of {}", "a photo of {}", "I hear {}")


@dataclass(frozen=True)
class SoundLabel:
    """One row of labels.txt.

    Attributes:
        name: What the label is called.
        family: Sounds of one family are alike; mixtures of two families are the easier ones.
        paraphrases: Other words for it, used as queries in training.
        held_out: Words for it that are never trained on.
        pictures: Concepts of the picture sets that show it, as ``set/concept``.
        beginnings: How names of files with it begin in Tonejs/audio's folder berklee.
    """

    name: str
    family: str
    paraphrases: tuple[str, ...]
    held_out: tuple[str, ...]
    pictures: tuple[str, ...]
    beginnings: tuple[str, ...]

    def queries(self) -> tuple[str, ...]:
        """Every text that is a query in training: name and paraphrases, each in every template."""
        return tuple(t.format(words) for words in (self.name, *self.paraphrases) for t in TEMPLATES)


@cache
def labels() -> tuple[SoundLabel, ...]:
    """All rows of labels.txt, in order."""
    found = []
    for line in Path(__file__).with_name("labels.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        name, family, words, held_out, pictures, beginnings = (
            cell.strip() for cell in (line + " |" * 5).split("|")[:6]
        )
        found.append(
            SoundLabel(
                name, family, _words(words), _words(held_out), tuple(pictures.split()), tuple(beginnings.split())
            )
        )
    return tuple(found)


def _words(cell: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in cell.split(";") if word.strip())
