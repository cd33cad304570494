"""Scores: known values, the correction of hubness centres the bank, damaged files are one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from core.calibration import (
    Calibration,
    hubness_corrected,
    logits,
    probabilities,
    read_calibration,
    unit_rows,
)
from core.errors import ModelUnavailable


def _unit(rng: np.random.Generator, rows: int, dim: int = 8) -> np.ndarray:
    return unit_rows(rng.standard_normal((rows, dim)).astype(np.float32))


def test_identity_where_nothing_came_with_the_weights(tmp_path: Path, rng: np.random.Generator) -> None:
    found = read_calibration(tmp_path, 8)
    assert (found.temperature, found.image_mean, found.image_bank, found.unknown_threshold) == (1.0, None, None, None)
    cosines = rng.standard_normal((3, 4)).astype(np.float32)
    np.testing.assert_array_equal(hubness_corrected(cosines, _unit(rng, 4), found), cosines)


def test_files_are_read_and_the_mean_follows_from_the_bank(tmp_path: Path, rng: np.random.Generator) -> None:
    bank = _unit(rng, 20)
    save_file({"image_bank": (3.0 * bank).astype(np.float16)}, tmp_path / "calibration.safetensors")
    numbers = {"temperature": 1.5, "unknown_threshold": 0.25, "note": "20 pictures"}
    (tmp_path / "calibration.json").write_text(json.dumps(numbers))
    found = read_calibration(tmp_path, 8)
    assert found.image_bank is not None and found.image_mean is not None
    np.testing.assert_allclose(np.linalg.norm(found.image_bank, axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(found.image_mean, bank.mean(axis=0), atol=1e-3)
    assert (found.temperature, found.unknown_threshold, found.note) == (1.5, 0.25, "20 pictures")


@pytest.mark.parametrize(
    "numbers, arrays, sentence",
    [
        ("{", {}, "cannot be used"),
        ("[1]", {}, "holds no object"),
        ('{"temperature": 0}', {}, "temperature is 0.0"),
        ('{"temperature": "warm"}', {}, "cannot be used"),
        ("{}", {"image_mean": np.ones(7, np.float32)}, "image_mean is (7,), not (8,)"),
        ("{}", {"image_bank": np.ones((3, 9), np.float32)}, "image_bank is (3, 9), not (B, 8)"),
        ("{}", {"image_mean": np.full(8, np.nan, np.float32)}, "not finite"),
    ],
)
def test_damaged_files_are_one_sentence(
    numbers: str, arrays: dict[str, np.ndarray], sentence: str, tmp_path: Path
) -> None:
    (tmp_path / "calibration.json").write_text(numbers)
    if arrays:
        save_file(arrays, tmp_path / "calibration.safetensors")
    with pytest.raises(ModelUnavailable) as caught:
        read_calibration(tmp_path, 8)
    assert sentence in str(caught.value)


def test_truncated_arrays_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "calibration.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{")
    with pytest.raises(ModelUnavailable, match="damaged"):
        read_calibration(tmp_path, 8)


def test_corrected_cosines_of_the_bank_have_mean_zero_for_every_text(rng: np.random.Generator) -> None:
    bank, texts = _unit(rng, 50), _unit(rng, 6)
    calibration = Calibration(image_mean=bank.mean(axis=0), image_bank=bank)
    corrected = hubness_corrected(bank @ texts.T, texts, calibration)
    np.testing.assert_allclose(corrected.mean(axis=0), 0.0, atol=1e-6)


def test_a_hub_loses_to_the_true_label() -> None:
    """Worked by hand: pictures lie near the hub text; the true text wins once the hub's mean is taken away."""
    true, hub, other = np.eye(3, dtype=np.float32)
    mean = 0.8 * hub + 0.1 * true + 0.1 * other
    picture = np.array([[0.4, 0.9, 0.1]], np.float32)
    texts = np.stack([true, hub, other])
    cosines = picture @ texts.T
    assert cosines.argmax() == 1
    corrected = hubness_corrected(cosines, texts, Calibration(image_mean=mean))
    np.testing.assert_allclose(corrected, [[0.3, 0.1, 0.0]], atol=1e-6)


def test_shapes_that_do_not_fit_are_a_value_error() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        hubness_corrected(np.ones((2, 3), np.float32), np.ones((4, 8), np.float32), Calibration(image_mean=np.ones(8)))


def test_logits_scale_then_add_the_bias() -> None:
    images, texts = np.eye(2, dtype=np.float32), np.array([[1.0, 0.0], [0.6, 0.8]], np.float32)
    np.testing.assert_allclose(logits(images, texts, scale=10.0, bias=-5.0), [[5.0, 1.0], [-5.0, 3.0]], atol=1e-6)


def test_probabilities_against_known_values() -> None:
    np.testing.assert_allclose(probabilities(np.log(np.array([[1.0, 3.0]])), "softmax"), [[0.25, 0.75]], atol=1e-7)
    np.testing.assert_allclose(probabilities(np.log(np.array([[3.0]])), "sigmoid"), [[0.75]], atol=1e-7)
    np.testing.assert_allclose(
        probabilities(np.log(np.array([[1.0, 81.0]])), "softmax", temperature=2.0), [[0.1, 0.9]], atol=1e-7
    )
    assert probabilities(np.zeros((2, 0), np.float32), "softmax").shape == (2, 0)


@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=1, max_size=20), st.floats(0.1, 10.0))
def test_probabilities_lie_in_range_and_keep_the_order(scores: list[float], temperature: float) -> None:
    row = np.array(scores, np.float32)
    for scoring in ("softmax", "sigmoid"):
        p = probabilities(row, scoring, temperature=temperature)
        assert np.isfinite(p).all() and p.min() >= 0.0 and p.max() <= 1.0
        assert (np.diff(p[np.argsort(row, kind="stable")]) >= 0.0).all()
    assert probabilities(row, "softmax", temperature=temperature).sum() == pytest.approx(1.0, abs=1e-6)
