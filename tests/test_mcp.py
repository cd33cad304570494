"""The endpoints as MCP tools: named as in the API, described, and answering a picture sent in the call."""

from __future__ import annotations

import asyncio
import base64
import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from demos.mcp import visible_outputs
from tests.served import serve
from tests.stub_model import COLOURS, StubModel, solid

MOST_WAIT_S = 60


def test_states_are_left_out_however_the_values_come() -> None:
    from gradio.components import JSON, State, Textbox

    with gr.Blocks():
        components = [Textbox(), State(), JSON()]
    assert visible_outputs(components, ["a", object(), {}]) == ["a", {}]
    assert visible_outputs(components, [("a", {})]) == ["a", {}]
    assert visible_outputs(components, ["a", {}]) == ["a", {}]
    assert visible_outputs(components[:2], ["a"]) == ["a"]


@pytest.fixture(scope="module")
def told() -> tuple[list[Any], Any]:
    """The tools that are listed, and the answer of one of them."""
    # A thread of its own: while a browser test's playwright is open, this thread has a running loop.
    with serve(StubModel(), mcp=True) as served, ThreadPoolExecutor(1) as pool:
        asked = asyncio.wait_for(_ask(f"{served.url}/gradio_api/mcp/"), MOST_WAIT_S)
        return pool.submit(asyncio.run, asked).result()


async def _ask(url: str) -> tuple[list[Any], Any]:
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    data = io.BytesIO()
    Image.fromarray(solid("red")).save(data, "PNG")
    picture = "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()
    async with streamable_http_client(url) as (source, sink, *_), ClientSession(source, sink) as session:
        await session.initialize()
        tools = (await session.list_tools()).tools
        answer = await session.call_tool("classify", {"image": picture, "labels": ", ".join(COLOURS)})
        return tools, answer


def test_tools_are_named_and_described_as_the_endpoints_are(told: tuple[list[Any], Any]) -> None:
    tools = {tool.name: tool for tool in told[0]}
    assert {"classify", "classify_batch"} <= set(tools)
    assert not any(name.startswith("run") for name in tools)
    for tool in tools.values():
        assert len(tool.description.split(".")[0]) > 20, tool.name
    assert list(tools["classify"].inputSchema["properties"])[:2] == ["image", "labels"]


def test_a_picture_in_the_call_is_answered(told: tuple[list[Any], Any]) -> None:
    answer = told[1]
    assert not answer.isError, answer.content
    assert "red" in answer.content[0].text.split("confidences")[0]
