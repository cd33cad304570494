"""A small diffusion model that takes out noise whose level differs from pixel to pixel, as after lifting shadows.

Symbols: y a noisy picture in display light, sigma its noise, abar(t) the scheduler's cumulated product of alphas.

    sigma(t) = sqrt((1 - abar) / abar)      the noise of step t beside a picture of unit size
    t(p)     = sigma^-1(sigma(p))           a step for each pixel, between the steps of the table
    x_t      = sqrt(abar(t)) (2 y - 1),     eps = UNet([x_t, t / T], mean t)
    x_0      = (x_t - sqrt(1 - abar) eps) / sqrt(abar)

One step from x_t to x_0 is what a diffusion model says of the mean of all clean pictures; more steps would draw one of
them, with texture that the photo may not have had.

Source: Ho et al. 2020, "Denoising Diffusion Probabilistic Models", arXiv:2006.11239, by diffusers' UNet2DModel and
DDPMScheduler; a map of noise levels beside the picture as in FFDNet, Zhang et al. 2018, arXiv:1710.04026.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.device import exclusive
from core.loading import telling_of_damage
from core.model_spec import ModelSpec
from core.tasks import Job

if TYPE_CHECKING:
    from torch import Tensor, nn

Floats = NDArray[np.float32]
Read = Callable[[slice], tuple[Floats, Floats]]
TILE_PX, OVERLAP_PX = 256, 32  # a tile's rim is blended into its neighbour's
MULTIPLE_PX = 4  # of a side: the network halves twice
QUIET_SIGMA = 0.004  # tiles with less noise than a level of 8 bits are left alone
WEIGHTS = "model.safetensors"
UNET = {
    "in_channels": 4,  # RGB and the step
    "out_channels": 3,
    "block_out_channels": [16, 24, 32],
    "down_block_types": ["DownBlock2D"] * 3,
    "up_block_types": ["UpBlock2D"] * 3,
    "layers_per_block": 1,
    "norm_num_groups": 8,
    "mid_block_type": None,
}


def build() -> nn.Module:
    """The network with random weights; 181 thousand parameters."""
    from diffusers import UNet2DModel

    made: Any = UNet2DModel(**UNET)
    net: nn.Module = made
    return net


def noise_table() -> Floats:
    """sigma(t) of the scheduler's steps in display light [0, 1], (T,), rising."""
    from diffusers import DDPMScheduler

    scheduler: Any = DDPMScheduler()
    kept = scheduler.alphas_cumprod.numpy()
    table: Floats = (np.sqrt((1 - kept) / kept) / 2).astype(np.float32)  # [-1, 1] is twice as wide as [0, 1]
    return table


def steps_of(sigma: Floats, table: Floats) -> Floats:
    """t(p), a step for each pixel, not rounded; held within the table."""
    return np.interp(sigma, table, np.arange(len(table))).astype(np.float32)


def predicted(net: Any, noisy: Tensor, sigma: Tensor, table: Floats) -> tuple[Tensor, Tensor]:
    """What the network makes of noisy pictures.

    Args:
        net: Of :func:`build`.
        noisy: (N, 3, H, W) in display light, sides multiples of ``MULTIPLE_PX``.
        sigma: (N, 1, H, W), deviation of the noise.
        table: Of :func:`noise_table`.

    Returns:
        eps (N, 3, H, W) of about unit size, and x_0 in display light.
    """
    import torch

    step = torch.from_numpy(steps_of(sigma.cpu().numpy(), table)).to(sigma.device)
    kept = 1 / (1 + (2 * sigma).square())  # abar of these steps
    x_t = kept.sqrt() * (2 * noisy - 1)
    eps = net(torch.cat([x_t, step / len(table)], 1), step.mean((1, 2, 3))).sample
    return eps, noisy - sigma * eps  # x_0 of the module's formula, in display light


