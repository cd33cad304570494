"""A file of a stranger as bytes that are looked at in place: a path is mapped, never read whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.images import shown_name

MAX_FILE_BYTES = 3_000_000_000  # 12 million Gaussians as .ply


@dataclass(frozen=True, eq=False)
class Blob:
    """The content of one file.

    Attributes:
        data: (B,) uint8, read-only; mapped from disk where it came from a path.
        name: File name without its folder; its suffix decides where the content does not.
        path: Where it lies, or None if it was handed over as bytes.
    """

    data: NDArray[np.uint8]
    name: str = ""
    path: Path | None = None

    @property
    def shown(self) -> str:
        """The name as sentences quote it."""
        return shown_name(self.name)

    @property
    def suffix(self) -> str:
        """The name's ending in lower case, dot included."""
        return Path(self.name).suffix.lower()

    def __len__(self) -> int:
        return self.data.size

    def piece(self, start: int, stop: int | None = None) -> bytes:
        """Bytes ``start`` to ``stop``, fewer where the file ends before."""
        return self.data[start:stop].tobytes()


def open_blob(source: Path | bytes, *, name: str = "") -> Blob:
    """Look at a file or at its content.

    Raises:
        InputError: the file cannot be read, is empty, or is too large.
    """
    name = name or (source.name if isinstance(source, Path) else "")
    shown = shown_name(name)
    try:
        byte_count = source.stat().st_size if isinstance(source, Path) else len(source)
        if byte_count == 0:
            raise InputError(f"{shown} is empty (0 bytes).")
        if byte_count > MAX_FILE_BYTES:
            raise InputError(f"{shown} has {byte_count / 1e6:,.0f} MB; at most {MAX_FILE_BYTES / 1e6:,.0f} MB.")
        if isinstance(source, Path):
            return Blob(np.memmap(source, np.uint8, "r"), name, source)
    except OSError as error:
        raise InputError(f"{shown} cannot be read: {error.strerror or 'no such file'}.") from error
    return Blob(np.frombuffer(source, np.uint8), name)
