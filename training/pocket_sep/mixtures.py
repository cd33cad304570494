"""Mix-and-separate: sources drawn from prepared clips, mixed at random levels, with a query for each.

A source is a few seconds of one label: a long clip cut at random, or short ones (single notes, spoken digits, barks)
laid one after the other with random gaps, as they sound when somebody plays.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from core.sep_spectrogram import LEAST_MAGNITUDE, RATE_HZ, ROWS, Transform, unwarp, warp
from training.pocket_sep.labels import labels

Floats = NDArray[np.float32]
Split = Literal["train", "held_out"]
QueryKind = Literal["text", "held_out", "picture", "test_picture"]

RMS = 0.1  # of a source before its level is drawn
MOST_GAIN = 60.0  # a nearly silent cut is not blown up
MOST_PITCH = 1 / 6  # of an octave, for clips that are varied
FILTER_DB, FILTER_KNOTS, FILTER_FROM_HZ = 4.0, 6, 80.0
GAP_S = (-0.15, 0.35)  # between short clips; negative: they overlap
_TRANSFORM = Transform()
_ROWS_OF_BINS = unwarp(np.eye(ROWS, dtype=np.float32), _TRANSFORM.frequency_hz).T.copy()  # (513, 256)


class Clips:
    """The clips of one split by label, with repeats of small sets balanced: first the label is drawn, then the set."""

    def __init__(self, data: Path, split: Split) -> None:
        """Map ``clips.npy`` and list what is there."""
        self._samples = np.load(data / "clips.npy", mmap_mode="r")
        families = {row.name: row.family for row in labels()}
        self._by_label: dict[str, dict[str, list[tuple[int, int]]]] = {}
        for row in json.loads((data / "clips.json").read_text()):
            if row["split"] == split and row["label"] in families:
                by_set = self._by_label.setdefault(row["label"], {})
                by_set.setdefault(row["set"], []).append((row["start"], row["length"]))
        self.labels = tuple(sorted(self._by_label))
        self.family = {name: families[name] for name in self.labels}

    def clip(self, label: str, longest: int, rng: Generator, varied: float = 0.0) -> Floats:
        """One clip in [-1, 1], (T,), or a random cut of it with ``longest`` samples.

        ``varied`` is the share of clips that are played up to MOST_PITCH higher and faster, or lower and slower.
        """
        sets = list(self._by_label[label].values())
        chosen = sets[int(rng.integers(len(sets)))]
        start, length = chosen[int(rng.integers(len(chosen)))]
        speed = 2 ** rng.uniform(-MOST_PITCH, MOST_PITCH) if varied and rng.random() < varied else 1.0
        taken = longest if speed == 1.0 else int(longest * speed) + 1
        if length > taken:
            start, length = start + int(rng.integers(0, length - taken + 1)), taken
        samples = np.asarray(self._samples[start : start + length], np.float32) / 32768
        if speed != 1.0:
            samples = np.interp(np.arange(0, length - 1, speed), np.arange(length), samples).astype(np.float32)
        return samples[:longest]

    def source(self, label: str, length: int, rng: Generator, varied: float = 0.0) -> Floats:
        """A few seconds of one label at RMS 0.1, (length,); ``varied`` as in :meth:`clip`."""
        found = np.zeros(length, np.float32)
        at = int(rng.integers(0, RATE_HZ // 4))
        while at < length:
            clip = self.clip(label, length, rng, varied)
            piece = clip[: length - at]
            found[at : at + len(piece)] += piece
            at = max(at + RATE_HZ // 20, at + len(clip) + int(rng.uniform(*GAP_S) * RATE_HZ))
        level = float(np.sqrt(np.mean(found**2)))
        return found * np.float32(min(RMS / max(level, 1e-6), MOST_GAIN))


class Queries:
    """Embeddings by label and kind, as training.pocket_sep.queries left them."""

    def __init__(self, data: Path) -> None:
        """Read ``queries.npz``."""
        with np.load(data / "queries.npz") as file:
            self._rows = {name: file[name].astype(np.float32) for name in file.files}
        self.dim = next(iter(self._rows.values())).shape[1]

    def has(self, label: str, kind: QueryKind) -> bool:
        """Whether there is any query of this kind."""
        return f"{kind}/{label}" in self._rows

    def all(self, label: str, kind: QueryKind) -> Floats:
        """Every query of this kind, (n, D)."""
        return self._rows[f"{kind}/{label}"]

    def name(self, label: str) -> Floats:
        """The label's own name, the first of its texts, (D,)."""
        return self._rows[f"text/{label}"][0]

    def draw(self, label: str, kind: QueryKind, rng: Generator) -> Floats:
        """One query, (D,); text stands in where no picture shows the label."""
        rows = self._rows.get(f"{kind}/{label}")
        if rows is None:
            rows = self._rows[f"text/{label}"]
        return rows[int(rng.integers(len(rows)))]


