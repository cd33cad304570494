"""Where models run and in which number format, and the lock by which one computation at a time has a device."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from core.errors import ModelUnavailable
from core.settings import is_zero_gpu, settings
from core.tasks import Job

log = logging.getLogger(__name__)

POLL_S = 0.1  # how soon a waiting job notices that it was cancelled
Function = TypeVar("Function", bound=Callable[..., object])

_locks: dict[str, threading.RLock] = {}
_locks_lock = threading.Lock()


def pick_device() -> str:
    """Where models run: the setting, or the best there is: "cuda", "mps" or "cpu".

    Raises:
        ModelUnavailable: the setting names a device that torch does not see.
    """
    wanted = settings().device
    if wanted == "cpu":  # no need to import torch
        return "cpu"
    import torch

    found = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return next((device for device, is_there in found.items() if is_there), "cpu")
    if not found[wanted]:
        raise ModelUnavailable(
            f"No model can run: HUB_DEVICE is {wanted}, torch sees no {wanted.upper()} device; set it to auto or cpu."
        )
    return wanted


def pick_dtype(device: str) -> str:
    """The number format of weights on ``device``: the setting, or bfloat16 on CUDA and float32 elsewhere.

    CUDA devices that compute bfloat16 only by emulation get float16.
    """
    wanted = settings().dtype
    if wanted != "auto":
        return wanted
    if device != "cuda":
        return "float32"
    import torch

    return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"


@contextmanager
def exclusive(device: str, job: Job | None = None) -> Iterator[None]:
    """Hold ``device`` alone for one short computation (a batch), so that many visitors do not slow each other.

    The thread that holds it may ask again. A waiting job that is cancelled leaves at once.

    Raises:
        Cancelled: ``job`` was cancelled before or while waiting.
    """
    with _locks_lock:
        lock = _locks.setdefault(device, threading.RLock())
    if job is not None:
        job.check()
    while not lock.acquire(timeout=POLL_S):
        if job is not None:
            job.check()
    try:
        yield
    finally:
        lock.release()


def gpu(function: Function) -> Function:
    """Mark ``function`` as one that needs the GPU of a ZeroGPU Space; anywhere else it is returned unchanged."""
    if not is_zero_gpu():
        return function
    import spaces

    wrapped: Function = spaces.GPU(function)
    return wrapped


def check_torch_pair() -> None:
    """Say in a sentence when torch and torchvision come from different builds, which breaks every model import.

    The usual way there: a CPU torch from its own index beside the registry's torchvision.

    Raises:
        ModelUnavailable: torch is missing, or the two do not fit.
    """
    from importlib.metadata import PackageNotFoundError, version

    try:
        import torch  # noqa: F401
    except (ImportError, OSError) as error:
        raise ModelUnavailable(
            f"No model can run: torch cannot be imported ({_first_line(error)}); run `make install`."
        ) from error
    try:
        import torchvision  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name == "torchvision":
            return  # image processing then falls back to Pillow
        raise ModelUnavailable(f"No model can run: torchvision needs {error.name}; run `make install`.") from error
    except (ImportError, RuntimeError, AttributeError, OSError) as error:
        try:
            versions = f"torch {version('torch')} and torchvision {version('torchvision')}"
        except PackageNotFoundError:
            versions = "torch and torchvision"
        raise ModelUnavailable(
            f"No model can run: {versions} do not fit together ({_first_line(error)}); install both from one place:"
            " pip install --force-reinstall torch torchvision"
        ) from error


def _first_line(error: BaseException) -> str:
    words = str(error).strip().splitlines()
    return words[0][:160] if words else type(error).__name__
