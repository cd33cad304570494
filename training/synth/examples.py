"""Render the bundled examples of the separation tab: sounds of the synthesiser, each a mono OGG of its own.

A mixture is made when it is shown: ``examples.json`` says where each sound stands between left and right and how loud
it is. So the truth is at hand, and the repository holds every sound once.

Run: ``python -m training.synth.examples --out assets/examples/separation``
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import soundfile

from training.synth.sounds import render

RATE_HZ = 44_100
SECONDS = 8.0
SEED = 2_000  # far from those of training (below 100)
QUALITY = 0.5  # of Vorbis, 0 best to 1 smallest
# name -> (label, place from -1 left to 1 right, level in dB) of each sound
MIXTURES: dict[str, tuple[tuple[str, float, float], ...]] = {
    "Flute in the rain": (("flute", -0.3, 0.0), ("rain", 0.2, -2.0)),
    "Bell and drum": (("bell", 0.4, 0.0), ("drum", -0.2, 0.0)),
    "Siren over an engine": (("siren", 0.5, -3.0), ("motor", -0.3, 0.0)),
    "Plucked string by the fire": (("plucked string", -0.4, 0.0), ("fire", 0.4, 0.0)),
    "Bird, brook and clock": (("bird", 0.6, -2.0), ("water", 0.0, 0.0), ("clock", -0.6, 0.0)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, sounds in MIXTURES.items():
        parts = []
        for label, place, level_db in sounds:
            file = f"{label.replace(' ', '-')}.ogg"
            wave = render(label, SEED, seconds=SECONDS, rate_hz=RATE_HZ)
            soundfile.write(args.out / file, wave, RATE_HZ, format="OGG", subtype="VORBIS", compression_level=QUALITY)
            parts.append({"label": label, "file": file, "place": place, "level_db": level_db})
        rows.append({"name": name, "sounds": parts})
    (args.out / "examples.json").write_text(json.dumps(rows, indent=1) + "\n")
    (args.out / "SOURCES.md").write_text(
        "# Sources\n\nEvery sound here was rendered by this project's synthesiser (`training/synth`) with"
        f" `python -m training.synth.examples`, seed {SEED}. Apache-2.0, as the rest of the repository.\n"
    )


if __name__ == "__main__":
    main()
