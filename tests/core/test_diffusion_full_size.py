"""A full-size latent diffusion with random weights, from a hub on loopback to errors that tell texts apart."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from core import catalog
from core.model_spec import Hub
from core.pool import POOL
from core.settings import configure
from core.tasks import Job, Step
from tests import tiny_diffusion
from tests.fake_hub import FakeHub

ACROSS = ("CrossAttnDownBlock2D",) * 3, ("CrossAttnUpBlock2D",) * 3
FULL_UNET = {  # of BK-SDM Tiny: 323,384,964 parameters
    "block_out_channels": (320, 640, 1280), "layers_per_block": 1, "cross_attention_dim": 768, "attention_head_dim": 8,
    "down_block_types": ACROSS[0], "up_block_types": ACROSS[1], "mid_block_type": None, "sample_size": 64,
}  # fmt: skip
FULL_VAE = {  # of every Stable Diffusion 1: 83,653,863
    "block_out_channels": (128, 256, 512, 512), "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4, "latent_channels": 4, "layers_per_block": 2,
}  # fmt: skip
FULL_TEXT = {  # CLIP ViT-L/14's text tower: 123,060,480
    "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
}  # fmt: skip
PARAMETERS = 323_384_964 + 83_653_863 + 123_060_480


@pytest.fixture
def empty_pool() -> Iterator[None]:
    POOL.clear()
    yield
    POOL.clear()


@pytest.mark.slow
@pytest.mark.usefixtures("empty_pool")
def test_a_full_size_checkpoint_from_the_hub_judges(tmp_path: Path, fake_hub: FakeHub) -> None:
    torch.set_num_threads(1)
    row = catalog.spec("bk-sdm-tiny")
    source = row.sources[0]
    assert isinstance(source, Hub)
    published = tiny_diffusion.save(tmp_path / "published", unet=FULL_UNET, vae=FULL_VAE, text=FULL_TEXT)
    assert {*source.files} <= {path.relative_to(published).as_posix() for path in published.rglob("*")}
    megabytes = sum(path.stat().st_size for path in published.rglob("*")) / 1e6
    assert megabytes == pytest.approx(row.download_mb, rel=0.01)
    assert pytest.approx(row.params_m, rel=0.01) == PARAMETERS / 1e6
    fake_hub.add_repo(source.repo_id, published)
    for path in published.rglob("*.safetensors"):
        for kind in ("sha256", "git"):  # before they are asked for: 2 GB take longer than the client waits
            fake_hub._digest(path, kind)
    configure(endpoint=fake_hub.url, models_dir=tmp_path / "models")
    steps: list[Step] = []
    with POOL.use("bk-sdm-tiny", job=Job(steps.append)) as judge:
        shutil.rmtree(published)  # half of the disk back
        assert list(dict.fromkeys(step.stage for step in steps)) == ["checking", "downloading", "loading"]
        assert judge.size_bytes == 4 * PARAMETERS and not judge.edits
        rgb = np.random.default_rng(0).integers(0, 255, (96, 64, 3), dtype=np.uint8)
        latent = judge.encode_picture(rgb, 64)
        texts = judge.encode_texts(["a photo of a cat", "a photo of a dog"])
        assert latent.shape == (4, 8, 8) and texts.shape == (2, 77, 768)
        noise = np.random.default_rng(1).standard_normal(latent.shape, np.float32)
        errors = judge.noise_errors(latent, noise, 450, texts)
        assert np.isfinite(errors).all() and errors[0] != errors[1]
        again = judge.noise_errors(latent, noise, 450, texts[::-1])
        assert again == pytest.approx(errors[::-1], rel=1e-4)
