"""The lock file: which commit of each hub repository was downloaded first, and the sha256 of every file of it.

``models.lock.json`` in the models folder, a JSON object:

    {"format": 1, "repositories": {"openai/clip-vit-base-patch32": {"commit": "3d74...", "files": {
        "config.json": {"sha256": "ab12...", "size_bytes": 4186, "commit": "3d74..."}, ...}}}}

Later loads hold to it. It is written whole to a temporary file and renamed, under a lock that holds between
threads and processes. It guards against a repository that changes and files that decay; somebody who may write to
the models folder may write the lock file too.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.errors import ModelUnavailable
from core.settings import settings

FORMAT = 1
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class PinnedFile:
    """One file as it was first downloaded: hex sha256, size, and the commit that holds it.

    The commit differs from the repository's only for weights taken from a pull request.
    """

    sha256: str
    size_bytes: int
    commit: str


@dataclass(frozen=True)
class Pin:
    """What a repository is held to: resolved commit and every downloaded file by name."""

    commit: str
    files: Mapping[str, PinnedFile]


def lock_path() -> Path:
    """Where the lock file is."""
    return settings().models_dir / "models.lock.json"


def read_pin(repo_id: str) -> Pin | None:
    """What ``repo_id`` is held to, or None before its first download.

    Raises:
        ModelUnavailable: the lock file is damaged.
    """
    row = _read().get(repo_id)
    if row is None:
        return None
    try:
        return Pin(str(row["commit"]), {str(name): PinnedFile(**file) for name, file in row["files"].items()})
    except (KeyError, TypeError, AttributeError) as error:
        raise _damaged(f"the entry of {repo_id} lacks {error}") from error


def record_pin(repo_id: str, pin: Pin) -> None:
    """Write down what ``repo_id`` is held to from now on."""
    entry = {"commit": pin.commit, "files": {name: asdict(file) for name, file in sorted(pin.files.items())}}
    _change(lambda rows: rows.__setitem__(repo_id, entry))


def forget_pin(repo_id: str) -> None:
    """Drop the entry: the next download takes what the hub has then."""
    _change(lambda rows: rows.pop(repo_id, None))


def sha256_of(path: Path, check: Callable[[], None] = lambda: None) -> str:
    """Hex sha256 of a file; ``check`` is called once a MiB, and what it raises ends the reading."""
    return _digest(path, hashlib.sha256(), check)


def git_sha1_of(path: Path, check: Callable[[], None] = lambda: None) -> str:
    """Hex sha1 by which git names the file's content; the hub lists it for small files, which have no sha256 there."""
    start = f"blob {path.stat().st_size}\0".encode()
    return _digest(path, hashlib.sha1(start, usedforsecurity=False), check)


def _digest(path: Path, digest: hashlib._Hash, check: Callable[[], None]) -> str:
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            check()
            digest.update(chunk)
    return digest.hexdigest()


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` so that a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(content, stream, indent=1, sort_keys=True)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _read() -> dict[str, Any]:
    """The entries by repository; empty when there is no lock file yet."""
    try:
        content = json.loads(lock_path().read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise _damaged(str(error)) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise _damaged(f"its format is not {FORMAT}")
    rows = content.get("repositories")
    if not isinstance(rows, dict):
        raise _damaged("it lists no repositories")
    return rows


def _damaged(why: str) -> ModelUnavailable:
    return ModelUnavailable(
        f"The lock file {lock_path()} cannot be read ({why}); restore it, or delete it to record every model anew."
    )


def _change(edit: Callable[[dict[str, Any]], Any]) -> None:
    """Read, edit and write the lock file while no other thread or process does."""
    from filelock import FileLock

    path = lock_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        rows = _read()
        edit(rows)
        write_json(path, {"format": FORMAT, "repositories": rows})
