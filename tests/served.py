"""The real app on a port of its own in this process, with a stub in the place of every model unless asked otherwise."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from core import settings as settings_module
from core.pool import Pool
from core.tasks import Job
from tests.stub_model import StubModel


@dataclass
class Served:
    """A running app: its address, its Blocks, and the stub that answers (None with real models)."""

    url: str
    page: Any
    model: StubModel | None
    looked_up: list[str] = field(default_factory=list)  # host names that this process tried to resolve


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _stub_pool(model: StubModel) -> Iterator[None]:
    """Every lease hands out the stub."""

    @contextmanager
    def use(self: Pool, name: str, *, job: Job | None = None) -> Iterator[StubModel]:
        if job is not None:
            job.step("loading", note=name)
        yield model

    with mock.patch.object(Pool, "use", use):
        yield


@contextmanager
def _watched_names(looked_up: list[str]) -> Iterator[None]:
    """Write down each host name that is looked up."""
    resolve = socket.getaddrinfo

    def watch(host: Any, *rest: Any, **more: Any) -> Any:
        looked_up.append(host.decode() if isinstance(host, bytes) else str(host))
        return resolve(host, *rest, **more)

    with mock.patch.object(socket, "getaddrinfo", watch):
        yield


@contextmanager
def serve(model: StubModel | None = None, **changes: Any) -> Iterator[Served]:
    """Start the app; ``model`` answers in the place of every model, None keeps the real ones."""
    import app

    before = settings_module._current
    folder = tempfile.TemporaryDirectory(prefix="clip-atlas-test-")
    fresh = {
        "models_dir": Path(folder.name),
        "device": "cpu",
        "dtype": "float32",
        "port": free_port(),
        "host": "127.0.0.1",
    }
    settings_module._current = settings_module.Settings(**{**fresh, **changes})
    looked_up: list[str] = []
    with _watched_names(looked_up):
        page, url = app.start()
        try:
            if model is None:
                yield Served(url.rstrip("/"), page, None, looked_up)
            else:
                with _stub_pool(model):
                    yield Served(url.rstrip("/"), page, model, looked_up)
        finally:
            page.close()
            settings_module._current = before
            folder.cleanup()
