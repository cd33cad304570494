"""What a row of the catalogue says about a model: its sources, size, licence and loader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Task = Literal["image-text"]
Family = Literal["pocket", "clip", "siglip", "siglip2", "chinese-clip", "altclip"]


@dataclass(frozen=True)
class Bundled:
    """A folder of this repository: ``folder`` under assets/models, sha256 (hex) by file name."""

    folder: str
    sha256: dict[str, str]


@dataclass(frozen=True)
class Hub:
    """A repository of the Hugging Face hub and the files of it that are needed.

    No revision stands here: the first download records the resolved commit in the lock file.

    Attributes:
        repo_id: "owner/name".
        files: Must all be there. "model.safetensors" may also come in shards, or from the pull request by which
            the hub's robot offers it; pickles are never loaded.
        tokenizer: At least one must be there; those that are there are taken.
        optional: Taken where they are there.
    """

    repo_id: str
    files: tuple[str, ...]
    tokenizer: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelSpec:
    """One row of the catalogue."""

    name: str
    title: str
    task: Task
    family: Family
    loader: str  # dotted "module:function", called as load(folder, spec, device=, dtype=, job=)
    sources: tuple[Bundled | Hub, ...]
    params_m: float  # millions of parameters
    download_mb: float  # 10**6 bytes over the wire; 0 for bundled
    licence: str
    is_non_commercial: bool
    image_px: int  # side of the square input
    preprocess: str  # in words; the numbers are read from the checkpoint's own files
    note: str
    source_url: str
