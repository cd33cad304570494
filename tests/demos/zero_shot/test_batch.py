"""Batches: a bad file is a row, a table is inert in a spreadsheet, memory holds a chunk."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core import sources
from core.errors import Cancelled, InputError
from core.images import Picture
from core.sources import count_of, read_sources
from core.tasks import Job, Step
from demos.zero_shot import batch
from demos.zero_shot.batch import Row, Table, chunks, inert
from demos.zero_shot.options import NONE_OF_THESE, Options, Scored
from demos.zero_shot.pipeline import classify, classify_batch
from tests.stub_model import StubModel, solid

LABELS = "red\ngreen\nblue"


def png(colour: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(solid(colour)).save(buffer, "PNG")
    return buffer.getvalue()


def saved(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def archive(folder: Path, files: dict[str, bytes], name: str = "many.zip") -> Path:
    with zipfile.ZipFile(folder / name, "w") as out:
        for inner, data in files.items():
            out.writestr(inner, data)
    return folder / name


def test_rows_follow_the_files_and_bad_ones_are_rows(tmp_path: Path) -> None:
    files = [
        saved(tmp_path, "a.png", png("red")),
        saved(tmp_path, "b.png", b"no picture at all"),
        archive(tmp_path, {"in/c.png": png("blue"), "d.png": b"", "notes.txt": b"x"}),
        tmp_path / "missing.png",
        saved(tmp_path, "e.png", png("green")),
    ]
    table = classify_batch(files, LABELS, model=StubModel())
    names = ["a.png", "b.png", "many.zip/in/c.png", "many.zip/d.png", "missing.png", "e.png"]
    assert [row.name for row in table.rows] == names
    assert [row.label for row in table.rows] == ["red", "", "blue", "", "", "green"]
    assert [bool(row.error) for row in table.rows] == [False, True, False, True, True, False]
    assert all(row.error.endswith(".") and str(tmp_path) not in row.error for row in table.rows if row.error)
    assert any("notes.txt" in note for note in table.notes)


def test_batch_equals_the_loop(tmp_path: Path) -> None:
    colours = ["red", "yellow", "gray", "blue"]
    files = [saved(tmp_path, f"{colour}.png", png(colour)) for colour in colours]
    table = classify_batch(files, LABELS, Options(unknown_threshold=0.5), model=StubModel())
    for row, colour in zip(table.rows, colours, strict=True):
        one = classify(Picture(solid(colour)), LABELS, Options(unknown_threshold=0.5), model=StubModel())
        assert row.label == one.label and row.unknown_value == pytest.approx(one.unknown_value)
        assert [s.label for s in row.ranked] == [s.label for s in one.ranked]
        assert [s.confidence for s in row.ranked] == pytest.approx([s.confidence for s in one.ranked])
    assert [row.label for row in table.rows] == ["red", NONE_OF_THESE, NONE_OF_THESE, "blue"]


def test_broken_archive_keeps_what_was_read_before(tmp_path: Path) -> None:
    path = archive(tmp_path, {"a.png": png("red"), "b.png": png("blue")})
    data = bytearray(path.read_bytes())
    data[data.find(b"PK\x03\x04", 10) + 60] ^= 0xFF  # inside the second picture
    path.write_bytes(bytes(data))
    rows = classify_batch([path, saved(tmp_path, "c.png", png("green"))], LABELS, model=StubModel()).rows
    assert [row.label for row in rows] == ["red", "", "green"] and "damaged" in rows[1].error


def test_archive_is_known_by_its_content(tmp_path: Path) -> None:
    path = archive(tmp_path, {"a.png": png("red")}, name="upload.bin")
    assert [row.label for row in classify_batch([path], LABELS, model=StubModel()).rows] == ["red"]


def test_all_files_bad_is_still_a_table(tmp_path: Path) -> None:
    rows = classify_batch([("x.png", b""), ("y.png", b"zz")], LABELS, model=StubModel()).rows
    assert [bool(row.error) for row in rows] == [True, True]


def test_nothing_given() -> None:
    with pytest.raises(InputError, match="no picture"):
        classify_batch([], LABELS, model=StubModel())


def test_wrong_labels_stop_before_any_picture_is_read() -> None:
    with pytest.raises(InputError, match="no label"):
        classify_batch([("x.png", b"")], " ", model=StubModel())


def test_too_many_pictures_are_cut_with_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_PICTURES", 3)
    table = classify_batch([(f"{i}.png", png("red")) for i in range(5)], LABELS, model=StubModel())
    assert len(table.rows) == 3 and any("first 3 pictures" in note for note in table.notes)


def test_texts_are_encoded_once_and_pictures_in_chunks() -> None:
    model = StubModel()
    classify_batch([(f"{i}.png", png("red")) for i in range(70)], LABELS, model=model)
    assert model.image_batches == [32, 32, 6] and len(model.texts_seen) == 3


def test_chunks_by_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "CHUNK_PIXELS", 2_500)
    pictures = [(str(i), Picture(np.zeros((30, 30, 3), np.uint8))) for i in range(5)]
    assert [len(chunk) for chunk in chunks(pictures)] == [2, 2, 1]
    assert [name for chunk in chunks(pictures) for name, _ in chunk] == list("01234")


def test_reading_is_lazy() -> None:
    """Only the chunk at hand is decoded."""
    read = []

    def sources():
        for i in range(100):
            read.append(i)
            yield f"{i}.png", png("red")

    next(chunks(read_sources(sources(), note=lambda note: None)))
    assert len(read) <= batch.CHUNK_PICTURES + 1


def test_progress_counts_through_and_cancel_stops() -> None:
    steps: list[Step] = []
    job = Job(steps.append)
    classify_batch([(f"{i}.png", png("red")) for i in range(40)], LABELS, model=StubModel(), job=job)
    pictures = [step for step in steps if step.unit == "pictures"]
    assert [step.done for step in pictures] == sorted(step.done for step in pictures)  # type: ignore[type-var]
    assert pictures[-1].done == 39 and pictures[-1].total == 40

    job = Job(lambda step: job.cancel() if step.unit == "pictures" and step.done == 3 else None)
    model = StubModel()
    with pytest.raises(Cancelled):
        classify_batch([(f"{i}.png", png("red")) for i in range(40)], LABELS, model=model, job=job)
    assert model.images_seen == 0


def test_count_is_known_without_archives(tmp_path: Path) -> None:
    assert count_of([("a", b""), tmp_path / "b.png"]) == 2
    assert count_of([archive(tmp_path, {"a.png": b""})]) is None


# --- exports --------------------------------------------------------------------------------------------------------

ROWS = (
    Row("=cmd|' /C calc'!A0.png", "+1", (Scored("+1", 0.75, -0.25), Scored("@b", 0.25, 0.5)), 0.5),
    Row('a, "b"\n.png', error="a.png is empty (0 bytes)."),
)
TABLE = Table(ROWS, ("+1", "@b"), ("a note",), "stub", 1.5)


def test_csv_is_inert_and_readable() -> None:
    rows = list(csv.reader(io.StringIO(TABLE.to_csv(), newline="")))
    assert rows[0] == ["name", "label", "confidence", "cosine", "error", "'+1", "'@b"]
    assert rows[1] == ["'=cmd|' /C calc'!A0.png", "'+1", "0.750000", "-0.250000", "", "0.750000", "0.250000"]
    assert rows[2] == ['a, "b"\n.png', "", "", "", "a.png is empty (0 bytes).", "", ""]


@given(st.text(max_size=20))
def test_no_text_cell_starts_a_formula(text: str) -> None:
    cell = inert(text)
    assert cell.lstrip(" ")[:1] not in tuple("=+-@\t\r\n|%") or not cell.strip(" ")
    assert cell in (text, "'" + text)


@pytest.mark.parametrize("text", ["=1+1", "  =1", "+1", "-1", "@x", "\t=1", "\r=1", "%0", "|x"])
def test_known_injections_are_defused(text: str) -> None:
    assert inert(text) == "'" + text


def test_many_labels_give_no_column_each() -> None:
    ranking = tuple(Scored(str(i), 0.1, 0.1) for i in range(200))
    table = Table((Row("a.png", "0", ranking),), tuple(str(i) for i in range(200)), (), "stub", 0)
    assert table.to_csv().splitlines()[0] == "name,label,confidence,cosine,error"


def test_json_round_trip() -> None:
    whole = json.loads(TABLE.to_json())
    assert whole["model"] == "stub" and whole["notes"] == ["a note"]
    assert whole["rows"][0]["confidences"][0] == {"label": "+1", "confidence": 0.75, "cosine": -0.25}
    assert whole["rows"][1] == {
        "name": 'a, "b"\n.png',
        "label": "",
        "confidences": [],
        "error": "a.png is empty (0 bytes).",
    }
