"""Sounds without a pitch: weather, water, fire, drums, steps, engines."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from scipy import signal

from training.synth.shapes import Wave, band_noise, events, swell, times, wander


def rain(rng: Generator, seconds: float, rate_hz: int) -> Wave:
    """A wash of high noise and thousands of drops."""
    count = round(seconds * rate_hz)
    wash = band_noise(rng, count, rate_hz, 1200, 9000)
    drops = np.where(rng.random(count) < rng.uniform(60, 300) / rate_hz, rng.exponential(12.0, count), 0.0)
    ring = band_noise(rng, round(0.006 * rate_hz), rate_hz, 1500, 7000) * np.exp(-times(0.006, rate_hz) / 0.0015)
    return wash + signal.fftconvolve(drops, ring)[:count]


def wind(rng: Generator, seconds: float, rate_hz: int) -> Wave:
    """Low noise whose loudness and colour wander."""
    count = round(seconds * rate_hz)
    gusts = np.exp(0.7 * wander(rng, count, rate_hz, 0.8))
    howl_hz = rng.uniform(250, 600)
    howl = band_noise(rng, count, rate_hz, 0.85 * howl_hz, 1.15 * howl_hz)
    return band_noise(rng, count, rate_hz, 60, 500) * gusts + 0.6 * howl * gusts**2


def water(rng: Generator, seconds: float, rate_hz: int) -> Wave:
    """A brook: bubbles whose pitch rises as they shrink, over a soft wash."""

    def bubble() -> Wave:
        clock, hz = times(rng.uniform(0.02, 0.09), rate_hz), rng.uniform(350, 1800)
        sweep = hz * (1 + rng.uniform(1, 6) * clock)
        return rng.exponential(0.7) * np.sin(2 * np.pi * sweep * clock) * np.exp(-clock * 60)

    wash = band_noise(rng, round(seconds * rate_hz), rate_hz, 400, 3000)
    return 0.12 * wash + events(rng, seconds, rate_hz, (0.004, 0.05), bubble)


def fire(rng: Generator, seconds: float, rate_hz: int) -> Wave:
    """Crackles over a low roar."""

    def crackle() -> Wave:
        clock = times(rng.uniform(0.002, 0.012), rate_hz)
        return rng.exponential(1.5) * rng.standard_normal(len(clock)) * np.exp(-clock * 500)

    count = round(seconds * rate_hz)
    roar = band_noise(rng, count, rate_hz, 60, 300) * (1 + 0.3 * wander(rng, count, rate_hz, 4))
    return 0.15 * roar + events(rng, seconds, rate_hz, (0.005, 0.12), crackle)


def thunder(rng: Generator, seconds: float, rate_hz: int) -> Wave:
    """A crack and a long rolling rumble."""

    def roll() -> Wave:
        clock = times(3.5, rate_hz)
        rumble = band_noise(rng, len(clock), rate_hz, 25, 180) * np.exp(-clock / 1.2)
        rumble = rumble * (1 + 0.6 * wander(rng, len(clock), rate_hz, 5))
        return 1.5 * rumble + band_noise(rng, len(clock), rate_hz, 200, 4000) * np.exp(-clock / 0.12)

    return events(rng, seconds, rate_hz, (2.0, 4.0), roll)


def drum(rng: Generator, seconds: float, rate_hz: int) -> Wave:
    """A beat of kick, snare and hi-hat."""
    beat_s = rng.uniform(0.2, 0.34)
    pattern = [(0, "kick"), (1, "hat"), (2, "snare"), (3, "hat"), (4, "kick"), (5, "kick"), (6, "snare"), (7, "hat")]
    clock = times(0.35, rate_hz)
    kick = np.sin(2 * np.pi * (55 * clock + 3.5 * (1 - np.exp(-clock * 30)))) * np.exp(-clock * 12)
    snare = band_noise(rng, len(clock), rate_hz, 500, 6000) * np.exp(-clock * 22) * 0.6
    snare = snare + np.sin(2 * np.pi * 190 * clock) * np.exp(-clock * 25) * 0.5
    hat = band_noise(rng, len(clock), rate_hz, 5000, 7900) * np.exp(-clock * 60) * 0.35
    voices = {"kick": 1.4 * kick, "snare": snare, "hat": hat}
    found = np.zeros(round(seconds * rate_hz))
    offset = rng.uniform(0, beat_s)
    for step in range(int(seconds / beat_s)):
        start = round((offset + step * beat_s) * rate_hz)
        piece = (rng.uniform(0.8, 1.0) * voices[pattern[step % 8][1]])[: max(len(found) - start, 0)]
        found[start : start + len(piece)] += piece
    return found


def shaker(rng: Generator, seconds: float, rate_hz: int) -> Wave:
    """Grains in a gourd: short bursts of high noise in rhythm."""
    gap_s, low_hz = rng.uniform(0.1, 0.22), rng.uniform(2500, 4500)

    def shake() -> Wave:
        count = round(0.09 * rate_hz)
        return rng.uniform(0.5, 1) * band_noise(rng, count, rate_hz, low_hz, 7800) * swell(count, rate_hz, 0.02, 0.06)

    return events(rng, seconds, rate_hz, (0.95 * gap_s, 1.05 * gap_s), shake)


def clock(rng: Generator, seconds: float, rate_hz: int) -> Wave:
    """Tick and tock in turn."""
    period_s, hz = rng.uniform(0.25, 0.6), rng.uniform(1500, 3000)
    turn = [0]

    def tick() -> Wave:
        turn[0] ^= 1
        span = times(0.03, rate_hz)
        return np.sin(2 * np.pi * hz * (1.0 if turn[0] else 0.8) * span) * np.exp(-span * 250)

    return events(rng, seconds, rate_hz, (period_s, period_s), tick)


def footsteps(rng: Generator, seconds: float, rate_hz: int) -> Wave:
    """Heel and sole on a floor, in a walker's pace."""
    pace_s, floor_hz = rng.uniform(0.4, 0.65), rng.uniform(150, 700)

    def step() -> Wave:
        span = times(0.16, rate_hz)
        heel = band_noise(rng, len(span), rate_hz, floor_hz, 4 * floor_hz) * np.exp(-span * 60)
        sole = np.roll(band_noise(rng, len(span), rate_hz, 1000, 4000) * np.exp(-span * 90), round(0.06 * rate_hz))
        return heel + 0.25 * sole

    return events(rng, seconds, rate_hz, (0.93 * pace_s, 1.07 * pace_s), step)


def motor(rng: Generator, seconds: float, rate_hz: int) -> Wave:
    """An engine: pulses at a wandering firing rate through a muffler."""
    count = round(seconds * rate_hz)
    firing_hz = rng.uniform(22, 70) * np.exp(0.12 * wander(rng, count, rate_hz, 0.7))
    phase = np.cumsum(firing_hz) / rate_hz
    pulses = np.exp(-8 * (phase % 1.0)) * (1 + 0.2 * rng.standard_normal(count))
    muffled = signal.sosfilt(signal.butter(2, (40, 1200), "bandpass", fs=rate_hz, output="sos"), pulses - pulses.mean())
    return muffled + 0.03 * band_noise(rng, count, rate_hz, 200, 2500)


def fan(rng: Generator, seconds: float, rate_hz: int) -> Wave:
    """Steady air with the hum of a motor and its harmonics."""
    clock_s, hum_hz = times(seconds, rate_hz), rng.uniform(90, 240)
    hum = sum(np.sin(2 * np.pi * k * hum_hz * clock_s + k) / k for k in (1, 2, 3, 5))
    return band_noise(rng, len(clock_s), rate_hz, 150, 3500) + 0.7 * hum