class LightDenoiser:
    """The network under its name of the catalogue; safe to use from many threads.

    Attributes:
        name: Name in the catalogue.
        size_bytes: Memory of the weights.
    """

    def __init__(self, name: str, net: Any, *, device: str = "cpu") -> None:
        """Wrap a network; :func:`load` is the usual way."""
        self.name = name
        self.size_bytes = sum(value.numel() * value.element_size() for value in net.parameters())
        self._net = net
        self._device = device
        self._table = noise_table()

    def cleaned(self, read: Read, height: int, width: int, *, job: Job | None = None) -> Iterator[tuple[slice, Floats]]:
        """Take the noise out of a picture, tile by tile, a band of rows at a time; tiles without noise are left alone.

        Args:
            read: Rows -> (h, W, 3) float32 in display light and (h, W), the deviation of each pixel's noise.
            height: Of the whole picture.
            width: Of the whole picture.
            job: Told the tiles done; asked for Cancel before each.

        Yields:
            Rows, each once and in order, and their pixels (h, W, 3) float32, not clipped.

        Raises:
            Cancelled: the job was cancelled.
        """
        tops, lefts = _starts(height), _starts(width)
        carried: tuple[Floats, Floats] | None = None
        for place, top in enumerate(tops):
            rows = slice(top, min(top + TILE_PX, height))
            pixels, sigma = read(rows)
            total, weights = np.zeros_like(pixels), np.zeros_like(sigma)
            for number, left in enumerate(lefts):
                if job is not None:
                    done = place * len(lefts) + number
                    job.step("running", done, len(tops) * len(lefts), unit="tiles", note="taking out noise")
                columns = slice(left, min(left + TILE_PX, width))
                weight = _rim(rows, height)[:, None] * _rim(columns, width)
                total[:, columns] += self._tile(pixels[:, columns], sigma[:, columns], job) * weight[..., None]
                weights[:, columns] += weight
            if carried is not None:
                total[: len(carried[0])] += carried[0]
                weights[: len(carried[1])] += carried[1]
            ready = (tops[place + 1] if place + 1 < len(tops) else rows.stop) - top
            carried = total[ready:], weights[ready:]
            yield slice(top, top + ready), total[:ready] / weights[:ready, :, None]

    def _tile(self, pixels: Floats, sigma: Floats, job: Job | None) -> Floats:
        import torch

        if float(sigma.max()) < QUIET_SIGMA:
            return pixels
        height, width = sigma.shape
        grow = ((0, -height % MULTIPLE_PX), (0, -width % MULTIPLE_PX))
        noisy = torch.from_numpy(np.pad(pixels, (*grow, (0, 0)), mode="edge").transpose(2, 0, 1)[None].copy())
        level = torch.from_numpy(np.pad(sigma, grow, mode="edge")[None, None])
        with exclusive(self._device, job), torch.inference_mode():
            clean = predicted(self._net, noisy.to(self._device), level.to(self._device), self._table)[1]
        found: Floats = clean[0, :, :height, :width].permute(1, 2, 0).float().cpu().numpy()
        return found


def _starts(length: int) -> list[int]:
    """Where tiles begin; the last one ends with the picture."""
    step = TILE_PX - OVERLAP_PX
    return [*range(0, max(length - TILE_PX, 0), step), max(length - TILE_PX, 0)]


def _rim(part: slice, length: int) -> Floats:
    """Weights along one side of a tile: rising over the overlap, except at the picture's own border."""
    size = part.stop - part.start
    rise = (np.arange(size, dtype=np.float32) + 1) / (OVERLAP_PX + 1)
    weight = np.ones(size, np.float32)
    if part.start > 0:
        weight = np.minimum(weight, rise)
    if part.stop < length:
        weight = np.minimum(weight, rise[::-1])
    return weight


def load(
    folder: Path, spec: ModelSpec, *, device: str = "cpu", dtype: str = "float32", job: Job | None = None
) -> LightDenoiser:
    """Load a folder as diffusers writes it.

    Args:
        folder: What :func:`core.checkpoints.resolve` returned.
        spec: Its row of the catalogue.
        device: Where it runs.
        dtype: Asked for by the pool; this network is small and stays in float32.
        job: Told the stage; asked for Cancel.

    Raises:
        ModelUnavailable: a file is missing or damaged, or holds another network; one sentence.
        Cancelled: the job was cancelled.
    """
    from diffusers import UNet2DModel
    from safetensors.torch import load_file

    if job is not None:
        job.step("loading", note=spec.title)
    with telling_of_damage(spec.title):
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        net = UNet2DModel.from_config(config)
        net.load_state_dict({name: value.float() for name, value in load_file(folder / WEIGHTS).items()})
    return LightDenoiser(spec.name, net.to(device).eval().requires_grad_(False), device=device)
