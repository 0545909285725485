"""What the eye meets: themes, stillness for those who ask for it, text from right to left, and no sideways scroll."""

import pytest
from playwright.sync_api import Locator, Page

from tests.app.judgment_rows import World
from tests.browser.conftest import PHONE, OpenDesk
from tests.browser.layout import sideways
from tests.browser.lively import ARABIC, CODE, HEBREW, LONG, MARKDOWN
from tests.browser.seed import a_task

pytestmark = [pytest.mark.browser, pytest.mark.commits, pytest.mark.timeout(120)]
BRIGHTNESS = """() => { const paint = document.createElement("canvas").getContext("2d");
    paint.fillStyle = getComputedStyle(document.documentElement).backgroundColor;
    paint.fillRect(0, 0, 1, 1);
    const [red, green, blue] = paint.getImageData(0, 0, 1, 1).data;
    return (red + green + blue) / 3; }"""
MOVING = """() => document.getAnimations()
    .filter(one => one.playState === "running" && one.effect.getComputedTiming().endTime > 50)
    .map(one => `${one.animationName ?? one.transitionProperty} on ${one.effect.target?.outerHTML.slice(0, 120)}`)"""


def brightness(page: Page) -> float:
    """Mean of the background's red, green and blue, 0 to 255."""
    return float(page.evaluate(BRIGHTNESS))


def style(where: Locator, name: str) -> str:
    """A computed style of the first match."""
    return str(where.first.evaluate("(one, name) => getComputedStyle(one)[name]", name))


def test_the_theme_is_the_systems_until_one_is_chosen(project: World, open_desk: OpenDesk) -> None:
    a_task(project)
    desk = open_desk(project, color_scheme="dark")
    assert desk.letters
    assert brightness(desk.page) < 60
    desk.page.emulate_media(color_scheme="light")
    desk.wait_for(lambda: brightness(desk.page) > 200, "the page follows the system")
    desk.page.get_by_role("button", name="Dark theme").first.click()
    desk.wait_for(lambda: brightness(desk.page) < 60, "the page is dark by choice")
    desk.page.reload()
    assert desk.letters
    assert brightness(desk.page) < 60


def test_nothing_moves_for_those_who_want_it_still(project: World, open_desk: OpenDesk) -> None:
    first, second = a_task(project), a_task(project)
    desk = open_desk(project, reduced_motion="reduce").shows(first)
    moving: list[str] = []
    for act in ("A", "B", "w", "C", "m", "m", "D", "Enter"):
        desk.press(act)
        moving += desk.page.evaluate(MOVING)
    desk.shows(second)
    assert moving + desk.page.evaluate(MOVING) == []


def test_a_theme_is_there_at_once_for_those_who_want_it_still(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project)
    desk = open_desk(project, color_scheme="light", reduced_motion="reduce").shows(task)
    # Asking for the colours lets whatever transition the new theme would start begin.
    begun = desk.page.evaluate(
        """() => { document.documentElement.dataset.theme = "dark";
            for (const one of document.querySelectorAll("*")) getComputedStyle(one).color;
            return document.getAnimations().length; }"""
    )
    assert begun == 0
    assert brightness(desk.page) < 60


def test_something_moves_for_the_others(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project)
    desk = open_desk(project, reduced_motion="no-preference").shows(task)
    desk.page.evaluate("document.body.append(document.createElement('i'))")
    desk.page.evaluate("document.body.lastChild.animate([{opacity: 0}, {opacity: 1}], 10000)")
    assert desk.page.evaluate(MOVING)


@pytest.mark.parametrize("text", [ARABIC, HEBREW])
def test_text_from_right_to_left_is_aligned_right(project: World, open_desk: OpenDesk, text: str) -> None:
    a_task(project, text, [text, "A reply in English."])
    desk = open_desk(project)
    letter = next(one for one in desk.letters if text[:12] in desk.card(one).inner_text())
    right = desk.card(letter).get_by_text(text)
    assert (style(right, "direction"), style(right, "textAlign")) in {("rtl", "start"), ("rtl", "right")}
    other = desk.page.get_by_text("A reply in English.")
    assert style(other, "direction") == "ltr"
    prompt = desk.page.get_by_role("region", name="The conversation").get_by_text(text)
    assert style(prompt, "direction") == "rtl"


@pytest.mark.parametrize("texts", [[CODE, "short"], [MARKDOWN, LONG], ["x" * 4000, "y " * 2000]])
def test_no_text_makes_a_phone_scroll_sideways(project: World, open_desk: OpenDesk, texts: list[str]) -> None:
    a_task(project, texts[0], texts)
    desk = open_desk(project, **PHONE)
    assert len(desk.letters) == 2
    assert sideways(desk.page) == []
