"""What to say about a view: names, colours, looks, parts, counts and who is left of whom."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from training.toybox.classes import BY_NAME
from training.toybox.render import SceneObject, View

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
MIN_VISIBLE_SHARE = 0.0012  # of the picture: smaller objects are not spoken of


def with_article(phrase: str) -> str:
    """Return the phrase after "a" or "an"."""
    return f"{'an' if phrase[0] in 'aeiou' or phrase.startswith('hour') else 'a'} {phrase}"


def one_of(class_name: str, phrase: str) -> str:
    """Return a phrase that ends in a class's name with its article, or without where the class takes none."""
    return with_article(phrase) if BY_NAME[class_name].has_article else phrase


def noun_phrase(thing: SceneObject, *, name: str | None = None) -> str:
    """Return colour, look and name without an article: "striped red mug", "metal spoon"."""
    look = f"{thing.look} " if thing.look else ""
    return f"{look}{thing.colour} {name or thing.class_name}"


def size_word(thing: SceneObject) -> str:
    """Return "small" or "big" where the toy is near an end of its class's sizes, else ""."""
    low, high = BY_NAME[thing.class_name].size_m
    share = (thing.size_m - low) / max(high - low, 1e-9)
    return "small" if share < 0.25 else "big" if share > 0.75 else ""


def relation(first: SceneObject, second: SceneObject, picture_px: int) -> str | None:
    """Return how the first object stands to the second for the viewer, or None when it is not clear.

    "on": it stands on it. "left of" / "right of": their mask centroids are apart by more than 12 % of the picture's
    width and by more than the boxes overlap. "in front of" / "behind": its centre is nearer / farther by more
    than both half sizes, while it is neither left nor right.
    """
    if first.stands_on == second.id:
        return "on"
    if second.stands_on == first.id:
        return "under"
    apart = first.centroid_uv[0] - second.centroid_uv[0]
    overlap = min(first.box_xyxy[2], second.box_xyxy[2]) - max(first.box_xyxy[0], second.box_xyxy[0])
    if abs(apart) > 0.12 * picture_px and abs(apart) > overlap:
        return "left of" if apart < 0 else "right of"
    deeper = first.depth_m - second.depth_m
    if abs(deeper) > 0.5 * (first.size_m + second.size_m) and overlap > 0:
        return "in front of" if deeper < 0 else "behind"
    return None


def visible_objects(view: View) -> list[SceneObject]:
    """Return the objects that fill enough of the picture to be named."""
    least = MIN_VISIBLE_SHARE * view.instances.size
    return [thing for thing in view.objects if thing.pixels >= least]


def describe(view: View, rng: Generator) -> View:
    """Return the view with captions: about one object when it has one, else lists, counts and relations.

    The first caption is always the plainest true one ("a red mug"; "a red mug and a blue car").
    """
    things = visible_objects(view)
    if not things:
        return replace(view, captions=("an empty scene",))
    captions = _about_one(view, things[0], rng) if len(things) == 1 else _about_many(view, things, rng)
    return replace(view, captions=tuple(dict.fromkeys(captions)))


def _about_one(view: View, thing: SceneObject, rng: Generator) -> list[str]:
    """Return captions of a single object."""
    row = BY_NAME[thing.class_name]
    kind = thing.class_name
    plain, full = f"{thing.colour} {kind}", noun_phrase(thing)
    size = size_word(thing)
    captions = [one_of(kind, plain), one_of(kind, kind), f"a photo of {one_of(kind, plain)}", one_of(kind, full)]
    captions.append(one_of(kind, f"{thing.colour} toy {kind}"))
    if size:
        captions.append(f"a photo of {one_of(kind, f'{size} {plain}')}")
    if row.synonyms:
        name = row.synonyms[int(rng.integers(len(row.synonyms)))]
        captions.append(with_article(f"{thing.colour} {name}") if name != "sunglasses" else f"{thing.colour} {name}")
    if view.stage_phrase:
        captions.append(f"{one_of(kind, plain)} {view.stage_phrase}")
    part = _telling_part(view, thing, rng)
    if part:
        captions.append(f"{one_of(kind, plain)} with {part}")
    return captions


def _telling_part(view: View, thing: SceneObject, rng: Generator) -> str | None:
    """Return a visible part in another colour than the object: "a white handle", "black wheels"."""
    seen = {int(i) for i in np.unique(view.parts[view.instances == thing.id])}
    named = [label for label in view.part_labels if label.id in seen and label.colour and label.colour != thing.colour]
    named = [label for label in named if label.name != thing.class_name]
    if not named:
        return None
    label = named[int(rng.integers(len(named)))]
    same = [other for other in named if other.name == label.name]
    if len({other.colour for other in same}) > 1:
        return None
    return (
        f"{label.colour} {plural_part(label.name)}"
        if label.name in PAIRED_PARTS
        else with_article(f"{label.colour} {label.name}")
    )


