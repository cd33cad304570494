"""Latent diffusion by its parts: errors against a twin written out, edits against diffusers' own pipeline."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import EulerAncestralDiscreteScheduler, StableDiffusionInstructPix2PixPipeline
from PIL import Image

from core import catalog
from core.diffusion_latent import LatentDiffusion, load
from core.errors import Cancelled, ModelUnavailable
from core.tasks import Job, Step
from tests import tiny_diffusion

ROW = replace(catalog.spec("bk-sdm-tiny"), name="tiny", title="Tiny Diffusion")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return tiny_diffusion.save(tmp_path_factory.mktemp("draws") / "tiny")


@pytest.fixture(scope="module")
def model(folder: Path) -> LatentDiffusion:
    return load(folder, ROW)


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> LatentDiffusion:
    return load(tiny_diffusion.save(tmp_path_factory.mktemp("edits") / "tiny", edits=True), ROW)


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
def test_errors_are_those_of_the_formula(model: LatentDiffusion, kind: str) -> None:
    parts = model._parts
    parts.scheduler.register_to_config(prediction_type=kind)
    latent = model.encode_picture(picture(96, 64), 64)
    texts = model.encode_texts(["a photo of a cat", "dog", "bird"])
    assert latent.shape == (4, 8, 8) and texts.shape == (3, 77, 16)
    noise = np.random.default_rng(1).standard_normal(latent.shape).astype(np.float32)
    z, eps = torch.from_numpy(latent)[None], torch.from_numpy(noise)[None]
    step = torch.tensor([321])
    noisy = parts.scheduler.add_noise(z, eps, step)
    target = eps if kind == "epsilon" else parts.scheduler.get_velocity(z, eps, step)
    expected = []
    for text in texts:
        with torch.no_grad():
            seen = parts.unet(noisy, step, encoder_hidden_states=torch.from_numpy(text)[None]).sample
        expected.append(float(((seen - target) ** 2).mean()))
    found = model.noise_errors(latent, noise, 321, texts)
    assert found == pytest.approx(expected, rel=1e-4)
    assert len(set(found)) == 3
    assert model.noise_errors(latent, noise, 321, texts[[2, 0]]) == pytest.approx([found[2], found[0]], rel=1e-4)
    parts.scheduler.register_to_config(prediction_type="epsilon")


def test_a_picture_is_seen_by_its_middle_square(model: LatentDiffusion) -> None:
    rgb = picture(64, 128)
    assert np.array_equal(model.encode_picture(rgb, 64), model.encode_picture(rgb[:, 32:96], 64))
    with pytest.raises(ValueError, match="100 px, not a multiple of 64"):
        model.encode_picture(rgb, 100)


def test_edits_are_those_of_the_pipeline(editor: LatentDiffusion) -> None:
    parts, rgb = editor._parts, picture(64, 128)
    assert editor.edits
    pipeline: Any = StableDiffusionInstructPix2PixPipeline(
        vae=parts.vae, text_encoder=parts.text, tokenizer=parts.tokenizer, unet=parts.unet,
        scheduler=EulerAncestralDiscreteScheduler.from_config(parts.scheduler.config), safety_checker=None,
        feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    theirs = pipeline(
        "a photo of a cat", image=Image.fromarray(rgb), num_inference_steps=4, guidance_scale=7.5,
        image_guidance_scale=1.5, generator=torch.Generator("cpu").manual_seed(5), output_type="np",
    ).images[0]  # fmt: skip
    ours = editor.edited(rgb, "a photo of a cat", steps=4, seed=5)
    assert ours.shape == rgb.shape
    assert np.abs(ours / 255 - theirs).max() < 1.5 / 255


def test_edits_tell_their_steps_and_hear_cancel(editor: LatentDiffusion, model: LatentDiffusion) -> None:
    told: list[Step] = []
    editor.edited(picture(64, 64), "a cat", steps=3, job=Job(told.append))
    assert [(step.done, step.total) for step in told] == [(0, 3), (1, 3), (2, 3)]
    job = Job(lambda step: job.cancel() if step.done == 1 else None)
    with pytest.raises(Cancelled):
        editor.edited(picture(64, 64), "a cat", steps=3, job=job)
    with pytest.raises(ModelUnavailable, match="draws from words only"):
        model.edited(picture(64, 64), "a cat")
    with pytest.raises(ValueError, match="no multiples of 64"):
        editor.edited(picture(64, 70), "a cat")


def test_a_damaged_folder_is_a_sentence(folder: Path, tmp_path: Path) -> None:
    for part, content in (("unet/diffusion_pytorch_model.safetensors", b"no"), ("vae/config.json", b"{")):
        broken = tmp_path / part.split("/", maxsplit=1)[0]
        shutil.copytree(folder, broken)
        (broken / part).write_bytes(content)
        with pytest.raises(ModelUnavailable, match="Tiny Diffusion could not be loaded"):
            load(broken, ROW)
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        load(folder, ROW, job=job)


def test_parts_of_two_checkpoints_are_refused(tmp_path: Path) -> None:
    wide = tiny_diffusion.save(tmp_path / "wide", unet={**tiny_diffusion.TINY_UNET, "cross_attention_dim": 24})
    with pytest.raises(ModelUnavailable, match="reads texts of width 24, its text encoder writes 16"):
        load(wide, ROW)
