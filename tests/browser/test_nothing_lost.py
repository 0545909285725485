"""Whatever goes wrong on the way, each task ends with exactly one current judgment, the one the person meant.

And the page says what happened.
"""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Error, Page, Route, expect
from sqlalchemy import text

from app.tasks.service import expire_leases
from tests.app.judgment_rows import World
from tests.browser.conftest import OpenDesk
from tests.browser.desk import Desk
from tests.browser.seed import PASSWORD, a_person, a_task

pytestmark = [pytest.mark.browser, pytest.mark.commits, pytest.mark.timeout(120)]
RANKING = re.compile(r"/api/v1/assignments/\d+/ranking$")
NOT_SENT = re.compile("not sent yet")
RESTORED = "Your unfinished ranking is back."
FROM_SERVER = "Draft saved"


def another_tab(desk: Desk, path: str = "desk") -> Desk:
    """A second tab of the same browser, so with the same storage and sign-in."""
    other = Desk(desk.context.new_page(), desk.context, desk.engine, desk.person, desk.project_id)
    return other.open(path)


def end_session(desk: Desk) -> None:
    """End every sign-in of the person, as an admin or the calendar does."""
    with desk.engine.begin() as connection:
        ended = text("UPDATE sessions SET revoked_at = now() WHERE user_id = :user")
        connection.execute(ended, {"user": desk.person.id})


def sign_in(desk: Desk) -> None:
    """Come back through the door."""
    desk.page.get_by_label("Email address").fill(desk.person.email)
    desk.page.get_by_label("Password").fill(PASSWORD)
    desk.page.get_by_role("button", name="Sign in").click()


def crash(page: Page) -> None:
    """Kill the tab's process: nothing runs to its end."""
    with pytest.raises(Error, match="crash"):
        page.goto("chrome://crash")


def failing(times: int, status: int) -> Callable[[Route], None]:
    """A handler that answers `status` that many times, and then lets requests through."""
    left = [times]

    def answer(route: Route) -> None:
        if left[0] == 0:
            route.continue_()
            return
        left[0] -= 1
        route.fulfill(status=status, content_type="text/plain", body="out of order")

    return answer


def test_the_connection_goes_in_the_middle_of_a_task(project: World, open_desk: OpenDesk) -> None:
    first, second = a_task(project), a_task(project)
    desk = open_desk(project, network_fails=True).shows(first)
    desk.wait_for(lambda: desk.holds(second), "the next task is fetched ahead")
    desk.press("B", "A")
    desk.context.set_offline(True)
    desk.press("D", "C", "Enter").shows(second).says(NOT_SENT)
    assert desk.judgments() == []
    desk.press("A", "=B")
    desk.context.set_offline(False)
    desk.stored(first, "B A D C")
    expect(desk.page.get_by_text(NOT_SENT)).to_have_count(0)
    desk.press("C", "D", "Enter")
    desk.stored(second, "A=B C D")


def test_with_everything_ranked_while_offline_the_page_still_says_what_waits(
    project: World, open_desk: OpenDesk
) -> None:
    first, second = a_task(project, texts=2), a_task(project, texts=2)
    desk = open_desk(project, network_fails=True).shows(first)
    desk.wait_for(lambda: desk.holds(second), "the next task is fetched ahead")
    desk.context.set_offline(True)
    desk.press("B", "Enter").shows(second).says(NOT_SENT)
    desk.press("A", "Enter")
    expect(desk.page.get_by_text(re.compile("2 rankings not sent yet"))).to_be_visible()
    desk.context.set_offline(False)
    desk.stored(first, "B A")
    desk.stored(second, "A B")
    expect(desk.page.get_by_text(NOT_SENT)).to_have_count(0)


def test_a_tab_closed_while_offline_has_its_ranking_sent_by_the_next_one(project: World, open_desk: OpenDesk) -> None:
    first, second = a_task(project), a_task(project)
    desk = open_desk(project, network_fails=True).shows(first)
    desk.wait_for(lambda: desk.holds(second), "the next task is fetched ahead")
    desk.context.set_offline(True)
    desk.press("D", "C", "B", "A", "Enter").says(NOT_SENT)
    desk.page.close()
    desk.context.set_offline(False)
    again = another_tab(desk).shows(second)
    again.stored(first, "D C B A")


def test_a_reload_brings_the_unfinished_ranking_back(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project)
    desk = open_desk(project).shows(task)
    desk.press("C", "=A")
    desk.page.reload()
    desk.shows(task).says(RESTORED)
    desk.press("D", "B", "Enter")
    judgment = desk.stored(task, "A=C D B")
    assert judgment.row.moves == 4


