"""The image tower: a small ConvNeXt that transformers knows, with a linear map into the caption space.

Three stages on a 4 px patch: the last map has stride 16. LayerScale is off, it only slows short trainings down.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import ConvNextConfig, ConvNextModel

IMAGE_MEAN = (0.485, 0.456, 0.406)
IMAGE_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class TowerShape:
    """Sizes of the image tower."""

    widths: tuple[int, ...] = (64, 160, 384)
    depths: tuple[int, ...] = (2, 2, 5)
    patch_px: int = 4
    drop_path: float = 0.0


class ImageTower(nn.Module):
    """Pixels to caption space: (N, 3, H, W) float normalised -> (N, dim), not normalised."""

    def __init__(self, shape: TowerShape, dim: int = 384) -> None:
        super().__init__()
        config = ConvNextConfig(
            num_stages=len(shape.widths),
            hidden_sizes=list(shape.widths),
            depths=list(shape.depths),
            patch_size=shape.patch_px,
            layer_scale_init_value=0.0,
            drop_path_rate=shape.drop_path,
        )
        config.hidden_size = shape.widths[-1]  # VisionTextDualEncoderModel reads it
        self.vision_model = ConvNextModel(config)
        self.visual_projection = nn.Linear(shape.widths[-1], dim, bias=False)
        self.log_scale = nn.Parameter(torch.tensor(3.0))

    def forward(self, pixels: Tensor) -> Tensor:
        """Pool, norm and project: (N, 3, H, W) -> (N, dim)."""
        return self.visual_projection(self.vision_model(pixels).pooler_output)

    def cells(self, pixels: Tensor) -> Tensor:
        """The last map before pooling: (N, 3, H, W) -> (N, C, H / 16, W / 16)."""
        return self.vision_model(pixels).last_hidden_state

    def project(self, features: Tensor) -> Tensor:
        """Norm and projection of pooled or single cells: (..., C) -> (..., dim) float32."""
        return self.visual_projection(self.vision_model.layernorm(features.float()))


def normalise(pixels: Tensor) -> Tensor:
    """RGB in [0, 1] -> the tower's input: (N, 3, H, W)."""
    mean = torch.tensor(IMAGE_MEAN).view(1, 3, 1, 1)
    std = torch.tensor(IMAGE_STD).view(1, 3, 1, 1)
    return (pixels - mean) / std


def fast_numbers() -> torch.autocast:
    """bfloat16 where the CPU computes in it; without AVX512-bf16 or AMX it is emulated, twenty times slower."""
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=torch.ops.mkldnn._is_mkldnn_bf16_supported())


class WeightAverage:
    """Exponential moving average of the weights, with a short memory at the start."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.weights = {name: value.detach().clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Move the average towards the model's weights."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                self.weights[name].lerp_(value, 1 - decay)
            else:
                self.weights[name].copy_(value)

    def state(self) -> dict[str, object]:
        """What a checkpoint holds."""
        return {"steps": self.steps, "weights": self.weights}

    def load(self, state: dict) -> None:
        """Go on from a checkpoint."""
        self.steps, self.weights = state["steps"], state["weights"]
