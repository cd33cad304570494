"""The segmentation benchmark's own arithmetic: IoU, recall, agreement, scenes and labels, the plain pipeline."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import segment
from benchmarks.measure import Measurement
from benchmarks.segment_scenes import (
    BUNDLED,
    DISTRACTORS,
    Confusion,
    agreement,
    bundle,
    overlap,
    read_scenes,
    recall,
)


def _mask(columns: slice) -> np.ndarray:
    mask = np.zeros((4, 10), bool)
    mask[:, columns] = True
    return mask


def test_iou_is_counted_over_all_scenes() -> None:
    found = Confusion(3)
    found.add(np.array([[1, 1, 0, 0]]), np.array([[1, 2, 0, 0]]))
    found.add(np.array([[1, 1, 2, 2]]), np.array([[1, 1, 2, 0]]))
    np.testing.assert_allclose(found.iou[:3], [2 / 3, 3 / 4, 1 / 3])
    assert np.isnan(found.iou[3]) and found.mean_iou == pytest.approx((3 / 4 + 1 / 3) / 2)


def test_a_class_that_is_nowhere_costs_only_what_it_takes_away() -> None:
    found = Confusion(2)
    found.add(np.array([[1, 1]]), np.array([[1, 2]]))
    assert found.mean_iou == pytest.approx(0.5)


def test_recall_and_agreement() -> None:
    left, right, most = _mask(slice(0, 5)), _mask(slice(5, 10)), _mask(slice(0, 8))
    assert overlap(left, most) == pytest.approx(5 / 8) and overlap(left, right) == 0.0
    assert recall([left, right], [most]) == (1, 2) and recall([left], []) == (0, 1)
    assert agreement([left, right], [right, left]) == pytest.approx(1.0)
    assert agreement([left, right], [most]) == pytest.approx(5 / 8 / 2)
    assert agreement([], []) == 1.0 and agreement([left], []) == 0.0


def test_bundled_scenes_hold_what_they_say() -> None:
    scenes, classes = read_scenes(BUNDLED)
    assert len(scenes) == 24 and len(set(classes)) == len(classes)
    for scene in scenes:
        assert scene.rgb.shape == (*scene.objects.shape, 3) and scene.rgb.dtype == np.uint8
        own = set(scene.names.values())
        assert own <= set(scene.labels) <= set(classes) and len(set(scene.labels)) == len(own) + DISTRACTORS
        assert set(np.unique(scene.objects)) <= {0, *scene.names}
        shown = {classes[n - 1] for n in np.unique(scene.true_classes(classes)) if n}
        assert shown and shown <= own
    assert read_scenes(BUNDLED, 2)[0][1].labels == scenes[1].labels


def test_a_folder_of_shards_becomes_a_bundle(tmp_path: Path) -> None:
    objects = np.zeros((2, 8, 8), np.uint8)
    objects[:, 2:6, 2:6] = 7
    meta = [json.dumps({"objects": [{"id": 7, "class": name}]}) for name in ("cup", "key")]
    classes = ["cup", "key", *(f"c{n}" for n in range(12))]
    pictures = np.full((2, 8, 8, 3), 90, np.uint8)
    np.savez(
        tmp_path / "toybox_scene6_held_out_8_0000000.npz",
        rgb=pictures, instances=objects, meta=np.array(meta), classes=np.array(classes),
    )  # fmt: skip
    bundle(tmp_path, 2, side_px=8, folder=tmp_path / "made")
    raw, _ = read_scenes(tmp_path, 2)
    made, names = read_scenes(tmp_path / "made")
    assert names == tuple(classes) and [scene.names for scene in made] == [{1: "cup"}, {1: "key"}]
    for first, second in zip(raw, made, strict=True):
        np.testing.assert_array_equal(first.true_classes(names), second.true_classes(names))
    with pytest.raises(FileNotFoundError, match="holds neither"):
        read_scenes(tmp_path / "nowhere")


def test_of_shares_more_is_better() -> None:
    row = Measurement("mIoU", 0.6, 0.5, "", 1.0, True)
    assert row.figure == pytest.approx(1.2) and row.is_met is True
    assert Measurement("mIoU", 0.4, 0.5, "", 1.0, True).is_met is False


def test_time_is_taken_both_ways() -> None:
    spent: list[segment.Spent] = []
    with segment.timed(spent):
        sum(range(20_000))
    assert len(spent) == 1 and spent[0].wall_s > 0.0 and spent[0].cpu_s >= 0.0
