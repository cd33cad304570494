"""CLAP's opinion from a hub on loopback: catalogue, download, pool, transformers' own network, and the ranking."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import catalog
from core.pool import POOL
from core.settings import configure
from core.tasks import Job, Step
from demos.separation.judging import TEMPLATE, judge
from demos.separation.options import Query
from demos.separation.pipeline import separate
from demos.separation.sound import from_samples
from demos.separation.tab_parts import JUDGE
from tests.core.test_clap import published as published_clap
from tests.demos.separation.stub_separator import StubSeparator
from tests.fake_hub import FakeHub
from tests.stub_model import StubModel, solid

published = published_clap  # a small CLAP of random weights in the hub's layout


@pytest.fixture
def empty_pool() -> Iterator[None]:
    POOL.clear()
    yield
    POOL.clear()


@pytest.mark.usefixtures("empty_pool")
def test_sounds_are_ranked_by_a_clap_from_the_hub(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = replace(catalog.spec(JUDGE), params_m=0.1)
    monkeypatch.setattr(catalog, "MODELS", (row,))
    clip: Any = StubModel()
    separator: Any = StubSeparator(clip)
    times = np.arange(48_000) / 16_000
    wave = sum(0.2 * np.sin(2 * np.pi * hz * times) for hz in (300, 1200)).astype(np.float32)
    queries = [Query("red"), Query("a picture", picture=solid("green")), Query("green")]
    found = separate(from_samples(wave, 16_000), queries, clip=clip, separator=separator)
    steps: list[Step] = []
    with FakeHub() as hub:
        hub.add_repo(row.sources[0].repo_id, published)  # type: ignore[union-attr]
        hub.fault(row.sources[0].repo_id, "slow", file="model.safetensors")  # type: ignore[union-attr]
        configure(endpoint=hub.url, models_dir=tmp_path / "models")
        with POOL.use(JUDGE, job=Job(steps.append)) as model:
            told = judge(found, model)
            texts = model.encode_texts([TEMPLATE.format("red")])
            parts = [one.samples()[::2, 0] for one in (*found.stems, found.rest)]  # 8 kHz: nothing lies above 4
            cosines = [float(texts[0] @ model.encode_sounds([part])[0]) for part in parts]
    assert "downloading" in {step.stage for step in steps}
    assert told[1] is None  # CLAP sees no pictures
    assert [one.query for one in told if one] == ["red", "green"]
    first = told[0]
    assert first is not None and first.count == 4
    assert first.own == pytest.approx(cosines[0], abs=0.02) and first.rest == pytest.approx(cosines[-1], abs=0.02)
    assert first.place == 1 + sum(cosine > cosines[0] for cosine in cosines)
