"""From picture to answer with a model whose geometry is known: a colour is its colour word."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np
import pytest

from core.calibration import Calibration
from core.errors import Cancelled, InputError
from core.images import Picture
from core.labels import Label
from core.prompts import SEVEN
from core.tasks import Job, Step
from demos.zero_shot.classifier import BACKGROUND_TITLE
from demos.zero_shot.descriptions import bundled
from demos.zero_shot.options import NONE_OF_THESE, Classification
from demos.zero_shot.pipeline import Options, classify, threshold_histogram
from tests.stub_model import COLOURS, StubModel, halves, solid

COLOUR_LABELS = "\n".join(COLOURS)


def picture(colour: str) -> Picture:
    return Picture(solid(colour))


# --- the plain answer -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("templates", ["plain", "photo", "seven", "eighty"])
def test_every_colour_is_named(colour: str, templates: str) -> None:
    found = classify(picture(colour), COLOUR_LABELS, Options(templates=templates), model=StubModel())
    assert found.label == colour and found.ranked[0].confidence > 0.9
    assert sum(scored.confidence for scored in found.ranked) == pytest.approx(1.0, abs=1e-5)


def test_known_answer() -> None:
    """Cosine 1 with its own colour, 1/5 with another (the shared part); scale 10."""
    found = classify(picture("red"), "red, blue", Options(templates="plain"), model=StubModel())
    assert [scored.cosine for scored in found.ranked] == pytest.approx([1.0, 0.2], abs=1e-6)
    assert found.ranked[0].confidence == pytest.approx(1 / (1 + math.exp(-8)), abs=1e-6)
    assert found.as_json() == {
        "label": "red",
        "confidences": [
            {"label": "red", "confidence": found.ranked[0].confidence},
            {"label": "blue", "confidence": found.ranked[1].confidence},
        ],
    }
    assert found.model == "stub" and found.method == "names" and found.seconds >= 0 and not found.is_unknown
    assert found.notes == () and found.bars == {} and found.zero_shot == () and found.alpha is None


def test_temperature_is_the_models_own_unless_chosen() -> None:
    model = StubModel(calibration=Calibration(temperature=4.0))
    own = classify(picture("red"), "red, blue", model=model)
    chosen = classify(picture("red"), "red, blue", Options(temperature=1.0), model=model)
    assert own.ranked[0].confidence == pytest.approx(1 / (1 + math.exp(-2)), abs=1e-5)
    assert chosen.ranked[0].confidence == pytest.approx(1 / (1 + math.exp(-8)), abs=1e-5)


def test_order_of_labels_changes_nothing_but_ties() -> None:
    a = classify(picture("green"), "red, green, blue", model=StubModel())
    b = classify(picture("green"), "blue, red, green", model=StubModel())
    assert {s.label: pytest.approx(s.confidence) for s in a.ranked} == {s.label: s.confidence for s in b.ranked}
    assert [s.label for s in a.ranked[1:]] == ["red", "blue"] and [s.label for s in b.ranked[1:]] == ["blue", "red"]


def test_the_texts_shown_are_the_texts_sent() -> None:
    model = StubModel()
    found = classify(picture("red"), "red = crimson\nblue", Options(templates="seven"), model=model)
    shown = [text for row in found.texts for text in row.texts]
    assert shown == model.texts_seen and len(shown) == 3 * len(SEVEN)
    assert found.texts[0].texts[:2] == ("itap of a red.", "a bad photo of the red.")


def test_own_templates() -> None:
    found = classify(picture("red"), "red, blue", Options(templates="own", own_templates="so {}"), model=StubModel())
    assert [row.texts for row in found.texts] == [("so red",), ("so blue",)]


def test_labels_may_come_read() -> None:
    assert classify(picture("red"), [Label("x", ("red",)), Label("blue")], model=StubModel()).label == "x"


# --- synonyms -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["mean", "max"])
def test_a_synonym_speaks_for_its_label(rule: str) -> None:
    found = classify(picture("red"), "x = crimson\nblue", Options(synonym_rule=rule), model=StubModel())
    assert found.label == "x"


def test_rules_differ_where_synonyms_are_alternatives() -> None:
    """A label that is red or blue: its best word fits a red picture fully, the mean of its words less."""
    rules = (Options(templates="plain", synonym_rule="max"), Options(templates="plain", synonym_rule="mean"))
    best, mean = (classify(picture("red"), "warm = red, blue\ngreen", options, model=StubModel()) for options in rules)
    assert best.ranked[0].cosine == pytest.approx(1.0, abs=1e-6) and mean.ranked[0].cosine < 0.95


# --- one label, many labels, odd labels -----------------------------------------------------------------------------


def test_one_label_is_a_question_of_yes_or_no() -> None:
    yes, no = (classify(picture(colour), "red", model=StubModel()) for colour in ("red", "green"))
    assert yes.is_independent and yes.ranked[0].confidence > 0.9 and no.ranked[0].confidence < 0.6
    assert yes.ranked[0].confidence > no.ranked[0].confidence
    assert any("nothing to compare" in note for note in yes.notes)
    assert yes.texts[-1].label == BACKGROUND_TITLE and yes.texts[-1].texts[0] == "a photo of a object."


def test_five_thousand_labels_work() -> None:
    labels = "\n".join(["red", *(f"word {i}" for i in range(4_999))])
    start_s = time.process_time()
    found = classify(picture("red"), labels, model=StubModel())
    assert len(found.ranked) == 5_000 and found.label == "red" and time.process_time() - start_s < 10


def test_too_many_labels_or_texts_are_one_sentence() -> None:
    with pytest.raises(InputError, match="5,001 labels; at most 5,000"):
        classify(picture("red"), "\n".join(str(i) for i in range(5_001)), model=StubModel())
    with pytest.raises(InputError, match="400,000 texts; at most 40,000"):
        classify(
            picture("red"), "\n".join(str(i) for i in range(5_000)), Options(templates="eighty"), model=StubModel()
        )


@pytest.mark.parametrize(
    "label", ["<script>alert(1)</script>", "${document.cookie}", "{{7*7}}", "🐈‍⬛", "כלב", "%s%n", "{0}"]
)
def test_odd_labels_stay_text(label: str) -> None:
    model = StubModel()
    found = classify(picture("red"), f"{label}\nred", model=model)
    assert label in {scored.label for scored in found.ranked}
    assert f"a photo of a {label}." in model.texts_seen


def test_empty_labels() -> None:
    with pytest.raises(InputError, match="no label"):
        classify(picture("red"), " \n", model=StubModel())


def test_cut_texts_are_reported() -> None:
    long = " ".join(["red"] * 90)
    found = classify(picture("red"), f"{long}\nblue", model=StubModel())
    assert any("reads 77 tokens" in note for note in found.notes)
    assert found.truncations[0].tokens == 94 and found.truncations[0].limit == 77


def test_notes_of_picture_and_labels_come_along() -> None:
    shown = Picture(solid("red"), notes=("It was turned.",))
    assert classify(shown, "red, Red, blue", model=StubModel()).notes[0] == "It was turned."
    assert any("merged" in note for note in classify(shown, "red, Red, blue", model=StubModel()).notes)


@pytest.mark.parametrize(
    "options, words",
    [
        (Options(temperature=0.0), "temperature is 0"),
        (Options(temperature=float("nan")), "temperature is nan"),
        (Options(alpha=-1.0), "weight of the examples is -1"),
        (Options(unknown_threshold=7.0), "threshold is 7"),
        (Options(method="magic"), "no method called “magic”"),  # type: ignore[arg-type]
        (Options(templates="own"), "no template"),
        (Options(templates="x"), "no templates called"),  # type: ignore[arg-type]
    ],
)
def test_wrong_options_are_one_sentence(options: Options, words: str) -> None:
    with pytest.raises(InputError, match=words):
        classify(picture("red"), "red, blue", options, model=StubModel())


# --- several at once, none at all -----------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [StubModel(), StubModel(scoring="sigmoid", logit_scale=20, logit_bias=-8)])
def test_several_labels_may_be_high(model: StubModel) -> None:
    both = Picture(halves("red", "blue"))
    found = classify(both, "red, blue, green, yellow", Options(is_multi_label=True), model=model)
    confidences = {scored.label: scored.confidence for scored in found.ranked}
    assert min(confidences["red"], confidences["blue"]) > 0.8 > 0.6 > max(confidences["green"], confidences["yellow"])
    assert found.is_independent


def test_in_multi_label_mode_other_labels_do_not_matter() -> None:
    few, many = (
        classify(picture("red"), labels, Options(is_multi_label=True), model=StubModel())
        for labels in ("red, blue", "red, blue, green, crimson, white")
    )
    assert few.ranked[0].confidence == pytest.approx(many.ranked[0].confidence)


@pytest.mark.parametrize("score, threshold", [("cosine", 0.6), ("mcm", 0.5)])
def test_none_of_these(score: str, threshold: float) -> None:
    options = Options(unknown_score=score, unknown_threshold=threshold, templates="plain")
    pictures, model = (picture("red"), picture("yellow")), StubModel()
    known, unknown = (classify(shown, "red, blue, green", options, model=model) for shown in pictures)
    assert not known.is_unknown and known.label == "red"
    assert unknown.is_unknown and unknown.label == NONE_OF_THESE == unknown.as_json()["label"]
    assert len(unknown.ranked) == 3 and unknown.unknown_value < threshold <= known.unknown_value


def test_mcm_value_is_that_of_the_formula() -> None:
    found = classify(picture("red"), "red, blue", Options(unknown_score="mcm", templates="plain"), model=StubModel())
    assert found.unknown_value == pytest.approx(1 / (1 + math.exp(0.2 - 1.0)), abs=1e-5)
    assert found.unknown_threshold is None and not found.is_unknown


def test_mcm_of_one_label_is_not_always_one() -> None:
    options = Options(unknown_score="mcm")
    values = [classify(picture(colour), "red", options, model=StubModel()).unknown_value for colour in ("red", "green")]
    assert values[0] > values[1] and values[0] < 0.9


def test_histogram_counts_the_bank_or_the_labels() -> None:
    bank = StubModel().encode_images([solid(colour) for colour in COLOURS])
    model = StubModel(calibration=Calibration(image_bank=bank))
    found = classify(picture("red"), "red, blue", model=model)
    counted = threshold_histogram(found, "red, blue", model=model)
    assert (
        counted.counts.sum() == len(COLOURS) and counted.value == found.unknown_value and "8 pictures" in counted.what
    )
    plain = threshold_histogram(found, "red, blue", model=StubModel())
    assert plain.counts.sum() == 2


# --- hubness --------------------------------------------------------------------------------------------------------


def test_a_hub_is_put_in_its_place() -> None:
    """Texts about gray lie near every picture of this model; taking off the bank's mean brings red back."""

    class Hubby(StubModel):
        def encode_images(self, images, *, job=None):
            vectors = super().encode_images(images, job=job).astype(np.float64)
            vectors[:, list(COLOURS).index("gray")] += 1.2
            return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

    bank = Hubby().encode_images([solid(colour) for colour in COLOURS])
    model = Hubby(calibration=Calibration(image_mean=bank.mean(0), image_bank=bank))
    assert classify(picture("red"), "red, gray", Options(hubness=False), model=model).label == "gray"
    assert classify(picture("red"), "red, gray", Options(hubness=True), model=model).label == "red"


