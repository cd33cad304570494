"""A sound of any length with its own sample rate and channels, held in memory when short and on disk when long."""

from __future__ import annotations

import tempfile
import threading
import weakref
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]  # (T, C)

MEMORY_BYTES = 16_000_000  # a sound above that lives in a temporary file: an hour of stereo has 1.3 GB
BLOCK_FRAMES = 1 << 18
_VALUE_BYTES = 4


class _Store:
    """A spooled file that is closed when the last sound that reads it is gone."""

    def __init__(self) -> None:
        self.file = tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES)  # noqa: SIM115 - closed by the finalizer
        weakref.finalize(self, self.file.close)


class Sound:
    """Samples that are read block by block; safe to read from any thread. Made by :class:`SoundWriter`.

    Attributes:
        rate_hz: Samples a second and channel.
        frames: Length T.
        channels: Number C.
        name: File name without its folder.
        notes: Sentences about what was done while it was read.
    """

    def __init__(
        self, store: _Store, *, rate_hz: int, frames: int, channels: int, name: str = "", notes: tuple[str, ...] = ()
    ) -> None:
        """Wrap a store of little-endian float32, channels interleaved."""
        self.rate_hz = rate_hz
        self.frames = frames
        self.channels = channels
        self.name = name
        self.notes = notes
        self._store = store
        self._lock = threading.Lock()

    @property
    def seconds(self) -> float:
        """Its length in time."""
        return self.frames / self.rate_hz

    def block(self, start: int, stop: int) -> Samples:
        """Samples ``start`` to ``stop`` (exclusive), (stop - start, C) float32; zeros where there is no sound."""
        first, last = max(start, 0), min(stop, self.frames)
        found = np.zeros((max(stop - start, 0), self.channels), np.float32)
        if last > first:
            width = self.channels * _VALUE_BYTES
            with self._lock:
                self._store.file.seek(first * width)
                content = self._store.file.read((last - first) * width)
            found[first - start : last - start] = np.frombuffer(content, "<f4").reshape(-1, self.channels)
        return found

    def blocks(self, size: int = BLOCK_FRAMES) -> Iterator[Samples]:
        """All samples in order, at most ``size`` frames at a time."""
        for start in range(0, self.frames, size):
            yield self.block(start, min(start + size, self.frames))

    def samples(self) -> Samples:
        """All samples at once, (T, C): for sounds that are known to be short."""
        return self.block(0, self.frames)


class SoundWriter:
    """Takes samples in any pieces; :meth:`finish` makes a :class:`Sound` of them."""

    def __init__(self, rate_hz: int, channels: int) -> None:
        """Start empty."""
        self.rate_hz = rate_hz
        self.channels = channels
        self.frames = 0
        self._store = _Store()

    def append(self, samples: Samples) -> None:
        """Add (n, C) samples at the end.

        Raises:
            ValueError: another number of channels.
        """
        if samples.ndim != 2 or samples.shape[1] != self.channels:
            raise ValueError(f"expected (n, {self.channels}) samples, not {samples.shape}")
        self._store.file.write(np.ascontiguousarray(samples, "<f4").tobytes())
        self.frames += len(samples)

    def finish(self, name: str = "", notes: tuple[str, ...] = ()) -> Sound:
        """The sound; nothing can be added any more."""
        return Sound(
            self._store, rate_hz=self.rate_hz, frames=self.frames, channels=self.channels, name=name, notes=notes
        )


def from_samples(samples: Samples, rate_hz: int, name: str = "") -> Sound:
    """A sound of an array: (T,) mono or (T, C)."""
    samples = samples[:, None] if samples.ndim == 1 else samples
    writer = SoundWriter(rate_hz, samples.shape[1])
    writer.append(samples)
    return writer.finish(name)
