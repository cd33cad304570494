"""Many photos into one ZIP: each in its own format with its metadata, and a table of what was measured.

Photos are read, enhanced and written one after the other; a file that cannot be read becomes a row with its sentence.
"""

from __future__ import annotations

import csv
import io
import time
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO

from core.archives import read_zip
from core.errors import InputError
from core.image_text import ImageTextModel
from core.tasks import Job
from demos.enhancement.answers import Enhancement
from demos.enhancement.denoise import Denoiser
from demos.enhancement.methods import LightSource
from demos.enhancement.options import EnhanceOptions
from demos.enhancement.photo import read_photo
from demos.enhancement.pipeline import enhance

MAX_BATCH = 200  # photos
_TABLE = "light.csv"


@dataclass(frozen=True)
class BatchRow:
    """One photo of a batch.

    Attributes:
        name: File name, for a file of an archive ``archive.zip/name``.
        entry: Its name in the ZIP; empty where it could not be read.
        is_unchanged: Whether it was well lit already, or had nothing to lift.
        mean_luma: Before and after, in [0, 1].
        light: CLIP's opinion before and after; None where no CLIP was asked.
        error: Why it could not be read, one sentence; else empty.
    """

    name: str
    entry: str = ""
    is_unchanged: bool = False
    mean_luma: tuple[float, float] = (0.0, 0.0)
    light: tuple[float | None, float | None] = (None, None)
    error: str = ""


@dataclass(frozen=True)
class Batch:
    """What became of a batch.

    Attributes:
        rows: One a photo, in the order given.
        notes: Sentences for the visitor.
        seconds: Wall time of all, s.
    """

    rows: tuple[BatchRow, ...]
    notes: tuple[str, ...]
    seconds: float


def enhance_batch(
    sources: Iterable[Path | tuple[str, bytes]],
    options: EnhanceOptions | None = None,
    *,
    into: IO[bytes],
    light: LightSource | None,
    clip: ImageTextModel | None = None,
    denoiser: Denoiser | None = None,
    job: Job | None = None,
) -> Batch:
    """Enhance many photos into a ZIP.

    Args:
        sources: Files, ZIP archives (their pictures count singly), or (name, content) pairs; at most ``MAX_BATCH``.
        options: The same for all.
        into: A file open for writing bytes; gets the photos and ``light.csv``.
        light: The networks; None only for the methods without one.
        clip: Who judges the light; None leaves that out.
        denoiser: The diffusion model, where the options want one; None takes the filter.
        job: Told the photos done; asked for Cancel.

    Returns:
        A row a photo.

    Raises:
        InputError: no photo at all, or options that are wrong.
        Cancelled: the job was cancelled; what is in ``into`` is no whole ZIP.
    """
    start_s = time.perf_counter()
    options = options or EnhanceOptions()
    options.check()
    notes: list[str] = []
    rows: list[BatchRow] = []
    taken: set[str] = {_TABLE}
    with zipfile.ZipFile(into, "w", zipfile.ZIP_STORED) as archive:
        for name, content in _files(sources, notes, job):
            if len(rows) == MAX_BATCH:
                notes.append(f"Only the first {MAX_BATCH} photos were read.")
                break
            if job is not None:
                job.step("running", len(rows), unit="photos", note=PurePath(name).name[:40])
            try:
                photo = read_photo(content, name=PurePath(name).name)
                quiet = None if job is None else _Quiet(job)
                answer = enhance(photo, options, light=light, clip=clip, denoiser=denoiser, job=quiet)
            except InputError as error:
                rows.append(BatchRow(name, error=str(error)))
                continue
            rows.append(_row(name, _free(answer.name, taken), answer))
            archive.writestr(zipfile.ZipInfo(rows[-1].entry), answer.file)
        if not rows:
            raise InputError("There is no photo; give at least one file or a ZIP archive.")
        archive.writestr(zipfile.ZipInfo(_TABLE), table_of(rows))
    return Batch(tuple(rows), tuple(notes), time.perf_counter() - start_s)


class _Quiet(Job):
    """A job inside another: Cancel comes through, progress does not."""

    def __init__(self, outer: Job) -> None:
        super().__init__()
        self._outer = outer

    @property
    def is_cancelled(self) -> bool:
        return self._outer.is_cancelled

    def check(self) -> None:
        self._outer.check()


def _files(
    sources: Iterable[Path | tuple[str, bytes]], notes: list[str], job: Job | None
) -> Iterator[tuple[str, bytes | Path]]:
    """Names and contents; of archives one after the other."""
    for source in sources:
        if not isinstance(source, Path):
            yield source
        elif source.suffix.lower() == ".zip":
            for name, content in read_zip(source, job=job, note=notes.append):
                yield f"{source.name}/{name}", content
        else:
            yield source.name, source


def _free(name: str, taken: set[str]) -> str:
    """A name that no other photo of the ZIP has, on any system that knows no case."""
    path, number, wanted = PurePath(name), 2, name
    while wanted.lower() in taken:
        wanted = f"{path.stem}-{number}{path.suffix}"
        number += 1
    taken.add(wanted.lower())
    return wanted


def _row(name: str, entry: str, answer: Enhancement) -> BatchRow:
    means = (answer.tones_before.mean_luma, answer.tones_after.mean_luma)
    return BatchRow(name, entry, answer.is_unchanged, means, (answer.light_before, answer.light_after))


def table_of(rows: Iterable[BatchRow]) -> str:
    """The rows as CSV; names that a spreadsheet would take for a formula get an apostrophe in front."""
    buffer = io.StringIO()
    table = csv.writer(buffer)
    table.writerow(["photo", "file", "changed", "mean_before", "mean_after", "light_before", "light_after", "error"])
    for row in rows:
        name = f"'{row.name}" if row.name[:1] in "=+-@\t\r" else row.name
        lights = ["" if value is None else f"{value:.3f}" for value in row.light]
        means = [f"{value:.4f}" for value in row.mean_luma] if not row.error else ["", ""]
        changed = "" if row.error else "no" if row.is_unchanged else "yes"
        table.writerow([name, row.entry, changed, *means, *lights, row.error])
    return buffer.getvalue()
