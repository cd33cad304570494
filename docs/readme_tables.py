"""Writes the tables of the README from the code: ``python -m docs.readme_tables``; tests/test_readme.py checks them."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import app
from core.catalog import MODELS
from core.checkpoints import BUNDLED_DIR
from core.model_spec import Bundled, ModelSpec
from core.settings import Settings
from demos.registry import DEMOS, PAGES

README = Path(__file__).resolve().parent.parent / "README.md"


def tabs() -> str:
    """One row a tab, in the order on the screen."""
    rows = [f"| {demo.title} | {demo.summary} |" for demo in DEMOS + PAGES]
    return "\n".join(["| Tab | What it does |", "|---|---|", *rows])


def flags() -> str:
    """One row a flag with its variable and default."""
    rows = []
    for field in fields(Settings):
        default = getattr(Settings, field.name)
        shown = {"models_dir": "~/.cache/clip-atlas", True: "on", False: "off"}
        words = shown.get(field.name) or (shown[default] if isinstance(default, bool) else default)
        flag = f"--{field.name.replace('_', '-')}"
        rows.append(f"| `{flag}` | `HUB_{field.name.upper()}` | {words} | {app.FLAGS[field.name]} |")
    return "\n".join(["| Flag | Variable | Default | Meaning |", "|---|---|---|---|", *rows])


def _size(row: ModelSpec) -> str:
    if any(isinstance(source, Bundled) for source in row.sources):
        return "bundled"
    return f"{row.download_mb / 1000:.1f} GB" if row.download_mb >= 1000 else f"{row.download_mb:.0f} MB"


def models() -> str:
    """One row a model of the catalogue."""
    rows = []
    for row in MODELS:
        licence = f"{row.licence} (non-commercial)" if row.is_non_commercial else row.licence
        title = f"[{row.title}]({row.source_url})" if row.source_url.startswith("https://") else row.title
        count = f"{row.params_m:,.0f}" if row.params_m >= 10 else f"{row.params_m:.2g}"
        rows.append(f"| `{row.name}` | {title} | {count} M | {_size(row)} | {licence} |")
    return "\n".join(["| Name | Model | Parameters | Download | Licence |", "|---|---|---|---|---|", *rows])


def score_rows(scores: list[dict[str, Any]]) -> list[str]:
    """One row a figure of a model's card (training/score.py), with what it had to reach."""
    rows = []
    for score in scores:
        sign = "≤ " if score.get("at_most") else ""
        goals = " / ".join(f"{score[goal]:g}" for goal in ("bar", "aim") if score.get(goal) is not None)
        interval = f"{score['low']:g} to {score['high']:g}" if score["n"] > 1 else ""
        count = f"{score['n']:,}" if score["n"] else ""
        cells = [score["what"], f"{score['value']:g}", interval, count, f"{sign}{goals}" if goals else ""]
        rows.append(f"| {' | '.join([*cells, reached(score)])} |")
    return rows


def reached(score: dict[str, Any]) -> str:
    """Say of a figure whether it met its aim or its bar, or nothing where it has none."""
    sign = -1 if score.get("at_most") else 1
    for goal in ("aim", "bar"):
        if score.get(goal) is not None and sign * score["value"] >= sign * score[goal]:
            return f"{goal} met"
    return "" if score.get("bar") is None else "bar missed"


SCORES_HEAD = ["| Measured | Value | 95 % interval | n | Bar / aim | |", "|---|---|---|---|---|---|"]


def card_scores(name: str) -> list[dict[str, Any]]:
    """The figures of a bundled model's card; those of benchmarks (benchmarks/measure.py) in the words of the others."""
    card = json.loads((BUNDLED_DIR / name / "card.json").read_text(encoding="utf-8"))
    return [_from_benchmark(row) if "figure" in row else row for row in card["scores"] if "name" in row]


def _from_benchmark(row: dict[str, Any]) -> dict[str, Any]:
    unit, note = (f" {row['unit']}" if row["unit"] else "", f" ({row['note']})" if row["note"] else "")
    is_below = row["is_met"] is not None and (row["figure"] < row["bar"]) == row["is_met"]
    shown = {"what": f"{row['name']}{unit and ',' + unit}{note}", "value": round(row["figure"], 2), "n": 0}
    return {"name": row["name"], **shown, "bar": row["bar"], "at_most": is_below}


def scores() -> str:
    """One row a figure that has a bar, of every bundled model; of a model without bars the first three."""
    rows = ["| Model " + SCORES_HEAD[0], "|---" + SCORES_HEAD[1]]
    for name in sorted(path.parent.name for path in BUNDLED_DIR.glob("*/card.json")):
        found = card_scores(name)
        told = [score for score in found if score["bar"] is not None] or found[:3]
        rows += [f"| `{name}` {row}" for row in score_rows(told)]
    return "\n".join(rows)


TABLES = {"tabs": tabs, "flags": flags, "models": models, "scores": scores}


def filled(text: str) -> str:
    """The README with each table between its markers replaced by what the code says now."""
    for name, table in TABLES.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->\n"
        head, has_begin, rest = text.partition(begin)
        _, has_end, tail = rest.partition(end)
        if not (has_begin and has_end):
            raise ValueError(f"expected the markers {begin.strip()} and {end.strip()} in the README, got none")
        text = f"{head}{begin}{table()}\n{end}{tail}"
    return text


if __name__ == "__main__":
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")