def test_a_crash_brings_the_unfinished_ranking_back(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project)
    desk = open_desk(project, network_fails=True).shows(task)
    desk.press("C", "A").says(FROM_SERVER)
    desk.press("D")
    desk.page.wait_for_timeout(300)
    crash(desk.page)
    again = another_tab(desk).shows(task).says(RESTORED)
    again.press("B", "Enter")
    again.stored(task, "C A D B")


def keep_busy(page: Page) -> None:
    """Leave the tab little time to answer others: half a second of work, a breath, and again."""
    page.evaluate(
        "setInterval(() => { for (const end = performance.now() + 500; performance.now() < end; ); }, 10)",
    )


def test_a_tab_that_answers_late_keeps_its_task_to_itself(project: World, open_desk: OpenDesk) -> None:
    first, second = a_task(project, texts=2), a_task(project, texts=2)
    one = open_desk(project).shows(first)
    keep_busy(one.page)
    another_tab(one).shows(second)


def test_two_tabs_get_different_tasks(project: World, open_desk: OpenDesk) -> None:
    first, second = a_task(project, texts=2), a_task(project, texts=2)
    one = open_desk(project).shows(first)
    other = another_tab(one).shows(second)
    other.press("A", "Enter")
    other.stored(second, "A B")
    one.shows(first).press("B", "Enter")
    one.stored(first, "B A")
    assert len(one.judgments()) == 2


def test_two_devices_that_say_the_same_are_one_judgment(project: World, open_desk: OpenDesk) -> None:
    first, second = a_task(project), a_task(project)
    laptop = open_desk(project).shows(first)
    phone = open_desk(project, laptop.person).shows(first)
    laptop.press("B", "A", "C", "D", "Enter").shows(second)
    laptop.stored(first, "B A C D")
    phone.press("B", "A", "C", "D", "Enter").shows(second).says(re.compile("Submitted"))
    phone.stored(first, "B A C D")


def test_two_devices_that_disagree_leave_the_later_one_current(project: World, open_desk: OpenDesk) -> None:
    first, second = a_task(project, texts=3), a_task(project, texts=3)
    laptop = open_desk(project).shows(first)
    laptop.press("A").says(FROM_SERVER)
    # The other one starts from the first one's draft.
    phone = open_desk(project, laptop.person).shows(first).says(RESTORED)
    laptop.press("B", "C", "Enter").shows(second)
    laptop.stored(first, "A B C")
    phone.press("C", "B", "Enter")
    phone.stored(first, "A C B", revisions=2)


def test_a_task_that_two_tabs_have_to_share_is_finished_in_both(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project, texts=3)
    one = open_desk(project).shows(task)
    one.press("A").says(FROM_SERVER)
    # There is no other task to give it, so the second tab takes the same one, with its draft, and says so.
    other = another_tab(one).shows(task).says(RESTORED).says("also open in another tab")
    one.press("B", "C", "Enter")
    one.stored(task, "A B C")
    expect(other.cards).to_have_count(0)
    other.says("You finished that task in another tab")
    assert len(one.judgments()) == 1


def test_a_ranking_submitted_after_the_session_ended_is_sent_after_signing_in(
    project: World, open_desk: OpenDesk
) -> None:
    first, second = a_task(project), a_task(project)
    desk = open_desk(project, network_fails=True).shows(first)
    desk.press("D", "A").says(FROM_SERVER)
    end_session(desk)
    desk.press("B", "C", "Enter")
    expect(desk.page).to_have_url(re.compile("/sign-in"))
    assert desk.judgments() == []
    sign_in(desk)
    desk.shows(second)
    desk.stored(first, "D A B C")


def test_a_session_that_ends_in_the_middle_leads_to_the_door_and_back(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project)
    desk = open_desk(project, network_fails=True).shows(task)
    desk.press("D", "A").says(FROM_SERVER)
    end_session(desk)
    desk.press("B")
    desk.page.reload()
    expect(desk.page).to_have_url(re.compile("/sign-in"))
    sign_in(desk)
    desk.shows(task).says(RESTORED)
    desk.press("C", "Enter")
    desk.stored(task, "D A B C")


@pytest.mark.parametrize("status", [500, 503])
def test_a_service_that_fails_for_a_while_gets_the_ranking_in_the_end(
    project: World, open_desk: OpenDesk, status: int
) -> None:
    first, second = a_task(project), a_task(project)
    desk = open_desk(project, network_fails=True).shows(first)
    desk.page.route(RANKING, failing(2, status))
    desk.press("A", "D", "=C", "B", "Enter").shows(second).says(NOT_SENT)
    desk.stored(first, "A C=D B")
    expect(desk.page.get_by_text(NOT_SENT)).to_have_count(0)


