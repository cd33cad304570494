"""The CUDA path without CUDA: what it calls stands in gsplat's own signatures, and it is taken where CUDA is."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from demos.gaussians import fit, fit_gsplat, raster_gsplat
from demos.gaussians.fit_gradient import differentiate
from tests.demos.gaussians.scenes import random_scene
from tests.demos.gaussians.views import camera

FILES = [Path(str(module.__file__)) for module in (raster_gsplat, fit_gsplat)]


def _calls(path: Path) -> list[ast.Call]:
    """Calls of functions of gsplat in a file."""
    return [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "gsplat"
    ]


def _placed(call: ast.Call) -> int:
    """How many arguments a call gives by place, those of a starred tuple among them."""
    count = 0
    for given in call.args:
        if isinstance(given, ast.Starred):
            assert isinstance(given.value, ast.Tuple)
            count += len(given.value.elts)
        else:
            count += 1
    return count


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_call_fits_gsplats_signature(path: Path) -> None:
    gsplat = pytest.importorskip("gsplat")
    calls = _calls(path)
    assert {call.func.attr for call in calls if isinstance(call.func, ast.Attribute)} == {
        "rasterization", "spherical_harmonics",
    }  # fmt: skip
    for call in calls:
        assert isinstance(call.func, ast.Attribute)
        named = {str(word.arg): None for word in call.keywords}
        inspect.signature(getattr(gsplat, call.func.attr)).bind(*[None] * _placed(call), **named)


def test_the_first_arguments_are_in_gsplats_order() -> None:
    gsplat = pytest.importorskip("gsplat")
    wanted = ["means", "quats", "scales", "opacities", "colors", "viewmats", "Ks", "width", "height"]
    assert list(inspect.signature(gsplat.rasterization).parameters)[:9] == wanted
    assert list(inspect.signature(gsplat.spherical_harmonics).parameters)[:3] == ["degrees_to_use", "dirs", "coeffs"]


@pytest.mark.parametrize("is_there", [True, False])
def test_the_fit_takes_cuda_where_it_is(monkeypatch: pytest.MonkeyPatch, is_there: bool) -> None:
    monkeypatch.setattr(fit_gsplat, "is_there", lambda: is_there)
    assert (fit.engine_of("auto") is fit_gsplat.differentiate_on_cuda) is is_there
    assert fit.engine_of("cpu") is not fit_gsplat.differentiate_on_cuda


@pytest.mark.gpu
def test_slopes_on_cuda_are_those_of_the_cpu() -> None:
    if not fit_gsplat.is_there():
        pytest.skip("no CUDA device with gsplat")
    scene, seen = random_scene(200, seed=3), camera(96, 64)
    rng = np.random.default_rng(5)
    direction = rng.normal(size=(64, 96, 3)).astype(np.float32)

    def loss(rgb: Any) -> tuple[float, Any]:
        return float((rgb * direction).sum()), direction

    behind = np.zeros(3, np.float32)
    ours = differentiate(scene, seen, loss, background=behind)
    theirs = fit_gsplat.differentiate_on_cuda(scene, seen, loss, behind, None)
    for name in ("means_xyz", "log_scales", "opacity_logits", "sh"):
        one, other = getattr(ours, name), getattr(theirs, name)
        cosine = float((one * other).sum() / (np.linalg.norm(one) * np.linalg.norm(other)))
        assert cosine > 0.99, name
