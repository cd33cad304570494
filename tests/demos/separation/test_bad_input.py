"""What strangers bring, all the way through the tab's handler: one sentence, or sounds that add up and a note."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
import soundfile

from core.settings import configure
from demos.separation import tab_run
from demos.separation.read import read_sound
from demos.separation.tab_fields import SoundUpload
from demos.separation.tab_parts import Parts
from tests.demos.separation.stub_separator import last
from tests.demos.separation.test_read import encode, tones

Make = Callable[[Path], Path]


def wav(samples: Any, rate_hz: int = 16_000, name: str = "x.wav", **more: Any) -> Make:
    def make(folder: Path) -> Path:
        soundfile.write(folder / name, samples, rate_hz, **{"subtype": "FLOAT", **more})
        return folder / name

    return make


def raw(name: str, content: bytes) -> Make:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


def some_nan() -> Any:
    samples = tones(16_000, 1.0, 1)
    samples[100:104] = np.nan
    return samples


TONES = tones(16_000, 1.0, 1)
REFUSED: dict[str, tuple[Make, str, str]] = {
    "silence": (wav(0 * TONES), "red", "x.wav is silent (its loudest sample is 0); there is nothing to separate."),
    "10 ms": (wav(TONES[:160]), "red", "x.wav lasts 10 ms; at least 100 ms are needed."),
    "only NaN": (wav(np.nan * TONES), "red", "x.wav holds no numbers at all"),
    "over-long": (wav(np.zeros(4_000 * 90), 4_000, subtype="PCM_U8"), "red", "x.wav lasts 0:01:30 h; at most 0:01:00"),
    "video without sound": (
        lambda folder: encode(folder / "x.mp4", tones(8_000, 0.1, 1), 8_000, "aac", video=True, sound=False),
        "red", "x.mp4 is a video without sound; allowed are WAV",
    ),
    "a picture named .wav": (raw("x.wav", b"\x89PNG\r\n\x1a\n" + bytes(64)), "red", "x.wav is a picture, no sound;"),
    "words named .mp3": (raw("x.mp3", b"hello"), "red", "x.mp3 is no sound (it looks like text);"),
    "empty file": (raw("x.wav", b""), "red", "x.wav is empty (0 bytes)."),
    "empty query": (wav(TONES), " \n ", "There is no query; name a sound, for example: flute."),
    "seven queries": (wav(TONES), "a,b,c,d,e,f,g", "These are 7 queries; at most 6 at once."),
}  # fmt: skip
TAKEN: dict[str, tuple[Make, str, str]] = {
    "a few NaN": (wav(some_nan()), "red", "4 of 16,000 samples of x.wav were NaN or infinite"),
    "clipped": (wav(np.clip(9 * TONES, -1, 1)), "red", "x.wav is clipped: "),
    "8 kHz mono": (wav(tones(8_000, 1.0, 1), 8_000), "red", ""),
    "192 kHz, 6 channels": (wav(tones(192_000, 0.5, 6), 192_000), "red", ""),
    "FLAC named .mp3": (
        wav(TONES, name="x.mp3", format="FLAC", subtype="PCM_16"), "red", "x.mp3 is FLAC in spite of its name;"
    ),
    "a query beyond the tokenizer": (wav(TONES), "red " * 90, "tokens; only the first 77 were read."),
    "no Latin letters": (wav(TONES), "красный", "is not in Latin letters; stub knows English best."),
    "signs only": (wav(TONES), "🎻", "“🎻” is not heard here"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_one_sentence_on_the_status_line(parts: Parts, separator: Any, tmp_path: Path, name: str) -> None:
    make, query, start = REFUSED[name]
    configure(max_sound_minutes=1)
    path, updates = make(tmp_path), []
    with pytest.raises(gr.Error):
        for update in tab_run.separate_handler(parts)(SoundUpload(path, path.name), query):
            updates.append(update)
    line = updates[-1][parts.line]
    assert line["state"] == "error" and line["text"].startswith(start)
    assert line["text"].endswith(".") and str(tmp_path) not in line["text"]
    assert updates[-1][parts.stem] is None and separator.calls == 0


@pytest.mark.parametrize("name", TAKEN)
def test_what_can_be_taken_adds_up_and_is_told(parts: Parts, separator: Any, tmp_path: Path, name: str) -> None:
    make, query, note = TAKEN[name]
    path = make(tmp_path)
    found = last(tab_run.separate_handler(parts)(SoundUpload(path, path.name), query, depth="float"))
    whole = read_sound(path)
    stem, rest = (soundfile.read(found[part], dtype="float32", always_2d=True) for part in (parts.stem, parts.rest))
    assert stem[1] == rest[1] == whole.rate_hz
    assert np.abs(stem[0] + rest[0] - whole.samples()).max() < 1e-4
    notes = found[parts.tracks]["notes"]
    assert any(note in told for told in notes) if note else not notes
