"""A question to an endpoint as code: Python with gradio_client, and a shell with curl alone."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping

IMAGE = "photo.jpg"


def snippet_python(url: str, endpoint: str, arguments: Mapping[str, object], ending: str) -> str:
    """Python that sends a picture and ``arguments`` to an endpoint.

    Args:
        url: Address of the hub.
        endpoint: With its slash, for example "/segment"; the picture is its argument ``image``.
        arguments: By name; text, numbers, booleans or None.
        ending: What is done with ``result``, whole lines.
    """
    lines = "".join(f"    {name}={value!r},\n" for name, value in arguments.items())
    return (
        "from gradio_client import Client, handle_file  # pip install gradio_client\n\n"
        f"client = Client({url!r})\n"
        f"result = client.predict(\n    image=handle_file({IMAGE!r}),\n{lines}    api_name={endpoint!r},\n)\n{ending}"
    )


def snippet_curl(url: str, endpoint: str, arguments: Mapping[str, object]) -> str:
    """Shell commands that do the same; they need curl alone."""
    base = shlex.quote(url.rstrip("/"))
    rest = json.dumps(dict(arguments), ensure_ascii=True)[1:]
    body = '{"image": {"path": "%s", "meta": {"_type": "gradio.FileData"}}, '
    # The answer of the upload is ["path"], that of the call {"event_id": "id"}: the fourth piece between quotes.
    return (
        f"HUB={base}\n"
        f'FILE=$(curl -s -F files=@{IMAGE} "$HUB/gradio_api/upload" | cut -d\'"\' -f2)\n'
        f'BODY=$(printf {shlex.quote(body)} "$FILE"){shlex.quote(rest)}\n'
        f'EVENT=$(curl -s "$HUB/gradio_api/call/v2{endpoint}" -H "Content-Type: application/json" -d "$BODY"'
        " | cut -d'\"' -f4)\n"
        f'curl -sN "$HUB/gradio_api/call{endpoint}/$EVENT"\n'
    )
