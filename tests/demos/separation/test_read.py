"""Reading: rate, channels and length of every container, and one sentence for every bad file."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from core.errors import Cancelled, InputError
from core.settings import configure
from core.tasks import Job
from demos.separation import read
from demos.separation.read import container_kind, read_sound
from demos.separation.sound import SoundWriter, from_samples

Samples = NDArray[np.float32]


def tones(rate_hz: int, seconds: float, channels: int) -> Samples:
    """One sine a channel, 220 Hz and its multiples, (T, C)."""
    times = np.arange(round(rate_hz * seconds)) / rate_hz
    return np.stack([0.3 * np.sin(2 * np.pi * 220 * (c + 1) * times) for c in range(channels)], 1).astype(np.float32)


def encode(path: Path, samples: Samples, rate_hz: int, codec: str, *, video: bool = False, sound: bool = True) -> Path:
    """Write a container by PyAV, with a small picture if asked."""
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=10) if video else None
        layout = {1: "mono", 2: "stereo"}[samples.shape[1]]
        stream = container.add_stream(codec, rate=rate_hz, layout=layout) if sound else None
        if picture is not None:
            picture.width, picture.height, picture.pix_fmt = 32, 32, "yuv420p"
            for shade in range(10):
                frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 20 * shade, np.uint8), format="rgb24")
                container.mux(picture.encode(frame))
            container.mux(picture.encode(None))
        if stream is not None:
            heard = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout=layout)
            heard.sample_rate, heard.pts, heard.time_base = rate_hz, 0, Fraction(1, rate_hz)
            container.mux(stream.encode(heard))
            container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    "suffix, subtype, rate_hz, channels, tolerance",
    [
        (".wav", "PCM_16", 44_100, 2, 1e-4),
        (".wav", "FLOAT", 8_000, 1, 0.0),
        (".wav", "PCM_24", 192_000, 6, 1e-6),
        (".flac", "PCM_24", 48_000, 2, 1e-6),
        (".ogg", "VORBIS", 44_100, 2, 0.05),
        (".mp3", "MPEG_LAYER_III", 44_100, 2, 0.05),
        (".aiff", "PCM_16", 22_050, 1, 1e-4),
    ],
)
def test_rate_channels_and_length_stay(
    tmp_path: Path, suffix: str, subtype: str, rate_hz: int, channels: int, tolerance: float
) -> None:
    samples = tones(rate_hz, 0.731, channels)
    path = tmp_path / f"a{suffix}"
    soundfile.write(path, samples, rate_hz, subtype=subtype)
    sound = read_sound(path)
    assert (sound.rate_hz, sound.channels, sound.frames) == (rate_hz, channels, len(samples))
    middle = slice(2000, -2000)  # codecs smear the abrupt ends
    assert np.abs(sound.samples() - samples)[middle].max() <= tolerance
    assert sound.notes == ()


@pytest.mark.parametrize(
    "name, codec, video", [("a.m4a", "aac", False), ("a.mp4", "aac", True), ("a.webm", "libopus", False)]
)
def test_sound_of_containers_and_videos(tmp_path: Path, name: str, codec: str, video: bool) -> None:
    rate_hz = 48_000 if codec == "libopus" else 44_100
    samples = tones(rate_hz, 1.0, 2)
    path = encode(tmp_path / name, samples, rate_hz, codec, video=video)
    sound = read_sound(path)
    assert (sound.rate_hz, sound.channels) == (rate_hz, 2)
    assert abs(sound.frames - len(samples)) <= 1024  # AAC fills its last packet
    found = sound.samples()[5000:30_000]
    spectrum = np.abs(np.fft.rfft(found[:, 0]))
    assert abs(spectrum.argmax() * rate_hz / len(found) - 220) < 2
    assert np.abs(np.fft.rfft(found[:, 1])).argmax() == pytest.approx(2 * spectrum.argmax(), abs=2)


def test_content_decides_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    soundfile.write(path, tones(16_000, 0.5, 1), 16_000, format="FLAC")
    sound = read_sound(path)
    assert sound.frames == 8_000
    assert sound.notes == ("a.mp3 is FLAC in spite of its name; it was read as that.",)


def test_values_that_are_no_numbers_become_silence(tmp_path: Path) -> None:
    samples = tones(16_000, 0.5, 1)
    samples[100:103] = np.nan
    samples[200] = np.inf
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    sound = read_sound(tmp_path / "a.wav")
    assert np.isfinite(sound.samples()).all() and not sound.samples()[100:103].any()
    assert sound.notes == ("4 of 8,000 samples of a.wav were NaN or infinite and are taken as silence.",)


def test_clipping_is_said_and_floats_above_one_stay(tmp_path: Path) -> None:
    loud = np.clip(10 * tones(16_000, 0.5, 1), -1, 1)
    soundfile.write(tmp_path / "a.wav", loud, 16_000, subtype="PCM_16")
    assert "is clipped" in read_sound(tmp_path / "a.wav").notes[0]
    over = tones(16_000, 0.5, 1)
    over[5] = 3.0
    soundfile.write(tmp_path / "b.wav", over, 16_000, subtype="FLOAT")
    sound = read_sound(tmp_path / "b.wav")
    assert sound.samples()[5, 0] == 3.0 and sound.notes == ()


def bytes_file(content: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / "x.wav").write_bytes(content)
        return folder / "x.wav"

    return write


def wav_file(samples: Samples, rate_hz: int) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        soundfile.write(folder / "x.wav", samples, rate_hz, subtype="FLOAT")
        return folder / "x.wav"

    return write


def silent_video(folder: Path) -> Path:
    return encode(folder / "x.mp4", tones(8_000, 0.1, 1), 8_000, "aac", video=True, sound=False)


BAD = {
    "empty": (bytes_file(b""), "x.wav is empty (0 bytes)."),
    "text": (bytes_file(b"#EXTM3U\nfile:///etc/hostname\n"), "x.wav is no sound (it looks like text); allowed"),
    "picture": (bytes_file(b"\x89PNG\r\n\x1a\n" + bytes(64)), "x.wav is a picture, no sound; allowed"),
    "midi": (bytes_file(b"MThd\x00\x00\x00\x06"), "x.wav is a MIDI file"),
    "cut header": (bytes_file(b"RIFF\x24\x00\x00\x00WAVEfmt "), "x.wav is damaged or incomplete"),
    "broken mp4": (bytes_file(b"\x00\x00\x00\x18ftypisom" + bytes(90)), "x.wav is damaged or incomplete"),
    "silence": (wav_file(np.zeros((8_000, 1), np.float32), 16_000), "x.wav is silent"),
    "10 ms": (wav_file(tones(16_000, 0.01, 1), 16_000), "x.wav lasts 10 ms; at least 100 ms are needed."),
    "only NaN": (wav_file(np.full((4_000, 1), np.nan, np.float32), 16_000), "x.wav holds no numbers at all"),
    "1 kHz": (wav_file(tones(1_000, 0.5, 1), 1_000), "x.wav has a sample rate of 1,000 Hz; allowed are 4,000"),
    "9 channels": (wav_file(tones(16_000, 0.2, 9), 16_000), "x.wav has 9 channels; at most 8."),
    "video without sound": (silent_video, "x.mp4 is a video without sound; allowed"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_get_one_sentence(tmp_path: Path, name: str) -> None:
    write, start = BAD[name]
    with pytest.raises(InputError) as caught:
        read_sound(write(tmp_path))
    sentence = str(caught.value)
    assert sentence.startswith(start)
    assert sentence.endswith(".") and str(tmp_path) not in sentence


def test_three_hours_are_refused_by_the_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, np.zeros(4_000 * 3 * 3600, np.int16), 4_000, subtype="PCM_U8")
    monkeypatch.setattr(read._Soundfile, "blocks", lambda self: pytest.fail("it was decoded"))
    with pytest.raises(InputError, match=r"long.wav lasts 3:00:00 h; at most 2:00:00 h on this hub\."):
        read_sound(path)
    configure(max_sound_minutes=179)
    with pytest.raises(InputError, match="at most 2:59:00 h on this hub"):
        read_sound(path)


def test_a_header_that_lies_is_found_while_decoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(4_000 * 90, np.int16), 4_000, subtype="PCM_U8")
    configure(max_sound_minutes=1)
    monkeypatch.setattr(read, "_check_header", lambda source, shown: None)
    with pytest.raises(InputError, match=r"a.wav lasts 0:01:0\d h; at most 0:01:00 h"):
        read_sound(tmp_path / "a.wav")


def test_a_cut_file_keeps_its_beginning(tmp_path: Path) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal((64_000, 1)).astype(np.float32)
    soundfile.write(tmp_path / "a.flac", noise, 16_000)
    content = (tmp_path / "a.flac").read_bytes()
    (tmp_path / "a.flac").write_bytes(content[: len(content) // 2])
    sound = read_sound(tmp_path / "a.flac")
    assert 16_000 < sound.frames < 64_000
    assert np.abs(sound.samples() - noise[: sound.frames]).max() < 1e-4


def test_cancel_stops_the_reading(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tones(16_000, 2.0, 1), 16_000)
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        read_sound(tmp_path / "a.wav", job=job)


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone.wav cannot be read"):
        read_sound(tmp_path / "gone.wav")


def test_playlists_reach_no_demuxer() -> None:
    assert container_kind(b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n") is None
    assert container_kind(b"ffconcat version 1.0\nfile /etc/passwd\n") is None
    assert container_kind(b"<?xml version='1.0'?><MPD>") is None


def test_blocks_are_the_samples_and_outside_is_silence() -> None:
    samples = tones(8_000, 0.5, 2)
    writer = SoundWriter(8_000, 2)
    for start in range(0, len(samples), 777):
        writer.append(samples[start : start + 777])
    sound = writer.finish("a.wav")
    assert np.array_equal(sound.samples(), samples)
    assert np.array_equal(np.concatenate(list(sound.blocks(1000))), samples)
    assert np.array_equal(sound.block(-3, 2), np.concatenate([np.zeros((3, 2)), samples[:2]]))
    assert np.array_equal(sound.block(3_999, 4_003)[1:], np.zeros((3, 2)))
    assert sound.block(9_000, 9_010).shape == (10, 2)
    with pytest.raises(ValueError, match="channels|samples"):
        SoundWriter(8_000, 1).append(samples)
    assert from_samples(samples[:, 0], 8_000).channels == 1
