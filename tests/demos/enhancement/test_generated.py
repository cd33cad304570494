"""Drawn anew: what is measured of it, what is refused, and the way through the tab with a tiny random model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import gradio as gr
import numpy as np
import pytest
import torch

from core import catalog
from core.diffusion_latent import LatentDiffusion, load
from core.errors import InputError
from core.pool import Pool
from core.settings import configure
from core.tasks import Job
from demos.enhancement import tab_generated
from demos.enhancement.generated import drawn_anew, edge_drift, fitted
from demos.enhancement.photo import read_photo
from demos.enhancement.tab_parts import place
from demos.widgets import Upload
from tests import tiny_diffusion
from tests.demos.enhancement.stubs import StubClip
from tests.demos.enhancement.test_pipeline import jpeg


class Brighter:
    """Doubles every value."""

    name = "brighter"

    def edited(self, rgb: np.ndarray, instruction: str, *, steps: int = 15, seed: int = 0, job: Any = None) -> Any:
        return np.minimum(rgb.astype(np.int64) * 2, 255).astype(np.uint8)


def test_shapes_that_stay_do_not_drift_and_others_do() -> None:
    rng = np.random.default_rng(0)
    blocks = np.kron(rng.integers(20, 110, (8, 8, 1)), np.ones((8, 8, 3))).astype(np.uint8)
    others = np.kron(rng.integers(20, 110, (8, 8, 1)), np.ones((8, 8, 3))).astype(np.uint8)
    assert edge_drift(blocks, blocks) == pytest.approx(0, abs=1e-9)
    assert edge_drift(blocks, blocks * 2) == pytest.approx(0, abs=1e-6)
    assert edge_drift(blocks, others) > 0.3 > edge_drift(blocks, 255 - blocks)
    assert edge_drift(blocks, np.zeros_like(blocks)) == 1.0


@pytest.mark.parametrize("size, expected", [((100, 200), (128, 192)), ((20, 384), (64, 384)), ((64, 64), (64, 64))])
def test_sides_become_multiples(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert fitted(np.zeros((*size, 3), np.uint8)).shape == (*expected, 3)


def test_light_and_likeness_are_judged() -> None:
    made = drawn_anew(read_photo(jpeg(), name="a.jpg"), "lighter", editor=Brighter(), clip=StubClip())
    assert made.light_after > made.light_before and 0.5 < made.alike < 1
    assert made.before.shape == made.after.shape and made.model == "brighter"


def test_instructions_and_steps_out_of_range_are_sentences() -> None:
    photo = read_photo(jpeg(), name="a.jpg")
    for words in (" ", "x" * 201):
        with pytest.raises(InputError, match="write from 1 to 200"):
            drawn_anew(photo, words, editor=Brighter(), clip=StubClip())
    with pytest.raises(InputError, match="number of steps is 99"):
        drawn_anew(photo, "lighter", editor=Brighter(), clip=StubClip(), steps=99)


def test_it_is_not_offered_offline_and_says_why(tmp_path: Path) -> None:
    configure(offline=True, models_dir=tmp_path)
    assert "InstructPix2Pix (4.3 GB) is not on this machine" in tab_generated.why_not()
    with gr.Blocks():
        own = tab_generated.place_generated()
    assert own.draw.interactive is False
    configure(offline=False)
    assert tab_generated.why_not() == ""


def test_the_tab_draws_with_random_weights(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    row = catalog.spec(tab_generated.EDITOR)
    editor: LatentDiffusion = load(tiny_diffusion.save(tmp_path / "tiny", edits=True), row)

    @contextmanager
    def use(self: Pool, name: str, *, job: Job | None = None) -> Iterator[Any]:
        yield editor if name == tab_generated.EDITOR else StubClip()

    with gr.Blocks():
        parts, own = place(), tab_generated.place_generated()
    with mock.patch.object(Pool, "use", use):
        updates = list(tab_generated.draw_handler(parts, own)(Upload(jpeg(), "me.jpg"), "a cat", 5))
        with pytest.raises(gr.Error, match="no picture yet"):
            list(tab_generated.draw_handler(parts, own)(None, "a cat", 5))
    answer = updates[-1]
    assert len(answer[own.shown]) == 2 and "every pixel invented" in answer[parts.line]["text"]
    assert "instruct-pix2pix" in answer[own.note]["lines"][1] and "Generative" in answer[own.note]["lines"][0]
