"""The models that the hub knows: look-ups in the rows of core/catalog_rows.py; imports no torch."""

from __future__ import annotations

from core.catalog_rows import ROWS
from core.errors import ModelUnavailable
from core.model_spec import Bundled, Family, Hub, ModelSpec, Task

__all__ = ["MODELS", "Bundled", "Family", "Hub", "ModelSpec", "Task", "by_task", "spec"]

MODELS: tuple[ModelSpec, ...] = ROWS


def spec(name: str) -> ModelSpec:
    """Look up one row.

    Raises:
        ModelUnavailable: no model of that name; the sentence lists those there are.
    """
    for row in MODELS:
        if row.name == name:
            return row
    raise ModelUnavailable(f"No model is named {name!r}; known are {', '.join(row.name for row in MODELS)}.")


def by_task(task: Task) -> tuple[ModelSpec, ...]:
    """All rows of one task, in catalogue order (the bundled one first)."""
    return tuple(row for row in MODELS if row.task == task)
