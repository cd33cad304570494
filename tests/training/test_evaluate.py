"""The figures that the cards hold: intervals, ranks, calibration error, ROC area, peaks, and the split of the emoji."""

from __future__ import annotations

import functools
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training import evaluate
from training.pocket_clip import bank, calibrate, emoji_groups, scores, scores_emoji, scores_photos, scores_toybox
from training.pocket_clip.pictures import emoji_key
from training.pocket_clip.ranking import (
    area_interval,
    area_under_roc,
    expected_calibration_error,
    peak_uv,
    random_candidates,
    ranks,
)
from training.pocket_clip.trials import Trials
from training.score import Score, mean, share, wilson


@pytest.mark.parametrize(
    ("p", "n", "low", "high"),
    [(0.5, 100, 0.4038, 0.5962), (0.0, 10, 0.0, 0.2775), (1.0, 10, 0.7225, 1.0), (0.15, 20, 0.0524, 0.3604)],
)
def test_wilson_against_published_values(p: float, n: int, low: float, high: float) -> None:
    assert wilson(p, n) == pytest.approx((low, high), abs=1e-4)


@settings(deadline=None)
@given(hits=st.integers(0, 200), n=st.integers(1, 200))
def test_wilson_holds_the_share_and_is_symmetric(hits: int, n: int) -> None:
    p = min(hits, n) / n
    low, high = wilson(p, n)
    assert 0 <= low <= p <= high <= 1
    assert wilson(1 - p, n) == pytest.approx((1 - high, 1 - low))


@pytest.mark.parametrize(("p", "n"), [(0.5, 0), (1.2, 5), (float("nan"), 5)])
def test_wilson_refuses_what_is_no_share(p: float, n: int) -> None:
    with pytest.raises(ValueError, match="no interval"):
        wilson(p, n)


def test_share_counts_in_percent() -> None:
    score = share("a", "b", np.array([True, True, True, False]), 50, 90, disjoint="c")
    assert (score.value, score.n, score.bar, score.aim, score.disjoint) == (75.0, 4, 50, 90, "c")
    assert score.low < 75 < score.high


def test_mean_has_the_interval_of_its_standard_error() -> None:
    values = np.array([0.0, 1.0] * 50)
    score = mean("a", "b", values)
    assert (score.value, score.n) == (0.5, 100)
    assert score.high - score.value == pytest.approx(1.96 * 0.5 / 10, abs=1e-4)


def test_ranks_of_right_answers() -> None:
    similarities = np.array([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0], [0.0, 0.0, 5.0]])
    assert ranks(similarities, np.array([0, 2, 1])).tolist() == [0, 2, 1]


def test_random_candidates_are_all_others_when_there_are_no_more() -> None:
    similarities = np.array([[3.0, 2.0, 1.0], [1.0, 2.0, 3.0]])
    assert random_candidates(similarities, np.array([0, 1]), 3).tolist() == [1.0, 0.0]


def test_random_candidates_leave_out_what_may_be_true_as_well() -> None:
    similarities = np.array([[1.0, 9.0, 0.0]])
    may_both = np.array([[True, True, False], [True, True, False], [False, False, True]])
    assert random_candidates(similarities, np.array([0]), 2, may_both=may_both).tolist() == [1.0]
    assert 0 < random_candidates(similarities, np.array([0]), 2, draws=100)[0] < 1


def test_a_perfect_model_has_no_calibration_error() -> None:
    assert expected_calibration_error(np.ones(50), np.ones(50, bool)) == 0


def test_a_model_that_is_sure_and_wrong_is_off_by_its_confidence() -> None:
    assert expected_calibration_error(np.full(50, 0.95), np.zeros(50, bool)) == pytest.approx(0.95)


def test_a_model_that_says_70_percent_and_is_right_in_70_percent_is_calibrated() -> None:
    assert expected_calibration_error(np.full(10, 0.7), np.arange(10) < 7) == pytest.approx(0)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=20), st.lists(st.integers(0, 5), min_size=1, max_size=20))
def test_area_under_roc_against_all_pairs(known: list[int], unknown: list[int]) -> None:
    pairs = [(k > u) + 0.5 * (k == u) for k in known for u in unknown]
    assert area_under_roc(np.array(known, float), np.array(unknown, float)) == pytest.approx(np.mean(pairs))


def test_area_interval_holds_the_area_and_narrows() -> None:
    few, many = area_interval(0.8, 20, 20), area_interval(0.8, 2000, 2000)
    assert few[0] < many[0] < 0.8 < many[1] < few[1]
    assert area_interval(1.0, 20, 20) == (1.0, 1.0)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (2, 5), (7, 7), (4, 1)])
