"""The zero-shot tab as a visitor meets it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from PIL import Image

from tests.served import Served
from tests.stub_model import StubModel, halves, solid

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
Open = Callable[..., "Page"]

WICKED = ("<script>hack()</script>", "<img src=x onerror=hack()>", "${hack()}", "{{hack()}}", "`${hack()}`", "red")


def _save(folder: Path, colour: str, name: str | None = None) -> str:
    path = folder / (name or f"{colour}.png")
    Image.fromarray(solid(colour, (160, 120))).save(path)
    return str(path)


def _give(page: Page, path: str, labels: str | None = None) -> None:
    page.locator("#zs-picture input[type=file]").set_input_files(path)
    page.wait_for_selector("#zs-picture img")
    if labels is not None:
        page.locator("#zs-labels textarea").fill(labels)


def _answer(page: Page) -> str:
    return page.locator("#zs-bars .verdict > span").first.inner_text()


def test_first_click_on_an_example_answers(open_page: Open) -> None:
    page = open_page()
    page.locator("#zs-samples button").first.click()
    page.wait_for_selector("#zs-bars .verdict")
    page.wait_for_selector("#zs-heat img")
    assert page.locator("#zs-bars ol.bars li").count() >= 2
    assert " with stub, by name" in page.locator("#zs-details").inner_text()


def test_own_picture_own_labels_and_ctrl_enter(open_page: Open, tmp_path: Path) -> None:
    page = open_page()
    _give(page, _save(tmp_path, "blue"), "red\nblue = azure\ngreen")
    page.locator("#zs-labels textarea").press("Control+Enter")
    page.wait_for_selector("#zs-bars .verdict")
    assert _answer(page) == "blue"
    page.get_by_role("tab", name="Texts sent").click()
    page.wait_for_selector("#zs-texts li")
    sent = page.locator("#zs-texts").inner_text()
    assert "a photo of a blue." in sent and "azure" in sent


def test_a_click_on_a_bar_explains_that_label(open_page: Open, tmp_path: Path) -> None:
    path = tmp_path / "halves.png"
    Image.fromarray(halves("red", "blue", (160, 80))).save(path)
    page = open_page()
    _give(page, str(path), "red, blue, green")
    page.locator("#zs-run").click()
    page.wait_for_selector("#zs-heat img")
    before = page.locator("#zs-heat img").get_attribute("src")
    page.locator("#zs-bars .bar", has_text="green").click()
    page.wait_for_function("old => document.querySelector('#zs-heat img').src !== old", arg=before)
    page.wait_for_function("document.querySelector('#zs-heat-note').innerText.includes('green')")
    assert page.locator("#zs-bars .bar.chosen .name").inner_text() == "green"


def test_markup_in_labels_is_text(open_page: Open, tmp_path: Path) -> None:
    page = open_page()
    page.evaluate("() => { window.hack = () => { window.hacked = 1; }; }")
    _give(page, _save(tmp_path, "red"), "\n".join(f'"{label}"' for label in WICKED))
    page.locator("#zs-run").click()
    page.wait_for_selector("#zs-heat img")
    assert _answer(page) == "red"
    names = page.locator("#zs-bars .bar .name").all_inner_texts()
    assert set(names) == set(WICKED)
    page.locator("#zs-bars .bar", has_text="<script>").click()
    page.wait_for_function("document.querySelector('#zs-heat-note').innerText.includes('<script>')")
    for tab in ("Texts sent", "From code", "Which traits", "None of these"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(150)
    assert page.evaluate("window.hacked") is None


def test_markup_in_a_sentence_is_text(open_page: Open, tmp_path: Path) -> None:
    page = open_page()
    bad = tmp_path / "<img src=x onerror=window.hacked=1>.png"
    bad.write_text("no picture")
    page.locator("#zs-picture input[type=file]").set_input_files(str(bad))
    page.wait_for_selector("#zs-picture img", state="attached")
    page.locator("#zs-run").click()
    page.wait_for_selector("#zs-status [data-state=error]")
    page.wait_for_timeout(300)
    assert page.evaluate("window.hacked") is None


def test_a_problem_is_a_sentence_beside_the_result_and_nothing_is_lost(open_page: Open, tmp_path: Path) -> None:
    page = open_page()
    page.locator("#zs-labels textarea").fill("cat, dog")
    page.locator("#zs-run").click()
    page.wait_for_selector("#zs-status [data-state=error]")
    assert "There is no picture yet" in page.locator("#zs-status").inner_text()
    assert page.locator("#zs-labels textarea").input_value() == "cat, dog"
    _give(page, _save(tmp_path, "red"), "")
    page.locator("#zs-run").click()
    page.wait_for_function("/label/i.test(document.querySelector('#zs-status .words').textContent)")
    assert page.locator("#zs-picture img").count() == 1
    chips = "[...document.querySelectorAll('.error')].filter((node) => node.checkVisibility({opacityProperty: true}))"
    assert page.evaluate(f"{chips}.length") == 0, "a bare Error chip covers a component"
    page.locator("#zs-labels textarea").fill("red, blue")
    page.locator("#zs-run").click()
    page.wait_for_selector("#zs-bars .verdict")
    assert _answer(page) == "red"


def test_a_full_queue_is_a_sentence(open_page: Open, tmp_path: Path) -> None:
    page = open_page()
    _give(page, _save(tmp_path, "red"), "red, blue")
    page.route("**/queue/join*", lambda route: route.fulfill(status=503, json={"detail": "Queue is full!"}))
    page.locator("#zs-run").click()
    page.wait_for_selector("#zs-status [data-state=error]")
    assert "busy" in page.locator("#zs-status").inner_text()
    page.unroute("**/queue/join*")
    page.locator("#zs-run").click()
    page.wait_for_selector("#zs-bars .verdict")


def test_the_answer_comes_into_view(open_page: Open) -> None:
    page = open_page(width=390, height=844)
    page.locator("#zs-run").scroll_into_view_if_needed()
    page.locator("#zs-run").click()
    page.wait_for_selector("#zs-status [data-state=error]")
    page.wait_for_function(
        "(() => { const box = document.querySelector('#zs-status').getBoundingClientRect();"
        " return box.top >= 0 && box.bottom <= innerHeight; })()"
    )


def test_none_of_these_moves_with_the_slider(open_page: Open, tmp_path: Path) -> None:
    page = open_page()
    _give(page, _save(tmp_path, "red"), "red, blue")
    page.locator("#zs-run").click()
    page.wait_for_selector("#zs-heat img")
    page.get_by_role("tab", name="None of these").click()
    page.wait_for_selector("#zs-histogram svg")
    page.locator("#zs-none input[type=checkbox]").check()
    slider = page.locator("#zs-threshold input[type=range]")
    slider.fill("1")
    page.wait_for_selector("#zs-bars .verdict.none")
    assert _answer(page) == "none of these"
    slider.fill("-1")
    page.wait_for_function("!document.querySelector('#zs-bars .verdict.none')")
    assert _answer(page) == "red"
    page.wait_for_selector("#zs-histogram .legend .limit")


def test_teaching_answers_at_once_beside_the_answer_by_name(open_page: Open, tmp_path: Path) -> None:
    page = open_page()
    _give(page, _save(tmp_path, "blue"), "sea")
    page.get_by_text("Teach by example").click()
    page.wait_for_selector("#zs-taught-note", state="attached")  # the last thing that is drawn in there
    page.wait_for_timeout(500)
    for index, (name, colour) in enumerate((("warm", "red"), ("cold", "blue")), 1):
        page.locator(f"#zs-class-{index} input, #zs-class-{index} textarea").first.fill(name)
        page.locator(f"#zs-class-{index}-pictures input[type=file]").set_input_files(
            [_save(tmp_path, colour, f"{colour}-{n}.png") for n in range(2)]
        )
        page.wait_for_selector(f"#zs-class-{index}-pictures img")
    page.wait_for_selector("#zs-details .beside")
    page.wait_for_function("document.querySelector('#zs-bars .verdict span').textContent === 'cold'")
    assert "by example pictures" in page.locator("#zs-details").inner_text()
    assert "Taught: warm 2, cold 2." in page.locator("#zs-taught-note").inner_text()


def test_many_pictures_make_a_table_with_downloads(open_page: Open, tmp_path: Path) -> None:
    page = open_page()
    page.locator("#zs-many-button").click()
    page.wait_for_selector("#zs-files")
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    files = [_save(tmp_path, "red"), _save(tmp_path, "green"), str(bad)]
    page.locator("#zs-files input[type=file]").set_input_files(files)
    page.wait_for_function("document.querySelector('#zs-files').innerText.includes('green')")
    page.locator("#zs-labels textarea").fill("red, green")
    page.locator("#zs-run-many").click()
    page.wait_for_selector("#zs-table tbody tr")
    rows = page.locator("#zs-table tbody tr").all_inner_texts()
    assert rows[0].startswith("red.png\tred\t") and rows[1].startswith("green.png\tgreen\t")
    assert "bad.png" in rows[2] and page.locator("#zs-table td.why").count() == 1
    with page.expect_download() as csv:
        page.locator("#zs-csv").click()
    assert "green.png" in Path(csv.value.path()).read_text()


def test_a_copied_link_brings_the_settings_back(open_page: Open) -> None:
    page = open_page()
    page.locator("#zs-labels textarea").fill("café = bistro\n<b>bold</b>\n🐈")
    page.get_by_text("Method and wording").click()
    page.get_by_label("By description").check()
    page.get_by_label("7 best sentences").check()
    page.locator("#zs-copy-link").click()
    page.wait_for_selector("#zs-link .copied")
    link = page.evaluate("navigator.clipboard.readText()")
    query = urlsplit(link).query
    assert query.startswith("tab=zero_shot&p=")
    again = open_page("?" + query)
    again.wait_for_function("document.querySelector('#zs-labels textarea').value.startsWith('café')")
    assert again.locator("#zs-labels textarea").input_value() == "café = bistro\n<b>bold</b>\n🐈"
    again.get_by_text("Method and wording").click()
    assert again.get_by_label("By description").is_checked()
    assert again.get_by_label("7 best sentences").is_checked()


def test_a_broken_link_is_a_sentence(open_page: Open) -> None:
    page = open_page("?tab=zero_shot&p=AAAA")
    page.wait_for_selector("#zs-status [data-state=error]")
    assert "cannot be read" in page.locator("#zs-status").inner_text()
    assert "dog" in page.locator("#zs-labels textarea").input_value()


def _slow(model: StubModel, seconds: float) -> None:
    model.seconds_per_item = seconds


def _start_slow_work(page: Page, tmp_path: Path) -> None:
    _give(page, _save(tmp_path, "red"), "red, blue, green, black, white")
    page.locator("#zs-run").click()
    page.wait_for_selector("#zs-status .track")


def test_the_last_click_counts(open_page: Open, served: Served) -> None:
    assert served.model is not None
    page = open_page()
    _slow(served.model, 0.2)
    try:
        for index in (0, 1, 2):
            page.locator("#zs-samples button").nth(index).click()
            page.wait_for_timeout(250)
        page.wait_for_function("document.querySelector('#zs-status .status').dataset.state === 'done'")
    finally:
        _slow(served.model, 0.0)
    page.wait_for_selector("#zs-heat img")
    page.wait_for_timeout(1_000)
    typed = [line.split("=")[0].strip() for line in page.locator("#zs-labels textarea").input_value().splitlines()]
    assert set(page.locator("#zs-bars .bar .name").all_inner_texts()) == set(typed)
    assert page.locator("#zs-bars .bar.answer .name").inner_text() in page.locator("#zs-heat-note").inner_text()


def test_cancel_stops_the_work_and_leaves_the_page_in_order(open_page: Open, served: Served, tmp_path: Path) -> None:
    assert served.model is not None
    page = open_page()
    assert not page.locator("#zs-stop").is_visible()
    _slow(served.model, 1.0)
    try:
        _start_slow_work(page, tmp_path)
        page.locator("#zs-stop").click()
        page.wait_for_selector("#zs-status [data-state=cancelled]")
        assert _jobs_end_within(2.0)
    finally:
        _slow(served.model, 0.0)
    page.wait_for_timeout(500)  # a late word of the job must not bring the progress back
    assert not page.locator("#zs-stop").is_visible()
    assert page.locator("#zs-labels textarea").input_value().startswith("red, blue")
    page.locator("#zs-run").click()
    page.wait_for_selector("#zs-bars .verdict")
    assert _answer(page) == "red"


def test_a_closed_page_stops_the_work(open_page: Open, served: Served, tmp_path: Path) -> None:
    assert served.model is not None
    page = open_page()
    _slow(served.model, 1.0)
    try:
        _start_slow_work(page, tmp_path)
        page.close()
        assert _jobs_end_within(2.0)
    finally:
        _slow(served.model, 0.0)


def _jobs_end_within(seconds: float) -> bool:
    """Whether no job thread of this process is alive before the time is over."""
    import threading

    end_s = time.monotonic() + seconds
    while any(thread.name == "hub-job" for thread in threading.enumerate()):
        if time.monotonic() > end_s:
            return False
        time.sleep(0.05)
    return True
