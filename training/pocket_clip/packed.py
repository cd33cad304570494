"""A packed folder as the evaluation sees it: through transformers, as a visitor's machine would load it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional
from transformers import AutoModel, AutoProcessor

from core.calibration import hubness_corrected, read_calibration
from training.pocket_clip import captions, minilm

TEMPLATES = ("{}", "a photo of a {}")


class Packed:
    """The packed folder behind two functions: pictures and texts to unit-norm rows.

    Attributes:
        folder: Where it lies.
        scale: exp(logit_scale).
        calibration: The folder's own, the identity where it has none.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
        self.processor = AutoProcessor.from_pretrained(folder)
        self.scale = float(self.model.logit_scale.detach().exp())
        self.calibration = read_calibration(folder, minilm.DIM)

    @torch.inference_mode()
    def images(self, pictures: np.ndarray, batch: int = 250) -> np.ndarray:
        """(N, H, W, 3) uint8 -> (N, D) float32."""
        rows = []
        for start in range(0, len(pictures), batch):
            inputs = self.processor.image_processor(list(pictures[start : start + batch]), return_tensors="pt")
            rows.append(functional.normalize(self.model.get_image_features(**inputs).pooler_output, dim=-1).numpy())
        return np.concatenate(rows)

    @torch.inference_mode()
    def texts(self, texts: list[str]) -> np.ndarray:
        """M texts -> (M, D) float32."""
        rows = []
        for start in range(0, len(texts), 256):
            tokens = self.processor.tokenizer(
                texts[start : start + 256], padding=True, truncation=True, return_tensors="pt"
            )
            rows.append(functional.normalize(self.model.get_text_features(**tokens).pooler_output, dim=-1).numpy())
        return np.concatenate(rows)

    def names(self, names: list[str], templates: tuple[str, ...] = TEMPLATES) -> np.ndarray:
        """Class names through templates, averaged: (M, D) unit norm."""
        filled = [[captions.fill(template, name) for name in names] for template in templates]
        mean = np.mean([self.texts(texts) for texts in filled], axis=0)
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)

    def corrected(self, similarities: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """Cosines (N, M) less what the folder's background pictures say of the texts (M, D)."""
        return hubness_corrected(similarities, texts, self.calibration)
