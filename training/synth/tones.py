"""Sounds with a pitch: strings, pipes, bells, voices of machines and of electronics."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator
from scipy import signal

from training.synth.shapes import Wave, band_noise, events, melody, note_hz, oscillate, swell, times, wander


def plucked_string(rng: Generator, seconds: float, rate_hz: int) -> Wave:
    """Karplus-Strong: noise that runs round a delay line and loses its treble (Karplus and Strong 1983)."""
    notes, damping = melody(rng, 45, 79), rng.uniform(0.990, 0.998)
    bright = rng.uniform(0.2, 0.8)

    def pluck() -> Wave:
        period = max(round(rate_hz / note_hz(next(notes))), 2)
        burst = np.zeros(round(1.6 * rate_hz))
        burst[:period] = signal.lfilter([bright], [1, bright - 1], rng.uniform(-1, 1, period))
        loop = np.zeros(period + 2)
        loop[0] = 1.0
        loop[period : period + 2] = -0.5 * damping
        return signal.lfilter([1.0], loop, burst) * swell(len(burst), rate_hz, 0.001, 0.3)

    return events(rng, seconds, rate_hz, (0.18, 0.5), pluck)


def _held(rng: Generator, seconds: float, rate_hz: int, notes: Iterator[int], length_s: tuple[float, float]) -> Wave:
    """Frequency of every sample of a legato line with vibrato, (T,) Hz."""
    frequency = np.zeros(round(seconds * rate_hz))
    at = 0
    while at < len(frequency):
        count = round(rng.uniform(*length_s) * rate_hz)
        frequency[at : at + count] = note_hz(next(notes))
        at += count
    glide = max(round(0.03 * rate_hz), 1)
    frequency = signal.lfilter(np.ones(glide) / glide, [1.0], frequency, zi=np.full(glide - 1, 0.0))[0]
    frequency[:glide] = frequency[glide] if len(frequency) > glide else frequency[-1]
    vibrato = 1 + 0.006 * np.sin(2 * np.pi * rng.uniform(4.5, 6) * times(seconds, rate_hz))
    return frequency * vibrato


def flute(rng: Generator, seconds: float, rate_hz: int) -> Wave:
    """Few harmonics with vibrato and breath noise around the pitch."""
    frequency = _held(rng, seconds, rate_hz, melody(rng, 67, 91), (0.25, 0.9))
    tone = sum(a * oscillate(k * frequency, rate_hz) for k, a in ((1, 1.0), (2, 0.35), (3, 0.12), (4, 0.04)))
    breath = 0.06 * band_noise(rng, len(frequency), rate_hz, 1500, 6000)
    loudness = 0.8 + 0.2 * np.clip(wander(rng, len(frequency), rate_hz, 2), -1, 1)
    return (tone + breath) * loudness * swell(len(frequency), rate_hz, 0.05, 0.1)


def organ(rng: Generator, seconds: float, rate_hz: int) -> Wave:
    """Chords of additive pipes: octaves, fifths, and no decay."""
    stops = [(1, 1.0), (2, 0.7), (3, 0.4), (4, 0.4), (6, 0.2), (8, 0.2)]
    chords = melody(rng, 43, 62)

    def chord() -> Wave:
        root, count = next(chords), round(rng.uniform(0.7, 1.3) * rate_hz)
        clock = np.arange(count) / rate_hz
        pitches = [note_hz(root + step) for step in (0, 7, 12, 16)]
        wave = sum(
            a * np.sin(2 * np.pi * k * hz * clock) for hz in pitches for k, a in stops if k * hz < 0.45 * rate_hz
        )
        return wave * swell(count, rate_hz, 0.04, 0.12)

    return events(rng, seconds, rate_hz, (0.7, 1.1), chord)


def bell(rng: Generator, seconds: float, rate_hz: int) -> Wave:
    """Inharmonic partials of a church bell, each with its own decay."""
    partials = (
        (0.5, 0.6, 1.6),
        (1.0, 1.0, 1.3),
        (1.19, 0.8, 1.0),
        (1.5, 0.5, 0.8),
        (2.0, 0.9, 0.7),
        (2.51, 0.4, 0.45),
        (2.66, 0.35, 0.4),
        (3.01, 0.3, 0.3),
        (4.17, 0.25, 0.2),
    )
    pitch_hz, ring = rng.uniform(280, 900), rng.uniform(0.4, 1.2)

    def strike() -> Wave:
        clock = times(2.2, rate_hz)
        wave = sum(
            a * np.exp(-clock / (d * ring)) * np.sin(2 * np.pi * r * pitch_hz * clock + rng.uniform(0, 6))
            for r, a, d in partials
        )
        return rng.uniform(0.6, 1.0) * wave * swell(len(clock), rate_hz, 0.001, 0.2)

    return events(rng, seconds, rate_hz, (0.6, 1.5), strike)


def piano(rng: Generator, seconds: float, rate_hz: int) -> Wave:
    """Slightly stretched harmonics that die at different speeds after a felt thump."""
    notes = melody(rng, 40, 84)

    def key() -> Wave:
        hz, clock = note_hz(next(notes)), times(1.5, rate_hz)
        wave = 0.02 * band_noise(rng, len(clock), rate_hz, 80, 900) * np.exp(-clock / 0.03)
        for k in range(1, 13):
            partial_hz = k * hz * np.sqrt(1 + 4e-4 * k * k)
            if partial_hz < 0.45 * rate_hz:
                wave = wave + np.exp(-clock * (1.5 + 0.9 * k)) / k**1.2 * np.sin(2 * np.pi * partial_hz * clock)
        return wave * swell(len(clock), rate_hz, 0.002, 0.2)

    return events(rng, seconds, rate_hz, (0.15, 0.5), key)


def siren(rng: Generator, seconds: float, rate_hz: int) -> Wave:
    """An emergency siren: two tones in turn, or one that rises and falls."""
    clock, period_s = times(seconds, rate_hz), rng.uniform(0.6, 2.5)
    low_hz = rng.uniform(400, 700)
    high_hz = low_hz * rng.uniform(1.25, 2.0)
    phase = (clock / period_s + rng.uniform()) % 1.0
    if rng.random() < 0.5:
        frequency = np.where(phase < 0.5, low_hz, high_hz)
    else:
        frequency = low_hz + (high_hz - low_hz) * (0.5 - 0.5 * np.cos(2 * np.pi * phase))
    return sum(oscillate(k * frequency, rate_hz) / k for k in (1, 3, 5)) * swell(len(clock), rate_hz, 0.02, 0.02)


def beep(rng: Generator, seconds: float, rate_hz: int) -> Wave:
    """Short electronic tones of one or two pitches."""
    pitches = rng.uniform(700, 3000, 2)
    length_s = rng.uniform(0.06, 0.2)

    def tone() -> Wave:
        clock = times(length_s, rate_hz)
        return np.sign(np.sin(2 * np.pi * rng.choice(pitches) * clock)) * 0.5 * swell(len(clock), rate_hz, 0.004, 0.004)

    return events(rng, seconds, rate_hz, (1.5 * length_s, 4 * length_s), tone)


def whistle(rng: Generator, seconds: float, rate_hz: int) -> Wave:
    """A person whistling: one gliding sine and a little air."""
    frequency = _held(rng, seconds, rate_hz, melody(rng, 81, 100), (0.15, 0.6))
    air = 0.03 * band_noise(rng, len(frequency), rate_hz, 2000, 7000)
    return (oscillate(frequency, rate_hz) + air) * swell(len(frequency), rate_hz, 0.03, 0.08)


def synthesizer(rng: Generator, seconds: float, rate_hz: int) -> Wave:
    """Detuned saws through a filter that opens and closes."""
    clock, notes = times(seconds, rate_hz), melody(rng, 36, 60)
    frequency = np.repeat([note_hz(next(notes)) for _ in range(64)], round(rng.uniform(0.12, 0.5) * rate_hz))
    frequency = np.resize(frequency, len(clock))
    saw = sum(signal.sawtooth(2 * np.pi * np.cumsum(frequency * d) / rate_hz) for d in (0.995, 1.0, 1.006))
    opened = 0.5 + 0.5 * np.sin(2 * np.pi * rng.uniform(0.2, 1.5) * clock)
    dark = signal.sosfilt(signal.butter(2, 600, fs=rate_hz, output="sos"), saw)
    return dark + opened * 0.4 * (saw - dark)


def theremin(rng: Generator, seconds: float, rate_hz: int) -> Wave:
    """A gliding sine with deep vibrato."""
    clock = times(seconds, rate_hz)
    curve = np.convolve(wander(rng, len(clock), rate_hz, 1.2), np.ones(rate_hz // 8) / (rate_hz // 8), "same")
    frequency = rng.uniform(300, 700) * 2 ** (0.6 * curve) * (1 + 0.02 * np.sin(2 * np.pi * 6 * clock))
    return (oscillate(frequency, rate_hz) + 0.2 * oscillate(2 * frequency, rate_hz)) * swell(
        len(clock), rate_hz, 0.1, 0.1
    )


def bird(rng: Generator, seconds: float, rate_hz: int) -> Wave:
    """Groups of fast chirps that sweep between 2 and 6 kHz."""
    base_hz, depth = rng.uniform(2200, 4500), rng.uniform(0.1, 0.35)
    repeats, rising = int(rng.integers(2, 7)), rng.choice([-1.0, 1.0])

    def song() -> Wave:
        clock = times(rng.uniform(0.05, 0.1), rate_hz)
        sweep = base_hz * (1 + rising * depth * (clock / clock[-1] - 0.5) * 2)
        chirp = oscillate(sweep, rate_hz) * swell(len(clock), rate_hz, 0.01, 0.02)
        return np.tile(np.concatenate([chirp, np.zeros(len(chirp) // 2)]), repeats)

    return events(rng, seconds, rate_hz, (0.5, 1.2), song)


def cricket(rng: Generator, seconds: float, rate_hz: int) -> Wave:
    """A high tone in fast pulses, with rests."""
    clock, hz, pulses_hz = times(seconds, rate_hz), rng.uniform(3800, 5500), rng.uniform(25, 60)
    pulse = np.clip(np.sin(2 * np.pi * pulses_hz * clock), 0, 1)
    rest = (np.sin(2 * np.pi * rng.uniform(1, 2.5) * clock + rng.uniform(0, 6)) > rng.uniform(-0.6, 0.2)).astype(float)
    rest = np.convolve(rest, np.ones(200) / 200, "same")
    return np.sin(2 * np.pi * hz * clock) * pulse * rest
