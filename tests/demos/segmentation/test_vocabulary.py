"""The list of nouns and the two passes over it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from core.errors import InputError
from core.labels import key_of
from demos.segmentation.options import MAX_NOUNS
from demos.segmentation.pipeline import segment
from demos.segmentation.scores import Scores
from demos.segmentation.vocabulary import (
    FIRST_SCORE,
    MOST_NAMES,
    bundled_nouns,
    context_covers,
    names_found,
    read_nouns,
    with_context,
)
from tests.demos.segmentation.stub_sam import StubSam
from tests.demos.segmentation.test_pipeline import PLAIN, TWO, DenseStub
from training.toybox.classes import CLASSES


def scored(rows: list[list[float]], other: list[float] | None = None) -> Scores:
    words = np.array(rows, np.float32)
    return Scores(words, words, np.zeros(len(rows), np.float32) if other is None else np.array(other, np.float32))


def test_bundled_nouns_are_about_two_thousand_each_once() -> None:
    nouns = read_nouns("")
    assert 1_900 <= len(nouns) <= 2_300
    words = [word.strip() for line in bundled_nouns().splitlines() for word in line.split(",")]
    assert len(words) == len(nouns)  # nothing was merged away
    assert all(word and len(word) <= 30 and "=" not in word for word in words)


def test_bundled_nouns_hold_every_toy() -> None:
    known = {key_of(noun.name) for noun in read_nouns("")}
    assert [name for name in CLASSES if key_of(name) not in known] == []


def test_own_nouns_take_the_place_of_the_bundled() -> None:
    assert [noun.name for noun in read_nouns("cup, dog\ncup")] == ["cup", "dog"]
    with pytest.raises(InputError, match=f"at most {MAX_NOUNS:,}"):
        read_nouns(",".join(f"noun {n}" for n in range(MAX_NOUNS + 1)))


def test_a_name_that_is_not_in_the_list_is_never_given() -> None:
    options = dataclasses.replace(PLAIN, vocabulary="blue, orange")
    answer = segment(TWO, "", options, clip=DenseStub(), sam=StubSam())
    words = {word.word for region in answer.regions for word in region.words}
    assert words <= {"blue", "orange"} and "red" not in {row.name for row in answer.labels}


def test_found_names_come_by_weight_and_must_pass() -> None:
    found = scored([[0.5, 0.2, 0.0], [0.1, 0.4, 0.0], [0.0, FIRST_SCORE / 2, 0.0]])
    assert names_found(found, np.array([1.0, 5.0, 100.0]), ["a", "b", "c"]) == (1, 0)
    hidden = scored([[0.5, 0.2, 0.0]], other=[0.6])
    assert names_found(hidden, np.ones(1), ["a", "b", "c"]) == ()
    assert names_found(scored([]), np.ones(0), ["a"]) == ()


def test_found_names_are_limited() -> None:
    count = MOST_NAMES + 20
    found = scored(np.eye(count).tolist())
    kept = names_found(found, np.arange(count, dtype=float) + 1, [str(n) for n in range(count)])
    assert len(kept) == MOST_NAMES and kept[0] == count - 1


def test_context_boxes_are_half_as_large_again() -> None:
    found = context_covers(np.array([[40.0, 20.0, 60.0, 40.0]]), (80, 100), (80, 100))[0]
    rows, columns = np.flatnonzero(found.any(axis=1)), np.flatnonzero(found.any(axis=0))
    assert (columns[0], columns[-1] + 1, rows[0], rows[-1] + 1) == (35, 65, 15, 45) and found.max() == 1.0
    edge = context_covers(np.array([[0.0, 0.0, 10.0, 10.0]]), (80, 100), (8, 10))[0]
    np.testing.assert_allclose(edge[:2, :2], [[1.0, 0.25], [0.25, 0.0625]])


def test_context_is_added_at_three_tenths() -> None:
    found = with_context(np.array([[1.0, 0.0]], np.float32), np.array([[0.0, 1.0]], np.float32))
    np.testing.assert_allclose(found, [[1 / np.hypot(1, 0.3), 0.3 / np.hypot(1, 0.3)]], rtol=1e-6)


def test_the_legend_holds_only_names_that_were_given_largest_first() -> None:
    options = dataclasses.replace(PLAIN, vocabulary="green, blue, red, orange, black")
    answer = segment(TWO, "", options, clip=DenseStub(), sam=StubSam())
    shares = [row.share for row in answer.labels[1:]]
    assert shares == sorted(shares, reverse=True) and min(shares) > 0
    assert [row.index for row in answer.labels] == list(range(len(answer.labels)))
    for region in answer.regions:
        assert answer.labels[region.label_index].name == region.label
