"""What a row of the catalogue says about a model: its sources, size, licence and loader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Task = Literal[
    "image-text", "promptable-masks", "illumination", "denoising", "sound-separation", "sound-text",
    "text-diffusion", "latent-diffusion", "picture-editing",
]  # fmt: skip
Family = Literal[
    "pocket", "clip", "siglip", "siglip2", "chinese-clip", "altclip", "pocket-sam", "sam", "sam-hf", "pocket-light",
    "pocket-denoise", "pocket-sep", "clipsep", "clap", "pocket-diffdis", "diffusers",
]  # fmt: skip
PICKLE_SUFFIXES = (".pth", ".pt", ".bin", ".ckpt", ".pkl")
PICKLE_FAMILIES: tuple[Family, ...] = ("sam", "clipsep")  # whose loaders read tensors out of a pickle, nothing else


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
            the hub's robot offers it; pickles are for ``PICKLE_FAMILIES`` only.
        tokenizer: At least one must be there; those that are there are taken.
        optional: Taken where they are there.
        part: Names this model where a repository holds several, each of which is fetched and removed by itself.
    """

    repo_id: str
    files: tuple[str, ...]
    tokenizer: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    part: str = ""

    @property
    def key(self) -> str:
        """Under what its files and its entry in the lock file are kept."""
        return f"{self.repo_id}/{self.part}" if self.part else self.repo_id


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
