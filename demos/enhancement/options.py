"""What a visitor can choose: who says where light is missing, how much of it is given back, what is left alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.errors import InputError
from core.labels import quoted

Method = Literal["rave", "clip-lit", "clip-lit-latent", "retinex", "gamma"]
METHODS: tuple[Method, ...] = ("rave", "clip-lit", "clip-lit-latent", "retinex", "gamma")
LEARNT: tuple[Method, ...] = ("rave", "clip-lit", "clip-lit-latent")  # by a network of the catalogue
Denoising = Literal["diffusion", "filter"]
DENOISING: tuple[Denoising, ...] = ("diffusion", "filter")
MOST_STRENGTH = 1.3


@dataclass(frozen=True)
class EnhanceOptions:
    """How to enhance; the defaults give a good first answer.

    Attributes:
        method: ``"rave"``, ``"clip-lit"``, ``"clip-lit-latent"``: networks taught by CLIP; ``"retinex"``: light as a
            smoothed brightest channel; ``"gamma"``: one curve for the whole picture, by its mean.
        strength: s in I^s, 0 to 1.3: 0 gives the photo back bit by bit, 1 is what the method says.
        protect_highlights: 0 to 1; at 1 what is bright already stays as it is.
        protect_shadows: 0 to 1; at 1 what is nearly black stays as it is.
        denoise: 0 to 1, of areas that were lifted, by the noise that is found in the photo.
        skips_well_lit: Give a photo back untouched where hardly any light is missing.
        denoiser: ``"diffusion"``: a small model, seconds a megapixel; ``"filter"``: at once, and softer.
    """

    method: Method = "rave"
    strength: float = 1.0
    protect_highlights: float = 0.6
    protect_shadows: float = 0.0
    denoise: float = 0.0
    skips_well_lit: bool = True
    denoiser: Denoising = "diffusion"

    def check(self) -> None:
        """Refuse values that no part of the pipeline can use.

        Raises:
            InputError: which one, what it is, and what is allowed.
        """
        if self.method not in METHODS:
            raise InputError(
                f"There is no method called {quoted(str(self.method))}; choose one of {', '.join(METHODS)}."
            )
        if self.denoiser not in DENOISING:
            raise InputError(
                f"There is no denoiser called {quoted(str(self.denoiser))}; choose one of {', '.join(DENOISING)}."
            )
        for name, value, most in (
            ("strength", self.strength, MOST_STRENGTH),
            ("protection of highlights", self.protect_highlights, 1.0),
            ("protection of shadows", self.protect_shadows, 1.0),
            ("denoising", self.denoise, 1.0),
        ):
            if not 0 <= value <= most:
                raise InputError(f"The {name} is {value:g}; it must be from 0 to {most:g}.")
