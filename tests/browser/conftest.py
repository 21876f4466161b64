"""A real Chromium against a live server, outgoing network closed by the page's own policy."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.conftest import missing

# Playwright's loop runs in this thread, and Django would refuse its queries beside it.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/browser" in str(item.path):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser_type_launch_args():
    if CHROMIUM is None:
        missing("Chromium", "install it with `apt-get install chromium`")
    quiet = ["--disable-background-networking", "--disable-sync", "--disable-component-update"]
    return {"executable_path": CHROMIUM, "args": ["--no-sandbox", "--disable-quic", *quiet]}


@pytest.fixture(scope="session")
def browser_context_args():
    return {"viewport": DESKTOP, "reduced_motion": "reduce"}


def _is_fault(message) -> bool:
    # Chromium also reports the status of what is missing or refused on purpose.
    told = ("(Not Found)", "(Conflict)", "(Unprocessable Entity)", "(Unprocessable Content)")
    return message.type == "error" and not message.text.endswith(told)


@pytest.fixture
def faults() -> list[str]:
    """What went wrong in the page; a test clears what it brought about itself."""
    return []


@pytest.fixture
def site(live_server, settings, page, faults):
    """The address of a live server; the test fails on any page error or refused request."""
    settings.SITE_URL = live_server.url
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda m: faults.append(m.text) if _is_fault(m) else None)
    page.on(
        "request",
        lambda r: None if r.url.startswith((live_server.url, "data:")) else faults.append(r.url),
    )
    yield live_server.url
    assert faults == []
