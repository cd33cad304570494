"""Links carry settings there and back; what strangers write into them does no harm."""

from __future__ import annotations

import base64
import json
import tracemalloc
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from demos.permalink import (
    MAX_JSON_BYTES,
    MAX_PACKED_CHARS,
    VERSION,
    Choice,
    Flag,
    Number,
    Text,
    link,
    pack,
    unpack,
)

SCHEMA = {"labels": Text(2_000), "model": Choice(("small", "large")), "several": Flag(), "threshold": Number(-1, 1)}


def _pack_raw(content: Any) -> str:
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(content).encode())).decode().rstrip("=")


@given(
    labels=st.text(max_size=500),
    model=st.sampled_from(("small", "large")),
    several=st.booleans(),
    threshold=st.floats(-1, 1),
)
def test_settings_return_as_they_went(labels: str, model: str, several: bool, threshold: float) -> None:
    labels = labels.encode("utf-8", "replace").decode()
    settings = {"labels": labels, "model": model, "several": several, "threshold": threshold}
    assert unpack(pack(settings), SCHEMA) == (settings, ())


def test_link_names_the_tab_and_survives_an_address_bar() -> None:
    address = link("zero_shot", {"labels": "cat & dog\n🐈 = кошка"})
    assert address.startswith("?tab=zero_shot&p=")
    assert address.isascii() and not set(address) & set(" \"'<>#%")


def test_no_settings_is_no_link() -> None:
    assert unpack("", SCHEMA) == ({}, ())


def test_unknown_fields_are_ignored() -> None:
    packed = _pack_raw({"v": VERSION, "labels": "cat", "evil": {"deep": [1, 2]}})
    assert unpack(packed, SCHEMA) == ({"labels": "cat"}, ())


@pytest.mark.parametrize(
    "field, value",
    [
        ("model", "no such"),
        ("model", ["small"]),
        ("labels", 7),
        ("labels", "x" * 2_001),
        ("several", 1),
        ("threshold", True),
        ("threshold", 1.5),
        ("threshold", "0.2"),
        ("threshold", None),
    ],
)
def test_a_value_that_is_not_allowed_is_left_out_with_a_sentence(field: str, value: object) -> None:
    kept, problems = unpack(_pack_raw({"v": VERSION, field: value}), SCHEMA)
    assert kept == {}
    assert len(problems) == 1 and field in problems[0]


def test_not_a_number_is_no_threshold() -> None:
    raw = base64.urlsafe_b64encode(zlib.compress(b'{"v":1,"threshold":NaN}')).decode()
    assert unpack(raw, SCHEMA)[0] == {}


def test_a_newer_link_says_so() -> None:
    kept, problems = unpack(_pack_raw({"v": VERSION + 1, "labels": "cat"}), SCHEMA)
    assert kept == {"labels": "cat"} and "newer" in problems[0]


@pytest.mark.parametrize(
    "packed",
    [
        "not base64 !",
        "AAAA",
        "é",
        _pack_raw(["v", 1]),
        _pack_raw({"labels": "no version"}),
        _pack_raw({"v": "1"}),
        base64.urlsafe_b64encode(zlib.compress(b"[" * 60_000)).decode(),
        base64.urlsafe_b64encode(zlib.compress(b"\xff\xfe")).decode(),
        "A" * (MAX_PACKED_CHARS + 1),
    ],
)
def test_what_is_no_link_is_refused_by_a_sentence(packed: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        unpack(packed, SCHEMA)


def test_a_bomb_is_refused_without_unpacking_it() -> None:
    bomb = base64.urlsafe_b64encode(zlib.compress(b'{"v":1,"labels":"' + b"a" * 5_000_000 + b'"}', 9)).decode()
    assert len(bomb) < MAX_PACKED_CHARS
    tracemalloc.start()
    with pytest.raises(InputError):
        unpack(bomb, SCHEMA)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 10 * MAX_JSON_BYTES


def test_settings_too_long_for_a_link_are_refused_when_it_is_made() -> None:
    with pytest.raises(InputError, match=str(MAX_PACKED_CHARS)):
        pack({"labels": "\n".join(f"label {index * 7919 % 100_003}" for index in range(5_000))})
