"""Sounds to files: WAV in 16 or 24 bits or floats, block by block, and a ZIP of all of them.

Nothing is normalised behind the listener's back. Where whole-number samples would clip, the file is turned down to
-1 dBFS and a sentence says by how much: cutting the peaks off instead would be heard.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import InputError
from core.tasks import Job
from demos.separation.answers import Separation
from demos.separation.options import DEPTHS, Depth
from demos.separation.sound import BLOCK_FRAMES, Sound

CEILING = 10 ** (-1 / 20)  # -1 dBFS
MOST_WAV_BYTES = 4_000_000_000  # sizes in a WAV have 32 bits; above it becomes RF64, which soundfile writes too
_SUBTYPES = {"16": "PCM_16", "24": "PCM_24", "float": "FLOAT"}
_NAME_CHARS = 40


@dataclass(frozen=True)
class Written:
    """A file that was written.

    Attributes:
        path: Where.
        gain_db: What it was turned by: asked for, less what the ceiling took.
        note: A sentence where the ceiling took something, or "".
    """

    path: Path
    gain_db: float
    note: str = ""


def write_wav(
    sound: Sound, path: Path, depth: Depth = "24", *, gain_db: float = 0.0, job: Job | None = None
) -> Written:
    """Write one sound.

    Args:
        sound: What to write.
        path: The file; an old one is overwritten.
        depth: Whole numbers of 16 or 24 bits, or 32-bit floats.
        gain_db: Gain asked for (loudness matching).
        job: Asked for Cancel.

    Raises:
        InputError: there is no such depth.
    """
    import soundfile

    if depth not in DEPTHS:
        raise InputError(f"WAV files can have {', '.join(DEPTHS)} bits, not {depth!r}.")
    peak = max((float(np.abs(block).max(initial=0.0)) for block in sound.blocks()), default=0.0)
    gain = 10 ** (gain_db / 20)
    note = ""
    if depth != "float" and peak * gain > 1.0:
        gain = CEILING / peak
        turned_db = 20 * float(np.log10(gain)) - gain_db
        note = f"{path.name} was turned down by {-turned_db:.1f} dB, because its peaks would clip."
    byte_count = sound.frames * sound.channels * (2 if depth == "16" else 4)
    form = "RF64" if byte_count > MOST_WAV_BYTES else "WAV"
    with soundfile.SoundFile(path, "w", sound.rate_hz, sound.channels, subtype=_SUBTYPES[depth], format=form) as file:
        for block in sound.blocks(BLOCK_FRAMES):
            if job is not None:
                job.check()
            file.write(block * np.float32(gain))
    return Written(path, 20 * float(np.log10(gain)), note)


def write_zip(
    separation: Separation, path: Path, depth: Depth = "24", *, job: Job | None = None
) -> tuple[Written, ...]:
    """Write all stems and the rest as ``NAME.wav`` into one archive, at one common gain, so that they still add up.

    Raises:
        InputError: there is no such depth.
    """
    names = file_names([one.query for one in separation.heard.presence])
    sounds = (*separation.stems, separation.rest)
    peak = max(float(np.abs(block).max(initial=0.0)) for sound in sounds for block in sound.blocks())
    gain_db = 20 * float(np.log10(CEILING / peak)) if depth != "float" and peak > 1.0 else 0.0
    found = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, sound in zip((*names, "rest"), sounds, strict=True):
            part = path.with_name(f"{path.stem}-{name}.wav")
            written = write_wav(sound, part, depth, gain_db=gain_db, job=job)
            archive.write(part, f"{name}.wav")
            part.unlink()
            note = f"All files were turned down by {-gain_db:.1f} dB, because one would clip." if gain_db else ""
            found.append(Written(path, written.gain_db, note))
    return tuple(found)


def file_names(queries: Sequence[str]) -> tuple[str, ...]:
    """A file name each, without suffix: letters and digits of any script, no two alike."""
    found: list[str] = []
    for query in queries:
        plain = re.sub(r"[^\w]+", "-", query).strip("-_")[:_NAME_CHARS] or "sound"
        name, number = plain, 2
        while name.lower() in {other.lower() for other in (*found, "rest")}:
            name, number = f"{plain}-{number}", number + 1
        found.append(name)
    return tuple(found)