def test_a_planted_peak_is_found_in_its_cell(row: int, column: int) -> None:
    cells = np.random.default_rng(0).normal(0, 0.05, (8, 8))
    cells[row, column] = 1
    x, y = peak_uv(cells, 192, 192)
    assert (y * 8 // 192, x * 8 // 192) == (row, column)


def test_a_peak_in_a_wide_picture_keeps_its_axes() -> None:
    cells = np.zeros((4, 8))
    cells[3, 6] = 1
    x, y = peak_uv(cells, 320, 160)
    assert (x // 40, y // 40) == (6, 3)


def test_only_objects_that_a_name_singles_out_are_asked_for() -> None:
    instances = np.zeros((64, 64), np.uint8)
    instances[:16, :16], instances[:16, 32:48], instances[32:48, :16], instances[60:62, 60:62] = 1, 2, 3, 4
    things = [("mug", "red"), ("mug", "blue"), ("mug", "red"), ("car", "green")]
    objects = [{"id": i + 1, "class": kind, "colour": colour} for i, (kind, colour) in enumerate(things)]
    (query,) = scores_toybox.queries_of(instances, objects)  # the red mugs are two, the car is too small
    assert query.text == "a blue mug" and query.mask.sum() == 256 and query.mask[0, 32]


def write_scenes(folder: Path) -> None:
    """One shard of four two-object scenes and one of three objects."""
    rows = [["a red mug and a blue car", "a red mug left of a blue car", "a blue car right of a red mug"]] * 4
    metas = [{"captions": captions, "objects": [{"id": 1}, {"id": 2}]} for captions in rows]
    metas.append({"captions": rows[0], "objects": [{"id": 1}, {"id": 2}, {"id": 3}]})
    rgb = np.zeros((5, 8, 8, 3), np.uint8)
    meta = np.array([json.dumps(row) for row in metas])
    np.savez(folder / "toybox_scene6_held_out_8_0000000.npz", rgb=rgb, instances=rgb[..., 0], meta=meta)


def test_relation_trials_take_both_words_in_turn_and_mirror_them(tmp_path: Path) -> None:
    (tmp_path / "toys").mkdir()
    write_scenes(tmp_path / "toys")
    pictures, right, wrong = scores_toybox.relation_trials(tmp_path)
    assert len(pictures) == 4
    assert right == ["a red mug left of a blue car", "a blue car right of a red mug"] * 2
    assert wrong == ["a red mug right of a blue car", "a blue car left of a red mug"] * 2


def test_a_missing_set_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="toybox_scene"):
        scores_toybox.relation_trials(tmp_path)


def test_the_share_that_synonyms_keep() -> None:
    by_name, by_synonym = np.array([1.0, 1.0, 1.0, 0.0] * 100), np.array([1.0, 0.5, 0.0, 0.0] * 100)
    score = scores_photos.kept_share(by_name, by_synonym)
    assert score.value == 50.0 and score.low < 50 < score.high and score.n == 400
    assert scores_photos.kept_share(by_name, by_name).value == 100.0


def test_emoji_stand_on_white() -> None:
    pictures = np.zeros((1, 1, 3, 4), np.uint8)
    pictures[0, 0, :, 0], pictures[0, 0, :, 3] = 200, (255, 0, 51)
    assert scores_emoji.on_white(pictures)[0, 0].tolist() == [[200, 0, 0], [255] * 3, [244, 204, 204]]


def test_held_out_emoji_are_whole_subgroups_and_in_no_bank() -> None:
    listed = [emoji for row in emoji_groups.HELD_OUT_SUBGROUPS.values() for emoji in row.split()]
    assert len(listed) == len(set(listed)) == len(emoji_groups.HELD_OUT_EMOJI) == 150
    for emoji in ("🦋", "🎸", "✈️", "⚽"):
        assert bank.is_held_out(f"emoji/{emoji_key(emoji)}")
    assert not bank.is_held_out(f"emoji/{emoji_key('🐕')}")


@pytest.mark.parametrize(
    ("recipes", "expected"),
    [([], False), ([{}], False), ([{"holds_out_emoji": True}], True), ([{"holds_out_emoji": True}, {}], False)],
)
def test_groups_count_as_unseen_only_if_every_run_held_them_out(
    tmp_path: Path, recipes: list[dict], expected: bool
) -> None:
    (tmp_path / "card.json").write_text(json.dumps({"training": {"recipes": recipes}}))
    assert scores_emoji.groups_are_unseen(tmp_path) == expected


def test_groups_that_were_shown_have_no_bar() -> None:
    won, is_new = np.ones(4), np.array([True, False, True, True])
    clean, _ = scores_emoji.unseen_scores("flat", won, is_new, is_unseen=True)
    shown, anywhere = scores_emoji.unseen_scores("flat", won, is_new, is_unseen=False)
    assert (clean.bar, shown.bar) == (55, None) and "never trained" in clean.what and "meant" in shown.what
    assert (shown.n, anywhere.n) == (4, 3)


def made_trials(count: int, strength: float) -> Trials:
    """Ten texts of which some like every picture; the right one has 0.3 more than its liking."""
    rng = np.random.default_rng(0)
    hub = rng.normal(0, 0.3, (count, 10))
    raw = hub + rng.normal(0, 0.1, hub.shape)
    raw[:, 0] += 0.3
    return Trials(raw, hub, strength)


def test_calibration_takes_off_the_liking_that_was_planted() -> None:
    figures = calibrate.fit(made_trials(600, 0.0), scale=20.0)
    assert figures["hubness_strength"] >= 0.8
    assert figures["accuracy_10way"] > figures["accuracy_10way_without_hubness_correction"] + 0.1
    assert figures["ece"] < 0.08  # 300 trials in ten bins leave about 0.05 of noise
    assert figures["unknown_auroc"] > 0.8


def test_calibration_leaves_alone_what_needs_nothing() -> None:
    trials = made_trials(600, 0.0)
    plain = Trials(trials.raw - trials.hub, np.random.default_rng(1).normal(0, 0.3, trials.hub.shape))
    assert calibrate.fit(plain, scale=20.0)["hubness_strength"] == 0


def test_temperature_of_chances_that_are_true_already_is_one() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 5))
    chances = np.exp(calibrate.log_softmax(logits)).cumsum(1)
    right = (rng.random(len(logits))[:, None] > chances).sum(1).clip(max=4)
    own = logits[np.arange(len(logits)), right]
    logits[np.arange(len(logits)), right] = logits[:, 0]
    logits[:, 0] = own
    temperature, _ = calibrate.fit_temperature(logits / 10, 10.0)
    assert temperature == pytest.approx(1, abs=0.1)


