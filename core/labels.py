"""Reading the labels that a visitor typed: one a line or comma separated, with synonyms after ``=``."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from core.errors import InputError

MAX_LABELS = 5_000
MAX_LABEL_CHARS = 500
MAX_TEXT_CHARS = 1_000_000
_SHOWN_CHARS = 40  # of a label inside a sentence
_SHOWN_LABELS = 5  # in a sentence that lists labels

# Commas of Chinese, Japanese and Arabic writing separate too.
_SEPARATOR = re.compile(r"[,，、،=]")
# A piece wholly in double quotes keeps its commas and equal signs: "red, white and blue".
_QUOTED = re.compile(r'\s*"([^"]+)"\s*(?=[,，、،=]|$)')


@dataclass(frozen=True)
class Label:
    """One class: the name that is shown and other words that mean the same."""

    name: str
    synonyms: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """The name and then its synonyms."""
        return (self.name, *self.synonyms)


@dataclass(frozen=True)
class LabelList:
    """What was read: the labels in order and sentences about what was merged."""

    labels: tuple[Label, ...]
    notes: tuple[str, ...] = ()


def parse_labels(text: str) -> tuple[Label, ...]:
    """Read labels; as :func:`read_labels` without its notes."""
    return read_labels(text).labels


def read_labels(text: str) -> LabelList:
    """Read labels, one a line or separated by commas; ``dog = puppy, hound`` gives a label synonyms.

    Case and doubled spaces do not tell labels apart; repeated labels are merged, synonyms too. Text in
    double quotes is one label whatever it contains. Nothing in a label is ever interpreted.

    Raises:
        InputError: there is no label, there are too many, one is too long, or synonyms stand without a label.
    """
    if len(text) > MAX_TEXT_CHARS:
        raise InputError(f"The labels are {len(text):,} characters long in all; at most {MAX_TEXT_CHARS:,}.")
    found = [label for number, line in enumerate(text.splitlines(), 1) for label in _read_line(line, number)]
    if not found:
        raise InputError("There is no label; write at least one, for example: cat, dog, bird.")
    labels, repeated = _merge(found)
    if len(labels) > MAX_LABELS:
        raise InputError(f"These are {len(labels):,} labels; at most {MAX_LABELS:,}.")
    notes = []
    if repeated:
        notes.append(f"Labels that stood there more than once were merged: {listed(repeated)}.")
    shared = _shared_words(labels)
    if shared:
        notes.append(f"These words stand under more than one label and cannot tell them apart: {listed(shared)}.")
    return LabelList(labels, tuple(notes))


def key_of(word: str) -> str:
    """What two spellings of one word have in common: width, case and spaces set aside."""
    return " ".join(unicodedata.normalize("NFKC", word).casefold().split())


def quoted(word: str) -> str:
    """A label inside a sentence, cut to a readable length."""
    return f"“{word if len(word) <= _SHOWN_CHARS else word[: _SHOWN_CHARS - 1] + '…'}”"


def listed(words: list[str]) -> str:
    """Some labels inside a sentence, the first few by name and the rest by number."""
    more = len(words) - _SHOWN_LABELS
    return ", ".join(quoted(word) for word in words[:_SHOWN_LABELS]) + (f" and {more:,} more" if more > 0 else "")


def _read_line(line: str, number: int) -> list[Label]:
    """Labels of one line; what follows the first equals sign belongs to the label before it."""
    pieces = [(_clean(piece), separator) for piece, separator in _split(line)]
    for word, _ in pieces:
        if len(word) > MAX_LABEL_CHARS:
            shown = quoted(word)
            raise InputError(f"The label {shown} is {len(word):,} characters long; at most {MAX_LABEL_CHARS:,}.")
    owner = next((index for index, (_, separator) in enumerate(pieces) if separator == "="), None)
    plain = [Label(word) for word, _ in pieces[:owner] if word]
    if owner is None:
        return plain
    synonyms = tuple(word for word, _ in pieces[owner + 1 :] if word)
    if not pieces[owner][0]:
        if not synonyms:
            return plain
        raise InputError(f"Line {number} gives synonyms ({listed(list(synonyms))}) but no label before the “=”.")
    return [*plain, Label(pieces[owner][0], synonyms)]


def _split(line: str) -> list[tuple[str, str]]:
    """Pieces of a line, each with the separator that ends it ('' at the end of the line)."""
    pieces, position = [], 0
    while position <= len(line):
        if match := _QUOTED.match(line, position):
            text, end = match[1], match.end()
        else:
            separator = _SEPARATOR.search(line, position)
            end = separator.start() if separator else len(line)
            text = line[position:end]
        pieces.append((text, line[end : end + 1]))
        position = end + 1
    return pieces


def _clean(piece: str) -> str:
    """One label as it is kept: composed, single spaces, no control characters; '' if nothing of it is visible."""
    text = unicodedata.normalize("NFC", piece.encode("utf-8", "replace").decode("utf-8"))
    text = "".join(" " if unicodedata.category(c) == "Cc" else c for c in text)
    text = " ".join(text.split())
    return text if any(unicodedata.category(c)[0] not in "CZ" for c in text) else ""


def _merge(found: list[Label]) -> tuple[tuple[Label, ...], list[str]]:
    """Join labels of one name (the first spelling stays); also the names that were there more than once."""
    names: dict[str, str] = {}
    synonyms: dict[str, dict[str, str]] = {}
    repeated: dict[str, str] = {}
    for label in found:
        key = key_of(label.name)
        if key in names:
            repeated[key] = names[key]
        names.setdefault(key, label.name)
        own = synonyms.setdefault(key, {})
        for word in label.synonyms:
            if key_of(word) != key:
                own.setdefault(key_of(word), word)
    return tuple(Label(name, tuple(synonyms[key].values())) for key, name in names.items()), list(repeated.values())


def _shared_words(labels: tuple[Label, ...]) -> list[str]:
    """Words that stand under two labels or more, in order of their first place."""
    owners: dict[str, int] = {}
    words: dict[str, str] = {}
    for label in labels:
        for word in label.words:
            owners[key_of(word)] = owners.get(key_of(word), 0) + 1
            words.setdefault(key_of(word), word)
    return [words[key] for key, count in owners.items() if count > 1]
