"""How the rasteriser's inner loops are compiled: numba, ahead of their first call, kept on disk, without the GIL.

Each loop has exactly one signature. Importing a module of loops compiles them, or fetches the machine code of an
earlier process from the cache beside the file; :func:`demos.gaussians.raster.prepare` does that in the background.
numba's cache notices a change of the file that holds the loop and of no other, hence :data:`_SOURCES`.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from numba import njit, types

log = logging.getLogger(__name__)
Function = TypeVar("Function", bound=Callable[..., Any])
Array: TypeAlias = Any  # arguments inside loops; numba holds them against the signature
Real: TypeAlias = Any

# Products may be fused into sums and -0 may become 0: the same on every run. Nothing is reordered, and NaN is NaN.
_FUSED = {"contract", "nsz"}

# A name for the text of all loops. It becomes part of the name under which numba keeps each of them.
_SOURCES = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("raster_*.py"))))


def array_of(scalar: Any, dimensions: int, *, written: bool = False) -> Any:
    """Type of a C-contiguous array argument; what a loop does not write may be read-only."""
    return types.Array(scalar, dimensions, "C", readonly=not written)


def loop(*arguments: Any, returns: Any = types.void, fused: bool = True) -> Callable[[Function], Function]:
    """Compile a function for ``arguments`` now; it runs without the GIL.

    Args:
        arguments: numba types, one an argument.
        returns: numba type of the result.
        fused: Allow fused multiply-add; without it two copies of the same code give the same bits.
    """

    def compiled(function: Function) -> Function:
        options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": _FUSED if fused else False}
        signature = returns(*arguments)
        function.__qualname__ += f"_{_SOURCES.hexdigest()[:8]}"
        try:
            ready: Any = njit(signature, cache=True, **options)(function)
        except RuntimeError as error:  # no folder on this machine may be written
            if "cache" not in str(error):
                raise
            log.warning("%s is compiled anew in every process: %s", function.__name__, error)
            ready = njit(signature, **options)(function)
        return ready

    return compiled


def inlined(*, fused: bool = True) -> Callable[[Function], Function]:
    """Make a function part of the loops that call it; ``fused`` as for :func:`loop`."""

    def compiled(function: Function) -> Function:
        ready: Any = njit(forceinline=True, error_model="numpy", fastmath=_FUSED if fused else False)(function)
        return ready

    return compiled
