"""Photos of a layout with poses, as a ZIP that any Gaussian splatting program reads, and the truth about each view."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from training.scenes.layouts import cameras, toybox_scene
from training.toybox.camera import Camera
from training.toybox.light import Quality
from training.toybox.render import View, flatten, light_up, render

QUALITY = Quality(supersampling=2, n_sun=8, n_sky=24, map_side=256)
_OPENGL = np.diag((1.0, -1.0, -1.0, 1.0))


def take_photos(name: str, *, report: Callable[[int, int], None] | None = None) -> tuple[list[View], list[View]]:
    """Render the training and the held-out views of a layout."""
    scene = toybox_scene(name)
    geometry = flatten(scene)
    lighting = light_up(scene, geometry, QUALITY)
    train, held_out = cameras(name)
    views = []
    for camera in (*train, *held_out):
        views.append(render(scene, camera, QUALITY, lighting=lighting, geometry=geometry))
        if report is not None:
            report(len(views), len(train) + len(held_out))
    return views[: len(train)], views[len(train) :]


def write_zip(path: Path, views: list[View], *, folder: str = "images") -> None:
    """Write photos (PNG) and their poses (transforms.json, OpenGL axes) into a ZIP; equal views give equal bytes."""
    frames = []
    with zipfile.ZipFile(path, "w") as archive:
        for number, view in enumerate(views):
            entry = f"{folder}/{number:03d}.png"
            stream = io.BytesIO()
            Image.fromarray(view.rgb).save(stream, "PNG", optimize=True)
            archive.writestr(zipfile.ZipInfo(entry), stream.getvalue())
            frames.append({"file_path": entry, **_pose(view.camera)})
        archive.writestr(
            zipfile.ZipInfo("transforms.json"), json.dumps({"camera_model": "OPENCV", "frames": frames}, indent=1)
        )


def _pose(camera: Camera) -> dict[str, Any]:
    """One frame of a transforms.json without its file."""
    cam_to_world = np.linalg.inv(camera.world_to_cam) @ _OPENGL
    return {
        "w": camera.width_px, "h": camera.height_px, "fl_x": camera.fx, "fl_y": camera.fy,
        "cx": camera.cx, "cy": camera.cy, "transform_matrix": cam_to_world.tolist(),
    }  # fmt: skip
