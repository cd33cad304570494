"""The endpoints as programs meet them: gradio_client, and the very snippets that the tab shows."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from core import rle
from demos.segmentation.tab import ENDING, ENDPOINT
from demos.snippets import snippet_curl, snippet_python
from tests.demos.segmentation.stub_segmenter import StubSegmenter, picture
from tests.served import Served, serve

LABELS = "red, blue, green"


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serve(StubSegmenter()) as running:
        yield running


@pytest.fixture(scope="module")
def client(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Client:
    return Client(served.url, verbose=False, download_files=str(tmp_path_factory.mktemp("downloads")))


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"  # the name in the snippets; the content is what counts
    Image.fromarray(picture()).save(path, "PNG")
    return path


def test_picture_and_labels_suffice(client: Client, photo: Path) -> None:
    overlay, label_map, told = client.predict(handle_file(photo), LABELS, api_name=ENDPOINT)
    with Image.open(overlay) as image:
        assert image.size == (160, 120)
    with Image.open(label_map) as image:
        assert image.format == "PNG" and image.mode == "P"
        indices = np.array(image)
    assert told["size"] == [120, 160] and told["labels"] == ["red", "blue", "green"]
    assert {region["label"] for region in told["regions"]} == {"red", "blue", "green"}
    for region in told["regions"]:
        mask = rle.decode(region["rle"])
        left, top, right, bottom = region["bbox_xyxy"]
        assert mask.sum() == region["area"] and mask[top:bottom, left:right].sum() == region["area"]
        assert (indices[mask] == told["labels"].index(region["label"]) + 1).all()
        assert 0 <= region["score"] <= 1


def test_picture_alone_suffices(client: Client, photo: Path) -> None:
    *_, told = client.predict(handle_file(photo), "", vocabulary="red, blue, green, black", api_name=ENDPOINT)
    assert {"red", "blue", "green"} <= {region["label"] for region in told["regions"]}


def test_two_programs_do_not_meet(served: Served, photo: Path) -> None:
    """What one call found is no starting point of the next."""
    stub = served.model
    assert isinstance(stub, StubSegmenter)
    before = stub.automatic_runs
    for _ in range(2):
        Client(served.url, verbose=False).predict(handle_file(photo), LABELS, api_name=ENDPOINT)
    assert stub.automatic_runs == before + 2


@pytest.mark.parametrize(
    "change, words",
    [
        ({"labels": "= puppy"}, "no label before"),
        ({"way": "guess"}, "guess"),
        ({"threshold": 7}, "7"),
        ({"points_per_side": "5000"}, "5000"),
    ],
)
def test_a_bad_argument_is_a_sentence(client: Client, photo: Path, change: dict[str, Any], words: str) -> None:
    with pytest.raises((AppError, ValueError), match=words):
        client.predict(**{"image": handle_file(photo), "labels": LABELS, **change}, api_name=ENDPOINT)


def test_clicks(client: Client, photo: Path) -> None:
    told = client.predict(handle_file(photo), [[40, 50, True]], None, LABELS, api_name="/segment_click")
    best = told["candidates"][told["best"]]
    assert best["words"][0]["word"] == "red" and rle.decode(best["rle"])[50, 40]
    boxed = client.predict(handle_file(photo), None, [80, 20, 150, 80], LABELS, api_name="/segment_click")
    assert boxed["candidates"][boxed["best"]]["words"][0]["word"] == "blue"
    with pytest.raises(AppError, match="outside the picture of 160 x 120"):
        client.predict(handle_file(photo), [[400, 50, True]], api_name="/segment_click")


def test_many_pictures(client: Client, photo: Path) -> None:
    table, archive = client.predict([handle_file(photo)] * 2, LABELS, api_name="/segment_batch")
    assert table["count"] == 2 and not table["failed"]
    with zipfile.ZipFile(archive) as packed:
        assert "coco.json" in packed.namelist()


def test_the_python_that_the_tab_shows_runs(served: Served, photo: Path) -> None:
    code = snippet_python(served.url, ENDPOINT, {"labels": LABELS, "threshold": 0.4}, ENDING)
    ran = subprocess.run([sys.executable, "-c", code], cwd=photo.parent, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert sorted(line.split()[0] for line in ran.stdout.splitlines() if "[" in line) == ["blue", "green", "red"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_the_curl_that_the_tab_shows_runs(served: Served, photo: Path) -> None:
    code = snippet_curl(served.url, ENDPOINT, {"labels": 'it\'s "red"\nblue\ngreen'})
    ran = subprocess.run(["sh", "-c", code], cwd=photo.parent, capture_output=True, text=True, check=False)
    lines = [line for line in ran.stdout.splitlines() if line.startswith("data:")]
    answer = json.loads(lines[-1][len("data:") :])
    assert [Path(answer[0]["path"]).name, Path(answer[1]["path"]).name] == ["overlay.jpg", "labels.png"]
    assert answer[2]["labels"] == ['it\'s "red"', "blue", "green"]