def test_without_a_bank_hubness_changes_nothing() -> None:
    on, off = (classify(picture("red"), "red, blue", Options(hubness=h), model=StubModel()) for h in (True, False))
    assert on.ranked == off.ranked


# --- descriptions ---------------------------------------------------------------------------------------------------


def test_descriptors_explain_the_choice() -> None:
    own = {"fire": ("red glow", "orange flames"), "sea": ("blue waves", "white foam")}
    found = classify(picture("red"), "fire\nsea", Options(method="descriptions", descriptors=own), model=StubModel())
    assert found.label == "fire" and set(found.bars) == {"fire", "sea"}
    for scored in found.ranked:
        some = found.bars[scored.label]
        assert sum(bar.contribution for bar in some) == pytest.approx(scored.cosine, abs=1e-6)
        assert [bar.cosine for bar in some] == sorted((bar.cosine for bar in some), reverse=True)
    best = found.bars["fire"][0]
    assert (best.descriptor, best.text) == ("red glow", "a photo of a fire, which has red glow.")


def test_bundled_descriptors_are_used_and_the_unknown_label_is_plain() -> None:
    found = classify(picture("red"), "Kitten\nzorgle = red", Options(method="descriptions"), model=StubModel())
    texts = {row.label: row.texts for row in found.texts}
    assert len(texts["Kitten"]) == len(bundled()["cat"]) and texts["Kitten"][0].startswith("a photo of a Kitten, which")
    assert texts["zorgle"] == ("a photo of a zorgle.", "a photo of a red.")
    assert any("No descriptors are known for “zorgle”" in note for note in found.notes)
    assert [bar.descriptor for bar in found.bars["zorgle"]] == ["red", "zorgle"]


