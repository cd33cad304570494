"""A bounded store of embeddings by content, in which two jobs never compute the same one at the same time."""

from __future__ import annotations

import hashlib
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from core.tasks import Job

Array = NDArray[np.float32]
# Yields (index, embedding) for the indices it is given, in any order, batch by batch.
Compute = Callable[[list[int]], Iterable[tuple[int, Array]]]

MAX_BYTES = 64 * 2**20  # 30,000 embeddings of length 512
POLL_S = 0.1  # how soon a job that waits for another one notices its own Cancel


def image_key(rgb: NDArray[np.uint8]) -> bytes:
    """Name a picture by its content.

    Args:
        rgb: (H, W, 3) uint8.

    Returns:
        20 bytes: a BLAKE2b hash of shape and pixels; the same picture gives the same key in any memory layout.
    """
    digest = hashlib.blake2b(repr(rgb.shape).encode(), digest_size=20)
    digest.update(np.ascontiguousarray(rgb).data)
    return digest.digest()


class EmbeddingCache:
    """Embeddings by key, at most ``max_bytes`` of them, the least recently used leave first; safe from any thread."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        """Start empty; ``max_bytes`` bounds arrays and keys together."""
        self.max_bytes = max_bytes
        self._changed = threading.Condition()
        self._rows: OrderedDict[Hashable, Array] = OrderedDict()
        self._under_way: set[Hashable] = set()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def size_bytes(self) -> int:
        """Bytes held now; never above ``max_bytes``."""
        return self._bytes

    def clear(self) -> None:
        """Forget everything; what is under way is still delivered to those who wait for it."""
        with self._changed:
            self._rows.clear()
            self._bytes = 0

    def fetch(self, keys: Sequence[Hashable], compute: Compute, *, job: Job | None = None) -> list[Array]:
        """Return the embeddings of ``keys``; compute those that nobody has or is computing, wait for the others.

        Args:
            keys: One hashable key an item; equal keys are computed once.
            compute: Called with the indices (into ``keys``) that are this caller's to compute.
            job: Asked for Cancel while waiting for another job.

        Returns:
            One read-only array a key, in order.

        Raises:
            Cancelled: ``job`` was cancelled while it waited. Whatever ``compute`` raises also passes; the keys it
                left undone are then free for others, what it had finished is kept.
        """
        first_at: dict[Hashable, int] = {}
        for index, key in enumerate(keys):
            first_at.setdefault(key, index)
        found: dict[Hashable, Array] = {}
        while len(found) < len(first_at):
            ready, mine = self._claim([key for key in first_at if key not in found])
            found.update(ready)
            if mine:
                found.update(self._compute(mine, keys, first_at, compute))
            elif len(found) < len(first_at):
                self._wait(job)
        return [found[key] for key in keys]

    def _claim(self, keys: Iterable[Hashable]) -> tuple[dict[Hashable, Array], list[Hashable]]:
        """What is there, and what the caller now has to compute; the rest is under way elsewhere."""
        ready: dict[Hashable, Array] = {}
        mine: list[Hashable] = []
        with self._changed:
            for key in keys:
                if key in self._rows:
                    self._rows.move_to_end(key)
                    ready[key] = self._rows[key]
                elif key not in self._under_way:
                    self._under_way.add(key)
                    mine.append(key)
        return ready, mine

    def _compute(
        self, mine: list[Hashable], keys: Sequence[Hashable], first_at: dict[Hashable, int], compute: Compute
    ) -> dict[Hashable, Array]:
        made: dict[Hashable, Array] = {}
        try:
            for index, row in compute([first_at[key] for key in mine]):
                row = np.array(row, np.float32)  # a copy of its own: a view would keep the whole batch alive
                row.setflags(write=False)
                made[keys[index]] = row
                self._keep(keys[index], row)
        finally:
            with self._changed:
                self._under_way.difference_update(mine)
                self._changed.notify_all()
        if len(made) < len(mine):
            raise ValueError(f"compute returned {len(made)} embeddings of {len(mine)}")
        return made

    def _keep(self, key: Hashable, row: Array) -> None:
        with self._changed:
            self._under_way.discard(key)
            if key not in self._rows and _weight(key, row) <= self.max_bytes:
                self._rows[key] = row
                self._bytes += _weight(key, row)
            while self._bytes > self.max_bytes:
                self._bytes -= _weight(*self._rows.popitem(last=False))

    def _wait(self, job: Job | None) -> None:
        if job is not None:
            job.check()
        with self._changed:
            self._changed.wait(POLL_S)  # told when a job is through or gave up; single rows are found by asking again


def _weight(key: Hashable, row: Array) -> int:
    """Bytes of one entry: numbers, key, and the two objects around them."""
    return row.nbytes + sys.getsizeof(key) + sys.getsizeof(np.empty(0, np.float32))
