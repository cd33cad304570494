"""Checkpoints in OpenCLIP's layout, rewritten into the layout that transformers reads.

Some repositories (LAION-2B B/16 and DataComp B/32 among them) hold ``open_clip_config.json`` and
``open_clip_model.safetensors`` only. Names differ, query, key and value are one matrix there, and the two
projections are transposed; the numbers are the same. The test rebuilds OpenCLIP's architecture and compares.
Source of the names: the checkpoints themselves and OpenCLIP's ``model.py`` (MIT).
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelUnavailable
from core.lockfile import sha256_of, write_json
from core.tasks import Job

CONFIG, WEIGHTS = "open_clip_config.json", "open_clip_model.safetensors"
FOLDER = "for-transformers"
_MARK = ".converted.json"  # what was converted, and the files that came of it
_MEAN, _DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
_BLOCK = re.compile(r"(visual\.)?transformer\.resblocks\.(\d+)\.(.+)")
_IN_BLOCK = {
    "attn.out_proj": "self_attn.out_proj",
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}
_OUTSIDE = {
    "logit_scale": "logit_scale",
    "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
    "positional_embedding": "text_model.embeddings.position_embedding.weight",
    "ln_final.weight": "text_model.final_layer_norm.weight",
    "ln_final.bias": "text_model.final_layer_norm.bias",
    "visual.class_embedding": "vision_model.embeddings.class_embedding",
    "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
    "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
    "visual.ln_pre.weight": "vision_model.pre_layrnorm.weight",  # misspelt in transformers
    "visual.ln_pre.bias": "vision_model.pre_layrnorm.bias",
    "visual.ln_post.weight": "vision_model.post_layernorm.weight",
    "visual.ln_post.bias": "vision_model.post_layernorm.bias",
}
_TRANSPOSED = {"visual.proj": "visual_projection.weight", "text_projection": "text_projection.weight"}

Tensors = Mapping[str, NDArray[Any]]


def converted(folder: Path, title: str, *, job: Job | None = None) -> Path:
    """The folder beside the OpenCLIP files that transformers can load; made once, made anew if it changed.

    Args:
        folder: Holds ``CONFIG``, ``WEIGHTS`` and tokenizer files, already checked.
        title: Names the model in sentences.
        job: Told that it loads, checked between steps.

    Raises:
        ModelUnavailable: an architecture other than OpenCLIP's own image and text transformers.
    """
    target = folder / FOLDER
    if _read_mark(target) == _mark_of(folder, target):
        return target
    if job is not None:
        job.step("loading", note=f"{title}: rewriting OpenCLIP's layout")
    temporary = Path(tempfile.mkdtemp(dir=folder, prefix=".converting-"))
    try:
        _convert(folder, temporary, title, job)
        shutil.rmtree(target, ignore_errors=True)
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    write_json(target / _MARK, _mark_of(folder, target))
    return target


def _convert(folder: Path, target: Path, title: str, job: Job | None) -> None:
    from safetensors.numpy import load_file, save_file

    try:
        content = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        config, pixels = config_of(content), preprocessor_of(content)
        tensors = renamed(load_file(folder / WEIGHTS))
    except (KeyError, TypeError, ValueError) as error:
        raise ModelUnavailable(
            f"{title} has an architecture that this hub cannot read ({type(error).__name__}: {error}); take another."
        ) from error
    if job is not None:
        job.check()
    save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
    write_json(target / "config.json", config)
    write_json(target / "preprocessor_config.json", pixels)
    for path in folder.iterdir():
        if path.is_file() and path.name not in (CONFIG, WEIGHTS) and not path.name.startswith("."):
            shutil.copy2(path, target / path.name)


def config_of(open_clip: Mapping[str, Any]) -> dict[str, Any]:
    """config.json of a CLIPModel for the content of ``open_clip_config.json``.

    Raises:
        KeyError: a size is missing.
        ValueError: a tower that is not OpenCLIP's own transformer.
    """
    model = open_clip["model_cfg"]
    vision, text = model["vision_cfg"], model["text_cfg"]
    foreign = {"timm_model_name", "hf_model_name"} & {*vision, *text}
    if foreign or not isinstance(vision["layers"], int):
        raise ValueError(f"towers of {', '.join(sorted(foreign)) or 'ResNet'}")
    shared = {"hidden_act": "quick_gelu" if model.get("quick_gelu") else "gelu", "projection_dim": model["embed_dim"]}
    return {
        "architectures": ["CLIPModel"],
        "model_type": "clip",
        "projection_dim": model["embed_dim"],
        "text_config": {
            **shared,
            "model_type": "clip_text_model",
            "hidden_size": text["width"],
            "intermediate_size": int(text["width"] * text.get("mlp_ratio", 4)),
            "num_attention_heads": text["heads"],
            "num_hidden_layers": text["layers"],
            "vocab_size": text["vocab_size"],
            "max_position_embeddings": text["context_length"],
            "bos_token_id": text["vocab_size"] - 2,
            "eos_token_id": text["vocab_size"] - 1,
        },
        "vision_config": {
            **shared,
            "model_type": "clip_vision_model",
            "hidden_size": vision["width"],
            "intermediate_size": int(vision["width"] * vision.get("mlp_ratio", 4)),
            "num_attention_heads": vision["width"] // vision.get("head_width", 64),
            "num_hidden_layers": vision["layers"],
            "image_size": vision["image_size"],
            "patch_size": vision["patch_size"],
        },
    }


def preprocessor_of(open_clip: Mapping[str, Any]) -> dict[str, Any]:
    """preprocessor_config.json for the content of ``open_clip_config.json``.

    Raises:
        ValueError: pictures are not fitted by their short side and cropped.
    """
    size_px, ways = open_clip["model_cfg"]["vision_cfg"]["image_size"], open_clip.get("preprocess_cfg", {})
    if ways.get("resize_mode", "shortest") != "shortest" or ways.get("interpolation", "bicubic") != "bicubic":
        raise ValueError(f"pictures resized by {ways['resize_mode']}")
    return {
        "image_processor_type": "CLIPImageProcessor",
        "do_resize": True,
        "size": {"shortest_edge": size_px},
        "resample": 3,  # bicubic
        "do_center_crop": True,
        "crop_size": {"height": size_px, "width": size_px},
        "do_rescale": True,
        "do_normalize": True,
        "do_convert_rgb": True,
        "image_mean": list(ways.get("mean", _MEAN)),
        "image_std": list(ways.get("std", _DEVIATION)),
    }


def renamed(tensors: Tensors) -> dict[str, NDArray[Any]]:
    """The tensors under the names of transformers' CLIPModel, split and transposed as it wants them.

    Raises:
        KeyError: a name that OpenCLIP's own image and text transformers do not have.
    """
    found: dict[str, NDArray[Any]] = {}
    for name, tensor in tensors.items():
        block = _BLOCK.fullmatch(name)
        if block is not None:
            tower = "vision_model" if block[1] else "text_model"
            found |= _renamed_in_block(f"{tower}.encoder.layers.{block[2]}", block[3], tensor)
        elif name in _TRANSPOSED:
            found[_TRANSPOSED[name]] = np.ascontiguousarray(tensor.T)
        elif name != "attn_mask":  # a constant
            found[_OUTSIDE[name]] = tensor
    return found


def _renamed_in_block(layer: str, name: str, tensor: NDArray[Any]) -> Tensors:
    part, _, kind = name.rpartition(".")
    if name in ("attn.in_proj_weight", "attn.in_proj_bias"):
        kind = name.rsplit("_", 1)[1]
        thirds = np.split(tensor, 3)
        return {f"{layer}.self_attn.{which}_proj.{kind}": third for which, third in zip("qkv", thirds, strict=True)}
    return {f"{layer}.{_IN_BLOCK[part]}.{kind}": tensor}


def _mark_of(folder: Path, target: Path) -> dict[str, Any]:
    """Size and times of what was converted and of what came of it."""
    paths = [folder / CONFIG, folder / WEIGHTS]
    if target.is_dir():
        paths += sorted(path for path in target.iterdir() if not path.name.startswith("."))
    stamps = {str(path.relative_to(folder)): [path.stat().st_size, path.stat().st_mtime_ns] for path in paths}
    return {"files": stamps, "config_sha256": sha256_of(folder / CONFIG)}


def _read_mark(target: Path) -> dict[str, Any] | None:
    try:
        content = json.loads((target / _MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
