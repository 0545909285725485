"""Ranking with keys alone: what each means, how few a task takes, and what is stored of it."""

import pytest
from playwright.sync_api import expect

from tests.app.judgment_rows import World
from tests.browser.conftest import OpenDesk, Project
from tests.browser.seed import a_task

pytestmark = [pytest.mark.browser, pytest.mark.commits, pytest.mark.timeout(120)]


def test_a_strict_order_of_four_takes_five_keys_from_task_to_task(project: World, open_desk: OpenDesk) -> None:
    first, second, third = a_task(project), a_task(project), a_task(project)
    desk = open_desk(project).shows(first)
    desk.press("C", "A", "D", "B", "Enter").shows(second)
    assert desk.presses == 5
    desk.press("D", "C", "B", "A", "Enter").shows(third)
    assert desk.presses == 10
    judgment = desk.stored(first, "C A D B")
    assert (judgment.row.touched, judgment.row.moves) == (True, 4)
    desk.stored(second, "D C B A")
    assert len(desk.judgments()) == 2


def test_a_pair_takes_two_keys(project: World, open_desk: OpenDesk) -> None:
    first, second = a_task(project, texts=2), a_task(project, texts=2)
    desk = open_desk(project).shows(first)
    desk.press("B", "Enter").shows(second)
    assert desk.presses == 2
    desk.stored(first, "B A")


def test_the_last_answer_of_four_needs_no_key(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project)
    desk = open_desk(project).shows(task)
    desk.press("C", "A", "D", "Enter")
    assert desk.presses == 4
    desk.stored(task, "C A D B")


@pytest.mark.parametrize(
    ("count", "keys", "order"),
    [
        (2, "A =B", "A=B"),
        (3, "B =A =C", "A=B=C"),
        (3, "C B =A", "C A=B"),
        (4, "D =A B =C", "A=D B=C"),
        (9, "I H =G F E D =C =B A", "I G=H F E B=C=D A"),
    ],
)
def test_shift_ties_with_the_one_before(project: World, open_desk: OpenDesk, count: int, keys: str, order: str) -> None:
    task = a_task(project, texts=count)
    desk = open_desk(project).shows(task)
    desk.press(*keys.split(), "Enter")
    desk.stored(task, order)


def test_backspace_takes_back_and_a_number_moves_the_selected_card(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project)
    desk = open_desk(project).shows(task)
    desk.press("A", "B", "Backspace", "Backspace", "D", "C", "B", "A")
    # A selected card goes to the place its number names, and ties with whoever is there.
    desk.press("A", "2", "Enter")
    judgment = desk.stored(task, "D A=C B")
    assert judgment.row.moves >= 7


def test_shift_with_an_arrow_moves_the_selected_card_a_step(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project)
    desk = open_desk(project).shows(task)
    desk.press("A", "B", "C", "D", "Shift+ArrowUp", "Shift+ArrowUp", "Enter")
    desk.stored(task, "A D B C")


def test_ratings_and_flags_by_key_are_stored(new_project: Project, open_desk: OpenDesk) -> None:
    project = new_project(ask_rating=True, ask_flags=True, flags=["rude", "wrong"], rationale="optional")
    task = a_task(project, texts=3)
    desk = open_desk(project).shows(task)
    desk.press("B", "Alt+6", "A", "Alt+2", "C")
    # The list of flags takes the digits until Enter closes it.
    desk.press("l", "2", "Enter", "Enter")
    judgment = desk.stored(task, "B A C")
    assert judgment.ratings == {"B": 6, "A": 2}
    assert judgment.flags == {"C": ["wrong"]}


def test_where_ties_are_off_shift_places_next(new_project: Project, open_desk: OpenDesk) -> None:
    project = new_project(ties_allowed=False)
    task = a_task(project)
    desk = open_desk(project).shows(task)
    desk.press("B", "=D", "A", "C", "Enter")
    desk.stored(task, "B D A C")


def test_keys_do_nothing_while_somebody_writes(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project, texts=3)
    desk = open_desk(project).shows(task)
    desk.press("C", "B", "A")
    reason = desk.page.get_by_role("textbox", name="Why this order?")
    if not reason.is_visible():
        desk.page.locator("summary", has_text="Why this order?").click()
    reason.focus()
    desk.page.keyboard.type("A bad cat is sung about.")
    assert desk.letters == ["A", "B", "C"]
    desk.page.get_by_role("button", name="Submit").click()
    judgment = desk.stored(task, "C B A")
    assert judgment.row.rationale == "A bad cat is sung about."


def test_skip_and_its_undo_by_key(project: World, open_desk: OpenDesk) -> None:
    first, second = a_task(project), a_task(project)
    desk = open_desk(project).shows(first)
    desk.press("s").shows(second)
    desk.press("u").shows(first)
    desk.press("A", "B", "C", "D", "Enter").shows(second)
    desk.stored(first, "A B C D")


def test_undo_by_key_reopens_the_judgment_as_a_revision(project: World, open_desk: OpenDesk) -> None:
    first, second = a_task(project), a_task(project)
    desk = open_desk(project).shows(first)
    desk.press("A", "B", "C", "D", "Enter").shows(second)
    desk.stored(first, "A B C D")
    desk.press("u").shows(first).says("You are changing a ranking you submitted")
    # The first one stays current until the change is submitted.
    desk.stored(first, "A B C D")
    desk.press("D", "1", "Enter").shows(second)
    desk.stored(first, "A=D B C", revisions=2)


def test_an_order_nobody_chose_is_asked_about_once(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project)
    desk = open_desk(project).shows(task)
    # In its first moments a task takes no Enter: that one was meant for the task before.
    desk.page.wait_for_timeout(600)
    desk.press("Enter")
    question = desk.page.get_by_role("dialog")
    expect(question).to_contain_text("You have not placed any answer")
    question.get_by_role("button", name="Submit as a tie").click()
    judgment = desk.stored(task, "A=B=C=D")
    assert judgment.row.touched is False


def test_every_command_key_can_be_moved_and_the_keys_switched_off(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project)
    desk = open_desk(project).shows(task)
    desk.press("?")
    keys = desk.page.get_by_role("dialog", name="Keys of the desk")
    keys.get_by_role("button", name="Change the key for: Skip").click()
    desk.page.keyboard.press("KeyZ")
    keys.get_by_role("switch", name="Single keys act on the desk").click()
    desk.page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    desk.press("A", "z", "Enter")
    desk.page.reload()
    desk.shows(task)
    assert desk.draft(task) is None
    assert desk.judgments() == []
