"""Reading sounds of strangers: any sound file or video becomes a :class:`Sound`, or one sentence that says why not.

What a file is, its first bytes say, never its name: FFmpeg's own guessing would also take playlists, which make it
open other files of this machine. Rate, channels and length stay as they are; an hour never lies in memory at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import HubError, InputError
from core.images import shown_name
from core.settings import settings
from core.tasks import Job
from demos.separation.sound import Samples, Sound, SoundWriter

MAX_FILE_BYTES = 4_000_000_000
LEAST_SECONDS = 0.1
MAX_CHANNELS = 8
RATES_HZ = (4_000, 192_000)
MAX_VALUES = 1_500_000_000  # samples of all channels: what the temporary file may take, 6 GB
SILENCE = 1e-5  # peak, -100 dB: below it there is nothing to separate
CLIPPED_SHARE = 1e-3  # samples at full scale from which a sentence is worth it
_SNIFFED_BYTES = 512
_READ_FRAMES = 1 << 14  # a damaged place costs the block around it
_ALLOWED = "allowed are WAV, FLAC, MP3, OGG, M4A, AIFF and videos such as MP4, MOV, WebM, MKV or AVI"

# soundfile seeks after every block, which in an MP3 loses or repeats samples (found by test_read.py, soundfile 0.14),
# so FFmpeg reads those; of an OGG, FFmpeg drops the first 128 samples.
_SOUNDFILE = frozenset(("wav", "flac", "ogg", "aiff", "caf", "au"))
_SHOWN = {"mov": "MP4", "matroska": "Matroska or WebM", "mpegts": "MPEG-TS", "aac": "AAC", "asf": "ASF"}
_SUFFIXES = {
    "wav": (".wav", ".wave", ".bwf", ".rf64", ".w64"),
    "flac": (".flac",),
    "mp3": (".mp3", ".mp2", ".mpga"),
    "ogg": (".ogg", ".oga", ".opus", ".ogv"),
    "mov": (".mp4", ".m4a", ".m4v", ".mov", ".3gp", ".m4b"),
    "matroska": (".webm", ".mkv", ".mka", ".weba"),
}


@dataclass
class _Heard:
    """What the samples are found to be while they pass."""

    peak: float = 0.0
    not_numbers: int = 0
    full_scale: int = 0
    values: int = 0
    notes: list[str] = field(default_factory=list)

    def take(self, samples: Samples) -> Samples:
        """Count, and set to zero what is no number."""
        is_finite = np.isfinite(samples)
        missing = samples.size - int(np.count_nonzero(is_finite))
        if missing:
            samples = np.where(is_finite, samples, np.float32(0))
        if samples.size:
            magnitudes = np.abs(samples)
            self.peak = max(self.peak, float(magnitudes.max()))
            self.full_scale += int(np.count_nonzero(magnitudes >= 32767 / 32768))
        self.not_numbers += missing
        self.values += samples.size
        return samples


def read_sound(path: Path, *, name: str = "", job: Job | None = None) -> Sound:
    """Read a sound file, or the sound of a video.

    Args:
        path: The file.
        name: What to call it; its own name if left out.
        job: Told the seconds read; asked for Cancel.

    Returns:
        All samples at the file's own rate, channels and length; values that are no numbers become 0.

    Raises:
        InputError: empty, no sound, damaged, silent, too short, too long, or of a kind that is not read.
        Cancelled: the job was cancelled.
    """
    shown = shown_name(name or path.name)
    kind = _kind_of(path, shown)
    heard = _Heard()
    if path.suffix.lower() and kind in _SUFFIXES and path.suffix.lower() not in _SUFFIXES[kind]:
        heard.notes.append(f"{shown} is {_SHOWN.get(kind, kind.upper())} in spite of its name; it was read as that.")
    writer = _read(path, kind, shown, heard, job)
    _check_heard(heard, writer, shown)
    return writer.finish(name or path.name, tuple(heard.notes))


def _kind_of(path: Path, shown: str) -> str:
    """FFmpeg's name of the container, by its first bytes."""
    try:
        byte_count = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(_SNIFFED_BYTES)
    except OSError as error:
        raise InputError(f"{shown} cannot be read: {error.strerror or 'no such file'}.") from error
    if byte_count == 0:
        raise InputError(f"{shown} is empty (0 bytes).")
    if byte_count > MAX_FILE_BYTES:
        raise InputError(f"{shown} has {byte_count / 1e6:,.0f} MB; at most {MAX_FILE_BYTES // 10**6:,} MB.")
    kind = container_kind(head)
    if kind is None:
        what = _other_kind(head)
        raise InputError(f"{shown} is {what}; {_ALLOWED}.")
    return kind


