"""A sound-text encoder (CLAP) by transformers: sounds and words in one space, to ask whether a sound is what was named.

It judges what a separator made and takes no part in making it. Sounds longer than ten seconds are heard in pieces whose
embeddings are averaged, because the checkpoint's own way is to listen to ten seconds drawn at random.
Source: Wu et al. 2023, arXiv:2211.06687.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.calibration import unit_rows
from core.clip_files import FIXED_KEY
from core.device import exclusive
from core.loading import telling_of_damage
from core.memory import give_back_memory
from core.model_spec import ModelSpec
from core.tasks import Job

Floats = NDArray[np.float32]
LEAST_SHARE = 0.5  # of ten seconds: a last piece that is shorter reaches back into the one before


class SoundTextEncoder:
    """One CLAP model on one device; safe to use from many threads.

    Attributes:
        name: Name in the catalogue.
        rate_hz: Sample rate that sounds must have.
        size_bytes: Memory of the weights.
    """

    def __init__(self, name: str, net: Any, tokenizer: Any, features: Any, *, device: str = "cpu") -> None:
        """Wrap a loaded model; :func:`load` is the usual way."""
        self.name = name
        self.rate_hz = int(features.sampling_rate)
        self.size_bytes = sum(t.numel() * t.element_size() for t in (*net.parameters(), *net.buffers()))
        self._net, self._tokenizer, self._features = net.to(device), tokenizer, features
        self._piece = int(features.nb_max_samples)
        self._device = device

    def encode_texts(self, texts: Sequence[str], *, job: Job | None = None) -> Floats:
        """Embeddings of words, (N, D) unit norm; what is beyond the tokenizer's limit is left out."""
        import torch

        most = min(int(self._tokenizer.model_max_length), int(self._net.config.text_config.max_position_embeddings) - 2)
        tokens = self._tokenizer(list(texts), padding=True, truncation=True, max_length=most, return_tensors="pt")
        with exclusive(self._device, job), torch.inference_mode():
            found = self._net.get_text_features(**tokens.to(self._device)).pooler_output
        return unit_rows(found.float().cpu().numpy())

    def encode_sounds(self, waves: Sequence[Floats], *, job: Job | None = None) -> Floats:
        """Embeddings of mono sounds at ``rate_hz``, each (T,) -> (N, D) unit norm.

        Raises:
            ValueError: one is empty or has channels.
            Cancelled: the job was cancelled.
        """
        rows = []
        for number, wave in enumerate(waves):
            if wave.ndim != 1 or not wave.size:
                raise ValueError(f"a sound is (T,) with T above 0, not {wave.shape}")
            pieces = [self._encode(wave[start : start + self._piece], job) for start in self._starts(len(wave))]
            rows.append(np.mean(pieces, axis=0))
            if job is not None:
                job.step("running", number + 1, len(waves), unit="sounds", note=self.name)
        return unit_rows(np.stack(rows))

    def _starts(self, length: int) -> list[int]:
        """Where the pieces begin; the last one ends with the sound where it would be short."""
        starts = list(range(0, max(length, 1), self._piece))
        if len(starts) > 1 and length - starts[-1] < LEAST_SHARE * self._piece:
            starts[-1] = length - self._piece
        return starts

    def _encode(self, wave: Floats, job: Job | None) -> Floats:
        import torch

        inputs = self._features(wave, sampling_rate=self.rate_hz, return_tensors="pt")
        with exclusive(self._device, job), torch.inference_mode():
            shown = {name: value.to(self._device) for name, value in inputs.items()}
            found = self._net.get_audio_features(**shown).pooler_output
        row: Floats = found[0].float().cpu().numpy()
        return row


def load(
    folder: Path, spec: ModelSpec, *, device: str = "cpu", dtype: str = "float32", job: Job | None = None
) -> SoundTextEncoder:
    """Load a checkpoint folder; it computes in float32 whatever ``dtype`` says.

    Raises:
        ModelUnavailable: the folder does not hold a checkpoint that fits together; one sentence.
        Cancelled: the job was cancelled.
    """
    from safetensors.torch import load_file
    from transformers import AutoTokenizer, ClapConfig, ClapFeatureExtractor, ClapModel

    if job is not None:
        job.step("loading", note=spec.title)
    with telling_of_damage(spec.title):
        net = ClapModel(ClapConfig.from_pretrained(folder, local_files_only=True))
        tensors = load_file(folder / "model.safetensors")
        missing, left = net.load_state_dict({name: t.float() for name, t in tensors.items()}, strict=False)
        wrong = [name for name in (*missing, *left) if not FIXED_KEY.search(name)]
        if wrong:
            raise ValueError(f"{len(wrong)} tensors are missing or have no place, such as {wrong[0]}")
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        features = ClapFeatureExtractor.from_pretrained(folder, local_files_only=True)
    if device == "cpu":
        give_back_memory()
    return SoundTextEncoder(spec.name, net.eval().requires_grad_(False), tokenizer, features, device=device)
