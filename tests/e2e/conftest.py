"""A whole running service with a model made on the spot, and a tab on it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from benchmarks.local_service import LocalService, local_service
from tests.tiny_model import build_tiny_model

WAIT_MS = 60_000


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
