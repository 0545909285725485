"""Ranking the way a screen reader does it: roles, names, states, focus, and every move said aloud."""

import pytest
from playwright.sync_api import expect

from tests.app.judgment_rows import World
from tests.browser.conftest import OpenDesk
from tests.browser.desk import Desk
from tests.browser.seed import a_task

pytestmark = [pytest.mark.browser, pytest.mark.commits, pytest.mark.timeout(120)]


def announced(desk: Desk, words: str) -> None:
    """Wait until a polite live region says exactly this."""
    expect(desk.page.locator('[aria-live="polite"]').filter(has_text=words).first).to_be_attached()


def focused(desk: Desk) -> str:
    """Role and name of what has the focus."""
    return str(
        desk.page.evaluate(
            """() => { const one = document.activeElement;
                 const name = one.getAttribute("aria-label") ?? one.textContent.trim();
                 return `${one.getAttribute("role") ?? one.tagName.toLowerCase()} ${name}`; }"""
        )
    )


def selected(desk: Desk) -> list[str]:
    """Names of the selected options."""
    chosen = desk.listbox.locator('[role=option][aria-selected="true"]')
    return [str(one.get_attribute("aria-label")) for one in chosen.all()]


def test_the_desk_has_landmarks_names_and_one_listbox(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project)
    desk = open_desk(project).shows(task)
    page = desk.page
    expect(page.get_by_role("main")).to_have_count(1)
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_role("region", name="The conversation")).to_be_visible()
    for letter in "ABCD":
        expect(page.get_by_role("article", name=f"Answer {letter}")).to_be_visible()
        expect(desk.option(letter)).to_have_attribute("aria-selected", "false")
    expect(desk.listbox).to_have_count(1)
    assert "Shift with the arrow keys" in str(desk.listbox.get_attribute("aria-description"))


def test_a_new_task_takes_the_focus_and_says_how_many_answers_it_has(project: World, open_desk: OpenDesk) -> None:
    first, second = a_task(project), a_task(project, texts=2)
    desk = open_desk(project).shows(first)
    assert focused(desk) == "group A task with 4 answers."
    desk.press("A", "B", "C", "D", "Enter").shows(second)
    desk.wait_for(lambda: focused(desk) == "group A task with 2 answers.", "the focus is on the new task")


def test_a_ranking_in_the_listbox_by_arrows_is_said_aloud_and_stored(project: World, open_desk: OpenDesk) -> None:
    first, second = a_task(project), a_task(project)
    desk = open_desk(project).shows(first)
    desk.option("A").focus()
    desk.press("Shift+ArrowRight")
    announced(desk, "A is on place 1 of 4.")
    assert selected(desk) == ["Answer A"]
    desk.press("=B")
    announced(desk, "B ties with A on place 1.")
    desk.press("D")
    announced(desk, "D is on place 2 of 4.")
    desk.press("C")
    announced(desk, "Every answer is placed. Enter submits.")
    desk.press("Enter").shows(second)
    desk.stored(first, "A=B D C")


def test_arrows_walk_over_the_options_and_select(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project, texts=3)
    desk = open_desk(project).shows(task)
    desk.press("A", "B", "C")
    desk.option("A").focus()
    desk.press("ArrowRight")
    assert focused(desk) == "option Answer B"
    assert selected(desk) == ["Answer B"]
    desk.press("ArrowRight", "ArrowLeft", "ArrowLeft")
    assert focused(desk) == "option Answer A"


def test_a_moved_option_keeps_the_focus(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project, texts=3)
    desk = open_desk(project).shows(task)
    desk.press("A", "B", "C")
    desk.option("A").focus()
    desk.press("Shift+ArrowRight")
    announced(desk, "A is on place 2 of 3.")
    assert focused(desk) == "option Answer A"
    desk.press("Delete")
    announced(desk, "A is not placed.")
    assert focused(desk) == "option Answer A"


def test_every_kind_of_move_is_said_aloud(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project, texts=3)
    desk = open_desk(project).shows(task)
    desk.press("A", "B", "C")
    desk.option("A").focus()
    desk.press("Shift+ArrowRight")
    announced(desk, "A is on place 2 of 3.")
    desk.option("A").focus()
    desk.press("Delete")
    announced(desk, "A is not placed.")
    desk.press("1")
    announced(desk, "A ties with B on place 1.")
    desk.press("Backspace")
    announced(desk, "Taken back.")
    desk.option("A").focus()
    desk.press("3")
    announced(desk, "A ties with C on place 3. Every answer is placed. Enter submits.")
    desk.press("Enter")
    desk.stored(task, "B A=C")


def test_only_one_option_is_in_the_tab_order(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project)
    desk = open_desk(project).shows(task)
    expect(desk.listbox.locator('[role=option][tabindex="0"]')).to_have_count(1)
    desk.press("C", "A")
    expect(desk.listbox.locator('[role=option][tabindex="0"]')).to_have_count(1)
    expect(desk.option("A")).to_have_attribute("tabindex", "0")


def test_tab_goes_from_the_cards_over_the_order_to_submit(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project, texts=3)
    desk = open_desk(project).shows(task)
    met = []
    for _ in range(40):
        desk.press("Tab")
        met.append(focused(desk))
        if met[-1].startswith("button Submit"):
            break
    wanted = ["button Place 1 for answer A", "button Place 1 for answer C", "option Answer A", "button Skip"]
    found = [[name.startswith(one) for name in met].index(True) for one in wanted]
    assert found == sorted(found)
    assert met[-1].startswith("button Submit")


def test_places_are_toggle_buttons_that_tell_their_state(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project, texts=3)
    desk = open_desk(project).shows(task)
    desk.chip("B", 1).focus()
    desk.press("Space")
    expect(desk.chip("B", 1)).to_have_attribute("aria-pressed", "true")
    announced(desk, "B is on place 1 of 3.")
    desk.press("Space")
    announced(desk, "B is not placed.")


def test_two_answers_are_a_scale_of_radio_buttons(project: World, open_desk: OpenDesk) -> None:
    first, second = a_task(project, texts=2), a_task(project, texts=2)
    desk = open_desk(project).shows(first)
    scale = desk.page.get_by_role("radiogroup", name="Which answer is better?")
    same = scale.get_by_role("radio", name="About the same")
    expect(scale.get_by_role("radio", checked=True)).to_have_count(0)
    expect(scale.locator('[role=radio][tabindex="0"]')).to_have_count(1)
    same.focus()
    desk.press("Space")
    expect(same).to_be_checked()
    announced(desk, "About the same. Enter submits.")
    desk.press("ArrowRight")
    strong = scale.get_by_role("radio", checked=True)
    assert "B" in str(strong.get_attribute("aria-label"))
    assert focused(desk).startswith("radio ")
    desk.press("Enter").shows(second)
    judgment = desk.stored(first, "B A")
    assert judgment.row.strength == 1
    desk.page.get_by_role("radiogroup").get_by_role("radio", name="About the same").click()
    desk.press("Enter")
    assert desk.stored(second, "A=B").row.strength is None
