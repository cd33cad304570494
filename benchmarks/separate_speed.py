"""Time and memory of separating a long stereo file, from reading the file to writing the last stem.

Run: ``python -m benchmarks.separate_speed --minutes 60 [--folder PACKED] [--json]``: writes a stereo WAV that repeats
the first bundled mixture (44.1 kHz) to a temporary folder, then goes the visitor's way with one query: read, separate,
write 24-bit WAVs of stem and rest. Seconds are CPU seconds of the process, all threads together, so that a busy machine
makes no difference; the real-time factor is their share of the sound's length, over two cores half of it. Peak memory
is the process's largest resident set. ``--first`` measures instead the wall time to the stem of a ten-second clip,
models loaded.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import machine, peak_mb
from core.pool import POOL
from core.sep import QueriedSeparator
from core.sep_files import read_separator
from core.settings import set_quiet_environment
from demos.separation.options import Query
from demos.separation.pipeline import read_sound, separate
from demos.separation.samples import mixed, samples
from demos.separation.write import write_wav

MOST_FACTOR, MOST_BYTES, MOST_FIRST_S = 0.08, 1.2e9, 2.5  # the bars
CORES = 2
MODEL = "pocket-sep"


@dataclass(frozen=True)
class Speed:
    """One file taken apart.

    Attributes:
        sound_s: Its length.
        stages_cpu_s: CPU seconds of reading, separating and writing.
        factor: Real-time factor on two cores.
        peak_bytes: Largest resident set of the process.
    """

    sound_s: float
    stages_cpu_s: dict[str, float]
    factor: float
    peak_bytes: int


@contextmanager
def models(folder: Path | None) -> Iterator[tuple[QueriedSeparator, Any]]:
    """Separator and query model: of the catalogue, or a packed folder that is not in it yet."""
    with ExitStack() as stack:
        if folder is None:
            separator = stack.enter_context(POOL.use(MODEL))
        else:
            separator = QueriedSeparator(MODEL, *read_separator(folder, MODEL))
        yield separator, stack.enter_context(POOL.use(separator.usage.query_model))


def write_long(path: Path, seconds: float) -> None:
    """A stereo WAV of 16 bits, in a loop."""
    import soundfile

    loop, _ = mixed(samples()[0])
    with soundfile.SoundFile(path, "w", loop.rate_hz, loop.channels, "PCM_16") as file:
        left = round(seconds * loop.rate_hz)
        while left > 0:
            file.write(loop.block(0, min(left, loop.frames)))
            left -= min(left, loop.frames)


def timed(path: Path, folder: Path, clip: Any, separator: Any) -> Speed:
    """Read, separate, write."""
    marks = [time.process_time()]
    sound = read_sound(path)
    marks.append(time.process_time())
    found = separate(sound, [Query(samples()[0].parts[0].label)], clip=clip, separator=separator)
    marks.append(time.process_time())
    for name, one in (("stem", found.stems[0]), ("rest", found.rest)):
        write_wav(one, folder / f"{name}.wav")
    marks.append(time.process_time())
    stages = dict(zip(("read", "separate", "write"), np.diff(marks).round(3).tolist(), strict=True))
    return Speed(sound.seconds, stages, (marks[-1] - marks[0]) / sound.seconds / CORES, round(peak_mb() * 1e6))


def first_sound(path: Path, folder: Path, clip: Any, separator: Any) -> float:
    """Wall seconds to the stem's file, after one run that loads and warms everything."""
    took = []
    for _ in range(4):
        began = time.perf_counter()
        found = separate(read_sound(path), [Query(samples()[0].parts[0].label)], clip=clip, separator=separator)
        write_wav(found.stems[0], folder / "stem.wav")
        took.append(time.perf_counter() - began)
    return float(np.median(took[1:]))


def speed_of_ours(clip: Any, separator: Any) -> dict[str, float]:
    """The two figures of the table of benchmarks/separate.py; the peak of an hour needs a process of its own."""
    with tempfile.TemporaryDirectory(prefix="separate-speed-") as name:
        folder = Path(name)
        write_long(folder / "short.wav", 10.0)
        write_long(folder / "long.wav", 60.0)
        first = first_sound(folder / "short.wav", folder, clip, separator)
        factor = timed(folder / "long.wav", folder, clip, separator).factor
    return {"real-time factor": factor, "first sound of ten seconds, s": first}


def main() -> int:
    """Print the figures; 1 if a bar was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.separate_speed", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--first", action="store_true", help="time to the first sound of ten seconds instead")
    parser.add_argument("--folder", type=Path, help="a packed model in place of the catalogue's")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    set_quiet_environment()
    with ExitStack() as stack:
        separator, clip = stack.enter_context(models(options.folder))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="separate-speed-")))
        write_long(folder / "long.wav", 10.0 if options.first else options.minutes * 60)
        if options.first:
            found: dict[str, Any] = {"first_sound_s": first_sound(folder / "long.wav", folder, clip, separator)}
            is_met = found["first_sound_s"] <= MOST_FIRST_S
        else:
            speed = timed(folder / "long.wav", folder, clip, separator)
            found = asdict(speed)
            is_met = speed.factor <= MOST_FACTOR and speed.peak_bytes <= MOST_BYTES
    print(json.dumps({"machine": machine(), **found, "is_met": is_met}, indent=1 if options.json else None))
    return int(not is_met)


if __name__ == "__main__":
    sys.exit(main())
