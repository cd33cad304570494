"""gsplat's own writer, without the rest of gsplat: importing the package looks for CUDA and compilers."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from demos.gaussians.scene import GaussianScene


def gsplat_bytes(scene: GaussianScene, form: str) -> bytes:
    """A scene as ``ply``, ``splat`` or ``ply_compressed`` by gsplat.exporter."""
    import torch

    package = importlib.util.find_spec("gsplat")
    assert package is not None and package.origin is not None
    spec = importlib.util.spec_from_file_location("gsplat_exporter", Path(package.origin).with_name("exporter.py"))
    assert spec is not None and spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    parts = (
        scene.means_xyz,
        scene.log_scales,
        scene.quats_wxyz,
        scene.opacity_logits,
        scene.sh[:, :1],
        scene.sh[:, 1:],
    )
    data: bytes = module.export_splats(*[torch.from_numpy(part.copy()) for part in parts], format=form)
    return data
