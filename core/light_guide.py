"""An image-text model as a teacher of light: embeddings and features of pictures through which gradients flow.

:mod:`core.clip` answers questions and keeps no gradients; this is the same checkpoint, loaded beside it, frozen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core import catalog, checkpoints
from core.clip_files import Parts, read_parts
from core.errors import ModelUnavailable
from core.tasks import Job

if TYPE_CHECKING:
    from torch import Tensor, nn

LEVELS = 5  # of features at most, from the first to the last: RN101's stem and four stages in CLIP-LIT
CONTEXT_TOKENS = 16  # of a learnt prompt, as in CLIP-LIT
_FIRST_WORD = "X"  # of which CLIP-LIT's prompts are made before they learn


class Guide:
    """A frozen image-text model with gradients to its inputs.

    Attributes:
        name: Name in the catalogue.
        side_px: Side of the square that it looks at.
        dim: Length D of an embedding.
    """

    def __init__(self, name: str, parts: Parts) -> None:
        """Wrap a loaded checkpoint; :func:`load_guide` is the usual way."""
        import torch

        self.name = name
        self._network = parts.network
        self._tokenizer = parts.tokenizer
        pixels = parts.pixels
        size = dict(pixels.crop_size if getattr(pixels, "do_center_crop", False) else pixels.size)
        self.side_px = int(size.get("height") or size.get("shortest_edge") or 224)
        self._mean = torch.tensor(pixels.image_mean).view(1, 3, 1, 1)
        self._std = torch.tensor(pixels.image_std).view(1, 3, 1, 1)
        self.dim = int(self._network.visual_projection.out_features)

    def look(self, pixels: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Embed pictures.

        Args:
            pixels: (N, 3, h, w) float32 in [0, 1], display light; squashed to the square that the model looks at.

        Returns:
            (N, D) of unit norm, and the features of up to ``LEVELS`` levels, each (N, ...), the first first.
        """
        from torch.nn import functional

        side = (self.side_px, self.side_px)
        if tuple(pixels.shape[-2:]) != side:
            pixels = functional.interpolate(pixels, side, mode="bicubic", align_corners=False, antialias=True)
        seen = self._network.vision_model(
            pixel_values=(pixels.clamp(0.0, 1.0) - self._mean) / self._std, output_hidden_states=True
        )
        rows = functional.normalize(self._network.visual_projection(seen.pooler_output), dim=-1)
        return rows, self._levels(list(seen.hidden_states))

    def start_prompts(self, count: int) -> Tensor:
        """Token embeddings of ``count`` equal prompts of 16 times "X", (count, T, E): where CLIP-LIT starts.

        Raises:
            ModelUnavailable: the text tower takes no embeddings in place of tokens.
        """
        import torch

        ids = self._tokenizer(" ".join([_FIRST_WORD] * CONTEXT_TOKENS), return_tensors="pt")["input_ids"]
        with torch.no_grad():
            rows = self._text_table()(ids)
        return rows.expand(count, -1, -1).clone()

    def read_prompts(self, prompts: Tensor) -> Tensor:
        """Embed learnt prompts, (P, T, E) -> (P, D) of unit norm."""
        from torch.nn import functional

        read = self._network.text_model(inputs_embeds=prompts)
        return functional.normalize(self._network.text_projection(read.pooler_output), dim=-1)

    def _text_table(self) -> nn.Module:
        if type(self._network).__name__ != "VisionTextDualEncoderModel":
            raise ModelUnavailable(f"{self.name} reads no learnt prompts; take pocket-clip for CLIP-LIT's training.")
        table: nn.Module = self._network.text_model.get_input_embeddings()
        return table

    @staticmethod
    def _levels(features: list[Tensor]) -> list[Tensor]:
        """At most ``LEVELS`` of the features, evenly spaced, first and last among them."""
        if len(features) <= LEVELS:
            return features
        places = [round(place * (len(features) - 1) / (LEVELS - 1)) for place in range(LEVELS)]
        return [features[place] for place in places]


def load_guide(name: str, *, job: Job | None = None) -> Guide:
    """Load a model of the catalogue as a guide, on the CPU.

    Raises:
        ModelUnavailable: it cannot be had, or is of a kind that gives no features.
        Cancelled: the job was cancelled.
    """
    row = catalog.spec(name)
    folder = checkpoints.resolve(row, job=job)
    parts = read_parts(folder, row, device="cpu", dtype="float32", job=job)
    network: Any = parts.network
    if not hasattr(network, "visual_projection"):
        raise ModelUnavailable(f"{row.title} cannot guide a training; take pocket-clip or a CLIP model.")
    return Guide(name, parts)
