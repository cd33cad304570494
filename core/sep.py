"""A queried separator: log-frequency pictures and query embeddings to mask logits, for sounds of any length.

The network sees windows of about 4 seconds. They overlap by half, their logits are averaged under a Hann weight, and
what comes out is one array for the whole sound: no window has an edge that could be heard.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.device import exclusive
from core.errors import ModelUnavailable
from core.memory import give_back_memory
from core.model_spec import ModelSpec
from core.sep_files import Usage, read_separator
from core.sep_network import Sizes, enlarged, mask_logits, query_vectors, way_down, way_up
from core.sep_presence import chances, let_through, moments, pooled, step_s
from core.sep_spectrogram import HOP, RATE_HZ, Picture, levelled, loudness
from core.tasks import Job

__all__ = ["Listened", "QueriedSeparator", "load"]

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]
_EDGE = 1e-3  # least weight of a window's end: the first and last frames of a sound have no other


@dataclass(frozen=True, eq=False)
class Listened:
    """What was heard in a sound.

    Attributes:
        logits: (Q, F, 256) float16; the mask of a query is their sigmoid.
        presence: (Q, S) in [0, 1], every ``step_s`` seconds.
        step_s: Seconds between two of them.
    """

    logits: Halves
    presence: Floats
    step_s: float


class QueriedSeparator:
    """One network on one device; safe to use from many threads.

    Attributes:
        name: Name in the catalogue.
        size_bytes: Memory of the weights.
        sizes: What it was built from.
        usage: How it wants to be used.
    """

    def __init__(self, name: str, net: Any, sizes: Sizes, usage: Usage, *, device: str = "cpu") -> None:
        """Wrap a loaded network; :func:`load` is the usual way."""
        self.name = name
        self.sizes = sizes
        self.usage = usage
        self.size_bytes = sum(t.numel() * t.element_size() for t in (*net.parameters(), *net.buffers()))
        self._net = net.to(device)
        self._device = device

    @property
    def label_embeddings(self) -> Floats | None:
        """What ``usage.labels`` are called on the average of their trained words, (L, D) unit norm; None if untold."""
        if "presence" not in self._net:
            return None
        found: Floats = self._net["presence"].names.float().cpu().numpy()
        return found

    def listen(self, picture: Picture, embeddings: Floats, *, job: Job | None = None) -> Listened:
        """Mask logits and presence of every query for a whole sound.

        Args:
            picture: (F, 256) log magnitudes, float16 or float32, of any number of frames.
            embeddings: (Q, D) unit norm.
            job: Told the seconds done; asked for Cancel between windows.

        Raises:
            ValueError: the embeddings have another length than the network was trained on.
            Cancelled: the job was cancelled.
        """
        if embeddings.ndim != 2 or embeddings.shape[1] != self.sizes.dim:
            raise ValueError(f"expected (Q, {self.sizes.dim}) embeddings, not {embeddings.shape}")
        size = self.usage.window_frames
        count, original = len(picture), picture
        if count < size:  # short sounds are repeated, as in training
            picture = np.concatenate([picture] * -(-size // count))[:size]
        found = np.empty((len(embeddings), count, picture.shape[1]), np.float16)
        weight = (0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(size) + 0.5) / size) + _EDGE).astype(np.float32)
        open_sum = np.zeros((len(embeddings), 0, picture.shape[1]), np.float32)
        open_weight = np.zeros(0, np.float32)
        done, starts, heard = 0, [], []
        for start, window, present in self._windows(picture, embeddings, size, job):
            starts.append(start)
            heard.append(present)
            ready = min(start - done, len(open_weight))
            if ready > 0:
                found[:, done : done + ready] = open_sum[:, :ready] / open_weight[:ready, None]
                open_sum, open_weight, done = open_sum[:, ready:], open_weight[ready:], done + ready
            missing = size - len(open_weight) + (start - done)
            open_sum = np.pad(open_sum, ((0, 0), (0, missing), (0, 0)))
            open_weight = np.pad(open_weight, (0, missing))
            open_sum[:, start - done :] += window * weight[:, None]
            open_weight[start - done :] += weight
        found[:, done:] = (open_sum / open_weight[:, None])[:, : count - done]
        if "presence" in self._net:
            over_time = moments(np.stack(heard, 1), starts, count, size)
        else:
            over_time = let_through(found, original)
        return Listened(found, over_time, step_s())

    def logits(self, picture: Picture, embeddings: Floats, *, job: Job | None = None) -> Halves:
        """The logits of :meth:`listen` alone, (Q, F, 256) float16."""
        return self.listen(picture, embeddings, job=job).logits

    def _windows(
        self, picture: Picture, embeddings: Floats, size: int, job: Job | None
    ) -> Iterator[tuple[int, Floats, Floats]]:
        """First frame, logits (Q, size, rows) and chances (Q,) of each window; the last one ends with the sound."""
        import torch

        with torch.inference_mode():
            queries = torch.from_numpy(np.ascontiguousarray(embeddings, np.float32)).to(self._device)
            vectors = query_vectors(self._net, queries * self.usage.query_length)
        floor = self.usage.floor
        level = 0.0 if floor is None else loudness(picture)
        starts = [*range(0, len(picture) - size, size // 2), len(picture) - size]
        for start in starts:
            if job is not None:
                seconds = [frames * HOP / RATE_HZ for frames in (start, len(picture))]
                job.step("running", *seconds, unit="s", note=self.name)
            part = picture[start : start + size].astype(np.float32)
            window = np.ascontiguousarray(part.T if floor is None else levelled(part, level, floor).T)
            with exclusive(self._device, job), torch.inference_mode():
                shown = torch.from_numpy(window)[None, None].to(self._device)
                half = (1 << self.sizes.coarse) // 2
                levels = way_down(self._net, torch.cat([shown, _raised(shown, half)]) if half else shown)
                logits = enlarged(mask_logits(self._net, way_up(self._net, levels), vectors), window.shape)
                present = torch.zeros(len(queries))
                if "presence" in self._net:
                    first = [level[:1] for level in levels]
                    present = chances(self._net["presence"], pooled(shown, first), queries)[:, 0]
                joined = _joined(logits, half)
            yield start, joined.transpose(1, 2).float().cpu().numpy(), present.float().cpu().numpy()


def _raised(shown: Any, rows: int) -> Any:
    """The picture moved up by some rows, (1, 1, H, W); the lowest is repeated below."""
    import torch

    return torch.cat([shown[:, :, :1].expand(-1, -1, rows, -1), shown[:, :, :-rows]], 2)


def _joined(logits: Any, rows: int) -> Any:
    """The mean of logits (2, Q, H, W) whose second is ``rows`` higher: cells half a cell apart are asked twice."""
    if not rows:
        return logits[0]
    found = logits[0].clone()
    found[:, :-rows] = (found[:, :-rows] + logits[1, :, rows:]) / 2
    return found


def load(
    folder: Path, spec: ModelSpec, *, device: str = "cpu", dtype: str = "float32", job: Job | None = None
) -> QueriedSeparator:
    """Load a checkpoint folder into a separator; it computes in float32 whatever ``dtype`` says.

    Raises:
        ModelUnavailable: the folder does not hold a checkpoint that fits together; one sentence.
        Cancelled: the job was cancelled.
    """
    if job is not None:
        job.step("loading", note=spec.title)
    net, sizes, usage = read_separator(folder, spec.title)
    step = 1 << sizes.layers
    if usage.window_frames % step or usage.window_frames < 2:
        raise ModelUnavailable(
            f"{spec.title} asks for windows of {usage.window_frames} frames; its {sizes.layers} halvings need a"
            f" multiple of {step}, so its files do not belong together."
        )
    if device == "cpu":
        give_back_memory()
    return QueriedSeparator(spec.name, net, sizes, usage, device=device)