def container_kind(head: bytes) -> str | None:
    """FFmpeg's name of a container by the file's first bytes; None for what is not read."""
    if head[:4] in (b"RIFF", b"RF64", b"riff"):
        return "avi" if head[8:12] == b"AVI " else "wav" if head[8:12] == b"WAVE" or head[:4] == b"riff" else None
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free"):
        is_picture = head[8:12] in (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1")
        return None if is_picture else "mov"
    starts = {
        b"fLaC": "flac",
        b"OggS": "ogg",
        b"FORM": "aiff",
        b"caff": "caf",
        b".snd": "au",
        b"ID3": "mp3",
        b"\x1aE\xdf\xa3": "matroska",
        b"FLV": "flv",
        b"0&\xb2u\x8ef\xcf\x11": "asf",
        b"\x00\x00\x01\xba": "mpeg",
        b"#!AMR": "amr",
    }
    for start, kind in starts.items():
        if head.startswith(start):
            return kind
    if len(head) > 3 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "aac"
    if len(head) > 3 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x06:
        return "mp3"
    return "mpegts" if head[:1] == b"G" and head[188:189] == b"G" else None


def _other_kind(head: bytes) -> str:
    """A few words for what is no sound."""
    if head.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")) or head[8:12] == b"WEBP":
        return "a picture, no sound"
    if head.startswith(b"MThd"):
        return "a MIDI file, which holds notes and no sound"
    if head.startswith(b"PK"):
        return "a ZIP archive, no sound"
    if head.startswith(b"%PDF"):
        return "a PDF document, no sound"
    if b"\x00" not in head and head.decode("utf-8", "ignore").encode() == head:
        return "no sound (it looks like text)"
    return "no sound that is read here"


def _read(path: Path, kind: str, shown: str, heard: _Heard, job: Job | None) -> SoundWriter:
    """Decode everything; damage after the beginning keeps what was read."""
    import av
    import soundfile

    source: _Soundfile | _Container = _Soundfile(path, shown) if kind in _SOUNDFILE else _Container(path, kind, shown)
    writer: SoundWriter | None = None
    try:
        try:
            source.open()
        except soundfile.LibsndfileError:
            source.close()
            source = _Container(path, kind, shown)
            source.open()
        writer = SoundWriter(source.rate_hz, source.channels)
        for samples in source.blocks():
            writer.append(heard.take(samples))
            _check_length(writer.frames, source, shown)
            if job is not None:
                done_s = writer.frames / source.rate_hz
                job.step("checking", done_s, source.frames / source.rate_hz or None, unit="s", note=shown)
    except (soundfile.SoundFileError, av.FFmpegError, OSError, EOFError, ValueError, RuntimeError) as error:
        if isinstance(error, HubError):
            raise
        if writer is None or not writer.frames:
            raise InputError(f"{shown} is damaged or incomplete and cannot be decoded.") from error
        seconds = writer.frames / writer.rate_hz
        heard.notes.append(f"{shown} is damaged after {seconds:,.1f} s; what comes before was read.")
    finally:
        source.close()
    return writer


class _Soundfile:
    """WAV, FLAC, OGG, AIFF and the like, by libsndfile."""

    def __init__(self, path: Path, shown: str) -> None:
        self._path, self._shown = path, shown
        self._file: Any = None
        self.rate_hz = self.channels = self.frames = 0

    def open(self) -> None:
        import soundfile

        self._stream = self._path.open("rb")
        self._file = soundfile.SoundFile(self._stream)
        self.rate_hz, self.channels, self.frames = self._file.samplerate, self._file.channels, self._file.frames
        _check_header(self, self._shown)

    def blocks(self) -> Iterator[Samples]:
        while len(samples := self._file.read(_READ_FRAMES, dtype="float32", always_2d=True)):
            yield samples

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        if hasattr(self, "_stream"):
            self._stream.close()


class _Container:
    """MP3, M4A and the sound of videos, by FFmpeg's libraries."""

    def __init__(self, path: Path, kind: str, shown: str) -> None:
        self._path, self._kind, self._shown = path, kind, shown
        self._container: Any = None
        self.rate_hz = self.channels = self.frames = 0

    def open(self) -> None:
        import av

        self._container = av.open(str(self._path), format=self._kind, metadata_errors="ignore")
        streams = self._container.streams
        if not streams.audio:
            what = "is a video without sound" if streams.video else "holds no sound"
            raise InputError(f"{self._shown} {what}; {_ALLOWED}.")
        stream = streams.audio[0]
        self.rate_hz, self.channels = stream.rate or 0, stream.channels or 0
        if stream.duration and stream.time_base:
            self.frames = round(float(stream.duration * stream.time_base) * self.rate_hz)
        elif self._container.duration:
            self.frames = round(self._container.duration / 1e6 * self.rate_hz)
        _check_header(self, self._shown)

    def blocks(self) -> Iterator[Samples]:
        import av

        resampler = av.AudioResampler(format="fltp")
        for frame in self._container.decode(audio=0):
            for converted in resampler.resample(frame):
                yield _interleaved(converted.to_ndarray().astype(np.float32, copy=False), self.channels)

    def close(self) -> None:
        if self._container is not None:
            self._container.close()


def _interleaved(planes: NDArray[np.float32], channels: int) -> Samples:
    """(C, n) -> (n, C)."""
    if len(planes) != channels:
        raise ValueError(f"the number of channels changes from {channels} to {len(planes)}")
    return np.ascontiguousarray(planes.T)


def _check_header(source: _Soundfile | _Container, shown: str) -> None:
    """Refuse by the header alone what would be too much to decode."""
    low, high = RATES_HZ
    if not low <= source.rate_hz <= high:
        raise InputError(f"{shown} has a sample rate of {source.rate_hz:,} Hz; allowed are {low:,} to {high:,} Hz.")
    if not 1 <= source.channels <= MAX_CHANNELS:
        raise InputError(f"{shown} has {source.channels} channels; at most {MAX_CHANNELS}.")
    _check_length(source.frames, source, shown)


def _check_length(frames: int, source: _Soundfile | _Container, shown: str) -> None:
    """Headers lie and streams have none: this is asked for every block too."""
    seconds = frames / source.rate_hz
    most_s = 60 * settings().max_sound_minutes
    if seconds > most_s:
        raise InputError(f"{shown} lasts {_clock(seconds)}; at most {_clock(most_s)} on this hub.")
    if frames * source.channels > MAX_VALUES:
        raise InputError(
            f"{shown} holds {frames * source.channels / 1e6:,.0f} million samples in its {source.channels} channels;"
            f" at most {MAX_VALUES // 10**6:,} million."
        )


def _clock(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d} h"


def _check_heard(heard: _Heard, writer: SoundWriter, shown: str) -> None:
    """Refuse what cannot be separated; note what was mended."""
    seconds = writer.frames / writer.rate_hz
    if seconds < LEAST_SECONDS:
        raise InputError(f"{shown} lasts {1000 * seconds:.0f} ms; at least {1000 * LEAST_SECONDS:.0f} ms are needed.")
    if heard.not_numbers:
        count = f"{heard.not_numbers:,} of {heard.values:,} samples"
        if heard.not_numbers == heard.values:
            raise InputError(f"{shown} holds no numbers at all ({count} are NaN or infinite).")
        heard.notes.append(f"{count} of {shown} were NaN or infinite and are taken as silence.")
    if heard.peak < SILENCE:
        raise InputError(f"{shown} is silent (its loudest sample is {heard.peak:.1g}); there is nothing to separate.")
    share = heard.full_scale / heard.values
    if share > CLIPPED_SHARE:
        heard.notes.append(
            f"{shown} is clipped: {share:.1%} of its samples stand at full scale, and what was cut off"
            " there cannot be brought back."
        )
