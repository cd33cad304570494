"""The segmentation tab as a visitor meets it, with a model whose regions and words are known."""

from __future__ import annotations

import io
import json
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from PIL import Image

from tests.demos.segmentation.stub_segmenter import StubSegmenter, picture
from tests.served import Served, serve

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser
Open = Callable[..., "Page"]
TAB = "?tab=segmentation"
RED, BLUE, GREEN, WHITE = (0.25, 0.4), (0.7, 0.4), (0.66, 0.8), (0.05, 0.05)  # places, as shares of the picture
_LOW_CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")
WICKED = "<img src=x onerror=window.hacked=1>"


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """The app with a stub that answers for image-text and for mask models."""
    with serve(StubSegmenter()) as running:
        yield running


@pytest.fixture
def model(served: Served) -> StubSegmenter:
    assert isinstance(served.model, StubSegmenter)
    return served.model


def _save(folder: Path, name: str = "shapes.png", size_wh: tuple[int, int] = (160, 120)) -> str:
    path = folder / name
    Image.fromarray(picture(size_wh)).save(path)
    return str(path)


def _give(page: Page, path: str) -> None:
    """Drop a picture and wait until it is on the stage."""
    page.locator("#seg-picture input[type=file]").set_input_files(path)
    page.wait_for_selector(".seg[data-ready=picture]")


def _segment(page: Page, folder: Path, labels: str = "red, blue, green") -> None:
    _give(page, _save(folder))
    page.locator("#seg-labels textarea").fill(labels)
    page.locator("#seg-run").click()
    page.wait_for_selector(".seg-legend .seg-label")


def _at(page: Page, place: tuple[float, float]) -> tuple[float, float]:
    box = page.locator(".seg-canvas").bounding_box()
    assert box is not None
    return box["x"] + place[0] * box["width"], box["y"] + place[1] * box["height"]


def _see(page: Page) -> None:
    """Scroll so that the whole picture can be reached by the mouse."""
    page.locator(".seg-frame").evaluate("node => node.scrollIntoView({block: 'center', behavior: 'instant'})")


def _click(page: Page, place: tuple[float, float]) -> None:
    _see(page)
    page.mouse.click(*_at(page, place))


def _pixel(page: Page, place: tuple[float, float]) -> list[int]:
    """Colour that the canvas shows at a place."""
    page.wait_for_timeout(100)
    script = """([x, y]) => { const c = document.querySelector('.seg-canvas');
      return [...c.getContext('2d').getImageData(Math.floor(x * c.width), Math.floor(y * c.height), 1, 1).data]; }"""
    found: list[int] = page.evaluate(script, list(place))
    return found[:3]


def _names(page: Page) -> list[str]:
    return page.locator(".seg-region:not(.other) .what .name").all_inner_texts()


def _row(page: Page, name: str) -> Locator:
    """The row of the list whose region has this name, not one that has it as its second word."""
    title = page.locator(".what .name", has_text=re.compile(f"^{name}$"))
    return page.locator(".seg-region", has=title)


def _wait_names(page: Page, *names: str) -> None:
    script = """wanted => JSON.stringify([...document.querySelectorAll('.seg-region:not(.other) .what .name')]
      .map((node) => node.textContent).sort()) === JSON.stringify(wanted)"""
    page.wait_for_function(script, arg=sorted(names))


def test_labels_become_a_map_a_legend_and_a_list(open_page: Open, tmp_path: Path) -> None:
    page = open_page(TAB)
    _segment(page, tmp_path)
    assert sorted(_names(page)) == ["blue", "green", "red"]
    legend = page.locator(".seg-label .name").all_inner_texts()
    assert legend == ["red", "blue", "green", "other"]
    assert "finding regions" in page.locator(".seg-foot").inner_text()
    plain = _pixel(page, (0.3, 0.3))
    page.locator("[data-key=opacity]").fill("0")
    page.locator("[data-key=show-names]").uncheck()
    assert _pixel(page, (0.3, 0.3)) != plain
    assert _pixel(page, (0.3, 0.3))[0] > 200 and _pixel(page, (0.3, 0.3))[2] < 60, "without colour it is the photo"