def test_without_descriptors_it_is_zero_shot() -> None:
    labels, none = "red, blue, green", {"red": (), "blue": (), "green": ()}
    by_name = classify(picture("red"), labels, model=StubModel())
    described = classify(picture("red"), labels, Options(method="descriptions", descriptors=none), model=StubModel())
    assert [s.label for s in described.ranked] == [s.label for s in by_name.ranked]
    assert [s.confidence for s in described.ranked] == pytest.approx([s.confidence for s in by_name.ranked])


def test_descriptors_in_seven_templates() -> None:
    own = {"fire": ("red glow", "orange flames")}
    options = Options(method="descriptions", descriptors=own, templates="seven")
    found = classify(picture("red"), "fire\nblue", options, model=StubModel())
    assert len(found.texts[0].texts) == 14 and len(found.bars["fire"]) == 2


# --- examples -------------------------------------------------------------------------------------------------------


def shots(colour: str, count: int, rng: np.random.Generator) -> list[Picture]:
    """Pictures mostly of one colour, with specks of others."""
    pictures = []
    for _ in range(count):
        rgb = solid(colour, (24, 24))
        rgb[: rng.integers(2, 8)] = COLOURS[str(rng.choice(list(COLOURS)))]
        pictures.append(Picture(rgb))
    return pictures


