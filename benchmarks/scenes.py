"""Gaussian scenes: what pictures and queries cost on a CPU, stage by stage, and a plain NumPy rasteriser beside it.

Run: ``python -m benchmarks.scenes [--json] [--quick]``, or with all others by ``python -m benchmarks``. Times are CPU
seconds of the process, all threads and the system's share together, which other work on the machine disturbs little.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Measurement, machine, markdown
from benchmarks.scenes_plain import plain_picture
from benchmarks.scenes_query import query_rows
from benchmarks.scenes_truth import truth_rows
from core.settings import ROOT
from demos.gaussians import raster
from demos.gaussians.cameras import Camera, orbit
from demos.gaussians.colour import dc_from_rgb
from demos.gaussians.rotations import quats_from_matrices
from demos.gaussians.scene import BANDS, GaussianScene
from demos.gaussians.weights import Uplift, view_weights

Floats64 = NDArray[np.float64]

GAUSSIANS = 300_000
SMALL_GAUSSIANS, SMALL_WH = 30_000, (320, 240)  # for the plain peer, which takes its time
PICTURES = (((640, 480), 0.45), ((1440, 1080), 1.6))  # size, bar in CPU seconds
FEATURES, FEATURES_BAR = 16, 1.5
PEER_BAR = 50.0
VIEWS, UPLIFT_BAR_S = 60, 180.0  # 90 s on two cores
QUERIED = (988, 731)  # LERF's pictures


class Shape(NamedTuple):
    """A body on or around the table: what is drawn of its surface, and how much of the scene it gets."""

    kind: str
    centre_xyz: tuple[float, float, float]
    size_xyz: tuple[float, float, float]
    yaw_rad: float
    rgb: tuple[float, float, float]
    share: float


def tabletop(count: int = GAUSSIANS, *, seed: int = 0, degree: int = 3) -> GaussianScene:
    """A table with a dozen things in a room, as an optimised scene looks: Gaussians flat on surfaces, where detail is.

    Three in five lie on the things, a quarter on the table, the rest on the room around it. Widths are lognormal around
    the spacing of the samples, thickness a quarter of that; a little less than half of them are faint, the others
    nearly opaque. Units are metres, z is up, the table's top is at 0.
    """
    rng = np.random.default_rng(seed)
    shapes = _things(rng)
    counts = np.floor(np.array([shape.share for shape in shapes]) * count).astype(int)
    counts[0] += count - counts.sum()
    parts = [_on_surface(shape, int(n), rng, degree) for shape, n in zip(shapes, counts, strict=True)]
    order = rng.permutation(count)  # an optimiser leaves no order
    means, log_scales, quats, logits, sh = (
        np.concatenate(arrays).astype(np.float32)[order] for arrays in zip(*parts, strict=True)
    )
    return GaussianScene(means, log_scales, quats, logits, sh).validated()


def view(width: int, height: int, *, azimuth_deg: float = 20.0) -> Camera:
    """The table from a person's height, filling the picture."""
    return orbit((0.0, 0.0, 0.04), 1.0, azimuth_deg, 35.0, width=width, height=height)


