"""Batches: everything lands in the ZIP, bad files stop nothing, names never collide."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pycocotools.coco import COCO

from core.errors import Cancelled, InputError
from core.tasks import Job, Step
from demos.segmentation import batch
from demos.segmentation.batch import segment_batch
from demos.segmentation.pipeline import segment
from tests.demos.segmentation.stub_sam import StubSam
from tests.demos.segmentation.test_pipeline import PLAIN, TWO, DenseStub, scene


def png(rgb: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "PNG")
    return stream.getvalue()


ONE = scene(("blue", (10, 10, 30, 30)))


def test_a_zip_of_frames_becomes_a_zip_of_answers(tmp_path: Path) -> None:
    frames = tmp_path / "frames.zip"
    with zipfile.ZipFile(frames, "w") as archive:
        archive.writestr("a/1.png", png(TWO.rgb))
        archive.writestr("b/1.png", png(ONE.rgb))
    out = io.BytesIO()
    steps: list[Step] = []
    done = segment_batch(
        [frames, ("bad.png", b"nothing"), ("x.png", png(ONE.rgb[:1]))], "red, blue", PLAIN,
        into=out, clip=DenseStub(), sam=StubSam(), job=Job(steps.append),
    )  # fmt: skip
    assert [row.name for row in done.rows] == ["frames.zip/a/1.png", "frames.zip/b/1.png", "bad.png", "x.png"]
    assert [row.entry for row in done.rows] == ["1", "1-2", "", ""]
    assert "no picture" in done.rows[2].error and "at least 2 x 2" in done.rows[3].error
    assert [label for label, _ in done.rows[0].labels] == ["blue", "red"] and done.rows[1].regions == 1
    assert done.models == ("stub", "stub-sam")
    with zipfile.ZipFile(out) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == [
            "coco.json", "label_maps/1-2.png", "label_maps/1.png", "not_read.txt", "overlays/1-2.jpg",
            "overlays/1.jpg", "regions.csv",
        ]  # fmt: skip
        maps = np.asarray(Image.open(archive.open("label_maps/1.png")))
        told = json.loads(archive.read("coco.json"))
        table = list(csv.DictReader(io.StringIO(archive.read("regions.csv").decode(), newline="")))
        assert Image.open(archive.open("overlays/1.jpg")).size == (96, 64)
    alone = segment(TWO, "red, blue", PLAIN, clip=DenseStub(), sam=StubSam())
    assert (maps == alone.label_map).all()
    assert [image["file_name"] for image in told["images"]] == ["frames.zip/a/1.png", "frames.zip/b/1.png"]
    assert {row["picture"] for row in table} == {"frames.zip/a/1.png", "frames.zip/b/1.png"}
    path = tmp_path / "coco.json"
    path.write_text(json.dumps(told))
    with contextlib.redirect_stdout(io.StringIO()):
        read = COCO(path)
    assert (read.annToMask(read.loadAnns(read.getAnnIds(imgIds=2))[0]).astype(bool) == (ONE.rgb[..., 2] == 220)).all()
    counted = [step.done for step in steps if step.unit == "pictures" and step.done is not None]
    assert counted == sorted(counted)


def test_too_many_frames_are_cut_with_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "MAX_BATCH", 2)
    sources = [(f"{n}.png", png(ONE.rgb)) for n in range(4)]
    done = segment_batch(sources, "blue, red", PLAIN, into=io.BytesIO(), clip=DenseStub(), sam=StubSam())
    assert len(done.rows) == 2 and any("first 2 pictures" in note for note in done.notes)


def test_wrong_labels_and_no_picture_stop_before_a_model_runs() -> None:
    sam = StubSam()
    with pytest.raises(InputError, match="no picture"):
        segment_batch([], "red", PLAIN, into=io.BytesIO(), clip=DenseStub(), sam=sam)
    with pytest.raises(InputError, match="synonyms"):
        segment_batch([("a.png", png(ONE.rgb))], "=red", PLAIN, into=io.BytesIO(), clip=DenseStub(), sam=sam)
    assert sam.runs == 0


def test_cancel_stops_a_batch() -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        segment_batch(
            [("a.png", png(ONE.rgb))], "red", PLAIN, into=io.BytesIO(), clip=DenseStub(), sam=StubSam(), job=job
        )
