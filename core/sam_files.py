"""Reads the folder of a promptable segmenter in any of three layouts into segment_anything's one class.

``pocket-sam``: config.json with the sizes (see core/sam_build.py) and thresholds, model.safetensors under
segment_anything's names. ``sam``: the .pth files of the segment-anything release, a pickle of tensors, read with
``weights_only=True``, which builds tensors and nothing else; its sizes are read off the tensors. ``sam-hf``: the
safetensors of transformers' SamModel, whose tensors are the same under other names, so that one code computes both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import ModelUnavailable
from core.loading import require_fit, telling_of_damage, unpickled_tensors
from core.model_spec import ModelSpec
from core.sam_automatic import Thresholds
from core.sam_build import PIXEL_MEAN, PIXEL_STD, build
from core.tasks import Job

if TYPE_CHECKING:
    from torch import Tensor

Tensors = dict[str, "Tensor"]
DECODER_HEADS = 8  # of every released SAM; the only size that no tensor shows
_RENAMED = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"^vision_encoder\.patch_embed\.projection\.", "image_encoder.patch_embed.proj."),
        (r"^vision_encoder\.layers\.(\d+)\.layer_norm(\d)\.", r"image_encoder.blocks.\1.norm\2."),
        (r"^vision_encoder\.layers\.", "image_encoder.blocks."),
        (r"^vision_encoder\.neck\.conv1\.", "image_encoder.neck.0."),
        (r"^vision_encoder\.neck\.layer_norm1\.", "image_encoder.neck.1."),
        (r"^vision_encoder\.neck\.conv2\.", "image_encoder.neck.2."),
        (r"^vision_encoder\.neck\.layer_norm2\.", "image_encoder.neck.3."),
        (r"^vision_encoder\.", "image_encoder."),
        (
            r"^(prompt_encoder\.shared_embedding|shared_image_embedding)\.positional_embedding$",
            "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
        ),
        (r"^prompt_encoder\.point_embed\.", "prompt_encoder.point_embeddings."),
        (r"^prompt_encoder\.mask_embed\.conv1\.", "prompt_encoder.mask_downscaling.0."),
        (r"^prompt_encoder\.mask_embed\.layer_norm1\.", "prompt_encoder.mask_downscaling.1."),
        (r"^prompt_encoder\.mask_embed\.conv2\.", "prompt_encoder.mask_downscaling.3."),
        (r"^prompt_encoder\.mask_embed\.layer_norm2\.", "prompt_encoder.mask_downscaling.4."),
        (r"^prompt_encoder\.mask_embed\.conv3\.", "prompt_encoder.mask_downscaling.6."),
        (r"^mask_decoder\.transformer\.layer_norm_final_attn\.", "mask_decoder.transformer.norm_final_attn."),
        (r"^(mask_decoder\.transformer\.layers\.\d+)\.layer_norm(\d)\.", r"\1.norm\2."),
        (r"^mask_decoder\.upscale_conv1\.", "mask_decoder.output_upscaling.0."),
        (r"^mask_decoder\.upscale_layer_norm\.", "mask_decoder.output_upscaling.1."),
        (r"^mask_decoder\.upscale_conv2\.", "mask_decoder.output_upscaling.3."),
    )
)
_HEAD = re.compile(r"^(mask_decoder\.(?:output_hypernetworks_mlps\.\d+|iou_prediction_head))\.(.+)\.(weight|bias)$")


def read_sam(folder: Path, spec: ModelSpec, *, job: Job | None = None) -> tuple[Any, Thresholds]:
    """Load a checkpoint folder.

    Args:
        folder: What :func:`core.checkpoints.resolve` returned.
        spec: Its row: the family says which layout.
        job: Asked for Cancel between steps.

    Returns:
        segment_anything's ``Sam`` on the CPU, in evaluation mode, and the thresholds of its automatic masks.

    Raises:
        ModelUnavailable: a file is missing, damaged, or holds something else; one sentence.
        Cancelled: the job was cancelled.
    """
    with telling_of_damage(spec.title):
        tensors = _read_pickle(folder, spec) if spec.family == "sam" else _read_safetensors(folder, spec)
        if job is not None:
            job.check()
        config, tensors = _with_sizes(folder, spec, tensors)
        own = Thresholds(**config.get("thresholds", {}))
        return _filled(config, tensors, spec, job), own


def _with_sizes(folder: Path, spec: ModelSpec, tensors: Tensors) -> tuple[dict[str, Any], Tensors]:
    """The sizes of the network, and the tensors under segment_anything's names."""
    if spec.family == "sam":
        return config_of(tensors), tensors
    config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if spec.family != "sam-hf":
        return config, tensors
    if config.get("model_type") != "sam":
        raise ValueError(f"its config.json is of type {config.get('model_type')!r} instead of 'sam'")
    tensors = renamed(tensors)
    heads = (config.get("mask_decoder_config") or {}).get("num_attention_heads", DECODER_HEADS)
    return {**config_of(tensors), "decoder_heads": heads}, tensors