def test_views_differ(open_page: Open, tmp_path: Path) -> None:
    page = open_page(TAB)
    _segment(page, tmp_path)
    seen = {}
    for mode in ("overlay", "map", "heat", "cut"):
        page.locator(f"[data-key=mode-{mode}]").click()
        seen[mode] = (tuple(_pixel(page, (0.3, 0.3))), tuple(_pixel(page, WHITE)))
    assert len(set(seen.values())) == 4
    red = page.locator("[data-key='colour-red']").input_value()
    assert seen["map"][0] == tuple(bytes.fromhex(red[1:]))
    assert seen["cut"][0][0] > 200 > 60 > seen["cut"][0][2], "a thing that is wanted stays as it was"


def test_pointing_at_a_region_tells_its_words(open_page: Open, tmp_path: Path) -> None:
    page = open_page(TAB)
    _segment(page, tmp_path)
    _see(page)
    page.mouse.move(*_at(page, BLUE))
    page.wait_for_selector(".seg-card:not([hidden])")
    card = page.locator(".seg-card")
    assert card.locator(".head").inner_text() == "blue"
    assert card.locator("li").count() == 3 and "of the picture" in card.inner_text()
    page.mouse.move(*_at(page, WHITE))
    page.wait_for_function("document.querySelector('.seg-card .head').innerText === 'other'")
    page.mouse.move(2, 2)
    page.wait_for_selector(".seg-card", state="hidden")


def test_a_click_outlines_names_and_keeps(open_page: Open, tmp_path: Path) -> None:
    """Without any answer before: one click, three masks, one of them kept."""
    page = open_page(TAB)
    _give(page, _save(tmp_path))
    page.locator("#seg-labels textarea").fill("red, blue, green")
    before = _pixel(page, (0.3, 0.3))
    _click(page, RED)
    page.wait_for_selector(".seg-found .mask")
    assert page.locator(".seg-found .mask").count() == 3
    assert page.locator(".seg-found .mask[aria-checked=true]").count() == 1
    assert page.locator(".seg-found .mask[aria-checked=true] .name").inner_text() == "red"
    assert _pixel(page, (0.3, 0.3)) != before
    page.locator(".seg-found input[type=text]").fill("my square")
    page.locator("[data-key=accept]").click()
    _wait_names(page, "my square")
    assert page.locator(".seg-found").is_hidden()
    assert page.locator("[data-key=tool-undo]").is_disabled(), "the points have done their work"
    page.locator("#seg-run").click()
    _wait_names(page, "my square", "blue", "green")


def test_points_boxes_undo_and_clear(open_page: Open, tmp_path: Path, model: StubSegmenter) -> None:
    page = open_page(TAB)
    _give(page, _save(tmp_path))
    model.prompts_seen.clear()

    def asked(count: int) -> Any:
        end_s = time.monotonic() + 20
        while len(model.prompts_seen) < count:
            assert time.monotonic() < end_s, f"asked {len(model.prompts_seen)} times, not {count}"
            page.wait_for_timeout(50)
        return model.prompts_seen[count - 1]

    _click(page, RED)
    first = asked(1)
    assert first.point_labels.tolist() == [1]
    assert first.points_xy[0] == pytest.approx((0.25 * 160, 0.4 * 120), abs=1)
    page.keyboard.down("Shift")
    _click(page, BLUE)
    page.keyboard.up("Shift")
    assert asked(2).point_labels.tolist() == [1, 0]
    page.locator("[data-key=tool-undo]").click()
    assert asked(3).point_labels.tolist() == [1]
    _see(page)
    page.mouse.move(*_at(page, (0.5, 0.1)))
    page.mouse.down()
    page.mouse.move(*_at(page, (0.8, 0.5)), steps=4)
    page.mouse.move(*_at(page, (0.95, 0.65)), steps=2)
    page.mouse.up()
    boxed = asked(4)
    assert boxed.box_xyxy == pytest.approx((80, 12, 152, 78), abs=1.5) and len(boxed.points_xy) == 1
    page.locator("[data-key=tool-clear]").click()
    page.wait_for_selector(".seg-found", state="hidden")
    assert page.locator("[data-key=tool-undo]").is_disabled()
    page.locator("[data-key=tool-outside]").click()
    _click(page, WHITE)
    page.wait_for_selector("#seg-status [data-state=error]")
    assert "click at least once on what does" in page.locator("#seg-status").inner_text()


