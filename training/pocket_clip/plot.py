"""Draw the two logs of a training, image and text tower, as one SVG for the README, with no plotting library.

Run: ``python -m training.pocket_clip.plot --image RUN [RUN] [--text RUN] --out training/logs``; a log of earlier runs,
joined before, may stand for them: ``--image training/logs/pocket-clip-image.csv RUN``.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import numpy as np

WIDTH, HEIGHT, MARGIN = 300, 180, 40  # px of one panel
COLUMNS = {  # of an image tower's log, and how each is written
    "step": "%d",
    "pictures": "%d",
    "seconds": "%.1f",
    "side_px": "%d",
    "loss": "%.4f",
    "hit": "%.4f",
    "rate": "%.6f",
    "region_loss": "%.4f",
    "region_hit": "%.4f",
    "pointing_loss": "%.4f",
    "taught": "%.4f",
    "part_hit": "%.4f",
}
POINTING = list(COLUMNS).index("pointing_loss")


def smoothed(values: np.ndarray, width: int = 5) -> np.ndarray:
    """Running mean of ``width`` values, shorter by width - 1; short rows stay as they are."""
    return np.convolve(values, np.ones(width) / width, mode="valid") if len(values) > 2 * width else values


def panel(title: str, across: np.ndarray, up: np.ndarray, place: int) -> str:
    """One curve with its end values at the axes: an SVG group."""
    low, high = up.min(), up.max()
    x = MARGIN + (across - across[0]) / max(np.ptp(across), 1e-9) * (WIDTH - MARGIN - 10)
    y = HEIGHT - 30 - (up - low) / max(high - low, 1e-9) * (HEIGHT - 70)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    return (
        f'<g transform="translate({place * WIDTH},0)" font-family="sans-serif" font-size="11" fill="#555">'
        f'<text x="{MARGIN}" y="22">{title}</text>'
        f'<text x="2" y="44">{high:.3g}</text><text x="2" y="{HEIGHT - 30}">{low:.3g}</text>'
        f'<text x="{MARGIN}" y="{HEIGHT - 10}">{across[0]:.2g}</text>'
        f'<text x="{WIDTH - 40}" y="{HEIGHT - 10}">{across[-1]:.3g}</text>'
        f'<polyline points="{points}" fill="none" stroke="#2a6fb0" stroke-width="1.5"/></g>'
    )


def log_of(run: Path) -> Path:
    """The log of a run's folder, or the file itself."""
    return run if run.is_file() else run / "log.csv"


def read_log(path: Path) -> np.ndarray:
    """Rows of numbers in the order of COLUMNS; what an older run did not log is nan."""
    rows = np.loadtxt(path, delimiter=",", ndmin=2)
    missing = np.full((len(rows), len(COLUMNS) - rows.shape[1]), np.nan)
    return np.concatenate([rows, missing], axis=1)


def join_logs(logs: list[Path], target: Path) -> None:
    """One log out of several: steps, pictures and seconds go on counting."""
    rows, before = [], np.zeros(3)
    for log in logs:
        part = read_log(log)
        part[:, :3] += before
        before = part[-1, :3]
        rows.append(part)
    np.savetxt(target, np.concatenate(rows), delimiter=",", fmt=list(COLUMNS.values()))


def draw(image_log: Path, text_log: Path, target: Path) -> None:
    """Loss and hits of the image tower over pictures seen, its regions, and the text tower's held-out cosine."""
    image, text = read_log(image_log), np.loadtxt(text_log, delimiter=",", ndmin=2)
    seen = smoothed(image[:, 1]) / 1e6
    panels = [
        panel("image tower: loss / million pictures seen", seen, smoothed(image[:, 4]), 0),
        panel("right caption first, % / million pictures", seen, smoothed(image[:, 5]) * 100, 1),
        panel("text tower: held-out cosine / minutes", text[:, 1] / 60, text[:, 3], 2),
    ]
    regional = image[np.isfinite(image[:, POINTING]) & (image[:, POINTING] > 0)]
    if len(regional) > 1:
        panels.append(panel("regions: pointing loss / million", smoothed(regional[:, 1]) / 1e6,
                            smoothed(regional[:, POINTING]), 3))  # fmt: skip
    size = f'width="{len(panels) * WIDTH}" height="{HEIGHT}"'
    ground = f'<rect {size} fill="white"/>'
    target.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{ground}{"".join(panels)}</svg>\n')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", type=Path, nargs="+", required=True, help="runs or logs in the order they were made")
    parser.add_argument("--text", type=Path, help="run of the text tower; by default the log that is there stays")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    logs = [args.out / "pocket-clip-image.csv", args.out / "pocket-clip-text.csv"]
    join_logs([log_of(run) for run in args.image], logs[0])
    if args.text is not None:
        shutil.copyfile(log_of(args.text), logs[1])
    draw(*logs, args.out / "pocket-clip.svg")


if __name__ == "__main__":
    main()
