"""The tab: what its events say of themselves, and its handlers with networks whose map is known."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import gradio as gr
import pytest
import torch
from PIL import Image

from core.light_net import build
from core.pool import Pool
from core.tasks import Job
from demos.base import MODEL_QUEUE
from demos.enhancement import tab_direction, tab_run
from demos.enhancement.direction import TrainedLight
from demos.enhancement.options import LEARNT
from demos.enhancement.photo import read_photo
from demos.enhancement.samples import samples
from demos.enhancement.tab import DEMO
from demos.enhancement.tab_direction import place_direction, vocabulary
from demos.enhancement.tab_parts import USUAL, Parts, place
from demos.widgets import Upload
from tests.demos.enhancement.stubs import StubClip, StubLight
from tests.demos.enhancement.test_pipeline import backlit, jpeg


class Both(StubLight, StubClip):
    """Networks and judge in one."""

    name = "stub-clip"
    methods = LEARNT


@pytest.fixture(scope="module")
def page() -> gr.Blocks:
    with gr.Blocks() as built:
        DEMO.build()
    return built


@pytest.fixture(scope="module")
def parts() -> Parts:
    with gr.Blocks():
        return place()


@pytest.fixture(autouse=True)
def stubs(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every lease hands out the stub, except where a test asks for the bundled models."""
    if "bundled_models" in request.fixturenames:
        yield
        return

    @contextmanager
    def use(self: Pool, name: str, *, job: Job | None = None) -> Iterator[Both]:
        yield Both()

    with mock.patch.object(Pool, "use", use):
        yield


@pytest.fixture
def bundled_models() -> None:
    torch.set_num_threads(1)


