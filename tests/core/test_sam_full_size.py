"""A full-size SAM ViT-B with random weights, as release file and as safetensors, from a hub on loopback to masks."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from segment_anything import SamPredictor, sam_model_registry

from core import catalog
from core.model_spec import Hub
from core.pool import POOL
from core.sam import AutomaticOptions, Prompt, PromptableSam
from core.settings import configure
from core.tasks import Job, Step
from tests import tiny_sam
from tests.fake_hub import FakeHub

POINT = Prompt(np.array([[30, 20]], np.float32), np.array([1]))


@pytest.fixture
def empty_pool() -> Iterator[None]:
    POOL.clear()
    yield
    POOL.clear()


def _weights() -> Mapping[str, torch.Tensor]:
    """Random weights of segment_anything's own ViT-B."""
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in sam_model_registry["vit_b"]().state_dict().items()}
    tensors = {name: torch.empty(shape) for name, shape in shapes.items()}
    tiny_sam.fill(tensors, seed=0)
    return tensors


@pytest.mark.slow
@pytest.mark.usefixtures("empty_pool")
def test_vit_b_in_both_layouts(tmp_path: Path, fake_hub: FakeHub) -> None:
    from transformers import SamConfig

    tensors, published = _weights(), tmp_path / "published"
    sources = {name: catalog.spec(name).sources[0] for name in ("sam-vit-b-original", "sam-vit-b")}
    configure(endpoint=fake_hub.url, models_dir=tmp_path / "models")
    image = tiny_sam.picture(48, 64)
    for name, source in sources.items():
        assert isinstance(source, Hub)
        if name == "sam-vit-b":
            tiny_sam.save_transformers(published, tensors, SamConfig())
        else:
            path = published / source.files[0]
            path.parent.mkdir(parents=True)
            torch.save(dict(tensors), path)
        assert sum(p.stat().st_size for p in published.rglob("*")) == pytest.approx(375e6, rel=0.01)
        fake_hub.add_repo(source.repo_id, published)
        steps: list[Step] = []
        with POOL.use(name, job=Job(steps.append)) as segmenter:
            shutil.rmtree(published)  # half of the disk back
            assert [stage for stage in dict.fromkeys(s.stage for s in steps)] == ["checking", "downloading", "loading"]
            assert segmenter.size_bytes == pytest.approx(375e6, rel=0.01)
            ours = segmenter._sam.state_dict()
            assert set(ours) == set(tensors) and all(torch.equal(ours[key], tensors[key]) for key in tensors)
            if name == "sam-vit-b-original":  # the same network twice: half a minute of one core is enough
                _check_masks(segmenter, image)
        POOL.unload(name)
        shutil.rmtree(tmp_path / "models" / "checkpoints", ignore_errors=True)


def _check_masks(segmenter: PromptableSam, image: np.ndarray) -> None:
    """Against segment_anything's predictor around the same network, handed the embedding that we have."""
    every = segmenter.automatic(image, AutomaticOptions(points_per_side=2, pred_iou=-1e9, stability=0.0))
    answer = segmenter.prompt(image, POINT)
    assert len(segmenter.cache) == 1 and every.logits.shape[1:] == (192, 256)
    predictor = SamPredictor(segmenter._sam)
    predictor.features = segmenter._embedding(image, None)
    predictor.original_size, predictor.input_size, predictor.is_image_set = (48, 64), (768, 1024), True
    masks, iou, logits = predictor.predict(POINT.points_xy, POINT.point_labels)
    order = np.argsort(masks.sum((1, 2)), kind="stable")
    np.testing.assert_allclose(answer.logits, logits[order], atol=1e-5 * np.abs(logits).max(), rtol=0)
    np.testing.assert_allclose(answer.predicted_iou, iou[order], atol=1e-4 * max(1.0, np.abs(iou).max()))
