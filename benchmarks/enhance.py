"""Enhancement against identity, auto-gamma and Retinex, on photos whose answer is known, and against its own cost.

Run: ``python -m benchmarks.enhance [--photos FOLDER] [--pairs PAIRS.json] [--json] [--write]``. Photos are well-lit
pictures that no training saw (Kodak's suite); without them those inside scikit-image and scikit-learn. PAIRS.json lists
[dark, good] files of held-out scenes, as ``python -m training.pocket_light.pictures`` writes it; left out without.

Every second photo is scored; the others are those that the powers of the maps were chosen by (greatest gain less loss
with a loss of at most 2 dB). Each is darkened by several masks: the figures of one mask a photo differ by half a dB.

    subject, background    PSNR inside and outside the mask (half), RGB, background capped at 40 dB before differences
    mean-aligned PSNR      after one factor brings the result to the mean of the answer
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.__main__ import README, with_table
from benchmarks.enhance_photo import fresh
from benchmarks.enhance_race import measure_race
from benchmarks.enhance_whole import measure_whole, psnr
from benchmarks.measure import Measurement, machine, markdown
from core.backlight import darkened, drawn_mask
from core.light_field import LightField
from core.light_guide import load_guide
from core.pool import POOL
from core.settings import set_quiet_environment
from demos.enhancement.denoise import Denoiser, denoised, noise_of
from demos.enhancement.light_map import enhanced
from demos.enhancement.methods import LightSource, field_of, small_px
from demos.enhancement.options import LEARNT, EnhanceOptions, Method

Floats = NDArray[np.float32]
MODEL, NOISE_MODEL = "pocket-light", "pocket-denoise"
TEST_PX = 384  # longer side of the test pictures
STOPS = (2.0, 3.0)
MASKS = 3  # subjects a picture
LEAST_TO_SPLIT = 12  # pictures from which on every second one is left out
CAP_DB = 40.0
PLAIN = EnhanceOptions(protect_highlights=0.0, skips_well_lit=False)
LARGE_WH = (4000, 3000)  # 12 megapixels
WHOLE_PX, WHOLE_PHOTOS = 768, 6  # longer side (Kodak's own) and number of what the network is run on whole
WALL_NOTE = "JPEG to JPEG by the tab's path with pocket-clip as judge, two threads"
_LIBRARY_PHOTOS = (
    ("skimage", "data/chelsea.png"),
    ("skimage", "data/coffee.png"),
    ("skimage", "data/astronaut.png"),
    ("sklearn", "datasets/images/flower.jpg"),
    ("sklearn", "datasets/images/china.jpg"),
)
Way = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


@dataclass(frozen=True)
class Row:
    """Means over the test pictures, dB."""

    way: str
    subject_gain: float
    background_loss: float
    total: float


def known_pictures(folder: Path | None, most: int, longest_px: int = TEST_PX) -> list[Floats]:
    """Well-lit pictures whose longer side is at most ``longest_px``."""
    paths = sorted(folder.rglob("*.png")) if folder is not None else []
    for package, inside in () if paths else _LIBRARY_PHOTOS:
        found = importlib.util.find_spec(package)
        if found is not None and found.origin is not None and (path := Path(found.origin).parent / inside).is_file():
            paths.append(path)
    return [_read(path, longest_px) for path in paths[:most]]


def scored(pictures: Sequence[Floats]) -> list[Floats]:
    """Those that nothing was chosen by: every second one, all of them where there are few."""
    return list(pictures[1::2] if len(pictures) >= LEAST_TO_SPLIT else pictures)


def _read(path: Path, longest_px: int) -> Floats:
    with Image.open(path) as image:
        small = image.convert("RGB")
        small.thumbnail((longest_px, longest_px), Image.Resampling.BOX)
        return np.asarray(small, np.float32) / 255


def eight(values: Floats) -> NDArray[np.uint8]:
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def way_of(method: Method, model: LightSource | None) -> Way:
    """A method as a function of pictures: the path of the tab without file and judge."""

    def work(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        image = Image.fromarray(rgb)
        side = small_px(method, model)
        image.thumbnail((side, side), Image.Resampling.BOX)
        out: NDArray[np.uint8] = enhanced(rgb, field_of(np.asarray(image), method, model=model), PLAIN)
        return out

    return work


def backlight_rows(pictures: Sequence[Floats], ways: dict[str, Way]) -> list[Row]:
    """Every way on the same darkened pictures."""
    rng = np.random.default_rng(7)
    cases = []
    for good in [good for good in pictures for _ in range(MASKS)]:
        mask = drawn_mask(*good.shape[:2], rng)
        cases.append((good, eight(darkened(good, mask, float(rng.uniform(*STOPS)), rng)), mask))
    rows = []
    for name, way in ways.items():
        figures = []
        for good, dark, mask in cases:
            inside, outside = (mask > 0.5).astype(float), (mask <= 0.5).astype(float)
            before, after = dark.astype(np.float32) / 255 - good, way(dark).astype(np.float32) / 255 - good
            gain = psnr(after, inside) - psnr(before, inside)
            loss = min(psnr(before, outside), CAP_DB) - min(psnr(after, outside), CAP_DB)
            figures.append((gain, loss, gain - loss))
        rows.append(Row(name, *(float(value) for value in np.mean(figures, axis=0))))
    return rows


def aligned_psnr(pairs: Sequence[tuple[Floats, Floats]], way: Way) -> float:
    """Mean PSNR after the result was brought to the answer's mean by one factor."""
    found = []
    for dark, good in pairs:
        made = way(eight(dark)).astype(np.float32) / 255
        found.append(psnr(np.clip(made * (good.mean() / max(float(made.mean()), 1e-6)), 0, 1) - good))
    return float(np.mean(found))


