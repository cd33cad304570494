"""A latent diffusion of a few thousand weights in diffusers' layout, and the full size with random weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

TINY_UNET = {
    "block_out_channels": (8, 16), "layers_per_block": 1, "cross_attention_dim": 16, "attention_head_dim": 2,
    "norm_num_groups": 4, "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"), "sample_size": 8,
}  # fmt: skip
TINY_VAE = {
    "block_out_channels": (8, 8, 8, 8), "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4, "latent_channels": 4, "norm_num_groups": 4, "layers_per_block": 1,
}  # fmt: skip
TINY_TEXT = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
WORDS = ("a", "photo", "of", "cat", "dog", "bird")


def save(
    folder: Path,
    *,
    unet: dict[str, Any] | None = None,
    vae: dict[str, Any] | None = None,
    text: dict[str, Any] | None = None,
    edits: bool = False,
    seed: int = 0,
) -> Path:
    """Write a folder with random weights; without sizes it is tiny."""
    torch.manual_seed(seed)
    channels = {"in_channels": 8 if edits else 4, "out_channels": 4}
    UNet2DConditionModel(**{**(TINY_UNET if unet is None else unet), **channels}).save_pretrained(folder / "unet")
    AutoencoderKL(**(TINY_VAE if vae is None else vae)).save_pretrained(folder / "vae")
    (folder / "tokenizer").mkdir(parents=True)
    pieces = [*(f"{word}</w>" for word in WORDS), "<|startoftext|>", "<|endoftext|>"]
    letters = sorted({letter for word in WORDS for letter in word})
    vocabulary = [*letters, *(f"{letter}</w>" for letter in letters), *(piece for piece in pieces if len(piece) > 5)]
    numbers = {piece: number for number, piece in enumerate(dict.fromkeys(vocabulary))}
    (folder / "tokenizer" / "vocab.json").write_text(json.dumps(numbers))
    (folder / "tokenizer" / "merges.txt").write_text("#version: 0.2\n")
    ends = {"bos_token_id": len(numbers) - 2, "eos_token_id": len(numbers) - 1, "pad_token_id": len(numbers) - 1}
    sizes = {"vocab_size": 49_408 if text is not None else len(numbers), "max_position_embeddings": 77, **ends}
    config = CLIPTextConfig(**{**(TINY_TEXT if text is None else text), **sizes})
    CLIPTextModel(config).save_pretrained(folder / "text_encoder")
    DDPMScheduler(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012).save_pretrained(
        folder / "scheduler"
    )
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline"}))
    return folder
