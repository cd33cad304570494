"""Takes the screenshots of the README from the running hub: ``python -m docs.make_screenshots [names...]``.

Starts the app on a free port, drives the chromium of the system, and saves each picture in docs/screenshots as a PNG
of at most 256 colours, or as a JPEG where that would be larger than 200 kB.
"""

from __future__ import annotations

import argparse
import io
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from demos.zero_shot.samples import samples

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FOLDER = Path(__file__).resolve().parent / "screenshots"
MAX_BYTES = 200_000
DESKTOP, PHONE = (1280, 900), (390, 844)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--force-color-profile=srgb"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _index(stem: str) -> int:
    """Where the example with this file name stands in the row."""
    return [sample.path.stem for sample in samples()].index(stem)


def _example(page: Page, index: int = 0) -> None:
    """Click an example and wait until the answer and its heat map stand."""
    page.locator("#zs-samples button").nth(index).click()
    page.wait_for_selector("#zs-heat img", timeout=120_000)
    page.wait_for_timeout(600)


def _empty(page: Page) -> None:
    page.wait_for_timeout(300)


def _answer(page: Page) -> None:
    _example(page)
    where = "#tabs" if page.viewport_size == {"width": DESKTOP[0], "height": DESKTOP[1]} else "#zs-bars"
    page.evaluate(f"document.querySelector('{where}').scrollIntoView()")


def _explanation(page: Page) -> None:
    page.get_by_text("Method and wording").click()
    page.get_by_label("By description").check()
    page.get_by_text("Method and wording").click()
    _example(page)
    page.get_by_role("tab", name="Which traits").click()
    page.evaluate("document.querySelector('#zs-bars').scrollIntoView()")
    page.wait_for_timeout(500)


def _none_of_these(page: Page) -> None:
    _example(page)
    page.locator("#zs-labels textarea").fill("bicycle\nteapot\nviolin")
    page.locator("#zs-run").click()
    page.wait_for_selector("#zs-status [data-state=done]", state="attached")
    page.get_by_role("tab", name="None of these").click()
    page.locator("#zs-none input[type=checkbox]").check()
    page.wait_for_timeout(1_500)
    page.evaluate("document.querySelector('#zs-bars').scrollIntoView()")


def _few_shot(page: Page) -> None:
    """A photo that its name alone takes for a drawing, taught by three photos and three drawings."""
    page.get_by_text("Teach by example").click()
    _example(page, _index("flower"))
    page.locator("#zs-labels textarea").fill("photo\ndrawing")
    classes = (("photo", ("chelsea", "coffee", "china")), ("drawing", ("animals", "lighthouse", "tea")))
    for number, (name, stems) in enumerate(classes, 1):
        files = [str(sample.path) for sample in samples() if sample.path.stem in stems]
        page.locator(f"#zs-class-{number} input, #zs-class-{number} textarea").first.fill(name)
        page.locator(f"#zs-class-{number}-pictures input[type=file]").set_input_files(files)
        page.wait_for_selector(f"#zs-class-{number}-pictures img")
    page.wait_for_selector("#zs-details .beside", timeout=60_000)
    page.wait_for_function("!document.querySelector('#zs-details').innerText.includes('Without an example')")
    page.wait_for_timeout(2_500)
    page.evaluate("document.querySelector('#zs-bars').scrollIntoView()")


def _error(page: Page) -> None:
    _example(page)
    page.locator("#zs-labels textarea").fill("")
    page.locator("#zs-run").click()
    page.wait_for_selector("#zs-status [data-state=error]")
    page.wait_for_timeout(800)
    page.evaluate("document.querySelector('#tabs').scrollIntoView()")


def _segmented(page: Page) -> None:
    """Click the third example of the segmentation tab and wait for its answer."""
    page.locator("#seg-samples button").nth(2).click()
    page.wait_for_selector(".seg-legend .seg-label", timeout=480_000)
    page.wait_for_timeout(800)


def _segment(page: Page) -> None:
    _segmented(page)
    where = "#tabs" if page.viewport_size == {"width": DESKTOP[0], "height": DESKTOP[1]} else "#seg-stage"
    page.evaluate(f"document.querySelector('{where}').scrollIntoView()")


def _segment_click(page: Page) -> None:
    _segmented(page)
    page.evaluate("document.querySelector('#seg-stage').scrollIntoView()")
    box = page.locator(".seg-canvas").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 0.26 * box["width"], box["y"] + 0.42 * box["height"])
    page.wait_for_selector(".seg-found .mask", timeout=120_000)
    page.wait_for_timeout(800)


def _scene(page: Page) -> None:
    """Wait until the bundled scene stands in the viewer, in all detail."""
    page.wait_for_selector(".gs[data-ready]", timeout=240_000)
    page.evaluate("document.querySelector('.gs-canvas').look.isFinest = true")
    page.wait_for_selector(".gs-frame[data-still=true]", timeout=60_000)
    page.evaluate("document.querySelector('#tabs').scrollIntoView()")
    page.wait_for_timeout(800)


