"""Templates: the sets are what they say, labels go in unharmed, averages equal their slow twin."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import InputError
from core.labels import Label
from core.prompts import (
    BACKGROUND,
    EIGHTY,
    MAX_TEXTS,
    SEVEN,
    ensemble,
    fill,
    joined_synonyms,
    label_texts,
    read_templates,
    templates_of,
    texts_of,
)


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def test_there_are_eighty_and_the_seven_best_are_among_them() -> None:
    assert len(EIGHTY) == len(set(EIGHTY)) == 80 and len(SEVEN) == 7
    assert set(SEVEN) <= set(EIGHTY)
    assert all(template.count("{}") == 1 and "@" not in template and template.endswith(".") for template in EIGHTY)
    samples = {
        "a photo of the hard to see {}.",
        "itap of my {}.",
        "the {} in a video game.",
        "a jpeg corrupted photo of a {}.",
    }
    assert samples <= set(EIGHTY)  # fmt: skip


def test_sets_by_name() -> None:
    assert templates_of("plain") == ("{}",)
    assert templates_of("photo") == ("a photo of a {}.",)
    assert templates_of("own", "x {} y") == ("x {} y",)
    with pytest.raises(InputError, match="choose one of"):
        templates_of("nonsense")  # type: ignore[arg-type]


def test_own_templates_are_cleaned() -> None:
    assert read_templates("  a  {} \n\na {}\nthe {}") == ("a {}", "the {}")


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "no template"),
        ("a photo", "0 places"),
        ("{} and {}", "2 places"),
        ("a {}\na photo", "0 places"),
        ("x" * 400 + "{}", "402 characters; at most 300"),
        ("\n".join(f"{i} {{}}" for i in range(101)), "101 templates; at most 100"),
    ],
)
def test_bad_templates_are_one_sentence(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_templates(text)


@pytest.mark.parametrize("word", ["{}", "{0}", "{x!r}", "${a}", "%s", "<script>", "\\1", "🐈", "a{}b{}c"])
def test_nothing_in_a_label_is_interpreted(word: str) -> None:
    assert fill("a photo of a {}.", word) == "a photo of a " + word + "."


def test_texts_go_word_by_word() -> None:
    label = Label("dog", ("puppy",))
    assert texts_of(label, ("a {}", "the {}")) == ("a dog", "the dog", "a puppy", "the puppy")
    (row,) = label_texts([label], ("a {}",))
    assert row.label == "dog" and row.texts == ("a dog", "a puppy")


def test_too_many_texts() -> None:
    labels = [Label(str(i)) for i in range(5_000)]
    assert len(label_texts(labels, SEVEN)) == 5_000
    with pytest.raises(InputError, match=f"400,000 texts; at most {MAX_TEXTS:,}"):
        label_texts(labels, EIGHTY)


def test_ensemble_equals_the_slow_twin(rng: np.random.Generator) -> None:
    texts = unit(rng.standard_normal((5 * 7, 12))).astype(np.float32)
    slow = []
    for word in range(5):
        total = sum(texts[word * 7 + k].astype(np.float64) for k in range(7)) / 7
        slow.append(total / np.sqrt((total**2).sum()))
    assert np.allclose(ensemble(texts, 7), slow, atol=1e-6)


def test_ensemble_of_one_changes_nothing_and_order_does_not_matter(rng: np.random.Generator) -> None:
    texts = unit(rng.standard_normal((6, 8))).astype(np.float32)
    assert np.allclose(ensemble(texts, 1), texts, atol=1e-7)
    assert np.allclose(ensemble(texts, 3), ensemble(texts[[2, 0, 1, 4, 5, 3]], 3), atol=1e-6)


def test_joined_synonyms_equal_the_slow_twin(rng: np.random.Generator) -> None:
    words, counts = unit(rng.standard_normal((7, 8))).astype(np.float32), [1, 4, 2]
    slow = [unit(words[a:b].mean(0)) for a, b in ((0, 1), (1, 5), (5, 7))]
    assert np.allclose(joined_synonyms(words, counts), slow, atol=1e-6)
    assert np.allclose(joined_synonyms(words, [1] * 7), words, atol=1e-7)


def test_known_answer() -> None:
    assert np.allclose(ensemble(np.eye(2, dtype=np.float32), 2), [[0.70710678, 0.70710678]])


def test_background_words_are_general() -> None:
    assert BACKGROUND == ("object", "things", "stuff", "texture")
