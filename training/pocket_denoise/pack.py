"""Pack a run into the folder that the hub ships: the mean of the last weights in half precision, and the card.

Run: ``python -m training.pocket_denoise.pack --run RUN --photos KODAK --out assets/models/pocket-denoise``
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from core.light_denoise import UNET, WEIGHTS, LightDenoiser, build
from training.pocket_light.pack import PHOTO_SETS

LEVELS = (0.02, 0.05, 0.1)  # deviations that it is measured at, display light
CROP_PX = 256


def pack(run: Path, out: Path, photos: Path) -> None:
    """Write the folder."""
    out.mkdir(parents=True, exist_ok=True)
    state = torch.load(run / "denoise.pt", weights_only=True)
    kept = {name.removeprefix("module."): value for name, value in state["average"].items() if "." in name}
    net = build()
    net.load_state_dict(kept)
    save_file({name: value.half().contiguous() for name, value in kept.items()}, out / WEIGHTS, {"format": "pt"})
    (out / WEIGHTS).chmod(0o644)
    _write(out / "config.json", {"_class_name": "UNet2DModel", **UNET})
    model = LightDenoiser("pocket-denoise", net.half().float().eval().requires_grad_(False))
    card = {
        "name": "pocket-denoise",
        "what": "A small diffusion model for the noise of lifted shadows: one step from a noisy picture to a clean one,"
        " with a step of its own for each pixel. It knows even noise; the blotches of a JPEG it leaves.",
        "licence": "Apache-2.0 for the weights as far as it is ours to give; trained on the sets below, some of which"
        " are for research only.",
        "parameters": sum(value.numel() for value in net.parameters()),
        "training": {"steps": state["step"], "cpu_seconds": round(state["seconds"], 1), "seed": 0},
        "scores": measured(model, photos),
        "data": list(PHOTO_SETS),
    }
    _write(out / "card.json", card)


def measured(model: LightDenoiser, photos: Path) -> list[dict[str, Any]]:
    """PSNR before and after on the middle of photos that no training saw, whole range of tones."""
    rng = np.random.default_rng(5)
    rows = []
    for level in LEVELS:
        before, after = [], []
        for path in sorted(photos.rglob("*.png"))[:24]:
            with Image.open(path) as image:
                left, top = (image.width - CROP_PX) // 2, (image.height - CROP_PX) // 2
                crop = image.convert("RGB").crop((left, top, left + CROP_PX, top + CROP_PX))
            good = np.asarray(crop, np.float32) / 255
            noisy = good + np.float32(level) * rng.standard_normal(good.shape, np.float32)
            sigma = np.full(good.shape[:2], level, np.float32)

            def read(rows: slice, noisy: Any = noisy, sigma: Any = sigma) -> tuple[Any, Any]:
                return noisy[rows], sigma[rows]

            clean = np.concatenate([part for _, part in model.cleaned(read, *good.shape[:2])])
            for made, found in ((noisy, before), (clean, after)):
                found.append(-10 * np.log10(np.square(np.clip(made, 0, 1) - good).mean()))
        row = {"noise": level, "psnr_before_db": float(np.mean(before)), "psnr_after_db": float(np.mean(after))}
        rows.append({name: round(value, 2) for name, value in row.items()} | {"photos": len(before)})
    return rows


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--photos", type=Path, required=True, help="PNG photos for its scores")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    pack(given.run, given.out, given.photos)


if __name__ == "__main__":
    main()
