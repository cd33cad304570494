"""Fixtures of the model core: a hub on loopback and a small repository for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from core.model_spec import Hub, ModelSpec
from core.settings import configure
from tests.fake_hub import FakeHub


@pytest.fixture
def fake_hub() -> Iterator[FakeHub]:
    """An open hub without repositories."""
    with FakeHub() as hub:
        yield hub


@pytest.fixture
def tiny_repo(tmp_path: Path) -> Path:
    """A folder with the files of a checkpoint: 256 KiB of weights, config, tokenizer, preprocessor."""
    folder = tmp_path / "tiny-repo"
    folder.mkdir()
    weight = np.random.default_rng(0).standard_normal((256, 256)).astype(np.float32)
    save_file({"weight": weight}, folder / "model.safetensors")
    for name in ("config.json", "preprocessor_config.json", "tokenizer.json"):
        (folder / name).write_text(json.dumps({"file": name}))
    return folder


@pytest.fixture
def tiny_spec(fake_hub: FakeHub, tiny_repo: Path) -> ModelSpec:
    """A catalogue row whose files the open hub serves; the settings point at that hub."""
    fake_hub.add_repo("acme/tiny", tiny_repo)
    configure(endpoint=fake_hub.url)
    return row_for("acme/tiny")


def row_for(repo_id: str, **changes: Any) -> ModelSpec:
    """A row named "tiny" whose source is ``repo_id``."""
    source = Hub(
        repo_id,
        files=("config.json", "model.safetensors", "preprocessor_config.json"),
        tokenizer=("tokenizer.json", "vocab.txt"),
        optional=("tokenizer_config.json",),
    )
    row = ModelSpec(
        name="tiny",
        title="Tiny",
        task="image-text",
        family="clip",
        loader="tests.core.stub_loader:load",
        sources=(source,),
        params_m=0.07,
        download_mb=0.3,
        licence="MIT",
        is_non_commercial=False,
        image_px=32,
        preprocess="none",
        note="a test",
        source_url="",
    )
    return replace(row, **changes)
