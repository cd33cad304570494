"""Decode the public sound sets once into one array of mono 16 kHz clips, and list what each is.

A prepared folder holds ``clips.npy`` (N,) int16, all clips one after the other at peak 0.9, and ``clips.json``: per
clip its label, set, path, split ("train" or "held_out", every tenth file by the hash of its name), start and length.
The synthesiser's sounds are rendered here too; its held-out sounds have seeds of their own.

Run: ``python -m training.pocket_sep.sounds --raw RAW --data DATA``
"""

from __future__ import annotations

import argparse
import json
import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.sep_spectrogram import RATE_HZ
from training.pocket_clip.pictures import hash_fraction
from training.pocket_sep.labels import labels
from training.synth.sounds import SOUNDS, render

log = logging.getLogger(__name__)

HELD_OUT = 0.1
LEAST_SECONDS = 0.15
MOST_SECONDS = 12.0
SYNTH_TRAIN, SYNTH_HELD_OUT = 24, 4  # renderings a sound
SYNTH_SECONDS = 6.0
_SILENCE_DB = -50.0  # below the peak: cut from both ends

ANIMALS = {  # the set's folders are Turkish
    "Aslan": "lion",
    "Esek": "donkey",
    "Inek": "cow",
    "Kedi": "cat",
    "Kopek": "dog",
    "Koyun": "sheep",
    "Kurbaga": "frog",
    "Kus": "bird",
    "Maymun": "monkey",
    "Tavuk": "chicken",
}
PERCUSSION = {
    "drum": ("bass drum", "djembe", "djundjun", "snare drum", "surdo", "tenor drum", "tom-toms"),
    "cymbal": ("Chinese cymbal", "Chinese hand cymbals", "clash cymbals", "sizzle cymbal", "suspended cymbal"),
    "gong": ("Thai gong", "tam-tam"),
    "bell": ("agogo bells", "bell tree", "cowbell", "sleigh bells", "wind chimes"),
    "shaker": (
        "banana shaker",
        "cabasa",
        "lemon shaker",
        "sheeps toenails",
        "strawberry shaker",
        "tambourine",
        "vibraslap",
    ),
    "woodblock": ("castanets", "guiro", "woodblock", "whip", "washboard", "ratchet"),
    "triangle": ("triangle",),
    "whistle": ("swanee whistle", "train whistle"),
}
_OF_PERCUSSION = {instrument: label for label, names in PERCUSSION.items() for instrument in names}


def label_of(relative: str) -> str | None:
    """The label of a file by its path under the raw folder; None for what is not used."""
    parts = relative.split("/")
    name = parts[-1]
    if parts[0] == "philharmonia" and len(parts) == 4:
        if "_phrase_" in name:
            return None
        return _OF_PERCUSSION.get(name.split("__")[0]) if parts[2] == "percussion" else parts[2]
    if parts[0] == "animals" and name.endswith(".wav"):
        return ANIMALS.get(parts[1].split("-")[0])
    if parts[0] == "digits" and parts[1] == "recordings":
        return "speech"
    if parts[0] == "tonejs" and name.endswith(".mp3"):
        return _label_of_tonejs(parts[1], name)
    return None


def _label_of_tonejs(folder: str, name: str) -> str | None:
    if folder == "berklee":
        return next((row.name for row in labels() if name.startswith(row.beginnings)), None) if name else None
    return {"salamander": "piano", "casio": "electric keyboard", "drum-samples": "drum"}.get(folder)


def decode(path: Path) -> NDArray[np.float32]:
    """Mono at 16 kHz, silence cut from both ends; (T,) float32, empty if nothing is heard."""
    import librosa
    import soundfile

    samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    mono = librosa.resample(samples.mean(1), orig_sr=rate_hz, target_sr=RATE_HZ, res_type="soxr_hq")
    peak = float(np.abs(mono).max(initial=0.0))
    loud = np.flatnonzero(np.abs(mono) > peak * 10 ** (_SILENCE_DB / 20))
    if peak < 1e-4 or not len(loud):
        return mono[:0]
    clip = mono[loud[0] : loud[-1] + 1][: round(MOST_SECONDS * RATE_HZ)]
    return (0.9 / np.abs(clip).max() * clip).astype(np.float32)


def clips(raw: Path) -> Iterator[tuple[dict[str, str], NDArray[np.float32]]]:
    """Every clip that has a label: what it is, and its samples."""
    for path in sorted(p for p in raw.rglob("*") if p.suffix in (".mp3", ".wav")):
        relative = path.relative_to(raw).as_posix()
        label = label_of(relative)
        if label is None:
            continue
        try:
            samples = decode(path)
        except RuntimeError as error:  # soundfile's words for a damaged file; the sets hold a few
            log.warning("%s: %s", relative, error)
            continue
        split = "held_out" if hash_fraction(relative) < HELD_OUT else "train"
        if len(samples) >= LEAST_SECONDS * RATE_HZ:
            yield {"label": label, "set": relative.split("/")[0], "path": relative, "split": split}, samples
    for label in SOUNDS:
        for seed in range(SYNTH_TRAIN + SYNTH_HELD_OUT):
            split = "train" if seed < SYNTH_TRAIN else "held_out"
            samples = render(label, seed, seconds=SYNTH_SECONDS, rate_hz=RATE_HZ)
            yield {"label": label, "set": "synth", "path": f"synth/{label}/{seed}", "split": split}, samples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", type=Path, required=True, help="holds philharmonia, tonejs, animals, digits")
    parser.add_argument("--data", type=Path, required=True)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    args.data.mkdir(parents=True, exist_ok=True)
    pieces, rows, start = [], [], 0
    for row, samples in clips(args.raw):
        pieces.append(np.round(samples * 32767).astype(np.int16))
        rows.append({**row, "start": start, "length": len(samples)})
        start += len(samples)
    np.save(args.data / "clips.npy", np.concatenate(pieces))
    (args.data / "clips.json").write_text(json.dumps(rows, indent=0) + "\n")
    known = {row.name for row in labels()}
    counts = Counter(row["label"] for row in rows)
    log.info("%d clips, %.1f hours, %d labels", len(rows), start / RATE_HZ / 3600, len(counts))
    log.info("without words in labels.txt: %s", sorted(set(counts) - known))
    log.info("without a clip: %s", sorted(known - set(counts)))


if __name__ == "__main__":
    main()