def _filled(config: Mapping[str, Any], tensors: Tensors, spec: ModelSpec, job: Job | None) -> Any:
    """The network with these weights in place of random ones; the large ones are never held twice."""
    import torch

    with torch.device("meta"):
        sam = build(config)
    for name, values in (("pixel_mean", PIXEL_MEAN), ("pixel_std", PIXEL_STD)):  # in no checkpoint
        sam.register_buffer(name, torch.tensor(values).view(-1, 1, 1), persistent=False)
    if job is not None:
        job.check()
    tensors = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    require_fit(sam, tensors, spec.title)
    sam.load_state_dict(tensors, assign=True)
    return sam.eval().requires_grad_(False)


def _read_safetensors(folder: Path, spec: ModelSpec) -> Tensors:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    paths = sorted(folder.glob("*.safetensors"))
    if not paths:
        raise ModelUnavailable(f"{spec.title} has no .safetensors file in {folder}; other formats are not loaded.")
    tensors: Tensors = {}
    for path in paths:
        try:
            tensors |= load_file(path)
        except SafetensorError as error:
            raise ValueError(f"{path.name}: {error}") from error
    return tensors


def _read_pickle(folder: Path, spec: ModelSpec) -> Tensors:
    paths = sorted(folder.rglob("*.pth"))
    if len(paths) != 1:
        raise ModelUnavailable(f"{spec.title} has {len(paths)} .pth files in {folder} instead of one; get it again.")
    return unpickled_tensors(paths[0], spec.title)


def config_of(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """The sizes of a checkpoint with ViT encoder, read off its tensors under segment_anything's names.

    Raises:
        KeyError: a tensor is missing that every SAM has.
    """
    encoder = "image_encoder."
    patches = tensors[f"{encoder}patch_embed.proj.weight"]
    grid, width = tensors[f"{encoder}pos_embed"].shape[1], patches.shape[0]
    blocks = {int(name.split(".")[2]) for name in tensors if name.startswith(f"{encoder}blocks.")}
    tables = {block: tensors[f"{encoder}blocks.{block}.attn.rel_pos_h"].shape for block in sorted(blocks)}
    is_global = [block for block, (length, _) in tables.items() if length == 2 * grid - 1]
    windows = {(length + 1) // 2 for length, _ in tables.values()} - {grid}
    layers = {int(name.split(".")[3]) for name in tensors if name.startswith("mask_decoder.transformer.layers.")}
    return {
        "img_size": grid * patches.shape[-1],
        "patch_size": patches.shape[-1],
        "encoder": {
            "embed_dim": width,
            "depth": len(blocks),
            "num_heads": width // tables[0][1],
            "mlp_ratio": tensors[f"{encoder}blocks.0.mlp.lin1.weight"].shape[0] / width,
            "window_size": windows.pop() if windows else 0,
            "global_attn_indexes": is_global,
        },
        "dim": tensors["mask_decoder.iou_token.weight"].shape[1],
        "decoder_mlp": tensors["mask_decoder.transformer.layers.0.mlp.lin1.weight"].shape[0],
        "decoder_heads": DECODER_HEADS,
        "decoder_depth": len(layers),
        "mask_in_chans": tensors["prompt_encoder.mask_downscaling.3.weight"].shape[0],
    }


def renamed(tensors: Mapping[str, Tensor]) -> Tensors:
    """The tensors of a transformers SamModel under segment_anything's names; unknown names stay as they are."""
    return {our_name(name, tensors): tensor for name, tensor in tensors.items()}


def our_name(name: str, names: Collection[str]) -> str:
    """segment_anything's name of one tensor of a transformers SamModel; ``names`` are those of all of them."""
    for pattern, replacement in _RENAMED:
        name, count = pattern.subn(replacement, name)
        if count:
            break
    head = _HEAD.match(name)
    if head is None:
        return name
    start, layer, kind = head.groups()  # there: first, those between, and last; here: counted through
    between = sum(re.fullmatch(rf"{re.escape(start)}\.layers\.\d+\.weight", other) is not None for other in names)
    if layer == "proj_in":
        place = 0
    elif layer == "proj_out":
        place = between + 1
    else:
        place = int(layer.removeprefix("layers.")) + 1
    return f"{start}.layers.{place}.{kind}"
