"""Reads the folder of a queried separator into :mod:`core.sep_network`, whichever of two layouts it has.

``pocket-sep``: config.json with the sizes and how to use them, model.safetensors under our names. ``clipsep``: a state
dict of the authors' code (.pth, a pickle of tensors), read with ``weights_only=True``, which builds tensors and nothing
else; its sizes are read off the tensors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import ModelUnavailable
from core.loading import require_fit, telling_of_damage, unpickled_tensors
from core.sep_network import Sizes, build, from_authors

if TYPE_CHECKING:
    from torch import Tensor, nn

WEIGHTS_SUFFIXES = (".pth", ".pt")


@dataclass(frozen=True)
class Usage:
    """How a checkpoint wants to be used; config.json holds these beside the sizes.

    Attributes:
        query_model: Name of the image-text model whose embeddings it was trained on.
        query_length: What unit embeddings are multiplied with. The authors trained on embeddings as CLIP ViT-B/32 gives
            them, whose lengths lie around 10; ours are of length 1.
        window_frames: Frames that the network sees at once.
        floor: Pictures are brought to a mean magnitude of 1 and cut this far below it (natural logarithm, 8 is 69 dB),
            so that neither volume nor digital silence matters; None leaves them as they are, as the authors did.
        heard_from: Presence from which a sound counts as heard.
        labels: Names of the sounds it was trained on.
        query_sha256: Of the query model's weights that it was trained on, where it is bundled.
        query_text_sha256: Of their text tower alone: while that is the same, words lie where they were.
    """

    query_model: str
    query_length: float = 1.0
    window_frames: int = 256
    floor: float | None = None
    heard_from: float = 0.1
    labels: tuple[str, ...] = ()
    query_sha256: str = ""
    query_text_sha256: str = ""


AUTHORS = Usage("clip-vit-b-32", query_length=10.0)


def read_separator(folder: Path, title: str) -> tuple[nn.ModuleDict, Sizes, Usage]:
    """Load a checkpoint folder.

    Args:
        folder: What :func:`core.checkpoints.resolve` returned.
        title: What the model is called in sentences.

    Returns:
        The network on the CPU in evaluation mode, its sizes, and how to use it.

    Raises:
        ModelUnavailable: a file is missing, damaged, or holds something else; one sentence.
    """
    with telling_of_damage(title):
        if (folder / "config.json").exists():
            config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            sizes = Sizes.read(config["sizes"])
            usage = Usage(**{**config["usage"], "labels": tuple(config["usage"].get("labels", ()))})
            return _filled(sizes, _read_safetensors(folder / "model.safetensors"), title), sizes, usage
        sizes, tensors = from_authors(_read_pickle(folder, title))
        return _filled(sizes, tensors, title), sizes, AUTHORS


def _filled(sizes: Sizes, tensors: Mapping[str, Tensor], title: str) -> nn.ModuleDict:
    """The network with these weights; every tensor must have its place and shape."""
    net = build(sizes)
    require_fit(net, tensors, title)
    net.load_state_dict(dict(tensors))
    return net.float().eval().requires_grad_(False)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return {name: t.float() if t.is_floating_point() else t for name, t in load_file(path).items()}
    except SafetensorError as error:
        raise ValueError(f"{path.name}: {error}") from error


def _read_pickle(folder: Path, title: str) -> dict[str, Tensor]:
    paths = sorted(path for path in folder.rglob("*") if path.suffix in WEIGHTS_SUFFIXES)
    if len(paths) != 1:
        raise ModelUnavailable(f"{title} has {len(paths)} weight files in its folder instead of one; get it again.")
    return {name.removeprefix("module."): tensor for name, tensor in unpickled_tensors(paths[0], title).items()}
