"""The diffusion over texts: an oracle that knows the answer, DDIM against its formula, shared noise, folders."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from core import catalog
from core.diffusion_text import BATCH, TextDiffusion, build, ddim, load
from core.errors import Cancelled, ModelUnavailable
from core.tasks import Job, Step

DIM = 12
ROW = replace(catalog.spec("pocket-clip"), name="tiny-text", title="Tiny Text", task="text-diffusion")


class Oracle(torch.nn.Module):
    """Knows the clean text of a picture: the picture's coordinates turned round."""

    def __init__(self) -> None:
        super().__init__()
        self.last = torch.nn.Linear(1, DIM)
        self.steps: list[int] = []

    def forward(self, noisy: torch.Tensor, steps: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
        assert len(set(steps.tolist())) == 1 and len(noisy) == len(pictures)
        self.steps.append(int(steps[0]))
        return pictures.flip(1) * DIM**0.5


def pictures(count: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def model(net: Any | None = None) -> TextDiffusion:
    torch.manual_seed(0)
    return TextDiffusion("tiny-text", net or build(DIM, 16).eval(), encoder="stub", logit_scale=10.0)


def test_who_knows_the_answer_draws_it_from_any_noise() -> None:
    oracle, given = Oracle(), pictures(3)
    drawn = model(oracle).denoised(given, draws=5, steps=7)
    assert drawn.shape == (3, 5, DIM)
    np.testing.assert_allclose(drawn, np.repeat(given[:, None, ::-1], 5, axis=1), atol=1e-5)
    assert len(oracle.steps) == 7 and oracle.steps == sorted(oracle.steps, reverse=True)


def test_a_step_of_ddim_is_the_formula() -> None:
    scheduler = ddim(5)
    state, clean = torch.randn(2, DIM, generator=torch.Generator().manual_seed(0)), torch.ones(2, DIM)
    step, following = scheduler.timesteps[1], scheduler.timesteps[2]
    kept, next_kept = scheduler.alphas_cumprod[step], scheduler.alphas_cumprod[following]
    noise = (state - kept.sqrt() * clean) / (1 - kept).sqrt()
    expected = next_kept.sqrt() * clean + (1 - next_kept).sqrt() * noise
    torch.testing.assert_close(scheduler.step(clean, step, state).prev_sample, expected)


def test_batches_and_order_do_not_matter_and_noise_is_shared() -> None:
    given = pictures(BATCH + 3)
    whole = model().denoised(given, draws=2, steps=3)
    np.testing.assert_allclose(model().denoised(given[-2:], draws=2, steps=3), whole[-2:], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(whole, axis=-1), 1, atol=1e-5)
    assert np.array_equal(model().denoised(given[:1], seed=1), model().denoised(given[:1], seed=1))
    assert not np.array_equal(model().denoised(given[:1], seed=1), model().denoised(given[:1], seed=2))


def test_progress_cancel_and_wrong_lengths() -> None:
    told: list[Step] = []
    model().denoised(pictures(BATCH + 1), draws=1, steps=1, job=Job(told.append))
    assert [(step.done, step.total) for step in told] == [(0, BATCH + 1), (BATCH, BATCH + 1)]
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        model().denoised(pictures(1), job=job)
    with pytest.raises(ValueError, match=r"pictures are \(N, 12\)"):
        model().denoised(pictures(1)[:, :5])


def test_a_folder_is_read_and_a_broken_one_is_a_sentence(tmp_path: Path) -> None:
    net = build(DIM, 16)
    save_file({name: value.half() for name, value in net.state_dict().items()}, tmp_path / "model.safetensors")
    config = {"dim": DIM, "width": 16, "encoder": "pocket-clip", "logit_scale": 12.5}
    (tmp_path / "config.json").write_text(json.dumps(config))
    found = load(tmp_path, ROW)
    assert (found.name, found.encoder, found.logit_scale) == ("tiny-text", "pocket-clip", 12.5)
    halves = TextDiffusion("same", net.half().float().eval(), encoder="", logit_scale=1)
    assert np.array_equal(found.denoised(pictures(2)), halves.denoised(pictures(2)))
    for broken in ({**config, "width": 8}, {"dim": DIM}):
        (tmp_path / "config.json").write_text(json.dumps(broken))
        with pytest.raises(ModelUnavailable, match="Tiny Text could not be loaded"):
            load(tmp_path, ROW)
