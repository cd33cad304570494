"""Settings that travel in a link: ``/?tab=zero_shot&p=<base64url(zlib(JSON))>``, versioned and held to a schema.

Whoever opens a link may have written it by hand: everything in it is untrusted. Sizes are bounded before and after
decompression, unknown fields are ignored, and a value that its field does not allow is left out with a sentence.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from core.errors import InputError

VERSION = 1
MAX_PACKED_CHARS = 8_000  # of p; servers and chat programs cut longer links
MAX_JSON_BYTES = 64_000  # after decompression

Settings = dict[str, Any]


@dataclass(frozen=True)
class Text:
    """A field of text up to ``max_chars`` characters."""

    max_chars: int = 32_000

    def accepts(self, value: Any) -> bool:
        """Whether ``value`` is allowed."""
        return isinstance(value, str) and len(value) <= self.max_chars


@dataclass(frozen=True)
class Choice:
    """A field that holds one of ``values``."""

    values: tuple[str, ...]

    def accepts(self, value: Any) -> bool:
        """Whether ``value`` is allowed."""
        return isinstance(value, str) and value in self.values


@dataclass(frozen=True)
class Flag:
    """A field that is true or false."""

    def accepts(self, value: Any) -> bool:
        """Whether ``value`` is allowed."""
        return isinstance(value, bool)


@dataclass(frozen=True)
class Number:
    """A finite number from ``low`` to ``high``."""

    low: float
    high: float

    def accepts(self, value: Any) -> bool:
        """Whether ``value`` is allowed."""
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return is_number and math.isfinite(value) and self.low <= value <= self.high


Field = Text | Choice | Flag | Number
Schema = Mapping[str, Field]


def pack(settings: Mapping[str, Any]) -> str:
    """Pack settings into the text that stands behind ``p=``.

    Raises:
        InputError: they are too long for a link.
    """
    text = json.dumps({"v": VERSION, **settings}, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    packed = base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")
    if len(text.encode()) > MAX_JSON_BYTES or len(packed) > MAX_PACKED_CHARS:
        raise InputError(
            f"These settings make a link of {len(packed)} characters; at most {MAX_PACKED_CHARS} travel safely. "
            "Use fewer labels."
        )
    return packed


def link(tab: str, settings: Mapping[str, Any]) -> str:
    """The query part of a link to ``tab`` with these settings: ``?tab=...&p=...``."""
    return f"?tab={quote(tab, safe='')}&p={pack(settings)}"


def _inflate(packed: str) -> bytes:
    """Undo base64 and zlib without ever holding more than MAX_JSON_BYTES + 1 bytes of output."""
    raw = base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_", validate=True)
    data = zlib.decompressobj().decompress(raw, MAX_JSON_BYTES + 1)
    if len(data) > MAX_JSON_BYTES:
        raise ValueError("too long")
    return data


def unpack(packed: str, schema: Schema) -> tuple[Settings, tuple[str, ...]]:
    """Read the text behind ``p=``.

    Args:
        packed: The text; empty means no settings.
        schema: The fields that the tab knows; others are ignored, for links of a later version.

    Returns:
        The settings that are present and allowed, and one sentence for each that is not.

    Raises:
        InputError: the text is not a link of this hub at all.
    """
    if not packed:
        return {}, ()
    broken = "The settings in this link cannot be read; the defaults are shown instead."
    if len(packed) > MAX_PACKED_CHARS:
        raise InputError(broken)
    try:
        content = json.loads(_inflate(packed).decode())
    except (ValueError, binascii.Error, zlib.error, RecursionError) as error:
        raise InputError(broken) from error
    if not isinstance(content, dict) or not isinstance(content.get("v"), int):
        raise InputError(broken)
    known = {name: content[name] for name in schema if name in content}
    kept = {name: value for name, value in known.items() if schema[name].accepts(value)}
    problems = tuple(
        f"The link asks for a {name.replace('_', ' ')} that this hub does not offer; the default is used."
        for name in known
        if name not in kept
    )
    if content["v"] > VERSION:
        problems += ("The link was made by a newer hub; what this one does not know is left out.",)
    return kept, problems
