"""The models in memory: each is loaded once, leased while in use, and the least recently used goes when room is short.

The memory budget is a promise made before loading: a row's parameters in the number format of its device are
counted (torch's own overhead is not), and idle models are dropped, oldest first, until the new one fits. A model
larger than the whole budget is refused by a sentence before it is downloaded; one that does not fit beside those in
use waits for them, and is refused after half a minute. That is friendlier than running out of memory half-way.
"""

from __future__ import annotations

import gc
import importlib
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from core import catalog, checkpoints
from core.catalog import ModelSpec
from core.device import check_torch_pair, pick_device, pick_dtype
from core.errors import Cancelled, HubError, InputError, ModelUnavailable
from core.loading import first_line
from core.settings import settings
from core.shared_work import SharedWork
from core.tasks import Job

log = logging.getLogger(__name__)

MIB = 1 << 20
POLL_S = 0.1
ROOM_WAIT_S = 30.0  # how long a load waits for running requests to give memory back
_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
State = Literal["absent", "downloaded", "downloading", "loading", "ready", "failed"]
Key = tuple[str, str]  # name, device


class Loaded(Protocol):
    """What a loader returns: anything that knows its size in memory."""

    size_bytes: int


@dataclass(frozen=True)
class ModelState:
    """What a models page shows of one row.

    Attributes:
        name: Name of the row.
        state: "downloaded" also means bundled; "failed" until the next attempt.
        fraction: Part of the download that is done, 0 to 1; None in other states.
        why: The sentence of the last failure, or "".
        size_mib: Memory that it takes, 0 unless it is ready.
        last_used_s: Seconds since it was last used, or None unless it is ready.
        in_use: Number of leases at this moment.
    """

    name: str
    state: State
    fraction: float | None = None
    why: str = ""
    size_mib: float = 0.0
    last_used_s: float | None = None
    in_use: int = 0


class _Entry:
    """A model in memory."""

    def __init__(self, key: Key, model: Loaded) -> None:
        self.key = key
        self.model = model
        self.in_use = 0
        self.used_at_s = time.monotonic()


