"""A CLIPSep of the authors' size and the CLIP ViT-B/32 that asks it, both with random weights, from a hub to sounds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.random_checkpoints import fill_randomly, save_clip_b32
from core import catalog
from core.model_spec import Hub, ModelSpec
from core.pool import POOL
from core.sep_network import Sizes
from core.settings import configure
from core.tasks import Job, Step
from demos.separation.options import Query, SeparateOptions
from demos.separation.pipeline import listen, render
from demos.separation.sound import from_samples
from tests.core.test_sep_network import Authors
from tests.fake_hub import FakeHub
from tests.stub_model import solid

COUNTS = {"clipsep": 30_290_659, "clipsep-nit": 30_292_771}
AUTHORS_FRAMES = 65_535  # of sound: 256 frames of the picture
LENGTH = 10.0  # of CLIP's embeddings, about: what their network was trained with


@pytest.fixture
def empty_pool() -> Iterator[None]:
    POOL.clear()
    yield
    POOL.clear()


@pytest.fixture(scope="module")
def authors() -> Authors:
    """Their network, nested as theirs, with random weights of order one."""
    net = Authors(Sizes()).eval()
    fill_randomly(dict(net.named_parameters()), seed=0)
    torch.nn.init.normal_(net.synth_net.scale, 0, 5)  # masks from nothing to everything
    return net


def _row(name: str) -> ModelSpec:
    """As the catalogue would have it if a hub held their weights; they lie on a drive that no program may read."""
    source = Hub(f"acme/{name}", files=("exp/vggsound/best.pth",))
    return replace(
        catalog.spec("pocket-sep"),
        name=name,
        title=name,
        family="clipsep",
        sources=(source,),
        params_m=COUNTS[name] / 1e6,
    )


@pytest.mark.slow
@pytest.mark.usefixtures("empty_pool")
def test_from_the_hub_to_the_sounds(
    tmp_path: Path, authors: Authors, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    rows = {name: _row(name) for name in COUNTS}
    monkeypatch.setattr(catalog, "MODELS", (*catalog.MODELS, *rows.values()))
    sound = from_samples((0.1 * rng.standard_normal((AUTHORS_FRAMES, 2))).astype(np.float32), 16_000)
    queries = [Query("a photo of a cat"), Query("what is seen", picture=solid("red"))]
    options = SeparateOptions(negative="a drawing")
    with FakeHub() as hub:
        configure(endpoint=hub.url, models_dir=tmp_path / "models")
        source = catalog.spec("clip-vit-b-32").sources[0]
        assert isinstance(source, Hub)
        hub.add_repo(source.repo_id, save_clip_b32(tmp_path / "clip"))
        for name in COUNTS:
            path = tmp_path / name / "exp" / "vggsound" / "best.pth"
            path.parent.mkdir(parents=True)
            tensors = {key: t for key, t in authors.state_dict().items() if "nit" in name or "pit" not in key}
            torch.save({f"module.{key}": tensor for key, tensor in tensors.items()}, path)
            hub.add_repo(f"acme/{name}", tmp_path / name)
        for name, count in COUNTS.items():
            steps: list[Step] = []
            with POOL.use(name, job=Job(steps.append)) as separator:
                assert sum(t.numel() for t in separator._net.parameters()) == count
                assert {"checking", "downloading", "loading"} == {step.stage for step in steps}
                assert separator.usage.query_model == "clip-vit-b-32"
            if name == "clipsep":
                POOL.unload(name)
        with POOL.use("clipsep-nit") as separator, POOL.use(separator.usage.query_model) as clip:
            shutil.rmtree(tmp_path / "clip")  # half of the disk back
            heard = listen(sound, queries, options, clip=clip, separator=separator)
            plain = listen(sound, queries[:1], SeparateOptions(), clip=clip, separator=separator)
            words = clip.encode_texts([queries[0].text])
    assert [one.is_picture for one in heard.presence] == [False, True] and heard.logits.shape == (2, 256, 256)
    with torch.no_grad():
        shown = torch.from_numpy(heard.picture.astype(np.float32).T.copy())[None, None]
        expected = authors.logits(shown, LENGTH * torch.from_numpy(words))[0].T.numpy()
    assert np.ptp(expected) > 1  # so that agreement means something
    assert np.abs(plain.logits[0] - expected).max() < 2e-3 * np.abs(expected).max()  # float16
    found = render(heard, options)
    total = sum(one.samples() for one in (*found.stems, found.rest))
    assert np.abs(total - sound.samples()).max() < 1e-4
    shutil.rmtree(tmp_path / "models")
