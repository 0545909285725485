"""A browser, and a whole running service with a model made on the spot."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from benchmarks.chromium import NoBrowserError, chromium
from benchmarks.local_service import LocalService, local_service
from tests.tiny_model import build_tiny_model

WAIT_MS = 60_000


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; without one the tests are skipped, or fail where one is required."""
    try:
        with chromium() as launched:
            yield launched
    except NoBrowserError as error:
        if os.environ.get("PLACKETT_REQUIRE_BROWSER"):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalService]:
    """`plackett up` with a two-layer model, in a folder of its own."""
    model = build_tiny_model(tmp_path_factory.mktemp("model") / "tiny")
    with local_service(
        tmp_path_factory.mktemp("service") / "data", base_model=f"folder:{model}", torch_threads=1, run_lease_seconds=20
    ) as running:
        yield running


@pytest.fixture(scope="session")
def page(browser: Browser, service: LocalService) -> Iterator[Page]:
    """One person's tab; any error on the page's console fails the test at its end."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=service.url)
    tab = context.new_page()
    tab.set_default_timeout(WAIT_MS)
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    yield tab
    context.close()
    assert errors == []
