"""The layouts of the bundled scenes, and their truth from the generator's labels to the benchmark and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.scenes_truth import TRUTH, read_truth
from demos.gaussians.samples import bundled
from training.scenes.layouts import HELD_OUT_VIEWS, LAYOUTS, TRAIN_VIEWS, cameras, toybox_scene
from training.scenes.truth import LABELLED_TRAIN_VIEWS, queries_of, write_truth
from training.toybox.camera import Camera, orbit
from training.toybox.render import SceneObject, View
from training.toybox.scene import PartLabel

MUG, BALL = 1, 2
BODY, HANDLE, ROUND = 1, 2, 3


def _object(number: int, name: str, colour: str) -> SceneObject:
    return SceneObject(number, name, colour, "", 0.1, (0.0, 0.0, 0.0), 9, (0, 0, 9, 9), (4.0, 4.0), 1.0, None)


def _view(parts: NDArray[np.int32], camera: Camera) -> View:
    """A mug of a body and a handle, and a ball, as the renderer labels them."""
    rows = ((BODY, "body", MUG), (HANDLE, "handle", MUG), (ROUND, "ball", BALL))
    labels = tuple(PartLabel(number, name, owner, "red", (1.0, 0.0, 0.0)) for number, name, owner in rows)
    rgb, depth = np.zeros((*parts.shape, 3), np.uint8), np.ones(parts.shape, np.float32)
    things = (_object(MUG, "mug", "red"), _object(BALL, "ball", "blue"))
    return View(rgb, (parts > 0).astype(np.int32), parts, depth, camera, things, labels)


def _camera(azimuth_deg: float) -> Camera:
    return orbit(np.zeros(3), 1.0, azimuth_deg, 30.0, fov_deg=40.0, width_px=24, height_px=16)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_holds_a_dozen_things_that_all_cameras_look_at(name: str) -> None:
    scene = toybox_scene(name)
    assert len(scene.objects) == 12
    train, held_out = cameras(name)
    assert (len(train), len(held_out)) == (TRAIN_VIEWS, HELD_OUT_VIEWS)
    places = {tuple(np.round(camera.world_to_cam[:3, 3], 6)) for camera in (*train, *held_out)}
    assert len(places) == TRAIN_VIEWS + HELD_OUT_VIEWS  # no held-out view is a training view
    target = np.append(LAYOUTS[name].target, 1.0)
    for camera in (*train, *held_out):
        x, y, z = (camera.world_to_cam @ target)[:3]
        assert z > 0.5 and abs(x / z) < 0.15 and abs(y / z) < 0.15


def test_what_stands_on_something_stands_on_its_top() -> None:
    names = [thing.name for thing in LAYOUTS["room"].things]
    table, lamp = (toybox_scene("room").objects[names.index(name)] for name in ("table", "lamp"))
    assert lamp.position[2] == pytest.approx(table.toy.height * table.size_m)


def test_queries_name_things_colours_and_parts_that_can_be_seen() -> None:
    view = _view(np.zeros((16, 24), np.int32), _camera(0.0))
    asked = queries_of(view, {BODY: 500.0, HANDLE: 80.0, ROUND: 90.0})
    assert [(row["query"], row["kind"], row["parts"]) for row in asked] == [
        ("mug", "object", [BODY, HANDLE]),
        ("red mug", "attribute", [BODY, HANDLE]),
        ("handle of the mug", "part", [HANDLE]),
        ("ball", "object", [ROUND]),
        ("blue ball", "attribute", [ROUND]),
    ]
    hardly = queries_of(view, {BODY: 500.0, HANDLE: 10.0, ROUND: 90.0})
    assert "handle of the mug" not in [row["query"] for row in hardly]


def test_truth_comes_back(tmp_path: Path) -> None:
    parts = np.zeros((16, 24), np.int32)
    parts[2:14, 2:12], parts[4:10, 12:22] = BODY, HANDLE
    train = [_view(parts, _camera(10.0 * i)) for i in range(LABELLED_TRAIN_VIEWS)]
    held_out = [_view(np.roll(parts, 1, axis=1), _camera(5.0))]
    count = write_truth(tmp_path / TRUTH, train, held_out)
    truth = read_truth(tmp_path / TRUTH)
    assert len(truth.queries) == count == 5
    assert truth.is_held_out.tolist() == [False] * LABELLED_TRAIN_VIEWS + [True]
    (view,) = truth.held_out()
    np.testing.assert_array_equal(view.masks["handle of the mug"], held_out[0].parts == HANDLE)
    assert view.boxes["handle of the mug"] == ((13.0, 4.0, 22.0, 9.0),)
    assert "ball" not in view.masks  # no view shows it
    np.testing.assert_allclose(view.camera.world_to_cam, held_out[0].camera.world_to_cam)


def test_more_parts_than_the_file_can_number_are_refused(tmp_path: Path) -> None:
    parts = np.full((16, 24), 256, np.int32)
    with pytest.raises(ValueError, match="256 parts"):
        write_truth(tmp_path / TRUTH, [_view(parts, _camera(0.0))] * 2, [])


def test_bundled_scenes_come_with_thirty_queries_and_their_cards() -> None:
    trained = [f"{name}-langsplat" for name in LAYOUTS]
    assert [sample.name for sample in bundled()] == [*LAYOUTS, *trained]
    for sample in bundled():
        truth = read_truth(sample.path.with_name(TRUTH))
        assert len(truth.queries) >= 30 and {query.kind for query in truth.queries} == {"object", "attribute", "part"}
        assert int(truth.is_held_out.sum()) == HELD_OUT_VIEWS
        for path in sample.path.parent.iterdir():
            assert path.stat().st_size < 6_000_000
