"""What goes to the page: maps that come back to the last id, masks as bits, lines for people."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from demos.segmentation import present
from demos.segmentation.answers import ClickAnswer
from tests.demos.segmentation.test_edits import candidate, halves


def unpacked(packed: dict[str, Any]) -> np.ndarray:
    """The slow twin of unpackMap in assets/views/segment_map.js."""
    raw = zlib.decompress(base64.b64decode(packed["data"]))
    rows = np.frombuffer(raw, "u1" if packed["bits"] == 8 else "<u2").reshape(packed["height"], packed["width"]).copy()
    for row in range(1, len(rows)):
        rows[row] ^= rows[row - 1]
    return rows


@settings(max_examples=80, deadline=None)
@given(arrays(np.int32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 65_535)))
def test_maps_come_back(cells: np.ndarray) -> None:
    packed = present.packed_map(cells)
    assert (unpacked(packed) == cells).all()
    assert packed["bits"] == (8 if cells.max() < 256 else 16)


def test_ids_too_large_for_a_map_are_refused() -> None:
    with pytest.raises(ValueError, match="65,535"):
        present.packed_map(np.array([[70_000]]))
    with pytest.raises(ValueError, match="-1"):
        present.packed_map(np.array([[-1]]))


def test_a_map_of_a_hundred_regions_is_small() -> None:
    rng = np.random.default_rng(5)
    centres = rng.random((100, 2)) * (768, 1024)
    y, x = np.mgrid[:768, :1024]
    nearest = np.full((768, 1024), np.inf)
    ids = np.zeros((768, 1024), np.int32)
    for number, (row, column) in enumerate(centres, 1):
        distance = (y - row) ** 2 + (x - column) ** 2
        ids[distance < nearest] = number
        nearest = np.minimum(nearest, distance)
    assert len(present.packed_map(ids)["data"]) < 30_000


def test_shrinking_keeps_ids_and_shape() -> None:
    cells = np.repeat(np.repeat(np.arange(12).reshape(3, 4), 100, 0), 100, 1)
    small = present.shrunk(cells, 40)
    assert small.shape == (30, 40) and set(small.ravel()) == set(range(12))
    assert present.shrunk(cells, 4).tolist() == np.arange(12).reshape(3, 4).tolist()
    assert present.shrunk(cells, 400) is cells


def test_masks_are_bits() -> None:
    first, second = np.eye(3, dtype=bool), np.ones((3, 3), bool)
    assert present.mask_bits((first, second)).tolist() == [[3, 2, 2], [2, 3, 2], [2, 2, 3]]


def test_heat_is_one_word_after_the_other() -> None:
    maps = np.zeros((2, 3, 2), np.float32)
    maps[..., 1] = 1.0
    maps[0, 0, 0] = 0.5
    packed = present.packed_heat(maps, ("a", "b"))
    steps = np.frombuffer(zlib.decompress(base64.b64decode(packed["data"])), np.uint8).reshape(2, 2, 3)
    assert steps[0].tolist() == [[128, 0, 0], [0, 0, 0]] and (steps[1] == 255).all()
    assert (packed["width"], packed["height"], packed["names"]) == (3, 2, ["a", "b"])


def test_an_answer_is_json() -> None:
    value = json.loads(json.dumps(present.answer_value(halves(), 7)))
    assert value["serial"] == 7 and [row["name"] for row in value["labels"]] == ["other", "cat", "dog"]
    assert value["labels"][1]["colour"] == "#0a0000" and value["regions"][0]["words"][0]["word"] == "cat"
    assert (unpacked(value["map"]) == halves().region_map).all()


def test_what_a_click_found_is_json() -> None:
    masks = [np.zeros((12, 16), bool) for _ in range(3)]
    for index, mask in enumerate(masks):
        mask[: index + 1, :4] = True
    answer = ClickAnswer(tuple(candidate(mask) for mask in masks), 2, 0.0837, ("clip", "sam"), ())
    value = json.loads(json.dumps(present.found_value(answer, 3)))
    assert value["best"] == 2 and value["serial"] == 3 and value["foot"] == "84 ms with clip and sam."
    assert [(unpacked(value["map"]) >> i & 1).sum() for i in range(3)] == [4, 8, 12]


@pytest.mark.parametrize("seconds, words", [(0.0837, "84 ms"), (0.9996, "1.0 s"), (12.34, "12.3 s")])
def test_times_are_for_people(seconds: float, words: str) -> None:
    assert present.seconds_words(seconds) == words


def test_the_foot_names_time_and_models() -> None:
    seconds = {"regions": 1.1, "dense": 0.2, "words": 0.03, "label": 0.01}
    assert present.foot(seconds, ("a", "b")) == (
        "1.3 s with a and b: finding regions 1.1 s, dense features 200 ms, words 30 ms, naming 10 ms."
    )
    assert present.foot(seconds, ("a", "b"), is_kept=True) == (
        "40 ms with a and b; what they saw is kept from before (1.3 s)."
    )
