"""Labels as they are typed: separators, synonyms, duplicates, limits, and text that stays text."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.labels import MAX_LABEL_CHARS, MAX_LABELS, Label, parse_labels, read_labels


@dataclass(frozen=True)
class Typed:
    """What was typed and what it means."""

    name: str
    text: str
    labels: tuple[Label, ...]


def plain(*names: str) -> tuple[Label, ...]:
    return tuple(Label(name) for name in names)


TYPED = [
    Typed("lines", "cat\ndog\r\nbird", plain("cat", "dog", "bird")),
    Typed("commas", "cat, dog,bird", plain("cat", "dog", "bird")),
    Typed("both", "cat, dog\nbird", plain("cat", "dog", "bird")),
    Typed("synonyms", "dog = puppy, hound\ncat", (Label("dog", ("puppy", "hound")), Label("cat"))),
    Typed("synonyms after others", "cat, dog = puppy", (Label("cat"), Label("dog", ("puppy",)))),
    Typed("no synonym after all", "dog =", plain("dog")),
    Typed("two equal signs", "dog = puppy = hound", (Label("dog", ("puppy", "hound")),)),
    Typed("white space", "  a   big\tcat ,\n\n , dog,,\n", plain("a big cat", "dog")),
    Typed("quotes", '"red, white and blue", "E = mc2"', plain("red, white and blue", "E = mc2")),
    Typed("quotes around synonyms", '"a" = "b, c"', (Label("a", ("b, c",)),)),
    Typed("inch marks", '12" pizza, 14" pizza', plain('12" pizza', '14" pizza')),
    Typed("one quote", '"cat, dog', plain('"cat', "dog")),
    Typed("other commas", "猫，狗、鸟\nقطة، كلب", plain("猫", "狗", "鸟", "قطة", "كلب")),
    Typed("emoji", "🐈, 👩‍👩‍👧‍👦\n❤️", plain("🐈", "👩‍👩‍👧‍👦", "❤️")),
    Typed("right to left", "כלב\nقطة", plain("כלב", "قطة")),
    Typed("script", "<script>alert(1)</script>", plain("<script>alert(1)</script>")),
    Typed("template", "${document.cookie}\n{{x}} {} {0} %s", plain("${document.cookie}", "{{x}} {} {0} %s")),
    Typed("markup", '<img src=x onerror="a()">', (Label("<img src", ("x onerror", '"a()">')),)),
    Typed("control characters", "c\x00at\x1b[31m", plain("c at [31m")),
    Typed("invisible", "\u200b, \u200e\u202e, cat", plain("cat")),
    Typed("decomposed", "cafe\u0301", plain("caf\u00e9")),
    Typed("lone surrogate", "cat\ud83d", plain("cat?")),
    Typed("one label", "cat", plain("cat")),
]  # fmt: skip


@pytest.mark.parametrize("case", TYPED, ids=lambda case: case.name)
def test_what_is_typed_is_what_is_meant(case: Typed) -> None:
    assert parse_labels(case.text) == case.labels


def test_duplicates_are_merged_with_a_note() -> None:
    found = read_labels("Cat\ndog = puppy\nCAT = kitten\n  dog = Puppy, hound\nＣａｔ")
    assert found.labels == (Label("Cat", ("kitten",)), Label("dog", ("puppy", "hound")))
    assert len(found.notes) == 1 and "“Cat”" in found.notes[0] and "“dog”" in found.notes[0]


def test_own_name_as_synonym_vanishes() -> None:
    assert parse_labels("dog = Dog, puppy") == (Label("dog", ("puppy",)),)


def test_word_under_two_labels_is_said() -> None:
    notes = read_labels("dog = puppy\npuppy\ncat").notes
    assert len(notes) == 1 and "“puppy”" in notes[0]
    assert not read_labels("dog = puppy\ncat").notes


def test_long_notes_stay_short() -> None:
    text = "\n".join(f"label {i}" for i in range(500))
    (note,) = read_labels(text + "\n" + text).notes
    assert "495 more" in note and len(note) < 250


@pytest.mark.parametrize("text", ["", "   ", "\n\n", ",,,\n ,", "\u200b", "=", '""'], ids=repr)
def test_no_label_is_one_sentence(text: str) -> None:
    if text == '""':
        assert parse_labels(text) == plain('""')  # two visible characters are a label
        return
    with pytest.raises(InputError, match=r"no label.*\.$"):
        read_labels(text)


def test_synonyms_without_label() -> None:
    with pytest.raises(InputError, match="Line 2.*puppy"):
        read_labels("cat\n = puppy, hound")


def test_five_thousand_labels_work_and_one_more_does_not() -> None:
    assert MAX_LABELS == 5_000
    assert len(parse_labels("\n".join(f"label {i}" for i in range(5_000)))) == 5_000
    with pytest.raises(InputError, match=re.escape("5,001 labels; at most 5,000.")):
        read_labels(",".join(f"label {i}" for i in range(5_001)))


def test_label_too_long() -> None:
    assert parse_labels("x" * MAX_LABEL_CHARS)
    for text in ("x" * 501, "cat\ndog = " + "y" * 501):
        with pytest.raises(InputError, match="501 characters long; at most 500") as caught:
            read_labels(text)
        assert len(str(caught.value)) < 150


def test_a_flood_of_text_is_refused_quickly() -> None:
    with pytest.raises(InputError, match="1,000,001 characters"):
        read_labels("," * 1_000_001)


@given(st.text(max_size=200))
def test_any_text_gives_labels_or_a_sentence(text: str) -> None:
    try:
        labels = parse_labels(text)
    except InputError as error:
        assert str(error).endswith(".")
        return
    names = [label.name.casefold() for label in labels]
    assert len(names) == len(set(names)) and all(name.strip() for name in names)


WORD = st.text(st.sampled_from("abcdefg xyz{}$<>'"), min_size=1, max_size=9).map(str.strip).filter(bool)


@given(st.lists(WORD, min_size=1, max_size=6, unique_by=lambda word: " ".join(word.split())))
def test_written_labels_are_read_back(words: list[str]) -> None:
    names = [" ".join(word.split()) for word in words]
    assert [label.name for label in parse_labels("\n".join(words))] == names
    assert [label.name for label in parse_labels(", ".join(words))] == names
