"""The practice round over HTTP: feedback after each task, a rule to pass, attempts, a reset."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth.access import Access
from app.auth.tables import AuditEvent, User
from app.desk.service import claim
from app.projects.tables import Membership
from app.rankings.practice import Place
from app.rankings.tables import Comparison, Ranking
from tests.app.cast import browser
from tests.app.judgment_rows import World, a_world, known_answer

OpenClient = Callable[..., TestClient]


class Page:
    """One annotator's desk in a project that asks for practice."""

    def __init__(self, world: World, person: User, client: OpenClient) -> None:
        self.world, self.person = world, person
        self.browser = browser(client, world.session, person)
        self.keys = 0

    def claim(self, *holding: int) -> dict[str, Any]:
        path = f"/api/v1/projects/{self.world.project.id}/tasks/claim"
        found: dict[str, Any] = self.browser.post(path, json={"holding": list(holding)}).json()
        return found

    def submit(self, assignment: dict[str, Any], *, right: bool) -> Any:
        ids = sorted(one["id"] for one in assignment["completions"])
        tiers = [[one] for one in (ids if right else ids[::-1])]
        self.keys += 1
        headers = {"Idempotency-Key": f"a-key-of-its-own-{self.person.id}-{self.keys}"}
        return self.browser.post(
            f"/api/v1/assignments/{assignment['id']}/ranking", json={"tiers": tiers}, headers=headers
        )

    def answer(self, *, right: bool) -> dict[str, Any]:
        """Do the next practice task; the feedback on it."""
        answer = self.submit(self.claim()["assignment"], right=right)
        assert answer.status_code == 201, answer.text
        feedback: dict[str, Any] = answer.json()["feedback"]
        return feedback


@pytest.fixture
def world(session: Session) -> World:
    world = a_world(session, practice={"required": True, "pass_share": 0.8, "attempts": 2})
    admin = world.person("admin", "Grace")
    for number in range(2):
        known_answer(world, admin, purpose="practice", explanation=f"Because {number}.")
    world.task()
    return world


@pytest.fixture
def page(world: World, client: OpenClient) -> Page:
    return Page(world, world.person(), client)


def membership(page: Page) -> Membership:
    own = (page.world.project.id, page.person.id)
    return page.world.session.get_one(Membership, own, populate_existing=True)


def test_practice_comes_before_work_and_says_where_one_stands(page: Page) -> None:
    first = page.claim()["assignment"]
    assert (first["purpose"], first["practice"]) == ("practice", {"number": 1, "of": 2, "attempt": 1})
    feedback = page.submit(first, right=True).json()["feedback"]
    ids = sorted(one["id"] for one in first["completions"])
    assert (feedback["agreement"], feedback["right_tiers"]) == (1, [[one] for one in ids])
    assert feedback["explanation"] == "Because 0."
    assert feedback["practice"] == {"done": 1, "of": 2, "passed": None, "share": None, "attempts_left": 1}
    second = page.claim()["assignment"]
    assert second["practice"] == {"number": 2, "of": 2, "attempt": 1}


def test_who_passes_goes_on_to_real_work(page: Page) -> None:
    page.answer(right=True)
    last = page.answer(right=True)["practice"]
    assert last == {"done": 2, "of": 2, "passed": True, "share": 1, "attempts_left": 1}
    assert membership(page).practice_passed_at is not None
    real = page.claim()["assignment"]
    assert (real["purpose"], real["practice"]) == ("collect", None)
    assert page.submit(real, right=True).json()["feedback"] is None
    assert page.world.session.scalar(select(Comparison.id).limit(1)) is not None


def test_who_fails_begins_anew_and_what_they_said_first_stays(page: Page) -> None:
    page.answer(right=True)
    last = page.answer(right=False)["practice"]
    assert (last["passed"], last["share"], last["attempts_left"]) == (False, 0.5, 1)
    again = page.claim()["assignment"]
    assert (again["practice"], again["previous"], again["is_revision"]) == (
        {"number": 1, "of": 2, "attempt": 2}, None, False,
    )  # fmt: skip
    assert again["draft"] is None
    page.submit(again, right=True)
    assert page.answer(right=True)["practice"]["passed"] is True
    revisions = select(Ranking.revision, Ranking.superseded_by_id).order_by(Ranking.id)
    assert [(one, by is None) for one, by in page.world.session.execute(revisions)] == [
        (1, False), (1, False), (2, True), (2, True),
    ]  # fmt: skip


def test_a_claim_that_waited_for_the_last_answer_knows_what_came_of_it(page: Page) -> None:
    """The membership of the one who asks is read before their lock is waited for: it may be an attempt behind."""
    before = Membership(**{column.key: getattr(membership(page), column.key) for column in Membership.__table__.c})
    access = Access(page.person, page.world.project, before, "annotator", paused=False, token_scopes=None)
    session = page.world.session
    page.answer(right=False)
    page.answer(right=False)
    again = claim(session, access).desk
    assert again is not None
    assert again.practice == Place(1, 2, attempt=2)
    page.answer(right=True)
    page.answer(right=True)
    real = claim(session, access).desk
    assert real is not None
    assert real.practice is None


def test_the_last_failed_attempt_closes_the_door_until_an_admin_opens_it(page: Page, client: OpenClient) -> None:
    left = [page.answer(right=False)["practice"]["attempts_left"] for _ in range(4)]
    assert left == [1, 1, 0, 0]
    assert page.claim()["waiting"]["reason"] == "practice_failed"
    admin = browser(client, page.world.session, page.world.people[0])
    path = f"/api/v1/projects/{page.world.project.id}/members/{page.person.id}/practice-reset"
    assert admin.post(path).status_code == 204
    assert page.claim()["assignment"]["practice"] == {"number": 1, "of": 2, "attempt": 1}
    audited = select(AuditEvent.object_id).where(AuditEvent.action == "practice.reset")
    assert page.world.session.scalars(audited).all() == [str(page.person.id)]
    assert admin.post(path.replace(str(page.person.id), str(10**12))).status_code == 404


def test_a_practice_answer_stands_once_the_right_one_was_shown(page: Page) -> None:
    assignment = page.claim()["assignment"]
    receipt = page.submit(assignment, right=False).json()
    assert page.submit(assignment, right=True).json()["type"] == "practice-answered"
    reopened = page.browser.post(f"/api/v1/assignments/{assignment['id']}/reopen")
    assert (reopened.status_code, reopened.json()["type"]) == (409, "practice-answered")
    again = page.submit(assignment, right=False).json()
    assert (again["ranking_id"], again["feedback"]) == (receipt["ranking_id"], receipt["feedback"])


def test_a_practice_task_is_not_skipped(page: Page) -> None:
    assignment = page.claim()["assignment"]
    refusal = page.browser.post(f"/api/v1/assignments/{assignment['id']}/skip", json={"reason": "unclear"})
    assert (refusal.status_code, refusal.json()["type"]) == (409, "practice-task")
    assert page.claim()["assignment"]["id"] == assignment["id"]


def test_practice_is_no_work(page: Page) -> None:
    page.answer(right=True)
    project = f"/api/v1/projects/{page.world.project.id}"
    assert page.browser.get(f"{project}/my-progress").json()["total"] == 0
    assert page.browser.get(f"{project}/my-rankings").json()["items"] == []
    assert page.world.session.scalars(select(Comparison)).all() == []
