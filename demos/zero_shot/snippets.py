"""The same question as code: Python with gradio_client, and a shell with curl alone."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping

IMAGE = "photo.jpg"
ENDPOINT = "/classify"


def snippet_python(url: str, labels: str, settings: Mapping[str, object] | None = None) -> str:
    """Python that asks the endpoint ``/classify`` for the same.

    Args:
        url: Address of the hub.
        labels: As typed.
        settings: Further arguments of the endpoint, by name; text, numbers, booleans or None.
    """
    arguments = {"labels": labels, **(settings or {})}
    lines = "".join(f"    {name}={value!r},\n" for name, value in arguments.items())
    return (
        "from gradio_client import Client, handle_file  # pip install gradio_client\n\n"
        f"client = Client({url!r})\n"
        f"result = client.predict(\n    image=handle_file({IMAGE!r}),\n{lines}    api_name={ENDPOINT!r},\n)\n"
        "answer = result[0] if isinstance(result, (list, tuple)) else result\n"
        'print(answer["label"], answer["confidences"])\n'
    )


def snippet_curl(url: str, labels: str, settings: Mapping[str, object] | None = None) -> str:
    """Shell commands that ask the endpoint ``/classify`` for the same; they need curl alone.

    Args:
        url: Address of the hub.
        labels: As typed.
        settings: Further arguments of the endpoint, by name.
    """
    base = shlex.quote(url.rstrip("/"))
    arguments = {"labels": labels, **(settings or {})}
    rest = json.dumps(arguments, ensure_ascii=True)[1:]
    body = '{"image": {"path": "%s", "meta": {"_type": "gradio.FileData"}}, '
    # The answer of the upload is ["path"], that of the call {"event_id": "id"}: the fourth piece between quotes.
    return (
        f"HUB={base}\n"
        f'FILE=$(curl -s -F files=@{IMAGE} "$HUB/gradio_api/upload" | cut -d\'"\' -f2)\n'
        f'BODY=$(printf {shlex.quote(body)} "$FILE"){shlex.quote(rest)}\n'
        f'EVENT=$(curl -s "$HUB/gradio_api/call/v2{ENDPOINT}" -H "Content-Type: application/json" -d "$BODY"'
        " | cut -d'\"' -f4)\n"
        f'curl -sN "$HUB/gradio_api/call{ENDPOINT}/$EVENT"\n'
    )
