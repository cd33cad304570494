"""The 3D tab: what its events say of themselves, queries, clicks, edits and files through its handlers."""

from __future__ import annotations

import base64
import inspect
import io
import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from core.errors import InputError, ModelUnavailable
from core.pool import Pool
from core.tasks import Job
from demos import permalink
from demos.base import MODEL_QUEUE
from demos.gaussians import tab_api, tab_build, tab_edit, tab_files, tab_link, tab_run, tab_state
from demos.gaussians.fit import Preview
from demos.gaussians.formats.reading import read_scene
from demos.gaussians.options import QueryOptions
from demos.gaussians.packing import HEADER
from demos.gaussians.tab import DEMO
from demos.gaussians.tab_parts import EXPORTS, Inputs, Parts, place
from demos.gaussians.tab_state import Shown
from tests.demos.gaussians.worlds import BALLS, LABELS, UP, World, world
from tests.stub_model import StubModel


@pytest.fixture(scope="module")
def page() -> gr.Blocks:
    with gr.Blocks() as built:
        DEMO.build()
    return built


@pytest.fixture(scope="module")
def parts() -> Parts:
    with gr.Blocks():
        return place()


@pytest.fixture(scope="module")
def balls() -> World:
    return world(width=120, height=80)


@pytest.fixture(scope="module")
def file(balls: World, tmp_path_factory: pytest.TempPathFactory) -> str:
    from demos.gaussians.field_file import write_scene

    path = tmp_path_factory.mktemp("scene") / "world.npz"
    path.write_bytes(write_scene(balls.scene, balls.field, cameras=[balls.camera], up_xyz=UP))
    return str(path)


@pytest.fixture(autouse=True)
def model() -> Iterator[StubModel]:
    """A stub in the place of every model."""
    stub = StubModel()

    @contextmanager
    def use(self: Pool, name: str, *, job: Job | None = None) -> Iterator[StubModel]:
        yield stub

    with mock.patch.object(Pool, "use", use):
        yield stub


def last(updates: Iterator[Mapping[Any, Any]]) -> Mapping[Any, Any]:
    *_, final = updates
    return final


def event(**data: Any) -> gr.EventData:
    return gr.EventData(None, data)


def ask(parts: Parts, file: str, words: str = "red", **more: Any) -> Mapping[Any, Any]:
    return last(tab_run.query_handler(parts)(words, file=[file], **{"side_px": "320", "least_peak": 0.5, **more}))


def told_camera(balls: World) -> dict[str, Any]:
    """The world's view as the page sends it."""
    camera = balls.camera
    return {
        "eye": camera.centre_xyz.tolist(), "target": [0.0, 0.0, 0.2], "up": [0, 0, 1], "fov_deg": 45,
        "width": 600, "height": 400,
    }  # fmt: skip


def click_at(parts: Parts, balls: World, shown: Shown, ball: str) -> Mapping[Any, Any]:
    """Click the middle of a ball."""
    point = (BALLS.index(ball) - 1.5, 0.0, 0.4)
    uv, _ = balls.camera.resized(600, 400).project([point])
    given = event(camera=told_camera(balls), x=float(uv[0, 0]), y=float(uv[0, 1]))
    return last(tab_run.click_handler(parts)(shown, "auto", given))


def pixels(path: str) -> Any:
    return np.asarray(Image.open(io.BytesIO(Path(path).read_bytes())))


def selected_count(shown: Shown) -> int:
    """Gaussians that the buttons act on: most of a ball's 150."""
    assert shown.target is not None
    return len(shown.target.selection.rows)


def steps(text: str) -> Any:
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)


# ---- events ----


def test_every_event_is_named_or_private(page: gr.Blocks) -> None:
    assert {fn.api_name for fn in page.fns.values() if fn.api_visibility != "private"} == {"query_scene"}


def test_work_shares_one_queue_and_can_be_cancelled(page: gr.Blocks) -> None:
    heavy = [fn for fn in page.fns.values() if fn.concurrency_id == MODEL_QUEUE]
    assert len(heavy) >= 12
    assert all(fn.types_generator for fn in heavy), "only a generator is stopped by Cancel"
    stopped = {index for fn in page.fns.values() for index in fn.cancels or ()}
    assert {fn._id for fn in heavy} <= stopped


def test_nothing_covers_the_answer_with_a_spinner(page: gr.Blocks) -> None:
    assert {fn.show_progress for fn in page.fns.values() if fn.fn is not None} <= {"hidden"}


