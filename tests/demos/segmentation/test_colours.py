"""Colours of labels: the same everywhere, apart within a picture."""

from __future__ import annotations

from itertools import combinations

import pytest

from demos.segmentation.colours import APART, OTHER_RGB, TABLE, colours_of, unlikeness

WORDS = ("lighthouse", "boat", "palm tree", "umbrella", "sand", "car", "sky", "people", "roof", "trees")


def test_a_name_has_its_colour_whoever_comes_after_it() -> None:
    assert colours_of(["Boat"], {}) == colours_of(["boat", "sand", "sky"], {})[:1]
    assert colours_of(WORDS, {})[:4] == colours_of(WORDS[:4], {})


def test_a_handful_of_labels_are_easy_to_tell_apart() -> None:
    for count, least in ((6, APART), (10, 150.0)):
        found = colours_of(WORDS[:count], {})
        assert min(unlikeness(a, b) for a, b in combinations([OTHER_RGB, *found], 2)) >= least


def test_as_many_names_as_the_table_holds_get_different_colours() -> None:
    found = colours_of([f"name {n}" for n in range(len(TABLE))], {})
    assert len(set(found)) == len(TABLE)
    assert len(colours_of([f"name {n}" for n in range(250)], {})) == 250


def test_a_chosen_colour_is_kept_and_kept_clear_of() -> None:
    plain = colours_of(["boat", "car"], {})
    found = colours_of(["boat", "car"], {"BOAT": plain[1]})
    assert found[0] == plain[1] and unlikeness(*found) >= APART


def test_unlikeness_is_redmean() -> None:
    assert unlikeness((0, 0, 0), (255, 255, 255)) == pytest.approx(765, abs=1)
    assert unlikeness((9, 8, 7), (9, 8, 7)) == 0.0
