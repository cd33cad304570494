"""The separation tab as a visitor meets it, with models whose sounds and words are known: red is low, green higher."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from tests.demos.separation.stub_separator import StubBoth
from tests.served import Served, serve

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
Open = Callable[..., "Page"]
TAB = "?tab=separation"
_LOW_CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")
WICKED = "<script>hacked()</script>"
PLAYERS_OWN = ("TIME ", "SPAN 1x")  # clock and speed of Gradio's player for the input


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """The app with one stub for the encoder and the separator."""
    with serve(StubBoth()) as running:
        yield running


@pytest.fixture
def model(served: Served) -> StubBoth:
    assert isinstance(served.model, StubBoth)
    return served.model


@pytest.fixture
def wave(tmp_path: Path) -> str:
    """Two seconds of stereo: 300 Hz (red) and 1,200 Hz (green)."""
    times = np.arange(88_200) / 44_100
    tones = [0.2 * np.sin(2 * np.pi * hz * times) for hz in (300, 1200)]
    soundfile.write(tmp_path / "two.wav", np.stack([tones[0] + tones[1], tones[0]], 1), 44_100)
    return str(tmp_path / "two.wav")


def _separate(page: Page, path: str, words: str = "red\ngreen") -> None:
    page.locator("#separation-sound input[type=file]").set_input_files(path)
    page.wait_for_selector("#separation-sound audio", state="attached")
    page.get_by_label("What to hear").fill(words)
    page.locator("#separation-run").click()
    page.wait_for_selector("#separation-tracks .heard")


def _names(page: Page) -> list[str]:
    return page.locator("#separation-tracks .heard h3").all_inner_texts()


def test_a_file_becomes_tracks_that_play(open_page: Open, wave: str) -> None:
    page = open_page(TAB)
    _separate(page, wave)
    assert _names(page) == ["The whole sound", "red", "green", "Everything else together"]
    assert page.locator(".heard.wanted h3").inner_text() == "red"
    page.wait_for_function("[...document.querySelectorAll('.heard audio')].every((one) => one.duration > 1.9)")
    page.locator("[data-key='player-stem 0']").evaluate("async (one) => { one.muted = true; await one.play(); }")
    page.wait_for_function("document.querySelector('[data-key=\"player-stem 0\"]').currentTime > 0.2")
    page.wait_for_function("[...document.querySelectorAll('.spectrum img')].every((one) => one.naturalWidth > 0)")


def test_sliders_move_sounds_without_the_model(open_page: Open, wave: str, model: StubBoth) -> None:
    page = open_page(TAB)
    _separate(page, wave)
    calls, before = model.separator.calls, page.locator("[data-key='player-stem 0']").get_attribute("src")
    slider = page.get_by_label("range slider for Strength")
    slider.fill("4")
    slider.dispatch_event("pointerup")
    page.wait_for_function(
        "(before) => document.querySelector('[data-key=\"player-stem 0\"]').getAttribute('src') !== before", arg=before
    )
    assert model.separator.calls == calls


def test_loudness_is_matched_until_it_is_not(open_page: Open, wave: str) -> None:
    page = open_page(TAB)
    _separate(page, wave)
    volumes = "[...document.querySelectorAll('.heard audio')].map((one) => one.volume)"
    page.wait_for_function(f"Math.min(...{volumes}) < 0.9")
    page.locator("[data-key=match]").uncheck()
    assert page.evaluate(volumes) == [1, 1, 1, 1]


def test_what_is_not_there_is_said(open_page: Open, wave: str) -> None:
    page = open_page(TAB)
    _separate(page, wave, f"red\n{WICKED}")
    assert _names(page)[2] == WICKED
    assert "not heard here" in page.locator(".heard").nth(2).inner_text()
    assert "1 of 2 queries are not heard" in page.locator("#separation-status").inner_text()


def test_a_bundled_mixture_is_held_against_its_truth(open_page: Open) -> None:
    page = open_page(TAB)
    page.get_by_label("Flute in the rain").check()
    page.wait_for_function("document.querySelector('#tab-separation textarea').value.includes('rain')")
    page.wait_for_selector("#separation-sound audio", state="attached")  # it can be heard before it is taken apart
    assert page.get_by_label("Flute in the rain").is_checked()
    page.locator("#separation-run").click()
    page.wait_for_selector("#separation-tracks .heard")
    assert page.get_by_text("Against the true sound: SI-SDR").count() == 2


def test_faults_are_sentences_and_keep_what_was_typed(open_page: Open) -> None:
    page = open_page(TAB)
    page.get_by_label("What to hear").fill("red")
    page.locator("#separation-run").click()
    page.wait_for_selector("#separation-status [data-state=error]")
    assert "There is no sound yet" in page.locator("#separation-status").inner_text()
    assert page.get_by_label("What to hear").input_value() == "red"


def test_what_gradio_writes_back_gives_way_to_what_was_typed(open_page: Open) -> None:
    """Once all of a tab is drawn, Gradio's frontend sets its fields to their first values; here at a known moment."""
    page = open_page(TAB)
    box = page.get_by_label("What to hear")
    box.fill("red")
    box.evaluate("(field) => { field.value = 'flute'; }")
    page.wait_for_function("document.querySelector('#tab-separation textarea').value === 'red'")


