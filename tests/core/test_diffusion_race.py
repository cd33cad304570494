"""The race over shared noise: a twin that asks for everything, known winners, and what elimination saves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.diffusion_race import ROUNDS, STEP_RANGE, Round, race, steps_of
from core.errors import Cancelled
from core.tasks import Job, Step


def table(seed: int, count: int, samples: int, gap: float = 0.1, shared: float = 1.0) -> np.ndarray:
    """Errors whose sample counts for much, whose text for little: (C, S)."""
    rng = np.random.default_rng(seed)
    hard = rng.normal(0, shared, samples)
    return 2 + hard + gap * np.arange(count)[:, None] + rng.normal(0, 0.02, (count, samples))


def ask(errors: np.ndarray) -> tuple[list[tuple[int, int]], object]:
    asked: list[tuple[int, int]] = []

    def error_of(sample: int, texts: Sequence[int]) -> list[float]:
        asked.extend((text, sample) for text in texts)
        return [float(errors[text, sample]) for text in texts]

    return asked, error_of


def test_the_best_text_wins_though_noise_varies_more_than_texts() -> None:
    errors = table(0, 5, 12)[[3, 0, 4, 2, 1]]
    asked, error_of = ask(errors)
    found = race(error_of, 5)  # type: ignore[arg-type]
    assert found.order[0] == 1 and found.order[1] == 4
    assert found.confidence > 0.95
    assert len(asked) == 4 * 5 + 4 * 3 + 4 * 2 and len(set(asked)) == len(asked)
    assert np.isnan(found.errors).sum() == 5 * 12 - len(asked)


def test_without_elimination_it_is_the_slow_way() -> None:
    errors = table(1, 4, 6, gap=0.01)
    _, error_of = ask(errors)
    found = race(error_of, 4, rounds=(Round(6, 1),))  # type: ignore[arg-type]
    assert np.array_equal(found.errors, errors)
    assert list(found.order) == list(np.argsort(errors.mean(axis=1), kind="stable"))
    slow = errors - errors[found.order[0]]
    assert found.gaps == pytest.approx(slow.mean(axis=1))
    spread = slow.std(axis=1, ddof=1) / 6**0.5
    others = list(found.order[1:])
    assert found.deviations[others] == pytest.approx((slow.mean(axis=1) / np.where(spread, spread, 1))[others])


@given(st.integers(1, 6), st.integers(0, 1000))
def test_nobody_is_ahead_of_the_winner(count: int, seed: int) -> None:
    errors = np.random.default_rng(seed).normal(size=(count, 12))
    _, error_of = ask(errors)
    found = race(error_of, count)  # type: ignore[arg-type]
    assert sorted(found.order) == list(range(count))
    assert (found.gaps >= 0).all() and found.gaps[found.order[0]] == 0
    assert 0 <= found.confidence <= 1


def test_one_text_needs_no_more_than_the_first_round() -> None:
    asked, error_of = ask(table(0, 1, 12))
    assert race(error_of, 1).confidence == 1.0 and len(asked) == ROUNDS[0].samples  # type: ignore[arg-type]


def test_progress_ends_where_it_said_and_cancel_is_heard() -> None:
    told: list[Step] = []
    _, error_of = ask(table(2, 5, 12))
    race(error_of, 5, job=Job(told.append))  # type: ignore[arg-type]
    assert {step.total for step in told} == {40} and [step.done for step in told][:3] == [0, 5, 10]
    job = Job(lambda step: job.cancel() if step.done == 10 else None)
    with pytest.raises(Cancelled):
        race(error_of, 5, job=job)  # type: ignore[arg-type]


def test_rounds_that_do_not_rise_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot race"):
        race(lambda sample, texts: [0.0] * len(texts), 3, rounds=(Round(4, 2), Round(4, 1)))
    with pytest.raises(ValueError, match="0 texts"):
        race(lambda sample, texts: [], 0)


@pytest.mark.parametrize("samples", [1, 2, 7, 12, 16])
def test_steps_are_spread_from_the_beginning(samples: int) -> None:
    steps = steps_of(samples)
    assert len(set(steps)) == samples and min(steps) >= STEP_RANGE[0] and max(steps) <= STEP_RANGE[1]
    if samples >= 7:
        assert max(steps[:4]) - min(steps[:4]) > 250
