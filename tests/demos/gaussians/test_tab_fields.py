"""Fields that programs fill: one file is a list of one, and what cannot be meant is told in a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio.data_classes import FileData

from demos.gaussians.tab_fields import SceneChoice, SceneFiles, place_scene_files

OTHER = 'The scene is one of the names tabletop, room; a file goes into the parameter "file".'
NAMES = [("Toybox tabletop", "tabletop"), ("Toybox room", "room")]


def _given(field: SceneFiles, value: Any) -> Any:
    """The value as Gradio hands it to a handler: validated first, preprocessed then."""
    model: Any = field.data_model
    return field.preprocess(model.model_validate(value))


@pytest.fixture
def files(tmp_path: Path) -> SceneFiles:
    with gr.Blocks():
        field = place_scene_files(label="Scene", elem_id="scene", height=150)
    field.GRADIO_CACHE = str(tmp_path)
    return field


@pytest.fixture
def scene() -> SceneChoice:
    with gr.Blocks():
        return SceneChoice(NAMES, value="tabletop", label="Scene")


def test_one_file_is_a_list_of_one(files: SceneFiles) -> None:
    told = {"path": "/tmp/a.ply", "meta": {"_type": "gradio.FileData"}}
    assert [str(path) for path in _given(files, told)] == ["/tmp/a.ply"]
    assert [str(path) for path in _given(files, FileData(path="/tmp/a.ply"))] == ["/tmp/a.ply"]


def test_several_files_stay_in_their_order(files: SceneFiles) -> None:
    told = [{"path": f"/tmp/{name}.pth", "meta": {"_type": "gradio.FileData"}} for name in "bca"]
    assert [str(path) for path in _given(files, told)] == ["/tmp/b.pth", "/tmp/c.pth", "/tmp/a.pth"]
    assert _given(files, []) == []


@pytest.mark.parametrize("value", ["scene.ply", ["scene.ply"], 7, {"name": "scene.ply"}, [None], {"path": 3}])
def test_what_is_no_file_is_told_in_a_sentence(files: SceneFiles, value: Any) -> None:
    with pytest.raises(gr.Error) as raised:
        _given(files, value)
    assert raised.value.message.startswith('The parameter "file" takes uploaded files, one or a list: ')


def test_a_scene_is_chosen_by_its_name(scene: SceneChoice) -> None:
    assert scene.preprocess("room") == "room"
    assert scene.preprocess(None) is None and scene.preprocess("") is None


@pytest.mark.parametrize(
    "value, words",
    [
        ("kitchen", "There is no bundled scene called “kitchen”; there are: tabletop, room."),
        (
            {"path": "/tmp/a.ply"},
            OTHER,
        ),
        (["room"], OTHER),
    ],
)
def test_another_scene_is_told_in_a_sentence(scene: SceneChoice, value: Any, words: str) -> None:
    with pytest.raises(gr.Error) as raised:
        scene.preprocess(value)
    assert raised.value.message == words


def test_the_browser_shows_them_as_what_they_extend(scene: SceneChoice, files: SceneFiles) -> None:
    assert scene.get_block_name() == "dropdown" and files.get_block_name() == "file"


def test_the_page_gets_what_the_field_was_placed_with(scene: SceneChoice, files: SceneFiles) -> None:
    told = files.get_config()
    assert (told["label"], told["elem_id"], told["height"], told["file_count"]) == ("Scene", "scene", 150, "multiple")
    assert scene.get_config()["label"] == "Scene"
