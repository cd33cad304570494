"""The tab: what its events say of themselves, how values become options, what changes by hand and clicks do."""

from __future__ import annotations

import inspect
import io
import json
import re
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import gradio as gr
import pytest
from PIL import Image

from core.catalog import by_task
from core.pool import Pool
from core.tasks import Job
from demos import permalink
from demos.base import MODEL_QUEUE
from demos.segmentation import tab_batch, tab_edit, tab_files, tab_link, tab_run
from demos.segmentation.options import SegmentOptions
from demos.segmentation.samples import samples
from demos.segmentation.tab import DEMO
from demos.segmentation.tab_parts import EXPORTS, Inputs, Parts, place
from demos.widgets import Upload
from tests.demos.segmentation.stub_segmenter import StubSegmenter, picture

LABELS = "red, blue, green"


@pytest.fixture(scope="module")
def page() -> gr.Blocks:
    with gr.Blocks() as built:
        DEMO.build()
    return built


@pytest.fixture(scope="module")
def parts() -> Parts:
    with gr.Blocks():
        return place()


@pytest.fixture
def defaults(parts: Parts) -> dict[str, Any]:
    """What the components hold when the page opens."""
    return {name: component.value for name, component in vars(parts.inputs).items()}


@pytest.fixture
def model() -> Iterator[StubSegmenter]:
    """A stub in the place of every model."""
    stub = StubSegmenter()

    @contextmanager
    def use(self: Pool, name: str, *, job: Job | None = None) -> Iterator[StubSegmenter]:
        yield stub

    with mock.patch.object(Pool, "use", use):
        yield stub


@pytest.fixture
def upload(tmp_path: Path) -> Upload:
    path = tmp_path / "shapes.png"
    Image.fromarray(picture()).save(path)
    return Upload(path, "shapes.png")


def last(updates: Iterator[Mapping[Any, Any]]) -> Mapping[Any, Any]:
    *_, final = updates
    return final


def answer(parts: Parts, upload: Upload, labels: str = LABELS, **more: Any) -> Mapping[Any, Any]:
    return last(tab_run.segment_handler(parts)(upload, labels, **more))


def event(**data: Any) -> gr.EventData:
    return gr.EventData(None, data)


def names(updates: Mapping[Any, Any], parts: Parts) -> list[str]:
    regions = updates[parts.stage]["answer"]["regions"]
    return sorted(region["name"] for region in regions if region["label"])


# ---- events ----


def test_every_event_is_named_or_private(page: gr.Blocks) -> None:
    named = {fn.api_name for fn in page.fns.values() if fn.api_visibility != "private"}
    assert named == {"segment", "segment_batch", "segment_click"}


def test_work_with_a_model_shares_one_queue_and_can_be_cancelled(page: gr.Blocks) -> None:
    heavy = [fn for fn in page.fns.values() if fn.concurrency_id == MODEL_QUEUE and fn.api_name != "segment_click"]
    assert len(heavy) >= 4
    assert all(fn.types_generator for fn in heavy), "only a generator is stopped by Cancel"
    stopped = {index for fn in page.fns.values() for index in fn.cancels or ()}
    assert {fn._id for fn in heavy} <= stopped


def test_nothing_covers_the_answer_with_a_spinner(page: gr.Blocks) -> None:
    assert {fn.show_progress for fn in page.fns.values() if fn.fn is not None} <= {"hidden"}


def test_outputs_of_the_endpoint_come_in_order(page: gr.Blocks) -> None:
    asked = next(fn for fn in page.fns.values() if fn.api_name == "segment")
    assert [type(component).__name__ for component in asked.outputs[:3]] == ["Image", "File", "View"]
    assert all(component.skip_api for component in asked.outputs[3:])


def test_defaults_of_the_endpoint_are_those_of_the_page(page: gr.Blocks) -> None:
    """The page and a call that names only picture and labels must give the same answer."""
    for name, first, end in (("segment", 1, -2), ("segment_batch", 1, None)):
        asked = next(fn for fn in page.fns.values() if fn.api_name == name)
        defaults = [p.default for p in list(inspect.signature(asked.fn).parameters.values())[first:end]]
        assert [component.value for component in asked.inputs[first:end]] == defaults, name