def test_a_new_picture_takes_points_and_answer_away(open_page: Open, tmp_path: Path) -> None:
    page = open_page(TAB)
    _segment(page, tmp_path)
    _click(page, RED)
    page.wait_for_selector(".seg-found .mask")
    page.locator("#seg-picture button[aria-label='Remove Image']").click()
    page.wait_for_selector(".seg[data-ready=empty]")
    _give(page, _save(tmp_path, "other.png", (120, 160)))
    assert page.locator(".seg-found").is_hidden() and page.locator(".seg-legend").is_hidden()
    assert page.locator("[data-key=tool-undo]").is_disabled()


def test_thresholds_are_live_and_ask_no_mask_model(open_page: Open, tmp_path: Path, model: StubSegmenter) -> None:
    page = open_page(TAB)
    _segment(page, tmp_path, "red, blue, green, orange")
    runs, images = model.automatic_runs, model.images_seen
    slider = page.locator("[data-key='threshold-red']")
    slider.fill("1")
    _wait_names(page, "blue", "green")
    assert "not found" in page.locator(".seg-label", has_text="red").inner_text()
    slider.fill("0.3")
    _wait_names(page, "red", "blue", "green")
    page.locator("#seg-labels textarea").fill("crimson square = red\ngreen\nblack, yellow, orange")
    page.locator("#seg-run").click()
    _wait_names(page, "crimson square", "green")
    assert (model.automatic_runs, model.images_seen) == (runs, images), "new words need no model"
    assert "kept from before" in page.locator(".seg-foot").inner_text()


def test_legend_hides_and_colours(open_page: Open, tmp_path: Path) -> None:
    page = open_page(TAB)
    _segment(page, tmp_path)
    page.locator("[data-key=mode-map]").click()
    page.locator("[data-key=show-outlines]").uncheck()
    page.locator("[data-key=show-names]").uncheck()
    page.locator("[data-key='colour-red']").evaluate(
        """node => { node.value = '#102030';
          for (const kind of ['input', 'change']) node.dispatchEvent(new Event(kind)); }"""
    )
    page.wait_for_timeout(300)
    assert _pixel(page, (0.3, 0.3)) == [16, 32, 48]
    eye = page.locator("[data-key='eye-red']")
    eye.click()
    assert eye.get_attribute("aria-pressed") == "false"
    assert _pixel(page, (0.3, 0.3)) != [16, 32, 48]
    eye.click()
    assert _pixel(page, (0.3, 0.3)) == [16, 32, 48]
    page.locator("#seg-run").click()  # the colour outlives a new answer
    page.wait_for_function("document.querySelector('[data-key=\"colour-red\"]').value === '#102030'")


def test_regions_are_renamed_and_removed(open_page: Open, tmp_path: Path) -> None:
    page = open_page(TAB)
    _segment(page, tmp_path)
    _row(page, "blue").locator("[data-key^=rename]").click()
    field = page.locator(".seg-regions input[type=text]")
    field.fill(WICKED)
    field.press("Enter")
    _wait_names(page, "red", "green", WICKED)
    _row(page, "green").locator("[data-key^=remove]").click()
    _wait_names(page, "red", WICKED)
    _row(page, "red").locator(".pick").click()
    assert page.locator(".seg-region.pinned").count() == 1
    assert page.evaluate("window.hacked") is None


