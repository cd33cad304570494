"""Full-size checkpoints with random weights: real architecture and file layout, nothing downloaded.

The configs are those of openai/clip-vit-base-patch32 and google/siglip-base-patch16-224, with their old-style
preprocessor files. Vocabulary sizes are the real ones; the words in them are our own, so that a label is one token.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

CLIP_VOCAB, SIGLIP_VOCAB = 49_408, 32_000
OPENAI_MEAN = [0.48145466, 0.4578275, 0.40821073]
OPENAI_STD = [0.26862954, 0.26130258, 0.27577711]
COMMON_WORDS = (
    "a", "an", "the", "of", "and", "in", "on", "with", "photo", "picture", "drawing", "close", "up", "good", "bad",
    "small", "large", "this", "is", "itap", "my", "one", "origami", "video", "game", "art", "blurry", "bright", "dark",
)  # fmt: skip

CLIP_B32 = {
    "architectures": ["CLIPModel"],
    "model_type": "clip",
    "projection_dim": 512,
    "logit_scale_init_value": 2.6592,
    "text_config": {
        "model_type": "clip_text_model",
        "vocab_size": CLIP_VOCAB,
        "hidden_size": 512,
        "intermediate_size": 2048,
        "num_hidden_layers": 12,
        "num_attention_heads": 8,
        "max_position_embeddings": 77,
        "hidden_act": "quick_gelu",
        "layer_norm_eps": 1e-5,
        "bos_token_id": 0,  # as published: these three are wrong there, and the end is found by argmax
        "eos_token_id": 2,
        "pad_token_id": 1,
    },
    "vision_config": {
        "model_type": "clip_vision_model",
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "image_size": 224,
        "patch_size": 32,
        "hidden_act": "quick_gelu",
        "layer_norm_eps": 1e-5,
    },
}
CLIP_PIXELS = {
    "crop_size": 224,
    "do_center_crop": True,
    "do_normalize": True,
    "do_resize": True,
    "feature_extractor_type": "CLIPFeatureExtractor",
    "image_mean": OPENAI_MEAN,
    "image_std": OPENAI_STD,
    "resample": 3,
    "size": 224,
}
SIGLIP_B16 = {
    "architectures": ["SiglipModel"],
    "model_type": "siglip",
    "text_config": {"model_type": "siglip_text_model", "vocab_size": SIGLIP_VOCAB},
    "vision_config": {"model_type": "siglip_vision_model", "image_size": 224, "patch_size": 16},
}
SIGLIP_PIXELS = {
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_processor_type": "SiglipImageProcessor",
    "image_std": [0.5, 0.5, 0.5],
    "processor_class": "SiglipProcessor",
    "resample": 3,
    "rescale_factor": 1 / 255,
    "size": {"height": 224, "width": 224},
}


def save_clip_b32(folder: Path, *, words: Sequence[str] = COMMON_WORDS, seed: int = 0) -> Path:
    """Write a random CLIP ViT-B/32 (151 M parameters, 605 MB); ``words`` become single tokens."""
    _save_network(folder, CLIP_B32, CLIP_PIXELS, seed)
    clip_tokenizer(CLIP_VOCAB, words).save_pretrained(folder)
    return folder


def save_siglip_b16(folder: Path, *, words: Sequence[str] = COMMON_WORDS, seed: int = 0) -> Path:
    """Write a random SigLIP base patch 16 at 224 px (203 M parameters, 813 MB)."""
    _save_network(folder, SIGLIP_B16, SIGLIP_PIXELS, seed)
    siglip_tokenizer(folder, words).save_pretrained(folder)
    return folder


def _save_network(folder: Path, config: Mapping[str, Any], pixels: Mapping[str, Any], seed: int) -> None:
    import torch
    from safetensors.torch import save_file
    from transformers import AutoConfig, AutoModel

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    (folder / "preprocessor_config.json").write_text(json.dumps(pixels, indent=2))
    with torch.device("meta"):
        shapes = {k: v.shape for k, v in AutoModel.from_config(AutoConfig.from_pretrained(folder)).named_parameters()}
    weights = {name: torch.empty(shape) for name, shape in shapes.items()}
    fill_randomly(weights, seed, logit_scale=2.6592)  # what the towers start training with
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def fill_randomly(weights: Mapping[str, Any], seed: int, *, logit_scale: float = math.log(20.0)) -> None:
    """Overwrite tensors in place: matrices N(0, 1/fan_in), embeddings N(0, 1), norms 1 + N(0, 0.1), biases N(0, 0.1).

    Activations stay of order one through the layers, so that different pictures get different embeddings.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in weights.items():
            is_norm = name.endswith("weight") and "norm" in name.lower()
            if name == "logit_scale":
                weight.fill_(logit_scale)
            elif name == "logit_bias":
                weight.fill_(-8.0)
            elif weight.ndim >= 2:
                is_table = "embedding" in name and "patch_embedding" not in name or "probe" in name
                weight.normal_(0.0, 1.0 if is_table else weight[0].numel() ** -0.5, generator=generator)
            else:
                weight.normal_(0.0, 0.1, generator=generator)
                weight.add_(1.0 if is_norm else 0.0)


def bpe(words: Sequence[str], suffix: str, alphabet: Sequence[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Merges that build each word from left to right, and the pieces they make beyond the alphabet."""
    known: set[str] = set(alphabet)
    pieces: list[str] = []
    merges: list[tuple[str, str]] = []
    for word in words:
        symbols = [*word[:-1], word[-1] + suffix]
        left = symbols[0]
        for right in symbols[1:]:
            if left + right not in known:
                known.add(left + right)
                pieces.append(left + right)
                merges.append((left, right))
            left += right
    return pieces, merges


def clip_tokenizer(vocab_size: int, words: Sequence[str], model_max_length: int = 77) -> Any:
    """A byte-level BPE tokenizer of CLIP's class: start and end are the two highest ids, as in CLIP."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPTokenizer

    letters = sorted(ByteLevel.alphabet())
    alphabet = letters + [letter + "</w>" for letter in letters]
    pieces, merges = bpe(words, "</w>", alphabet)
    tokens = alphabet + pieces
    if len(tokens) + 2 > vocab_size:
        raise ValueError(f"vocab_size is {vocab_size}; these words need {len(tokens) + 2}")
    tokens += [f"<unused{number}>" for number in range(vocab_size - 2 - len(tokens))]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocab = {token: number for number, token in enumerate(tokens)}
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=model_max_length)


def siglip_tokenizer(folder: Path, words: Sequence[str], model_max_length: int = 64) -> Any:
    """A sentencepiece tokenizer of SigLIP's class, trained on the words; ``folder`` gets its spiece.model."""
    import sentencepiece
    from transformers import SiglipTokenizer

    sentencepiece.SentencePieceTrainer.Train(
        sentence_iterator=iter([f"a photo of a {word}" for word in words] * 4),
        model_prefix=str(folder / "spiece"),
        vocab_size=400,
        hard_vocab_limit=False,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        num_threads=1,
        minloglevel=2,
    )
    (folder / "spiece.vocab").unlink()
    # As published: padded with the end token, and no attention mask is handed to the model.
    return SiglipTokenizer(
        vocab_file=str(folder / "spiece.model"), model_max_length=model_max_length, model_input_names=["input_ids"]
    )
