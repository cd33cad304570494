"""The rows of the models page: the catalogue beside what the pool says about each model."""

from __future__ import annotations

from typing import Any

from core.catalog import MODELS
from core.model_spec import ModelSpec, Task
from core.pool import POOL, ModelState
from core.settings import settings
from demos.base import duration
from demos.widgets import size_words

_IDLE_ACTIONS = {"absent": ("download",), "failed": ("download",), "downloaded": ("load",), "ready": ("unload",)}


# Headings of the list, by what the models are for.
_TASKS: dict[Task, str] = {
    "image-text": "Compare pictures with words",
    "promptable-masks": "Outline what is in a picture",
    "illumination": "See where light is missing",
    "denoising": "Take out noise",
    "sound-separation": "Take sounds apart",
    "sound-text": "Compare sounds with words",
    "text-diffusion": "Find the words that a picture denoises to",
    "latent-diffusion": "Judge pictures by diffusion",
    "picture-editing": "Draw pictures anew by diffusion",
}


def _actions(state: ModelState, is_offline: bool) -> list[str]:
    """What a visitor can do with a model in this state."""
    if state.in_use:
        return []
    return [a for a in _IDLE_ACTIONS.get(state.state, ()) if not (is_offline and a == "download")]


def _row(spec: ModelSpec, state: ModelState, is_offline: bool) -> dict[str, Any]:
    return {
        "name": spec.name,
        "task": _TASKS[spec.task],
        "title": spec.title,
        "note": spec.note,
        "size": size_words(spec),
        "params": f"{spec.params_m:,.0f} M" if spec.params_m >= 20 else f"{spec.params_m:.1f} M",
        "licence": spec.licence,
        "non_commercial": spec.is_non_commercial,
        "state": state.state,
        "fraction": state.fraction,
        "why": state.why,
        "memory": f"{state.size_mib:,.0f} MiB" if state.size_mib else "",
        "in_use": bool(state.in_use),
        "last_used": "" if state.last_used_s is None else duration(state.last_used_s),
        "actions": _actions(state, is_offline),
    }


def models_value() -> dict[str, Any]:
    """All rows as the view assets/views/models.js shows them."""
    states = {state.name: state for state in POOL.states()}
    rows = [_row(spec, states[spec.name], settings().offline) for spec in MODELS if spec.name in states]
    return {
        "offline": settings().offline,
        "memory_mib": round(sum(state.size_mib or 0 for state in states.values())),
        "budget_mib": settings().memory_budget_mib,
        "rows": rows,
    }