def _scene_answer(page: Page) -> None:
    """Ask the bundled scene for its own example words."""
    _scene(page)
    page.locator("#gs-query textarea").fill("blue teapot; mug")
    page.locator("#gs-run").click()
    page.wait_for_selector(".gs[data-ready^=answer]", timeout=240_000)
    page.wait_for_selector(".gs-frame[data-still=true]", timeout=60_000)
    is_desktop = page.viewport_size == {"width": DESKTOP[0], "height": DESKTOP[1]}
    page.evaluate(f"document.querySelector('{'#tabs' if is_desktop else '.gs'}').scrollIntoView()")
    page.wait_for_timeout(800)


def _separated(page: Page) -> None:
    """Take the second mixture and wait for its tracks."""
    page.get_by_text("Bell and drum", exact=True).click()
    page.wait_for_timeout(3_000)
    page.locator("#separation-run").click()
    page.wait_for_selector("#separation-tracks .heard", timeout=240_000)
    page.wait_for_timeout(2_500)
    page.evaluate("document.querySelector('#tabs').scrollIntoView()")


def _enhanced(page: Page) -> None:
    """Click the first backlit picture and wait for its before and after."""
    page.locator("#enh-samples button").first.click()
    page.wait_for_selector("#enh-status [data-state=done]", state="attached", timeout=240_000)
    page.wait_for_timeout(1_500)
    page.evaluate("document.querySelector('#tabs').scrollIntoView()")


def _models(page: Page) -> None:
    page.wait_for_selector("#models-table .model")


def _papers(page: Page) -> None:
    page.wait_for_selector("#papers-list li")


# name -> (what to do, tab, is dark, size)
SHOTS: dict[str, tuple[Callable[[Page], None], str, bool, tuple[int, int]]] = {
    "empty": (_empty, "zero_shot", False, DESKTOP),
    "answer": (_answer, "zero_shot", False, DESKTOP),
    "answer-dark": (_answer, "zero_shot", True, DESKTOP),
    "explanation": (_explanation, "zero_shot", False, DESKTOP),
    "none-of-these": (_none_of_these, "zero_shot", True, DESKTOP),
    "few-shot": (_few_shot, "zero_shot", False, DESKTOP),
    "error": (_error, "zero_shot", False, DESKTOP),
    "segment": (_segment, "segmentation", False, DESKTOP),
    "segment-dark": (_segment, "segmentation", True, DESKTOP),
    "segment-click": (_segment_click, "segmentation", False, DESKTOP),
    "segment-empty": (_empty, "segmentation", False, DESKTOP),
    "segment-phone": (_segment, "segmentation", False, PHONE),
    "scene": (_scene, "gaussians", False, DESKTOP),
    "scene-answer": (_scene_answer, "gaussians", False, DESKTOP),
    "scene-dark": (_scene_answer, "gaussians", True, DESKTOP),
    "scene-phone": (_scene_answer, "gaussians", False, PHONE),
    "sound": (_separated, "separation", False, DESKTOP),
    "sound-dark": (_separated, "separation", True, DESKTOP),
    "light": (_enhanced, "enhancement", False, DESKTOP),
    "light-phone": (_enhanced, "enhancement", False, PHONE),
    "models": (_models, "models", False, DESKTOP),
    "papers-dark": (_papers, "papers", True, DESKTOP),
    "phone-empty": (_empty, "zero_shot", False, PHONE),
    "phone-answer": (_answer, "zero_shot", False, PHONE),
}


def _save(name: str, png: bytes) -> Path:
    """Write a screenshot no larger than MAX_BYTES."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    buffer = io.BytesIO()
    image.quantize(256, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    path = FOLDER / f"{name}.png"
    for quality in (88, 80, 70):
        if buffer.tell() <= MAX_BYTES:
            break
        buffer, path = io.BytesIO(), FOLDER / f"{name}.jpg"
        image.save(buffer, "JPEG", quality=quality, optimize=True, progressive=True)
    for old in (FOLDER / f"{name}.png", FOLDER / f"{name}.jpg"):
        old.unlink(missing_ok=True)
    path.write_bytes(buffer.getvalue())
    return path


def take(browser: Browser, url: str, name: str) -> Path:
    """Take one of ``SHOTS``."""
    act, tab, is_dark, (width, height) = SHOTS[name]
    context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{url}/?tab={tab}&__theme={'dark' if is_dark else 'light'}")
    page.wait_for_selector("#tabs [role=tab]")
    page.wait_for_function("document.fonts.status === 'loaded'")
    act(page)
    page.mouse.move(0, 0)
    path = _save(name, page.screenshot())
    context.close()
    return path


def main() -> None:
    """Take all screenshots, or those named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *SHOTS], help="which; all if none is named")
    parser.add_argument("--url", help="a hub that already runs; else one is started")
    flags = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("There is no chromium on this machine (apt-get install chromium).")
    url = flags.url or _start()
    FOLDER.mkdir(exist_ok=True)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        for name in flags.names or SHOTS:
            path = take(browser, url.rstrip("/"), name)
            print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
        browser.close()


def _start() -> str:
    """Start the hub in this process, offline; returns its address."""
    import app
    from core.settings import configure, set_quiet_environment

    configure(port=_free_port(), offline=True)
    set_quiet_environment()
    return app.start()[1]


if __name__ == "__main__":
    main()
