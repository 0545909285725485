"""The service in a browser: one service and one Chromium for all tests, a project and a browser context for each."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect
from sqlalchemy.orm import Session

from app.auth.dependencies import COOKIE
from app.auth.tables import User
from app.pages import BUILT
from tests.app.judgment_rows import World
from tests.browser.desk import NETWORK, PATIENCE_MS, Desk
from tests.browser.seed import a_person, a_project, cookie_of
from tests.browser.service import WebService, web_service
from tests.servers import Servers

WIDE = {"viewport": {"width": 1440, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
expect.set_options(timeout=PATIENCE_MS)
Project = Callable[..., World]
OpenDesk = Callable[..., Desk]


@pytest.fixture(scope="session")
def service(servers: Servers, template_database: str) -> Iterator[WebService]:
    """The web service with an operator, so that nobody waits for the first admin's link."""
    assert (BUILT / "index.html").is_file(), "the page is not built: npm run build in frontend/"
    with web_service(servers, template_database) as running:
        with Session(running.engine) as session:
            session.add(User(name="Olga Operator", email="operator@example.org", is_operator=True))
            session.commit()
        yield running


@pytest.fixture
def new_project(service: WebService) -> Iterator[Project]:
    """A factory of projects (`new_project(ask_rating=True)`), each with rows of its own."""
    with Session(service.engine, expire_on_commit=False) as session:

        def make(**settings: Any) -> World:
            world = a_project(session, **settings)
            session.commit()
            return world

        yield make


@pytest.fixture
def project(new_project: Project) -> World:
    """A project with the usual settings."""
    return new_project()


@pytest.fixture
def open_tab(browser: Browser, service: WebService) -> Iterator[Callable[..., Page]]:
    """A factory of tabs, each in a browser context of its own.

    A test fails at its end on anything the page threw, and on what its console called an error; `network_fails` lets
    complaints about the network pass.
    """
    contexts, complaints = [], []

    def note(message: ConsoleMessage, network_fails: bool) -> None:
        if message.type == "error" and not (network_fails and NETWORK.search(message.text)):
            complaints.append(f"{message.text} ({message.location.get('url', '')})")

    def open_one(*, cookie: str | None = None, network_fails: bool = False, **options: Any) -> Page:
        context = browser.new_context(base_url=service.url, **({**WIDE, **options}))
        contexts.append(context)
        if cookie is not None:
            context.add_cookies([{"name": COOKIE, "value": cookie, "url": service.url}])
        context.set_default_timeout(PATIENCE_MS)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        context.on("console", lambda message: note(message, network_fails))
        return context.new_page()

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def open_desk(open_tab: Callable[..., Page], service: WebService) -> OpenDesk:
    """A factory of desks: `open_desk(project)` is a new annotator's, `open_desk(project, person)` somebody's.

    `path` is the page of the project to open first; None opens none.
    """

    def open_one(world: World, person: User | None = None, *, path: str | None = "desk", **options: Any) -> Desk:
        who = person or a_person(world)
        page = open_tab(cookie=cookie_of(world, who), **options)
        desk = Desk(page, page.context, service.engine, who, world.project.id)
        return desk if path is None else desk.open(path)

    return open_one
