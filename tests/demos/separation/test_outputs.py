"""Files, loudness and pictures: what is written is what was heard."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from core.draw import turbo
from core.errors import InputError
from core.sep_spectrogram import row_of
from demos.separation.loudness import k_filter, loudness_lufs, matching_gain_db
from demos.separation.options import SeparateOptions
from demos.separation.pictures import draw, ticks
from demos.separation.pipeline import Separation, read_queries, separate
from demos.separation.sound import from_samples
from demos.separation.write import file_names, write_wav, write_zip
from tests.demos.separation.stub_separator import StubSeparator
from tests.stub_model import StubModel


def sine(hz: float, level_db: float, rate_hz: int = 48_000, seconds: float = 3.0, channels: int = 1) -> Any:
    times = np.arange(round(rate_hz * seconds)) / rate_hz
    wave = (10 ** (level_db / 20) * np.sin(2 * np.pi * hz * times)).astype(np.float32)
    return np.repeat(wave[:, None], channels, axis=1)


@pytest.fixture
def separation() -> Separation:
    clip = StubModel()
    wave = sine(300, -12, 16_000, 2.0) + sine(1200, -18, 16_000, 2.0)
    queries = read_queries("red, green")
    separator: Any = StubSeparator(clip)
    return separate(from_samples(wave, 16_000, "two.wav"), queries, clip=clip, separator=separator)


def test_filters_are_the_standards_at_48_khz() -> None:
    shelf, cut = k_filter(48_000)
    assert shelf == pytest.approx(
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241, 0.73248077421585], abs=1e-6
    )
    assert cut == pytest.approx([1, -2, 1, 1, -1.99004745483398, 0.99007225036621], abs=1e-6)


@pytest.mark.parametrize("rate_hz", [44_100, 48_000, 96_000])
def test_a_sine_of_997_hz_has_the_standards_loudness(rate_hz: int) -> None:
    """EBU Tech 3341, case 1: stereo at -23 dBFS is -23 LUFS."""
    assert loudness_lufs(from_samples(sine(997, -23, rate_hz, channels=2), rate_hz)) == pytest.approx(-23.0, abs=0.1)


def test_gating_and_matching() -> None:
    loud = sine(997, -20)
    with_silence = np.concatenate([loud, np.zeros_like(loud)])
    assert loudness_lufs(from_samples(with_silence, 48_000)) == pytest.approx(
        loudness_lufs(from_samples(loud, 48_000)), abs=0.5
    )
    whole, quiet, silent = (loudness_lufs(from_samples(gain * loud, 48_000)) for gain in (1.0, 0.25, 1e-9))
    assert matching_gain_db(quiet, whole) == pytest.approx(12.04, abs=0.05)
    assert matching_gain_db(silent, quiet) == matching_gain_db(quiet, silent) == 0.0
    assert matching_gain_db(whole - 35, whole) == 30.0


@pytest.mark.parametrize("depth, step", [("16", 2**-15), ("24", 2**-23), ("float", 1e-9)])
def test_wav_keeps_rate_channels_and_samples(tmp_path: Path, depth: Any, step: float) -> None:
    samples = sine(440, -6, 44_100, 0.3, channels=2)
    written = write_wav(from_samples(samples, 44_100), tmp_path / "a.wav", depth)
    found, rate_hz = soundfile.read(tmp_path / "a.wav", dtype="float32", always_2d=True)
    assert rate_hz == 44_100 and np.abs(found - samples).max() <= step
    assert (written.gain_db, written.note) == (0.0, "")


def test_peaks_are_turned_down_and_not_cut(tmp_path: Path) -> None:
    samples = sine(440, 6, 16_000, 0.3)
    written = write_wav(from_samples(samples, 16_000), tmp_path / "a.wav", "16")
    found, _ = soundfile.read(tmp_path / "a.wav", dtype="float32", always_2d=True)
    assert np.abs(found).max() == pytest.approx(10 ** (-1 / 20), abs=1e-3)
    assert np.abs(found / found.max() - samples / samples.max()).max() < 1e-3
    assert written.note == "a.wav was turned down by 7.0 dB, because its peaks would clip."
    floats = write_wav(from_samples(samples, 16_000), tmp_path / "b.wav", "float")
    assert floats.note == "" and soundfile.read(tmp_path / "b.wav")[0].max() > 1.9
    with pytest.raises(InputError, match="16, 24, float"):
        write_wav(from_samples(samples, 16_000), tmp_path / "c.wav", "8")  # type: ignore[arg-type]


def test_zip_holds_everything_and_adds_up(tmp_path: Path, separation: Separation) -> None:
    write_zip(separation, tmp_path / "all.zip", "float")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert archive.namelist() == ["red.wav", "green.wav", "rest.wav"]
        archive.extractall(tmp_path / "out")
    total = sum(soundfile.read(tmp_path / "out" / f"{n}.wav", dtype="float32")[0] for n in ("red", "green", "rest"))
    assert np.abs(total - separation.heard.sound.samples()[:, 0]).max() < 1e-4
    assert [path.name for path in tmp_path.glob("*.wav")] == []


def test_file_names_are_safe_and_distinct() -> None:
    names = file_names(["../etc/passwd", "a b", "A-B", "rest", "флейта", "???"])
    assert names == ("etc-passwd", "a-b", "A-B-2", "rest-2", "флейта", "sound")


def test_pictures_share_one_scale(separation: Separation) -> None:
    found = draw(separation.heard, SeparateOptions())
    height, width = found.mixture.shape[:2]
    assert height == 256 and width <= 800
    low, high = (255 - round(float(row_of(np.array([hz]))[0])) for hz in (300.0, 1200.0))
    column = width // 2
    assert np.array_equal(found.mixture[low, column], found.stems[0][low, column])
    assert np.array_equal(found.mixture[high, column], found.stems[1][high, column])
    darkest = turbo(np.zeros(1))[0]
    assert np.array_equal(found.stems[0][high, column], darkest)
    assert np.array_equal(found.rest[low, column], darkest) or found.rest[low, column].sum() < 200
    assert found.masks[0][low, column, 0] == 255 and found.masks[1][low, column, 0] == 0
    brightest = turbo(np.ones(1))[0]
    assert (found.mixture == brightest).all(-1).any()


def test_ticks_stand_at_their_frequencies() -> None:
    places = dict(ticks(256))
    assert places[8_000] == pytest.approx(0.0, abs=1e-6) and places[100] > places[1_000] > places[4_000]
