"""Join the logs of a training's runs and draw them as one SVG for the README.

Run: ``python -m training.pocket_sam.plot --run RUN RUN --out training/logs``
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from training.pocket_clip.plot import HEIGHT, WIDTH, panel, smoothed
from training.pocket_sam.train import LOGGED

FORMATS = ["%d", "%d", "%.1f", "%.1f", "%d", "%.4f", "%.4f", "%.4f", "%.6f"]
COUNTED = 4  # step, pictures and both clocks go on counting from run to run


def join(logs: list[Path]) -> np.ndarray:
    """One log out of several: (rows, len(LOGGED))."""
    rows, before = [], np.zeros(COUNTED)
    for log in logs:
        part = np.loadtxt(log, delimiter=",", ndmin=2)
        part[:, :COUNTED] += before
        before = part[-1, :COUNTED]
        rows.append(part)
    return np.concatenate(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, nargs="+", required=True, help="runs in the order they were made")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    table = join([run / "log.csv" for run in args.run])
    np.savetxt(args.out / "pocket-sam.csv", table, delimiter=",", fmt=FORMATS)
    columns = dict(zip(LOGGED, table.T, strict=True))
    minutes = smoothed(columns["cpu_seconds"]) / 60
    panels = [
        panel("loss / CPU minutes", minutes, smoothed(columns["loss"]), 0),
        panel("IoU of the best mask, first prompt", minutes, smoothed(columns["iou_first"]), 1),
        panel("after one correction", minutes, smoothed(columns["iou_corrected"]), 2),
    ]
    size = f'width="{3 * WIDTH}" height="{HEIGHT}"'
    ground = f'<rect {size} fill="white"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{ground}{"".join(panels)}</svg>\n'
    (args.out / "pocket-sam.svg").write_text(svg)


if __name__ == "__main__":
    main()
