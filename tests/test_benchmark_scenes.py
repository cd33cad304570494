"""The benchmark of scenes: fields are what their names say, truths and labels are scored as by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from benchmarks import scenes_lerf
from benchmarks.scenes import tabletop, view
from benchmarks.scenes_query import CHOICES, MEMBERSHIPS, code_field, mask_field, piece_field, query_rows
from benchmarks.scenes_truth import Query, Truth, score
from core.pool import Pool
from core.tasks import Job
from demos.gaussians.field_file import write_scene
from demos.gaussians.weights import view_weights
from tests.demos.gaussians.test_evaluate import label, written
from tests.demos.gaussians.test_pipeline import SHARP
from tests.demos.gaussians.worlds import BALLS, LABELS, UP, World, world
from tests.stub_model import StubModel


@pytest.fixture(scope="module")
def known() -> World:
    return world()


@pytest.fixture
def stub() -> Iterator[StubModel]:
    """In the place of every model."""
    model = StubModel()

    @contextmanager
    def use(self: Pool, name: str, *, job: Job | None = None) -> Iterator[StubModel]:
        yield model

    with mock.patch.object(Pool, "use", use):
        yield model


def test_fields_fit_their_scene() -> None:
    scene = tabletop(400)
    masks, codes = mask_field(scene).validated(400), code_field(scene).validated(400)
    assert masks.ids is not None and masks.ids.shape == (400, 3, CHOICES)
    assert all(len(set(row)) == CHOICES for row in masks.ids[:, 0].tolist())
    assert codes.is_coded and codes.dim == masks.dim == 512
    pieces = piece_field(scene).validated(400).pieces
    assert pieces is not None and pieces.ids.shape == (400, MEMBERSHIPS)
    near = np.argsort(np.linalg.norm(scene.means_xyz - scene.means_xyz[0], axis=1))[1]
    assert codes.codes is not None and np.linalg.norm(codes.codes[near] - codes.codes[0]) < 1.5


def test_rows_of_queries() -> None:
    rows = query_rows(tabletop(400), view(64, 48), times=1)
    assert [row.name.split(":")[0] for row in rows] == [
        *("first query of a view", "- another word", "- recolour what was found") * 2,
        "first query of a view", "- another word", "a word by the decoder's shortcut, full decode beside it",
    ]  # fmt: skip
    assert all(row.ours >= 0 for row in rows)
    assert float(rows[-1].note.split(" by ")[1].split()[0]) < 1e-4  # exact against the full decode


def test_a_truth_is_scored_by_every_protocol(known: World) -> None:
    drawn = view_weights(known.scene, known.camera).render(np.eye(len(LABELS), dtype=np.float32)[known.labels])
    parts = np.where(drawn.sum(2) > 0.5, drawn.argmax(2) + 1, 0).astype(np.uint8)
    queries = tuple(Query(name, "object", (LABELS.index(name) + 1,)) for name in BALLS)
    wrong = Query("red", "part", (LABELS.index("blue") + 1,))  # red answers, and that is not what is true
    truth = Truth((*queries[1:], wrong), (known.camera,) * 2, np.stack([parts] * 2), np.array([False, True]))
    found = score(known.opened(), truth, model=StubModel(), options=SHARP)
    assert found["queries"] == len(BALLS) and found["pairs"] == len(BALLS)
    right = found["object"]
    assert right["localisation"] == 1.0
    assert min(right["miou_picture"], right["miou_scene"], right["miou_gaussians"]) > 0.75
    assert found["part"] == dict.fromkeys(("localisation", "miou_picture", "miou_gaussians", "miou_scene"), 0.0)


def test_labels_of_lerf_are_scored_from_the_command_line(
    known: World, stub: StubModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = tmp_path / "scene.npz"
    scene.write_bytes(write_scene(known.scene, known.field, cameras=[known.camera], up_xyz=UP))
    folder = written(tmp_path, label(known), "frame_00001.json")
    with mock.patch.object(scenes_lerf, "LANGSPLATS", SHARP):
        assert scenes_lerf.main([str(scene), str(folder), "--langsplat"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["picture"]["localisation"] == 1.0 and found["picture"]["miou"] > 0.75
    assert found["scene"]["accuracy_at_quarter"] == 1.0
    assert scenes_lerf.main([str(scene), str(tmp_path / "nowhere")]) == 1
    assert "frame_00041.json" in capsys.readouterr().err