# ---- settings and links ----


def test_settings_of_the_tab_are_those_of_its_links() -> None:
    assert set(tab_link.SCHEMA) == set(Inputs.__dataclass_fields__)


def test_link_goes_there_and_back(defaults: dict[str, Any]) -> None:
    values = {**defaults, "labels": "dog = café\n<b>", "way": "ensemble", "threshold": 0.45, "points_per_side": "16"}
    packed = tab_link.make_link(*values.values())["query"].split("&p=")[1]
    assert permalink.unpack(packed, tab_link.SCHEMA) == (values, ())


def test_options_come_from_the_fields(defaults: dict[str, Any]) -> None:
    assert tab_run.asked(defaults).options == SegmentOptions()
    changed = {**defaults, "way": "dense", "points_per_side": "16", "least_share": 2.0, "words": "vocabulary"}
    wanted = tab_run.asked(changed)
    assert wanted.options == SegmentOptions(way="dense", points_per_side=16, least_share=0.02)
    assert wanted.labels == "", "no labels means the vocabulary"


def test_models_are_those_of_the_catalogue() -> None:
    rows = [row.name for task in ("image-text", "promptable-masks") for row in by_task(task)]  # type: ignore[arg-type]
    assert list(DEMO.models) == rows


# ---- answers ----


def test_an_answer_has_picture_map_legend_and_files(parts: Parts, model: StubSegmenter, upload: Upload) -> None:
    found = answer(parts, upload)
    assert names(found, parts) == ["blue", "green", "red"]
    stage = found[parts.stage]
    assert (stage["picture"]["width"], stage["picture"]["height"]) == (160, 120)
    assert Image.open(stage["picture"]["file"]["path"]).size == (160, 120)
    assert stage["answer"]["heat"]["names"] == ["red", "blue", "green"]
    assert Image.open(found[parts.overlay]).size == (160, 120)
    assert Image.open(found[parts.label_map]).mode == "P"
    told = json.loads(json.dumps(found[parts.json]))
    assert told["size"] == [120, 160] and told["labels"] == ["red", "blue", "green"]
    assert set(told["regions"][0]) == {"label", "score", "area", "bbox_xyxy", "rle"}


def test_new_words_on_the_same_picture_ask_no_model(parts: Parts, model: StubSegmenter, upload: Upload) -> None:
    first = answer(parts, upload)
    seen = (model.automatic_runs, model.images_seen)
    kept = {"shown": first[parts.shown], "edits": first[parts.edits]}
    again = answer(parts, upload, "crimson, green, black, yellow, orange", **kept)
    assert names(again, parts) == ["crimson", "green"] and (model.automatic_runs, model.images_seen) == seen
    assert "kept from before" in again[parts.stage]["answer"]["foot"]
    answer(parts, upload, way="sam+dense", **kept)
    assert model.automatic_runs == seen[0] + 1


def test_no_labels_take_words_from_the_vocabulary(parts: Parts, model: StubSegmenter, upload: Upload) -> None:
    for more in ({"labels": " "}, {"labels": LABELS, "words": "vocabulary"}):
        found = answer(parts, upload, **more, vocabulary="red\nblue\ngreen\nblack")
        assert found[parts.stage]["answer"]["mode"] == "vocabulary"
        assert {"red", "blue", "green"} <= set(names(found, parts))


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"image": None}, "There is no picture yet"),
        ({"labels": "= puppy"}, "no label before"),
        ({"labels": "\n".join(f"thing {i}" for i in range(300))}, "at most 250"),
        ({"templates": "own", "own_templates": "no place"}, "{}"),
        ({"sharpness": 900}, "sharpness is 900"),
    ],
)
def test_what_cannot_be_used_is_a_sentence(
    parts: Parts, model: StubSegmenter, upload: Upload, changes: dict[str, Any], words: str
) -> None:
    values = {"image": upload, "labels": LABELS, **changes}
    steps = tab_run.segment_handler(parts)(**values)
    told = []
    with pytest.raises(gr.Error):
        for step in steps:
            told.append(step)
    assert told[-1][parts.line]["state"] == "error" and words in told[-1][parts.line]["text"]
    assert model.automatic_runs == 0, "no model runs for nothing"


