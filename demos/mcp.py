"""The endpoints as MCP tools: what Gradio's MCP server needs to serve ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import gradio as gr


def name_tools(page: gr.Blocks) -> None:
    """Call each tool as its endpoint is called; Gradio takes the Python name of the handler."""
    for event in page.fns.values():
        if event.api_visibility == "public" and event.fn is not None:
            event.fn.__name__ = str(event.api_name)


def mend_answers() -> None:
    """Let tools answer whose handlers have more than one output, or a State among them.

    Gradio 6.31 asks queued handlers through its own client, which hands out several outputs as one tuple and without
    the States, and then takes the States out once more: such a call ends in "pop index out of range".
    """
    from gradio.mcp import GradioMCPServer

    GradioMCPServer.pop_returned_state = staticmethod(visible_outputs)  # type: ignore[method-assign]


def visible_outputs(components: Sequence[Any], data: Sequence[Any]) -> list[Any]:
    """The values of the components that are no State, from all values or from those alone.

    Args:
        components: The outputs of a handler.
        data: Their values; or the values without States, as a list or as one tuple in a list.
    """
    from gradio.components import State

    is_seen = [not isinstance(component, State) for component in components]
    if len(data) == 1 and isinstance(data[0], tuple):
        data = data[0]
    if len(data) == sum(is_seen):
        return list(data)
    return [value for value, seen in zip(data, is_seen, strict=True) if seen]
