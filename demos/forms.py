"""What the tabs' forms share: their fields in order, settings that come with a link, handlers called by keyword."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import gradio as gr

from core.errors import InputError
from demos import permalink
from demos.base import status

Updates = Iterator[dict[Any, Any]]
Adjust = Callable[[permalink.Settings], Mapping[str, Any]]


class Fields:
    """Base of a tab's ``Inputs``, a frozen dataclass of components in the order of its endpoint's arguments."""

    def all(self) -> list[Any]:
        """The components in order."""
        return list(vars(self).values())


def link_opener(
    slug: str,
    schema: permalink.Schema,
    fields: Fields,
    line: Any,
    *,
    press: str,
    is_first: bool = False,
    adjust: Adjust | None = None,
) -> Callable[[gr.Request], dict[Any, Any]]:
    """The handler of a page load: put the settings of the link into the fields, and say what did not fit.

    Args:
        slug: Of the tab.
        schema: Of its settings.
        fields: Where they go, by name.
        line: The tab's status line.
        press: What the visitor does next: "Press Find to see its answer."
        is_first: Whether a link that names no tab means this one.
        adjust: Updates in the place of plain values, by field, where a setting shows or hides a field too.
    """

    def run(request: gr.Request) -> dict[Any, Any]:
        query = request.query_params
        if query.get("tab", slug if is_first else "") != slug or not query.get("p"):
            return {line: status("idle")}
        try:
            settings, problems = permalink.unpack(query.get("p", ""), schema)
        except InputError as error:
            return {line: status("error", str(error))}
        updates = {**settings, **(adjust(settings) if adjust is not None else {})}
        told = ("error", " ".join(problems)) if problems else ("idle", f"These settings come from the link. {press}")
        return {**{getattr(fields, name): value for name, value in updates.items()}, line: status(*told)}

    return run


def with_settings(
    first: str, defaults: Mapping[str, Any], *kept: str, doc: str
) -> Callable[[Callable[[Mapping[str, Any]], Updates]], Callable[..., Updates]]:
    """Let a handler that takes its arguments as one mapping be called as the endpoint documents it.

    Args:
        first: Name of the argument that has no default.
        defaults: Of the arguments after it, in order.
        kept: Names of the states that the page adds at the end; they are None for a program.
        doc: What the endpoint says of itself.
    """
    names = [(first, inspect.Parameter.empty), *defaults.items(), *((name, None) for name in kept)]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    signature = inspect.Signature([inspect.Parameter(name, kind, default=value) for name, value in names])

    def wrap(run: Callable[[Mapping[str, Any]], Updates]) -> Callable[..., Updates]:
        def call(*args: Any, **more: Any) -> Updates:
            given = signature.bind(*args, **more)
            given.apply_defaults()
            yield from run(given.arguments)

        call.__name__, call.__doc__ = run.__name__, doc
        call.__signature__ = signature  # type: ignore[attr-defined]
        return call

    return wrap
