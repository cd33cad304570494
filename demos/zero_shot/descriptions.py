"""Classification by description: a label scores by how well each of its descriptors fits, so it has reasons.

    s(c) = 1 / |D_c| sum_{d in D_c} cos(f, text(c, d)),   text(c, d) = "{c}, which has {d}"

Source: Menon and Vondrick 2022, "Visual Classification via Description from Large Language Models",
arXiv:2210.07183; the selection: Ma et al. 2024, "Does VLM Classification Benefit from LLM Description Semantics?",
arXiv:2412.11917. Both written from the papers' formulas. data/descriptors.json is the project's own writing.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.labels import Label, key_of, quoted
from core.prompts import fill
from demos.zero_shot.options import DescriptorBar

DATA = Path(__file__).parent / "data" / "descriptors.json"
MAX_DESCRIPTORS = 50  # of one label
MAX_DESCRIPTOR_CHARS = 200
_IS_WORDS = ("a", "an", "the", "used")  # "which is a long tail"
_BARE_WORDS = ("has", "have", "is", "are", "often", "typically", "usually", "may", "can")  # "which often sleeps"

Descriptors = Mapping[str, tuple[str, ...]]


def clause(descriptor: str) -> str:
    """A descriptor as the end of a sentence: "which is a ...", "which often ...", else "which has ..."."""
    first = descriptor.split(maxsplit=1)[0].lower() if descriptor.strip() else ""
    if first in _IS_WORDS:
        return f"which is {descriptor}"
    if first in _BARE_WORDS:
        return f"which {descriptor}"
    return f"which has {descriptor}"


def sentences(label: str, descriptors: Sequence[str], templates: Sequence[str]) -> tuple[str, ...]:
    """The texts of a label: each descriptor in each template, the templates of one descriptor side by side."""
    return tuple(
        fill(template, f"{label}, {clause(descriptor)}") for descriptor in descriptors for template in templates
    )


def bars(descriptors: Sequence[str], texts: Sequence[str], cosines: NDArray[np.floating]) -> tuple[DescriptorBar, ...]:
    """The explanation of one label's score, best descriptor first; contributions sum to the label's cosine.

    Args:
        descriptors: Of the label, K of them.
        texts: What was sent for each, K (the first template's).
        cosines: Of picture and each descriptor, (K,).
    """
    share = 1.0 / len(descriptors)
    found = [
        DescriptorBar(d, t, float(x), float(x) * share) for d, t, x in zip(descriptors, texts, cosines, strict=True)
    ]
    return tuple(sorted(found, key=lambda bar: -bar.cosine))


def descriptors_for(labels: Sequence[Label], own: Descriptors) -> dict[str, tuple[str, ...]]:
    """Descriptors of each label: the visitor's own, else the bundled ones, else none (the plain name is used).

    Labels are found whatever their case, by their name first and then by their synonyms.

    Args:
        labels: The labels.
        own: What the visitor wrote; an empty tuple there switches the bundled ones off.
    """
    mine = {key_of(name): tuple(found) for name, found in own.items()}
    everything = {**bundled(), **mine}
    chosen = {}
    for label in labels:
        keys = [key_of(word) for word in label.words]
        chosen[label.name] = next((everything[key] for key in keys if key in everything), ())
    return chosen


@functools.cache
def bundled() -> dict[str, tuple[str, ...]]:
    """The bundled descriptors by every name of their class (key_of form), read once."""
    classes = json.loads(DATA.read_text(encoding="utf-8"))["classes"]
    by_name: dict[str, tuple[str, ...]] = {}
    for name, entry in classes.items():
        for other in (name, *entry["also"]):
            by_name.setdefault(key_of(other), tuple(entry["looks"]))
    return by_name


def read_descriptors(text: str) -> dict[str, tuple[str, ...]]:
    """Read what :func:`write_descriptors` wrote and a visitor changed: ``cat: whiskers; soft fur``, one label a line.

    A line that starts with a dash adds a descriptor to the label above. A label with a colon stands in quotes.

    Raises:
        InputError: a line has no colon, or a descriptor is too long, or a label has too many.
    """
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        line = " ".join(line.split())
        if not line:
            continue
        if line.startswith(("- ", "• ")) and current is not None:
            current.append(line[2:])
            continue
        match = re.match(r'(?:"([^"]+)"|([^:]+)):(.*)', line)
        if match is None or not (match[1] or match[2]).strip():
            raise InputError(f"Line {number} of the descriptors ({quoted(line)}) needs the form label: one; another.")
        current = found.setdefault((match[1] or match[2]).strip(), [])
        current += [piece.strip() for piece in match[3].split(";") if piece.strip()]
    for label, pieces in found.items():
        if len(pieces) > MAX_DESCRIPTORS:
            raise InputError(f"{quoted(label)} has {len(pieces)} descriptors; at most {MAX_DESCRIPTORS}.")
        for piece in pieces:
            if len(piece) > MAX_DESCRIPTOR_CHARS:
                raise InputError(
                    f"A descriptor of {quoted(label)} has {len(piece)} characters; at most {MAX_DESCRIPTOR_CHARS}."
                )
    return {label: tuple(dict.fromkeys(pieces)) for label, pieces in found.items()}


def write_descriptors(descriptors: Descriptors) -> str:
    """The text to edit, one label a line."""
    lines = []
    for label, pieces in descriptors.items():
        name = f'"{label}"' if ":" in label else label
        lines.append(f"{name}: {'; '.join(pieces)}")
    return "\n".join(lines)


def selected(
    support: NDArray[np.floating], candidates: Sequence[int], *, limit: int = 5
) -> dict[int, tuple[tuple[int, float], ...]]:
    """Keep the descriptors that tell a class from its look-alikes on reference pictures.

    T[d, c] is the mean cosine of descriptor d with the reference pictures of class c. For class c of the
    look-alikes L, d stays if T[d, c] - T[d, c'] >= 0 for every c' in L; the mean of these margins ranks.

    Args:
        support: T, (descriptors of all classes, classes).
        candidates: L, class indices.
        limit: Most descriptors kept a class.

    Returns:
        Class -> (descriptor, mean margin), best first; empty where none is left.
    """
    kept = {}
    for own in candidates:
        margins = support[:, [own]] - support[:, list(candidates)]  # 0 for the class itself, which counts in the mean
        means = margins.mean(axis=1)
        stays = np.flatnonzero((margins >= 0).all(axis=1))
        order = stays[np.argsort(-means[stays], kind="stable")][:limit]
        kept[own] = tuple((int(d), float(means[d])) for d in order)
    return kept


def selected_score(name_cosine: float, descriptor_cosines: Sequence[float], *, weight: float = 5.0) -> float:
    """Score with selected descriptors: w cos(f, name) + mean_d cos(f, d); the name alone where none was kept."""
    extra = float(np.mean(descriptor_cosines)) if len(descriptor_cosines) else 0.0
    return weight * name_cosine + extra
