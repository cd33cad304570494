"""One server a module and one browser for all browser tests; a fresh page each, whose requests are watched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.browser.chromium import FLAGS, find_chromium, must_run
from tests.served import Served, serve
from tests.stub_model import StubModel

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

LOCAL_HOSTS = {"127.0.0.1", "localhost"}


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """The app with a stub in the place of every model; it must end with the module, or later tests meet the stub."""
    with serve(StubModel()) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One chromium for all tests; without any, the tests are skipped, in CI they fail."""
    path = find_chromium()
    if path is None:
        if must_run():
            pytest.fail("CI has no chromium; `make browser` installs Debian's.")
        pytest.skip("no chromium on this machine (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@dataclass
class Watch:
    """What a page did: addresses outside this machine, errors of its scripts."""

    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def contexts(browser: Browser) -> Iterator[dict[bool, BrowserContext]]:
    """A context for light and one for dark, shared by all tests so that scripts come from their cache."""
    allowed = ["clipboard-read", "clipboard-write"]
    made = {
        dark: browser.new_context(color_scheme="dark" if dark else "light", permissions=allowed)
        for dark in (False, True)
    }
    yield made
    for context in made.values():
        context.close()


@pytest.fixture
def open_page(contexts: dict[bool, BrowserContext], served: Served) -> Iterator[Callable[..., Page]]:
    """Open a page of the app: ``open_page("?tab=models", width=390, dark=True)``; checks its behaviour at the end."""
    pages: list[Page] = []
    watch = Watch()

    def start(query: str = "", *, width: int = 1280, height: int = 900, dark: bool = False) -> Page:
        page = contexts[dark].new_page()
        pages.append(page)
        page.set_viewport_size({"width": width, "height": height})
        page.set_default_timeout(40_000)

        def see(address: str) -> None:
            host = urlsplit(address).hostname
            if host is not None and host not in LOCAL_HOSTS:
                watch.outside.append(address)

        page.on("request", lambda request: see(request.url))
        page.on("websocket", lambda socket: see(socket.url))
        page.on("pageerror", lambda error: watch.errors.append(str(error)))
        page.on("dialog", lambda dialog: (watch.errors.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.goto(f"{served.url}/{query}")
        page.wait_for_selector("#tabs [role=tab]")
        page.wait_for_selector("body[data-opened]")  # before that, a tab of the link is drawn anew
        return page

    yield start
    for page in pages:
        page.close()
    assert not watch.outside, f"requests left the machine: {watch.outside}"
    assert not watch.errors, f"errors in the page: {watch.errors}"
