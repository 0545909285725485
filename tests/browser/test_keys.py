"""Ranking with keys alone."""

import pytest
from playwright.sync_api import expect

from tests.app.judgment_rows import World
from tests.browser.conftest import OpenDesk
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
