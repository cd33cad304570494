"""Build a scene on the command line: ``python -m demos.gaussians.build_command PHOTOS.zip --out FOLDER``."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from core.errors import HubError
from core.tasks import Job, Step
from demos.gaussians import raster
from demos.gaussians.build import METHODS, BuildOptions, Built, FitOptions, build
from demos.gaussians.field_file import write_field
from demos.gaussians.fit_loss import psnr_db
from demos.gaussians.photos import read_photos
from demos.gaussians.samples import CARD, SCENE, TRAINED

_SPOKEN_EVERY_S = 10.0


def main(arguments: list[str] | None = None) -> int:
    """Build a scene, write scene.npz and card.json, and return the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(prog="python -m demos.gaussians.build_command", description=__doc__)
    usual, usual_fit = BuildOptions(), FitOptions()
    parser.add_argument("photos", type=Path, help="ZIP of photos with COLMAP's model or a transforms.json")
    parser.add_argument("--out", type=Path, required=True, help="folder for scene.npz and card.json")
    parser.add_argument("--work", type=Path, help="folder to keep costly results in and to go on from")
    parser.add_argument("--held-out", type=Path, help="ZIP of posed photos to measure the PSNR on")
    parser.add_argument("--iterations", type=int, default=usual_fit.iterations)
    parser.add_argument("--longest-px", type=int, default=usual_fit.longest_px)
    parser.add_argument("--gaussians", type=int, default=usual_fit.gaussians)
    parser.add_argument("--mask-photos", type=int, default=usual.mask_photos)
    parser.add_argument("--divisors", default=",".join(map(str, usual.divisors)), help="tiles for the segmenter")
    parser.add_argument("--segmenter", default=usual.segmenter)
    parser.add_argument("--encoder", default=usual.encoder)
    parser.add_argument("--method", choices=METHODS, default=usual.method)
    given = parser.parse_args(arguments)
    fit = FitOptions(iterations=given.iterations, longest_px=given.longest_px, gaussians=given.gaussians)
    divisors = tuple(int(word) for word in given.divisors.split(",") if word.strip().isdigit())
    options = BuildOptions(fit, given.mask_photos, divisors, given.segmenter, given.encoder, given.method)
    try:
        for folder in (given.out, given.work):
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
        built = build(given.photos, options, folder=given.work, job=Job(_spoken()))
        write(built, given.out, sys.argv[1:] if arguments is None else arguments, held_out=given.held_out)
    except HubError as error:
        logging.getLogger(__name__).error("%s", error)
        return 1
    return 0


def write(built: Built, folder: Path, arguments: list[str], *, held_out: Path | None = None) -> None:
    """Write the scene, LangSplat's field where both were made, and into the card what can be told of how.

    Other entries of the card stay.
    """
    (folder / SCENE).write_bytes(built.as_npz())
    if built.trained is not None:
        (folder / TRAINED).write_bytes(write_field(built.trained, compact=True))
    path = folder / CARD
    card = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    card |= {
        "command": "python -m demos.gaussians.build_command " + " ".join(_shown(word) for word in arguments),
        "gaussians": len(built.scene),
        "background_rgb": [round(float(value), 4) for value in built.background],
        "model": "" if built.field is None else built.field.model,
        "masks": built.masks,
        "groups": built.groups,
        "cpu_seconds": _seconds(card.get("cpu_seconds", {}), built.seconds),
        "psnr_db_training_views": round(built.psnr_db, 2) if np.isfinite(built.psnr_db) else None,
        "bytes": (folder / SCENE).stat().st_size,
    }
    if held_out is not None:
        values = held_out_psnrs(built, held_out)
        card["psnr_db_held_out_views"] = {"mean": round(float(np.mean(values)), 2), "least": round(min(values), 2)}
        card["held_out_views"] = len(values)
    path.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def held_out_psnrs(built: Built, photos: Path) -> list[float]:
    """PSNR in dB on each photo of a ZIP."""
    found = read_photos(photos)
    return [
        psnr_db(raster.render(built.scene, photo.camera, background=built.background).rgb, photo.floats)
        for photo in found.photos
    ]


def _seconds(old: Mapping[str, float], new: Mapping[str, float]) -> dict[str, float]:
    """CPU seconds by stage; a stage that was gone on with or taken from the work folder keeps its longest run."""
    return {name: round(max(old.get(name, 0.0), new.get(name, 0.0)), 1) for name in {**old, **new}}


def _shown(word: str) -> str:
    """A path by its last name: cards carry no folders of the machine that made them."""
    return Path(word).name if "/" in word else word


def _spoken() -> Callable[[Step], None]:
    """A line now and then."""
    last_s = [0.0]

    def report(step: Step) -> None:
        if time.monotonic() - last_s[0] >= _SPOKEN_EVERY_S:
            last_s[0] = time.monotonic()
            share = "" if step.done is None else f"{step.done:.0f} % "
            left = "" if step.eta_s is None else f", {step.eta_s:.0f} s left"
            logging.getLogger(__name__).info("%s%s%s", share, step.note, left)

    return report


if __name__ == "__main__":
    raise SystemExit(main())