def test_a_ranking_whose_answer_got_lost_is_stored_once(project: World, open_desk: OpenDesk) -> None:
    first, second = a_task(project), a_task(project)
    desk = open_desk(project, network_fails=True).shows(first)
    lost = []

    def lose_first_answer(route: Route) -> None:
        answer = route.fetch()
        if lost:
            route.fulfill(response=answer)
        else:
            lost.append(answer.status)
            route.abort("connectionreset")

    desk.page.route(RANKING, lose_first_answer)
    desk.press("A", "B", "C", "D", "Enter").shows(second).says(NOT_SENT)
    expect(desk.page.get_by_text(NOT_SENT)).to_have_count(0)
    assert lost == [201]
    desk.stored(first, "A B C D")


def test_two_clicks_on_submit_are_one_judgment(project: World, open_desk: OpenDesk) -> None:
    first, second = a_task(project), a_task(project)
    desk = open_desk(project).shows(first)
    desk.wait_for(lambda: desk.holds(second), "the next task is fetched ahead")
    desk.press("A", "B", "C", "D")
    desk.page.get_by_role("button", name="Submit").dblclick()
    desk.shows(second)
    desk.stored(first, "A B C D")
    assert len(desk.judgments()) == 1


def test_a_second_click_on_submit_asks_nothing_about_the_next_task(project: World, open_desk: OpenDesk) -> None:
    first, second = a_task(project), a_task(project)
    desk = open_desk(project).shows(first)
    desk.wait_for(lambda: desk.holds(second), "the next task is fetched ahead")
    desk.press("A", "B", "C", "D")
    desk.page.get_by_role("button", name="Submit").dblclick()
    desk.shows(second)
    expect(desk.page.get_by_role("dialog")).to_have_count(0)


def test_a_second_click_on_submit_does_not_send_the_next_tasks_draft(project: World, open_desk: OpenDesk) -> None:
    first, second = a_task(project, texts=2), a_task(project, texts=2)
    desk = open_desk(project).shows(first)
    desk.wait_for(lambda: desk.holds(second), "the next task is fetched ahead")
    with desk.engine.begin() as connection:
        whole = """
            UPDATE assignments SET draft_sequence = 9, draft = jsonb_build_object(
              'tiers', jsonb_build_array(jsonb_build_array(shown_order[1]), jsonb_build_array(shown_order[2])),
              'sequence', 9)
            WHERE task_id = :task"""
        connection.execute(text(whole), {"task": second.id})
    desk.page.reload()
    desk.shows(first).press("A")
    desk.page.get_by_role("button", name="Submit").dblclick()
    desk.shows(second)
    desk.stored(first, "A B")
    desk.page.wait_for_timeout(500)
    assert [one.row.task_id for one in desk.judgments()] == [first.id]


def test_the_newer_draft_of_another_device_is_gone_on_with(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project)
    laptop = open_desk(project).shows(task)
    laptop.press("A").says(FROM_SERVER)
    phone = open_desk(project, laptop.person).shows(task).says(RESTORED)
    phone.press("B", "C")
    phone.wait_for(lambda: len((phone.draft(task) or {}).get("tiers", [])) == 3, "the phone's draft is on the service")
    laptop.page.reload()
    laptop.shows(task).says(RESTORED)
    laptop.press("D", "Enter")
    laptop.stored(task, "A B C D")


def test_a_ranking_that_comes_too_late_is_kept_as_an_extra_one(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project, texts=3)
    slow = open_desk(project, network_fails=True).shows(task)
    # Nothing may be under way any more: asking for work would take the lapsed lease up again.
    slow.press("C", "B").says(FROM_SERVER).page.wait_for_load_state("networkidle")
    slow.context.set_offline(True)
    with project.session.begin():
        lapse = "UPDATE assignments SET leased_until = now() - interval '1 s' WHERE task_id = :task"
        project.session.execute(text(lapse), {"task": task.id})
        assert expire_leases(project.session) == 1
    quick = open_desk(project, a_person(project, name="Bo")).shows(task)
    quick.press("A", "B", "C", "Enter")
    assert quick.stored(task, "A B C").row.extra is False
    slow.context.set_offline(False)
    slow.press("A", "Enter").says(re.compile("kept as an extra one"))
    assert slow.stored(task, "C B A").row.extra is True
