"""Many photos: one row each, one file each, names that do not clash, faults that stop nothing."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import Cancelled, InputError
from core.tasks import Job
from demos.enhancement.batch import enhance_batch
from demos.enhancement.photo import read_photo
from tests.demos.enhancement.stubs import StubClip, StubLight
from tests.demos.enhancement.test_photo import saved
from tests.demos.enhancement.test_pipeline import backlit, jpeg


def test_files_archives_and_faults(tmp_path: Path) -> None:
    bright = saved(Image.fromarray(np.full((9, 9, 3), 230, np.uint8)), "PNG")
    packed = tmp_path / "more.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("in/me.jpg", jpeg())
    (tmp_path / "me.jpg").write_bytes(jpeg())
    into = io.BytesIO()
    sources = [tmp_path / "me.jpg", packed, ("=broken.png", b"\x89PNG\r\n\x1a\nx"), ("bright.png", bright)]
    done = enhance_batch(sources, into=into, light=StubLight(), clip=StubClip())
    assert [row.name for row in done.rows] == ["me.jpg", "more.zip/in/me.jpg", "=broken.png", "bright.png"]
    assert [row.entry for row in done.rows] == ["me-lit.jpg", "me-lit-2.jpg", "", "bright.png"]
    assert [row.is_unchanged for row in done.rows] == [False, False, False, True]
    assert "damaged" in done.rows[2].error
    with zipfile.ZipFile(into) as archive:
        assert archive.namelist() == ["me-lit.jpg", "me-lit-2.jpg", "bright.png", "light.csv"]
        assert archive.read("bright.png") == bright
        assert read_photo(archive.read("me-lit.jpg")).orientation == 6
        table = list(csv.DictReader(io.StringIO(archive.read("light.csv").decode())))
    assert [row["changed"] for row in table] == ["yes", "yes", "", "no"]
    assert table[2]["photo"] == "'=broken.png"
    assert float(table[0]["mean_after"]) > float(table[0]["mean_before"])


def test_nothing_given_and_cancel() -> None:
    with pytest.raises(InputError, match="no photo"):
        enhance_batch([], into=io.BytesIO(), light=StubLight())
    job = Job()
    job.cancel()
    data = saved(Image.fromarray(backlit()), "PNG")
    with pytest.raises(Cancelled):
        enhance_batch([("a.png", data)], into=io.BytesIO(), light=StubLight(), job=job)