@pytest.mark.parametrize("stage", ["automatic", "encode_windows", "encode_images", "encode_texts"])
def test_a_cancelled_run_gives_both_models_back(
    parts: Parts, model: StubSegmenter, upload: Upload, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    leased: list[str] = []
    has_begun = threading.Event()

    @contextmanager
    def use(self: Pool, name: str, *, job: Job | None = None) -> Iterator[StubSegmenter]:
        leased.append(name)
        try:
            yield model
        finally:
            leased.remove(name)

    def hangs(*_: Any, job: Job, **__: Any) -> None:
        has_begun.set()
        job.wait(60)

    model.reads_windows = stage == "encode_windows"
    monkeypatch.setattr(model, stage, hangs, raising=False)
    with mock.patch.object(Pool, "use", use):
        steps = tab_run.segment_handler(parts)(upload, LABELS)
        next(step for step in steps if has_begun.is_set())
        assert len(leased) == 2
        steps.close()  # what Cancel and a closed page do; returns when the work has let go
        assert not leased


# ---- the picture ----


def test_a_new_picture_takes_everything_away(parts: Parts, upload: Upload) -> None:
    shown = tab_run.show_picture(parts)(upload, None)
    assert shown[parts.stage]["answer"] is None and shown[parts.shown] is None and shown[parts.found] is None
    assert shown[parts.stage]["picture"]["key"] == tab_run.picture_key(upload)
    assert "saved" not in shown[parts.exports], "what was saved was of the last picture"
    assert tab_run.show_picture(parts)(None, None)[parts.stage] is None


def test_the_picture_of_the_answer_takes_nothing_away(parts: Parts, model: StubSegmenter, upload: Upload) -> None:
    found = answer(parts, upload)
    assert set(tab_run.show_picture(parts)(upload, found[parts.shown])) == {parts.line}


def test_a_file_that_is_no_picture_is_a_sentence(parts: Parts, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    told = tab_run.show_picture(parts)(Upload(bad, "bad.png"), None)
    assert told[parts.line]["state"] == "error" and told[parts.stage] is None


# ---- clicks ----


def clicked(parts: Parts, upload: Upload, defaults: dict[str, Any], **data: Any) -> Mapping[Any, Any]:
    sent = {"key": tab_run.picture_key(upload), "serial": 1, "points": [[40, 50, True]], "box": None, **data}
    values = {**defaults, "labels": LABELS}
    return last(tab_edit.click_handler(parts)(upload, event(**sent), *values.values()))


def test_a_click_finds_three_masks(
    parts: Parts, model: StubSegmenter, upload: Upload, defaults: dict[str, Any]
) -> None:
    found = clicked(parts, upload, defaults, serial=7)[parts.found]
    assert found["serial"] == 7 and len(found["items"]) == 3
    assert found["items"][found["best"]]["words"][0]["word"] == "red"


def test_a_click_into_a_picture_that_was_changed_is_not_heeded(
    parts: Parts, model: StubSegmenter, upload: Upload, defaults: dict[str, Any]
) -> None:
    assert parts.found not in clicked(parts, upload, defaults, key="of another")
    assert not model.prompts_seen


@pytest.mark.parametrize(
    "data, words",
    [
        ({"points": [[400, 50, True]]}, "lies outside the picture of 160 x 120 pixels"),
        ({"points": [[1, 1, True]] * 500}, "These are 500 points; at most"),
        ({"points": []}, "no point and no box"),
        ({"points": [[1, 1, False]]}, "All points say what does not belong"),
        ({"points": [], "box": [10, 10, 10, 40]}, "The box is empty"),
        ({"points": "; drop"}, "not of the form"),
        ({"points": [[1, 2]]}, "not of the form"),
        ({"points": [["a", 2, True]]}, "must be a number"),
        ({"points": [[float("nan"), 2, True]]}, "must be a number"),
        ({"box": [1, 2, 3]}, "not of the form"),
        ({"serial": None}, "number of the click"),
    ],
)
def test_clicks_that_cannot_be_used_are_sentences(
    parts: Parts, model: StubSegmenter, upload: Upload, defaults: dict[str, Any], data: dict[str, Any], words: str
) -> None:
    with pytest.raises(gr.Error, match=re.escape(words)):
        clicked(parts, upload, defaults, **data)
    assert not model.prompts_seen


def test_programs_click_too(model: StubSegmenter, upload: Upload) -> None:
    told = json.loads(json.dumps(tab_edit.click_endpoint(upload, [[40, 50, True]], None, LABELS)))
    assert told["size"] == [120, 160] and len(told["candidates"]) == 3
    best = told["candidates"][told["best"]]
    assert best["words"][0]["word"] == "red" and best["rle"]["size"] == [120, 160]
    with pytest.raises(gr.Error, match="no point and no box"):
        tab_edit.click_endpoint(upload)


# ---- changes by hand ----


def test_a_threshold_changes_the_answer(parts: Parts, model: StubSegmenter, upload: Upload) -> None:
    found = answer(parts, upload, "red, blue, green, orange")
    kept = (found[parts.shown], found[parts.edits])
    moved = tab_edit.threshold_handler(parts)(*kept, event(label="red", value=1.0))
    assert names(moved, parts) == ["blue", "green"] and moved[parts.edits].thresholds == {"red": 1.0}
    bad = tab_edit.threshold_handler(parts)(*kept, event(label="red", value=7))
    assert "from 0 to 1" in bad[parts.line]["text"] and parts.edits not in bad
    assert set(tab_edit.threshold_handler(parts)(None, None, event(label="red", value=0.5))) == {parts.line}


def test_regions_are_renamed_removed_and_coloured(parts: Parts, model: StubSegmenter, upload: Upload) -> None:
    found = answer(parts, upload)
    edit = tab_edit.edit_handler(parts)
    blue = next(r["id"] for r in found[parts.stage]["answer"]["regions"] if r["name"] == "blue")
    renamed = edit(found[parts.shown], found[parts.edits], None, event(what="relabel", id=blue, label="sea"))
    assert names(renamed, parts) == ["green", "red", "sea"]
    sea = next(r["id"] for r in renamed[parts.stage]["answer"]["regions"] if r["name"] == "sea")
    gone = edit(renamed[parts.shown], renamed[parts.edits], None, event(what="remove", id=sea))
    assert names(gone, parts) == ["green", "red"]
    tinted = edit(gone[parts.shown], gone[parts.edits], None, event(what="recolour", label="red", colour="#010203"))
    assert tinted[parts.stage]["answer"]["labels"][1]["colour"] == "#010203"
    files = tab_edit.refresh_outputs(parts)(tinted[parts.shown], tinted[parts.edits])
    assert [region["label"] for region in files[parts.json]["regions"]] == ["red", "green"]


def test_what_a_click_found_is_kept_without_an_answer(
    parts: Parts, model: StubSegmenter, upload: Upload, defaults: dict[str, Any]
) -> None:
    state = clicked(parts, upload, defaults)[parts.clicked]
    kept = tab_edit.edit_handler(parts)(None, None, state, event(what="accept", serial=1, index=1, label="square"))
    assert names(kept, parts) == ["square"] and model.automatic_runs == 0
    more = answer(parts, upload, "blue, green, black, yellow", shown=kept[parts.shown], edits=kept[parts.edits])
    assert names(more, parts) == ["blue", "green", "square"], "new words keep what was drawn"


@pytest.mark.parametrize(
    "data, words",
    [
        ({"what": "remove", "id": 99}, "no region 99"),
        ({"what": "remove", "id": "1; drop"}, "no region"),
        ({"what": "relabel", "id": 1, "label": " "}, "must have 1 to 200"),
        ({"what": "relabel", "id": 1, "label": "x" * 201}, "must have 1 to 200"),
        ({"what": "recolour", "label": "red", "colour": "red"}, "must look like #33aa77"),
        ({"what": "accept", "serial": 1, "index": 0, "label": "x"}, "no longer kept"),
        ({"what": "explode"}, "renamed and removed"),
        ({}, "renamed and removed"),
    ],
)
def test_edits_that_cannot_be_are_sentences(
    parts: Parts, model: StubSegmenter, upload: Upload, data: dict[str, Any], words: str
) -> None:
    found = answer(parts, upload)
    told = tab_edit.edit_handler(parts)(found[parts.shown], found[parts.edits], None, event(**data))
    assert words in told[parts.line]["text"] and parts.edits not in told
    without = tab_edit.edit_handler(parts)(None, None, None, event(**data))
    assert without[parts.line]["state"] == "error"


# ---- files ----


def test_every_file_can_be_made(parts: Parts, model: StubSegmenter, upload: Upload) -> None:
    found = answer(parts, upload)
    made = {}
    for kind, *_ in EXPORTS:
        told = last(tab_edit.save_handler(parts)(found[parts.shown], found[parts.edits], event(kind=kind)))
        saved = told[parts.exports]["saved"]
        made[kind] = (saved["name"], Path(saved["file"]["path"]).read_bytes())
    assert all(name.startswith("shapes") for name, _ in made.values())
    assert Image.open(io.BytesIO(made["labels"][1])).size == (160, 120)
    assert zipfile.ZipFile(io.BytesIO(made["cutouts"][1])).testzip() is None
    for bad in ("exe", None):
        with pytest.raises(gr.Error, match="no file of the kind"):
            last(tab_edit.save_handler(parts)(found[parts.shown], found[parts.edits], event(kind=bad)))
    with pytest.raises(gr.Error, match="nothing to save yet"):
        last(tab_edit.save_handler(parts)(None, None, event(kind="csv")))


@pytest.mark.parametrize("count, words", [(999, "1 kB"), (12_345, "12 kB"), (3_400_000, "3.4 MB")])
def test_sizes_are_for_people(count: int, words: str) -> None:
    assert tab_files.size_words(count) == words


# ---- examples ----


@pytest.mark.parametrize("data", [{"index": 99_999}, {"index": "0; drop"}, {}, None, "text", {"index": -1}])
def test_any_example_event_gives_a_picture(data: Any) -> None:
    rgb, labels, words = tab_run.take_sample(gr.EventData(None, data))
    assert rgb.ndim == 3 and labels and words == "labels"


def test_examples_exist_and_have_labels() -> None:
    assert len(samples()) >= 6
    for sample in samples():
        assert sample.path.is_file() and len(sample.labels.splitlines()) >= 3 and sample.title


def test_many_pictures_make_a_table_and_a_zip(parts: Parts, model: StubSegmenter, upload: Upload) -> None:
    bad = upload.source.with_name("bad.png")  # type: ignore[union-attr]
    bad.write_text("no picture")
    done = last(tab_batch.batch_handler(parts)([str(upload.source), str(bad)], LABELS))
    value = json.loads(json.dumps(done[parts.table]))
    assert value["count"] == 2 and value["failed"] == 1
    assert {item["name"] for item in value["rows"][0]["labels"]} == {"red", "blue", "green"}
    assert value["rows"][1]["error"].endswith(".") and "1 could not be read" in value["foot"]
    with zipfile.ZipFile(done[parts.zip]) as archive:
        assert {"coco.json", "regions.csv", "label_maps/shapes.png"} <= set(archive.namelist())
    with pytest.raises(gr.Error, match="no pictures yet"):
        last(tab_batch.batch_handler(parts)(None, LABELS))