def test_no_words_at_all(open_page: Open, tmp_path: Path) -> None:
    page = open_page(TAB)
    _give(page, _save(tmp_path))
    page.get_by_label("The hub finds words").check()
    page.wait_for_selector("#seg-labels", state="hidden")
    page.get_by_text("Vocabulary", exact=True).click()
    page.locator("#seg-vocabulary textarea").fill("red\nblue\ngreen\nblack\nyellow")
    page.locator("#seg-run").click()
    page.wait_for_selector(".seg-legend .seg-label")
    assert {"red", "blue", "green"} <= set(_names(page))


def test_files_are_saved(open_page: Open, tmp_path: Path) -> None:
    page = open_page(TAB)
    _segment(page, tmp_path)
    saved = {}
    for kind in ("labels", "overlay", "coco", "cutouts", "yolo", "labelme", "csv"):
        with page.expect_download() as download:
            page.locator(f"[data-key=save-{kind}]").click()
        saved[kind] = (download.value.suggested_filename, Path(download.value.path()).read_bytes())
    assert saved["labels"][0] == "shapes-labels.png"
    assert Image.open(io.BytesIO(saved["labels"][1])).mode == "P"
    assert Image.open(io.BytesIO(saved["overlay"][1])).size == (160, 120)
    assert len(json.loads(saved["coco"][1])["annotations"]) == 3
    assert len(zipfile.ZipFile(io.BytesIO(saved["cutouts"][1])).namelist()) == 3
    assert "data.yaml" in zipfile.ZipFile(io.BytesIO(saved["yolo"][1])).namelist()
    assert len(json.loads(saved["labelme"][1])["shapes"]) == 3
    assert saved["csv"][1].count(b"\r\n") == 5


def test_many_pictures_make_a_table_and_a_zip(open_page: Open, tmp_path: Path) -> None:
    page = open_page(TAB)
    page.locator("#seg-many-button").click()
    page.wait_for_selector("#seg-files")
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    page.locator("#seg-files input[type=file]").set_input_files([_save(tmp_path), _save(tmp_path, "b.png"), str(bad)])
    page.wait_for_function("document.querySelector('#seg-files').innerText.includes('shapes')")
    page.locator("#seg-labels textarea").fill("red, blue, green")
    page.locator("#seg-run-many").click()
    page.wait_for_selector("#seg-table tbody tr")
    rows = page.locator("#seg-table tbody tr").all_inner_texts()
    assert rows[0].startswith("shapes.png") and "red" in rows[0] and "bad.png" in rows[2]
    assert page.locator("#seg-table td.why").count() == 1
    with page.expect_download() as archive:
        page.locator("#seg-zip").click()
    names = zipfile.ZipFile(archive.value.path()).namelist()
    assert any(name.endswith(".png") for name in names)


def test_problems_are_sentences_and_nothing_is_lost(open_page: Open, tmp_path: Path, model: StubSegmenter) -> None:
    page = open_page(TAB)
    page.locator("#seg-labels textarea").fill("red, blue")
    page.locator("#seg-run").click()
    page.wait_for_selector("#seg-status [data-state=error]")
    assert "There is no picture yet" in page.locator("#seg-status").inner_text()
    bad = tmp_path / "<b>bad.png"
    bad.write_text("no picture")
    page.locator("#seg-picture input[type=file]").set_input_files(str(bad))
    page.wait_for_function("document.querySelector('#seg-status .words').textContent.includes('bad')")
    page.locator("#seg-picture button[aria-label='Remove Image']").click()
    _give(page, _save(tmp_path))
    assert page.locator("#seg-labels textarea").input_value() == "red, blue"
    model.has_masks = False
    try:
        page.locator("#seg-run").click()
        page.wait_for_function("document.querySelector('.seg-foot').innerText.includes('No regions were found')")
    finally:
        model.has_masks = True
    page.locator("#seg-labels textarea").fill("zebra, sofa")
    page.get_by_text("Way and regions").click()
    page.locator("#seg-points input").click()
    page.get_by_role("option", name="8", exact=True).click()
    page.locator("#seg-run").click()
    page.wait_for_function("document.querySelector('.seg-foot').innerText.includes('Nothing in this picture fits')")


