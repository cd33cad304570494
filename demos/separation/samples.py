"""The bundled mixtures, with their truth: every sound is a file of its own, and the mixture is made here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from core.sep_metrics import si_sdr
from core.settings import ROOT
from demos.separation.read import read_sound
from demos.separation.sound import Samples, Sound, from_samples

FOLDER = ROOT / "assets" / "examples" / "separation"
PEAK = 0.7  # of a mixture


@dataclass(frozen=True)
class Part:
    """One sound of a mixture.

    Attributes:
        label: What it is, and the query that should find it.
        file: Its mono file.
        place: Where it stands, -1 left to 1 right.
        level_db: How loud it is.
    """

    label: str
    file: str
    place: float
    level_db: float


@dataclass(frozen=True)
class Sample:
    """One bundled mixture."""

    name: str
    parts: tuple[Part, ...]


@cache
def samples(folder: Path = FOLDER) -> tuple[Sample, ...]:
    """All bundled mixtures, in order."""
    rows = json.loads((folder / "examples.json").read_text(encoding="utf-8"))
    return tuple(Sample(row["name"], tuple(Part(**part) for part in row["sounds"])) for row in rows)


def mixed(sample: Sample, folder: Path = FOLDER) -> tuple[Sound, tuple[Samples, ...]]:
    """The mixture in stereo, and the truth of each part, (T, 2); the truths add up to the mixture."""
    waves, rate_hz = [], 0
    for part in sample.parts:
        sound = read_sound(folder / part.file)
        rate_hz = sound.rate_hz
        angle = (part.place + 1) * np.pi / 4  # equal power from left to right
        sides = np.array([np.cos(angle), np.sin(angle)]) * 10 ** (part.level_db / 20)
        waves.append((sound.samples() * sides).astype(np.float32))
    length = min(len(wave) for wave in waves)
    total: Samples = np.stack([wave[:length] for wave in waves]).sum(0)
    scale = np.float32(PEAK / np.abs(total).max())
    truths = tuple(scale * wave[:length] for wave in waves)
    return from_samples(scale * total, rate_hz, f"{sample.name}.wav"), truths


def nearness_db(truth: Samples, mixture: Sound, stem: Sound) -> tuple[float, float]:
    """How near the stem is to the truth, and how near the mixture was, dB of SI-SDR."""
    return si_sdr(truth, stem.samples()), si_sdr(truth, mixture.samples())
