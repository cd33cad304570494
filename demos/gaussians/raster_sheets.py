"""Memory for large pictures: what nobody looks at any more is drawn into again.

A system hands out new memory page by page, each cleared at the first touch. For 1440 x 1080 pixels of 16 channels that
took 100 to 200 ms of CPU time, more than blending the channels does, and nothing the second time.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from demos.gaussians.scene import Floats

LEAST_BYTES: Final = 1 << 20  # smaller arrays come from memory that the allocator keeps itself
MAX_BYTES: Final = 128 << 20  # kept while nobody uses it: a picture of 1440 x 1080 with 16 channels


class _Loan:
    """Lives as long as any array that looks at the sheet, by way of their ``base``."""

    def __init__(self, sheet: Floats, shape: tuple[int, ...]) -> None:
        self.__array_interface__: dict[str, Any] = {**sheet.__array_interface__, "shape": shape}


class Sheets:
    """Arrays to be written whole; safe from any thread."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        """Start empty."""
        self.max_bytes = max_bytes
        # Loans may end in the middle of a method, when Python collects garbage: hence a lock that lets itself in.
        self._lock = threading.RLock()
        self._idle: list[Floats] = []

    @property
    def idle_bytes(self) -> int:
        """Memory that is kept and not used."""
        with self._lock:
            return sum(sheet.nbytes for sheet in self._idle)

    def take(self, *shape: int) -> NDArray[np.float32]:
        """An array of float32 with any content; its memory comes back here with its last view."""
        count = int(np.prod(shape))
        if 4 * count < LEAST_BYTES:
            return np.empty(shape, np.float32)
        sheet = self._taken(count)
        loan = _Loan(sheet, shape)
        weakref.finalize(loan, self._give_back, sheet).atexit = False
        return np.asarray(loan)

    def _taken(self, count: int) -> Floats:
        with self._lock:
            for place, sheet in enumerate(self._idle):
                if sheet.size == count:
                    return self._idle.pop(place)
            while self._idle and self.idle_bytes + 4 * count > self.max_bytes:
                self._idle.pop(0)  # of a size that is asked for no more
        return np.empty(count, np.float32)

    def _give_back(self, sheet: Floats) -> None:
        with self._lock:
            if self.idle_bytes + sheet.nbytes <= self.max_bytes:
                self._idle.append(sheet)


SHEETS: Final = Sheets()