def test_the_endpoint_is_the_page(page: gr.Blocks) -> None:
    """Outputs in the promised order, and defaults that give the page's own answer."""
    asked = next(fn for fn in page.fns.values() if fn.api_name == "query_scene")
    assert [type(component).__name__ for component in asked.outputs[:3]] == ["Image", "File", "View"]
    assert all(component.skip_api for component in asked.outputs[3:] if component.__class__.__name__ == "View")
    parameters = list(inspect.signature(asked.fn).parameters.values())
    assert [parameter.name for parameter in parameters[:-1]] == list(Inputs.__dataclass_fields__)
    assert [component.value for component in asked.inputs[1:-1]] == [p.default for p in parameters[1:-1]]
    assert parameters[0].default is inspect.Parameter.empty


def test_the_endpoint_documents_every_argument() -> None:
    told = tab_api.QUERY_DOC.split("Args:")[1]
    assert all(f"    {name}: " in told for name in ("query", *tab_api.DEFAULTS))


def test_options_come_from_the_fields(parts: Parts) -> None:
    given = {name: component.value for name, component in vars(parts.inputs).items()}
    assert tab_run.options_of(given) == QueryOptions()
    with pytest.raises(InputError, match="cut is 2"):
        tab_run.options_of({**given, "cut": 2})


# ---- scenes and queries ----


def test_a_file_is_shown(parts: Parts, file: str, balls: World) -> None:
    updates = last(tab_run.show_handler(parts)(None, [file], None, None))
    viewer = updates[parts.viewer]
    data = Path(viewer["scene"]["file"]["path"]).read_bytes()
    assert HEADER.unpack_from(data)[1] == len(balls.scene)
    assert viewer["layer"] is None and viewer["scene"]["start"]["up"] == [0, 0, 1]
    assert [row["words"][0] for row in updates[parts.objects]["objects"]][0] == "white thing", "the largest first"
    assert "Gaussians" in updates[parts.line]["text"]
    again = list(tab_run.show_handler(parts)(None, [file], None, updates[parts.shown]))
    assert list(again[0]) == [parts.line], "what is shown is not opened again"


def test_a_word_lights_up(parts: Parts, file: str, balls: World) -> None:
    updates = ask(parts, file, "red; blue")
    told = updates[parts.json]
    assert told["query"] == "red" and told["found"] and len(told["answers"]) == 2
    assert set(balls.labels[told["gaussians"]]) == {LABELS.index("red")}
    np.testing.assert_allclose(told["centroid_xyz"], (-1.5, 0, 0.4), atol=0.05)
    heat, mask = pixels(updates[parts.picture]), pixels(updates[parts.mask])
    assert heat.shape == (213, 320, 3) and mask.shape == (213, 320) and set(np.unique(mask)) == {0, 255}
    layer = updates[parts.viewer]["layer"]
    order = updates[parts.shown].packed.order
    for item, name in zip(layer["items"], ("red", "blue"), strict=True):
        assert item["name"] == name
        chosen = steps(item["selection"]) > 127
        assert set(balls.labels[order[chosen]]) == {LABELS.index(name)}
        heat_of = steps(item["heat"])
        assert heat_of[balls.labels[order] == LABELS.index(name)].min() > heat_of[balls.labels[order] == 1].max()
    assert [answer["is_found"] for answer in updates[parts.found]["answers"]] == [True, True]
    assert updates[parts.which]["visible"] and updates[parts.line]["state"] == "done"


def test_what_is_not_there_is_not_found(parts: Parts, file: str) -> None:
    updates = ask(parts, file, "red", least_peak=1.0)
    told = updates[parts.json]
    assert not told["found"] and told["gaussians"] == [] and told["centroid_xyz"] is None
    assert "not found" in updates[parts.line]["text"]
    assert updates[parts.shown].target is None and not pixels(updates[parts.mask]).any()
    item = updates[parts.viewer]["layer"]["items"][0]
    assert item["high"] == 1.0 and item["point"] is None


