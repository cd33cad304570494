"""Light of a scene: a sun with a disc, a sky that is brighter above, lamps seen in shiny things, and what they shadow.

Both sun and sky are sums of parallel lights, each with its own height map of the scene, so soft shadows and ambient
occlusion are one mechanism: more directions, softer light. Linear RGB radiance, 1 is a white page in the open.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from training.toybox.mesh import Floats
from training.toybox.palette import Rgb


@dataclass(frozen=True)
class Light:
    """Where light comes from: angles in degrees, colours in linear RGB."""

    sun_azimuth_deg: float = -40.0  # as ``camera.orbit``: 0 is the viewer's side of an azimuth-0 camera, 90 is +x
    sun_elevation_deg: float = 50.0
    sun_rgb: Rgb = (2.0, 1.9, 1.75)
    sun_width_deg: float = 6.0
    zenith_rgb: Rgb = (0.62, 0.66, 0.74)
    horizon_rgb: Rgb = (0.50, 0.51, 0.53)
    lamp_rgb: Rgb = (3.0, 3.0, 3.0)  # soft boxes that shiny things mirror
    exposure: float = 1.0
    sky_top_rgb: Rgb | None = None  # backdrop seen by the camera; None: the light's own zenith and horizon
    sky_low_rgb: Rgb | None = None

    @property
    def sun_direction(self) -> Floats:
        """Unit vector towards the sun, (3,)."""
        azimuth, elevation = np.radians(self.sun_azimuth_deg), np.radians(self.sun_elevation_deg)
        flat = np.cos(elevation)
        return np.array((np.sin(azimuth) * flat, -np.cos(azimuth) * flat, np.sin(elevation)))


@dataclass(frozen=True)
class Quality:
    """How finely one picture is made: samples a pixel side, light directions, texels a shadow map."""

    supersampling: int = 2
    n_sun: int = 3
    n_sky: int = 8
    map_side: int = 128


DRAFT = Quality()
GOOD = Quality(supersampling=2, n_sun=8, n_sky=24, map_side=256)
FINE = Quality(supersampling=3, n_sun=24, n_sky=72, map_side=512)


def quality_for(side_px: int) -> Quality:
    """Return the quality that a picture of this width needs: few lights show as blots only from 200 px on."""
    return DRAFT if side_px < 200 else GOOD


def fibonacci_sky(n: int, turn: float = 0.0) -> Floats:
    """Return ``n`` unit vectors (n, 3) evenly over the upper half sphere (Fibonacci lattice), turned by ``turn``."""
    height = (np.arange(n) + 0.5) / n
    angle = np.pi * (3 - np.sqrt(5)) * np.arange(n) + turn
    flat = np.sqrt(1 - height**2)
    return np.stack([flat * np.cos(angle), flat * np.sin(angle), height], -1)


def sun_disc(light: Light, n: int) -> Floats:
    """Return ``n`` unit vectors (n, 3) over the sun's disc; one is its middle."""
    middle = light.sun_direction
    if n == 1:
        return middle[None]
    right = np.cross(middle, (0.0, 0.0, 1.0) if abs(middle[2]) < 0.99 else (1.0, 0.0, 0.0))
    right /= np.linalg.norm(right)
    up = np.cross(right, middle)
    reach = np.tan(np.radians(light.sun_width_deg)) * np.sqrt((np.arange(n) + 0.5) / n)
    angle = np.pi * (3 - np.sqrt(5)) * np.arange(n)
    spread = middle + (reach * np.cos(angle))[:, None] * right + (reach * np.sin(angle))[:, None] * up
    return spread / np.linalg.norm(spread, axis=1, keepdims=True)


def light_rays(light: Light, quality: Quality) -> tuple[Floats, Floats]:
    """Return directions (K, 3) towards the light and what each adds at normal incidence, (K, 3) linear RGB.

    The sky's shares sum so that an open, level, white page under ``zenith = horizon = 1`` reflects 1.
    """
    suns = sun_disc(light, quality.n_sun)
    skies = fibonacci_sky(quality.n_sky, turn=np.radians(light.sun_azimuth_deg))
    horizon, zenith = np.array(light.horizon_rgb), np.array(light.zenith_rgb)
    radiance = horizon + (zenith - horizon) * skies[:, 2:]
    sky_share = radiance / skies[:, 2].sum()
    sun_share = np.tile(np.array(light.sun_rgb) / quality.n_sun, (len(suns), 1))
    return np.concatenate([suns, skies]), np.concatenate([sun_share, sky_share])


def random_light(rng: Generator, kind: str) -> Light:
    """Return a random light of a kind: "studio", "window", "daylight", "overcast" or "evening"."""
    warmth = rng.uniform(-0.06, 0.06)
    tint = np.array((1 + warmth, 1.0, 1 - warmth))
    sun, sky, lamp, elevation, width = {
        "studio": (0.82, 0.40, 1.9, (38, 65), 9.0),
        "window": (0.98, 0.32, 1.6, (25, 48), 8.0),
        "daylight": (1.10, 0.36, 0.9, (32, 65), 2.5),
        "overcast": (0.26, 0.66, 1.1, (50, 75), 14.0),
        "evening": (1.15, 0.30, 0.8, (14, 26), 3.0),
    }[kind]
    sun_tint = tint * {"evening": np.array((1.25, 0.92, 0.62)), "daylight": np.array((1.05, 1.0, 0.9))}.get(kind, 1.0)
    sky_tint = {"daylight": np.array((0.86, 0.97, 1.18)), "evening": np.array((0.95, 0.92, 1.15))}.get(kind, tint)
    gain = rng.uniform(0.85, 1.15)
    is_outdoors = kind in ("daylight", "overcast", "evening")
    top = {"daylight": (0.17, 0.42, 0.80), "evening": (0.30, 0.35, 0.62)}.get(kind, (0.62, 0.66, 0.72))
    low = {"daylight": (0.62, 0.80, 0.95), "evening": (0.95, 0.62, 0.40)}.get(kind, (0.80, 0.82, 0.84))
    return Light(
        sun_azimuth_deg=float(rng.uniform(-80, 80)),
        sun_elevation_deg=float(rng.uniform(*elevation)),
        sun_rgb=_rgb(sun * gain * sun_tint),
        sun_width_deg=width,
        zenith_rgb=_rgb(sky * sky_tint * rng.uniform(0.9, 1.15)),
        horizon_rgb=_rgb(sky * sky_tint * rng.uniform(0.75, 1.0)),
        lamp_rgb=_rgb(lamp * tint),
        exposure=float(rng.uniform(0.85, 1.15)),
        sky_top_rgb=top if is_outdoors else None,
        sky_low_rgb=low if is_outdoors else None,
    )


def _rgb(values: Floats) -> Rgb:
    """Return three floats as a plain tuple."""
    red, green, blue = (float(value) for value in values)
    return red, green, blue
