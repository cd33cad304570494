"""A loader for tests: counts its calls and does what the test says."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path

from core.model_spec import ModelSpec
from core.tasks import Job

MIB = 1 << 20


@dataclass
class Model:
    """A loaded model that takes ``size_bytes``."""

    name: str
    size_bytes: int
    device: str
    dtype: str


class Behaviour:
    """What the next loads do; ``reset`` before each test."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.calls: list[str] = []
        self.seconds = 0.0
        self.error: Exception | None = None
        self.gate: threading.Event | None = None
        self.running = 0
        self.most_running = 0


behaviour = Behaviour()
_lock = threading.Lock()


def load(folder: Path, spec: ModelSpec, *, device: str, dtype: str, job: Job | None = None) -> Model:
    """Wait, fail, or return a model of the row's size."""
    with _lock:
        behaviour.calls.append(spec.name)
        behaviour.running += 1
        behaviour.most_running = max(behaviour.most_running, behaviour.running)
    try:
        until_s = time.monotonic() + behaviour.seconds
        while time.monotonic() < until_s or (behaviour.gate is not None and not behaviour.gate.is_set()):
            time.sleep(0.005)
            if job is not None:
                job.check()
        if behaviour.error is not None:
            raise behaviour.error
        return Model(spec.name, int(spec.params_m * 1e6) * 4, device, dtype)
    finally:
        with _lock:
            behaviour.running -= 1