def test_problems_are_sentences(parts: Parts, file: str) -> None:
    for given, words in (
        ({"query": " ; "}, "no query"),
        ({"query": "x" * 300}, "300 characters"),
        ({"query": "red", "negatives": ""}, "negative word"),
        ({"query": "red", "least_peak": "high"}, 'least peak is "high"|least peak is “high”'),
        ({"query": "red", "smoothing_px": "nan"}, "smoothing in pixels"),
        ({"query": "red", "camera": {"view": 7}}, "views 0 to 0"),
        ({"query": "red", "camera": {"eye": [1, 2], "target": [0, 0, 0]}}, "three numbers"),
        ({"query": "red", "camera": {"eye": [0, 0, 0], "target": [0, 0, 0]}}, "same point"),
        ({"query": "red", "camera": "far"}, "no JSON object"),
    ):
        updates = []
        with pytest.raises(gr.Error, match=words):
            for update in tab_run.query_handler(parts)(**{"file": [file], "side_px": "320", **given}):
                updates.append(update)
        assert updates[-1][parts.line]["state"] == "error" and updates[-1][parts.picture] is None
    with pytest.raises(gr.Error, match="no scene yet"):
        list(tab_run.query_handler(parts)("red", scene=None))


def test_a_scene_without_language_can_be_seen_but_not_asked(parts: Parts, balls: World, tmp_path: Path) -> None:
    from demos.gaussians.formats.splat import write_splat

    path = tmp_path / "plain.splat"
    path.write_bytes(write_splat(balls.scene))
    updates = last(tab_run.show_handler(parts)(None, [str(path)], None, None))
    assert "no language" in updates[parts.line]["text"] and updates[parts.objects]["objects"] == []
    with pytest.raises(gr.Error, match="no language"):
        list(tab_run.query_handler(parts)("red", file=[str(path)]))
    with pytest.raises(gr.Error, match="no language"):
        click_at(parts, balls, updates[parts.shown], "red")


def test_a_word_in_another_script_is_answered(parts: Parts, file: str) -> None:
    for word in ("カップ", "كأس", "<b>${alert(1)}</b>"):
        assert ask(parts, file, word)[parts.json]["query"] == word


def test_other_pictures_and_the_view_itself(parts: Parts, file: str, balls: World) -> None:
    shown = ask(parts, file, "red; green")[parts.shown]
    seen = {}
    for kind in ("picture", "composite", "mask", "contour", "depth", "pca"):
        updates = last(tab_run.picture_handler(parts)(kind, 1, shown))
        seen[kind] = Path(updates[parts.picture]).read_bytes()
    assert len(set(seen.values())) == 6
    redrawn = last(tab_run.redraw_handler(parts)(shown, "320", told_camera(balls)))
    assert pixels(redrawn[parts.picture]).shape == (213, 320, 3) and redrawn[parts.kind] == "picture"


# ---- clicks ----


def test_a_click_selects_what_is_there(parts: Parts, file: str, balls: World) -> None:
    shown = ask(parts, file)[parts.shown]
    updates = click_at(parts, balls, shown, "green")
    assert updates[parts.clicked]["is_something"] and updates[parts.clicked]["count"] == 150
    item = updates[parts.viewer]["layer"]["items"][0]
    chosen = balls.labels[shown.packed.order[steps(item["selection"]) > 127]]
    assert set(chosen) == {LABELS.index("green")}
    assert updates[parts.shown].target.selection.rows.size == 150
    dropped = tab_run.drop_handler(parts)(updates[parts.shown])
    assert dropped[parts.shown].target is None and dropped[parts.viewer]["layer"] is None


def test_a_click_lights_up_before_the_model_is_asked_for(parts: Parts, file: str, balls: World) -> None:
    shown = ask(parts, file)[parts.shown]
    uv, _ = balls.camera.resized(600, 400).project([(BALLS.index("green") - 1.5, 0.0, 0.4)])
    given = event(camera=told_camera(balls), x=float(uv[0, 0]), y=float(uv[0, 1]))

    def missing(self: Pool, name: str, *, job: Job | None = None) -> Any:
        raise ModelUnavailable("There is no such model here.")

    seen: list[Mapping[Any, Any]] = []
    with mock.patch.object(Pool, "use", missing), pytest.raises(gr.Error, match="no such model"):
        for update in tab_run.click_handler(parts)(shown, "auto", given):
            seen.append(update)
    lit = [update for update in seen if parts.clicked in update]
    assert lit[0][parts.clicked]["count"] == 150 and lit[0][parts.clicked]["words"] == []
    assert lit[0][parts.viewer]["layer"]["items"][0]["count"] == 150
    assert seen[-1][parts.line]["state"] == "error" and parts.clicked not in seen[-1]  # what was found stays


