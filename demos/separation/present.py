"""From a frozen answer to the plain JSON that the page and the endpoint show; no arithmetic on sounds here."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from demos.separation.answers import Presence, Separation
from demos.separation.judging import Opinion
from demos.separation.options import SeparateOptions
from demos.separation.pictures import Pictures, draw, ticks

_STAGE_WORDS = {"query": "query", "picture": "looking at the sound", "masks": "masks", "sounds": "writing the sounds"}
_CURVE_POINTS = 200


def as_json(found: Separation, opinions: Sequence[Opinion | None] = ()) -> dict[str, Any]:
    """What the endpoint returns beside the sounds; the first query stands at the top."""
    first = found.heard.presence[0]
    told = [one and {name: _rounded(value) for name, value in vars(one).items()} for one in opinions]
    return {
        **({"clap": told} if told else {}),
        "query": first.query,
        "presence": round(first.score, 4),
        "seconds": round(sum(found.seconds.values()), 3),
        "model": found.heard.models[0],
        "is_heard": first.is_heard,
        "queries": [_told(one) for one in found.heard.presence],
        "mode": found.mode,
        "query_model": found.heard.models[1],
        "stages": {name: round(value, 3) for name, value in found.seconds.items()},
        "notes": list(found.heard.notes),
    }


def _rounded(value: float | int | str) -> float | int | str:
    return round(value, 3) if isinstance(value, float) else value


def _told(one: Presence) -> dict[str, Any]:
    curve = [round(float(value), 3) for value in one.over_time]
    told = {"query": one.query, "presence": round(one.score, 4), "is_heard": one.is_heard, "nearest": one.nearest}
    return {**told, "over_time": curve, "step_s": one.step_s}


def view_value(
    found: Separation,
    options: SeparateOptions,
    files: Mapping[str, Any],
    gains_db: Sequence[float],
    truths_db: Mapping[str, tuple[float, float]],
    opinions: Sequence[Opinion | None] = (),
) -> dict[str, Any]:
    """What assets/views/sound.js draws.

    Args:
        found: The answer.
        options: With which it was rendered.
        files: Gradio's file of each sound: "mixture", "stem 0", "stem 1", ..., "rest".
        gains_db: What makes mixture, stems and rest equally loud, in this order.
        truths_db: For bundled mixtures: by query, SI-SDR of the stem and of the mixture against the truth, dB.
        opinions: CLAP's, one a query, where it was asked.
    """
    pictures = draw(found.heard, options)
    tracks = [_track("The whole sound", "mixture", files, gains_db[0], pictures.mixture)]
    for i, one in enumerate(found.heard.presence):
        track = _track(one.query, f"stem {i}", files, gains_db[i + 1], pictures.stems[i])
        tracks.append({**track, "mask": _address(pictures.masks[i]), "presence": _presence(one)})
        if one.query in truths_db:
            tracks[-1]["truth_db"] = [round(value, 1) for value in truths_db[one.query]]
        opinion = opinions[i] if opinions else None
        if opinion is not None:
            tracks[-1]["opinion"] = opinion_words(opinion)
    name = "Everything else" if len(found.stems) < 2 else "Everything else together"
    rest = _track(name, "rest", files, gains_db[-1], pictures.rest)
    tracks.insert(1 if found.mode == "remove" else len(tracks), rest)  # what was asked for comes first
    wanted = "rest" if found.mode == "remove" else "stem 0"
    return {"tracks": tracks, "wanted": wanted, "notes": list(found.heard.notes), "foot": foot(found, pictures)}


def opinion_words(one: Opinion) -> str:
    """CLAP's opinion in a line."""
    place = "the nearest to these words" if one.place == 1 else f"number {one.place} in nearness to these words"
    return f"CLAP: {place} of {one.count} sounds (cosine {one.own:.2f}, the whole {one.whole:.2f})"


def _presence(one: Presence) -> dict[str, Any]:
    places = np.linspace(0, len(one.over_time) - 1, min(len(one.over_time), _CURVE_POINTS)).astype(int)
    curve = [round(float(one.over_time[place]), 3) for place in places]
    return {"score": one.score, "is_heard": one.is_heard, "nearest": one.nearest, "curve": curve}


def _track(name: str, key: str, files: Mapping[str, Any], gain_db: float, rgb: NDArray[np.uint8]) -> dict[str, Any]:
    marks = [{"hz": hz, "share": place / 256} for hz, place in ticks()]
    return {"name": name, "key": key, "file": files[key], "gain_db": gain_db, "picture": _address(rgb), "ticks": marks}


def foot(found: Separation, pictures: Pictures) -> str:
    """Time taken, models, and the scale of the pictures."""
    stages = ", ".join(f"{_STAGE_WORDS[name]} {value:.1f} s" for name, value in found.seconds.items())
    models = " with queries by ".join(found.heard.models)
    return f"{models} · {stages} · colours reach from {pictures.top_db - 70:.0f} to {pictures.top_db:.0f} dB"


def _address(rgb: NDArray[np.uint8]) -> str:
    """A picture as a data: address."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "WEBP", quality=80)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
