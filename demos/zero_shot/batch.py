"""A batch of pictures as a table: reading files and archives, rows, and their export as CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.archives import read_zip
from core.errors import InputError
from core.images import Picture, read_image
from core.tasks import Job, Step
from demos.zero_shot.options import Scored

MAX_PICTURES = 1_000
MAX_CSV_LABELS = 100  # with more labels the table has no column for each
CHUNK_PICTURES = 32
CHUNK_PIXELS = 64_000_000  # pictures wait decoded until a chunk is full
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")  # what makes spreadsheets run a cell

Source = Path | tuple[str, bytes]


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


def read_sources(
    sources: Iterable[Source], *, note: Callable[[str], None], job: Job | None = None
) -> Iterator[tuple[str, Picture | InputError]]:
    """Decode files and the pictures of archives one after the other; a bad one yields its error.

    Args:
        sources: Picture files, ZIP archives, or (name, content) pairs.
        note: Receives sentences about what was left out.
        job: Asked for Cancel before every file.
    """
    count = 0
    for name, content in _contents(sources, note, job):
        if count == MAX_PICTURES:
            note(f"Only the first {MAX_PICTURES:,} pictures were read; that is the most for one batch.")
            return
        count += 1
        if isinstance(content, InputError):
            yield name, content
            continue
        try:
            yield name, read_image(content, name=name)
        except InputError as error:
            yield name, error


def _contents(
    sources: Iterable[Source], note: Callable[[str], None], job: Job | None
) -> Iterator[tuple[str, Path | bytes | InputError]]:
    """Names and what to decode, archives opened."""
    for source in sources:
        if job is not None:
            job.check()
        if not isinstance(source, Path):
            yield source
        elif is_archive(source):
            try:
                for name, content in read_zip(source, job=job, note=note):
                    yield f"{source.name}/{name}", content
            except InputError as error:
                yield source.name, error
        else:
            yield source.name, source


def is_archive(path: Path) -> bool:
    """Whether a file is to be opened as a ZIP archive: by its ending, or by its first bytes."""
    if path.suffix.lower() == ".zip":
        return True
    try:
        with path.open("rb") as stream:
            return stream.read(4) == b"PK\x03\x04"
    except OSError:
        return False


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


class PartOfJob(Job):
    """A job inside a job: cancelled with it, and its progress counted on from ``done_before``."""

    def __init__(self, whole: Job, done_before: int, total: int | None) -> None:
        """Watch ``whole``; ``total`` is its number of pictures, None if not known."""

        def report(step: Step) -> None:
            whole.step(step.stage, done_before + (step.done or 0), total, unit="pictures", note=step.note)

        super().__init__(report)
        self._whole = whole

    @property
    def is_cancelled(self) -> bool:
        """Whether the whole job was cancelled."""
        return self._whole.is_cancelled

    def cancel(self) -> None:
        """Cancel the whole job."""
        self._whole.cancel()

    def check(self) -> None:
        """Raise Cancelled if the whole job was cancelled."""
        self._whole.check()

    def wait(self, seconds: float) -> None:
        """Sleep as the whole job does."""
        self._whole.wait(seconds)


def count_of(sources: Sequence[Source]) -> int | None:
    """How many pictures there will be; None when an archive must be opened to know."""
    has_archive = any(isinstance(source, Path) and is_archive(source) for source in sources)
    return None if has_archive else min(len(sources), MAX_PICTURES)