def test_a_click_into_nothing(parts: Parts, file: str, balls: World) -> None:
    shown = ask(parts, file)[parts.shown]
    updates = last(tab_run.click_handler(parts)(shown, "auto", event(camera=told_camera(balls), x=1, y=1)))
    assert not updates[parts.clicked]["is_something"] and parts.viewer not in updates
    for bad in ({}, {"camera": told_camera(balls), "x": "1", "y": 2}, {"camera": {"eye": [1, 1, 1]}}):
        with pytest.raises(gr.Error):
            list(tab_run.click_handler(parts)(shown, "auto", event(**bad)))


def test_a_thing_of_the_list_is_selected(parts: Parts, file: str, balls: World) -> None:
    shown = ask(parts, file)[parts.shown]
    updates = tab_run.choose_handler(parts)(shown, event(id=LABELS.index("blue")))
    assert updates[parts.shown].target.name == "blue thing"
    assert set(balls.labels[updates[parts.shown].target.selection.rows]) == {LABELS.index("blue")}
    for bad in (-1, 99, "1", None):
        assert tab_run.choose_handler(parts)(shown, event(id=bad))[parts.line]["state"] == "error"


# ---- edits ----


def press(parts: Parts, balls: World, shown: Shown, **data: Any) -> Mapping[Any, Any]:
    return last(tab_edit.button_handler(parts)(shown, told_camera(balls), event(**data)))


def test_recolouring_patches_the_scene_and_is_undone(parts: Parts, file: str, balls: World) -> None:
    before = ask(parts, file)[parts.shown]
    updates = press(parts, balls, before, verb="recolour", colour="#0000ff", strength=1)
    after: Shown = updates[parts.shown]
    assert updates[parts.viewer]["scene"] is before.scene, "the scene is not loaded again"
    count = selected_count(before)
    assert 140 <= count <= 150 and updates[parts.viewer]["patch"]["count"] == count
    assert updates[parts.edits]["done"] == ["red recoloured"] and updates[parts.edits]["count"] == count
    undone = press(parts, balls, after, verb="undo")
    assert undone[parts.viewer]["patch"] is None and undone[parts.edits]["undone"] == 1
    again = press(parts, balls, undone[parts.shown], verb="redo")
    assert again[parts.viewer]["patch"]["count"] == count and again[parts.edits]["done"] == ["red recoloured"]


def test_removing_loads_a_new_file_and_keeps_the_view(parts: Parts, file: str, balls: World) -> None:
    before = ask(parts, file)[parts.shown]
    updates = press(parts, balls, before, verb="remove", strength=1)
    after: Shown = updates[parts.shown]
    assert len(after.handle.scene) == len(balls.scene) - selected_count(before)
    assert after.scene["key"] != before.scene["key"] and after.scene["place"] == before.scene["place"]
    assert updates[parts.edits]["has_hole"] and updates[parts.edits]["count"] == 0
    asked = last(tab_run.query_handler(parts)("green", file=[file], side_px="320", least_peak=0.5, shown=after))
    assert asked[parts.shown].handle is after.handle, "a query asks the edited scene"
    assert 140 <= len(asked[parts.json]["gaussians"]) <= 150
    back = press(parts, balls, after, verb="undo")[parts.shown]
    assert len(back.handle.scene) == len(balls.scene)


def test_sentences_edit(parts: Parts, file: str, balls: World) -> None:
    shown = ask(parts, file)[parts.shown]
    values = {**{name: None for name in Inputs.__dataclass_fields__}, **tab_api.DEFAULTS}
    values |= {"query": "red", "camera": told_camera(balls), "file": [file], "least_peak": 0.5, "side_px": "320"}
    run = tab_edit.sentence_handler(parts)
    updates = last(run("make the blue red", shown, *values.values()))
    assert updates[parts.edits]["done"] == ["blue recoloured"] and updates[parts.line]["state"] == "done"
    moved = last(run("move the green left", updates[parts.shown], *values.values()))
    assert moved[parts.edits]["done"] == ["blue recoloured", "green moved left"]
    for sentence, words in (("sing a song", "no edit"), ("", "no edit")):
        with pytest.raises(gr.Error, match=words):
            list(run(sentence, shown, *values.values()))


def test_strength_zero_and_nonsense_change_nothing(parts: Parts, file: str, balls: World) -> None:
    shown = ask(parts, file)[parts.shown]
    updates = press(parts, balls, shown, verb="bigger", strength=0)
    assert updates[parts.shown].handle is shown.handle and "changes nothing" in updates[parts.line]["text"]
    for data in ({"verb": "explode"}, {"verb": "bigger", "strength": 9}, {"verb": "recolour", "colour": "mauvish"}):
        with pytest.raises(gr.Error):
            press(parts, balls, shown, **data)
    with pytest.raises(gr.Error, match="Nothing is selected"):
        press(parts, balls, replace(shown, target=None), verb="remove")


