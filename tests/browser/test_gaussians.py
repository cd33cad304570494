"""The 3D tab as a visitor meets it: WebGL2 in software, a world of coloured balls whose meaning is known."""

from __future__ import annotations

import base64
import io
import json
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from demos.gaussians.cameras import look_at
from demos.gaussians.field_file import write_scene
from demos.gaussians.formats.splat import write_splat
from demos.gaussians.raster import render
from tests.demos.gaussians.scenes import random_scene
from tests.demos.gaussians.worlds import BALLS, UP, World, world
from tests.served import Served
from tests.stub_model import StubModel

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
Open = Callable[..., "Page"]
TAB = "?tab=gaussians"
_LOW_CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")
_PIXELS = """([width, height]) => { const { cells } = document.querySelector('.gs-canvas').picture(width, height);
  let text = '';
  for (let i = 0; i < cells.length; i += 8192) text += String.fromCharCode(...cells.subarray(i, i + 8192));
  return btoa(text); }"""


@pytest.fixture(scope="module")
def balls() -> World:
    return world()


@pytest.fixture(scope="module")
def file(balls: World, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("scene") / "world.npz"
    path.write_bytes(write_scene(balls.scene, balls.field, cameras=[balls.camera], up_xyz=UP))
    return str(path)


@pytest.fixture
def model(served: Served) -> StubModel:
    assert isinstance(served.model, StubModel)
    return served.model


def _give(page: Page, path: str) -> None:
    """Give a scene file and wait until it stands in the viewer, in all detail."""
    page.wait_for_selector("#gs-own")
    if not page.locator("#gs-file input[type=file]").count():
        page.get_by_text("A scene of your own").click()
    page.wait_for_selector("#gs-file")
    before = page.locator(".gs").get_attribute("data-key") or ""
    page.locator("#gs-file input[type=file]").set_input_files(path)
    page.wait_for_function(
        "before => { const d = document.querySelector('.gs').dataset; return d.key && d.key !== before && d.ready; }",
        arg=before,
    )
    page.evaluate("document.querySelector('.gs-canvas').look.isFinest = true")
    _settle(page)


def _settle(page: Page) -> None:
    """Wait until the picture at rest is drawn."""
    page.wait_for_timeout(250)
    page.wait_for_selector(".gs-frame[data-still=true]")


def _find(page: Page, words: str) -> None:
    page.locator("#gs-query textarea").fill(words)
    page.locator("#gs-run").click()
    page.wait_for_selector(".gs-answers li")
    page.wait_for_selector(".gs[data-ready^=answer]")
    _settle(page)


def _pixels(page: Page, width: int = 240, height: int = 180) -> NDArray[np.uint8]:
    """What the viewer shows, (H, W, 3), upper row first."""
    data = base64.b64decode(page.evaluate(_PIXELS, [width, height]))
    return np.frombuffer(data, np.uint8).reshape(height, width, 4)[::-1, :, :3]


def _camera(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.locator(".gs").get_attribute("data-camera") or "{}")
    return found


def _place(page: Page, balls: World, ball: str) -> tuple[float, float]:
    """Where the middle of a ball stands on the screen."""
    told = _camera(page)
    page.locator(".gs-canvas").scroll_into_view_if_needed()
    box = page.locator(".gs-canvas").bounding_box()
    assert box is not None
    sides = round(box["width"]), round(box["height"])
    seen = look_at(
        told["eye"], told["target"], up_xyz=told["up"], fov_deg=told["fov_deg"], width=sides[0], height=sides[1]
    )
    uv, _ = seen.project([(BALLS.index(ball) - 1.5, 0.0, 0.4)])
    return box["x"] + float(uv[0, 0]), box["y"] + float(uv[0, 1])


@pytest.mark.parametrize(("degree", "behind"), [(0, (0.0, 0.0, 0.0)), (3, (0.9, 0.8, 0.2))])
def test_the_viewer_draws_what_the_server_draws(
    open_page: Open, tmp_path: Path, degree: int, behind: tuple[float, float, float]
) -> None:
    """The same scene and camera, by WebGL2 in software and by the CPU rasteriser: mean difference below 0.4 of 255."""
    scene = random_scene(1_500, degree=degree, seed=7)
    path = tmp_path / "scene.npz"
    path.write_bytes(write_scene(scene, None, up_xyz=UP, background_rgb=behind))
    page = open_page(TAB)
    _give(page, str(path))
    told, (width, height) = _camera(page), (240, 180)
    seen = look_at(told["eye"], told["target"], up_xyz=told["up"], fov_deg=told["fov_deg"], width=width, height=height)
    wanted = np.clip(render(scene, seen, background=behind, threads=1).rgb, 0, 1) * 255
    gap = np.abs(_pixels(page, width, height) - wanted)
    assert wanted.std() > 10, "there is something to see"
    assert gap.mean() < 0.4 and np.quantile(gap, 0.999) < 12


def test_a_word_lights_up(open_page: Open, file: str) -> None:
    page = open_page(TAB)
    _give(page, file)
    plain = _pixels(page)
    _find(page, "red; blue")
    assert page.locator(".gs-answers > li").count() == 2
    assert page.locator(".gs-strip li").count() == 6 and page.locator(".gs-strip .chosen").count() == 2
    assert page.locator("[data-key=mode-heat]").get_attribute("aria-pressed") == "true"
    heat = _pixels(page)
    assert (heat != plain).any(2).mean() > 0.02
    page.locator("[data-key=show-1]").click()
    page.wait_for_timeout(400)
    _settle(page)
    assert (_pixels(page) != heat).any(2).mean() > 0.005, "the other word's heat"
    page.wait_for_selector("#gs-picture img")
    assert "with stub" in page.locator("#gs-found .foot").inner_text()


def test_isolating_and_fading_happen_in_the_page(open_page: Open, file: str) -> None:
    page = open_page(TAB)
    _give(page, file)
    _find(page, "green")
    page.locator("[data-key=mode-selection]").click()
    page.locator("[data-key=isolate]").click()
    _settle(page)
    alone = _pixels(page)
    seen = alone.astype(int).max(2) > 20
    assert 0.005 < seen.mean() < 0.2, "one ball is left"
    page.locator("[data-key=isolate]").click()
    _settle(page)
    assert (_pixels(page).astype(int).max(2) > 20).mean() > seen.mean() * 2
    page.locator("[data-key=fly]").click()
    page.wait_for_timeout(700)
    _settle(page)
    told = _camera(page)
    np.testing.assert_allclose(told["target"], (BALLS.index("green") - 1.5, 0, 0.4), atol=0.1)


def test_the_view_turns_by_mouse_wheel_and_keyboard(open_page: Open, file: str) -> None:
    page = open_page(TAB)
    _give(page, file)
    canvas = page.locator(".gs-canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    x, y = box["x"] + 40, box["y"] + 40

    def eye_after(act: Callable[[], Any]) -> Any:
        before = _camera(page)["eye"]
        act()
        page.wait_for_function(
            "before => JSON.stringify(JSON.parse(document.querySelector('.gs').dataset.camera).eye) !== before",
            arg=json.dumps(before, separators=(",", ":")),
        )
        _settle(page)
        return np.array(_camera(page)["eye"]), np.array(before)

    def drag() -> None:
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 60, y + 10, steps=4)
        page.mouse.up()

    target = np.array(_camera(page)["target"])
    after, before = eye_after(drag)
    distances = np.linalg.norm(after - target), np.linalg.norm(before - target)
    assert distances[0] == pytest.approx(distances[1], rel=1e-4), "orbit keeps the distance"
    after, before = eye_after(lambda: canvas.press("ArrowLeft"))
    after, before = eye_after(lambda: canvas.press("+"))
    assert np.linalg.norm(after - target) < np.linalg.norm(before - target)
    page.mouse.move(x, y)
    after, before = eye_after(lambda: page.mouse.wheel(0, 200))
    assert np.linalg.norm(after - target) > np.linalg.norm(before - target)
    eye_after(lambda: canvas.press("Shift+ArrowUp"))
    assert not np.allclose(_camera(page)["target"], target), "Shift moves"
    eye_after(lambda: page.locator("[data-key=home]").click())
    page.wait_for_timeout(600)
    _settle(page)
    np.testing.assert_allclose(_camera(page)["target"], target, atol=1e-6)


def test_the_wheel_scrolls_the_page_until_the_scene_was_clicked(open_page: Open, file: str) -> None:
    page = open_page(TAB, height=500)
    _give(page, file)
    page.locator(".gs-canvas").scroll_into_view_if_needed()
    box = page.locator(".gs-canvas").bounding_box()
    assert box is not None
    page.locator("#gs-query textarea").focus()
    before, top = _camera(page), page.evaluate("scrollY")
    page.mouse.move(box["x"] + 50, max(box["y"], 0) + 50)
    page.mouse.wheel(0, 120)
    page.wait_for_function("top => scrollY !== top", arg=top)
    assert _camera(page) == before
    assert page.evaluate("getComputedStyle(document.querySelector('.gs-canvas')).touchAction") == "pan-y"


def test_a_click_names_and_selects(open_page: Open, file: str, balls: World) -> None:
    page = open_page(TAB)
    _give(page, file)
    page.mouse.click(*_place(page, balls, "blue"))
    page.wait_for_selector(".gs-clicked")
    assert "150 Gaussians" in page.locator(".gs-clicked").inner_text()
    page.wait_for_function(
        "document.querySelector('[data-key=mode-selection]').getAttribute('aria-pressed') === 'true'"
    )
    page.locator(".gs-clicked [data-key=drop]").click()
    page.wait_for_selector(".gs-clicked", state="detached")


def test_edits_show_at_once_and_are_undone(open_page: Open, file: str) -> None:
    page = open_page(TAB)
    _give(page, file)
    before = _pixels(page)
    page.get_by_role("tab", name="Edit").click()
    page.locator("#gs-sentence textarea, #gs-sentence input").first.fill("make the red blue")
    page.locator("#gs-do").click()
    page.wait_for_selector(".gs-history li")
    page.wait_for_selector(".gs:not([data-patch='0'])")
    _settle(page)
    changed = _pixels(page)
    assert (changed != before).any(2).mean() > 0.005
    page.locator("[data-key=undo]").click()
    page.wait_for_selector(".gs[data-patch='0']")
    assert page.locator(".gs-history li").count() == 0
    _settle(page)
    assert np.abs(_pixels(page).astype(int) - before).max() <= 1
    page.locator("[data-key=redo]").click()
    page.wait_for_selector(".gs-history li")
    page.locator("[data-key=remove]").click()
    page.wait_for_function("document.querySelectorAll('.gs-history li').length === 2")
    assert "hole" in page.locator("#gs-edits").inner_text()


def test_files_are_saved(open_page: Open, file: str) -> None:
    page = open_page(TAB)
    _give(page, file)
    _find(page, "red")
    page.get_by_role("tab", name="Save").click()
    for kind, start in (("splat", b""), ("selection", b"ply\n"), ("mask", b"\x89PNG"), ("json", b"{")):
        with page.expect_download() as download:
            page.locator(f"[data-key=save-{kind}]").click()
        assert Path(download.value.path()).read_bytes().startswith(start)
    with page.expect_download() as picture:
        page.locator("[data-key=save]").click()
    assert picture.value.suggested_filename == "scene.png"
    assert np.asarray(Image.open(io.BytesIO(Path(picture.value.path()).read_bytes()))).any()


def test_problems_are_sentences_and_nothing_is_lost(open_page: Open, file: str, balls: World, tmp_path: Path) -> None:
    page = open_page(TAB)
    _give(page, file)
    page.locator("#gs-query textarea").fill(" ; ")
    page.locator("#gs-run").click()
    page.wait_for_selector("#gs-status [data-state=error]")
    assert "There is no query" in page.locator("#gs-status").inner_text()
    bad = tmp_path / "bad.ply"
    bad.write_text("ply\nformat binary_little_endian 1.0\nelement vertex 1000000000000\nend_header\n")
    page.locator("#gs-file button[aria-label*=emove], #gs-file button[aria-label*=lear]").first.click()
    page.locator("#gs-file input[type=file]").set_input_files(str(bad))
    page.wait_for_function("/1,000,000,000,000|bad.ply/.test(document.querySelector('#gs-status').innerText)")
    plain = tmp_path / "plain.splat"
    plain.write_bytes(write_splat(balls.scene))
    page.locator("#gs-file button[aria-label*=emove], #gs-file button[aria-label*=lear]").first.click()
    _give(page, str(plain))
    assert "no language" in page.locator("#gs-status").inner_text()
    assert page.locator("#gs-query textarea").input_value() == " ; "


def test_cancel_stops_the_work(open_page: Open, file: str, model: StubModel) -> None:
    page = open_page(TAB)
    _give(page, file)
    page.locator("#gs-query textarea").fill("red; orange; black; gray; crimson; azure")
    model.seconds_per_item = 1.0
    try:
        page.locator("#gs-run").click()
        page.wait_for_selector("#gs-status .track")
        page.wait_for_selector("#gs-stop", state="visible")
        page.locator("#gs-stop").click()
        page.wait_for_selector("#gs-status [data-state=cancelled]")
        end_s = time.monotonic() + 3
        while any(thread.name == "hub-job" for thread in threading.enumerate()) and time.monotonic() < end_s:
            page.wait_for_timeout(50)
        assert not any(thread.name == "hub-job" for thread in threading.enumerate())
    finally:
        model.seconds_per_item = 0.0
    _find(page, "red")


def test_markup_is_shown_as_text(open_page: Open, file: str) -> None:
    page = open_page(TAB)
    _give(page, file)
    wicked = "<img src=x onerror=window.hacked=1>${window.hacked=1}"
    _find(page, wicked)
    assert page.locator(".gs-answers b").first.inner_text() == wicked
    assert page.evaluate("window.hacked") is None


def test_without_webgl_a_sentence_says_so(open_page: Open) -> None:
    page = open_page("?tab=models")
    page.add_init_script(
        "const original = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {"
        "  return kind === 'webgl2' ? null : original.call(this, kind, ...rest); };"
    )
    page.goto(re.sub(r"\?.*", TAB, page.url))
    page.wait_for_selector(".gs-problem")
    assert "no WebGL2" in page.locator(".gs-problem").inner_text()
    assert page.locator("#gs-run").is_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_is_readable(open_page: Open, file: str, dark: bool) -> None:
    page = open_page(f"{TAB}&__theme={'dark' if dark else 'light'}", dark=dark)
    page.wait_for_selector("#gs-run")
    assert page.evaluate(_LOW_CONTRAST) == []
    _give(page, file)
    _find(page, "red")
    page.get_by_role("tab", name="Edit").click()
    page.wait_for_selector("#gs-edits .chip")
    assert page.evaluate(_LOW_CONTRAST) == []


def test_a_phone_shows_it_without_scrolling_sideways(open_page: Open, file: str) -> None:
    page = open_page(TAB, width=390, height=844)
    _give(page, file)
    _find(page, "red; a rather long query of many words that has to break somewhere")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_copied_link_brings_settings_and_view_back(open_page: Open, file: str) -> None:
    page = open_page(TAB)
    _give(page, file)
    page.locator("#gs-query textarea").fill("café; red")
    page.get_by_text("Found, mask and selection").click()
    page.get_by_label("Otsu's").check()
    page.locator("#gs-copy-link").click()
    page.wait_for_selector("#gs-link input")
    query = urlsplit(page.evaluate("navigator.clipboard.readText()")).query
    again = open_page("?" + query)
    again.wait_for_function("document.querySelector('#gs-query textarea')?.value === 'café; red'")
    again.get_by_text("Found, mask and selection").click()
    assert again.get_by_label("Otsu's").is_checked()
