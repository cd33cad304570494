"""The sound-text encoder: a small random checkpoint from a hub on loopback, and transformers itself as the twin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import ClapConfig, ClapFeatureExtractor, ClapModel, RobertaTokenizerFast

from core import checkpoints
from core.clap import SoundTextEncoder, load
from core.errors import Cancelled, ModelUnavailable
from core.model_spec import Hub, ModelSpec
from core.settings import configure
from core.tasks import Job
from tests.core.conftest import row_for
from tests.fake_hub import FakeHub

SOURCE = Hub(
    "acme/tiny-clap",
    ("config.json", "preprocessor_config.json", "model.safetensors"),
    ("tokenizer.json", "vocab.json", "merges.txt"),
    ("tokenizer_config.json", "special_tokens_map.json"),
)
AUDIO = {
    "spec_size": 128, "num_mel_bins": 32, "patch_size": 4, "patch_stride": [4, 4], "window_size": 4, "hidden_size": 64,
    "patch_embeds_hidden_size": 8, "depths": [1, 1, 1, 1], "num_attention_heads": [1, 2, 2, 2], "enable_fusion": False,
}  # fmt: skip
TEXT = {
    "vocab_size": 300, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32,
    "max_position_embeddings": 40, "pad_token_id": 1,
}  # fmt: skip


def tokenizer() -> Any:
    from tokenizers.pre_tokenizers import ByteLevel

    letters = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *sorted(ByteLevel.alphabet())]
    vocab = {letter: number for number, letter in enumerate(letters)}
    return RobertaTokenizerFast(vocab=vocab, merges=[], model_max_length=512)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clap")
    torch.manual_seed(0)
    net = ClapModel(ClapConfig(text_config=TEXT, audio_config=AUDIO, projection_dim=8))
    for weight in net.parameters():
        torch.nn.init.normal_(weight, 0, 0.3)
    net.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    rates = {"sampling_rate": 8_000, "feature_size": 32, "hop_length": 160, "fft_window_size": 512}
    cut = {"max_length_s": 2, "truncation": "rand_trunc", "padding": "repeatpad", "frequency_max": 4_000}
    ClapFeatureExtractor(**rates, **cut).save_pretrained(folder)
    return folder


@pytest.fixture
def row(fake_hub: FakeHub, published: Path) -> ModelSpec:
    fake_hub.add_repo(SOURCE.repo_id, published)
    configure(endpoint=fake_hub.url)
    return replace(row_for(SOURCE.repo_id), sources=(SOURCE,), loader="core.clap:load")


@pytest.fixture
def model(row: ModelSpec) -> Iterator[SoundTextEncoder]:
    yield load(checkpoints.resolve(row, job=Job()), row)


def test_from_the_hub_to_the_same_embeddings_as_transformers(
    model: SoundTextEncoder, published: Path, rng: np.random.Generator
) -> None:
    net = ClapModel.from_pretrained(published).eval()
    words, wave = ["rain", "a dog that barks"], rng.standard_normal(9_000).astype(np.float32)
    tokens = tokenizer()(words, padding=True, return_tensors="pt")
    features = ClapFeatureExtractor.from_pretrained(published)(wave, sampling_rate=8_000, return_tensors="pt")
    with torch.no_grad():
        texts = net.get_text_features(**tokens).pooler_output.numpy()
        sound = net.get_audio_features(**features).pooler_output.numpy()
    assert model.rate_hz == 8_000 and model.size_bytes > 1_000
    assert np.abs(model.encode_texts(words) - texts).max() < 1e-5
    assert np.abs(model.encode_sounds([wave]) - sound).max() < 1e-5


def test_long_sounds_are_heard_whole_and_alike_each_time(model: SoundTextEncoder, rng: np.random.Generator) -> None:
    wave = rng.standard_normal(2 * 16_000 + 3_000).astype(np.float32)
    found = model.encode_sounds([wave])
    assert np.array_equal(found, model.encode_sounds([wave]))
    pieces = [wave[:16_000], wave[16_000:32_000], wave[-16_000:]]  # the last is short and reaches back
    mean = np.mean([model._encode(piece, None) for piece in pieces], axis=0)
    assert np.abs(found[0] - mean / np.linalg.norm(mean)).max() < 1e-5


def test_words_beyond_the_limit_are_cut(model: SoundTextEncoder) -> None:
    assert np.isfinite(model.encode_texts(["rain " * 400])).all()


def test_faults(model: SoundTextEncoder, row: ModelSpec, published: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\(T,\)"):
        model.encode_sounds([np.zeros((5, 2), np.float32)])
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        model.encode_sounds([np.ones(100, np.float32)], job=job)
    for name in ("config.json", "preprocessor_config.json"):
        (tmp_path / name).write_bytes((published / name).read_bytes())
    with pytest.raises(ModelUnavailable, match="could not be loaded"):
        load(tmp_path, row)
    from safetensors.torch import save_file

    save_file({"logit_scale_a": torch.ones(1)}, tmp_path / "model.safetensors")
    with pytest.raises(ModelUnavailable, match="could not be loaded"):
        load(tmp_path, row)
