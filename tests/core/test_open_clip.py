"""OpenCLIP's layout: its own architecture, written down here once more, and the converted model agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from core import catalog, checkpoints, open_clip
from core.checkpoints import resolve
from core.errors import ModelUnavailable
from core.model_spec import ModelSpec
from core.settings import configure
from tests.core.conftest import row_for
from tests.fake_hub import FakeHub

CONFIG: dict[str, Any] = {
    "model_cfg": {
        "embed_dim": 24,
        "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 8, "head_width": 16},
        "text_cfg": {"context_length": 16, "vocab_size": 99, "width": 48, "heads": 3, "layers": 2},
    },
    "preprocess_cfg": {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4]},
}


class _Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.mlp = nn.Sequential()
        self.mlp.add_module("c_fc", nn.Linear(width, 4 * width))
        self.mlp.add_module("gelu", nn.GELU())
        self.mlp.add_module("c_proj", nn.Linear(4 * width, width))

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, attn_mask=mask, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))


class _Transformer(nn.Module):
    def __init__(self, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(_Block(width, heads) for _ in range(layers))

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        for block in self.resblocks:
            x = block(x, mask)
        return x


class _Visual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 8, 8, bias=False)
        self.class_embedding = nn.Parameter(torch.randn(64))
        self.positional_embedding = nn.Parameter(torch.randn(17, 64))
        self.ln_pre, self.ln_post = nn.LayerNorm(64), nn.LayerNorm(64)
        self.transformer = _Transformer(64, 2, 4)
        self.proj = nn.Parameter(torch.randn(64, 24))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        x = self.conv1(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_embedding.expand(len(x), 1, -1), x], 1) + self.positional_embedding
        return self.ln_post(self.transformer(self.ln_pre(x))[:, 0]) @ self.proj


class _OpenClip(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.visual = _Visual()
        self.transformer = _Transformer(48, 2, 3)
        self.token_embedding = nn.Embedding(99, 48)
        self.positional_embedding = nn.Parameter(torch.randn(16, 48))
        self.ln_final = nn.LayerNorm(48)
        self.text_projection = nn.Parameter(torch.randn(48, 24))
        self.logit_scale = nn.Parameter(torch.tensor(2.5))

    def encode_text(self, ids: torch.Tensor) -> torch.Tensor:
        mask = torch.full((16, 16), float("-inf")).triu(1)
        x = self.ln_final(self.transformer(self.token_embedding(ids) + self.positional_embedding, mask))
        return x[torch.arange(len(ids)), ids.argmax(1)] @ self.text_projection


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    folder = tmp_path / "repository"
    folder.mkdir()
    model = _OpenClip()
    for parameter in model.parameters():
        if parameter.ndim == 1:
            nn.init.normal_(parameter, 0.5, 0.2)  # biases and scales that a swap would show
    tensors = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    save_file(tensors, folder / open_clip.WEIGHTS)
    (folder / open_clip.CONFIG).write_text(json.dumps(CONFIG))
    (folder / "tokenizer.json").write_text("{}")
    return folder


@pytest.fixture
def spec(repository: Path, fake_hub: FakeHub) -> ModelSpec:
    fake_hub.add_repo("acme/open", repository)
    configure(endpoint=fake_hub.url)
    return row_for("acme/open")


def test_converted_model_equals_open_clip(spec: ModelSpec, repository: Path) -> None:
    from safetensors.torch import load_file
    from transformers import CLIPModel

    folder = resolve(spec)
    theirs = _OpenClip()
    theirs.load_state_dict(load_file(repository / open_clip.WEIGHTS))
    ours, keys = CLIPModel.from_pretrained(folder, output_loading_info=True)
    assert not keys["missing_keys"] and not keys["unexpected_keys"]
    pixels = torch.randn(3, 3, 32, 32)
    ids = torch.randint(1, 90, (3, 16))
    ids[:, 0] = 97
    for row, end in enumerate((5, 15, 9)):
        ids[row, end], ids[row, end + 1 :] = 98, 0
    with torch.inference_mode():
        images = ours.get_image_features(pixels).pooler_output
        texts = ours.get_text_features(ids).pooler_output
        assert torch.allclose(images, theirs.visual(pixels), atol=1e-5)
        assert torch.allclose(texts, theirs.encode_text(ids), atol=1e-5)
    assert ours.logit_scale.item() == 2.5


def test_preprocessing_is_that_of_the_repository(spec: ModelSpec) -> None:
    pixels = json.loads((resolve(spec) / "preprocessor_config.json").read_text())
    assert pixels["image_mean"] == [0.5, 0.4, 0.3] and pixels["image_std"] == [0.2, 0.3, 0.4]
    assert pixels["size"] == {"shortest_edge": 32} and (resolve(spec) / "tokenizer.json").exists()


def test_conversion_is_made_once_and_again_when_it_was_touched(spec: ModelSpec, fake_hub: FakeHub) -> None:
    folder = resolve(spec)
    before = (folder / "model.safetensors").stat()
    asked = len(fake_hub.requests)
    assert resolve(spec) == folder and (folder / "model.safetensors").stat().st_ino == before.st_ino
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[:-4] + b"evil")
    assert (resolve(spec) / "model.safetensors").read_bytes() == content
    assert len(fake_hub.requests) == asked


def test_transformers_files_are_preferred(spec: ModelSpec, repository: Path, tiny_repo: Path) -> None:
    for path in tiny_repo.iterdir():
        (repository / path.name).write_bytes(path.read_bytes())
    assert resolve(spec).name != open_clip.FOLDER
    assert checkpoints.is_local(spec)


@pytest.mark.parametrize(
    "change",
    [
        {"vision_cfg": {"timm_model_name": "vit", "image_size": 32, "layers": 2}},
        {"vision_cfg": {"image_size": 32, "layers": [3, 4, 6, 3], "width": 64}},
        {"text_cfg": {"hf_model_name": "xlm-roberta-base"}},
    ],
)
def test_other_architectures_are_a_sentence(spec: ModelSpec, repository: Path, change: dict[str, Any]) -> None:
    other = {**CONFIG, "model_cfg": {**CONFIG["model_cfg"], **change}}
    (repository / open_clip.CONFIG).write_text(json.dumps(other))
    with pytest.raises(ModelUnavailable, match="Tiny has an architecture that this hub cannot read"):
        resolve(spec)


def test_unknown_tensors_are_refused() -> None:
    with pytest.raises(KeyError, match="visual.trunk.weight"):
        open_clip.renamed({"visual.trunk.weight": np.zeros(1)})


def test_rows_that_need_it_say_so() -> None:
    names = {row.name for row in catalog.MODELS if "OpenCLIP layout" in row.note}
    assert names == {"laion2b-vit-b-16", "datacomp-vit-b-32-256"}
