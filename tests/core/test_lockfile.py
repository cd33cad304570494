"""The lock file: what was recorded is read back, by many writers at once, and damage is a sentence."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from core.errors import ModelUnavailable
from core.lockfile import Pin, PinnedFile, forget_pin, git_sha1_of, lock_path, read_pin, record_pin, sha256_of
from core.settings import settings


def _pin(digit: str = "a") -> Pin:
    return Pin(digit * 40, {"config.json": PinnedFile(digit * 64, 7, digit * 40)})


def test_what_is_recorded_is_read_back_and_can_be_forgotten() -> None:
    assert read_pin("acme/tiny") is None
    record_pin("acme/tiny", _pin("a"))
    record_pin("acme/other", _pin("b"))
    assert read_pin("acme/tiny") == _pin("a") and read_pin("acme/other") == _pin("b")
    forget_pin("acme/tiny")
    assert read_pin("acme/tiny") is None and read_pin("acme/other") == _pin("b")


def test_the_file_is_plain_json() -> None:
    record_pin("acme/tiny", _pin())
    content = json.loads(lock_path().read_text())
    assert content["format"] == 1 and content["repositories"]["acme/tiny"]["files"]["config.json"]["size_bytes"] == 7


def test_threads_and_processes_write_at_once_and_nothing_is_lost() -> None:
    code = (
        "import sys; from core.settings import configure; from pathlib import Path\n"
        "from core.lockfile import Pin, PinnedFile, record_pin\n"
        "configure(models_dir=Path(sys.argv[1]))\n"
        "for i in range(10): record_pin(f'process/{i}', Pin('c' * 40, {'f': PinnedFile('c' * 64, 1, 'c' * 40)}))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(settings().models_dir)])
    threads = [threading.Thread(target=record_pin, args=(f"thread/{i}", _pin())) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert process.wait(30) == 0
    rows = json.loads(lock_path().read_text())["repositories"]
    assert set(rows) == {f"thread/{i}" for i in range(16)} | {f"process/{i}" for i in range(10)}
    assert not list(settings().models_dir.glob(".models.lock.json.*"))


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"format": 2, "repositories": {}}', '{"format": 1}', '{"format":1,"repositories":{"a/b":{}}}'],
)
def test_damage_is_a_sentence(content: str) -> None:
    lock_path().write_text(content)
    with pytest.raises(
        ModelUnavailable, match=r"lock file .*models.lock.json cannot be read .*; restore it, or delete"
    ):
        read_pin("a/b")


def test_hashes_are_those_of_the_tools(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"hello\n")
    assert sha256_of(path) == hashlib.sha256(b"hello\n").hexdigest()
    assert git_sha1_of(path) == "ce013625030ba8dba906f756967f9e9ca394464a"  # git hash-object


def test_hashing_can_be_stopped(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(3 << 20))
    calls: list[int] = []
    sha256_of(path, lambda: calls.append(1))
    assert len(calls) == 3
