"""What the desk does around the order: what was shown, guidelines, practice, reports, the whole form, writing."""

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from app.completions.tables import Completion
from app.guidelines import service as guidelines
from app.reports.tables import Report
from app.tasks.tables import Task
from app.tasks.writing import create_writing_task
from tests.app.judgment_rows import World
from tests.browser.axe import in_both_themes
from tests.browser.conftest import PHONE, OpenDesk, Project
from tests.browser.desk import Desk
from tests.browser.seed import a_known_task, a_prompt, a_task

pytestmark = [pytest.mark.browser, pytest.mark.commits, pytest.mark.timeout(120)]


def publish(world: World, words: str, basis: int | None) -> None:
    """Save guidelines as an admin does."""
    guidelines.save(world.session, project_id=world.project.id, actor=None, text=words, basis=basis)
    world.session.commit()


def in_right_order(desk: Desk, task: Task, texts: list[str]) -> list[str]:
    """Letters of the cards in the order of `texts`."""
    expect(desk.cards).to_have_count(len(texts))
    return [next(one for one in desk.letters if words in desk.card(one).inner_text()) for words in texts]


@pytest.mark.parametrize("options", [{}, PHONE])
def test_what_was_shown_is_kept_with_the_judgment(project: World, open_desk: OpenDesk, options: dict) -> None:
    publish(project, "Prefer **short** answers.", None)
    task = a_task(project)
    desk = open_desk(project, color_scheme="dark", **options).shows(task)
    desk.page.wait_for_timeout(1_500)
    desk.press("A", "w", "B", "w", "C", "D", "Enter")
    row = desk.stored(task, "A B C D").row
    shown = row.presentation
    size = options.get("viewport", {"width": 1440, "height": 900})
    assert {**shown["client"], "language": "en"} == {**size, "touch": bool(options), "language": "en", "theme": "dark"}
    assert sorted(int(one) for one in shown["visible_ms"]) == sorted(row.shown_order)
    assert max(shown["visible_ms"].values()) > 500
    assert shown["differences_shown"] is True
    assert shown["layout"] in {"columns", "stack"}
    assert 1_000 < shown["first_act_ms"] < 60_000
    assert 0 < row.active_ms < 60_000
    with desk.engine.connect() as connection:
        version = text("SELECT v.number FROM rankings r JOIN guideline_versions v ON v.id = r.guideline_version_id"
                       " WHERE r.id = :ranking")  # fmt: skip
        assert connection.scalar(version, {"ranking": row.id}) == 1


def test_changed_guidelines_are_shown_with_what_changed(project: World, open_desk: OpenDesk) -> None:
    publish(project, "Prefer short answers.\n\nBe kind.", None)
    a_task(project)
    desk = open_desk(project)
    desk.page.get_by_role("button", name="Got it").click()
    expect(desk.page.get_by_role("button", name="Got it")).to_have_count(0)
    publish(project, "Prefer long answers.\n\nBe kind.", 1)
    desk.page.reload()
    desk.says("The guidelines changed.")
    desk.press("m")
    panel = desk.page.get_by_role("complementary", name="Guidelines")
    expect(panel).to_contain_text("What changed from version 1 to 2")
    expect(panel.locator("del").first).to_contain_text("short")
    expect(panel.locator("ins").first).to_contain_text("long")
    assert in_both_themes(desk.page) == []
    panel.get_by_role("button", name="Got it").click()
    expect(desk.page.get_by_text("The guidelines changed.")).to_have_count(0)
    desk.page.reload()
    assert desk.letters
    expect(desk.page.get_by_text("The guidelines changed.")).to_have_count(0)


