"""CLIP Atlas: reads the flags, builds the page from the list of tabs, and serves it."""

from __future__ import annotations

import argparse
import atexit
import logging
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import HubError, InputError
from core.settings import ROOT, Settings, configure, read_settings, set_quiet_environment, settings

if TYPE_CHECKING:
    import fastapi
    import gradio as gr

VERSION = "0.1.0"
MAX_UPLOAD = "1500mb"  # two hours of stereo as 16-bit WAV; each tab has narrower limits of its own
MAX_WAITING = 32  # jobs in the queue; the next visitor is asked to try again
FILES_LIVE_S = 24 * 3600  # uploads and results older than this are deleted

FLAGS: dict[str, str] = {
    "host": "address to listen on; 0.0.0.0 serves the local network",
    "port": "port to listen on",
    "share": "ask Gradio for a public link (needs the network)",
    "offline": "never touch the network: bundled and downloaded models only",
    "models_dir": "folder for downloaded models and their lock file",
    "endpoint": "address of the model hub, or of a mirror of it",
    "memory_budget_mib": "memory that loaded models may take together, MiB",
    "device": "auto, cpu, cuda or mps",
    "dtype": "auto, float32, bfloat16 or float16",
    "max_sound_minutes": "longest sound that is taken apart, minutes",
    "mcp": "serve the endpoints as MCP tools too",
}


def read_flags(argv: Sequence[str] | None = None) -> dict[str, Any]:
    """Read the command line; each flag goes through the same check as its HUB_* variable.

    Returns:
        The settings that the command line names, by field of ``Settings``.
    """
    parser = argparse.ArgumentParser(
        prog="app.py",
        description="CLIP Atlas: ask for things in plain words. Every flag is also a HUB_* variable (HUB_PORT=8000).",
    )
    for field in fields(Settings):
        flag, default = f"--{field.name.replace('_', '-')}", getattr(Settings, field.name)
        words = f"{FLAGS[field.name]} (default: {default})"
        if isinstance(default, bool):
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=FLAGS[field.name])
        else:
            parser.add_argument(flag, default=None, help=words, metavar=field.name.split("_")[-1].upper())
    given = {name: value for name, value in vars(parser.parse_args(argv)).items() if value is not None}
    texts = {f"HUB_{name.upper()}": str(int(v) if isinstance(v, bool) else v) for name, v in given.items()}
    try:
        checked = read_settings(texts)
    except InputError as error:
        variable, _, rest = str(error).partition(" ")
        parser.error(f"--{variable.removeprefix('HUB_').lower().replace('_', '-')} {rest}")
    return {name: getattr(checked, name) for name in given}


def build_app() -> gr.Blocks:
    """Place the start strip and one tab for each entry of the registry."""
    import gradio as gr

    from demos.registry import DEMOS, PAGES
    from demos.shell import place_header, select_tab_by_link

    with gr.Blocks(
        title="CLIP Atlas", analytics_enabled=False, fill_width=True, delete_cache=(3600, FILES_LIVE_S)
    ) as page:
        place_header(DEMOS)
        with gr.Tabs(elem_id="tabs") as tabs:
            for demo in DEMOS + PAGES:
                with gr.Tab(demo.title, id=demo.slug, elem_id=f"tab-{demo.slug}"):
                    demo.build()
        select_tab_by_link(page, tabs, tuple(demo.slug for demo in DEMOS + PAGES))
    page.queue(max_size=MAX_WAITING, default_concurrency_limit=4)
    return page


def launch_options(now: Settings) -> dict[str, Any]:
    """What ``Blocks.launch`` is called with: our look, nothing that calls home, one port."""
    from demos.theme import CSS_FILES, HEAD, PAGE_SCRIPT, THEME

    return {
        # None lets Gradio take GRADIO_SERVER_NAME, which Spaces set; 127.0.0.1 without it.
        "server_name": None if now.host == Settings.host else now.host,
        "server_port": now.port,
        "share": now.share,
        "mcp_server": now.mcp,
        "theme": THEME,
        "css_paths": CSS_FILES,
        "js": PAGE_SCRIPT,
        "head": HEAD,
        "favicon_path": ROOT / "assets" / "favicon.png",
        "footer_links": ["api", "settings"],
        "run_history": False,  # it would keep every picture in the browser and on a page of its own
        "ssr_mode": False,
        "enable_monitoring": False,
        "pwa": False,
        "show_error": False,
        "max_file_size": MAX_UPLOAD,
        "quiet": True,
    }


def add_health(api: fastapi.FastAPI, start_s: float) -> None:
    """Serve /healthz: version, models in memory, seconds since the start."""

    @api.get("/healthz")
    def healthz() -> dict[str, Any]:
        from core.pool import POOL

        ready = [state.name for state in POOL.states() if state.state == "ready"]
        uptime_s = round(time.monotonic() - start_s, 1)
        return {
            "status": "ok",
            "version": VERSION,
            "offline": settings().offline,
            "models_ready": ready,
            "uptime_s": uptime_s,
        }


def require_free_port(host: str, port: int) -> None:
    """Refuse to start on a port that another program holds.

    Raises:
        HubError: the port is taken, or the address is not one of this machine.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family[0], socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(family[4])
    except OSError as error:
        raise HubError(
            f"Port {port} of {host} cannot be used ({error.strerror or error}). Another program may hold it: "
            f"stop that, or start the hub with --port {port + 1 if port < 65_535 else port - 1}."
        ) from error


def start() -> tuple[gr.Blocks, str]:
    """Build the page and serve it in the background; returns the page and its URL."""
    start_s = time.monotonic()
    now = settings()
    require_free_port(now.host, now.port)
    page = build_app()
    if now.mcp:
        from demos.mcp import mend_answers, name_tools

        name_tools(page)
        mend_answers()
    api, url, public_url = page.launch(prevent_thread_lock=True, **launch_options(now))
    add_health(api, start_s)
    return page, public_url or url


def main(argv: Sequence[str] | None = None) -> None:
    """Start the hub and serve until Ctrl+C."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        configure(**read_flags(argv))
        pages_dir = Path(tempfile.mkdtemp(prefix="clip-atlas-"))
        atexit.register(shutil.rmtree, pages_dir, ignore_errors=True)
        set_quiet_environment(pages_dir)
        page, url = start()
    except HubError as error:
        sys.exit(str(error))
    print(f"\nCLIP Atlas is at {url}\nCtrl+C stops it. Models: {settings().models_dir}", flush=True)
    page.block_thread()


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
