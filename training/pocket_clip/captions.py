"""Concepts and their captions: what a picture of a class may be called, and which concepts do not exclude each other.

A concept is a class of a picture set ("tiny/n02085620"), an emoji ("emoji/1f415") or a group ("group/dog"). Its
captions are names, synonyms, names with groups ("a chihuahua, a dog, an animal"), templates and descriptors.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from training.pocket_clip import hierarchy
from training.pocket_clip.pictures import emoji_key

TEMPLATES = (
    "a photo of a {}",
    "a picture of a {}",
    "an image of a {}",
    "a close-up photo of a {}",
    "a photo of the {}",
    "this is a {}",
    "there is a {} in the picture",
    "a blurry photo of a {}",
    "a cropped photo of a {}",
    "a good photo of a {}",
    "a photo of one {}",
    "a photo of a small {}",
    "a photo of a large {}",
    "a bright photo of a {}",
    "a dark photo of a {}",
)
DRAWN_TEMPLATES = ("a drawing of a {}", "an emoji of a {}", "an icon of a {}", "a cartoon of a {}", "clip art of a {}")
TOY_TEMPLATES = (*TEMPLATES[:5], "a toy {}", "a render of a {}", "a 3D model of a {}")
STYLE_OF_SET = {
    "emoji": DRAWN_TEMPLATES,
    "toybox": TOY_TEMPLATES,
    "pacs": TEMPLATES[:4] + ("a painting of a {}", "a cartoon of a {}"),
}
MAX_DESCRIPTORS = 8
LATIN_ENDINGS = ("us", "is", "a", "um", "ns", "ii", "os", "ni", "er")


@dataclass(frozen=True)
class Concept:
    """One thing that pictures show.

    Attributes:
        key: "set/class".
        names: primary name first, then synonyms.
        keywords: words that go with it but do not name it (emoji keywords).
        groups: names of the groups above it, near to far.
        descriptors: visible features ("long floppy ears").
    """

    key: str
    names: tuple[str, ...]
    keywords: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    descriptors: tuple[str, ...] = ()

    @property
    def picture_set(self) -> str:
        """The set that the concept belongs to."""
        return self.key.split("/")[0]


def with_article(name: str) -> str:
    """Put the article before a name ("an apple"); plurals and names that have one stay."""
    if name.startswith(("a ", "an ", "the ")) or (name.endswith("s") and not name.endswith("ss")):
        return name
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def fill(template: str, name: str) -> str:
    """Put a name into a template, with the right article."""
    return template.replace("a {}", with_article(name)).replace("{}", name)


def captions_of(concept: Concept) -> tuple[tuple[str, float], ...]:
    """All captions of a concept with the probability to draw each one (they sum to 1)."""
    primary, *synonyms = concept.names
    templates = STYLE_OF_SET.get(concept.picture_set, TEMPLATES)
    parts: list[tuple[float, list[str]]] = [
        (0.28, [primary, with_article(primary)]),
        (0.27, [fill(template, primary) for template in templates]),
    ]
    if synonyms:
        parts.append((0.18, [*synonyms, *(fill("a photo of a {}", name) for name in synonyms)]))
    if concept.groups:
        near, far = concept.groups[0], concept.groups[-1]
        joined = ", ".join(with_article(name) for name in (primary, near, far))
        parts.append((0.15, [f"{primary}, {near}", joined, fill(f"a photo of a {{}}, a kind of {near}", primary)]))
    if concept.descriptors:
        parts.append((0.12, [f"{primary}, {text}" for text in concept.descriptors[:MAX_DESCRIPTORS]]))
    if concept.keywords:
        parts.append((0.15, [f"{primary}, {', '.join(concept.keywords[i : i + 2])}" for i in range(0, 6, 2)]))
    total = sum(weight for weight, _ in parts)
    return tuple((text, weight / total / len(texts)) for weight, texts in parts for text in texts)


def _lemmas(name_list: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in name_list.split(","))


def _is_latin(name: str) -> bool:
    """Two words that begin with a capital and go on small: a species name such as "Vulpes vulpes"."""
    words = name.split()
    return len(words) == 2 and words[0][:1].isupper() and words[1].islower() and words[1].endswith(LATIN_ENDINGS)


def _imagenet_descriptors(raw: Path) -> dict[str, tuple[str, ...]]:
    listed = json.loads((raw / "waffle" / "descriptors" / "descriptors_imagenet.json").read_text())
    return {name.lower(): tuple(texts) for name, texts in listed.items()}


def tiny_concepts(raw: Path) -> list[Concept]:
    """The 200 classes of Tiny-ImageNet, held-out ones included."""
    base = raw / "tiny" / "tiny-imagenet-200"
    words = dict(line.split("\t") for line in (base / "words.txt").read_text().splitlines())
    concepts = []
    for wnid in sorted((base / "wnids.txt").read_text().split()):
        lemmas = tuple(name for name in _lemmas(words[wnid]) if not _is_latin(name)) or _lemmas(words[wnid])
        names = hierarchy.TINY_NAMES.get(wnid, ()) + lemmas
        concepts.append(Concept(f"tiny/{wnid}", tuple(dict.fromkeys(names))))
    return concepts


def _named(prefix: str, table: dict[str, tuple[str, ...]]) -> list[Concept]:
    return [Concept(f"{prefix}/{key}", names) for key, names in table.items()]


def caltech_concepts(raw: Path) -> list[Concept]:
    folders = sorted(path.name for path in (raw / "caltech" / "101_ObjectCategories").iterdir())
    plain = {name: (name.replace("_", " "),) for name in folders if name not in ("BACKGROUND_Google", "Faces_easy")}
    return _named("caltech", plain | hierarchy.CALTECH_NAMES)


def grocery_concepts(raw: Path) -> list[Concept]:
    """Groceries: the brand's own words, the coarse class, and the first sentence of the shop's description."""
    concepts = []
    with (raw / "grocery" / "dataset" / "classes.csv").open() as file:
        for name, _, coarse, *_, description in list(csv.reader(file))[1:]:
            coarse_name = coarse.replace("-", " ").lower()
            spoken = name.replace("-", " ").lower()
            is_named = coarse_name in spoken
            names = (spoken,) if is_named else (f"{spoken} {coarse_name}", spoken)
            text = (raw / "grocery" / "dataset" / description.lstrip("/")).read_text(encoding="utf-8", errors="ignore")
            first = text.strip().split(". ")[0][:150]
            names = tuple(dict.fromkeys((*names, name.lower())))
            concepts.append(Concept(f"grocery/{name}", names, (), (coarse_name,), (first,)))
    return concepts


def emoji_concepts(raw: Path) -> list[Concept]:
    """Emoji that emojilib names, without flags and skin tones."""
    listed = json.loads((raw / "emojilib" / "dist" / "emoji-en-US.json").read_text())
    concepts = []
    for letters, words in listed.items():
        key = emoji_key(letters)
        if key.startswith(("1f1", "1f3f4_e")):
            continue
        spoken = [word.replace("_", " ") for word in words if word.isascii() and any(map(str.isalpha, word))]
        if spoken:
            concepts.append(Concept(f"emoji/{key}", (spoken[0],), tuple(spoken[1:7])))
    return concepts


def toybox_concepts() -> list[Concept]:
    """The toy classes with the synonyms that the generator gives them."""
    from training.toybox.classes import TOYS

    return [Concept(f"toybox/{toy.name}", (toy.name, *toy.synonyms)) for toy in TOYS]


def groups_by_name() -> dict[str, tuple[str, ...]]:
    """Member name (lower case) -> groups above it, near to far, over all lines it stands in."""
    above: dict[str, tuple[str, ...]] = {}
    for line in hierarchy.HIERARCHY.strip().splitlines():
        chain, members = line.split(": ")
        groups = _lemmas(chain)
        for member in _lemmas(members):
            above[member.lower()] = tuple(dict.fromkeys(above.get(member.lower(), ()) + groups))
    for line in hierarchy.HIERARCHY.strip().splitlines():  # a group stands below those after it in its line
        groups = _lemmas(line.split(": ")[0])
        for number, group in enumerate(groups[:-1]):
            above[group.lower()] = tuple(dict.fromkeys(above.get(group.lower(), ()) + groups[number + 1 :]))
    return above


def cifar_classes() -> list[Concept]:
    """The ten classes of CIFAR-10 by their test names."""
    return [Concept(f"cifar/{key}", (key, *names[1:])) for key, names in hierarchy.CIFAR_NAMES.items()]


def build_concepts(raw: Path) -> list[Concept]:
    """Every concept of every set, groups attached, sorted by set then key; group concepts come last."""
    concepts = [
        *tiny_concepts(raw),
        *_named("cifar", hierarchy.CIFAR_NAMES),
        *caltech_concepts(raw),
        *_named(
            "pacs", {name: (name,) for name in ("dog", "elephant", "giraffe", "guitar", "horse", "house", "person")}
        ),
        *grocery_concepts(raw),
        *_named("clothing", hierarchy.CLOTHING_NAMES),
        *_named("houses", hierarchy.HOUSE_NAMES),
        *toybox_concepts(),
        *emoji_concepts(raw),
    ]
    above, descriptors = groups_by_name(), _imagenet_descriptors(raw)
    complete = []
    for concept in concepts:
        groups = concept.groups
        for name in concept.names:
            groups += above.get(name.lower(), ())
        groups = tuple(group for group in dict.fromkeys(groups) if group not in concept.names)
        seen = next((descriptors[n.lower()] for n in concept.names if n.lower() in descriptors), ())
        if concept.picture_set == "emoji":
            seen = ()
        complete.append(replace(concept, groups=groups, descriptors=concept.descriptors or seen))
    return complete + group_concepts(complete, above)


def group_concepts(concepts: list[Concept], above: dict[str, tuple[str, ...]]) -> list[Concept]:
    """One concept per group that some concept belongs to."""
    used = sorted({group for concept in concepts for group in concept.groups})
    return [Concept(f"group/{name}", (name,), (), above.get(name.lower(), ())) for name in used]


def compatible(concepts: list[Concept]) -> np.ndarray:
    """Which concepts can be true of one picture at once: (K, K) bool, symmetric, true on the diagonal.

    Two concepts are compatible when one's primary names or groups meet the other's names: "chihuahua" and "dog" are,
    "chihuahua" and "cat" are not. Incompatible concepts serve as negatives for each other.
    """
    names = [{name.lower() for name in c.names} for c in concepts]
    reach = [names[i] | {g.lower() for g in c.groups} | {k.lower() for k in c.keywords} for i, c in enumerate(concepts)]
    words = {word: number for number, word in enumerate(sorted(set().union(*reach)))}
    named = np.zeros((len(concepts), len(words)), np.float32)
    reached = np.zeros_like(named)
    for row, (own, far) in enumerate(zip(names, reach, strict=True)):
        named[row, [words[word] for word in own]] = 1
        reached[row, [words[word] for word in far]] = 1
    meets = reached @ named.T > 0
    return meets | meets.T | np.eye(len(concepts), dtype=bool)