def test_restyling_needs_a_goal(parts: Parts, file: str, balls: World) -> None:
    shown = ask(parts, file)[parts.shown]
    with pytest.raises(gr.Error, match="text or an example"):
        list(tab_edit.restyle_handler(parts)("", None, "auto", shown, told_camera(balls)))


# ---- files, code, links ----


@pytest.mark.parametrize("kind", [name for name, *_ in EXPORTS if name not in ("gif", "webp", "mp4")])
def test_files_are_what_they_say(parts: Parts, file: str, balls: World, kind: str) -> None:
    shown = ask(parts, file)[parts.shown]
    updates = last(tab_files.save_handler(parts)(shown, told_camera(balls), event(kind=kind)))
    saved = updates[parts.exports]["saved"]
    data = Path(saved["file"]["path"]).read_bytes()
    if kind == "mask":
        assert np.asarray(Image.open(io.BytesIO(data))).any()
    elif kind == "json":
        assert json.loads(data)["queries"][0]["query"] == "red"
    else:
        count = selected_count(shown) if kind == "selection" else len(balls.scene)
        assert len(read_scene(data, name=saved["name"]).scene) == count


def test_files_that_cannot_be(parts: Parts, file: str, balls: World) -> None:
    shown = last(tab_run.show_handler(parts)(None, [file], None, None))[parts.shown]
    for kind, words in (
        ("selection", "Nothing is selected"),
        ("json", "no answer yet"),
        ("exe", "no file of the kind"),
    ):
        with pytest.raises(gr.Error, match=words):
            list(tab_files.save_handler(parts)(shown, None, event(kind=kind)))
    with pytest.raises(gr.Error, match="no scene yet"):
        list(tab_files.save_handler(parts)(None, None, event(kind="ply")))


def test_snippets_name_only_what_was_changed(parts: Parts) -> None:
    values = {name: component.value for name, component in vars(parts.inputs).items()}
    python, curl = tab_files.code(parts)(None, *{**values, "query": "it's", "level": "part"}.values())
    compile(python, "snippet", "exec")
    assert 'query="it\'s"' in python and "level='part'" in python and "threshold" not in python
    assert "/query_scene" in curl and "'\"'\"'" in curl, "the shell keeps the apostrophe"


def test_settings_of_the_tab_are_those_of_its_links() -> None:
    assert set(tab_link.SCHEMA) == set(Inputs.__dataclass_fields__) - {"file"}


def test_a_link_carries_the_view(parts: Parts, balls: World) -> None:
    values = {name: component.value for name, component in vars(parts.inputs).items()}
    values |= {"query": "red <b>", "camera": told_camera(balls), "grow": 2, "scene": None}
    packed = tab_link.make_link(*values.values())["query"].split("&p=")[1]
    found, problems = permalink.unpack(packed, tab_link.SCHEMA)
    assert problems == () and found["query"] == "red <b>" and found["grow"] == 2
    camera = json.loads(found["camera"])
    np.testing.assert_allclose(camera["eye"], told_camera(balls)["eye"], atol=1e-4)


# ---- building ----


def test_a_build_without_photos_is_a_sentence(parts: Parts) -> None:
    run = tab_build.build_handler(parts.build, parts.inputs.file, parts.line, parts.viewer.GRADIO_CACHE)
    with pytest.raises(gr.Error, match="no photos yet"):
        list(run(None, 100, 160, 1000, 2, "uplift"))


def test_a_preview_is_a_small_picture() -> None:
    told = tab_build.preview_value(Preview(np.zeros((600, 800, 3), np.uint8), 1200, 34_000))
    assert told["words"] == "After 1,200 views: 34,000 Gaussians"
    data = base64.b64decode(told["src"].split(",")[1])
    assert max(Image.open(io.BytesIO(data)).size) == 320


def test_a_preview_goes_out_once(parts: Parts) -> None:
    latest: list[Preview] = []

    def running() -> Iterator[dict[str, int]]:
        yield {"line": 1}
        latest.append(Preview(np.zeros((4, 4, 3), np.uint8), 1, 1))
        yield {"line": 2}
        yield {"line": 3}

    updates = list(tab_build._with_previews(running(), latest, parts.build.preview))
    assert [parts.build.preview in update for update in updates] == [False, True, False]


def test_serials_never_repeat() -> None:
    assert tab_state.next_serial() < tab_state.next_serial()
