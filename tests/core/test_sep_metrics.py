"""The measures: known answers, and an independent library beside them."""

from __future__ import annotations

import fast_bss_eval
import numpy as np
import pytest

from core.sep_metrics import sdr, si_sdr


def test_known_answers(rng: np.random.Generator) -> None:
    truth = rng.standard_normal(100_000).astype(np.float32)
    noise = rng.standard_normal(100_000).astype(np.float32)
    assert sdr(truth, truth + noise * 0.1) == pytest.approx(20.0, abs=0.1)
    assert si_sdr(truth, 3 * (truth + noise * 0.1)) == pytest.approx(20.0, abs=0.1)
    assert sdr(truth, 0.5 * truth) == pytest.approx(20 * np.log10(2), abs=1e-4)
    assert si_sdr(truth, 0.5 * truth) > 60
    assert sdr(truth, np.zeros_like(truth)) == pytest.approx(0.0)


def test_si_sdr_is_fast_bss_evals(rng: np.random.Generator) -> None:
    for _ in range(5):
        truth, noise = rng.standard_normal((2, 8_000))
        estimate = rng.uniform(0.1, 2) * truth + rng.uniform(0, 2) * noise
        twin = fast_bss_eval.si_sdr(truth[None], estimate[None], zero_mean=True)
        assert si_sdr(truth.astype(np.float32), estimate.astype(np.float32)) == pytest.approx(float(twin[0]), abs=1e-3)


def test_filters_are_what_bss_eval_forgives_and_we_do_not(rng: np.random.Generator) -> None:
    truth = rng.standard_normal(16_000)
    late = np.roll(truth, 3)
    assert float(fast_bss_eval.sdr(truth[None], late[None])[0]) > 15
    assert sdr(truth.astype(np.float32), late.astype(np.float32)) < 0


def test_silence_and_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="silent"):
        sdr(np.zeros(5, np.float32), np.ones(5, np.float32))
    with pytest.raises(ValueError, match="estimate"):
        si_sdr(np.ones(5, np.float32), np.ones(6, np.float32))
