"""Ranking with a mouse: cards and letters dragged into places and ties, and places clicked."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.app.judgment_rows import World
from tests.browser.conftest import OpenDesk
from tests.browser.desk import Desk
from tests.browser.seed import a_task

pytestmark = [pytest.mark.browser, pytest.mark.commits, pytest.mark.timeout(120)]


def middle(where: Locator) -> tuple[float, float]:
    """The middle of something, in the viewport."""
    box = where.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


# Resolves once the element has been where it is for two frames: cards glide to their places.
LIES_STILL = """element => new Promise(done => {
  let before = ''
  const look = () => {
    const {x, y, width, height} = element.getBoundingClientRect()
    const now = [x, y, width, height].join()
    if (now === before) return done()
    before = now
    requestAnimationFrame(() => requestAnimationFrame(look))
  }
  look()
})"""


def resting(where: Locator) -> tuple[float, float]:
    """Its middle once it lies still."""
    where.evaluate(LIES_STILL)
    return middle(where)


def drag(desk: Desk, what: Locator, target: Locator) -> None:
    """Press on `what`, move in steps as a hand does, follow `target` if it moves away, and let go over it."""
    mouse = desk.page.mouse
    x, y = resting(what)
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + 8, y + 8, steps=3)
    reached = resting(target)
    mouse.move(*reached, steps=8)
    while (there := resting(target)) != reached:
        mouse.move(*there, steps=2)
        reached = there
    mouse.up()


def place(desk: Desk, number: int) -> Locator:
    """A place in the order, filled or empty."""
    numbered = desk.page.locator("span[aria-hidden]", has_text=re.compile(f"^{number}$"))
    unnamed = desk.listbox.locator(":scope > div").filter(has=numbered)
    return desk.listbox.locator(f'[data-place="{number}"]').or_(unnamed).first


def head(desk: Desk, letter: str) -> Locator:
    """Where a card is picked up."""
    return desk.card(letter).get_by_role("heading").first


def test_cards_dragged_into_places_and_a_tie_are_what_is_stored(project: World, open_desk: OpenDesk) -> None:
    first, second = a_task(project), a_task(project)
    desk = open_desk(project).shows(first)
    for letter, number in [("C", 1), ("A", 2), ("D", 2), ("B", 4)]:
        drag(desk, head(desk, letter), place(desk, number))
        expect(place(desk, number).get_by_role("option", name=f"Answer {letter}")).to_be_visible()
    desk.page.get_by_role("button", name="Submit").click()
    desk.shows(second)
    judgment = desk.stored(first, "C A=D B")
    assert (judgment.row.touched, judgment.row.moves) == (True, 4)


def test_a_letter_dragged_in_the_listbox_moves_that_card_alone(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project)
    desk = open_desk(project).shows(task)
    desk.press("A", "B", "C", "D")
    drag(desk, desk.option("D"), place(desk, 1))
    expect(place(desk, 1).get_by_role("option")).to_have_count(2)
    desk.press("Enter")
    judgment = desk.stored(task, "A=D B C")
    assert judgment.row.moves == 5


def test_a_card_let_go_where_it_lay_moves_nothing(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project)
    desk = open_desk(project).shows(task)
    desk.press("A", "B", "C", "D")
    drag(desk, desk.option("B"), place(desk, 2))
    desk.press("Enter")
    judgment = desk.stored(task, "A B C D")
    assert judgment.row.moves == 4


def test_clicked_places_are_what_is_stored(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project, texts=3)
    desk = open_desk(project).shows(task)
    desk.chip("C", 1).click()
    desk.chip("A", 2).click()
    desk.chip("B", 2).click()
    expect(desk.chip("B", 2)).to_have_attribute("aria-pressed", "true")
    expect(desk.card("A")).to_contain_text("ties with B")
    desk.page.get_by_role("button", name="Submit").click()
    judgment = desk.stored(task, "C A=B")
    assert judgment.row.moves == 3


def test_a_second_click_on_the_place_takes_the_card_off(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project, texts=3)
    desk = open_desk(project).shows(task)
    desk.chip("A", 1).click()
    desk.chip("A", 1).click()
    expect(desk.chip("A", 1)).to_have_attribute("aria-pressed", "false")
    for place, letter in enumerate("BAC", start=1):
        desk.chip(letter, place).click()
    desk.page.get_by_role("button", name="Submit").click()
    desk.stored(task, "B A C")


def test_one_click_says_which_of_two_is_better(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project, texts=2)
    desk = open_desk(project).shows(task)
    desk.card("B").get_by_role("button", name="B is better").click()
    desk.page.get_by_role("button", name="Submit").click()
    desk.stored(task, "B A")


def test_cards_never_move_by_themselves(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project)
    desk = open_desk(project).shows(task)
    before = [card.inner_text().splitlines()[-1] for card in desk.cards.all()]
    desk.press("D", "C", "B", "A")
    assert desk.letters == ["A", "B", "C", "D"]
    assert [card.inner_text().splitlines()[-1] for card in desk.cards.all()] == before
