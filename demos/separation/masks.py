"""From stored logits to masks, and from masks to stems and rest, block by block."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.sep_spectrogram import HOP, RATE_HZ, Above, Floats, Resynthesis, Transform, transform_for, unwarp
from core.tasks import Job
from demos.separation.sound import Sound, SoundWriter

BLOCK_FRAMES = 256  # 4 s, 20 MB in stereo at 44.1 kHz


def masks_of(logits: NDArray[np.float16], strength: float, softness: float) -> Floats:
    """Logits (Q, n, rows) -> masks in [0, 1] whose sum over the queries is at most 1."""
    masks = (1.0 / (1.0 + np.exp(-logits.astype(np.float32) / softness))) ** strength
    found: Floats = masks / np.maximum(masks.sum(0, keepdims=True), 1.0)
    return found


class _MaskClock:
    """Masks at the moments and frequencies of another transform."""

    def __init__(self, logits: NDArray[np.float16], transform: Transform, above: Above) -> None:
        self._logits, self._transform, self._above = logits, transform, above
        self._frequency_hz = transform.frequency_hz

    def block(self, first: int, last: int, strength: float, softness: float) -> Floats:
        """Masks of frames ``first`` to ``last``, (Q, n, bins)."""
        places = np.arange(first, last) * (self._transform.hop / self._transform.rate_hz * RATE_HZ / HOP)
        places = np.clip(places, 0, self._logits.shape[1] - 1)
        low = np.minimum(places.astype(np.intp), max(self._logits.shape[1] - 2, 0))
        start, stop = int(low[0]), min(int(low[-1]) + 2, self._logits.shape[1])
        masks = masks_of(self._logits[:, start:stop], strength, softness)
        share = (places - low).astype(np.float32)[:, None]
        here = masks[:, low - start]
        after = masks[:, np.minimum(low + 1, stop - 1) - start]
        return unwarp(here + share * (after - here), self._frequency_hz, above=self._above)


def split(
    sound: Sound,
    logits: NDArray[np.float16],
    *,
    strength: float,
    softness: float,
    above: Above,
    job: Job | None = None,
    block_frames: int = BLOCK_FRAMES,
) -> tuple[tuple[Sound, ...], Sound]:
    """Stems and rest at the sound's own rate: one mask for all channels, so that every sound stays in its place.

    Args:
        sound: The input.
        logits: (Q, F, rows) float16 of its 16 kHz picture.
        strength: See SeparateOptions.
        softness: See SeparateOptions.
        above: What happens above 8 kHz.
        job: Told the seconds done; asked for Cancel.
        block_frames: Frames worked on at a time; makes no difference to the samples.

    Returns:
        One sound a query, and the input less all of them: they add up to the input.
    """
    transform = transform_for(sound.rate_hz)
    clock = _MaskClock(logits, transform, above)
    writers = [SoundWriter(sound.rate_hz, sound.channels) for _ in range(len(logits) + 1)]
    backs = [Resynthesis(transform, sound.frames, sound.channels) for _ in range(len(logits))]

    def write(parts: list[Floats]) -> None:
        start = writers[-1].frames
        rest = sound.block(start, start + len(parts[0]))
        for writer, part in zip(writers, parts, strict=False):
            writer.append(part)
            rest = rest - part
        writers[-1].append(rest)

    count = transform.frame_count(sound.frames)
    for first in range(0, count, block_frames):
        last = min(first + block_frames, count)
        if job is not None:
            done_s = first * transform.hop / sound.rate_hz
            job.step("running", done_s, sound.seconds, unit="s", note="writing the sounds")
        spectrum = transform.frames(sound.block, first, last)
        masks = clock.block(first, last, strength, softness)
        write([back.add(mask * spectrum) for back, mask in zip(backs, masks, strict=True)])
    write([back.finish() for back in backs])
    return tuple(writer.finish(sound.name) for writer in writers[:-1]), writers[-1].finish(sound.name)
