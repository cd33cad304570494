"""The Enhance tab as a visitor meets it, with the bundled networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.served import Served, serve

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
Open = Callable[..., "Page"]
TAB = "?tab=enhancement"
PHONE_PX = 390
_LOW_CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """The app with its own models: they are small, and a stub would have nothing to show."""
    with serve(None) as running:
        yield running


def _enhance(page: Page, example: int = 0) -> None:
    page.wait_for_selector("#enh-samples button")
    page.locator("#enh-samples button").nth(example).click()
    page.wait_for_selector("#enh-status [data-state=done]", state="attached", timeout=60_000)


def test_a_first_click_shows_before_and_after(open_page: Open) -> None:
    page = open_page(TAB)
    _enhance(page)
    assert page.locator("#enh-slider img").count() == 2
    assert "dusk-lit.jpg" in page.locator("#enh-file").inner_text().replace("\n", "")
    assert page.locator("#enh-charts table tr").count() == 5
    assert "mean light 2" in page.locator("#enh-status").inner_text()


def test_a_well_lit_photo_is_left_alone_and_it_says_so(open_page: Open) -> None:
    page = open_page(TAB)
    _enhance(page, 3)
    assert "well lit already" in page.locator("#enh-charts").inner_text()


def test_without_a_photo_there_is_a_sentence(open_page: Open) -> None:
    page = open_page(TAB)
    page.locator("#enh-run").click()
    page.wait_for_selector("#enh-status [data-state=error]", state="attached")
    assert "There is no picture yet" in page.locator("#enh-status").inner_text()


@pytest.mark.parametrize("is_dark", [False, True])
def test_text_can_be_read_on_a_phone(open_page: Open, is_dark: bool) -> None:
    page = open_page(TAB, width=PHONE_PX, dark=is_dark)
    page.wait_for_selector("#enh-run")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE_PX
    assert page.evaluate(_LOW_CONTRAST) == []
    box = page.locator("#enh-run").bounding_box()
    assert box is not None and box["width"] > 80
