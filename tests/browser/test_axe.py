"""axe finds nothing on any page, for anybody, in either theme, on a desk and on a phone; and each fits its window."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.runs.tables import Run
from tests.app.judgment_rows import World
from tests.browser.axe import in_both_themes, violations
from tests.browser.conftest import PHONE, WIDE, OpenDesk, Project
from tests.browser.layout import sideways
from tests.browser.lively import CODE, MARKDOWN, live, tasks_of_every_shape
from tests.browser.routes import PLACES, Place, declared, places_of
from tests.browser.seed import a_project, a_task, cookie_of
from tests.browser.service import WebService

pytestmark = [pytest.mark.browser, pytest.mark.commits, pytest.mark.timeout(240)]
ONLY_WITH_KEYBOARD = {"Keys"}
SIZES = {"1440": WIDE, "390": PHONE}
OpenTab = Callable[..., Page]
# Two lines, each with too little contrast in one theme alone; rules by hand, since the policy lets no text bring any.
FAINT = """() => {
    const rules = { light: "background: #222; color: #eee", dark: "background: #222; color: #333" };
    const other = { light: "background: #eee; color: #ddd", dark: "background: #eee; color: #222" };
    for (const [name, colours] of Object.entries({ a: rules, b: other })) {
        for (const theme of ["light", "dark"])
            document.styleSheets[0].insertRule(`[data-theme="${theme}"] .faint-${name} { ${colours[theme]} }`);
        const line = document.createElement("p");
        line.className = `faint-${name}`;
        line.textContent = "Faint words";
        document.querySelector("main").append(line);
    }
}"""


@dataclass(frozen=True)
class Lively:
    """A project where no page is empty, and a person for each role in it."""

    world: World
    run_id: int

    def cookie(self, role: str) -> str | None:
        """A sign-in of the member with that role."""
        if role == "nobody":
            return None
        names = {"admin": "Ida", "annotator": "Bo"}
        person = next(one for one in self.world.people if one.name == names[role])
        return cookie_of(self.world, person)


@pytest.fixture(scope="module")
def lively(service: WebService) -> Iterator[Lively]:
    """One project for all tests of this file; they only look at it."""
    with Session(service.engine, expire_on_commit=False) as session:
        world = live(a_project(session, ask_rating=True, ask_flags=True, flags=["rude", "wrong"], overlap=9))
        tasks_of_every_shape(world)
        runs = select(Run.id).where(Run.project_id == world.project.id, Run.state == "succeeded")
        yield Lively(world, session.scalars(runs).one())


def settle(page: Page) -> None:
    """Wait until the page is there, with nothing still loading."""
    expect(page.locator("h1, h2").first).to_be_attached()
    expect(page.locator(".animate-pulse")).to_have_count(0)


def visit(page: Page, place: Place, lively: Lively) -> list[str]:
    """Violations on a page, and on each thing that can be opened there."""
    page.goto(place.at(lively.world.project.id, lively.run_id))
    settle(page)
    found = in_both_themes(page) + [f"{page.url} sticks out: {one}" for one in sideways(page)]
    for name in place.opens:
        button = page.get_by_role("main").get_by_role("button", name=name).first
        if name in ONLY_WITH_KEYBOARD and not button.is_visible():
            continue
        button.click()
        settle(page)
        found += [f"{name}: {one}" for one in in_both_themes(page)]
        page.keyboard.press("Escape")
    return found


def test_every_page_is_visited() -> None:
    assert {place.path for place in PLACES} == declared()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("role", ["admin", "annotator", "nobody"])
def test_no_page_has_a_violation(open_tab: OpenTab, lively: Lively, role: str, size: str) -> None:
    page = open_tab(cookie=lively.cookie(role), reduced_motion="reduce", **SIZES[size])
    found = [problem for place in places_of(role) for problem in visit(page, place, lively)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("role", ["admin", "annotator", "nobody"])
def test_no_page_has_a_violation_in_chinese(open_tab: OpenTab, lively: Lively, role: str) -> None:
    page = open_tab(cookie=lively.cookie(role), reduced_motion="reduce", locale="zh-CN")
    found = []
    for place in places_of(role):
        page.goto(place.at(lively.world.project.id, lively.run_id))
        settle(page)
        expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
        found += violations(page)
    assert not found, "\n".join(found)


def test_axe_sees_a_button_without_a_name(open_tab: OpenTab) -> None:
    page = open_tab()
    page.goto("/sign-in")
    settle(page)
    page.evaluate("document.querySelector('main').append(document.createElement('button'))")
    assert [one for one in violations(page) if " button-name " in one]


def test_axe_sees_faint_words_in_the_theme_where_they_are_faint_whichever_it_starts_in(open_tab: OpenTab) -> None:
    page = open_tab(reduced_motion="reduce")
    page.goto("/sign-in")
    settle(page)
    page.evaluate(FAINT)
    for _ in range(2):
        found = [one for one in in_both_themes(page) if " color-contrast " in one]
        assert [(one.partition(":")[0], "Faint" in one) for one in sorted(found)] == [("dark", True), ("light", True)]


@pytest.mark.parametrize("size", SIZES)
def test_the_desk_at_work_has_no_violation(new_project: Project, open_desk: OpenDesk, size: str) -> None:
    project = new_project(ask_rating=True, ask_flags=True, flags=["rude", "wrong"], rationale="required")
    a_task(project, MARKDOWN, [MARKDOWN, "A short one.", "Another short one.", "`code` in a line"])
    a_task(project)
    desk = open_desk(project, reduced_motion="reduce", **SIZES[size])
    desk.page.get_by_role("textbox", name="Why this order?").fill("Because.")
    desk.page.get_by_role("heading", level=1).click()
    desk.press("A", "C", "B", "=D", "l", "w")
    found = in_both_themes(desk.page)
    desk.page.get_by_role("button", name="Sort by place").click()
    found += in_both_themes(desk.page)
    desk.page.get_by_role("button", name="Submit").click()
    desk.says("Submitted.")
    found += in_both_themes(desk.page)
    desk.press("u").says("You are changing a ranking you submitted")
    found += in_both_themes(desk.page)
    desk.press("Enter")
    expect(desk.page.get_by_role("dialog")).to_be_visible()
    found += in_both_themes(desk.page)
    assert not found, "\n".join(found)


def test_wide_code_has_no_violation(project: World, open_desk: OpenDesk) -> None:
    a_task(project, "How do I remove repeats from a list?", [CODE, "Sort it first."])
    desk = open_desk(project, **PHONE)
    expect(desk.cards.first).to_be_visible()
    assert violations(desk.page) == []