def test_a_practice_round_gives_feedback_and_opens_the_door(new_project: Project, open_desk: OpenDesk) -> None:
    project = new_project(practice={"required": True, "pass_share": 0.8, "attempts": 2})
    texts = ["the best", "the middling", "the worst"]
    practice = a_known_task(project, "practice", "Practise on this question, please.", texts)
    real = a_task(project)
    desk = open_desk(project).shows(practice).says("Practice 1 of 1")
    desk.press(*reversed(in_right_order(desk, practice, texts)), "Enter")
    desk.says("Not passed this time").says("is right because it is")
    assert in_both_themes(desk.page) == []
    desk.press("Enter")
    desk.says("attempt 2")
    desk.press(*in_right_order(desk, practice, texts), "Enter")
    desk.says("You passed the practice round").says("You agree on every pair.")
    desk.press("Enter").shows(real)
    desk.press("A", "B", "C", "D", "Enter")
    desk.stored(real, "A B C D")
    practised = [one for one in desk.judgments() if one.row.task_id == practice.id]
    assert practised
    assert all(one.pairs == frozenset() for one in practised)


def test_a_prompt_is_reported_and_ranked_all_the_same(project: World, open_desk: OpenDesk) -> None:
    task = a_task(project)
    desk = open_desk(project).shows(task)
    desk.page.get_by_role("button", name="Report").click()
    group = desk.page.get_by_role("group", name="What is wrong with this prompt?")
    group.get_by_role("textbox").fill("Names a person")
    assert in_both_themes(desk.page) == []
    group.get_by_role("button", name="Personal data").click()
    desk.says("Reported, thank you.")
    desk.page.get_by_role("heading", level=1).click()
    desk.press("A", "B", "C", "D", "Enter")
    desk.stored(task, "A B C D")
    report = project.session.query(Report).filter_by(prompt_id=task.prompt_id).one()
    assert (report.reason, report.note, report.reporter_id) == ("personal_data", "Names a person", desk.person.id)


def test_the_whole_form_is_stored(new_project: Project, open_desk: OpenDesk) -> None:
    project = new_project(
        aspects=["helpful", "honest"], prompt_flags=["off_topic"], ask_none_acceptable=True, ask_strength="required"
    )
    task = a_task(project, texts=2)
    desk = open_desk(project).shows(task)
    page = desk.page
    page.get_by_role("button", name="Off topic").click()
    page.get_by_role("switch", name="None of these is acceptable").click()
    page.get_by_role("button", name=re.compile("Honest: rate answer A 6 of 7")).click()
    page.get_by_role("heading", level=1).click()
    desk.press("B", "Enter").says("Say how much better it is")
    page.get_by_role("radio", name="B is clearly better").click()
    assert in_both_themes(page) == []
    page.get_by_role("button", name="Submit").click()
    judgment = desk.stored(task, "B A")
    assert judgment.aspects == {"A": {"honest": 6}}
    assert (judgment.row.strength, judgment.row.none_acceptable) == (3, True)
    assert judgment.row.prompt_flags == ["off_topic"]


def test_a_demonstration_survives_a_reload_and_is_stored(new_project: Project, open_desk: OpenDesk) -> None:
    project = new_project(annotators_write=True)
    prompt = a_prompt(project, "Write me a line about rain.")
    create_writing_task(project.session, project_id=project.project.id, prompt_id=prompt.id, overlap=1)
    project.session.commit()
    desk = open_desk(project, path="write").says("Write me a line about rain.")
    answer = desk.page.get_by_role("textbox", name="Your answer")
    answer.fill("Rain?")
    desk.page.get_by_role("button", name="Submit").click()
    desk.says("An answer has at least three words.")
    assert in_both_themes(desk.page) == []
    answer.fill("Rain writes on the roof.")
    desk.page.wait_for_timeout(300)
    desk.page.reload()
    desk.says("Your unfinished answer is back.")
    expect(answer).to_have_value("Rain writes on the roof.")
    answer.press("Control+Enter")
    desk.says(re.compile("1 written today"))
    written = project.session.query(Completion).filter_by(prompt_id=prompt.id).one()
    assert (written.text, written.user_id, written.role) == (
        "Rain writes on the roof.",
        desk.person.id,
        "demonstration",
    )