def test_bad_files_are_one_sentence_each(open_page: Open, wave: str, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silent.wav", np.zeros(8_000), 8_000)
    soundfile.write(tmp_path / "short.wav", 0.1 * np.ones(160), 16_000)
    (tmp_path / "words.wav").write_text("hello")
    page = open_page(TAB)
    _separate(page, wave)
    for name, words in (
        ("silent.wav", "silent.wav is silent (its loudest sample is 0); there is nothing to separate."),
        ("short.wav", "short.wav lasts 10 ms; at least 100 ms are needed."),
        ("words.wav", "words.wav is no sound (it looks like text); allowed are WAV"),
    ):
        page.locator("#separation-sound [aria-label=Clear]").first.click()
        page.locator("#separation-sound input[type=file]").set_input_files(str(tmp_path / name))
        page.wait_for_selector("#separation-sound audio", state="attached")
        page.locator("#separation-run").click()
        page.locator("#separation-status [data-state=error]").get_by_text(words).wait_for()


def test_a_long_one_can_be_cancelled(open_page: Open, wave: str, model: StubBoth) -> None:
    page = open_page(TAB)
    _separate(page, wave)
    assert not page.locator("#separation-stop").is_visible()
    model.separator.is_endless = True
    try:
        page.locator("#separation-run").click()
        page.locator("#separation-status [data-state=running]").get_by_text("Running").wait_for()
        page.locator("#separation-stop").click()
        page.wait_for_selector("#separation-status [data-state=cancelled]")
    finally:
        model.separator.is_endless = False
    assert not page.locator("#separation-stop").is_visible() and _names(page)[1] == "red"


def test_everything_but_it_and_all_as_zip(open_page: Open, wave: str, model: StubBoth) -> None:
    page = open_page(TAB)
    _separate(page, wave, "red")
    calls = model.separator.calls
    page.get_by_label("Hear everything but it").check()
    page.wait_for_function("document.querySelector('.heard.wanted h3').textContent === 'Everything else'")
    assert model.separator.calls == calls
    page.get_by_role("button", name="Files").click()
    with page.expect_download() as saved:
        page.locator("#separation-pack").click()
    with zipfile.ZipFile(saved.value.path()) as archive:
        assert archive.namelist() == ["red.wav", "rest.wav"]


def test_phone(open_page: Open, wave: str) -> None:
    page = open_page(TAB, width=390, height=844)
    _separate(page, wave)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("dark", [False, True])
def test_text_is_readable(open_page: Open, wave: str, dark: bool) -> None:
    page = open_page(f"{TAB}&__theme={'dark' if dark else 'light'}", dark=dark)
    assert page.evaluate(_LOW_CONTRAST) == []
    _separate(page, wave, "red\nzebra")
    faint = [one for one in page.evaluate(_LOW_CONTRAST) if not one.split(" ", 1)[1].startswith(PLAYERS_OWN)]
    assert faint == []