def _things(rng: np.random.Generator) -> list[Shape]:
    """The table first, the room, then twelve things in three rows."""
    things = [
        Shape("box", (0.0, 0.0, -0.02), (1.2, 0.8, 0.04), 0.0, (0.55, 0.38, 0.22), 0.25),
        Shape("box", (0.0, 0.0, 0.8), (4.0, 4.0, 3.1), 0.0, (0.8, 0.78, 0.72), 0.15),
    ]
    sizes = rng.uniform(0.05, 0.09, 12)
    for i, size in enumerate(sizes.tolist()):
        kind = ("ball", "can", "box")[i % 3]
        x, y = -0.45 + 0.3 * (i % 4) + rng.uniform(-0.04, 0.04), -0.25 + 0.25 * (i // 4) + rng.uniform(-0.03, 0.03)
        size_xyz = {"ball": (size,) * 3, "can": (0.7 * size, 0.7 * size, size), "box": (size, 0.7 * size, size)}[kind]
        red, green, blue = rng.uniform(0.1, 0.95, 3).tolist()
        share = 0.6 * size**2 / float((sizes**2).sum())
        wide = (2 * size_xyz[0], 2 * size_xyz[1], 2 * size_xyz[2])
        things.append(Shape(kind, (x, y, size), wide, rng.uniform(0, np.pi), (red, green, blue), share))
    return things


def _surface(shape: Shape, count: int, rng: np.random.Generator) -> tuple[Floats64, Floats64, float]:
    """Points and outer normals (count, 3) of a body of unit size around 0, and about how large its surface is."""
    width, depth, height = shape.size_xyz
    if shape.kind == "ball":
        normals = rng.normal(size=(count, 3))
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        return normals / 2, normals, np.pi * width**2
    if shape.kind == "can":
        angles, is_lid = rng.uniform(0, 2 * np.pi, count), rng.random(count) < width / (width + 4 * height)
        ring = np.column_stack([np.cos(angles), np.sin(angles), np.zeros(count)])
        points = ring * np.where(is_lid, np.sqrt(rng.random(count)), 1.0)[:, None] / 2
        points[:, 2] = np.where(is_lid, 0.5, rng.uniform(-0.5, 0.5, count))
        return points, np.where(is_lid[:, None], (0.0, 0.0, 1.0), ring), np.pi * width * (height + width / 4)
    sides = np.array([depth * height, width * height, width * depth])
    axis, sign = rng.choice(3, count, p=sides / sides.sum()), rng.choice([-1.0, 1.0], count)
    points, normals = rng.uniform(-0.5, 0.5, (count, 3)), np.zeros((count, 3))
    points[np.arange(count), axis] = sign / 2
    normals[np.arange(count), axis] = sign
    return points, normals, 2 * float(sides.sum())


def _on_surface(shape: Shape, count: int, rng: np.random.Generator, degree: int) -> tuple[Floats64, ...]:
    """Means, log scales, quaternions, opacity logits and harmonics of one body."""
    points, normals, area = _surface(shape, count, rng)
    cosine, sine = np.cos(shape.yaw_rad), np.sin(shape.yaw_rad)
    turn = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    normals = normals @ turn.T
    spacing = np.sqrt(area / max(count, 1))
    means = (points * shape.size_xyz) @ turn.T + shape.centre_xyz
    means += normals * (rng.normal(0, 0.15, (count, 1)) * spacing)
    widths = spacing * np.exp(rng.normal(0, 0.55, (count, 2)))
    thickness = 0.25 * widths.min(axis=1) * np.exp(rng.normal(0, 0.3, count))
    axes = np.empty((count, 3, 3))
    axes[..., 2] = normals + rng.normal(0, 0.15, (count, 3))
    axes[..., 2] /= np.linalg.norm(axes[..., 2], axis=1, keepdims=True)
    axes[..., 0] = np.cross(axes[..., 2], rng.normal(size=(count, 3)))
    axes[..., 0] /= np.linalg.norm(axes[..., 0], axis=1, keepdims=True)
    axes[..., 1] = np.cross(axes[..., 2], axes[..., 0])
    opacity = np.where(rng.random(count) < 0.45, rng.beta(0.8, 3.0, count), rng.beta(5.0, 1.2, count))
    opacity = opacity.clip(0.005, 0.995)
    grain = 0.8 + 0.2 * np.sin(40 * means[:, :1])
    sh = rng.normal(0, 0.03, (count, BANDS[degree], 3))
    sh[:, 0] = dc_from_rgb(np.clip(np.array(shape.rgb) * grain + rng.normal(0, 0.04, (count, 3)), 0, 1))
    log_scales = np.log(np.column_stack([widths, thickness]))
    return means, log_scales, quats_from_matrices(axes), np.log(opacity / (1 - opacity)), sh


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU seconds of one call, of all threads of this process."""
    start_s = time.process_time()
    work()
    return time.process_time() - start_s


def in_turns(*works: Callable[[], object], times: int) -> list[float]:
    """Median CPU seconds of each, called in turns, the first turn not counted."""
    rounds = [[cpu_seconds(work) for work in works] for _ in range(times + 1)][1 if times > 1 else 0 :]
    return [statistics.median(column) for column in zip(*rounds, strict=True)]


def run(*, is_quick: bool = False) -> list[Measurement]:
    """Measure all cases; ``is_quick`` takes a small scene and one repeat (to see that it runs)."""
    times, count = (1, 10_000) if is_quick else (9, GAUSSIANS)
    raster.prepare()
    scene = tabletop(count)
    rows = []
    for (width, height), bar in PICTURES:
        rows += _pictures(scene, view(width, height), bar, times)
        rows += _stages(scene, view(width, height), times)
    rows.append(_against_plain(times=1 if is_quick else 3, count=2_000 if is_quick else SMALL_GAUSSIANS))
    rows += _weights(scene, view(640, 480), times)
    rows += query_rows(scene, view(*QUERIED), times=times)
    rows.append(_uplift(scene, view(QUERIED[0] // 2, QUERIED[1] // 2), times))
    if not is_quick:
        rows += _first_call()
        rows += truth_rows()
    return rows


def _pictures(scene: GaussianScene, camera: Camera, bar: float, times: int) -> list[Measurement]:
    features = np.random.default_rng(1).random((len(scene), FEATURES), np.float32)
    plain, with_features = in_turns(
        lambda: raster.render(scene, camera),
        lambda: raster.render(scene, camera, features=features),
        times=times,
    )
    name = f"{len(scene):,} Gaussians, {camera.width} x {camera.height}"
    note = f"CPU seconds of a picture with RGB, alpha and depth, harmonics of degree {scene.degree}, all in all."
    return [
        Measurement(name, plain, None, "s", bar, False, note),
        Measurement(f"{name}, {FEATURES} features more", with_features, plain, "s", FEATURES_BAR, False),
    ]


def _stages(scene: GaussianScene, camera: Camera, times: int) -> list[Measurement]:
    """The parts of a picture, one thread, without bars."""
    frame = raster.make_frame(scene, camera, threads=1)
    projected, binned = in_turns(
        lambda: raster.make_frame(scene, camera, threads=1), lambda: list(frame.parts()), times=times
    )
    (whole,) = in_turns(lambda: raster.render(scene, camera, threads=1), times=times)
    size = f"{camera.width} x {camera.height}"
    rest = max(whole - projected - binned, 0.0)
    return [
        Measurement(f"- project and sort, {size}", projected, None, "s", None, False),
        Measurement(f"- bins, {size}", binned, None, "s", None, False),
        Measurement(f"- blend, {size}", rest, None, "s", None, False, "The whole less the two above."),
    ]


def _against_plain(*, times: int, count: int) -> Measurement:
    scene, camera = tabletop(count), view(*SMALL_WH)
    ours, peer = in_turns(lambda: raster.render(scene, camera), lambda: plain_picture(scene, camera), times=times)
    drawn, (rgb, _) = raster.render(scene, camera).rgb, plain_picture(scene, camera)
    apart = float(np.quantile(np.abs(drawn - rgb), 0.9999))
    note = "The peer is benchmarks/scenes_plain.py: one Gaussian at a time, NumPy over its box of pixels. "
    note += f"All but one in 10,000 values of the two pictures are within {apart:.1e}."
    name = f"{count:,} Gaussians, {SMALL_WH[0]} x {SMALL_WH[1]}, plain NumPy beside it"
    return Measurement(name, ours, peer, "s", PEER_BAR, True, note)


def _weights(scene: GaussianScene, camera: Camera, times: int) -> list[Measurement]:
    """W_v: made, multiplied, carried back."""
    held = view_weights(scene, camera)
    rng = np.random.default_rng(2)
    scalar, picture = (
        rng.random(len(scene), np.float32),
        rng.random((camera.height, camera.width, FEATURES), np.float32),
    )
    labels = (np.arange(camera.width) // 16 + np.arange(camera.height)[:, None] // 16 * 40).astype(np.int32)
    table = rng.random((int(labels.max()) + 1, 512), np.float32)
    made, drawn, carried, labelled, lifted = in_turns(
        lambda: view_weights(scene, camera),
        lambda: held.render(scalar),
        lambda: held.sums(picture),
        lambda: held.by_label(labels, len(table)),
        lambda: Uplift(len(scene), 512).add_labels(held, labels, table),
        times=max(1, times // 3),
    )
    size = f"{camera.width} x {camera.height}"
    note = f"{len(held.weights) / 1e6:.1f} million weights, {held.size_bytes / 1e6:.0f} MB, "
    note += f"{len(held.weights) / (camera.width * camera.height):.0f} a pixel."
    return [
        Measurement(f"weights of a view, {size}", made, None, "s", None, False, note),
        Measurement(f"- one value a Gaussian drawn anew, {size}", drawn, None, "s", None, False),
        Measurement(f"- {FEATURES} channels carried back, {size}", carried, None, "s", None, False),
        Measurement(f"- summed by {len(table):,} mask labels, {size}", labelled, None, "s", None, False),
        Measurement(f"- uplift of {len(table):,} masks with 512 numbers each, {size}", lifted, None, "s", None, False),
    ]


def _uplift(scene: GaussianScene, camera: Camera, times: int) -> Measurement:
    """Language onto the whole scene from masks that are given, by one of its views."""
    labels = (np.arange(camera.width) // 16 + np.arange(camera.height)[:, None] // 16 * 31).astype(np.int32)
    table = np.random.default_rng(3).random((int(labels.max()) + 1, 512), np.float32)
    lifted = Uplift(len(scene), 512)
    (one_s,) = in_turns(lambda: lifted.add_labels(view_weights(scene, camera), labels, table), times=max(1, times // 3))
    note = f"{VIEWS} times the CPU seconds of a view with {len(table):,} masks of 512 numbers, its weights included."
    name = f"uplift of {len(scene):,} Gaussians from {VIEWS} views, {camera.width} x {camera.height}"
    return Measurement(name, VIEWS * one_s, None, "s", UPLIFT_BAR_S, False, note)


def _first_call() -> list[Measurement]:
    """Compiling the loops with an empty cache, and fetching them from it, in processes of their own."""
    script = "import time; start = time.process_time(); from demos.gaussians import raster; raster.prepare(); "
    script += "print(time.process_time() - start)"
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
        cold, warm = (
            float(
                subprocess.run(
                    [sys.executable, "-c", script],
                    cwd=ROOT,
                    env=environment,
                    capture_output=True,
                    text=True,
                    check=True,
                ).stdout
            )
            for _ in range(2)
        )
    note = "Once a machine and version; raster.prepare() does it in the background."
    return [
        Measurement("compiling the loops", cold, None, "s", None, False, note),
        Measurement("fetching them from the cache", warm, None, "s", None, False, "Most of it is importing numba."),
    ]


def main(arguments: list[str] | None = None) -> int:
    """Print the rows; 1 if a bar was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scenes", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--quick", action="store_true", help="a small scene, one repeat: only to see that it runs")
    options = parser.parse_args(arguments)
    rows = run(is_quick=options.quick)
    if options.json:
        print(json.dumps({"machine": machine(), "results": {"scenes": [row.as_dict() for row in rows]}}, indent=2))
    else:
        print(markdown(rows, "python -m benchmarks.scenes"))
    return int(any(row.is_met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
