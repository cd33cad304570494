"""Probabilities of words: known answers, the ensemble's identities, thresholds and the one-class trap."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from core.calibration import Calibration
from core.labels import parse_labels
from demos.segmentation.options import SegmentOptions
from demos.segmentation.scores import Scores, against_border, combined, named, scores
from demos.segmentation.words import GENERAL_NEGATIVES, NEGATIVES, Head, encode_words, head_of
from tests.stub_model import StubCalibration, StubModel

CLIP = Head("m", "softmax", 10.0, 0.0, Calibration())
SIGLIP = Head("m", "sigmoid", 10.0, -2.0, Calibration())
COSINES = arrays(np.float32, (4, 3), elements=st.floats(-1, 1, width=32))


def rows(*values: list[float]) -> NDArray[np.float32]:
    return np.array(values, np.float32)


def test_softmax_over_words_and_the_nearest_negative() -> None:
    found = scores(rows([0.3, 0.1]), rows([0.2, -0.5]), CLIP)
    powers = np.exp([3.0, 1.0, 2.0])
    np.testing.assert_allclose(found.words[0], powers[:2] / powers.sum(), rtol=1e-5)
    np.testing.assert_allclose(found.other[0], powers[2] / powers.sum(), rtol=1e-5)


def test_one_word_alone_is_sure_everywhere_and_a_negative_mends_it() -> None:
    one = rows([0.3], [-0.9])
    assert (scores(one, np.zeros((2, 0), np.float32), CLIP).words == 1.0).all()  # the one-class trap
    mended = scores(one, rows([0.1], [0.1]), CLIP).words[:, 0]
    assert mended[0] > 0.8 > 0.01 > mended[1]


def test_sigmoid_words_do_not_compete_until_they_fill_the_pixel() -> None:
    low = scores(rows([0.1, 0.0]), rows([-1.0]), SIGLIP)
    np.testing.assert_allclose(low.words[0], 1 / (1 + np.exp([1.0, 2.0])), rtol=1e-5)
    high = scores(rows([0.9, 0.9]), rows([-1.0]), SIGLIP)
    assert high.words[0].sum() + high.other[0] == pytest.approx(1.0)


@settings(max_examples=50, deadline=None)
@given(COSINES, COSINES)
def test_order_of_labels_does_not_matter(cosines: NDArray[np.float32], negatives: NDArray[np.float32]) -> None:
    for head in (CLIP, SIGLIP):
        plain = scores(cosines, negatives, head)
        turned = scores(cosines[:, ::-1], negatives[:, ::-1], head)
        np.testing.assert_allclose(turned.words[:, ::-1], plain.words, atol=1e-6)
        np.testing.assert_allclose(turned.other, plain.other, atol=1e-6)
        assert (plain.words.sum(axis=1) + plain.other <= 1 + 1e-5).all()


@settings(max_examples=50, deadline=None)
@given(COSINES, COSINES)
def test_ensemble_ends_are_its_parts(cosines: NDArray[np.float32], others: NDArray[np.float32]) -> None:
    crops, dense = scores(cosines, others, CLIP), scores(others, cosines, CLIP)
    np.testing.assert_allclose(combined(crops, dense, 1.0).words, crops.words, atol=1e-5)
    np.testing.assert_allclose(combined(crops, dense, 0.0).words, dense.words, atol=1e-5)
    both = combined(crops, crops, 0.3)
    np.testing.assert_allclose(both.words, crops.words, atol=1e-5)


def test_ensemble_is_the_geometric_mean() -> None:
    crops = Scores(rows([0.0, 0.0]), rows([0.64, 0.04]), np.array([0.32], np.float32))
    dense = Scores(rows([0.0, 0.0]), rows([0.25, 0.25]), np.array([0.5], np.float32))
    powers = np.array([0.4, 0.1, 0.4])
    np.testing.assert_allclose(combined(crops, dense).words[0], powers[:2] / powers.sum(), rtol=1e-5)


@pytest.mark.parametrize(
    "words, other, margin, expected",
    [
        ([0.6, 0.2], 0.2, 0.0, 1),
        ([0.2, 0.6], 0.2, 0.0, 2),
        ([0.39, 0.2], 0.3, 0.0, 0),  # below its threshold
        ([0.1, 0.41], 0.45, 0.0, 0),  # "other" is likelier
        ([0.5, 0.45], 0.05, 0.1, 0),  # too near to the second
        ([0.5, 0.35], 0.1, 0.1, 1),
    ],
)
def test_a_name_must_pass_three_tests(words: list[float], other: float, margin: float, expected: int) -> None:
    found = Scores(rows(words), rows(words), np.array([other], np.float32))
    assert named(found, np.array([0.4, 0.4], np.float32), margin).tolist() == [expected]


def test_thresholds_are_the_words_own() -> None:
    found = Scores(rows([0.5, 0.3], [0.3, 0.5]), rows([0.5, 0.3], [0.3, 0.5]), np.zeros(2, np.float32))
    assert named(found, np.array([0.6, 0.1], np.float32), 0.0).tolist() == [0, 2]


def test_what_holds_the_border_is_no_thing_unless_it_is_sure() -> None:
    """By hand: odds of the thing fall by e^-3 on the whole border, those of the ground stay."""
    found = Scores(
        rows([0, 0], [0, 0], [0, 0]), rows([0.45, 0.2], [0.99, 0.0], [0.45, 0.2]), np.float32([0.2, 0.001, 0.2])
    )
    seen = against_border(found, np.array([1.0, 1.0, 0.0]), np.array([True, False]))
    fall = math.exp(-3)
    scale = 0.85 / (0.45 * fall + 0.4)
    np.testing.assert_allclose(seen.words[0], [0.45 * fall * scale, 0.2 * scale], rtol=1e-5)
    np.testing.assert_allclose(seen.other[0], 0.2 * scale, rtol=1e-5)
    assert seen.words[1, 0] > 0.9, "a sure one stays"
    np.testing.assert_allclose(seen.words[2], found.words[2], rtol=1e-6)
    np.testing.assert_allclose(seen.words.sum(1) + seen.other, found.words.sum(1) + found.other, rtol=1e-5)


def test_words_for_surroundings_are_no_things() -> None:
    labels = parse_labels("dog\nmeadow = grass\nbed\ncat")
    assert encode_words(labels, SegmentOptions(), model=StubModel()).are_things.tolist() == [True, False, False, True]
    assert encode_words(labels, SegmentOptions(), model=StubModel()).chosen([3, 1]).are_things.tolist() == [True, False]


def test_synonyms_are_alternatives() -> None:
    words = encode_words(parse_labels("cup = red, blue\ndog"), SegmentOptions(), model=StubModel())
    seen = StubModel().encode_texts(["red", "blue", "green"])
    cosines = words.cosines(seen)
    assert words.names == ("cup", "dog") and cosines.shape == (3, 2)
    assert cosines[0, 0] > 0.99 and cosines[1, 0] > 0.99 and cosines[2, 0] < 0.5
    one = words.chosen([1])
    np.testing.assert_array_equal(one.cosines(seen)[:, 0], cosines[:, 1])


def test_a_typed_word_is_no_negative() -> None:
    model = StubModel()
    plain = encode_words(parse_labels("cup"), SegmentOptions(), model=model)
    assert len(plain.negatives) == len(NEGATIVES)
    typed = encode_words(parse_labels("Texture, cup = SKY"), SegmentOptions(), model=model)
    assert len(typed.negatives) == len(GENERAL_NEGATIVES) - 1, "who names the sky has said what is around"
    own = encode_words(parse_labels("cup"), SegmentOptions(negatives="lawn, cup"), model=model)
    assert len(own.negatives) == 1


def test_hubness_is_taken_off_only_where_asked() -> None:
    mean = StubModel().encode_texts(["red"])[0] * np.float32(0.5)
    model = StubModel(calibration=StubCalibration(image_mean=mean))
    seen = model.encode_texts(["red"])
    with_it = encode_words(parse_labels("red"), SegmentOptions(), model=model).cosines(seen)
    without = encode_words(parse_labels("red"), SegmentOptions(hubness=False), model=model).cosines(seen)
    assert without[0, 0] - with_it[0, 0] == pytest.approx(0.5, abs=1e-6)


def test_sharpness_divides_the_temperature() -> None:
    model = StubModel(calibration=StubCalibration(temperature=2.0))
    assert head_of(model, SegmentOptions(sharpness=3.0)).scale == pytest.approx(10.0 * 3.0 / 2.0)


def test_templates_are_averaged() -> None:
    model = StubModel()
    options = SegmentOptions(templates="own", own_templates="red {}\nblue {}")
    words = encode_words(parse_labels("cup"), options, model=model)
    np.testing.assert_allclose(np.linalg.norm(words.rows, axis=1), 1.0, rtol=1e-6)
    seen = model.encode_texts(["red", "blue"])
    assert words.cosines(seen)[0, 0] == pytest.approx(words.cosines(seen)[1, 0], abs=1e-6)
    assert math.isclose(len(words.rows), 1)
