"""From sound and queries to stems: they add up, keep rate, length and place, and say what is not heard."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import Cancelled, InputError
from core.tasks import Job, Step
from demos.separation import listening, masks
from demos.separation.listening import picture_of, resampled
from demos.separation.options import Query, SeparateOptions
from demos.separation.pipeline import listen, read_queries, render, separate
from demos.separation.queries import ask
from demos.separation.sound import Sound, from_samples
from tests.demos.separation.stub_separator import StubSeparator
from tests.stub_model import StubModel, solid

Samples = NDArray[np.float32]


def tone(hz: float, rate_hz: int, count: int) -> Samples:
    return (0.2 * np.sin(2 * np.pi * hz * np.arange(count) / rate_hz)).astype(np.float32)


def two_tones(rate_hz: int, count: int) -> tuple[Sound, Samples, Samples]:
    """300 Hz on the left, 1,200 Hz on the right."""
    low, high = tone(300, rate_hz, count), tone(1200, rate_hz, count)
    silence = np.zeros_like(low)
    low, high = np.stack([low, silence], 1), np.stack([silence, high], 1)
    return from_samples(low + high, rate_hz, "two.wav"), low, high


@pytest.fixture
def clip() -> StubModel:
    return StubModel()


@pytest.fixture
def separator(clip: StubModel) -> Any:
    return StubSeparator(clip)


@pytest.mark.parametrize("rate_hz, count", [(16_000, 33_333), (44_100, 70_001), (8_000, 9_999), (48_000, 50_000)])
def test_stems_and_rest_add_up_and_keep_rate_length_and_sides(
    clip: StubModel, separator: Any, rate_hz: int, count: int
) -> None:
    sound, low, high = two_tones(rate_hz, count)
    found = separate(sound, read_queries("red, green"), clip=clip, separator=separator)
    parts = [*found.stems, found.rest]
    assert all((p.rate_hz, p.frames, p.channels) == (rate_hz, count, 2) for p in parts)
    assert np.abs(sum(p.samples() for p in parts) - sound.samples()).max() < 1e-4
    middle = slice(rate_hz // 8, -rate_hz // 8)
    assert np.abs(found.stems[0].samples() - low)[middle].max() < 0.02
    assert np.abs(found.stems[1].samples() - high)[middle].max() < 0.02
    assert np.abs(found.stems[0].samples()[middle, 1]).max() < 0.02  # nothing of the left has moved to the right
    assert np.abs(found.rest.samples())[middle].max() < 0.03
    assert [p.is_heard for p in found.heard.presence] == [True, True]


def test_a_short_sound_of_a_tenth_of_a_second(clip: StubModel, separator: Any) -> None:
    sound = from_samples(tone(300, 8_000, 800), 8_000)
    found = separate(sound, read_queries("red"), clip=clip, separator=separator)
    assert found.stems[0].frames == 800
    assert np.abs(found.stems[0].samples() + found.rest.samples() - sound.samples()).max() < 1e-6


def test_six_channels_at_192_khz(clip: StubModel, separator: Any) -> None:
    samples = np.stack([tone(200 * (c + 1), 192_000, 40_000) for c in range(6)], 1)
    found = separate(from_samples(samples, 192_000), read_queries("red"), clip=clip, separator=separator)
    assert found.stems[0].channels == 6
    assert np.abs(found.stems[0].samples() + found.rest.samples() - samples).max() < 1e-4


def test_blocks_make_no_difference(clip: StubModel, separator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sound, _, _ = two_tones(44_100, 60_001)
    whole = separate(sound, read_queries("red"), clip=clip, separator=separator)
    monkeypatch.setattr(listening, "BLOCK_FRAMES", 7)
    heard = listen(sound, read_queries("red"), SeparateOptions(), clip=clip, separator=separator)
    assert np.array_equal(heard.picture, whole.heard.picture)
    stems, _ = masks.split(sound, heard.logits, strength=1, softness=1, above="hold", block_frames=5)
    assert np.abs(stems[0].samples() - whole.stems[0].samples()).max() < 1e-5


def test_opposite_phases_are_seen() -> None:
    wave = tone(500, 16_000, 16_000)
    together = picture_of(from_samples(np.stack([wave, -wave], 1), 16_000))
    alone = picture_of(from_samples(wave, 16_000))
    assert np.abs(together.astype(np.float32) - alone.astype(np.float32)).max() < 0.02


def test_resampling_keeps_time(clip: StubModel) -> None:
    click = np.zeros((44_100, 1), np.float32)
    click[22_050] = 1.0
    found = resampled(from_samples(click, 44_100))
    assert found.rate_hz == 16_000 and abs(found.frames - 16_000) <= 1
    assert abs(int(np.abs(found.samples()[:, 0]).argmax()) - 8_000) <= 1


def test_strength_and_softness_need_no_model(clip: StubModel, separator: Any) -> None:
    sound, _, _ = two_tones(16_000, 32_000)
    heard = listen(sound, read_queries("red"), SeparateOptions(), clip=clip, separator=separator)
    assert separator.calls == 1
    soft = render(heard, SeparateOptions(softness=4.0))
    hard = render(heard, SeparateOptions(strength=4.0, softness=4.0))
    energies = [float((s.stems[0].samples() ** 2).sum()) for s in (soft, hard)]
    assert energies[1] < energies[0]
    assert separator.calls == 1


def test_masks_of_several_queries_share_what_both_want() -> None:
    logits = np.full((2, 3, 4), 8.0, np.float16)
    found = masks.masks_of(logits, 1.0, 1.0)
    assert np.allclose(found.sum(0), 1.0) and np.allclose(found, 0.5)
    assert masks.masks_of(logits[:1], 1.0, 1.0).min() > 0.99
    assert np.allclose(masks.masks_of(np.zeros((1, 2, 2), np.float16), 2.0, 1.0), 0.25)


def test_presence_is_in_time_and_absence_is_said(clip: StubModel, separator: Any) -> None:
    wave = np.concatenate([tone(300, 16_000, 64_000), tone(1200, 16_000, 64_000)])
    found = separate(from_samples(wave, 16_000), read_queries("red, blue"), clip=clip, separator=separator)
    red, blue = found.heard.presence
    half = len(red.over_time) // 2
    assert red.over_time[: half - 2].min() > 0.8 and red.over_time[half + 3 :].max() < 0.3
    assert red.is_heard and not blue.is_heard
    assert any("“blue” is not heard here" in note for note in found.heard.notes)
    assert not any("“red”" in note for note in found.heard.notes)


def test_a_picture_is_a_query_too(clip: StubModel, separator: Any) -> None:
    sound, low, _ = two_tones(16_000, 32_000)
    query = Query("a red card", picture=solid("red"), frames=(solid("red"),))
    found = separate(sound, [query], clip=clip, separator=separator)
    assert np.abs(found.stems[0].samples() - low)[2000:-2000].max() < 0.02


def test_negative_and_nearest_label_move_the_query(clip: StubModel) -> None:
    names = clip.encode_texts(["red", "green"])
    plain = ask([Query("red green")], SeparateOptions(nearest_label=False), clip=clip, labels=()).embeddings[0]
    options = SeparateOptions(nearest_label=False, negative="green", negative_weight=1.0)
    pushed = ask([Query("red green")], options, clip=clip, labels=()).embeddings[0]
    assert np.linalg.norm(pushed) == pytest.approx(1.0, abs=1e-5)
    assert pushed @ names[1] < plain @ names[1] and pushed @ names[0] > plain @ names[0]
    leaning = ask([Query("red green")], SeparateOptions(), clip=clip, labels=("red", "blue"))
    assert leaning.nearest == ("red",) and leaning.embeddings[0] @ names[0] > plain @ names[0]
    far = ask([Query("zebra")], SeparateOptions(), clip=clip, labels=("red", "blue"))
    assert far.nearest == ("",)


def test_notes_about_what_was_asked(clip: StubModel, separator: Any) -> None:
    sound, _, _ = two_tones(16_000, 16_000)
    clip.max_tokens = 5
    queries = [Query("флейта"), Query("a very long query with many words")]
    notes = listen(sound, queries, SeparateOptions(), clip=clip, separator=separator).notes
    assert "“флейта” is not in Latin letters; stub knows English best." in notes
    assert any("only the first 5 were read" in note for note in notes)


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("", "There is no query"),
        (" \n ", "There is no query"),
        (", ,", "There is no label"),
        ("a,b,c,d,e,f,g", "7 queries"),
    ],
)
def test_queries_that_are_none(text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_queries(text)


@pytest.mark.parametrize(
    "options, sentence",
    [
        (SeparateOptions(strength=9), "The strength is 9; it must be from 0.25 to 4."),
        (SeparateOptions(softness=0), "The softness is 0; it must be from 0.05 to 4."),
        (SeparateOptions(negative_weight=3), "The weight of the negative query is 3"),
        (SeparateOptions(above="no"), "Above 8 kHz"),  # type: ignore[arg-type]
        (SeparateOptions(mode="no"), "keep or remove"),  # type: ignore[arg-type]
    ],
)
def test_options_out_of_range(clip: StubModel, separator: Any, options: SeparateOptions, sentence: str) -> None:
    sound, _, _ = two_tones(16_000, 16_000)
    with pytest.raises(InputError, match=sentence):
        separate(sound, read_queries("red"), options, clip=clip, separator=separator)


def test_progress_and_cancel(clip: StubModel, separator: Any) -> None:
    sound, _, _ = two_tones(44_100, 90_000)
    steps: list[Step] = []
    separate(sound, read_queries("red"), clip=clip, separator=separator, job=Job(steps.append))
    assert {step.stage for step in steps} == {"checking", "running"} and steps[-1].unit == "s"
    job = Job(lambda step: job.cancel() if step.note == "looking at the sound" else None)
    with pytest.raises(Cancelled):
        separate(sound, read_queries("red"), clip=clip, separator=separator, job=job)
