"""Fixtures of the model core: a hub on loopback and a small repository for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

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