class Pool:
    """Hands out models; safe to use from any thread. ``POOL`` is the one of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # held for moments only, never while something loads
        self._entries: dict[Key, _Entry] = {}
        self._reserved: dict[Key, int] = {}  # bytes promised to loads under way
        self._failures: dict[str, str] = {}
        self._loads: SharedWork[_Entry] = SharedWork()

    @contextmanager
    def use(self, name: str, *, job: Job | None = None) -> Iterator[Any]:
        """Lease a model for the block: ``with POOL.use("pocket-clip", job=job) as model``.

        Loads it if need be; those who ask meanwhile wait for the same load, and if one of them is cancelled it goes
        on for the others. A model is never dropped while it is leased.

        Raises:
            ModelUnavailable: unknown name, no files, no room, or the load failed; the next call tries anew.
            Cancelled: ``job`` was cancelled before the model was there.
        """
        spec = catalog.spec(name)
        entry = self._lease((name, pick_device()), spec, job)
        try:
            yield entry.model
        finally:
            with self._lock:
                entry.in_use -= 1
                entry.used_at_s = time.monotonic()

    def states(self) -> tuple[ModelState, ...]:
        """The state of every row of the catalogue, in its order; never waits for a load or a download."""
        return tuple(self._state(row) for row in catalog.MODELS)

    def unload(self, name: str) -> None:
        """Drop a model from memory; does nothing if it is not there.

        Raises:
            InputError: it is in use.
        """
        with self._lock:
            keys = [key for key in self._entries if key[0] == name]
            if any(self._entries[key].in_use for key in keys):
                raise InputError(f"{catalog.spec(name).title} is in use; unload it when the running request is done.")
            for key in keys:
                del self._entries[key]
            self._failures.pop(name, None)
        _free_memory()

    def clear(self) -> None:
        """Forget every model, leased or not, and every failure (for tests)."""
        with self._lock:
            self._entries.clear()
            self._failures.clear()
        _free_memory()

    def _lease(self, key: Key, spec: ModelSpec, job: Job | None) -> _Entry:
        if job is not None:
            job.check()
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                entry.in_use += 1
                return entry
        entry = self._loads.run(key, lambda inner: self._load(key, spec, inner), job=job)
        with self._lock:
            # Between the end of the load and here others may have evicted it, or loaded it again.
            entry = self._entries.setdefault(key, entry)
            entry.in_use += 1
        return entry

    def _load(self, key: Key, spec: ModelSpec, job: Job) -> _Entry:
        """Resolve, make room, load; runs in the load's own thread."""
        with self._lock:
            entry = self._entries.get(key)
            self._failures.pop(spec.name, None)
        if entry is not None:  # loaded between the caller's look and this thread's start
            return entry
        device = key[1]
        dtype = pick_dtype(device)
        try:
            needed_bytes = int(spec.params_m * 1e6 * _BYTES[dtype])
            _check_budget(spec, needed_bytes)
            folder = checkpoints.resolve(spec, job=job)
            self._make_room(key, spec, needed_bytes, job)
            job.step("loading", note=spec.title)
            started_s = time.monotonic()
            model = _call_loader(spec, folder, device=device, dtype=dtype, job=job)
            job.check()
            log.info("%s loaded on %s in %.1f s", spec.name, device, time.monotonic() - started_s)
        except HubError as error:
            with self._lock:
                if not isinstance(error, Cancelled):
                    self._failures[spec.name] = str(error)
            raise
        finally:
            with self._lock:
                self._reserved.pop(key, None)
        entry = _Entry(key, model)
        with self._lock:
            self._entries[key] = entry
            self._evict(key, model.size_bytes, settings().memory_budget_mib * MIB)
        return entry

    def _make_room(self, key: Key, spec: ModelSpec, needed_bytes: int, job: Job) -> None:
        """Drop idle models and reserve the place; leases that hold it get ``ROOM_WAIT_S`` to end."""
        deadline_s = time.monotonic() + ROOM_WAIT_S
        while (holders := self._reserve(key, needed_bytes)) and time.monotonic() < deadline_s:
            job.step("checking", note=f"{spec.title}: waiting for {holders} to be done")
            job.wait(POLL_S)
        if holders:
            raise ModelUnavailable(
                f"{spec.title} needs about {needed_bytes / MIB:,.0f} MiB of memory, and {holders} in use leave less of"
                f" the {settings().memory_budget_mib:,} MiB; try again when they are done, or raise"
                " HUB_MEMORY_BUDGET_MIB."
            )
        _free_memory()

    def _reserve(self, key: Key, needed_bytes: int) -> str:
        """Reserve the place and return "", or the titles of the models in use that are in the way."""
        budget_bytes = settings().memory_budget_mib * MIB
        with self._lock:
            held = {k: size for k, size in self._reserved.items() if k[1] == key[1] and k != key}
            leased = {k: e.model.size_bytes for k, e in self._entries.items() if k[1] == key[1] and e.in_use}
            if needed_bytes + sum(held.values()) + sum(leased.values()) > budget_bytes:
                return ", ".join(sorted(catalog.spec(name).title for name, _ in {**held, **leased}))
            self._evict(key, needed_bytes + sum(held.values()), budget_bytes)
            self._reserved[key] = needed_bytes
        return ""

    def _evict(self, keep: Key, needed_bytes: int, budget_bytes: int) -> None:
        """Drop idle models of the same device, least recently used first, until ``needed_bytes`` fit; lock is held."""
        others = [entry for entry in self._entries.values() if entry.key != keep and entry.key[1] == keep[1]]
        used_bytes = sum(entry.model.size_bytes for entry in others)
        for entry in sorted(others, key=lambda entry: entry.used_at_s):
            if used_bytes + needed_bytes <= budget_bytes:
                return
            if not entry.in_use:
                log.info("%s dropped from memory to make room for %s", entry.key[0], keep[0])
                del self._entries[entry.key]
                used_bytes -= entry.model.size_bytes

    def _state(self, spec: ModelSpec) -> ModelState:
        with self._lock:
            entries = [entry for key, entry in self._entries.items() if key[0] == spec.name]
            failure = self._failures.get(spec.name, "")
        if entries:
            size_mib = sum(entry.model.size_bytes for entry in entries) / MIB
            idle_s = time.monotonic() - max(entry.used_at_s for entry in entries)
            in_use = sum(entry.in_use for entry in entries)
            return ModelState(spec.name, "ready", size_mib=size_mib, last_used_s=idle_s, in_use=in_use)
        download = checkpoints.current_step(spec)
        if download is not None:
            is_known = download.stage == "downloading" and download.total
            return ModelState(
                spec.name,
                "downloading",
                fraction=(download.done or 0.0) / download.total if is_known else None,  # type: ignore[operator]
            )
        if any(self._loads.step((spec.name, device)) is not None for device in ("cpu", "cuda", "mps")):
            return ModelState(spec.name, "loading")
        if failure:
            return ModelState(spec.name, "failed", why=failure)
        try:
            return ModelState(spec.name, "downloaded" if checkpoints.is_local(spec) else "absent")
        except ModelUnavailable as error:  # a damaged lock file
            return ModelState(spec.name, "failed", why=str(error))


def _check_budget(spec: ModelSpec, needed_bytes: int) -> None:
    """Refuse a model that can never fit, before it is downloaded."""
    budget_mib = settings().memory_budget_mib
    if needed_bytes > budget_mib * MIB:
        raise ModelUnavailable(
            f"{spec.title} needs about {needed_bytes / MIB:,.0f} MiB of memory, more than the budget of"
            f" {budget_mib:,} MiB; raise HUB_MEMORY_BUDGET_MIB (or --memory-budget-mib), or take a smaller model."
        )


def _call_loader(spec: ModelSpec, folder: Path, *, device: str, dtype: str, job: Job) -> Loaded:
    """Run a row's loader; what libraries raise about a checkpoint becomes a sentence."""
    module, _, function = spec.loader.partition(":")
    try:
        loader: Callable[..., Loaded] = getattr(importlib.import_module(module), function)
        return loader(folder, spec, device=device, dtype=dtype, job=job)
    except MemoryError as error:
        raise ModelUnavailable(
            f"{spec.title} does not fit into the memory of this machine; take a smaller model, or unload others."
        ) from error
    except (ImportError, RuntimeError, OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, HubError):
            raise
        if isinstance(error, (ImportError, RuntimeError)):
            check_torch_pair()  # the usual cause, and nobody would guess it from what is raised
        words = first_line(error)
        is_full = "out of memory" in words.lower()
        raise ModelUnavailable(
            f"{spec.title} could not be loaded on {device}: {words}; "
            + ("take a smaller model, or unload others." if is_full else "take another model, and report this one.")
        ) from error


def _free_memory() -> None:
    """Give back what dropped models held, the GPU's cached blocks too."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


POOL = Pool()
