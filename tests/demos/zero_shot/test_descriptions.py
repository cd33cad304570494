"""Classification by description: the card's rule table and numbers, the bundled file, reading and writing."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.labels import Label, key_of
from demos.zero_shot.descriptions import (
    DATA,
    bars,
    bundled,
    clause,
    descriptors_for,
    read_descriptors,
    selected,
    selected_score,
    sentences,
    write_descriptors,
)


@pytest.mark.parametrize(
    "descriptor, wanted",
    [
        ("a long tail", "which is a long tail"),
        ("an orange beak", "which is an orange beak"),
        ("has fur", "which has fur"),
        ("used for cooking", "which is used for cooking"),
        ("striped coat", "which has striped coat"),
        ("often asleep", "which often asleep"),
        ("may be red", "which may be red"),
        ("can fly", "which can fly"),
        ("typically round", "which typically round"),
        ("is often in a heap", "which is often in a heap"),
        ("antlers", "which has antlers"),
        ("A long tail", "which is A long tail"),
        ("", "which has "),
    ],
)
def test_clause_rule(descriptor: str, wanted: str) -> None:
    assert clause(descriptor) == wanted


def test_sentences_in_templates() -> None:
    assert sentences("cat", ["whiskers"], ["{}"]) == ("cat, which has whiskers",)
    assert sentences("c{}t", ["x", "y"], ["a {}.", "the {}!"]) == (
        "a c{}t, which has x.",
        "the c{}t, which has x!",
        "a c{}t, which has y.",
        "the c{}t, which has y!",
    )


def test_bars_sum_to_the_score_and_are_sorted() -> None:
    cosines = np.array([0.1, 0.4, 0.25])
    found = bars(["x", "y", "z"], ["tx", "ty", "tz"], cosines)
    assert [bar.descriptor for bar in found] == ["y", "z", "x"] and found[0].text == "ty"
    assert sum(bar.contribution for bar in found) == pytest.approx(cosines.mean())


def test_mean_of_cosines_is_the_cosine_with_the_mean(rng: np.random.Generator) -> None:
    texts, image = rng.standard_normal((5, 16)), rng.standard_normal(16)
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    assert (texts @ image).mean() == pytest.approx(texts.mean(0) @ image)


# --- the bundled file ----------------------------------------------------------------------------------------------


def test_bundled_file_is_large_and_well_formed() -> None:
    classes = json.loads(DATA.read_text(encoding="utf-8"))["classes"]
    assert len(classes) >= 300
    names = [key_of(word) for name, entry in classes.items() for word in (name, *entry["also"])]
    assert len(names) == len(set(names)), "a name stands under two classes"
    for name, entry in classes.items():
        assert 4 <= len(entry["looks"]) <= 6, name
        assert len(set(entry["looks"])) == len(entry["looks"]), name
        for descriptor in entry["looks"]:
            assert descriptor.strip() == descriptor and 3 <= len(descriptor) <= 60 and descriptor[-1] not in ".;,", name
            assert not descriptor.lower().startswith(("a ", "an ", "the ", "used ")), (name, descriptor)
            assert key_of(name) not in descriptor.lower().split(), f"{name}: {descriptor} gives the name away"


def test_everyday_labels_are_known() -> None:
    common = "cat dog bird car airplane ship horse deer frog truck mug lamp chair guitar apple duck person flower house"
    assert set(common.split()) <= set(bundled())
    assert bundled()["kitten"] == bundled()["cat"]


def test_lookup_by_case_and_by_synonym() -> None:
    found = descriptors_for([Label("CAT"), Label("Mieze", ("pussycat",)), Label("zorgle")], {})
    assert found["CAT"] == found["Mieze"] == bundled()["cat"] and found["zorgle"] == ()


def test_own_descriptors_come_first() -> None:
    own = {"Cat": ("purrs",), "dog": ()}
    found = descriptors_for([Label("cat"), Label("dog"), Label("cow")], own)
    assert found["cat"] == ("purrs",) and found["dog"] == () and found["cow"] == bundled()["cow"]


# --- editing ---------------------------------------------------------------------------------------------------------


def test_reading_known_forms() -> None:
    text = 'cat: whiskers; soft fur;\n\ndog:\n- wet nose\n• tail\ncat: purrs; purrs\n"a: b": c, d; e\nempty:'
    assert read_descriptors(text) == {
        "cat": ("whiskers", "soft fur", "purrs"),
        "dog": ("wet nose", "tail"),
        "a: b": ("c, d", "e"),
        "empty": (),
    }
    assert read_descriptors("") == {}


@pytest.mark.parametrize(
    "text, words",
    [
        ("cat whiskers", "Line 1.*cat whiskers"),
        ("\n: whiskers", "Line 2"),
        ("- whiskers", "Line 1"),
        ("cat: " + "x" * 201, "201 characters; at most 200"),
        ("cat: " + "; ".join(map(str, range(51))), "51 descriptors; at most 50"),
    ],
)
def test_bad_descriptors_are_one_sentence(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_descriptors(text)


PIECE = (
    st.text(st.sampled_from("abc <>${}'&é"), min_size=1, max_size=12).map(lambda s: " ".join(s.split())).filter(bool)
)
NAME = st.text(st.sampled_from("abc:é$"), min_size=1, max_size=8)


@given(st.dictionaries(NAME, st.lists(PIECE, max_size=4, unique=True).map(tuple), max_size=5))
def test_what_is_written_is_read_back(descriptors: dict[str, tuple[str, ...]]) -> None:
    assert read_descriptors(write_descriptors(descriptors)) == descriptors


# --- selected descriptors ---------------------------------------------------------------------------------------------


def test_selection_oracle() -> None:
    support = np.array([[0.30, 0.20, 0.10], [0.28, 0.29, 0.05], [0.22, 0.21, 0.20]])
    kept = selected(support, [0, 1, 2])
    assert [d for d, _ in kept[0]] == [0, 2] and [m for _, m in kept[0]] == pytest.approx([0.10, 0.01])
    assert kept[1] == ((1, pytest.approx(0.083333, abs=1e-6)),) and kept[2] == ()


def test_selection_stays_inside_the_look_alikes() -> None:
    support = np.array([[0.3, 0.2, 0.9], [0.1, 0.2, 0.9]])
    assert [d for d, _ in selected(support, [0, 1])[0]] == [0]
    assert [d for d, _ in selected(support, [0, 1])[1]] == [1]
    assert len(selected(np.ones((9, 2)), [0, 1], limit=3)[0]) == 3


def test_selected_score_oracle() -> None:
    assert selected_score(0.30, [0.25, 0.27], weight=5) == pytest.approx(1.76)
    assert selected_score(0.31, [0.20], weight=5) == pytest.approx(1.75)
    assert selected_score(0.31, []) == pytest.approx(1.55)
