"""Ranking on a phone, 390 pixels wide: places are tapped, and a scroll moves nothing but the page."""

import pytest
from playwright.sync_api import expect

from tests.app.judgment_rows import World
from tests.browser.conftest import PHONE, OpenDesk
from tests.browser.desk import Desk
from tests.browser.seed import a_task

pytestmark = [pytest.mark.browser, pytest.mark.commits, pytest.mark.timeout(120)]
SMALLEST_TARGET = 24
# Resolves once the page has stood still for a number of frames.
STANDS_STILL = """frames => new Promise(done => {
  let [last, calm] = [scrollY, 0]
  const look = () => {
    calm = scrollY === last ? calm + 1 : 0
    last = scrollY
    if (calm >= frames) done()
    else requestAnimationFrame(look)
  }
  look()
})"""
LONG = "\n\n".join(f"Paragraph {number} of a long reply, to be scrolled past with a finger." for number in range(12))


def swipe(desk: Desk, x: float, y: float, by: float) -> None:
    """A finger that goes down at (x, y), moves `by` pixels up, and lifts."""
    touch = desk.context.new_cdp_session(desk.page)

    def send(kind: str, *points: dict[str, float]) -> None:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    send("touchStart", {"x": x, "y": y})
    for step in range(1, 11):
        send("touchMove", {"x": x, "y": y - by * step / 10})
    send("touchEnd")
    touch.detach()


def scrolled(desk: Desk) -> float:
    """How far down the page is."""
    return float(desk.page.evaluate("scrollY"))


@pytest.mark.parametrize("count", [3, 4, 9])
def test_a_ranking_by_taps_alone(project: World, open_desk: OpenDesk, count: int) -> None:
    first, second = a_task(project, texts=count), a_task(project, texts=2)
    desk = open_desk(project, **PHONE).shows(first)
    names = desk.letters
    # Best first the other way round; the first two tie.
    for letter, place in zip(reversed(names), [1, 1, *range(3, count + 1)], strict=True):
        desk.chip(letter, place).tap()
        expect(desk.chip(letter, place)).to_have_attribute("aria-pressed", "true")
    desk.page.get_by_role("button", name="Submit").tap()
    desk.shows(second)
    tie, rest = "=".join(names[-2:]), [*reversed(names[:-2])]
    judgment = desk.stored(first, " ".join([tie, *rest]))
    assert (judgment.row.touched, judgment.row.moves) == (True, count)


def test_a_pair_with_its_strength_by_taps_alone(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project, texts=2)
    desk = open_desk(project, **PHONE).shows(task)
    desk.card("B").get_by_role("button", name="B is better").tap()
    desk.page.get_by_role("radiogroup").get_by_text("Significantly").filter(visible=True).first.tap()
    desk.page.get_by_role("button", name="Submit").tap()
    judgment = desk.stored(task, "B A")
    assert judgment.row.strength == 4


def test_a_scroll_over_the_cards_moves_nothing(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project, texts=[f"{letter}\n\n{LONG}" for letter in "wxyz"])
    desk = open_desk(project, **PHONE).shows(task)
    desk.chip(desk.letters[0], 1).tap()
    desk.page.evaluate("scrollTo(0, 0)")
    for start in (700, 650, 600):
        before = scrolled(desk)
        swipe(desk, 200, start, 500)
        desk.wait_for(lambda at=before: scrolled(desk) > at + 100, "the page scrolls under the finger")
    # A head is what a mouse drags; a finger that scrolls over one must not.
    desk.card("B").get_by_role("heading").first.scroll_into_view_if_needed()
    box = desk.card("B").get_by_role("heading").first.bounding_box()
    assert box is not None
    swipe(desk, box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, 300)
    # The page glides on after a finger, and a touch meanwhile stops it and is no tap.
    desk.page.evaluate(STANDS_STILL, 20)
    pressed = desk.page.locator('article [aria-pressed="true"]')
    expect(pressed).to_have_count(1)
    for place, letter in [(2, "B"), (3, "C"), (4, "D")]:
        desk.chip(letter, place).tap()
        expect(desk.chip(letter, place)).to_have_attribute("aria-pressed", "true")
    desk.page.get_by_role("button", name="Submit").tap()
    judgment = desk.stored(task, "A B C D")
    assert judgment.row.moves == 4


def test_everything_a_finger_needs_is_large_enough(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project, texts=9)
    desk = open_desk(project, **PHONE).shows(task)
    desk.chip("A", 1).tap()
    desk.chip("B", 1).tap()
    small = desk.page.evaluate(
        """smallest => [...document.querySelectorAll("main button, main a, footer button")]
             .map(one => [one.getAttribute("aria-label") ?? one.textContent, one.getBoundingClientRect()])
             .filter(([, box]) => box.width > 1 && (box.width < smallest || box.height < smallest))
             .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)""",
        SMALLEST_TARGET,
    )
    assert small == []
    chips = [desk.chip(letter, 5).bounding_box() for letter in desk.letters]
    assert min(box["height"] for box in chips if box) >= 44
