"""A batch of pictures as a table: rows, and their export as CSV and JSON."""

from __future__ import annotations

from dataclasses import dataclass

from demos.zero_shot.options import Scored

MAX_PICTURES = 1_000


@dataclass(frozen=True)
class Row:
    """One picture of a batch.

    Attributes:
        name: File name, for a file of an archive ``archive.zip/name``.
        label: The answer, ``NONE_OF_THESE``, or empty where the file could not be read.
        ranked: All labels, best first; empty where the file could not be read.
        error: Why the file could not be read, one sentence; else empty.
    """

    name: str
    label: str
    ranked: tuple[Scored, ...]
    error: str = ""


@dataclass(frozen=True)
class Table:
    """The answer for a batch: rows in the order of the files, notes, wall time (s) and model name."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    model: str
    seconds: float

    def to_csv(self) -> str:
        """RFC 4180 text: name, label, confidence, cosine, error, then one column a label."""
        raise NotImplementedError

    def to_json(self) -> str:
        """JSON: model, notes and rows with ``{"name", "label", "confidences", "error"}``."""
        raise NotImplementedError
