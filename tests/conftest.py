"""What every test stands on: no network, no telemetry, settings and folders of its own, a seeded generator."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import settings as settings_module

# Before gradio or huggingface_hub is imported by any test module.
settings_module.set_quiet_environment()
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

_connect = socket.socket.connect


def _is_loopback(address: Any) -> bool:
    """Whether a socket address stays on this machine (unix sockets do)."""
    if not isinstance(address, tuple):
        return True
    host = str(address[0])
    if host in ("localhost", ""):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _connect_loopback_only(self: socket.socket, address: Any) -> None:
    if not _is_loopback(address):
        raise AssertionError(f"A test tried to reach {address!r}; tests are offline.")
    _connect(self, address)


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Fail any test whose process opens a connection that leaves the machine."""
    socket.socket.connect = _connect_loopback_only  # type: ignore[method-assign]
    yield
    socket.socket.connect = _connect  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def isolated_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[settings_module.Settings]:
    """Give each test settings of its own: an empty models folder, CPU, float32, defaults else."""
    before = settings_module._current
    fresh = settings_module.Settings(
        models_dir=tmp_path_factory.mktemp("models"), device="cpu", dtype="float32", offline=False
    )
    settings_module._current = fresh
    yield fresh
    settings_module._current = before


@pytest.fixture(scope="module", autouse=True)
def empty_pool() -> Iterator[None]:
    """Let no module leave models in memory for the next."""
    yield
    pool = sys.modules.get("core.pool")
    if pool is not None:
        pool.POOL.clear()


@pytest.fixture
def rng() -> np.random.Generator:
    """A seeded generator; the same numbers in every run."""
    return np.random.default_rng(20261122)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository."""
    return settings_module.ROOT
