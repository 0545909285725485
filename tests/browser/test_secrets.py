"""Nothing that the service tells an annotator says who wrote a completion, how it scored, or which task is a test."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Response

from tests.app.judgment_rows import World
from tests.browser.conftest import OpenDesk, Project
from tests.browser.desk import Desk
from tests.browser.seed import EXPLANATION, a_known_task, a_person, a_task

pytestmark = [pytest.mark.browser, pytest.mark.commits, pytest.mark.timeout(120)]
# Everything but the project itself, whose settings speak of sampling and training in general.
ABOUT_WORK = re.compile(r"/projects/\d+/|/assignments/")
SAYS_WHO = {"model", "model_version_id", "model_version", "model_versions", "user_id", "author", "score", "scores",
            "reward", "run_id", "sampling", "known_answer", "right_tiers", "names_model"}  # fmt: skip
# Chance says when gold comes; among so many tasks it has come, but for one time in 65,000.
MANY = 16


def keys_in(value: Any) -> set[str]:
    """Every key of every object inside a JSON value."""
    if isinstance(value, dict):
        return set(value) | {key for inner in value.values() for key in keys_in(inner)}
    return {key for inner in value for key in keys_in(inner)} if isinstance(value, list) else set()


def overhear(desk: Desk) -> list[tuple[str, str]]:
    """Path and body of every answer of the API from now on, read as it comes."""
    heard: list[tuple[str, str]] = []

    def note(answer: Response) -> None:
        if "/api/" in answer.url and answer.status != 204:
            heard.append((answer.url, answer.text()))

    desk.page.on("response", note)
    return heard


def test_no_answer_to_an_annotator_names_a_model_or_marks_a_test(new_project: Project, open_desk: OpenDesk) -> None:
    project = new_project(gold_rate=0.5, ask_rating=True)
    gold = a_known_task(project, "gold", "Which of these is right?")
    for _ in range(MANY):
        a_task(project)
    desk = open_desk(project, a_person(project), path=None)
    heard = overhear(desk)
    desk.open()
    judged: set[int] = set()
    for done in range(1, MANY + 1):
        desk.press(*desk.letters, "Enter")
        desk.wait_for(lambda wanted=done: len(desk.judgments()) == wanted, f"{done} judgments")
        judged = {one.row.task_id for one in desk.judgments()}
        if done > 2 and gold.id in judged:
            break
    assert gold.id in judged
    desk.open("history").says("Which of these is right?")
    desk.page.wait_for_load_state("networkidle")
    check(project, heard)


def check(world: World, heard: list[tuple[str, str]]) -> None:
    """Fail on any answer that says too much."""
    assert any("/tasks/claim" in url for url, _ in heard)
    assert any(url.endswith("/ranking") for url, _ in heard)
    for url, body in heard:
        assert world.model.name not in body, url
        assert EXPLANATION not in body, url
        assert '"gold"' not in body.replace('"gold":', ""), url
        if ABOUT_WORK.search(url):
            said = keys_in(json.loads(body))
            assert not said & SAYS_WHO, (url, said & SAYS_WHO)


def test_answers_to_gold_and_to_other_tasks_have_the_same_shape(new_project: Project, open_desk: OpenDesk) -> None:
    project = new_project(gold_rate=0.5)
    gold = a_known_task(project, "gold", "Which of these is right?")
    for _ in range(MANY):
        a_task(project)
    desk = open_desk(project, path=None)
    heard = overhear(desk)
    desk.open()
    claims: list[dict[str, Any]] = []
    for done in range(1, MANY + 1):
        desk.press(*desk.letters, "Enter")
        desk.wait_for(lambda wanted=done: len(desk.judgments()) == wanted, f"{done} judgments")
        claims = [json.loads(body)["assignment"] for url, body in heard if "/tasks/claim" in url]
        if done > 1 and any(claim and claim["task_id"] == gold.id for claim in claims):
            break
    shown = {claim["task_id"]: json.dumps(shape(claim), sort_keys=True) for claim in claims if claim}
    assert gold.id in shown
    assert len(shown) > 1
    assert len(set(shown.values())) == 1
    receipts = {json.dumps(sorted(json.loads(body))) for url, body in heard if url.endswith("/ranking")}
    assert len(receipts) == 1


def shape(claim: dict[str, Any]) -> dict[str, Any]:
    """What of an assignment could tell one kind from another: everything that is not a number or somebody's words."""
    fields = {name: value for name, value in claim.items() if name not in {"prompt", "completions", "leased_until"}}
    return {name: value for name, value in fields.items() if not isinstance(value, int) or isinstance(value, bool)}
