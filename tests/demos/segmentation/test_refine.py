"""Words adapted to the picture: no strength changes no bit, and the formulas on paper."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from core.calibration import unit_rows
from demos.segmentation.options import TEXT_REFINEMENTS, TextRefinement
from demos.segmentation.pipeline import analyse, label
from demos.segmentation.refine import CONTENT_TAU, CONTEXT_TAU, refined
from tests.demos.segmentation.stub_sam import StubSam
from tests.demos.segmentation.test_pipeline import PLAIN, TWO, DenseStub

RNG = np.random.default_rng(9)
WORDS = unit_rows(RNG.standard_normal((3, 6)).astype(np.float32))
CELLS = unit_rows(RNG.standard_normal((10, 6)).astype(np.float32))


def attended(words: NDArray[np.float32], memory: NDArray[np.float32], tau: float) -> NDArray[np.float64]:
    out = np.zeros((len(words), words.shape[1]))
    for k, word in enumerate(words):
        powers = np.exp((memory @ word).astype(np.float64) / tau)
        out[k] = (powers / powers.sum()) @ memory
    return out


@pytest.mark.parametrize("how", TEXT_REFINEMENTS)
def test_strength_zero_changes_no_bit(how: TextRefinement) -> None:
    assert refined(WORDS, CELLS, how, 0.0) is WORDS
    assert refined(WORDS, CELLS[:0], how, 0.5) is WORDS
    assert refined(WORDS, CELLS, "none", 1.0) is WORDS


def test_context_attends_to_the_picture_and_its_cells() -> None:
    memory = np.concatenate([unit_rows(CELLS.mean(axis=0, keepdims=True)), CELLS])
    expected = WORDS + 0.3 * attended(WORDS, memory, CONTEXT_TAU)
    np.testing.assert_allclose(refined(WORDS, CELLS, "context", 0.3), unit_rows(expected.astype(np.float32)), atol=1e-5)


def test_content_attends_sharply_to_cells_alone() -> None:
    expected = WORDS + 0.3 * attended(WORDS, CELLS, CONTENT_TAU)
    np.testing.assert_allclose(refined(WORDS, CELLS, "content", 0.3), unit_rows(expected.astype(np.float32)), atol=1e-5)


def test_a_word_moves_towards_the_cell_that_it_fits_best() -> None:
    found = refined(WORDS, CELLS, "content", 0.5)
    for k in range(len(WORDS)):
        best = int((CELLS @ WORDS[k]).argmax())
        assert found[k] @ CELLS[best] > WORDS[k] @ CELLS[best]


def test_strength_zero_leaves_an_answer_as_it_was() -> None:
    clip = DenseStub()
    kept = analyse(TWO, PLAIN, clip=clip, sam=StubSam())
    plain = label(kept, "red, blue, orange", PLAIN, clip=clip)
    for how in ("context", "content"):
        none = dataclasses.replace(PLAIN, refinement=how, refinement_strength=0.0)
        same = label(kept, "red, blue, orange", none, clip=clip)
        assert (same.label_map == plain.label_map).all() and same.regions == plain.regions
        some = label(kept, "red, blue, orange", dataclasses.replace(none, refinement_strength=0.5), clip=clip)
        assert some.regions != plain.regions