def last(updates: Iterator[dict[Any, Any]]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for update in updates:
        found = update
    return found


def test_endpoints_and_their_queue(page: gr.Blocks) -> None:
    public = {event.api_name: event for event in page.fns.values() if event.api_visibility == "public"}
    assert set(public) == {"enhance", "enhance_batch"}
    assert all(event.concurrency_id == MODEL_QUEUE for event in public.values())
    outputs = [type(component).__name__ for component in public["enhance"].outputs]
    assert outputs[:2] == ["File", "JSON"]


def test_a_photo_alone_suffices(parts: Parts) -> None:
    answer = last(tab_run.enhance_handler(parts)(Upload(jpeg(), "me.jpg")))
    path = Path(answer[parts.file])
    assert path.name == "me-lit.jpg"
    assert read_photo(path).orientation == 6
    assert answer[parts.numbers]["method"] == USUAL.method
    assert answer[parts.numbers]["mean_luma_after"] > answer[parts.numbers]["mean_luma_before"]
    assert len(answer[parts.slider]) == 2
    assert answer[parts.line]["state"] == "done"
    assert len(answer[parts.charts]["before"]["histogram"]) == 64


def test_no_photo_and_a_wrong_strength_are_sentences(parts: Parts) -> None:
    handler = tab_run.enhance_handler(parts)
    for given, words in (((None,), "no picture yet"), ((Upload(jpeg(), "a.jpg"), "rave", 9.0), "strength is 9")):
        updates = handler(*given)
        with pytest.raises(gr.Error, match=words):
            for update in updates:
                shown = update
        assert words in shown[parts.line]["text"] and shown[parts.file] is None


def test_methods_side_by_side(parts: Parts) -> None:
    values = [component.value for component in parts.inputs.all()]
    answer = last(tab_run.compare_handler(parts)(Upload(jpeg(), "me.jpg"), *values))
    captions = [caption for _, caption in answer[parts.gallery]]
    assert [caption.split(":")[0] for caption in captions] == [
        "Before", "RAVE", "CLIP-LIT", "CLIP-LIT-Latent", "Retinex (no network)", "One curve (gamma)",
    ]  # fmt: skip


def test_many_photos(parts: Parts, tmp_path: Path) -> None:
    path = tmp_path / "me.jpg"
    path.write_bytes(jpeg())
    answer = last(tab_run.batch_handler(parts)([str(path)]))
    with zipfile.ZipFile(answer[parts.zip]) as archive:
        assert archive.namelist() == ["me-lit.jpg", "light.csv"]
    with pytest.raises(gr.Error, match="no photos yet"):
        last(tab_run.batch_handler(parts)(None))


def test_a_direction_is_found_and_used_only_when_there_is_one(parts: Parts, tmp_path: Path) -> None:
    with gr.Blocks():
        own = place_direction()
    answer = last(tab_direction.find_handler(parts, own)(None, None, "a well lit photo", "a dark photo"))
    assert len(answer[own.toward]["choices"]) == len(answer[own.away]["choices"]) == 15
    assert answer[own.found].encoder == "stub-clip"
    with pytest.raises(gr.Error, match="no direction yet"):
        last(tab_direction.teach_handler(parts, own)(None, [], [], None, 0.5, 20))
    with pytest.raises(gr.Error, match="no network of your own"):
        last(tab_direction.use_handler(parts, own)(None, Upload(jpeg(), "a.jpg"), 1, 0, 0, 0))
    assert len(vocabulary()) > 150 and len(set(vocabulary())) == len(vocabulary())


def test_teaching_finds_the_direction_where_it_is_not_known_yet(parts: Parts) -> None:
    with gr.Blocks():
        own = place_direction()
    ends = (None, None, "a well lit photo", "a dark photo")
    ready = tab_direction.ready_handler(parts, own)
    found = last(ready(None, *ends))[own.found]
    assert found.encoder == "stub-clip"
    assert own.found not in last(ready(found, *ends))


def test_a_taught_network_is_tried_on_an_example_where_there_is_no_photo(parts: Parts) -> None:
    with gr.Blocks():
        own = place_direction()
    made = TrainedLight(build(), (0.1,), 1, 0.1)
    answer = last(tab_direction.use_handler(parts, own, falls_back=True)(made, None, 1.0, 0.0, 0.0, 0.0))
    assert Path(answer[parts.file]).stem == f"{samples()[0].path.stem}-lit" and answer[parts.light_map]
    with pytest.raises(gr.Error, match="no picture yet"):
        last(tab_direction.use_handler(parts, own)(made, None, 1.0, 0.0, 0.0, 0.0))


def test_folders_go_before_phrases(parts: Parts, tmp_path: Path) -> None:
    with gr.Blocks():
        own = place_direction()
    files: dict[str, list[str]] = {"good": [], "bad": []}
    for kind, values in (("good", 255 - backlit() // 9), ("bad", backlit() // 9)):
        for number in range(2):
            path = tmp_path / f"{kind}{number}.png"
            buffer = io.BytesIO()
            Image.fromarray(values).save(buffer, "PNG")
            path.write_bytes(buffer.getvalue())
            files[kind].append(str(path))
    answer = last(tab_direction.find_handler(parts, own)(files["good"], files["bad"], "", ""))
    assert answer[own.found].positive.shape == (2, 2)


def test_pictures_on_one_side_only_are_refused(parts: Parts, tmp_path: Path) -> None:
    with gr.Blocks():
        own = place_direction()
    path = tmp_path / "one.jpg"
    path.write_bytes(jpeg())
    find = tab_direction.find_handler(parts, own)
    for given, words in (
        ((None, [str(path)]), "one side only"),
        (([str(path)], [str(path)]), "has 1 picture; it must have from 2"),
        (([str(path)] * 2, [str(path)] * 2), "look alike"),
    ):
        with pytest.raises(gr.Error, match=words):
            last(find(*given, "", ""))


def test_ticked_words_are_taken_out_and_the_rest_is_shown(parts: Parts) -> None:
    with gr.Blocks():
        own = place_direction()
    found = last(tab_direction.find_handler(parts, own)(None, None, "a well lit photo", "a dark photo"))
    ticked = found[own.away]["choices"][:2]
    take_out = tab_direction.take_out_handler(parts, own)
    answer = last(take_out(found[own.found], [], ticked))
    assert answer[own.found].removed == tuple(ticked) and answer[own.taught] is None
    assert not set(ticked) & {*answer[own.toward]["choices"], *answer[own.away]["choices"]}
    assert ticked[0] in answer[own.note]["lines"][1]
    with pytest.raises(gr.Error, match="No word is ticked"):
        last(take_out(found[own.found], [], []))


@pytest.mark.usefixtures("bundled_models")
def test_a_direction_from_phrases_to_a_photo_with_the_bundled_models(parts: Parts) -> None:
    with gr.Blocks():
        own = place_direction()
    found = last(tab_direction.find_handler(parts, own)(None, None, "golden hour light", "a dark photo"))
    assert found[own.found].encoder == "pocket-clip"
    words = found[own.toward]["choices"]
    shorter = last(tab_direction.take_out_handler(parts, own)(found[own.found], words[:1], []))
    teach = tab_direction.teach_handler(parts, own)(shorter[own.found], [], [], None, 0.5, 10)
    updates = list(teach)
    told = [update[parts.line] for update in updates]
    assert told[-1]["state"] == "done" and "10 steps" in told[-1]["text"]
    made = updates[-1][own.taught]
    answer = last(tab_direction.use_handler(parts, own)(made, Upload(jpeg(), "me.jpg"), 1.0, 0.0, 0.0, 0.0))
    assert Path(answer[parts.file]).name == "me-lit.jpg"
    assert answer[parts.numbers]["mean_luma_after"] > answer[parts.numbers]["mean_luma_before"]
