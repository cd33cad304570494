"""A latent diffusion model as what it is made of: autoencoder, text encoder, denoising U-Net; by diffusers' classes.

Symbols: z = factor * VAE(x) the latent of a picture, abar the scheduler's cumulated product of alphas, u_theta the
U-Net.

    z_t    = sqrt(abar_t) z + sqrt(1 - abar_t) eps
    target = eps, or sqrt(abar_t) eps - sqrt(1 - abar_t) z where the checkpoint predicts velocities
    error  = mean (u_theta(z_t, t, text) - target)^2
    edit:  u = u(0, 0) + s_t (u(x, c) - u(x, 0)) + s_x (u(x, 0) - u(0, 0))      x the picture's latent, c the words

The folders are those that diffusers writes (unet/, vae/, text_encoder/, tokenizer/, scheduler/), whatever the family of
Stable Diffusion 1 or 2 they are of: every size is read from their configuration files.

Source: Rombach et al. 2022, arXiv:2112.10752; errors as in Li et al. 2023, arXiv:2303.16203; editing by instruction,
Brooks et al. 2023, "InstructPix2Pix", arXiv:2211.09800, is :meth:`LatentDiffusion.edited`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.device import exclusive
from core.errors import ModelUnavailable
from core.loading import telling_of_damage
from core.model_spec import ModelSpec
from core.tasks import Job

if TYPE_CHECKING:
    from torch import Tensor

Rgb = NDArray[np.uint8]
Floats = NDArray[np.float32]
TEXTS_AT_ONCE = 2  # under one noise: more would hold the device longer than Cancel may take
MULTIPLE_PX = 64  # of a picture's sides: the autoencoder shrinks by 8, the U-Net by 8 again


@dataclass(frozen=True, eq=False)
class Networks:
    """The parts of a checkpoint, loaded."""

    vae: Any
    text: Any
    tokenizer: Any
    unet: Any
    scheduler: Any


class LatentDiffusion:
    """The parts under one name of the catalogue; safe to use from many threads.

    Attributes:
        name: Name in the catalogue.
        size_bytes: Memory of the weights.
        edits: Whether the U-Net takes a picture beside the noise, as InstructPix2Pix does.
    """

    def __init__(self, name: str, parts: Networks, *, device: str = "cpu") -> None:
        """Wrap loaded parts; :func:`load` is the usual way."""
        self.name = name
        networks = (parts.vae, parts.text, parts.unet)
        self.size_bytes = sum(
            value.numel() * value.element_size() for network in networks for value in network.parameters()
        )
        self.edits = parts.unet.config.in_channels == 2 * parts.vae.config.latent_channels
        self._parts = parts
        self._device = device

    def encode_texts(self, texts: Sequence[str], *, job: Job | None = None) -> Floats:
        """The states of every token of texts, (C, T, E) float32; what is longer than the encoder reads is cut."""
        import torch

        tokenizer = self._parts.tokenizer
        tokens = tokenizer(
            list(texts), padding="max_length", max_length=tokenizer.model_max_length, truncation=True,
            return_tensors="pt",
        )  # fmt: skip
        with exclusive(self._device, job), torch.inference_mode():
            states: Tensor = self._parts.text(tokens.input_ids.to(self._device)).last_hidden_state
        found: Floats = states.float().cpu().numpy()
        return found

    def encode_picture(self, rgb: Rgb, side_px: int, *, job: Job | None = None) -> Floats:
        """The latent of the middle square of a picture (H, W, 3), scaled to ``side_px``: (4, side / 8, side / 8).

        Raises:
            ValueError: ``side_px`` is no multiple of ``MULTIPLE_PX``.
        """
        import torch

        if side_px % MULTIPLE_PX or side_px < MULTIPLE_PX:
            raise ValueError(f"the side is {side_px} px, not a multiple of {MULTIPLE_PX}")
        height, width = rgb.shape[:2]
        short = min(height, width)
        top, left = (height - short) // 2, (width - short) // 2
        square = Image.fromarray(rgb[top : top + short, left : left + short])
        small = np.asarray(square.resize((side_px, side_px), Image.Resampling.BICUBIC))
        vae = self._parts.vae
        with exclusive(self._device, job), torch.inference_mode():
            latent = vae.encode(self._pixels(small)).latent_dist.mode() * vae.config.scaling_factor
        found: Floats = latent[0].float().cpu().numpy()
        return found

    def noise_errors(
        self, latent: Floats, noise: Floats, step: int, texts: Floats, *, job: Job | None = None
    ) -> list[float]:
        """How badly the U-Net tells noise from picture under each text; the noise is one and the same for all.

        Args:
            latent: (4, h, w), of :meth:`encode_picture`.
            noise: (4, h, w), standard normal.
            step: t, of the scheduler's steps.
            texts: (C, T, E), of :meth:`encode_texts`.
            job: Asked for Cancel between a few texts.

        Returns:
            Mean squared errors, (C,).
        """
        import torch

        kept = float(self._parts.scheduler.alphas_cumprod[step])
        noisy = np.float32(kept**0.5) * latent + np.float32((1 - kept) ** 0.5) * noise
        target = noise
        if self._parts.scheduler.config.prediction_type == "v_prediction":
            target = np.float32(kept**0.5) * noise - np.float32((1 - kept) ** 0.5) * latent
        unet = self._parts.unet
        errors: list[float] = []
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            rows = np.ascontiguousarray(texts[start : start + TEXTS_AT_ONCE])
            some = torch.from_numpy(rows).to(self._device, unet.dtype)
            with exclusive(self._device, job), torch.inference_mode():
                given = torch.from_numpy(noisy).to(self._device, unet.dtype).expand(len(some), *noisy.shape)
                seen = unet(given, step, encoder_hidden_states=some).sample.float().cpu().numpy()
            errors += [float(value) for value in np.square(seen - target).mean(axis=(1, 2, 3))]
        return errors

    def edited(
        self,
        rgb: Rgb,
        instruction: str,
        *,
        steps: int = 15,
        text_weight: float = 7.5,
        picture_weight: float = 1.5,
        seed: int = 0,
        job: Job | None = None,
    ) -> Rgb:
        """Draw a picture anew by an instruction; every pixel of the answer is invented.

        Args:
            rgb: (H, W, 3), sides multiples of ``MULTIPLE_PX``.
            instruction: As "make it well lit".
            steps: Of the scheduler, each three times the U-Net.
            text_weight: How much the instruction counts.
            picture_weight: How much the picture counts.
            seed: Of the noise.
            job: Told the steps done; asked for Cancel between steps.

        Returns:
            (H, W, 3).

        Raises:
            ModelUnavailable: the checkpoint is none that edits pictures.
            ValueError: the picture's sides are no multiples.
            Cancelled: the job was cancelled.
        """
        import torch
        from diffusers import EulerAncestralDiscreteScheduler

        if not self.edits:
            raise ModelUnavailable(f"{self.name} draws from words only; take one that edits pictures by instruction.")
        if rgb.shape[0] % MULTIPLE_PX or rgb.shape[1] % MULTIPLE_PX:
            raise ValueError(f"the picture is {rgb.shape}, its sides are no multiples of {MULTIPLE_PX}")
        parts, dtype = self._parts, self._parts.unet.dtype
        scheduler: Any = EulerAncestralDiscreteScheduler.from_config(parts.scheduler.config)
        scheduler.set_timesteps(steps)
        words, nothing = self.encode_texts([instruction, ""], job=job)
        texts = torch.from_numpy(np.stack([words, nothing, nothing])).to(self._device, dtype)
        draw = torch.Generator("cpu").manual_seed(seed)
        with exclusive(self._device, job), torch.inference_mode():
            seen = parts.vae.encode(self._pixels(rgb)).latent_dist.mode()
        pictures = torch.cat([seen, seen, torch.zeros_like(seen)])
        state = torch.randn(seen.shape, generator=draw).to(self._device, dtype) * scheduler.init_noise_sigma
        for place, step in enumerate(scheduler.timesteps):
            if job is not None:
                job.step("running", place, steps, unit="steps", note="drawing the picture anew")
            with exclusive(self._device, job), torch.inference_mode():
                noisy = scheduler.scale_model_input(torch.cat([state] * 3), step)
                found = parts.unet(torch.cat([noisy, pictures], 1), step, encoder_hidden_states=texts).sample
                told, shown, free = found.chunk(3)
                noise = free + text_weight * (told - shown) + picture_weight * (shown - free)
                state = scheduler.step(noise, step, state, generator=draw).prev_sample
        with exclusive(self._device, job), torch.inference_mode():
            drawn = parts.vae.decode(state / parts.vae.config.scaling_factor).sample[0].float().cpu()
        out: Rgb = ((drawn / 2 + 0.5).clamp(0, 1).permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
        return out

    def _pixels(self, rgb: Rgb) -> Tensor:
        """(H, W, 3) uint8 -> (1, 3, H, W) in [-1, 1], where and as the autoencoder takes it."""
        import torch

        floats = rgb.astype(np.float32).transpose(2, 0, 1)[None] / 127.5 - 1
        return torch.from_numpy(np.ascontiguousarray(floats)).to(self._device, self._parts.vae.dtype)


def load(
    folder: Path, spec: ModelSpec, *, device: str = "cpu", dtype: str = "float32", job: Job | None = None
) -> LatentDiffusion:
    """Load a folder in the layout of diffusers.

    Args:
        folder: What :func:`core.checkpoints.resolve` returned.
        spec: Its row of the catalogue.
        device: Where it runs.
        dtype: Number format in memory.
        job: Told the stage; asked for Cancel between the parts.

    Raises:
        ModelUnavailable: a part is missing or damaged, or does not fit the others; one sentence.
        Cancelled: the job was cancelled.
    """
    import torch
    from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer

    kind = getattr(torch, dtype)
    found: dict[str, Any] = {}
    loaders: dict[str, Any] = {
        "vae": lambda path: AutoencoderKL.from_pretrained(
            path, torch_dtype=kind, use_safetensors=True, low_cpu_mem_usage=False
        ),
        "text_encoder": lambda path: CLIPTextModel.from_pretrained(path, dtype=kind, use_safetensors=True),
        "unet": lambda path: UNet2DConditionModel.from_pretrained(
            path, torch_dtype=kind, use_safetensors=True, low_cpu_mem_usage=False
        ),
        "tokenizer": CLIPTokenizer.from_pretrained,
        "scheduler": DDPMScheduler.from_pretrained,
    }
    with telling_of_damage(spec.title):
        for part, loader in loaders.items():
            if job is not None:
                job.step("loading", note=f"{spec.title}: {part.replace('_', ' ')}")
            found[part] = loader(folder / part)
            if hasattr(found[part], "requires_grad_"):
                found[part] = found[part].to(device).eval().requires_grad_(False)
    found["tokenizer"].model_max_length = found["text_encoder"].config.max_position_embeddings  # some forget to say
    parts = Networks(found["vae"], found["text_encoder"], found["tokenizer"], found["unet"], found["scheduler"])
    widths = parts.unet.config.cross_attention_dim, parts.text.config.hidden_size
    if widths[0] != widths[1]:
        raise ModelUnavailable(
            f"{spec.title} could not be loaded (its U-Net reads texts of width {widths[0]}, its text encoder writes"
            f" {widths[1]}); take another model."
        )
    return LatentDiffusion(spec.name, parts, device=device)
