"""A small diffusion over text embeddings given a picture's embedding: which words does this picture denoise to?

Symbols: f unit embedding of a picture, t_c of a label's text, e = sqrt(D) t (coordinates of about unit size), abar
the scheduler's cumulated product of alphas, tau a step, g the network.

    e_tau = sqrt(abar) e + sqrt(1 - abar) eps                       training noises a caption's embedding
    e0    = g(e_tau, tau, f)                                        and the network says what it was
    loss  = mean (e0 - e)^2 + CE(softmax_c(s cos(e0, t_c)), y)      generation and discrimination in one network
    answer: eps -> DDIM, few steps -> e0;  label = argmax_c mean over draws of cos(e0, t_c)

Source: the idea of DiffDis, Huang et al. 2023, arXiv:2308.09306: a diffusion model that denoises the text embedding
under the picture, beside its use as a generator. Its dual-stream latent diffusion is not public; this is its small
analogue on frozen embeddings. DDPMScheduler and DDIMScheduler of diffusers; Song et al. 2021, arXiv:2010.02502.
"""

from __future__ import annotations

import json
from functools import lru_cache
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

Rows = NDArray[np.float32]
WEIGHTS = "model.safetensors"
STEP_WAVES = 64  # pairs of sine and cosine that tell the network its step
DRAWS, STEPS = 4, 10  # of an answer
BATCH = 64  # pictures at once


def build(dim: int, width: int) -> nn.Module:
    """The network with torch's initial weights: (N, D) noisy text, (N,) steps, (N, D) pictures -> (N, D) clean text."""
    net: nn.Module = _network_class()(dim, width)
    return net


@lru_cache(maxsize=1)
def _network_class() -> Any:
    """The class, made on first use because torch may not be imported before."""
    import torch
    from torch import nn
    from torch.nn import functional

    class TextDenoiser(nn.Module):
        """Three layers over noisy text, picture and step."""

        def __init__(self, dim: int, width: int) -> None:
            super().__init__()
            self.first = nn.Linear(2 * dim + 2 * STEP_WAVES, width)
            self.second = nn.Linear(width, width)
            self.last = nn.Linear(width, dim)
            self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))

        def forward(self, noisy: Tensor, steps: Tensor, pictures: Tensor) -> Tensor:
            scale = noisy.shape[-1] ** 0.5
            rates = torch.exp(torch.arange(STEP_WAVES, device=noisy.device) * (-np.log(10_000) / STEP_WAVES))
            angles = steps.to(noisy.dtype)[:, None] * rates
            told = torch.cat([noisy, scale * pictures, angles.sin(), angles.cos()], 1)
            hidden = functional.silu(self.norms[0](self.first(told)))
            hidden = hidden + functional.silu(self.norms[1](self.second(hidden)))
            return self.last(hidden)

    return TextDenoiser


class TextDiffusion:
    """The network under its name of the catalogue; safe to use from many threads.

    Attributes:
        name: Name in the catalogue.
        size_bytes: Memory of the weights.
        encoder: Name of the image-text model in whose space it works.
        logit_scale: s / T of the cosines with denoised texts, fitted on pictures that it was not taught on.
    """

    def __init__(self, name: str, net: Any, *, encoder: str, logit_scale: float, device: str = "cpu") -> None:
        """Wrap a network; :func:`load` is the usual way."""
        self.name = name
        self.size_bytes = sum(value.numel() * value.element_size() for value in net.parameters())
        self.encoder = encoder
        self.logit_scale = logit_scale
        self._net = net
        self._device = device

    def denoised(
        self, pictures: Rows, *, draws: int = DRAWS, steps: int = STEPS, seed: int = 0, job: Job | None = None
    ) -> Rows:
        """Draw the texts that pictures denoise to.

        Args:
            pictures: (N, D) unit embeddings by ``encoder``.
            draws: Texts a picture; the noise of draw k is the same for every picture.
            steps: Of DDIM.
            seed: Of the noise.
            job: Told the pictures done; asked for Cancel between batches.

        Returns:
            (N, draws, D) float32 of unit norm.

        Raises:
            ValueError: the embeddings are of another length than the network's.
            Cancelled: the job was cancelled.
        """
        dim = self._net.last.out_features
        if pictures.ndim != 2 or pictures.shape[1] != dim:
            raise ValueError(f"pictures are (N, {dim}), not {pictures.shape}")
        noise = np.random.default_rng(seed).standard_normal((draws, dim), np.float32)
        out = np.empty((len(pictures), draws, dim), np.float32)
        for start in range(0, len(pictures), BATCH):
            if job is not None:
                job.step("running", start, len(pictures), unit="pictures", note="denoising texts")
            some = pictures[start : start + BATCH]
            with exclusive(self._device, job):
                out[start : start + BATCH] = self._drawn(some, noise, steps)
        return out

    def _drawn(self, pictures: Rows, noise: Rows, steps: int) -> Rows:
        """DDIM from shared noise (K, D) under pictures (N, D) -> (N, K, D) unit norm."""
        import torch
        from torch.nn import functional

        count, draws = len(pictures), len(noise)
        scheduler = ddim(steps)
        given = torch.from_numpy(np.repeat(pictures, draws, axis=0)).to(self._device)
        state = torch.from_numpy(np.tile(noise, (count, 1))).to(self._device)
        with torch.inference_mode():
            for step in scheduler.timesteps:
                clean = self._net(state, step.expand(len(state)).to(state.device), given)
                state = scheduler.step(clean, step, state).prev_sample
            rows: Rows = functional.normalize(state, dim=-1).cpu().numpy()
        return rows.reshape(count, draws, -1)


def ddim(steps: int) -> Any:
    """The scheduler of an answer: the network predicts what is clean, nothing is clipped."""
    from diffusers import DDIMScheduler

    scheduler: Any = DDIMScheduler(prediction_type="sample", clip_sample=False, set_alpha_to_one=True)
    scheduler.set_timesteps(steps)
    return scheduler


def load(
    folder: Path, spec: ModelSpec, *, device: str = "cpu", dtype: str = "float32", job: Job | None = None
) -> TextDiffusion:
    """Load a folder of config.json ({"dim", "width", "encoder", "logit_scale"}) and weights.

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
    from safetensors.torch import load_file

    if job is not None:
        job.step("loading", note=spec.title)
    with telling_of_damage(spec.title):
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        net = build(int(config["dim"]), int(config["width"]))
        net.load_state_dict({name: value.float() for name, value in load_file(folder / WEIGHTS).items()})
        encoder, scale = str(config["encoder"]), float(config["logit_scale"])
    return TextDiffusion(
        spec.name, net.to(device).eval().requires_grad_(False), encoder=encoder, logit_scale=scale, device=device
    )
