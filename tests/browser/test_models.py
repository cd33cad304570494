"""The models page downloads from a hub on loopback: progress, Cancel, and what the row says afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from safetensors.numpy import save_file

from core.catalog import spec
from core.model_spec import Hub
from core.settings import configure
from tests.fake_hub import FakeHub

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser
Open = Callable[..., "Page"]
NAME = "tinyclip-8m"


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[tuple[FakeHub, str]]:
    """A hub that serves the row's repository: half a megabyte of weights and the small files."""
    source = spec(NAME).sources[0]
    assert isinstance(source, Hub)
    folder = tmp_path / "repo"
    folder.mkdir()
    save_file({"weight": np.zeros((360, 360), np.float32)}, folder / "model.safetensors")
    for name in ("config.json", "preprocessor_config.json", "tokenizer.json", "vocab.json", "merges.txt"):
        (folder / name).write_text(json.dumps({"file": name}))
    with FakeHub() as hub:
        hub.add_repo(source.repo_id, folder)
        configure(endpoint=hub.url)
        yield hub, source.repo_id


def _row(page: Page) -> Locator:
    return page.locator("#models-table .model", has_text=NAME)


def test_download_tells_how_far_it_is_and_cancel_stops_it(open_page: Open, repo: tuple[FakeHub, str]) -> None:
    hub, repo_id = repo
    hub.fault(repo_id, "slow", file="model.safetensors")
    page = open_page("?tab=models")
    page.wait_for_selector("#models-table .model")
    _row(page).get_by_role("button").click()
    page.wait_for_function("/Downloading.* MB/.test(document.querySelector('#models-status .words').textContent)")
    page.wait_for_function("document.querySelector('#models-table .state.downloading') !== null")
    page.locator("#tab-models .cancel-button").click()
    page.wait_for_selector("#models-status [data-state=cancelled]")
    page.wait_for_timeout(500)
    assert page.locator("#models-status [data-state=cancelled]").count() == 1
    page.get_by_role("button", name="Refresh").click()
    page.wait_for_function("document.querySelector('#models-table .state.downloading') === null")
    assert _row(page).locator(".state.absent").count() == 1


def test_download_ends_on_disk(open_page: Open, repo: tuple[FakeHub, str]) -> None:
    page = open_page("?tab=models")
    page.wait_for_selector("#models-table .model")
    _row(page).get_by_role("button", name="Download").click()
    page.wait_for_selector("#models-status [data-state=done]", state="attached")
    assert _row(page).locator(".state.downloaded").count() == 1
    assert _row(page).get_by_role("button", name="Load").count() == 1
