"""Many pictures, or the frames of a video, into one ZIP: overlays, label maps, COCO JSON and a table.

Pictures are read, segmented and written one after the other; of each that is done only its rows and run lengths stay
in memory. A file that cannot be read becomes a row with its sentence and stops nothing.
"""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO

from PIL import Image

from core.errors import InputError
from core.images import Picture
from core.sources import PartOfJob, Source, count_of, read_sources
from core.tasks import Job
from demos.segmentation.analysis import MaskModel
from demos.segmentation.annotations import Coco
from demos.segmentation.answers import Segmentation
from demos.segmentation.exports import label_map_png, picture_stem, regions_csv, zip_entry
from demos.segmentation.features import DenseModel
from demos.segmentation.options import SegmentOptions
from demos.segmentation.paint import overlay
from demos.segmentation.pipeline import segment
from demos.segmentation.words import Labels, read_words

MAX_BATCH = 300  # pictures or frames
JPEG_QUALITY = 90
MOST_SHOWN = 3  # labels of a picture in its row


@dataclass(frozen=True)
class BatchRow:
    """One picture of a batch.

    Attributes:
        name: File name, for a file of an archive ``archive.zip/name``.
        entry: Stem of its files in the ZIP; empty where it could not be read.
        labels: Its largest labels with their share of the picture, at most ``MOST_SHOWN``.
        regions: How many regions carry a label.
        seconds: Wall time, s.
        error: Why it could not be read, one sentence; else empty.
    """

    name: str
    entry: str = ""
    labels: tuple[tuple[str, float], ...] = ()
    regions: int = 0
    seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True)
class Batch:
    """What became of a batch.

    Attributes:
        rows: One a picture, in the order given.
        notes: Sentences for the visitor.
        models: Names of the models.
        seconds: Wall time of all, s.
    """

    rows: tuple[BatchRow, ...]
    notes: tuple[str, ...]
    models: tuple[str, ...]
    seconds: float


def segment_batch(
    sources: Iterable[Source],
    labels: Labels = "",
    options: SegmentOptions | None = None,
    *,
    into: IO[bytes],
    clip: DenseModel,
    sam: MaskModel | None,
    job: Job | None = None,
) -> Batch:
    """Segment many pictures into a ZIP.

    Args:
        sources: Picture files, ZIP archives (their pictures count singly), or (name, content) pairs; at most
            ``MAX_BATCH`` pictures are read.
        labels: As for :func:`demos.segmentation.pipeline.label`; the same for all.
        options: The same for all.
        into: A file open for writing bytes; gets ``overlays/NAME.jpg``, ``label_maps/NAME.png``, ``coco.json``,
            ``regions.csv`` and, where something could not be read, ``not_read.txt``.
        clip: The encoder.
        sam: The mask model; None for the way "dense".
        job: Told the pictures done; asked for Cancel.

    Returns:
        A row a picture.

    Raises:
        InputError: no picture at all, or labels and options that are wrong for every picture.
        Cancelled: the job was cancelled; what is in ``into`` is no whole ZIP.
    """
    start_s = time.perf_counter()
    options = options or SegmentOptions()
    options.check()
    given = list(sources)
    if not given:
        raise InputError("There is no picture; give at least one file or a ZIP archive.")
    if not isinstance(labels, str) or labels.strip():
        read_words(labels)
    notes: list[str] = []
    total = count_of(given, MAX_BATCH)
    rows: list[BatchRow] = []
    models: tuple[str, ...] = (clip.name,)
    with zipfile.ZipFile(into, "w", zipfile.ZIP_STORED) as archive:
        written = _Writer(archive)
        for name, picture in read_sources(given, note=notes.append, most=MAX_BATCH, job=job):
            if isinstance(picture, InputError):
                rows.append(BatchRow(name, error=str(picture)))
                continue
            part = None if job is None else PartOfJob(job, len(rows), total, is_one_picture=True)
            begin_s = time.perf_counter()
            try:
                answer = segment(picture, labels, options, clip=clip, sam=sam, job=part)
            except InputError as error:  # too small a picture, say; labels were read before
                rows.append(BatchRow(name, error=str(error)))
                continue
            models = answer.models
            entry = written.add(name, picture, answer, job)
            rows.append(_row(name, entry, answer, time.perf_counter() - begin_s))
        written.close(rows)
    return Batch(tuple(rows), tuple(notes), models, time.perf_counter() - start_s)


class _Writer:
    """The ZIP while it grows."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names: set[str] = set()
        self._coco = Coco()
        self._table: list[str] = []

    def add(self, name: str, picture: Picture, answer: Segmentation, job: Job | None) -> str:
        """Write one picture's files; returns their stem."""
        # One stem for all of a picture's files, so the name is made free once.
        entry = zip_entry(f"{picture_stem(name)}.png", self._names, is_packed=False).filename[: -len(".png")]
        stream = io.BytesIO()
        Image.fromarray(overlay(picture.rgb, answer)).save(stream, "JPEG", quality=JPEG_QUALITY, subsampling=0)
        self._write(f"overlays/{entry}.jpg", stream.getvalue())
        self._write(f"label_maps/{entry}.png", label_map_png(answer))
        self._coco.add(name, answer, job=job)
        table = regions_csv([(name, answer)])
        self._table.append(table if not self._table else table.split("\r\n", 1)[1])
        return entry

    def close(self, rows: Iterable[BatchRow]) -> None:
        """Write what belongs to all pictures."""
        self._write("coco.json", self._coco.text().encode(), is_packed=True)
        self._write("regions.csv", ("".join(self._table) or regions_csv([])).encode(), is_packed=True)
        failed = [f"{row.name}: {row.error}\n" for row in rows if row.error]
        if failed:
            self._write("not_read.txt", "".join(failed).encode(), is_packed=True)

    def _write(self, name: str, content: bytes, *, is_packed: bool = False) -> None:
        self._archive.writestr(zip_entry(name, set(), is_packed=is_packed), content)


def _row(name: str, entry: str, answer: Segmentation, seconds: float) -> BatchRow:
    best = sorted(answer.labels[1:], key=lambda row: -row.share)[:MOST_SHOWN]
    labels = tuple((row.name, row.share) for row in best if row.regions)
    return BatchRow(name, entry, labels, sum(1 for region in answer.regions if region.label_index), seconds)