def by_examples(colour: str, labels: str, examples: dict[str, list[Picture]] | None) -> Classification:
    return classify(picture(colour), labels, Options(method="examples"), model=StubModel(), examples=examples)


def test_examples_teach_what_names_do_not_say(rng: np.random.Generator) -> None:
    """Made-up names mean nothing to the model; four pictures of each are enough."""
    examples = {"blorp": shots("red", 4, rng), "snerg": shots("blue", 4, rng), "quux": shots("green", 4, rng)}
    for colour, name in (("red", "blorp"), ("blue", "snerg"), ("green", "quux")):
        found = by_examples(colour, "blorp, snerg, quux", examples)
        assert found.label == name and found.alpha is not None and found.alpha > 0
        assert {scored.label for scored in found.zero_shot} == {"blorp", "snerg", "quux"}


def test_one_shot_works(rng: np.random.Generator) -> None:
    examples = {"blorp": [picture("red")], "snerg": [picture("blue")]}
    found = by_examples("blue", "", examples)
    assert found.label == "snerg"


def test_weight_zero_is_zero_shot(rng: np.random.Generator) -> None:
    examples = {"red": shots("blue", 3, rng), "blue": shots("red", 3, rng)}
    options = Options(method="examples", alpha=0.0)
    found = classify(picture("red"), "red, blue", options, model=StubModel(), examples=examples)
    assert found.ranked == found.zero_shot == classify(picture("red"), "red, blue", model=StubModel()).ranked


def test_a_class_is_added_on_the_fly(rng: np.random.Generator) -> None:
    examples = {"RED": shots("red", 2, rng), "new thing": shots("yellow", 3, rng)}
    found = by_examples("yellow", "red, blue", examples)
    assert found.label == "new thing" and {s.label for s in found.ranked} == {"red", "blue", "new thing"}
    assert any("only the name speaks for “blue”" in note for note in found.notes)


def test_histogram_knows_the_added_classes(rng: np.random.Generator) -> None:
    bank = StubModel().encode_images([solid(colour) for colour in COLOURS])
    model = StubModel(calibration=Calibration(image_bank=bank))
    for labels in ("", "blue"):
        options = Options(method="examples")
        examples = {"red": shots("red", 2, rng), "green": shots("green", 2, rng)}
        found = classify(picture("red"), labels, options, model=model, examples=examples)
        counted = threshold_histogram(found, labels, options, model=model)
        assert counted.counts.sum() == len(COLOURS) and counted.counts[-3:].sum() >= 2


def test_class_without_examples_is_still_found(rng: np.random.Generator) -> None:
    examples = {"red": shots("red", 4, rng), "green": shots("green", 4, rng)}
    found = classify(
        picture("blue"), "red, green, blue", Options(method="examples"), model=StubModel(), examples=examples
    )
    assert found.label == "blue"


def test_bad_examples_are_one_sentence(rng: np.random.Generator) -> None:
    for examples in (None, {}, {"red": []}):
        with pytest.raises(InputError, match="no example picture"):
            by_examples("red", "red, blue", examples)
    with pytest.raises(InputError, match="“red” has 17 example pictures; at most 16"):
        by_examples("red", "red, blue", {"red": [picture("red")] * 17})


def test_examples_play_no_part_in_other_methods(rng: np.random.Generator) -> None:
    with_them = classify(picture("red"), "red, blue", model=StubModel(), examples={"new": shots("red", 2, rng)})
    assert {s.label for s in with_them.ranked} == {"red", "blue"}


# --- progress and cancel --------------------------------------------------------------------------------------------


def test_stages_in_order_and_cancel() -> None:
    steps: list[Step] = []
    classify(picture("red"), "red, blue", model=StubModel(), job=Job(steps.append))
    assert [step.stage for step in steps][:2] == ["checking", "running"]

    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        classify(picture("red"), "red, blue", model=StubModel(), job=job)


def test_options_are_frozen_and_replaceable() -> None:
    assert replace(Options(), method="examples").method == "examples" and Options() == Options()
