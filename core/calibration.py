"""From cosines to scores that can be read: scale and bias, temperature, and the correction of hubness.

Symbols: f_i image embeddings and t_j text embeddings, unit norm; s scale, b bias, T temperature.

    logit_ij = s * cos(f_i, t_j) + b            softmax over j (CLIP) or a sigmoid each (SigLIP)

A *hub* is a text that lies close to pictures of every kind. Its mean cosine over a bank of background pictures is
mean_i f_i . t_j = m . t_j with m the mean of the bank, so one vector is enough to subtract it.
Source of the correction: hubness in nearest neighbours, Radovanovic et al. 2010, JMLR 11:2487; as a mean
subtracted from each label's score it is our own choice, measured in training/README.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelUnavailable

Scoring = Literal["softmax", "sigmoid"]
NUMBERS_FILE = "calibration.json"
ARRAYS_FILE = "calibration.safetensors"


@dataclass(frozen=True, eq=False)
class Calibration:
    """What came with the weights to make their scores readable; the defaults change nothing.

    Attributes:
        temperature: Divides the logits before the softmax; > 1 makes scores less sure.
        image_mean: Mean embedding of background pictures, (D,) float32, shorter than 1; None = no correction.
        image_bank: Embeddings of background pictures, (B, D) float32, unit norm; None = no bank.
        unknown_threshold: Best score below which a picture shows none of the labels; None = not measured.
        note: How these numbers were measured, in words.
    """

    temperature: float = 1.0
    image_mean: NDArray[np.float32] | None = None
    image_bank: NDArray[np.float32] | None = None
    unknown_threshold: float | None = None
    note: str = ""


def read_calibration(folder: Path, dim: int) -> Calibration:
    """Read the calibration files of a checkpoint folder; a folder without them gets the identity.

    Args:
        folder: The checkpoint; may hold ``calibration.json`` and ``calibration.safetensors``.
        dim: Length D of the model's embeddings.

    Raises:
        ModelUnavailable: a file is damaged or does not fit the model.
    """
    try:
        numbers = _read_numbers(folder / NUMBERS_FILE)
        arrays = _read_arrays(folder / ARRAYS_FILE)
        mean, bank = arrays.get("image_mean"), arrays.get("image_bank")
        if bank is not None:
            _expect(bank.ndim == 2 and bank.shape[1] == dim, f"image_bank is {bank.shape}, not (B, {dim})")
            bank = unit_rows(bank)
            mean = bank.mean(axis=0) if mean is None else mean
        if mean is not None:
            _expect(mean.shape == (dim,), f"image_mean is {mean.shape}, not ({dim},)")
        temperature = float(numbers.get("temperature", 1.0))
        _expect(np.isfinite(temperature) and temperature > 0.0, f"temperature is {temperature}, not above 0")
        threshold = numbers.get("unknown_threshold")
        return Calibration(
            temperature, mean, bank, None if threshold is None else float(threshold), str(numbers.get("note", ""))
        )
    except (OSError, ValueError, TypeError) as error:
        raise ModelUnavailable(f"The calibration in {folder.name} cannot be used: {error}.") from error


def _expect(is_so: bool | np.bool_, otherwise: str) -> None:
    if not is_so:
        raise ValueError(otherwise)


def _read_numbers(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    numbers = json.loads(path.read_text(encoding="utf-8"))
    _expect(isinstance(numbers, dict), f"{path.name} holds no object")
    return dict(numbers)


def _read_arrays(path: Path) -> dict[str, NDArray[np.float32]]:
    if not path.exists():
        return {}
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        arrays = {name: array.astype(np.float32) for name, array in load_file(path).items()}
    except SafetensorError as error:
        raise ValueError(f"{path.name} is damaged") from error
    for name, array in arrays.items():
        _expect(np.isfinite(array).all(), f"{name} holds numbers that are not finite")
    return arrays


def unit_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale the last axis to length 1; zero vectors stay zero. (..., D) -> (..., D) float32."""
    lengths = np.linalg.norm(rows.astype(np.float64), axis=-1, keepdims=True)
    return (rows / np.where(lengths > 0.0, lengths, 1.0)).astype(np.float32)


def hubness_corrected(
    similarities: NDArray[np.float32], texts: NDArray[np.float32], calibration: Calibration
) -> NDArray[np.float32]:
    """Subtract from each text's cosines its mean cosine over the background pictures.

    Args:
        similarities: Cosines, (N, M) float32.
        texts: The M text embeddings, (M, D) float32, unit norm.
        calibration: Holds the mean m; without one the cosines come back unchanged.

    Returns:
        ``similarities - (texts @ m)``, (N, M) float32; over the bank itself every column has mean 0.

    Raises:
        ValueError: shapes do not fit.
    """
    if calibration.image_mean is None:
        return similarities
    if similarities.shape[-1:] != texts.shape[:1] or texts.shape[1:] != calibration.image_mean.shape:
        mean_shape = calibration.image_mean.shape
        raise ValueError(f"similarities {similarities.shape}, texts {texts.shape} and mean {mean_shape} do not fit")
    return similarities - (texts @ calibration.image_mean)[None, :]


def logits(
    images: NDArray[np.float32], texts: NDArray[np.float32], *, scale: float, bias: float = 0.0
) -> NDArray[np.float32]:
    """Scores of every image against every text: ``scale * images @ texts.T + bias``.

    Args:
        images: (N, D) float32, unit norm.
        texts: (M, D) float32, unit norm.
        scale: exp(logit_scale) of the checkpoint.
        bias: logit_bias of the checkpoint; 0 where it has none.

    Returns:
        (N, M) float32, what transformers calls ``logits_per_image``.
    """
    return (images @ texts.T) * np.float32(scale) + np.float32(bias)


def probabilities(scores: NDArray[np.float32], scoring: Scoring, *, temperature: float = 1.0) -> NDArray[np.float32]:
    """Turn logits into numbers in [0, 1]: softmax over the last axis, or a sigmoid each.

    Args:
        scores: Logits, (..., M) float32.
        scoring: ``"softmax"`` (CLIP: the M texts compete) or ``"sigmoid"`` (SigLIP: each on its own).
        temperature: Divides the logits first.

    Returns:
        (..., M) float32; with softmax each row sums to 1 within 1e-6.
    """
    scaled = scores.astype(np.float64) / temperature
    if scoring == "sigmoid":
        return (0.5 * (1.0 + np.tanh(0.5 * scaled))).astype(np.float32)
    if scaled.shape[-1] == 0:
        return scaled.astype(np.float32)
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return (powers / powers.sum(axis=-1, keepdims=True)).astype(np.float32)