def measure_light(
    pictures: Sequence[Floats], pairs: Sequence[tuple[Floats, Floats]], model: LightSource, methods: Sequence[Method]
) -> list[Measurement]:
    """The tables of quality."""
    ways = {name: way_of(name, model if name in LEARNT else None) for name in methods}
    rows = backlight_rows(pictures, ways)
    out = []
    best_plain = max(row.total for row in rows if row.way in ("retinex", "gamma"))
    for row in rows:
        is_ours = row.way in LEARNT
        out.append(
            Measurement(
                f"{row.way}: subject gain, dB",
                row.subject_gain,
                None,
                "",
                5.0 if is_ours else None,
                True,
                f"{len(pictures)} pictures, {MASKS} subjects each, 2 to 3 EV darker",
            )
        )
        out.append(
            Measurement(
                f"{row.way}: background loss, dB",
                row.background_loss,
                None,
                "",
                2.0 if is_ours else None,
                False,
                "PSNR, capped at 40 dB",
            )
        )
        if is_ours:
            out.append(
                Measurement(
                    f"{row.way}: gain less loss, above the best plain way, dB",
                    row.total - best_plain,
                    None,
                    "",
                    0.0,
                    True,
                    "plain ways: Retinex, auto-gamma",
                )
            )
    if pairs:
        for name, way in {"identity": lambda rgb: rgb, **ways}.items():
            bar = 21.5 if name in LEARNT else None
            out.append(
                Measurement(
                    f"{name}: SICE, mean-aligned PSNR, dB",
                    aligned_psnr(pairs, way),
                    None,
                    "",
                    bar,
                    True,
                    f"{len(pairs)} held-out scenes",
                )
            )
    return out