def test_cancel_stops_the_work(open_page: Open, tmp_path: Path, model: StubSegmenter) -> None:
    page = open_page(TAB)
    _give(page, _save(tmp_path, "slow.png", (200, 150)))
    page.locator("#seg-labels textarea").fill("red, blue")
    model.seconds_per_item = 1.0
    try:
        page.locator("#seg-run").click()
        page.wait_for_selector("#seg-status .track")
        page.locator("#seg-stop").click()
        page.wait_for_selector("#seg-status [data-state=cancelled]")
        assert _jobs_end_within(2.0)
    finally:
        model.seconds_per_item = 0.0
    page.wait_for_timeout(500)
    assert not page.locator("#seg-stop").is_visible()
    page.locator("#seg-run").click()
    page.wait_for_selector(".seg-legend .seg-label")


def _jobs_end_within(seconds: float) -> bool:
    """Whether no job thread of this process is alive before the time is over."""
    import threading

    end_s = time.monotonic() + seconds
    while any(thread.name == "hub-job" for thread in threading.enumerate()):
        if time.monotonic() > end_s:
            return False
        time.sleep(0.05)
    return True


def test_the_keyboard_reaches_the_picture(open_page: Open, tmp_path: Path, model: StubSegmenter) -> None:
    page = open_page(TAB)
    _segment(page, tmp_path)
    model.prompts_seen.clear()
    page.locator(".seg-canvas").focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "/blue|green|other|red/.test(document.querySelector('.seg > .only-heard[role=status]').textContent)"
    )
    page.keyboard.press("Enter")
    page.wait_for_selector(".seg-found .mask")
    assert model.prompts_seen[-1].point_labels.tolist() == [1]
    page.keyboard.press("Backspace")
    page.wait_for_selector(".seg-found", state="hidden")


def test_touch_taps_and_does_not_trap_scrolling(open_page: Open, tmp_path: Path) -> None:
    page = open_page(TAB, width=390, height=844)
    _segment(page, tmp_path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("getComputedStyle(document.querySelector('.seg-canvas')).touchAction") == "pan-y pinch-zoom"
    page.locator("[data-key=tool-box]").click()
    assert page.evaluate("getComputedStyle(document.querySelector('.seg-canvas')).touchAction") == "none"
    page.locator("[data-key=tool-look]").click()
    _click(page, BLUE)
    assert page.locator(".seg-card .head").inner_text() == "blue"
    assert page.locator(".seg-found").is_hidden(), "looking asks nothing"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_is_readable(open_page: Open, tmp_path: Path, dark: bool) -> None:
    page = open_page(f"{TAB}&__theme={'dark' if dark else 'light'}", dark=dark)
    assert page.evaluate(_LOW_CONTRAST) == []
    _segment(page, tmp_path, "red, blue, zebra")
    _click(page, RED)
    page.wait_for_selector(".seg-found .mask")
    assert page.evaluate(_LOW_CONTRAST) == []


def test_a_copied_link_brings_the_settings_back(open_page: Open) -> None:
    page = open_page(TAB)
    page.locator("#seg-labels textarea").fill("café\n<b>bold</b>")
    page.get_by_text("Way and regions").click()
    page.get_by_label("No regions: a map of the words").check()
    page.locator("#seg-copy-link").click()
    page.wait_for_selector("#seg-link .copied")
    query = urlsplit(page.evaluate("navigator.clipboard.readText()")).query
    again = open_page("?" + query)
    again.wait_for_function("document.querySelector('#seg-labels textarea')?.value.startsWith('café')")
    again.get_by_text("Way and regions").click()
    assert again.get_by_label("No regions: a map of the words").is_checked()
