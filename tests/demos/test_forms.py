"""Forms: fields in order, a link's settings put into them, handlers called by keyword."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from demos import permalink
from demos.forms import Fields, link_opener, with_settings
from demos.permalink import Flag, Number, Text


@dataclass(frozen=True)
class _Form(Fields):
    words: str = "words field"
    depth: str = "depth field"
    loud: str = "loud field"


SCHEMA = {"words": Text(), "depth": Number(0, 9), "loud": Flag()}


def _opened(query: dict[str, str], **more: Any) -> dict[Any, Any]:
    run = link_opener("two", SCHEMA, _Form(), "line", press="Press it.", **more)
    return run(SimpleNamespace(query_params=query))  # type: ignore[arg-type]


def test_fields_come_in_order() -> None:
    assert _Form().all() == ["words field", "depth field", "loud field"]


def test_a_link_fills_the_fields_and_says_what_is_next() -> None:
    found = _opened({"tab": "two", "p": permalink.pack({"words": "a", "depth": 3})})
    assert found["words field"] == "a" and found["depth field"] == 3 and "loud field" not in found
    assert found["line"]["text"] == "These settings come from the link. Press it."


def test_adjusted_settings_replace_plain_ones() -> None:
    packed = permalink.pack({"words": "a", "loud": True})
    found = _opened({"tab": "two", "p": packed}, adjust=lambda settings: {"words": settings["words"].upper()})
    assert found["words field"] == "A" and found["loud field"] is True


def test_what_does_not_fit_is_said_and_left_out() -> None:
    found = _opened({"tab": "two", "p": permalink.pack({"words": "a", "depth": 30})})
    assert found["words field"] == "a" and "depth field" not in found and found["line"]["state"] == "error"
    assert _opened({"tab": "two", "p": "nonsense"})["line"]["state"] == "error"


@pytest.mark.parametrize("query", [{}, {"tab": "one", "p": "x"}, {"tab": "two"}, {"p": "x"}])
def test_links_to_elsewhere_change_nothing(query: dict[str, str]) -> None:
    found = _opened(query)
    assert list(found) == ["line"] and found["line"]["state"] == "idle"


def test_a_link_without_a_tab_means_the_first() -> None:
    assert _opened({"p": permalink.pack({"words": "a"})}, is_first=True)["words field"] == "a"


def test_an_endpoint_is_called_as_it_is_documented() -> None:
    @with_settings("image", {"level": "auto", "cut": 0.5}, "state", doc="What it does.")
    def run(given: Any) -> Any:
        yield dict(given)

    assert run.__name__ == "run" and run.__doc__ == "What it does."
    assert list(inspect.signature(run).parameters) == ["image", "level", "cut", "state"]
    assert next(run("p", cut=0.1)) == {"image": "p", "level": "auto", "cut": 0.1, "state": None}
    assert next(run("p", "part", 0.2, {"a": 1})) == {"image": "p", "level": "part", "cut": 0.2, "state": {"a": 1}}
    with pytest.raises(TypeError):
        next(run())
