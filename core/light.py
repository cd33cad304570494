"""The networks that see where light is missing, under one name of the catalogue, safe to use from many threads.

A folder holds config.json ({"map_px": longer side of the picture they look at, "padding": of the convolutions,
"powers": {method: p}, "networks": {method: file}}), the files, and, where CLIP's idea of light came with them,
direction.safetensors.

    I = exp(p / 2 (log net(x) + log mirrored net(mirrored x)))      p = 1 where none is written

Both views of a picture miss different things, and their mean errs less; a power below 1 holds a network back that takes
dark things for things in the dark.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.device import exclusive
from core.errors import ModelUnavailable
from core.light_losses import Residual
from core.light_net import LEAST_MAP, MOST_MAP, build, read_tensors
from core.loading import telling_of_damage
from core.model_spec import ModelSpec
from core.tasks import Job

DIRECTION = "direction.safetensors"


@dataclass(frozen=True, eq=False)
class LightScale:
    """A direction of light in the space of one image-text model, with the two scores that stand for dark and lit.

    Attributes:
        encoder: Name of the image-text model.
        residual: Direction and threshold.
        dark: Mean score of backlit pictures.
        lit: Mean score of well-lit pictures.
    """

    encoder: str
    residual: Residual
    dark: float
    lit: float

    def light(self, embedding: NDArray[np.float32]) -> float:
        """The light of a picture by its unit embedding (D,): about 0 for backlit, about 1 for well lit, not bounded."""
        score = float(self.residual.score(embedding[None])[0])
        return (score - self.dark) / (self.lit - self.dark)


class LightModel:
    """Pictures to illumination maps.

    Attributes:
        name: Name in the catalogue.
        size_bytes: Memory of the weights.
        map_px: Longer side of the picture that they look at best.
        methods: Which there are.
        scale: CLIP's direction of light, or None.
    """

    def __init__(
        self,
        name: str,
        nets: dict[str, Any],
        *,
        map_px: int,
        powers: Mapping[str, float] | None = None,
        scale: LightScale | None = None,
        device: str = "cpu",
    ) -> None:
        """Wrap networks by method; :func:`load` is the usual way."""
        self.name = name
        self.map_px = map_px
        self.scale = scale
        self._nets = nets
        self._powers = dict(powers or {})
        self._device = device
        self.size_bytes = sum(t.numel() * t.element_size() for net in nets.values() for t in net.parameters())

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of the networks."""
        return tuple(self._nets)

    def copy_of(self, method: str) -> Any:
        """A network of one's own to go on training from, on the CPU in float32.

        Raises:
            ModelUnavailable: there is no such network.
        """
        import copy

        return copy.deepcopy(self._net(method)).cpu().float().requires_grad_(True)

    def _net(self, method: str) -> Any:
        if method not in self._nets:
            raise ModelUnavailable(f"{self.name} has no network for {method}; it has {', '.join(self._nets)}.")
        return self._nets[method]

    def light(self, rgb: NDArray[np.uint8], method: str, *, job: Job | None = None) -> NDArray[np.float32]:
        """The illumination map of a picture at the picture's own size.

        Args:
            rgb: (h, w, 3) uint8, upright sRGB; ``map_px`` is the side that the networks know best.
            method: One of ``methods``.
            job: Asked for Cancel while waiting for the device.

        Returns:
            (h, w) float32 in [``LEAST_MAP``, ``MOST_MAP``]; 1 where there is enough light.

        Raises:
            ModelUnavailable: there is no such network.
            ValueError: the picture is not (H, W, 3) uint8.
            Cancelled: the job was cancelled.
        """
        import torch

        if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
            raise ValueError(f"a picture is (H, W, 3) uint8, not {rgb.shape} {rgb.dtype}")
        net = self._net(method)
        pixels = torch.from_numpy(rgb.astype(np.float32) / 255).permute(2, 0, 1)[None]
        with exclusive(self._device, job), torch.inference_mode():
            pixels = pixels.to(self._device, next(net.parameters()).dtype)
            views = (net(pixels), net(pixels.flip(3)).flip(3))
            logs = [view.float().clamp(LEAST_MAP, MOST_MAP).log() for view in views]
            light = ((logs[0] + logs[1]) * (self._powers.get(method, 1.0) / 2)).exp()[0, 0].cpu().numpy()
        return np.clip(light, LEAST_MAP, MOST_MAP).astype(np.float32)


def load(
    folder: Path, spec: ModelSpec, *, device: str = "cpu", dtype: str = "float32", job: Job | None = None
) -> LightModel:
    """Load a folder of networks.

    Args:
        folder: What :func:`core.checkpoints.resolve` returned.
        spec: Its row of the catalogue.
        device: Where it runs.
        dtype: Number format in memory.
        job: Told the stage; asked for Cancel.

    Raises:
        ModelUnavailable: a file is missing or damaged, or holds another network; one sentence.
        Cancelled: the job was cancelled.
    """
    import torch

    if job is not None:
        job.step("loading", note=spec.title)
    with telling_of_damage(spec.title):
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        nets = {}
        for method, file in config["networks"].items():
            net = build(config.get("padding", "zeros"))
            net.load_state_dict(read_tensors(folder / file, spec.title))
            nets[str(method)] = net.to(device, getattr(torch, dtype)).eval().requires_grad_(False)
        scale = _read_scale(folder / DIRECTION)
        powers = {str(method): float(power) for method, power in config.get("powers", {}).items()}
        return LightModel(
            spec.name, nets, map_px=int(config["map_px"]), powers=powers, scale=scale, device=device
        )  # fmt: skip


def _read_scale(path: Path) -> LightScale | None:
    if not path.exists():
        return None
    from safetensors import safe_open

    with safe_open(path, "np") as file:
        words = file.metadata()
        vector = np.asarray(file.get_tensor("vector"), np.float32)
    residual = Residual(vector, float(words["threshold"]))
    return LightScale(words["encoder"], residual, float(words["dark"]), float(words["lit"]))


def write_scale(path: Path, scale: LightScale) -> None:
    """Write what :func:`load` reads beside the networks."""
    from safetensors.numpy import save_file

    numbers = {"threshold": repr(scale.residual.threshold), "dark": repr(scale.dark), "lit": repr(scale.lit)}
    save_file({"vector": scale.residual.vector}, path, {"encoder": scale.encoder, **numbers})
