"""The evaluator of both protocols: known answers, and labels of strangers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import InputError
from demos.gaussians.evaluate import (
    Row,
    Scores,
    evaluate_pictures,
    evaluate_scene,
    iou_of,
    is_in_a_box,
    read_lerf_labels,
)
from tests.demos.gaussians.test_pipeline import SHARP
from tests.demos.gaussians.worlds import BALLS, World, world
from tests.stub_model import StubModel

SMALL = {"width": 4, "height": 4}
LINE = {"category": "a", "bbox": [0, 0, 1, 1], "segmentation": [[0, 0], [1, 1]]}


@pytest.fixture(scope="module")
def known() -> World:
    return world()


def label(known: World, names: tuple[str, ...] = BALLS) -> dict[str, Any]:
    """Discs around the balls, as LERF-OVS writes polygons."""
    things = []
    for name in names:
        (u, v), depth = (row[0] for row in known.camera.project([(BALLS.index(name) - 1.5, 0.0, 0.4)]))
        radius = 0.41 * known.camera.fx / depth  # centres lie 0.3 from the middle, and each is 0.06 wide
        angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        ring = np.column_stack([u + radius * np.cos(angles), v + radius * np.sin(angles)])
        box = [u - radius, v - radius, u + radius, v + radius]
        things.append({"category": name, "bbox": box, "segmentation": ring.tolist()})
    size = {"name": "frame_00002.jpg", "width": known.camera.width, "height": known.camera.height}
    return {"info": size, "objects": things}


def written(folder: Path, content: object, name: str = "frame_00002.json") -> Path:
    (folder / name).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return folder


def test_both_protocols_find_the_balls(known: World, tmp_path: Path) -> None:
    views = read_lerf_labels(written(tmp_path, label(known)), [known.camera.resized(9, 9), known.camera])
    handle, model = known.opened(), StubModel()
    by_picture = evaluate_pictures(handle, views, SHARP, model=model)
    assert by_picture.localisation == 1.0 and by_picture.miou > 0.75
    by_scene = evaluate_scene(handle, views, SHARP, model=model)
    assert by_scene.miou > 0.75 and by_scene.accuracy_at_quarter == 1.0
    assert [row.query for row in by_scene.rows] == list(BALLS)


def test_wrong_labels_score_low(known: World, tmp_path: Path) -> None:
    content = label(known)
    for thing, other in zip(content["objects"], (*BALLS[1:], BALLS[0]), strict=True):
        thing["category"] = other
    views = read_lerf_labels(written(tmp_path, content), [known.camera, known.camera])
    scores = evaluate_pictures(known.opened(), views, SHARP, model=StubModel())
    assert scores.localisation == 0.0 and scores.miou < 0.1


def test_one_category_twice_is_one_mask_with_two_boxes(known: World, tmp_path: Path) -> None:
    content = label(known)
    for thing in content["objects"][:2]:
        thing["category"] = "ball"
    (view,) = read_lerf_labels(written(tmp_path, content), [known.camera, known.camera])
    assert len(view.boxes["ball"]) == 2 and set(view.masks) == {"ball", "blue", "yellow"}
    assert view.masks["ball"].sum() > 1.4 * view.masks["blue"].sum()


def test_averages() -> None:
    rows = (Row("a", "x", 0.2, True, "part", 0.9), Row("a", "y", 0.6, False, "part", 0.9))
    scores = Scores(rows)
    assert (scores.miou, scores.localisation, scores.accuracy_at_quarter) == (pytest.approx(0.4), 0.5, 0.5)
    assert Scores((replace(rows[0], is_hit=None),)).localisation == 0.0
    assert Scores(()).miou == 0.0


def test_measures() -> None:
    one, other = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    assert iou_of(one, other) == 0.0
    one[:2], other[1:3] = True, True
    assert iou_of(one, other) == pytest.approx(4 / 12)
    assert is_in_a_box(np.array([[9, 9], [2, 3]]), [(2, 3, 4, 5)])
    assert not is_in_a_box(np.array([[5, 3]]), [(2, 3, 4, 5)])


@pytest.mark.parametrize(
    "content, name, sentence",
    [
        ("{", "frame_00002.json", "no label file"),
        ({"objects": []}, "frame_00002.json", "no label file"),
        ({"info": SMALL, "objects": [LINE]}, "frame_00002.json", "polygon"),
        ({"info": {"width": 10**6, "height": 4}, "objects": []}, "frame_00002.json", "pixels"),
        ({"info": SMALL, "objects": []}, "frame_00003.json", "not there"),
        ({"info": SMALL, "objects": []}, "frame_x.json", "not there"),
        ({}, "other.json", "no labels"),
    ],
)  # fmt: skip
def test_bad_labels(known: World, tmp_path: Path, content: object, name: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_lerf_labels(written(tmp_path, content, name), [known.camera, known.camera])
