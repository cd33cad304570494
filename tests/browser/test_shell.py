"""The shell as a visitor meets it: light and dark, phone width, tabs and links, models and papers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.catalog import MODELS
from demos.papers.catalogue import PAPERS
from demos.registry import DEMOS, PAGES

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
Open = Callable[..., "Page"]

_LOW_CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")


def _settle(page: Page) -> None:
    page.wait_for_selector("#zs-samples, #models-table, #papers-list")
    page.wait_for_timeout(400)


def _open_tab(page: Page, slug: str) -> None:
    """Click a tab, or its entry behind the three dots where the strip is too narrow for all."""
    tab = page.locator(f"#tab-{slug}-button")
    if tab.count():
        tab.click()
        return
    title = next(demo.title for demo in DEMOS + PAGES if demo.slug == slug)
    page.locator("#tabs > .tab-wrapper").get_by_label("More tabs").click()
    page.locator("#tabs > .tab-wrapper .overflow-dropdown").get_by_text(title, exact=True).click()


def _walk(page: Page) -> Iterator[str]:
    """Open one tab after the other, each with something in it; yields its slug."""
    page.locator("#zs-samples button").first.click()
    page.wait_for_selector("#zs-heat img")
    yield "zero_shot"
    for slug, ready in (("models", "#models-table .model"), ("papers", "#papers-list .papers")):
        _open_tab(page, slug)
        page.wait_for_selector(ready)
        yield slug


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_is_readable(open_page: Open, dark: bool) -> None:
    page = open_page(f"?__theme={'dark' if dark else 'light'}", dark=dark)
    _settle(page)
    body = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(int(part) for part in body[body.index("(") + 1 : -1].split(",")[:3]) < 200) is dark
    assert {slug: page.evaluate(_LOW_CONTRAST) for slug in _walk(page)} == {"zero_shot": [], "models": [], "papers": []}


def test_phone_needs_no_sideways_scrolling(open_page: Open) -> None:
    page = open_page(width=390, height=844)
    _settle(page)
    for slug in _walk(page):
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, slug
        page.evaluate("window.scrollTo(500, 0)")
        assert page.evaluate("window.scrollX") == 0, slug


def test_strip_and_tabs_say_what_there_is(open_page: Open) -> None:
    page = open_page()
    assert page.locator(".strip h1").inner_text() == "Ask for things in plain words."
    titles = page.locator("#tabs > .tab-wrapper [role=tab]").all_inner_texts()
    assert titles == [demo.title for demo in DEMOS + PAGES]


def test_address_names_the_open_tab(open_page: Open) -> None:
    page = open_page("?tab=papers")
    page.wait_for_selector("#papers-list li")
    page.get_by_role("tab", name="Models").click()
    page.wait_for_selector("#models-table li")
    assert "tab=models" in page.url
    page.reload()
    page.wait_for_selector("#models-table li")
    assert page.locator("#tab-models-button").get_attribute("aria-selected") == "true"


def test_unknown_tab_opens_the_first(open_page: Open) -> None:
    page = open_page("?tab=<script>alert(1)</script>")
    page.wait_for_selector("#zs-samples")


def test_models_page_lists_the_catalogue(open_page: Open) -> None:
    page = open_page("?tab=models")
    page.wait_for_selector("#models-table .model")
    assert page.locator("#models-table .model").count() == len(MODELS)
    flagged = page.locator("#models-table .flag").count()
    assert flagged == sum(row.is_non_commercial for row in MODELS)


def test_download_that_cannot_be_is_a_sentence(open_page: Open) -> None:
    """The address of the model hub is that of a machine which does not exist: conftest refuses every way out."""
    page = open_page("?tab=models")
    page.wait_for_selector("#models-table .model")
    page.locator("#models-table .model", has_text="CLIP ViT-B/32").first.get_by_role("button").click()
    page.wait_for_selector("#models-status [data-state=error]")
    assert page.locator("#models-status .words").inner_text().endswith(".")


def test_papers_can_be_filtered(open_page: Open) -> None:
    page = open_page("?tab=papers")
    page.wait_for_selector("#papers-list li")
    assert page.locator("#papers-list ol.papers > li").count() == len(PAPERS) == 51
    page.locator("#papers-list .chip", has_text="Works").click()
    works = sum(paper.progress == "works" for paper in PAPERS)
    assert page.locator("#papers-list ol.papers > li").count() == works


def test_keyboard_reaches_everything_and_shows_where_it_is(open_page: Open) -> None:
    page = open_page()
    _settle(page)
    page.locator("#zs-samples button").first.focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.key") == "example-1"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    page.keyboard.press("Enter")
    page.wait_for_selector("#zs-bars .verdict")