# Parts that come in numbers under one id.
PAIRED_PARTS = frozenset((
    "antenna", "arm", "battlement", "berry", "book", "branch", "buckle", "button", "cable", "candle", "cheek",
    "claw", "coconut", "cord", "cushion", "cut", "dot", "drawer", "drop", "ear", "eye", "fin", "flame", "foot",
    "fret", "fruit", "grape", "hand", "hole", "hoof", "hoop", "horn", "hub", "icon", "jet", "jewel", "key", "knob",
    "lace", "leaf", "leg", "light", "mark", "nostril", "pad", "pane", "patch", "paw", "pearl", "pedal", "peg",
    "petal", "pillow", "plank", "point", "pole", "post", "pupil", "rail", "rivet", "rope", "rung", "sail", "scoop",
    "seed", "segment", "shelf", "shoe", "shutter", "slat", "slot", "spike", "spine", "spoke", "spot", "sprinkle",
    "step", "stick", "strap", "string", "stripe", "temple", "tine", "tip", "toast", "toe", "tooth", "topping",
    "track", "tusk", "tyre", "valve", "wheel", "whisker", "window", "wing",
))  # fmt: skip


def plural_part(name: str) -> str:
    """Return the plural of a part's name."""
    irregular = {
        "foot": "feet",
        "tooth": "teeth",
        "leaf": "leaves",
        "antenna": "antennae",
        "shelf": "shelves",
        "hoof": "hooves",
    }
    if name in irregular:
        return irregular[name]
    if name.endswith("y") and name[-2] not in "aeiou":
        return name[:-1] + "ies"
    return name + ("es" if name.endswith(("s", "x", "sh", "ch")) else "s")


def _about_many(view: View, things: list[SceneObject], rng: Generator) -> list[str]:
    """Return captions of several objects: a list, counts, relations."""
    order = [things[int(i)] for i in rng.permutation(len(things))]
    phrases = count_phrases(order)
    listed = phrases[0] if len(phrases) == 1 else f"{', '.join(phrases[:-1])} and {phrases[-1]}"
    captions = [listed, f"a photo of {listed}"]
    if view.stage_phrase:
        captions.append(f"{listed} {view.stage_phrase}")
    captions.append(f"{NUMBERS[min(len(things), 10)]} objects" if len(things) <= 10 else "many objects")
    captions.extend(relation_captions(view, order)[:6])
    return captions


def count_phrases(things: list[SceneObject]) -> list[str]:
    """Return one phrase a kind in order: "two red mugs", "three mugs" in mixed colours, "a blue car"."""
    by_class: dict[str, list[SceneObject]] = {}
    for thing in things:
        by_class.setdefault(thing.class_name, []).append(thing)
    phrases = []
    for name, group in by_class.items():
        if len(group) == 1:
            phrases.append(one_of(name, f"{group[0].colour} {name}"))
            continue
        colours = {thing.colour for thing in group}
        colour = f"{colours.pop()} " if len(colours) == 1 else ""
        phrases.append(f"{NUMBERS[min(len(group), 10)]} {colour}{BY_NAME[name].plural_name}")
    return phrases


def relation_captions(view: View, things: list[SceneObject]) -> list[str]:
    """Return every clear relation between objects that their names tell apart: "a yellow duck left of a green bottle".

    Rarer relations come first: on and under, in front of and behind, then left and right.
    """
    names = [f"{thing.colour} {thing.class_name}" for thing in things]
    rank = {"on": 0, "under": 0, "in front of": 1, "behind": 1, "left of": 2, "right of": 2}
    captions: list[tuple[int, str]] = []
    for i, first in enumerate(things):
        for j, second in enumerate(things):
            if i != j and names.count(names[i]) == 1 and names.count(names[j]) == 1:
                word = relation(first, second, view.rgb.shape[1])
                if word:
                    text = f"{one_of(first.class_name, names[i])} {word} {one_of(second.class_name, names[j])}"
                    captions.append((rank[word], text))
    return [text for _, text in sorted(captions, key=lambda pair: pair[0])]


@dataclass(frozen=True)
class PartPhrase:
    """A visible part as a query: its words, its object, and the ids of the part mask that it covers."""

    text: str
    object_id: int
    part_ids: tuple[int, ...]


def part_phrases(view: View, *, min_px: int = 12) -> tuple[PartPhrase, ...]:
    """Return "the handle of the red mug" for every named part that shows at least ``min_px`` pixels."""
    ids, pixels = np.unique(view.parts, return_counts=True)
    seen = {int(i): int(n) for i, n in zip(ids, pixels, strict=True)}
    phrases = []
    for thing in visible_objects(view):
        mine = [label for label in view.part_labels if label.object_id == thing.id]
        for name in dict.fromkeys(label.name for label in mine):
            group = tuple(label.id for label in mine if label.name == name)
            if sum(seen.get(i, 0) for i in group) >= min_px and name != thing.class_name:
                word = plural_part(name) if name in PAIRED_PARTS else name
                text = f"the {word} of the {thing.colour} {thing.class_name}"
                phrases.append(PartPhrase(text, thing.id, group))
    return tuple(phrases)
