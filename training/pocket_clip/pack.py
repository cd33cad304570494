"""Write the trained towers as a checkpoint folder that transformers loads without code of ours.

VisionTextDualEncoderModel with a ConvNext image tower and an ALBERT text tower, float16, with its tokenizer and
image processor. Calibration and card are added by calibrate and evaluate.

Run: ``python -m training.pocket_clip.pack --image RUN --text RUN --out assets/models/pocket-clip --side 64``
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from transformers import (
    PreTrainedTokenizerBase,
    VisionTextDualEncoderConfig,
    VisionTextDualEncoderModel,
    VisionTextDualEncoderProcessor,
    ViTImageProcessor,
)

from training.pocket_clip import minilm
from training.pocket_clip.model import IMAGE_MEAN, IMAGE_STD, ImageTower, TowerShape
from training.pocket_clip.student_text import TextTower, make_tokenizer

BICUBIC = 3


def join(image: ImageTower, text: TextTower) -> VisionTextDualEncoderModel:
    """Both towers as one transformers model, float16."""
    config = VisionTextDualEncoderConfig.from_vision_text_configs(
        image.vision_model.config, text.text_model.config, projection_dim=minilm.DIM
    )
    model = VisionTextDualEncoderModel(config).eval()
    model.vision_model.load_state_dict(image.vision_model.state_dict())
    model.text_model.load_state_dict(text.text_model.state_dict())
    with torch.no_grad():
        model.visual_projection.weight.copy_(image.visual_projection.weight)
        model.text_projection.weight.copy_(text.text_projection.weight)
        model.logit_scale.copy_(image.log_scale.clamp(max=4.6052))
    return model.half()


def make_processor(tokenizer: PreTrainedTokenizerBase, side_px: int) -> VisionTextDualEncoderProcessor:
    """Squash to the square, bicubic, ImageNet mean and spread."""
    images = ViTImageProcessor(
        do_resize=True,
        size={"height": side_px, "width": side_px},
        resample=BICUBIC,
        do_rescale=True,
        do_normalize=True,
        image_mean=list(IMAGE_MEAN),
        image_std=list(IMAGE_STD),
    )
    return VisionTextDualEncoderProcessor(images, tokenizer)


def save(model: VisionTextDualEncoderModel, processor: VisionTextDualEncoderProcessor, folder: Path) -> None:
    """Write the folder, with both spellings of the processor's file and a tokenizer class old releases know."""
    model.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    processor.save_pretrained(folder)
    processor.image_processor.save_pretrained(folder)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings["tokenizer_class"] = "PreTrainedTokenizerFast"
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1) + "\n")


def unpack(folder: Path) -> VisionTextDualEncoderModel:
    """A packed folder in float32."""
    return VisionTextDualEncoderModel.from_pretrained(folder, dtype=torch.float32).eval()


def load_image_tower(run: Path, *, averaged: bool = True) -> ImageTower:
    """The image tower of a training run, or of a packed folder."""
    tower = ImageTower(TowerShape()).eval()
    if not (run / "checkpoint.pt").is_file():
        packed = unpack(run)
        tower.vision_model.load_state_dict(packed.vision_model.state_dict())
        tower.visual_projection.load_state_dict(packed.visual_projection.state_dict())
        tower.log_scale.data = packed.logit_scale.data.clone()
        return tower
    state = torch.load(run / "checkpoint.pt", weights_only=False)
    tower.load_state_dict(state["average"]["weights"] if averaged else state["model"])
    return tower


def load_text_tower(run: Path) -> TextTower:
    """The text tower of a training run, or of a packed folder."""
    tower = TextTower(len(make_tokenizer())).eval()
    if not (run / "checkpoint.pt").is_file():
        packed = unpack(run)
        tower.text_model.load_state_dict(packed.text_model.state_dict())
        tower.text_projection.load_state_dict(packed.text_projection.state_dict())
        return tower
    state = torch.load(run / "checkpoint.pt", weights_only=False)
    tower.load_state_dict(state["tower"])
    return tower


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", type=Path, required=True, help="run, or packed folder")
    parser.add_argument("--text", type=Path, required=True, help="run, or packed folder")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--side", type=int, default=64)
    args = parser.parse_args()
    model = join(load_image_tower(args.image), load_text_tower(args.text))
    save(model, make_processor(make_tokenizer(), args.side), args.out)


if __name__ == "__main__":
    main()
