"""A batch of pictures as a table: reading files and archives, rows, and their export as CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from core.errors import InputError
from core.images import Picture
from demos.zero_shot.options import Scored

MAX_CSV_LABELS = 100  # with more labels the table has no column for each
CHUNK_PICTURES = 32
CHUNK_PIXELS = 64_000_000  # pictures wait decoded until a chunk is full
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")  # what makes spreadsheets run a cell


@dataclass(frozen=True)
class Row:
    """One picture of a batch.

    Attributes:
        name: File name, for a file of an archive ``archive.zip/name``.
        label: The answer, ``NONE_OF_THESE``, or empty where the file could not be read.
        ranked: All labels, best first; empty where the file could not be read.
        unknown_value: What the threshold was held against; NaN where the file could not be read.
        error: Why the file could not be read, one sentence; else empty.
    """

    name: str
    label: str = ""
    ranked: tuple[Scored, ...] = ()
    unknown_value: float = float("nan")
    error: str = ""


@dataclass(frozen=True)
class Table:
    """The answer for a batch.

    Attributes:
        rows: In the order of the files.
        labels: Names in the visitor's order.
        notes: Sentences about files that were left out, labels that were merged, ...
        model: Name of the model.
        seconds: Wall time, s.
    """

    rows: tuple[Row, ...]
    labels: tuple[str, ...]
    notes: tuple[str, ...]
    model: str
    seconds: float

    def to_csv(self) -> str:
        """RFC 4180 text: name, label, confidence, cosine, error, and the confidence of every label (up to 100).

        Cells that a spreadsheet would run as a formula start with an apostrophe.
        """
        names = self.labels if len(self.labels) <= MAX_CSV_LABELS else ()
        stream = io.StringIO(newline="")
        writer = csv.writer(stream, lineterminator="\r\n")
        writer.writerow(map(inert, ("name", "label", "confidence", "cosine", "error", *names)))
        for row in self.rows:
            by_label = {scored.label: scored.confidence for scored in row.ranked}
            best = row.ranked[0] if row.ranked else None
            numbers = [f"{best.confidence:.6f}", f"{best.cosine:.6f}"] if best else ["", ""]
            each = [f"{by_label[name]:.6f}" if name in by_label else "" for name in names]
            writer.writerow([inert(row.name), inert(row.label), *numbers, inert(row.error), *each])
        return stream.getvalue()

    def to_json(self) -> str:
        """JSON: model, seconds, notes, and rows of name, label, confidences (best first) and error."""
        rows = [
            {
                "name": row.name,
                "label": row.label,
                "confidences": [
                    {"label": s.label, "confidence": round(s.confidence, 6), "cosine": round(s.cosine, 6)}
                    for s in row.ranked
                ],
                "error": row.error,
            }
            for row in self.rows
        ]
        whole = {"model": self.model, "seconds": round(self.seconds, 3), "notes": list(self.notes), "rows": rows}
        return json.dumps(whole, ensure_ascii=False, indent=1)


def inert(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula, even after spaces."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA_STARTS) else cell


def chunks(
    pictures: Iterable[tuple[str, Picture | InputError]],
) -> Iterator[list[tuple[str, Picture | InputError]]]:
    """Group pictures so that the model gets many at once and memory holds few: by number and by pixels."""
    chunk: list[tuple[str, Picture | InputError]] = []
    pixels = 0
    for name, picture in pictures:
        size = picture.rgb.shape[0] * picture.rgb.shape[1] if isinstance(picture, Picture) else 0
        if chunk and (len(chunk) == CHUNK_PICTURES or pixels + size > CHUNK_PIXELS):
            yield chunk
            chunk, pixels = [], 0
        chunk.append((name, picture))
        pixels += size
    if chunk:
        yield chunk
