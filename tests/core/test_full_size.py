"""Full-size checkpoints arrive from a hub on loopback through catalogue, download and pool, and equal transformers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoModel, AutoProcessor

from benchmarks.random_checkpoints import save_clip_b32, save_siglip_b16
from core import catalog, checkpoints
from core.calibration import logits
from core.pool import POOL
from core.settings import configure
from core.tasks import Job, Step
from tests.fake_hub import FakeHub

TEXTS = ["a photo of a cat", "a photo of a dog, up close", "art", "the large origami of a video game in the dark"]
POCKET = checkpoints.BUNDLED_DIR / "pocket-clip"
PADDING: dict[str, dict[str, Any]] = {
    "clip-vit-b-32": {"padding": True},
    "pocket-clip": {"padding": True},
    "siglip-base": {"padding": "max_length", "max_length": 64, "truncation": True},
}


@pytest.fixture
def empty_pool() -> Iterator[None]:
    """No model of another test in memory before, none of this one after."""
    POOL.clear()
    yield
    POOL.clear()


@pytest.mark.skipif(not POCKET.is_dir(), reason="the pocket model is not in this checkout")
@pytest.mark.usefixtures("empty_pool")
def test_bundled_pocket_model_equals_plain_transformers(rng: np.random.Generator) -> None:
    images = [_blotches(rng, *shape) for shape in ((64, 64), (200, 300))]
    with POOL.use("pocket-clip") as encoder:
        ours = logits(encoder.encode_images(images), encoder.encode_texts(TEXTS), scale=encoder.logit_scale)
    np.testing.assert_allclose(ours, _plain_logits(POCKET, "pocket-clip", images), atol=1e-5, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, save, size_mb", [("clip-vit-b-32", save_clip_b32, 605), ("siglip-base", save_siglip_b16, 813)]
)
@pytest.mark.usefixtures("empty_pool")
def test_logits_equal_plain_transformers(
    name: str, save: Callable[[Path], Path], size_mb: int, tmp_path: Path, fake_hub: FakeHub, rng: np.random.Generator
) -> None:
    spec, published = catalog.spec(name), save(tmp_path / "published")
    assert (published / "model.safetensors").stat().st_size == pytest.approx(size_mb * 1e6, rel=0.01)
    fake_hub.add_repo(spec.sources[0].repo_id, published)  # type: ignore[union-attr]
    configure(endpoint=fake_hub.url, models_dir=tmp_path / "models")
    images = [_blotches(rng, *shape) for shape in ((224, 224), (300, 500), (640, 427))]
    steps: list[Step] = []
    try:
        with POOL.use(name, job=Job(steps.append)) as encoder:
            shutil.rmtree(published)  # half of the disk back
            ours = logits(
                encoder.encode_images(images),
                encoder.encode_texts(TEXTS),
                scale=encoder.logit_scale,
                bias=encoder.logit_bias,
            )
        plain = _plain_logits(checkpoints.resolve(spec), name, images)
        assert min(np.ptp(plain, axis=0).min(), np.ptp(plain, axis=1).min()) > 0.02  # so that agreement means something
        np.testing.assert_allclose(ours, plain, atol=1e-5, rtol=0)
        assert [stage for stage in dict.fromkeys(s.stage for s in steps)] == ["checking", "downloading", "loading"]
        assert next(s for s in POOL.states() if s.name == name).size_mib == pytest.approx(size_mb / 1.048576, rel=0.01)
    finally:
        shutil.rmtree(tmp_path / "models", ignore_errors=True)


def _blotches(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Smooth random colours: unlike noise they stay different from each other when they are made small."""
    coarse = Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))


def _plain_logits(folder: Path, name: str, images: list[np.ndarray]) -> np.ndarray:
    model = AutoModel.from_pretrained(folder, dtype=torch.float32)
    processor = AutoProcessor.from_pretrained(folder)
    pictures = [Image.fromarray(rgb) for rgb in images]
    with torch.no_grad():
        inputs = processor(text=TEXTS, images=pictures, return_tensors="pt", **PADDING[name])
        return np.asarray(model(**inputs).logits_per_image)
