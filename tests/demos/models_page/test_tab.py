"""The models page: what a row offers in each state, and what its buttons do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from core.catalog import MODELS, spec
from core.errors import InputError, ModelUnavailable
from core.model_spec import Hub, Task
from core.pool import POOL, ModelState
from core.settings import configure
from core.tasks import Job
from demos.models_page import tab_rows
from demos.models_page.tab import perform
from demos.widgets import size_words, state_words
from tests.fake_hub import FakeHub
from tests.tiny_clip import save

NAME = "tinyclip-8m"


@pytest.fixture
def empty_pool() -> Iterator[None]:
    POOL.clear()
    yield
    POOL.clear()


def test_one_row_a_model() -> None:
    value = tab_rows.models_value()
    assert [row["name"] for row in value["rows"]] == [row.name for row in MODELS]
    assert value["budget_mib"] > 0 and value["memory_mib"] >= 0
    for row, model in zip(value["rows"], MODELS, strict=True):
        assert row["licence"] == model.licence and row["non_commercial"] is model.is_non_commercial
        assert row["size"] == size_words(model)


@pytest.mark.parametrize(
    "state, offline, actions",
    [
        (ModelState("x", "absent"), False, ["download"]),
        (ModelState("x", "absent"), True, []),
        (ModelState("x", "failed", why="No."), False, ["download"]),
        (ModelState("x", "downloading", fraction=0.4), False, []),
        (ModelState("x", "downloaded"), True, ["load"]),
        (ModelState("x", "ready", size_mib=40), False, ["unload"]),
        (ModelState("x", "ready", size_mib=40, in_use=1), False, []),
    ],
)
def test_a_row_offers_what_can_be_done(state: ModelState, offline: bool, actions: list[str]) -> None:
    assert tab_rows._actions(state, offline) == actions


def test_rows_stand_under_what_they_are_for() -> None:
    headings = {row["name"]: row["task"] for row in tab_rows.models_value()["rows"]}
    assert headings["pocket-clip"] == "Compare pictures with words"
    assert headings["pocket-sam"] == headings["sam-vit-b"] == "Outline what is in a picture"
    assert list(dict.fromkeys(headings.values())) == list(tab_rows._TASKS.values())  # each stands together
    assert set(tab_rows._TASKS) == set(get_args(Task))


def test_states_in_words() -> None:
    assert state_words(ModelState("x", "downloading", fraction=0.4)) == "downloading, 40 %"
    assert state_words(ModelState("x", "ready")) == "in memory"


@pytest.mark.parametrize("name, action, kind", [("gone", "load", ModelUnavailable), (NAME, "burn", InputError)])
def test_what_cannot_be_done_is_a_sentence(name: str, action: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        perform(name, action, Job())


def test_download_load_unload(tmp_path: Path, empty_pool: None) -> None:
    source = spec(NAME).sources[0]
    assert isinstance(source, Hub)
    with FakeHub() as hub:
        hub.add_repo(source.repo_id, save("clip", tmp_path / "repo"))
        configure(endpoint=hub.url)
        assert perform(NAME, "download", Job()) == "TinyCLIP 8M/16 is on this machine now."
        assert _state() == "downloaded"
        assert perform(NAME, "load", Job()) == "TinyCLIP 8M/16 is in memory."
        assert _state() == "ready"
        assert perform(NAME, "unload", Job()) == "TinyCLIP 8M/16 left the memory."
        assert _state() == "downloaded"


def _state() -> str:
    return next(state.state for state in POOL.states() if state.name == NAME)