def measure_noise(model: Denoiser | None = None) -> list[Measurement]:
    """Denoising on lifted shadows with and without noise, by the filter or by the diffusion model."""
    rng = np.random.default_rng(3)
    x, y = np.meshgrid(np.arange(384), np.arange(288))
    clean = 0.1 + 0.05 * np.sin(x / 17) * np.cos(y / 23) + 0.05 * ((x // 48 + y // 48) % 2)
    good = np.repeat(clean[..., None], 3, axis=2)
    quarter = LightField(np.zeros((2, 2), np.float32), np.full((2, 2), 0.25, np.float32))
    options = EnhanceOptions(protect_highlights=0.0, denoise=1.0)
    wanted = enhanced(eight(good), quarter, options)
    noisy = eight(good + rng.normal(0, 0.02, good.shape))
    lifted = enhanced(noisy, quarter, options)
    cleaned = denoised(lifted, noisy, quarter, options, sigma=noise_of(noisy), model=model)
    still = denoised(wanted, eight(good), quarter, options, sigma=noise_of(eight(good)), model=model)

    way = "filter" if model is None else model.name

    def against(values: NDArray[np.uint8]) -> float:
        return psnr((values.astype(np.float32) - wanted) / 255)

    return [
        Measurement(
            f"{way} on lifted shadows, dB gained",
            against(cleaned) - against(lifted),
            None,
            "",
            1.0,
            True,
            "noise of 0.02 lifted fourfold",
        ),
        Measurement(f"{way} where there is no noise, dB", against(still), None, "", 45.0, True, "against untouched"),
    ]


def _whole_photo(picture: Floats, size_wh: tuple[int, int], method: Method) -> dict[str, float]:
    """A photo of this size from JPEG to JPEG in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo.jpg"
        Image.fromarray(eight(picture)).resize(size_wh, Image.Resampling.BICUBIC).save(path, quality=92)
        return fresh(path, method)


def measure_cost(
    model: LightSource, pictures: Sequence[Floats], method: Method, *, is_quick: bool
) -> list[Measurement]:
    """Twelve and 48 megapixels end to end, and the same network at full size (an eighth of the side when quick)."""
    rows, cpu_s, pixels = [], 0.0, 0
    for times in (1, 2):
        size = (LARGE_WH[0] * times // (8 if is_quick else 1), LARGE_WH[1] * times // (8 if is_quick else 1))
        found = _whole_photo(pictures[0], size, method)
        name = f"{size[0] * size[1] / 1e6:.0f} MP"
        bar_s, bar_mb = (4.0, 1200.0) if times == 1 else (None, None)
        if times == 1:
            cpu_s, pixels = found["cpu_s"], size[0] * size[1]
        rows += [
            Measurement(f"{name} end to end, wall", found["wall_s"], None, "s", bar_s, False, WALL_NOTE),
            Measurement(f"{name} end to end, CPU", found["cpu_s"], None, "s", bar_s, False, "of all threads"),
            Measurement(
                f"{name}, peak memory of its process", found["peak_mb"], None, "MB", bar_mb, False,
                f"with Python, torch and both models; {found['start_mb']:.0f} MB before the photo",
            ),
        ]  # fmt: skip
    agreement, pixel_s = measure_whole(pictures, method, model, way_of(method, model))
    where = "measured on the photos below, scaled by area"
    return [
        *rows,
        Measurement("the network at full size, CPU", cpu_s, pixel_s * pixels, "s", 10.0, True, where),
        *agreement,
    ]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.enhance", description=__doc__)
    parser.add_argument("--photos", type=Path, help="folder of well-lit PNG photos")
    parser.add_argument("--pairs", type=Path, help="JSON list of [dark, good] files")
    parser.add_argument("--most", type=int, default=24, help="pictures of each kind")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="a small photo in place of 12 megapixels")
    parser.add_argument("--race", action="store_true", help="train RAVE and CLIP-LIT to the same guidance: minutes")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/README.md")
    given = parser.parse_args(arguments)
    set_quiet_environment()
    pictures = known_pictures(given.photos, given.most)
    listed = json.loads(given.pairs.read_text())[: given.most] if given.pairs else []
    pairs = [(_read(Path(dark), TEST_PX), _read(Path(good), TEST_PX)) for dark, good in listed]
    with POOL.use(MODEL) as model:
        race = measure_race(pictures, load_guide(model.scale.encoder), model.scale) if given.race else []
        methods: list[Method] = [name for name in LEARNT if name in model.methods]
        rows = measure_light(scored(pictures), pairs, model, [*methods, "retinex", "gamma"])
        rows += measure_noise()
        with POOL.use(NOISE_MODEL) as denoiser:
            rows += measure_noise(denoiser)
        whole = known_pictures(given.photos, given.most, WHOLE_PX // 8 if given.quick else WHOLE_PX)
        rows += measure_cost(model, scored(whole)[:WHOLE_PHOTOS], methods[0], is_quick=given.quick)
    rows += race
    if given.write:
        README.write_text(with_table(README.read_text(), "enhance", markdown(rows, "python -m benchmarks.enhance")))
    if given.json:
        print(json.dumps({"machine": machine(), "results": [row.as_dict() for row in rows]}, indent=2))
    else:
        print(markdown(rows, "python -m benchmarks.enhance"))
    return int(any(row.is_met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
