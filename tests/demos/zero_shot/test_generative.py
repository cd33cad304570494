"""By diffusion: what a known denoiser and a known judge make of a ranking, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.diffusion_race import ROUNDS
from core.errors import Cancelled, InputError
from core.images import Picture, read_image
from core.pool import POOL
from core.tasks import Job
from demos.zero_shot import present
from demos.zero_shot.generative import SIDE_PX, TOP, NoiseJudge, TextDenoiser, cosines_of_draws
from demos.zero_shot.options import Options
from demos.zero_shot.pipeline import classify, classify_batch, where_it_looked
from demos.zero_shot.samples import samples
from tests.stub_model import DIM, StubModel, halves, solid

LABELS = "red\ngreen\nblue\nyellow\nblack\nwhite"
PICTURE = Picture(halves("red", "blue"), "halves.png")
BY_DIFFUSION = Options(method="diffusion", hubness=False)


class Swap:
    """Denoises every picture to what it is told, whatever it shows."""

    name, encoder, logit_scale = "swap", "stub", 2_000.0

    def __init__(self, texts: np.ndarray) -> None:
        self.texts = texts
        self.asked: list[int] = []

    def denoised(
        self, pictures: np.ndarray, *, draws: int = 4, steps: int = 10, seed: int = 0, job: Job | None = None
    ) -> np.ndarray:
        self.asked.append(len(pictures))
        return np.broadcast_to(self.texts, (len(pictures), *self.texts.shape)).astype(np.float32)


class Judge:
    """An error for each word, and as much again for each sample."""

    name = "judge"

    def __init__(self, errors: dict[str, float]) -> None:
        self.errors = errors
        self.seen: list[tuple[int, bytes]] = []

    def encode_texts(self, texts: Sequence[str], *, job: Job | None = None) -> np.ndarray:
        found = [next((error for word, error in self.errors.items() if word in text), 1.0) for text in texts]
        assert all(text.startswith("a photo of a ") for text in texts)
        return np.array(found, np.float32)[:, None, None]

    def encode_picture(self, rgb: np.ndarray, side_px: int, *, job: Job | None = None) -> np.ndarray:
        return np.zeros((4, side_px // 8, side_px // 8), np.float32)

    def noise_errors(
        self, latent: np.ndarray, noise: np.ndarray, step: int, texts: np.ndarray, *, job: Job | None = None
    ) -> list[float]:
        if job is not None:
            job.check()
        assert noise.shape == latent.shape == (4, SIDE_PX // 8, SIDE_PX // 8)
        self.seen.append((step, noise.tobytes()[:64]))
        hard = float(noise[0, 0, 0])
        return [float(text) + hard + 0.001 * abs(hard) * place for place, text in enumerate(texts[:, 0, 0])]


def stub() -> StubModel:
    model = StubModel()
    model.name = "stub"
    return model


def test_the_stand_ins_are_what_they_stand_for() -> None:
    assert isinstance(Swap(np.eye(DIM)[:1]), TextDenoiser) and isinstance(Judge({}), NoiseJudge)
    assert not isinstance(Judge({}), TextDenoiser)


def test_the_text_that_a_picture_denoises_to_wins() -> None:
    model = stub()
    green = model.encode_texts(["green", "green"])
    found = classify(PICTURE, LABELS, BY_DIFFUSION, model=model, generator=Swap(green))
    assert found.label == "green" and found.method == "diffusion"
    by_name = classify(PICTURE, LABELS, Options(hubness=False), model=model)
    assert found.zero_shot == by_name.ranked and by_name.label in ("red", "blue")
    assert sum(one.confidence for one in found.ranked) == pytest.approx(1, abs=1e-5)
    assert found.curves is None and present.details(found)["curves"] is None


def test_both_ways_have_one_vote() -> None:
    model = stub()
    swap = Swap(model.encode_texts(["green"]))
    swap.logit_scale = 0.0
    halved = classify(PICTURE, LABELS, BY_DIFFUSION, model=model, generator=swap)
    by_name = classify(PICTURE, LABELS, Options(hubness=False, temperature=2.0), model=model)
    assert [one.confidence for one in halved.ranked] == pytest.approx(
        [one.confidence for one in by_name.ranked], abs=1e-5
    )


def test_draws_are_averaged() -> None:
    model = stub()
    drawn, texts = model.encode_texts(["green", "green", "black"]), model.encode_texts(["green", "black", "red"])
    found = cosines_of_draws(Swap(drawn), np.zeros((2, DIM), np.float32), texts)
    np.testing.assert_allclose(found, np.tile((drawn @ texts.T).mean(axis=0), (2, 1)), atol=1e-6)
    assert found[0].argsort().tolist() == [2, 1, 0]


def test_many_pictures_are_denoised_together() -> None:
    import io

    from PIL import Image

    model, files = stub(), []
    for colour in ("red", "blue"):
        buffer = io.BytesIO()
        Image.fromarray(solid(colour)).save(buffer, "PNG")
        files.append((f"{colour}.png", buffer.getvalue()))
    swap = Swap(model.encode_texts(["green"]))
    table = classify_batch(files, LABELS, BY_DIFFUSION, model=model, generator=swap)
    assert [row.label for row in table.rows] == ["green", "green"] and swap.asked == [2]
    with pytest.raises(InputError, match="judge takes minutes a picture"):
        classify_batch(files, LABELS, BY_DIFFUSION, model=model, generator=Judge({}))


def test_a_judge_ranks_the_best_labels_anew_with_one_noise_for_all() -> None:
    model, judge = stub(), Judge({"red": 0.5, "blue": 0.2, "green": 0.3})
    by_name = classify(PICTURE, LABELS, Options(hubness=False), model=model)
    found = classify(PICTURE, LABELS, BY_DIFFUSION, model=model, generator=judge)
    assert found.label == "blue" and found.zero_shot == by_name.ranked
    assert found.ranked[TOP:] == by_name.ranked[TOP:]
    assert sum(one.confidence for one in found.ranked) == pytest.approx(1, abs=1e-5)
    confidences = [one.confidence for one in found.ranked[:TOP]]
    assert confidences == sorted(confidences, reverse=True)
    assert {one.label for one in found.ranked[:TOP]} == {one.label for one in by_name.ranked[:TOP]}
    assert len(set(judge.seen)) == len(judge.seen) == ROUNDS[-1].samples
    assert "judge ranked the best 5 labels" in found.notes[-1]


def test_error_curves_are_paired_and_end_where_a_label_left() -> None:
    found = classify(
        PICTURE, LABELS, BY_DIFFUSION, model=stub(), generator=Judge({"red": 0.5, "blue": 0.2, "green": 0.3})
    )
    curves = found.curves
    assert curves is not None and curves.labels[0] == "blue" and curves.confidence > 0.9
    assert list(curves.steps) == sorted(curves.steps) and len(curves.steps) == ROUNDS[-1].samples
    assert None not in curves.errors[0] and curves.errors[-1].count(None) == ROUNDS[-1].samples - ROUNDS[0].samples
    shown = present.details(found)["curves"]
    assert set(shown["rows"][0]["above"]) == {0.0}
    place = curves.labels.index("green")
    assert shown["rows"][place]["gap"] == pytest.approx(0.1, abs=0.01)
    assert all(error is None or error == pytest.approx(0.1, abs=0.02) for error in shown["rows"][place]["above"])


def test_what_does_not_fit_is_a_sentence() -> None:
    model = stub()
    with pytest.raises(InputError, match="needs a diffusion model"):
        classify(PICTURE, LABELS, BY_DIFFUSION, model=model)
    other = Swap(model.encode_texts(["red"]))
    other.encoder = "pocket-clip"
    with pytest.raises(InputError, match="reads embeddings of pocket-clip, the model is stub"):
        classify(PICTURE, LABELS, BY_DIFFUSION, model=model, generator=other)


def test_labels_compete_and_one_label_alone_is_scored_by_name() -> None:
    model = stub()
    swap = Swap(model.encode_texts(["green"]))
    many = classify(PICTURE, LABELS, replace(BY_DIFFUSION, is_multi_label=True), model=model, generator=swap)
    assert not many.is_independent and any("With diffusion the labels compete" in note for note in many.notes)
    one = classify(PICTURE, "red", BY_DIFFUSION, model=model, generator=swap)
    assert one.is_independent and len(one.ranked) == 1


def test_the_map_does_without_the_generator() -> None:
    assert where_it_looked(PICTURE, "red", LABELS, BY_DIFFUSION, model=stub()).shape == PICTURE.rgb.shape[:2]


def test_cancel_is_heard_between_texts() -> None:
    calls = []

    def report(step: object) -> None:
        calls.append(step)
        if len(calls) == 6:
            job.cancel()

    job = Job(report)  # type: ignore[arg-type]
    with pytest.raises(Cancelled):
        classify(PICTURE, LABELS, BY_DIFFUSION, model=stub(), generator=Judge({}), job=job)


def test_the_bundled_models_answer_together() -> None:
    torch.set_num_threads(1)
    sample = samples()[0]
    options = Options(method="diffusion")
    with POOL.use("pocket-clip") as model, POOL.use("pocket-diffdis") as generator:
        found = classify(read_image(sample.path), sample.labels, options, model=model, generator=generator)
        again = classify(read_image(sample.path), sample.labels, options, model=model, generator=generator)
    assert found.label == found.zero_shot[0].label and found.ranked == again.ranked
    assert [one.confidence for one in found.ranked] != [one.confidence for one in found.zero_shot]
