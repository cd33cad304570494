"""Reads the folder of an image-text checkpoint: network, tokenizer, image processor; refuses what does not fit.

Only local folders, only safetensors, no code of the checkpoint's own. What a family needs beyond its own files
is in this module alone: how long texts may be and how they are padded.
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.catalog import ModelSpec
from core.errors import ModelUnavailable
from core.loading import telling_of_damage
from core.tasks import Job

MODEL_TYPES = ("clip", "siglip", "siglip2", "vision-text-dual-encoder", "chinese_clip", "altclip")
SIGLIP_TYPES = ("siglip", "siglip2")
# Text towers whose positions start behind the padding id, so that the first pad + 1 of them are never used.
OFFSET_TYPES = ("altclip", "altclip_text_model", "roberta", "xlm-roberta", "camembert", "xlm-roberta-xl")
# Fixed indices that some versions save and others do not.
FIXED_KEY = re.compile(r"(position_ids|token_type_ids|num_batches_tracked)$")
# Left over in published files: poolers of text towers whose class reads the first token itself.
UNUSED_KEY = re.compile(r"(^|\.)pooler\.")
# from_pretrained swaps torch's initialisers and default dtype for the whole process while it runs.
_loading = threading.Lock()


@dataclass(frozen=True, eq=False)
class Parts:
    """What a checkpoint folder holds, ready to run.

    Attributes:
        network: The transformers model, in evaluation mode on its device.
        tokenizer: Its tokenizer.
        pixels: Its image processor.
        model_type: ``model_type`` of config.json.
        max_tokens: Longest text in tokens, start and end included.
        pads_to_limit: Whether every text is padded to ``max_tokens`` (SigLIP was trained so and has no mask).
        is_causal: Whether the text tower looks only backwards (CLIP), so that beginnings can be shared.
    """

    network: Any
    tokenizer: Any
    pixels: Any
    model_type: str
    max_tokens: int
    pads_to_limit: bool
    is_causal: bool


def read_parts(folder: Path, spec: ModelSpec, *, device: str, dtype: str, job: Job | None = None) -> Parts:
    """Load a checkpoint folder.

    Args:
        folder: config.json, *.safetensors, tokenizer files, preprocessor_config.json.
        spec: Names the model in sentences.
        device: ``"cpu"``, ``"cuda"`` or ``"mps"``.
        dtype: Number format of the weights in memory, whatever it is on disk.
        job: Asked for Cancel while another checkpoint is being read.

    Raises:
        ModelUnavailable: a file is missing or damaged, the family is unknown, or weights and config disagree.
        Cancelled: ``job`` was cancelled.
    """
    model_type = _model_type(folder, spec)
    while not _loading.acquire(timeout=0.1):
        if job is not None:
            job.check()
    try:
        return _read(folder, spec, model_type, device, dtype)
    finally:
        _loading.release()


def _model_type(folder: Path, spec: ModelSpec) -> str:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        model_type = str(config["model_type"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelUnavailable(
            f"{spec.title} has no readable config.json in {folder}; remove the model on the Models page, get it again."
        ) from error
    if model_type not in MODEL_TYPES:
        raise ModelUnavailable(
            f"{spec.title} is of type {model_type!r}, which this hub cannot run; it runs {', '.join(MODEL_TYPES)}."
        )
    if not any(folder.glob("*.safetensors")):
        raise ModelUnavailable(f"{spec.title} has no .safetensors file in {folder}; other formats are not loaded.")
    return model_type


def _read(folder: Path, spec: ModelSpec, model_type: str, device: str, dtype: str) -> Parts:
    import torch
    from transformers import AutoImageProcessor, AutoModel, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    local = {"local_files_only": True, "trust_remote_code": False}
    with telling_of_damage(spec.title):
        pixels = AutoImageProcessor.from_pretrained(str(folder), **local)
        tokenizer = AutoTokenizer.from_pretrained(str(folder), **local)
        network, keys = AutoModel.from_pretrained(
            str(folder), dtype=getattr(torch, dtype), use_safetensors=True, output_loading_info=True, **local
        )
    _check_keys(spec, keys)
    network.to(device).eval().requires_grad_(False)
    limit = _max_tokens(network.config, tokenizer)
    return Parts(network, tokenizer, pixels, model_type, limit, model_type in SIGLIP_TYPES, model_type == "clip")


def _check_keys(spec: ModelSpec, keys: dict[str, Any]) -> None:
    """Refuse weights that leave a part of the network at random, or that were made for another network."""
    missing = sorted(key for key in keys["missing_keys"] if not FIXED_KEY.search(key))
    unexpected = sorted(
        key for key in keys["unexpected_keys"] if not FIXED_KEY.search(key) and not UNUSED_KEY.search(key)
    )
    for names, fault in ((missing, "lacks"), (unexpected, "has, without a place for them,")):
        if names:
            raise ModelUnavailable(
                f"The weights of {spec.title} do not fit its config.json: it {fault} {len(names)} tensors "
                f"such as {names[0]}; the files do not belong together, so get the model again."
            )


def _max_tokens(config: Any, tokenizer: Any) -> int:
    """Longest text in tokens: what the positions allow, and what the tokenizer says where that is less.

    For CLIP the positions alone decide: long-text versions stretch them to 248 and often keep a tokenizer file
    that still says 77.
    """
    text = config.text_config
    positions = int(text.max_position_embeddings)
    if text.model_type in OFFSET_TYPES:
        positions -= int(text.pad_token_id or 0) + 1
    return positions if config.model_type == "clip" else min(positions, int(tokenizer.model_max_length))