def test_every_model_that_can_be_measured_is_dispatched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    class Module:
        @staticmethod
        def rows(folder: Path, data: Path, raw: Path, **extra: object) -> list[Score]:
            asked.append((folder, data, raw, extra))
            return [Score("a", "b", 1.0, 2, 0.5, 1.5)]

    monkeypatch.setattr(evaluate.importlib, "import_module", lambda name: asked.append(name) or Module)
    for model, module in evaluate.MODELS.items():
        asked.clear()
        (score,) = evaluate.measure(model, tmp_path, tmp_path / "data", tmp_path / "raw")
        assert asked == [module, (tmp_path, tmp_path / "data", tmp_path / "raw", {})] and score.value == 1.0


def test_scores_are_written_into_the_card_and_nothing_else_is(tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text(json.dumps({"name": "x", "scores": [1]}))
    score = Score("a", "b", 1.0, 2, 0.5, 1.5, at_most=True)
    evaluate.write_into_card([score], tmp_path)
    assert json.loads((tmp_path / "card.json").read_text()) == {"name": "x", "scores": [asdict(score)]}


def test_a_line_says_value_interval_sample_and_bar() -> None:
    text = evaluate.line(Score("a", "milliseconds", 15.0, 20, 14.0, 21.0, 150, at_most=True))
    assert "15" in text and "[14, 21]" in text and "n=   20" in text and "(bar at most 150)" in text


def test_a_measurement_that_was_cut_off_goes_on_with_the_same_checkpoint_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, keep, called = tmp_path / "model", tmp_path / "kept.json", []
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights")

    def part(name: str) -> list[Score]:
        called.append(name)
        if name == "b" and called.count("b") == 1:
            raise KeyboardInterrupt
        return [Score(name, name, 1.0, 2, 0.5, 1.5)]

    parts = {name: functools.partial(part, name) for name in "ab"}
    monkeypatch.setattr(scores, "Packed", lambda folder: None)
    monkeypatch.setattr(scores, "parts_of", lambda *args: parts)
    with pytest.raises(KeyboardInterrupt):
        scores.rows(folder, tmp_path, tmp_path, keep=keep)
    found = scores.rows(folder, tmp_path, tmp_path, keep=keep)
    assert [score.name for score in found] == ["a", "b"] and called == ["a", "b", "b"]
    (folder / "card.json").write_text("{}")
    scores.rows(folder, tmp_path, tmp_path, keep=keep)
    assert called == ["a", "b", "b"]
    (folder / "model.safetensors").write_bytes(b"others")
    scores.rows(folder, tmp_path, tmp_path, ["a"], keep)
    assert called == ["a", "b", "b", "a"]
    with pytest.raises(ValueError, match="no part c; there are a, b"):
        scores.rows(folder, tmp_path, tmp_path, ["c"])
