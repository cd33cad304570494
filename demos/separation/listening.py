"""From a sound of any rate to what the network sees: 16 kHz, all channels together, block by block."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.sep_spectrogram import RATE_HZ, ROWS, Transform, log_picture
from core.tasks import Job
from demos.separation.sound import Sound, SoundWriter

BLOCK_FRAMES = 512  # 8 s


def resampled(sound: Sound, *, job: Job | None = None) -> Sound:
    """The sound at 16 kHz, channels kept; the sound itself if it is there already."""
    import soxr

    if sound.rate_hz == RATE_HZ:
        return sound
    stream = soxr.ResampleStream(sound.rate_hz, RATE_HZ, sound.channels, dtype="float32", quality="HQ")
    writer, done = SoundWriter(RATE_HZ, sound.channels), 0
    for block in sound.blocks():
        done += len(block)
        if job is not None:
            job.step("checking", done / sound.rate_hz, sound.seconds, unit="s", note="resampling")
        writer.append(stream.resample_chunk(block, last=done == sound.frames).reshape(-1, sound.channels))
    return writer.finish(sound.name)


def picture_of(sound: Sound, *, job: Job | None = None) -> NDArray[np.float16]:
    """What the network sees of a whole sound.

    Channels are joined by the root of the mean of their squared magnitudes: unlike their sum, it does not lose what
    stands in opposite phase on the two sides.

    Args:
        sound: At any rate.
        job: Told the seconds done; asked for Cancel.

    Returns:
        (F, 256) float16 log magnitudes, one frame every 16 ms.
    """
    at_rate, transform = resampled(sound, job=job), Transform()
    count = transform.frame_count(at_rate.frames)
    found = np.empty((count, ROWS), np.float16)
    for first in range(0, count, BLOCK_FRAMES):
        last = min(first + BLOCK_FRAMES, count)
        if job is not None:
            job.step("checking", first * transform.hop / RATE_HZ, sound.seconds, unit="s", note="looking at the sound")
        spectra = transform.frames(at_rate.block, first, last)
        magnitudes = np.sqrt(np.mean(spectra.real**2 + spectra.imag**2, axis=0))
        found[first:last] = log_picture(magnitudes)
    return found
