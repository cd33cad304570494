"""The denoiser: its noise levels against the scheduler, its tiles, and its folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler
from safetensors.torch import save_file

from core import light_denoise
from core.errors import Cancelled, ModelUnavailable
from core.light_denoise import Floats, LightDenoiser, build, noise_table, predicted, steps_of
from core.tasks import Job
from tests.core.test_light_net import ROW


class Half(torch.nn.Module):
    """Says that half of what it sees is noise, whatever its place; its sum over a tile shows where tiles lie."""

    def forward(self, x: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
        class Said:
            sample = x[:, :3]

        return Said()


def cleaned(model: LightDenoiser, pixels: Floats, sigma: Floats) -> Floats:
    parts = list(model.cleaned(lambda rows: (pixels[rows], sigma[rows]), *sigma.shape))
    places = [(rows.start, rows.stop) for rows, _ in parts]
    assert places[0][0] == 0 and places[-1][1] == len(pixels)
    assert all(a[1] == b[0] for a, b in zip(places, places[1:], strict=False))
    return np.concatenate([part for _, part in parts])


def test_the_table_is_the_schedulers() -> None:
    scheduler, table = DDPMScheduler(), noise_table()
    clean, noise = torch.full((1, 3, 2, 2), 0.4), torch.ones(1, 3, 2, 2)
    for step in (0, 7, 120):
        x_t = scheduler.add_noise(2 * clean - 1, noise, torch.tensor([step]))
        scaled = x_t / scheduler.alphas_cumprod[step].sqrt()  # [-1, 1], noise of twice the deviation
        assert float(scaled[0, 0, 0, 0] + 1) / 2 - 0.4 == pytest.approx(table[step], rel=1e-4)
    np.testing.assert_allclose(steps_of(table[[3, 50]], table), [3, 50], atol=1e-4)


def test_the_true_noise_gives_the_clean_picture() -> None:
    rng = np.random.default_rng(0)
    clean = torch.from_numpy(rng.random((2, 3, 8, 8), np.float32))
    sigma = torch.from_numpy(rng.uniform(0.01, 0.2, (2, 1, 8, 8)).astype(np.float32))
    noise = torch.from_numpy(rng.standard_normal((2, 3, 8, 8), np.float32))

    class Oracle(torch.nn.Module):
        def forward(self, x: torch.Tensor, step: torch.Tensor) -> object:
            kept = 1 / (1 + (2 * sigma).square())
            torch.testing.assert_close(x[:, :3], kept.sqrt() * (2 * (clean + sigma * noise) - 1))
            return type("Said", (), {"sample": noise})

    eps, found = predicted(Oracle(), clean + sigma * noise, sigma, noise_table())
    torch.testing.assert_close(found, clean)
    assert eps is noise


@pytest.mark.parametrize("size", [(5, 7), (64, 300), (300, 520), (490, 33)])
def test_tiles_cover_every_pixel_once_and_blend(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).random((*size, 3), np.float32)
    sigma = np.full(size, 0.1, np.float32)
    kept = 1 / (1 + 0.04)
    expected = pixels - 0.1 * np.sqrt(kept) * (2 * pixels - 1)
    np.testing.assert_allclose(cleaned(LightDenoiser("x", Half()), pixels, sigma), expected, atol=1e-5)


def test_where_there_is_no_noise_nothing_changes() -> None:
    pixels = np.random.default_rng(2).random((40, 300, 3), np.float32)
    found = cleaned(LightDenoiser("x", Half()), pixels, np.zeros((40, 300), np.float32))
    np.testing.assert_allclose(found, pixels, atol=1e-6)


def test_a_folder_is_read_and_a_broken_one_is_a_sentence(tmp_path: Path) -> None:
    net = build()
    assert sum(value.numel() for value in net.parameters()) < 200_000
    (tmp_path / "config.json").write_text(json.dumps(light_denoise.UNET))
    save_file({name: value.half() for name, value in net.state_dict().items()}, tmp_path / light_denoise.WEIGHTS)
    model = light_denoise.load(tmp_path, ROW)
    found = cleaned(model, np.full((20, 21, 3), 0.5, np.float32), np.full((20, 21), 0.1, np.float32))
    assert found.shape == (20, 21, 3) and np.isfinite(found).all()
    (tmp_path / light_denoise.WEIGHTS).write_bytes(b"nothing")
    with pytest.raises(ModelUnavailable, match="could not be loaded"):
        light_denoise.load(tmp_path, ROW)


def test_cancel() -> None:
    job = Job()
    job.cancel()
    model = LightDenoiser("x", Half())
    with pytest.raises(Cancelled):
        list(model.cleaned(lambda rows: (np.zeros((8, 8, 3), np.float32), np.ones((8, 8), np.float32)), 8, 8, job=job))
