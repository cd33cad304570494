"""Raster the emoji styles that no training shows, as prepared sets with alpha: Fluent flat, and FxEmoji.

Fluent flat has the outlines of the trained 3D style without its light; FxEmoji is another designer's work. Both are
SVG; the chromium of the system draws them, a sheet at a time.

Run: ``python -m training.pocket_clip.emoji_styles --raw RAW --data DATA``
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from training.pocket_clip.pictures import emoji_key, is_skin_toned

SIDE_PX = 96
COLUMNS = 6
SHEET = 36  # drawings a page
SHEET_MS = 300_000  # patience with one page on a busy machine
CELL = f'<img width="{SIDE_PX}" height="{SIDE_PX}" style="float:left" src="data:image/svg+xml;base64,'


def flat_files(raw: Path) -> Iterator[tuple[str, Path]]:
    """Concept key and file of each Fluent flat emoji without skin tone."""
    for path in sorted((raw / "fluent" / "assets").glob("*_flat.svg")):
        key = emoji_key(path.name.removesuffix("_flat.svg"))
        if not is_skin_toned(key):
            yield f"emoji/{key}", path


def fxemoji_files(raw: Path) -> Iterator[tuple[str, Path]]:
    """Concept key and file of each FxEmoji: "u1F98B-butterfly.svg" (its layers lie beside it)."""
    for path in sorted((raw / "fxemoji" / "svgs" / "FirefoxEmoji").glob("u*.svg")):
        found = re.match(r"u([0-9A-F]{4,5})-[^.]*\.svg$", path.name)
        if found:
            yield f"emoji/{found[1].lower()}", path


STYLES = {"flat": flat_files, "fxemoji": fxemoji_files}


def draw_sheets(paths: list[Path], browser_path: str) -> Iterator[np.ndarray]:
    """Draw each file once: yields (SIDE, SIDE, 4) uint8, straight alpha."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": COLUMNS * SIDE_PX, "height": SHEET // COLUMNS * SIDE_PX})
        for start in range(0, len(paths), SHEET):
            part = paths[start : start + SHEET]
            images = "".join(CELL + base64.b64encode(path.read_bytes()).decode() + '">' for path in part)
            page.set_content(f'<body style="margin:0;background:transparent">{images}</body>', timeout=SHEET_MS)
            shot = page.screenshot(omit_background=True, timeout=SHEET_MS)
            sheet = np.asarray(Image.open(io.BytesIO(shot)).convert("RGBA"))
            for place in range(len(part)):
                y, x = (SIDE_PX * number for number in divmod(place, COLUMNS))
                yield sheet[y : y + SIDE_PX, x : x + SIDE_PX]
        browser.close()


def prepare(style: str, raw: Path, data: Path, keys: set[str], browser_path: str) -> int:
    """Write ``<style>.npy`` and ``<style>.json`` for the emoji that have a name, once; returns their number."""
    if (data / f"{style}.json").is_file():
        return len(json.loads((data / f"{style}.json").read_text()))
    files = [(key, path) for key, path in STYLES[style](raw) if key in keys]
    pictures = list(draw_sheets([path for _, path in files], browser_path))
    np.save(data / f"{style}.npy", np.stack(pictures))
    listing = [[key, "test", path.relative_to(raw).as_posix()] for key, path in files]
    (data / f"{style}.json").write_text(json.dumps(listing))
    return len(files)


def main() -> None:
    from training.pocket_clip.captions import emoji_concepts

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    args = parser.parse_args()
    browser_path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser_path is None:
        raise SystemExit("Drawing the SVG emoji needs a chromium on the path.")
    keys = {concept.key for concept in emoji_concepts(args.raw)}
    for style in STYLES:
        prepare(style, args.raw, args.data, keys, browser_path)


if __name__ == "__main__":
    main()
