"""Open, query, click, edit: a world whose answers are known, with the stub model whose words are colours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import Cancelled, InputError
from core.tasks import Job
from demos.gaussians import pipeline
from demos.gaussians.answers import SceneHandle
from demos.gaussians.commands import Command, read_command
from demos.gaussians.formats.ply import write_ply
from demos.gaussians.history import Selection
from demos.gaussians.options import KINDS, QueryOptions
from demos.gaussians.pipeline import click, edit, open_scene, picture, query, redo, undo
from demos.gaussians.raster import make_frame
from tests.demos.gaussians.scenes import ARRAYS, assert_same
from tests.demos.gaussians.worlds import BALLS, LABELS, World, coded, world
from tests.stub_model import StubModel

SHARP = QueryOptions(level="whole", smoothing_px=3, neighbours=0, least_peak=0.5)


@pytest.fixture(scope="module")
def known() -> World:
    return world()


@pytest.fixture(scope="module")
def handle(known: World) -> SceneHandle:
    return known.opened()


@pytest.fixture
def model() -> StubModel:
    return StubModel()


def select(handle: SceneHandle, word: str, model: StubModel) -> Selection:
    return query(handle, word, SHARP, model=model).found[0].selection


@pytest.mark.parametrize("order", ["features", "relevancy"])
@pytest.mark.parametrize("ball", BALLS)
def test_a_word_finds_its_ball(handle: SceneHandle, known: World, model: StubModel, ball: str, order: str) -> None:
    found = query(handle, ball, replace(SHARP, order=order), model=model).found[0]  # type: ignore[arg-type]
    truth = known.labels == LABELS.index(ball)
    assert found.is_found and found.level == "whole"
    np.testing.assert_array_equal(found.selection.mask(len(truth)), truth)
    assert found.extent is not None
    np.testing.assert_allclose(found.extent.centroid_xyz, (BALLS.index(ball) - 1.5, 0, 0.4), atol=0.06)
    uv, _ = known.camera.project([found.extent.centroid_xyz])
    rows, columns = np.nonzero(found.mask)
    height = known.camera.height
    scale = found.mask.shape[0] / height
    assert np.hypot(columns.mean() / scale - uv[0, 0], rows.mean() / scale - uv[0, 1]) < 3


def test_a_scene_without_pieces_is_asked_in_langsplats_order(handle: SceneHandle, model: StubModel) -> None:
    assert handle.field is not None and handle.field.pieces is None and SHARP.order == "pieces"
    usual = query(handle, "red", SHARP, model=model).found[0]
    wanted = query(handle, "red", replace(SHARP, order="features"), model=model).found[0]
    other = query(handle, "red", replace(SHARP, order="relevancy"), model=model).found[0]
    np.testing.assert_array_equal(usual.relevancy, wanted.relevancy)
    assert (usual.relevancy != other.relevancy).any()


def test_several_queries_are_answered_in_order(handle: SceneHandle, model: StubModel) -> None:
    answer = query(handle, "red; GREEN\nblue;red", SHARP, model=model)
    assert [found.query for found in answer.found] == ["red", "GREEN", "blue"]
    assert all(found.is_found for found in answer.found)


def test_the_level_with_the_highest_peak_answers(handle: SceneHandle, model: StubModel) -> None:
    answer = query(handle, "white", replace(SHARP, level="auto"), model=model).found[0]
    assert [peak.level for peak in answer.peaks] == ["subpart", "part", "whole"]
    best = max(answer.peaks, key=lambda peak: peak.peak)
    assert best.is_chosen and answer.level == best.level != "subpart"  # the plate means nothing at "subpart"
    assert sum(peak.is_chosen for peak in answer.peaks) == 1


def test_what_is_not_there_is_not_found(handle: SceneHandle, model: StubModel) -> None:
    found = query(handle, "zebra", replace(SHARP, least_peak=0.6), model=model).found[0]
    assert not found.is_found and not found.mask.any() and not found.selection.rows.size and found.extent is None
    assert "not found" in found.sentence and "0.60" in found.sentence
    assert found.as_json()["found"] is False and found.as_json()["gaussians"] == []


def test_json_of_the_endpoint(handle: SceneHandle, model: StubModel) -> None:
    row = query(handle, "red", SHARP, model=model).found[0].as_json()
    assert list(row) == ["query", "level", "peak", "found", "centroid_xyz", "box_min_xyz", "box_max_xyz", "gaussians"]
    assert len(row["gaussians"]) == 150


@pytest.mark.parametrize("kind", KINDS)
def test_every_picture(handle: SceneHandle, model: StubModel, kind: str) -> None:
    answer = query(handle, "red", SHARP, model=model)
    drawn = picture(handle, answer, kind)  # type: ignore[arg-type]
    assert drawn.shape == answer.rgb.shape and drawn.dtype == np.uint8
    assert drawn.std() > 1


def test_pictures_show_what_they_say(handle: SceneHandle, known: World, model: StubModel) -> None:
    answer = query(handle, "red", SHARP, model=model)
    mask = answer.found[0].mask
    np.testing.assert_array_equal(picture(handle, answer, "mask")[mask], answer.rgb[mask])
    assert (picture(handle, answer, "mask")[~mask] <= answer.rgb[~mask]).all()
    np.testing.assert_array_equal(picture(handle, answer, "contour")[mask], answer.rgb[mask])
    assert (picture(handle, answer, "contour")[~mask] != answer.rgb[~mask]).any()
    reddish = answer.rgb[mask].mean(axis=0)
    assert reddish[0] > 2 * reddish[1:].max()


def test_coded_scene_answers_too(known: World, model: StubModel) -> None:
    field = coded(known.labels, dim=model.dim)
    handle = World(known.scene, field, known.labels, known.camera).opened()
    answer = query(handle, "red; blue", replace(SHARP, level="auto"), model=model)
    assert len(answer.found) == 2
    assert picture(handle, answer, "pca").std() > 1
    assert click(handle, known.camera, (60, 40), model=model).gaussian >= 0


def test_another_word_costs_the_view_nothing(known: World, model: StubModel, monkeypatch: pytest.MonkeyPatch) -> None:
    handle = known.opened()
    query(handle, "red", SHARP, model=model)
    for name in ("demos.gaussians.weights.make_frame", "demos.gaussians.raster.make_frame"):
        monkeypatch.setattr(name, lambda *_, **__: pytest.fail("the view is projected again"))
    assert query(handle, "blue", SHARP, model=model).found[0].is_found
    recoloured = edit(handle, Command("recolour", rgb=(1, 0, 0)), select(handle, "blue", model))
    monkeypatch.setattr("demos.gaussians.raster.make_frame", make_frame)
    assert query(recoloured, "blue", SHARP, model=model).found[0].is_found  # drawn, but not weighed again


def test_large_pictures_get_enlarged_maps(handle: SceneHandle, known: World, model: StubModel) -> None:
    large = known.camera.resized(480, 320)
    small, whole = (
        query(handle, "red", replace(SHARP, map_px=map_px), model=model, camera=large).found[0]
        for map_px in (120 * 80, 0)
    )
    assert small.mask.shape == whole.mask.shape == (320, 480)
    overlap = (small.mask & whole.mask).sum() / (small.mask | whole.mask).sum()
    assert overlap > 0.93
    assert small.peak == pytest.approx(whole.peak, abs=0.02)


def test_preparing_leaves_nothing_for_the_first_query(
    known: World, model: StubModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = known.opened()
    pipeline.prepare(handle)
    for name in ("weights.make_frame", "raster.make_frame", "neighbours.nearest", "meanings.of_pixels"):
        monkeypatch.setattr(f"demos.gaussians.{name}", lambda *_, **__: pytest.fail("not prepared"))
    assert query(handle, "red", model=model).found


@pytest.mark.parametrize(
    "text, sentence",
    [("", "no query"), (" ; ;\n", "no query"), (";".join(str(i) for i in range(17)), "17 queries"), ("x" * 201, "201")],
)
def test_bad_queries(handle: SceneHandle, model: StubModel, text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        query(handle, text, model=model)


@pytest.mark.parametrize("text", ["красный мяч", "赤いボール；青", "<b>red</b>", "🍎", "a\u0000b"])
def test_queries_in_any_script_are_answered(handle: SceneHandle, model: StubModel, text: str) -> None:
    assert query(handle, text, SHARP, model=model).found[0].query


def test_letters_that_the_model_does_not_know_are_told(handle: SceneHandle) -> None:
    """A tokenizer that knows ASCII alone reads all else as one token, and every such word means the same to it."""

    class Ascii(StubModel):
        def encode_texts(self, texts: Sequence[str], *, job: Job | None = None) -> NDArray[np.float32]:
            return super().encode_texts([re.sub(r"[^\x00-\x7f]+", "unknown", text) for text in texts], job=job)

    model = Ascii()
    for text, shown in (("чайник; red", "“чайник”"), ("red; 茶壶", "“茶壶”"), ("👻", "“👻”")):
        with pytest.raises(InputError, match=f"stub does not know the letters of {shown}; it reads English words."):
            query(handle, text, SHARP, model=model)
    assert query(handle, "red мяч", SHARP, model=model).found[0].is_found


@pytest.mark.parametrize(
    "changes, sentence",
    [
        ({"level": "tiny"}, "level"),
        ({"threshold": "magic"}, "threshold"),
        ({"temperature": 0.0}, "temperature"),
        ({"cut": 1.5}, "cut"),
        ({"negatives": " "}, "no negative"),
        ({"negatives": ";".join(str(i) for i in range(65))}, "65 negative"),
        ({"grow": 99}, "rings"),
    ],
)
def test_bad_options(handle: SceneHandle, model: StubModel, changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        query(handle, "red", replace(QueryOptions(), **changes), model=model)  # type: ignore[arg-type]


def test_a_scene_without_language(known: World, model: StubModel) -> None:
    plain = open_scene(write_ply(known.scene), name="plain.ply")
    with pytest.raises(InputError, match="carries no language"):
        query(plain, "red", model=model)
    answer = click(plain, known.camera, (60, 40))
    assert "no language" in answer.sentence


def test_a_model_of_another_space(handle: SceneHandle) -> None:
    with pytest.raises(InputError, match="made with stub, not other"):
        query(handle, "red", model=StubModel(name="other"))


def test_a_nameless_model_of_another_width(known: World, model: StubModel) -> None:
    handle = World(known.scene, replace(coded(known.labels, dim=7), model=""), known.labels, known.camera).opened()
    with pytest.raises(InputError, match="7 numbers a meaning, stub has 25"):
        query(handle, "red", model=model)


def test_cancel_is_heard(known: World, model: StubModel) -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        query(known.opened(), "red", SHARP, model=model, job=job)


def test_unknown_scene() -> None:
    with pytest.raises(InputError, match="no bundled scene"):
        open_scene("there is none")


def test_click_names_the_ball(handle: SceneHandle, known: World, model: StubModel) -> None:
    (u, v), depth = (values[0] for values in known.camera.project([(0.5, 0.0, 0.4)]))  # the blue one
    answer = click(handle, known.camera, (int(u), int(v)), model=model, vocabulary=["red", "blue", "green"])
    assert known.labels[answer.gaussian] == answer.object_id == 2
    assert [word.word for word in answer.words][0] == "blue"
    np.testing.assert_array_equal(answer.selection.rows, np.flatnonzero(known.labels == 2))
    assert answer.point_xyz is not None and np.linalg.norm(np.subtract(answer.point_xyz, (0.5, 0, 0.4))) < 0.45
    assert answer.extent is not None and answer.extent.gaussians == 150


def test_click_without_objects_follows_the_meaning(handle: SceneHandle, known: World, model: StubModel) -> None:
    assert handle.field is not None
    bare = replace(handle, field=replace(handle.field, objects=None))
    (u, v), _ = (values[0] for values in known.camera.project([(0.5, 0.0, 0.4)]))
    answer = click(bare, known.camera, (int(u), int(v)), model=model, vocabulary=["red", "blue", "green"])
    np.testing.assert_array_equal(answer.selection.rows, np.flatnonzero(known.labels == 2))
    assert answer.words[0].word == "blue" and answer.object_id == -1


def test_click_on_nothing_and_outside(handle: SceneHandle, known: World) -> None:
    assert click(handle, known.camera, (0, 0)).gaussian == -1
    with pytest.raises(InputError, match="outside"):
        click(handle, known.camera, (120, 0))


def test_edits_and_their_undoing(handle: SceneHandle, known: World, model: StubModel) -> None:
    red = select(handle, "red", model)
    without = edit(handle, Command("remove"), red)
    assert len(without.scene) == len(handle.scene) - 150
    np.testing.assert_array_equal(without.rows, np.flatnonzero(known.labels != 0))
    assert without.field is not None and len(without.field) == len(without.scene)
    blue = select(without, "blue", model)
    np.testing.assert_array_equal(known.labels[without.rows[blue.rows]], 2)
    twice = edit(without, Command("duplicate", direction="up"), blue)
    assert len(twice.scene) == len(without.scene) + 150
    assert (known.labels[twice.rows[-150:]] == 2).all()
    assert select(twice, "blue", model).rows.size == 300
    back = undo(undo(twice))
    assert_same(back.scene, handle.scene)
    assert back.field is handle.field
    again = redo(redo(back))
    assert_same(again.scene, twice.scene)
    np.testing.assert_array_equal(again.rows, twice.rows)
    assert undo(handle) is handle and redo(handle) is handle


def test_isolate(handle: SceneHandle, known: World, model: StubModel) -> None:
    alone = edit(handle, read_command("isolate the red ball"), select(handle, "red", model))
    assert (known.labels[alone.rows] == 0).all() and len(alone.scene) == 150


@pytest.mark.parametrize(
    "command",
    [
        Command("recolour", rgb=(0, 0, 1), strength=0),
        Command("restyle", towards="blue", strength=0),
        Command("move", strength=0),
        Command("taller", strength=0),
        Command("remove", strength=0),
    ],
)
def test_strength_nought_is_the_identity(handle: SceneHandle, model: StubModel, command: Command) -> None:
    assert edit(handle, command, select(handle, "red", model), model=model) is handle


def test_recolour_keeps_geometry_field_and_view(handle: SceneHandle, known: World, model: StubModel) -> None:
    red = select(handle, "red", model)
    blue = edit(handle, read_command("make the red ball blue"), red)
    for name in ARRAYS[:-1]:
        assert getattr(blue.scene, name) is getattr(handle.scene, name)
    others = np.setdiff1d(np.arange(len(handle.scene)), red.rows)
    np.testing.assert_array_equal(blue.scene.sh[others], handle.scene.sh[others])
    assert blue.field is handle.field
    camera = pipeline.default_camera(handle)
    assert pipeline.VIEWS.get(blue.scene, camera) is pipeline.VIEWS.get(handle.scene, camera)
    answer = query(blue, "red", SHARP, model=model)  # its meaning is what it was
    assert answer.found[0].is_found
    mean = answer.rgb[answer.found[0].mask].mean(axis=0)
    assert mean[2] > 2 * mean[0]


@pytest.mark.parametrize("towards", ["a blue thing", "picture"])
def test_restyle_follows_the_model(handle: SceneHandle, known: World, model: StubModel, towards: str) -> None:
    red = select(handle, "red", model)
    example = np.full((9, 9, 3), (40, 60, 220), np.uint8) if towards == "picture" else None
    command = Command("restyle", towards="" if example is not None else towards, example=example)
    camera = known.camera
    guided = pipeline.restyled(handle, command, red, camera, model=model)
    assert guided.after > guided.before + 0.1
    done = edit(handle, command, red, camera=camera, model=model)
    answer = query(done, "red", SHARP, model=model, camera=camera)
    mean = answer.rgb[answer.found[0].mask].mean(axis=0)
    assert mean[2] > 1.5 * mean[0]
    for name in ARRAYS[:-1]:
        assert getattr(done.scene, name) is getattr(handle.scene, name)


def test_moves_are_seen_from_the_camera(handle: SceneHandle, known: World, model: StubModel) -> None:
    red = select(handle, "red", model)
    moved = edit(handle, read_command("move the red ball left"), red, camera=known.camera)
    before, after = (
        known.camera.project(scene.means_xyz[red.rows])[0].mean(axis=0) for scene in (handle.scene, moved.scene)
    )
    assert after[0] < before[0] - 5
    up = edit(handle, Command("move", direction="up"), red, camera=known.camera)
    np.testing.assert_allclose((up.scene.means_xyz - handle.scene.means_xyz)[red.rows][:, :2], 0, atol=1e-5)


def test_deformed_and_scaled(handle: SceneHandle, model: StubModel) -> None:
    red = select(handle, "red", model)
    taller = edit(handle, read_command("make the red ball taller"), red)
    spans = [np.ptp(scene.means_xyz[red.rows], axis=0) for scene in (handle.scene, taller.scene)]
    assert spans[1][2] > 1.3 * spans[0][2] and spans[1][0] == pytest.approx(spans[0][0], rel=0.02)
    half = edit(handle, Command("scale", factor=0.5), red)
    assert np.ptp(half.scene.means_xyz[red.rows], axis=0) == pytest.approx(spans[0] / 2, rel=0.01)


@pytest.mark.parametrize(
    "command, sentence",
    [
        (Command("remove"), "Nothing is selected"),
        (Command("restyle"), "Restyling needs a text"),
        (Command("recolour"), "needs a colour"),
        (Command("melt"), "no edit"),  # type: ignore[arg-type]
        (Command("taller", strength=2), "strength"),
    ],
)
def test_bad_edits(handle: SceneHandle, command: Command, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        edit(handle, command, Selection.of(np.zeros(len(handle.scene), np.float32)))


def test_restyle_without_a_model_or_out_of_sight(handle: SceneHandle, known: World, model: StubModel) -> None:
    red = select(handle, "red", model)
    with pytest.raises(InputError, match="choose one"):
        edit(handle, Command("restyle", towards="blue"), red)
    away = replace(known.camera, cx=known.camera.cx + 5_000)
    with pytest.raises(InputError, match="does not show"):
        edit(handle, Command("restyle", towards="blue"), red, camera=away, model=model)
