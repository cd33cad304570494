"""A direction of one's own: what it says, what is taken out of it, and a network that follows it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

from core import light_net
from core.errors import Cancelled, InputError
from core.light_fit import FitOptions, LightFit
from core.light_guide import Guide, load_guide
from core.light_losses import Residual, residual_loss
from core.pool import POOL
from core.tasks import Job, Step
from demos.enhancement import direction as directions
from demos.enhancement.direction import (
    aimed,
    direction_of_phrases,
    direction_of_pictures,
    train_light,
    without,
)
from demos.enhancement.light_score import BACKLIT, WELL_LIT
from tests.demos.enhancement.stubs import StubClip

WORDS = ("bright", "dark", "good day", "night", "cave", "well")


def pictures(low: int, high: int, count: int = 4, seed: int = 0) -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(seed)
    return [rng.integers(low, high, (40, 50, 3), dtype=np.uint8) for _ in range(count)]


def test_pictures_give_a_direction_and_its_words() -> None:
    found = direction_of_pictures(pictures(150, 250), pictures(0, 60), WORDS, clip=StubClip())
    bright, dark = (found.residual.score(rows).mean() for rows in (found.positive, found.negative))
    assert abs(bright) < 1e-3 and dark < -0.3
    assert {word.word for word in found.toward} == {"bright", "good day", "well"}
    assert {word.word for word in found.away} == {"dark", "night", "cave"}
    assert found.gap > 0.1


def test_phrases_give_a_direction_and_a_reach() -> None:
    clip = StubClip()
    found = direction_of_phrases("a well lit photo", "a dark photo", WORDS, clip=clip)
    rows = clip.encode_images(pictures(20, 80))
    near, far = aimed(found, rows, 0.0), aimed(found, rows, 1.0)
    assert near.residual.score(rows).mean() == pytest.approx(0, abs=1e-5)
    assert far.residual.score(rows).mean() < -0.1


def test_words_are_taken_out() -> None:
    clip = StubClip()
    found = direction_of_pictures(pictures(150, 250), pictures(100, 200), WORDS, clip=clip)
    with pytest.raises(InputError, match="not among the words"):
        without(found, ["spaceship"], clip=clip)
    assert without(found, [], clip=clip) is found
    shorter = without(found, ["bright"], clip=clip)
    assert shorter.removed == ("bright",)
    assert abs(float(clip.encode_texts(["bright"])[0] @ shorter.residual.vector)) < 1e-5
    assert shorter.toward == found.toward
    anew = without(found, ["bright"], WORDS, clip=clip)
    assert "bright" not in {word.word for word in (*anew.toward, *anew.away)}
    assert anew.residual.threshold == shorter.residual.threshold


def test_groups_that_cannot_be_used_are_refused() -> None:
    clip, some = StubClip(), pictures(0, 90)
    with pytest.raises(InputError, match="should look like has 1 picture; it must have from 2"):
        direction_of_pictures(some[:1], some, WORDS, clip=clip)
    with pytest.raises(InputError, match="look alike"):
        direction_of_pictures(some, some, WORDS, clip=clip)
    with pytest.raises(InputError, match="under “From” is empty"):
        direction_of_phrases("light", " ", WORDS, clip=clip)
    with pytest.raises(InputError, match="look alike"):
        direction_of_phrases("well lit", "well lit", WORDS, clip=clip)


@pytest.fixture(scope="module")
def guide() -> Iterator[Guide]:
    torch.set_num_threads(1)
    yield load_guide("pocket-clip")


def test_the_guide_embeds_as_the_encoder_does(guide: Guide) -> None:
    rgb = pictures(0, 255, 1)[0][:40, :40].repeat(2, 0).repeat(2, 1)
    with torch.no_grad():
        ours, levels = guide.look(torch.from_numpy(rgb.astype(np.float32) / 255).permute(2, 0, 1)[None])
    with POOL.use("pocket-clip") as clip:
        theirs = clip.encode_images([rgb])
    assert rgb.shape[:2] == (guide.side_px, guide.side_px)
    assert float(ours.numpy()[0] @ theirs[0]) > 0.9999
    assert len(levels) == 4


def test_learnt_prompts_start_as_a_text(guide: Guide) -> None:
    read = guide.read_prompts(guide.start_prompts(2))
    with POOL.use("pocket-clip") as clip:
        text = clip.encode_texts([" ".join(["X"] * 16)])[0]
    assert float(read[0].detach().numpy() @ text) > 0.999


def test_a_network_learns_to_follow_a_direction(guide: Guide) -> None:
    ramp = np.linspace(10, 60, 50)[None, :, None] * np.linspace(0.5, 1, 40)[:, None, None]
    dark = [np.repeat(ramp, 3, axis=2).astype(np.uint8)] * 2
    with POOL.use("pocket-clip") as clip:
        found = direction_of_phrases(WELL_LIT[1], BACKLIT[1], ("sun", "cave"), clip=clip)
        found = aimed(found, clip.encode_images(dark), 0.5)
    made = train_light(found, dark, guide=guide, steps=24)
    assert made.steps == len(made.guidance) == 24
    assert sum(value.numel() for value in made.net.parameters()) == light_net.PARAMETERS
    pixels = torch.from_numpy(dark[0].astype(np.float32) / 255).permute(2, 0, 1)[None]
    vector, threshold = torch.from_numpy(found.residual.vector), found.residual.threshold
    untaught = light_net.build()
    light_net.start_as_identity(untaught)
    losses = []
    small = functional.interpolate(pixels, (24, 24), mode="area")
    for net in (untaught, made.net):
        with torch.no_grad():
            light = functional.interpolate(net(small), pixels.shape[-2:], mode="bilinear")
            rows, _ = guide.look(light_net.divided(pixels, light.clamp_min(light_net.LEAST_MAP)))
        losses.append(float(residual_loss(rows, vector, threshold)))
    assert losses[1] < losses[0]


def test_a_network_that_lifts_goes_on_from_what_it_makes(guide: Guide, monkeypatch: pytest.MonkeyPatch) -> None:
    dark = [np.full((30, 40, 3), level, np.uint8) for level in (20, 60)]
    vector = np.zeros(guide.dim, np.float32)
    vector[0] = 1
    found = direction_of_phrases("a well lit photo", "a dark photo", WORDS, clip=StubClip())
    found = directions.replace(found, encoder=guide.name, residual=Residual(vector, 0.1))
    with POOL.use("pocket-light") as light:
        starts = [light.copy_of("rave") for _ in range(3)]
    monkeypatch.setattr(directions, "KEPT_SHARE", 1.0)
    whole = train_light(found, dark, guide=guide, start=starts[0], steps=10).net
    monkeypatch.setattr(directions, "KEPT_SHARE", 0.5)
    half = train_light(found, dark, guide=guide, start=starts[1], steps=10).net
    for before, between, after in zip(starts[2].parameters(), half.parameters(), whole.parameters(), strict=True):
        assert torch.allclose(between, (before + after) / 2, atol=1e-6)
    assert any(not torch.equal(a, b) for a, b in zip(starts[2].parameters(), whole.parameters(), strict=True))


def test_identity_is_asked_against_the_likeness(guide: Guide) -> None:
    picture = np.full((1, 3, 80, 80), 0.1, np.float32)
    picture[..., 40:] = 0.3
    vector = np.zeros(guide.dim, np.float32)
    vector[0] = 1
    found = []
    for has_likeness in (False, True):
        with POOL.use("pocket-light") as light:
            net, likeness = light.copy_of("rave"), light.copy_of("rave") if has_likeness else None
        fit = LightFit(guide, FitOptions(), residual=Residual(vector, 0.1), net=net, likeness=likeness)
        found.append(fit.advance(picture)["identity"])
    assert found[0] > 1e-3 and found[1] == pytest.approx(0, abs=1e-9)


def test_dark_pictures_are_taught_on_where_there_are_some() -> None:
    dark, bright = np.full((4, 4, 3), 50, np.uint8), np.full((4, 4, 3), 200, np.uint8)
    assert len(directions.lacking_light([dark, bright, dark])) == 2
    assert len(directions.lacking_light([dark, bright, bright])) == 3


def test_torch_has_its_threads_back_after_a_training(guide: Guide) -> None:
    torch.set_num_threads(2)
    seen: list[int] = []
    found = directions.replace(
        direction_of_phrases("a well lit photo", "a dark photo", WORDS, clip=StubClip()), encoder=guide.name
    )

    def leave_at_the_second_step(step: Step) -> None:
        seen.append(torch.get_num_threads())
        if step.done == 1:
            job.cancel()

    job = Job(report=leave_at_the_second_step)
    vector = np.zeros(guide.dim, np.float32)
    vector[0] = 1
    found = directions.replace(found, residual=Residual(vector, 0.1))
    with pytest.raises(Cancelled):
        train_light(found, pictures(5, 60), guide=guide, steps=10, job=job)
    assert seen == [1, 1] and torch.get_num_threads() == 2
    torch.set_num_threads(1)


def test_training_hears_cancel_and_checks_its_input(guide: Guide) -> None:
    dark = pictures(5, 60)
    found = direction_of_phrases("a well lit photo", "a dark photo", WORDS, clip=StubClip())
    with pytest.raises(ValueError, match="direction is one of stub-clip"):
        train_light(found, dark, guide=guide)
    found = directions.replace(found, encoder=guide.name)
    with pytest.raises(InputError, match="number of steps is 3"):
        train_light(found, dark, guide=guide, steps=3)
    with pytest.raises(InputError, match="only 1 picture; give at least 2"):
        train_light(found, dark[:1], guide=guide)
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        train_light(found, dark, guide=guide, steps=10, job=job)
