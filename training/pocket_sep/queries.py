"""Embed once, by pocket-clip, everything that is a query: the words of labels.txt and pictures that show the sounds.

``queries.json`` names the weights that did it; other weights of the same model need other queries and another training.
``queries.npz`` holds three arrays a label: ``text/NAME`` (words used in training), ``held_out/NAME`` (words that are
not) and ``picture/NAME``, ``test_picture/NAME`` (pictures, each emoji on three grounds); rows are (D,) of unit norm.

Run: ``python -m training.pocket_sep.queries --cache CACHE --data DATA``;
CACHE is what training.pocket_clip.pictures made.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from core import clip
from core.catalog import spec
from core.clip import ClipEncoder
from core.settings import ROOT
from training.pocket_clip.pictures import hash_fraction
from training.pocket_sep.labels import labels

log = logging.getLogger(__name__)

TEXT_TENSORS = ("text_model", "text_projection")

QUERY_MODEL = "pocket-clip"
EMOJI_SETS = ("noto", "fluent", "fxemoji", "flat")
PHOTO_SETS = ("caltech", "pacs", "tiny")
MOST_PHOTOS = 120  # a concept
GROUNDS = ((255, 255, 255), (203, 213, 225), (250, 235, 205))
TEST_SHARE = 0.2  # of the emoji drawings and photos, by hash


def load_query_model() -> ClipEncoder:
    """The bundled image-text model."""
    return clip.load(ROOT / "assets" / "models" / QUERY_MODEL, spec(QUERY_MODEL))


def pictures_by_concept(cache: Path) -> dict[str, list[tuple[str, NDArray[np.uint8]]]]:
    """All pictures of the concepts that labels.txt names: concept -> (path, (H, W, 3)) each."""
    wanted = {concept for row in labels() for concept in row.pictures}
    found: dict[str, list[tuple[str, NDArray[np.uint8]]]] = {concept: [] for concept in wanted}
    for name in (*EMOJI_SETS, *PHOTO_SETS):
        if not (cache / f"{name}.json").exists():
            log.warning("%s is not in %s", name, cache)
            continue
        pixels = np.load(cache / f"{name}.npy", mmap_mode="r")
        for index, (concept, _, path) in enumerate(json.loads((cache / f"{name}.json").read_text())):
            if concept in wanted and len(found[concept]) < MOST_PHOTOS:
                found[concept] += [(f"{path}#{i}", rgb) for i, rgb in enumerate(_on_grounds(np.array(pixels[index])))]
    return found


def _on_grounds(pixels: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """A photo as it is; a drawing with alpha on every ground."""
    if pixels.shape[-1] == 3:
        return [pixels]
    alpha = pixels[..., 3:].astype(np.float32) / 255
    return [(alpha * pixels[..., :3] + (1 - alpha) * np.array(g)).round().astype(np.uint8) for g in GROUNDS]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="prepared pictures of training.pocket_clip")
    parser.add_argument("--data", type=Path, required=True)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    model, pictures = load_query_model(), pictures_by_concept(args.cache)
    arrays: dict[str, Any] = {}
    for row in labels():
        arrays[f"text/{row.name}"] = model.encode_texts(row.queries())
        arrays[f"held_out/{row.name}"] = model.encode_texts(row.held_out)
        for kind, is_test in (("picture", False), ("test_picture", True)):
            shown = [
                rgb
                for concept in row.pictures
                for path, rgb in pictures[concept]
                if (hash_fraction(path.split("#")[0]) < TEST_SHARE) is is_test
            ]
            if shown:
                arrays[f"{kind}/{row.name}"] = model.encode_images(shown)
        counts = [len(arrays.get(f"{kind}/{row.name}", ())) for kind in ("text", "held_out", "picture", "test_picture")]
        log.info("%-20s %s", row.name, counts)
    np.savez(args.data / "queries.npz", **arrays)
    weights = ROOT / "assets" / "models" / QUERY_MODEL / "model.safetensors"
    hashes = {"sha256": hashlib.sha256(weights.read_bytes()).hexdigest(), "text_sha256": text_sha256(weights)}
    (args.data / "queries.json").write_text(json.dumps({"model": QUERY_MODEL, **hashes}) + "\n")


def text_sha256(weights: Path) -> str:
    """Hash of names and bytes of the text tower's tensors in a packed image-text model."""
    digest = hashlib.sha256()
    for name, tensor in sorted(load_file(weights).items()):
        if name.startswith(TEXT_TENSORS):
            digest.update(name.encode() + np.ascontiguousarray(tensor).tobytes())
    return digest.hexdigest()


if __name__ == "__main__":
    main()
