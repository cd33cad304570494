"""The tab: what its events say of themselves, how values become options, what is shown of an answer."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from core.catalog import by_task
from core.images import Picture
from demos import permalink
from demos.base import MODEL_QUEUE
from demos.widgets import PictureInput, Upload, model_choices, model_note, require_picture, shrink, thumbnail
from demos.zero_shot import present, tab_link, tab_run
from demos.zero_shot.options import Classification, Options
from demos.zero_shot.pipeline import classify, classify_batch, threshold_histogram
from demos.zero_shot.samples import samples
from demos.zero_shot.tab import DEMO
from demos.zero_shot.tab_parts import DEFAULT_THRESHOLD, GENERATORS, MODELS, Inputs
from tests.stub_model import StubModel, solid


@pytest.fixture(scope="module")
def page() -> gr.Blocks:
    with gr.Blocks() as built:
        DEMO.build()
    return built


@pytest.fixture
def answer() -> Classification:
    return classify(Picture(solid("red")), "red, blue, green", model=StubModel())


# ---- events ----


def test_every_event_is_named_or_private(page: gr.Blocks) -> None:
    for fn in page.fns.values():
        assert fn.api_visibility == "private" or fn.api_name in ("classify", "classify_batch"), fn.name


def test_work_with_a_model_shares_one_queue_and_can_be_cancelled(page: gr.Blocks) -> None:
    heavy = [fn for fn in page.fns.values() if fn.concurrency_id == MODEL_QUEUE]
    assert len(heavy) >= 5
    assert all(fn.types_generator for fn in heavy), "only a generator is stopped by Cancel"
    cancelling = [fn for fn in page.fns.values() if fn.cancels]
    stopped = {index for fn in cancelling for index in fn.cancels}
    assert {fn._id for fn in heavy} <= stopped


def test_nothing_covers_the_answer_with_a_spinner(page: gr.Blocks) -> None:
    assert {fn.show_progress for fn in page.fns.values() if fn.fn is not None} <= {"hidden"}


def test_settings_of_the_tab_are_those_of_its_links(page: gr.Blocks) -> None:
    assert set(tab_link.SCHEMA) == set(Inputs.__dataclass_fields__)


def test_link_goes_there_and_back() -> None:
    chosen = ("cat\ndog", DEMO.models[0], "descriptions", "seven", "", True, True, "mcm", 0.25, False, "cat: whiskers")
    values = (*chosen, GENERATORS[-1])
    query = tab_link.make_link(*values)["query"]
    packed = query.split("&p=")[1]
    settings, problems = permalink.unpack(packed, tab_link.SCHEMA)
    assert tuple(settings[name] for name in Inputs.__dataclass_fields__) == values and not problems


def test_a_link_to_a_model_that_is_not_here_says_so() -> None:
    packed = permalink.pack({"model": "gone", "labels": "cat"})
    settings, problems = permalink.unpack(packed, tab_link.SCHEMA)
    assert settings == {"labels": "cat"} and "model" in problems[0]


def test_a_link_too_long_is_a_toast_with_a_sentence() -> None:
    labels = "\n".join(f"label {index * 7919 % 100_003}" for index in range(5_000))
    with pytest.raises(gr.Error, match="Use fewer labels"):
        tab_link.make_link(labels, *[None] * (len(Inputs.__dataclass_fields__) - 1))


# ---- inputs ----


def test_picture_field_opens_nothing(tmp_path: Path) -> None:
    path = tmp_path / "stored.png"
    path.write_text("not a picture")
    field = PictureInput()
    assert field.get_block_name() == "image"
    payload = field.data_model(path=str(path), orig_name="my cat.png")
    assert field.preprocess(payload) == Upload(path, "my cat.png")
    assert field.preprocess(None) is None


def test_picture_field_reads_data_addresses() -> None:
    field = PictureInput()
    payload = field.data_model(url=thumbnail(solid("red", (64, 64))))
    upload = field.preprocess(payload)
    assert upload is not None and upload.read().rgb.shape == (96, 96, 3)
    with pytest.raises(gr.Error, match="base64"):
        field.preprocess(field.data_model(url="data:image/png;base64,***"))


def test_no_picture_is_a_sentence() -> None:
    with pytest.raises(ValueError, match="no picture yet"):
        require_picture(None)


@pytest.mark.parametrize("size_wh, longest_px, expected", [((100, 50), 40, (20, 40)), ((30, 60), 100, (60, 30))])
def test_shrink_keeps_the_shape(size_wh: tuple[int, int], longest_px: int, expected: tuple[int, int]) -> None:
    assert shrink(solid("red", size_wh), longest_px).shape == (*expected, 3)


def test_options_come_from_the_fields() -> None:
    options = tab_run._options("descriptions", "own", "a {}.", True, True, "mcm", 0.3, False, "cat: whiskers; fur")
    assert options == Options(
        method="descriptions",
        templates="own",
        own_templates="a {}.",
        is_multi_label=True,
        unknown_score="mcm",
        unknown_threshold=0.3,
        hubness=False,
        descriptors={"cat": ("whiskers", "fur")},
    )
    assert tab_run._options("names", "photo", "", False, False, "cosine", 0.3, True, "").unknown_threshold is None


def test_taught_classes_need_pictures_and_a_name() -> None:
    galleries = [[("/a.png", None), ("/b.png", None)], None, [("/c.png", None)]]
    taught, note = tab_run.teach(("warm", "cold", " ", *galleries), 3)
    assert taught == {"warm": ["/a.png", "/b.png"]}
    assert note == {"lines": ["Taught: warm 2."], "warn": "Class 3 has pictures but no name yet."}


def test_two_slots_of_one_name_are_one_class() -> None:
    taught, _ = tab_run.teach(("cat", "cat", [("/a.png", None)], [("/b.png", None)]), 2)
    assert taught == {"cat": ["/a.png", "/b.png"]}


@pytest.mark.parametrize("data", [{"index": 99_999}, {"index": "0; drop"}, {}, None, "text", {"index": -1}])
def test_any_example_event_gives_a_picture(data: Any) -> None:
    rgb, labels = tab_run.take_sample(gr.EventData(None, data))
    assert rgb.ndim == 3 and labels


# ---- what is shown ----


def test_bars_are_the_payload_of_gradios_label(answer: Classification) -> None:
    value = answer.as_json()
    assert list(value) == ["label", "confidences"]
    gr.Label().data_model(**value)


def test_threshold_moves_without_computing(answer: Classification) -> None:
    assert present.at_threshold(answer, answer.unknown_value + 0.01).is_unknown
    assert not present.at_threshold(answer, answer.unknown_value - 0.01).is_unknown
    assert not present.at_threshold(answer, None).is_unknown
    assert present.at_threshold(answer, 0.5).ranked is answer.ranked


def test_moving_the_slider_before_an_answer_does_nothing(page: gr.Blocks) -> None:
    @dataclasses.dataclass
    class OnlyLine:
        line: str = "line"

    assert list(tab_run.move_threshold(OnlyLine())(None, None, True, 0.5)) == ["line"]  # type: ignore[arg-type]


def test_details_are_json_and_bounded() -> None:
    labels = "\n".join(f"thing {index}" for index in range(1_000))
    many = classify(Picture(solid("red")), labels, Options(templates="seven"), model=StubModel())
    told = present.details(many)
    assert len(told["texts"]) == present.SHOWN_LABELS and told["text_count"] == 7_000
    assert told["texts"][0]["label"] == many.ranked[0].label
    assert told["ranked"][0]["cosine"] == pytest.approx(many.ranked[0].cosine)


def test_slider_spans_the_scores_and_the_threshold(answer: Classification) -> None:
    counted = threshold_histogram(answer, "red, blue, green", Options(), model=StubModel())
    low, high = present.slider_range(counted, 0.9)
    assert -1 <= low < counted.edges[0] and high >= 0.9 and high <= 1
    assert round(20 * low) == pytest.approx(20 * low) and round(20 * high) == pytest.approx(20 * high)


def test_histogram_is_plain_numbers(answer: Classification) -> None:
    counted = threshold_histogram(answer, "red, blue, green", Options(), model=StubModel())
    value = present.histogram_value(counted, 0.2)
    assert len(value["edges"]) == len(value["counts"]) + 1
    assert all(type(count) is int for count in value["counts"]) and value["threshold"] == 0.2


def test_table_shows_files_that_could_not_be_read(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    Image.fromarray(solid("red")).save(good)
    bad.write_text("no picture")
    value = present.table_value(classify_batch([good, bad], "red, blue", model=StubModel()))
    assert value["count"] == 2 and value["failed"] == 1
    assert value["rows"][0]["label"] == "red" and value["rows"][1]["error"].endswith(".")


@pytest.mark.parametrize("seconds, words", [(0.0837, "84 ms"), (0.9996, "1.0 s"), (12.34, "12.3 s")])
def test_times_are_for_people(seconds: float, words: str) -> None:
    assert present.seconds_words(seconds) == words


def test_model_picker_tells_size_licence_and_state() -> None:
    choices = model_choices(MODELS)
    assert {*MODELS, *GENERATORS} == set(DEMO.models)
    assert [name for _, name in choices] == [row.name for row in by_task("image-text")]
    for words, name in choices:
        row = next(row for row in by_task("image-text") if row.name == name)
        assert row.title in words and row.licence in words
        assert ("non-commercial" in words) is row.is_non_commercial
        assert bool(model_note(name)["warn"]) is row.is_non_commercial


def test_examples_exist_and_have_labels() -> None:
    assert samples()
    for sample in samples():
        assert sample.path.is_file() and len(sample.labels.splitlines()) >= 3 and sample.title


def test_defaults_of_the_endpoint_are_those_of_the_page(page: gr.Blocks) -> None:
    """The page and a call that names only picture and labels must give the same answer."""
    asked = next(fn for fn in page.fns.values() if fn.api_name == "classify")
    values = [component.value for component in asked.inputs[1:-1]]
    import inspect

    defaults = [p.default for p in list(inspect.signature(asked.fn).parameters.values())[1:-1]]
    assert values == defaults
    assert DEFAULT_THRESHOLD in defaults