@dataclass(frozen=True, eq=False)
class Mixture:
    """Sources and their sum.

    Attributes:
        sources: (N, T) float32; their sum is the mixture.
        names: The label of each.
    """

    sources: Floats
    names: tuple[str, ...]


def draw_mixture(
    clips: Clips,
    count: int,
    length: int,
    rng: Generator,
    *,
    jitter_db: float = 5.0,
    one_family: float = 0.25,
    varied: float = 0.0,
) -> Mixture:
    """``count`` sources of different labels, levels drawn within +- ``jitter_db``.

    ``one_family`` is the share of mixtures whose sources may come from one family; the others' all differ. ``varied``
    is the share of clips that are played up to two semitones higher or lower.
    """
    may_share = rng.random() < one_family
    order = [clips.labels[i] for i in rng.permutation(len(clips.labels))]
    chosen: list[str] = []
    for name in order:
        if may_share or clips.family[name] not in {clips.family[other] for other in chosen}:
            chosen.append(name)
        if len(chosen) == count:
            break
    gains = 10 ** (rng.uniform(-jitter_db, jitter_db, len(chosen)) / 20)
    sources = np.stack([g * clips.source(name, length, rng, varied) for g, name in zip(gains, chosen, strict=True)])
    return Mixture(sources.astype(np.float32), tuple(chosen))


def spectra_of(sources: Floats) -> NDArray[np.complex64]:
    """Short-time spectra of sources: (N, T) -> (N, F, 513), F = T / 256; their sum is the mixture's."""
    half, hop = _TRANSFORM.n_fft // 2, _TRANSFORM.hop
    padded = np.pad(sources, ((0, 0), (half, half))).T
    count = sources.shape[1] // hop
    return _TRANSFORM.frames(lambda start, stop: padded[start + half : stop + half], 0, count)


def filtered(spectra: NDArray[np.complex64], share: float, rng: Generator) -> NDArray[np.complex64]:
    """Spectra as another microphone in another room might have heard them: each source in ``share`` of the draws.

    A gain of a few decibels that changes smoothly along the logarithm of the frequency; levels stay as they were.
    """
    heights = np.log2(np.maximum(_TRANSFORM.frequency_hz, FILTER_FROM_HZ) / FILTER_FROM_HZ)
    knots = np.linspace(0, heights[-1], FILTER_KNOTS)
    found = spectra.copy()
    for source in found:
        if rng.random() < share:
            before = float((np.abs(source) ** 2).sum())
            gains_db = np.interp(heights, knots, rng.normal(0, FILTER_DB, FILTER_KNOTS))
            source *= (10 ** (gains_db / 20)).astype(np.float32)
            source *= np.float32((before / max(float((np.abs(source) ** 2).sum()), 1e-12)) ** 0.5)
    return found


def pictures_of(spectra: NDArray[np.complex64]) -> tuple[Floats, Floats]:
    """Warped magnitudes of a mixture and of its sources: (N, F, 513) -> (256, F), (N, 256, F)."""
    own = warp(np.abs(spectra)).transpose(0, 2, 1)
    whole = warp(np.abs(spectra.sum(0)) + np.float32(LEAST_MAGNITUDE)).T
    return np.ascontiguousarray(whole), np.ascontiguousarray(own)


def energies_of(spectra: NDArray[np.complex64]) -> Floats:
    """What a mask's fidelity is made of, (N + 1, 256, F), from (N, F, 513).

    First Re(S_n Mix*) of every source, then |Mix|^2. Each bin's share goes to the rows that its mask is interpolated
    from, so that sums over rows of mask times these are sums over bins (of the square: at most a little above them).
    """
    whole = spectra.sum(0)
    shares = (spectra * whole.conj()).real
    return np.ascontiguousarray((np.concatenate([shares, np.abs(whole)[None] ** 2]) @ _ROWS_OF_BINS).transpose(0, 2, 1))
