"""Tiny promptable segmenters with random weights, in the three layouts that the hub reads.

The weights are random, but arranged so that masks are blobs that move with their point, and thresholds have something
to decide. ``(dim / 2) % 8 == 0``: the release's files have eight decoder heads, and no tensor says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from core.model_spec import Family, ModelSpec
from core.sam import PromptableSam, Thresholds
from core.sam_build import build
from core.sam_files import our_name

CONFIG: dict[str, Any] = {
    "img_size": 128,
    "patch_size": 16,
    "encoder": {
        "embed_dim": 32,
        "depth": 2,
        "num_heads": 2,
        "mlp_ratio": 2.0,
        "window_size": 3,
        "global_attn_indexes": [1],
    },
    "dim": 32,
    "decoder_mlp": 64,
    "decoder_heads": 8,
    "decoder_depth": 2,
    "mask_in_chans": 8,
    "thresholds": {"pred_iou": -1.0, "stability": 0.3, "nms_iou": 0.7},
}
CONV_ENCODER = {"kind": "conv", "widths": [8, 16, 16, 16], "depths": [1, 1, 1, 1]}


def random_sam(seed: int = 0, config: Mapping[str, Any] = CONFIG) -> Any:
    """segment_anything's Sam at a tiny size, weights drawn from ``seed``."""
    sam = build(config)
    fill(sam.state_dict(), seed)
    return sam


def fill(tensors: Mapping[str, torch.Tensor], seed: int) -> None:
    """Overwrite the tensors of a Sam in place."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in tensors.items():
            if tensor.is_floating_point() and "running_" not in name:
                is_norm = "norm" in name or (name.endswith("weight") and tensor.ndim == 1)
                fan_in = tensor[0].numel() if tensor.ndim > 1 else 10
                is_table = "positional_encoding" in name or ("embed" in name and tensor.ndim == 2)
                deviation = 0.1 if is_norm else 1.0 if is_table else fan_in**-0.5
                tensor.normal_(0.0, deviation, generator=generator)
                if is_norm and name.endswith("weight"):
                    tensor.add_(1.0)
        for name, tensor in tensors.items():
            _arrange(name, tensor, tensors)


def _arrange(name: str, tensor: torch.Tensor, tensors: Mapping[str, torch.Tensor]) -> None:
    """Attention between like and like, no checkerboards, loud masks."""
    if "attn_image_to_token.k_proj.weight" in name or "attn_token_to_image.k_proj.weight" in name:
        tensor.copy_(tensors[name.replace("k_proj", "q_proj")])
    elif "output_upscaling" in name and name.endswith("weight") and tensor.ndim == 4:
        tensor.copy_(tensor.mean((2, 3), keepdim=True) * 2 + tensor / 10)
    elif "output_hypernetworks_mlps" in name and name.endswith("layers.2.weight"):
        tensor.mul_(80.0)


def segmenter(seed: int = 0, config: Mapping[str, Any] = CONFIG) -> PromptableSam:
    """The same behind the hub's face."""
    return PromptableSam("tiny-sam", random_sam(seed, config), Thresholds(**config["thresholds"]))


def picture(height: int = 150, width: int = 213, seed: int = 0) -> np.ndarray:
    """Smooth random colours."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def save_pocket(folder: Path, sam: Any, config: Mapping[str, Any] = CONFIG) -> Path:
    """The bundled model's layout."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    save_file(sam.state_dict(), folder / "model.safetensors")
    return folder


def save_release(folder: Path, sam: Any, name: str = "checkpoints/sam_vit_b_01ec64.pth") -> Path:
    """The segment-anything release's layout."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(sam.state_dict(), path)
    return folder


def transformers_config(config: Mapping[str, Any] = CONFIG) -> Any:
    """The SamConfig of the same sizes."""
    from transformers import SamConfig

    encoder, shared = config["encoder"], {"image_size": config["img_size"], "patch_size": config["patch_size"]}
    return SamConfig(
        vision_config={
            **shared,
            "hidden_size": encoder["embed_dim"],
            "num_hidden_layers": encoder["depth"],
            "num_attention_heads": encoder["num_heads"],
            "mlp_ratio": encoder["mlp_ratio"],
            "window_size": encoder["window_size"],
            "global_attn_indexes": encoder["global_attn_indexes"],
            "output_channels": config["dim"],
            "num_pos_feats": config["dim"] // 2,
        },
        prompt_encoder_config={
            **shared,
            "hidden_size": config["dim"],
            "mask_input_channels": config["mask_in_chans"],
        },
        mask_decoder_config={
            "hidden_size": config["dim"],
            "mlp_dim": config["decoder_mlp"],
            "num_attention_heads": config["decoder_heads"],
            "num_hidden_layers": config["decoder_depth"],
            "iou_head_hidden_dim": config["dim"],
        },
    )


def save_transformers(folder: Path, tensors: Mapping[str, torch.Tensor], config: Any) -> Path:
    """transformers' layout with the weights of a segment_anything state dict; ``config`` is a SamConfig."""
    from transformers import SamModel

    folder.mkdir(parents=True, exist_ok=True)
    with torch.device("meta"):
        names = list(SamModel(config).state_dict())
    save_file({name: tensors[our_name(name, names)].clone() for name in names}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config.to_dict()))
    return folder


def spec(family: Family, name: str = "tiny-sam", **changes: Any) -> ModelSpec:
    """A catalogue row for a tiny checkpoint; its folder is handed to the loader, so it has no source."""
    row = ModelSpec(
        name=name,
        title="Tiny SAM",
        task="promptable-masks",
        family=family,
        loader="core.sam:load",
        sources=(),
        params_m=0.1,
        download_mb=0.4,
        licence="Apache-2.0",
        is_non_commercial=False,
        image_px=int(CONFIG["img_size"]),
        preprocess="as the checkpoint says",
        note="Random weights, for tests.",
        source_url="",
    )
    return replace(row, **changes)
