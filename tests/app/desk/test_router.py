"""The desk over HTTP, as the page and a scripted annotator use it: claim, draft, submit, undo, wait; always blind."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth.tables import AuditEvent
from app.completions.tables import Completion
from app.guidelines import service as guidelines
from app.guidelines.tables import GuidelineVersion
from app.rankings.tables import Comparison, Ranking, RankingItem
from app.runs.tables import Run
from app.tasks.tables import Assignment
from tests.app.cast import browser
from tests.app.judgment_rows import World, a_world

OpenClient = Callable[..., TestClient]
HEADERS = {"Idempotency-Key": "a-key-made-by-the-page"}


class Page:
    """One annotator's browser on one project."""

    def __init__(self, world: World, browser: TestClient) -> None:
        self.world = world
        self.browser = browser

    def claim(self, *holding: int) -> dict[str, Any]:
        path = f"/api/v1/projects/{self.world.project.id}/tasks/claim"
        return self.ok(self.browser.post(path, json={"holding": list(holding)}))

    def post(self, assignment: dict[str, Any], action: str, **options: Any) -> Any:
        return self.browser.post(f"/api/v1/assignments/{assignment['id']}/{action}", **options)

    def submit(self, assignment: dict[str, Any], key: str = HEADERS["Idempotency-Key"], **said: Any) -> Any:
        tiers = [[one["id"]] for one in assignment["completions"]]
        return self.post(assignment, "ranking", json={"tiers": tiers, **said}, headers={"Idempotency-Key": key})

    @staticmethod
    def ok(answer: Any) -> dict[str, Any]:
        assert answer.status_code in {200, 201}, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
def world(session: Session) -> World:
    return a_world(session)


@pytest.fixture
def page(world: World, client: OpenClient) -> Page:
    return Page(world, browser(client, world.session, world.person()))


def test_an_assignment_has_everything_to_judge_by_and_nothing_else(page: Page, world: World) -> None:
    model = world.model_version("policy", 7)
    prompt = world.prompt(text="What is rain?")
    ids = world.completions(prompt, 3, model=model)
    world.task(prompt=prompt, completion_ids=ids)
    assignment = page.claim()["assignment"]
    assert assignment["prompt"] == {"id": prompt.id, "messages": [{"role": "user", "content": "What is rain?"}]}
    assert [one["letter"] for one in assignment["completions"]] == ["A", "B", "C"]
    assert sorted(one["id"] for one in assignment["completions"]) == sorted(ids)
    assert (assignment["draft"], assignment["previous"], assignment["is_revision"]) == (None, None, False)
    assert assignment["form"]["ties_allowed"] is True
    assert page.claim()["assignment"]["completions"] == assignment["completions"]
    told = json.dumps(assignment)
    assert model.name not in told
    for word in ("model", "score", "reward", "seed", "run", "priority", "overlap", "sampling", "role_of", "gold"):
        assert f'"{word}' not in told.replace('"role"', "")


def test_what_annotators_can_open_never_names_a_model(page: Page, world: World) -> None:
    world.task()
    page.submit(page.claim()["assignment"])
    for path in ("my-rankings", "my-progress"):
        answer = page.browser.get(f"/api/v1/projects/{world.project.id}/{path}")
        assert answer.status_code == 200
        assert world.model.name not in answer.text
    for path in ("completions", "tasks", "comparisons", "comparisons/summary", "dataset-snapshots"):
        assert page.browser.get(f"/api/v1/projects/{world.project.id}/{path}").status_code == 403


def test_a_ranking_from_claim_to_history(page: Page, world: World) -> None:
    world.task()
    assignment = page.claim()["assignment"]
    receipt = page.ok(page.submit(assignment, moves=2, active_ms=4000, rationale="B is clear."))
    assert (receipt["revision"], receipt["extra"], receipt["comparisons"]) == (1, False, 6)
    assert receipt["progress"] == {"today": 1, "total": 1, "median_seconds": 4.0}
    replay = page.submit(assignment, moves=2, active_ms=4000, rationale="B is clear.")
    assert replay.headers["Idempotent-Replayed"] == "true"
    assert replay.json() == receipt
    history = page.ok(page.browser.get(f"/api/v1/projects/{world.project.id}/my-rankings"))
    (row,) = history["items"]
    assert (row["ranking_id"], row["assignment_id"]) == (receipt["ranking_id"], assignment["id"])
    assert row["editable_until"] == receipt["editable_until"]


def test_a_key_for_another_body_is_refused(page: Page, world: World) -> None:
    world.task()
    assignment = page.claim()["assignment"]
    page.ok(page.submit(assignment))
    refusal = page.submit(assignment, moves=1)
    assert (refusal.status_code, refusal.json()["type"]) == (422, "idempotency-key-reused")
    assert page.post(assignment, "ranking", json={"tiers": []}).json()["field"] == "Idempotency-Key"


def test_undo_of_a_submit_is_a_revision(page: Page, world: World) -> None:
    world.task()
    assignment = page.claim()["assignment"]
    receipt = page.ok(page.submit(assignment))
    reopened = page.ok(page.post(assignment, "reopen"))
    assert (reopened["is_revision"], reopened["state"]) == (True, "submitted")
    assert reopened["previous"]["ranking_id"] == receipt["ranking_id"]
    assert reopened["previous"]["tiers"] == [[one["id"]] for one in assignment["completions"]]
    ids = [one["id"] for one in assignment["completions"]]
    revised = page.ok(page.submit(assignment, "another-key-of-the-page", tiers=[ids]))
    assert (revised["revision"], revised["progress"]["total"]) == (2, 1)


def test_undo_after_the_edit_window_is_refused(page: Page, world: World) -> None:
    world.project.settings = {"edit_window_minutes": 0}
    world.task()
    assignment = page.claim()["assignment"]
    page.ok(page.submit(assignment))
    assert page.post(assignment, "reopen").json()["type"] == "edit-window-over"


def test_skip_and_undo_and_a_draft_that_survives(page: Page, world: World) -> None:
    world.task()
    assignment = page.claim()["assignment"]
    path = f"/api/v1/assignments/{assignment['id']}/draft"
    ids = [one["id"] for one in assignment["completions"]]
    draft = {"tiers": [[ids[1]], [ids[0]]], "ratings": {str(ids[0]): 5}, "flags": {}, "rationale": "so", "sequence": 3}
    more = {"strength": 2, "aspects": {str(ids[1]): {"honest": 7}}, "prompt_flags": ["odd"], "none_acceptable": True}
    assert page.browser.put(path, json={**draft, **more}).status_code == 204
    assert page.browser.put(path, json={**draft, "tiers": [], "sequence": 2}).status_code == 204
    assert page.ok(page.post(assignment, "skip", json={"reason": "too_long"})) == {"state": "skipped"}
    assert page.ok(page.post(assignment, "skip")) == {"state": "skipped"}
    assert page.claim()["waiting"]["reason"] == "all_done"
    back = page.ok(page.post(assignment, "reopen"))
    assert (back["state"], back["draft"]) == ("leased", {**draft, **more})
    assert page.post(assignment, "skip", json={"reason": "boring"}).status_code == 422
    assert "leased_until" in page.ok(page.post(assignment, "heartbeat"))


def test_why_there_is_nothing(page: Page, world: World) -> None:
    assert page.claim()["waiting"]["reason"] == "no_prompts"
    world.prompt()
    assert page.claim()["waiting"]["reason"] == "all_done"
    run = Run(project_id=world.project.id, kind="sample", queue="training", config={}, seed=1, progress={"step": 3})
    world.session.add(run)
    world.session.flush()
    waiting = page.claim()["waiting"]
    assert (waiting["reason"], waiting["run"]["id"], waiting["run"]["progress"]) == ("writing", run.id, {"step": 3})
    world.task(), world.task()
    held = [page.claim()["assignment"]["id"]]
    held.append(page.claim(*held)["assignment"]["id"])
    assert page.claim(*held) == {"assignment": None, "waiting": None}


def test_a_paused_person_gets_no_task(page: Page, world: World, client: OpenClient) -> None:
    world.task()
    admin = browser(client, world.session, world.person("admin"))
    paused = world.people[0]
    answer = admin.patch(f"/api/v1/projects/{world.project.id}/members/{paused.id}", json={"paused": True})
    assert answer.status_code == 200
    assert page.claim()["waiting"]["reason"] == "paused"


def test_somebody_else_s_assignment_is_not_there(page: Page, world: World, client: OpenClient) -> None:
    world.task()
    assignment = page.claim()["assignment"]
    stranger = Page(world, browser(client, world.session, world.person("admin")))
    answers = [
        stranger.post(assignment, "heartbeat"),
        stranger.post(assignment, "skip"),
        stranger.post(assignment, "reopen"),
        stranger.submit(assignment),
        stranger.post({"id": 10**15}, "heartbeat"),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.json()["detail"] for answer in answers}) == 1


FULL = {
    "ask_strength": "required",
    "aspects": ["helpful", "honest"],
    "prompt_flags": ["unclear", "personal_data"],
    "ask_none_acceptable": True,
}


def test_a_judgment_is_stored_with_everything_that_was_said_and_shown(page: Page, world: World) -> None:
    world.project.settings = FULL
    guidelines.save(world.session, project_id=world.project.id, actor=None, text="Be kind.", basis=None)
    prompt = world.prompt()
    world.task(prompt=prompt, completion_ids=world.completions(prompt, 2))
    assignment = page.claim()["assignment"]
    assert assignment["guideline"] == {"number": 1, "seen": None}
    assert {one: assignment["form"][one] for one in FULL} == FULL
    a, b = (one["id"] for one in assignment["completions"])
    said = {
        "strength": 3,
        "aspects": {str(a): {"helpful": 7, "honest": 1}},
        "prompt_flags": ["unclear"],
        "none_acceptable": True,
    }
    shown = {
        "client": {"width": 390, "height": 844, "touch": True, "language": "zh-CN", "theme": "dark"},
        "visible_ms": {str(a): 900, str(b): 0},
        "layout": "by_place",
        "differences_shown": True,
        "first_act_ms": 400,
    }
    receipt = page.ok(page.submit(assignment, **said, guideline_number=1, presentation=shown))
    ranking = world.session.get_one(Ranking, receipt["ranking_id"])
    assert (ranking.strength, ranking.none_acceptable, ranking.prompt_flags) == (3, True, ["unclear"])
    assert ranking.presentation == shown
    assert world.session.get_one(GuidelineVersion, ranking.guideline_version_id).number == 1
    assert world.session.scalars(select(Comparison.strength)).all() == [3]
    aspects = world.session.execute(select(RankingItem.completion_id, RankingItem.aspects))
    assert dict(aspects.tuples().all()) == {a: {"helpful": 7, "honest": 1}, b: {}}
    previous = page.ok(page.post(assignment, "reopen"))["previous"]
    assert {one: previous[one] for one in said} == said
    again = page.ok(page.submit(assignment, "another-key-of-the-page", **said))
    assert again["revision"] == 1
    revised = page.ok(page.submit(assignment, "a-third-key-of-the-page", **{**said, "strength": 1}))
    assert revised["revision"] == 2


def test_a_strength_is_asked_of_pairs_alone(page: Page, world: World) -> None:
    world.project.settings = {"ask_strength": "required"}
    world.task()
    assignment = page.claim()["assignment"]
    assert assignment["form"]["ask_strength"] == "off"
    assert page.submit(assignment, strength=1).json()["field"] == "strength"
    page.ok(page.submit(assignment))


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"guideline_number": 7}, "guideline_number"),
        ({"presentation": {"visible_ms": {"1": 5}}}, "presentation.visible_ms"),
        ({"presentation": {"visible_ms": {"1": 10**9}}}, "presentation.visible_ms"),
        ({"presentation": {"client": {"width": -1}}}, "presentation.client.width"),
        ({"presentation": {"client": {"agent": "x"}}}, "presentation.client.agent"),
        ({"presentation": {"layout": "pile"}}, "presentation.layout"),
        ({"strength": 9}, "strength"),
        ({"aspects": {"1": {"helpful": 5}}}, "aspects"),
        ({"prompt_flags": ["unclear"]}, "prompt_flags"),
        ({"none_acceptable": True}, "none_acceptable"),
    ],
)
def test_a_refused_judgment_names_its_field_and_the_draft_is_kept(
    page: Page, world: World, said: dict[str, Any], field: str
) -> None:
    world.task()
    assignment = page.claim()["assignment"]
    tiers = [[one["id"]] for one in assignment["completions"]]
    page.browser.put(f"/api/v1/assignments/{assignment['id']}/draft", json={"tiers": tiers, "sequence": 1})
    with world.session.begin_nested() as request:
        refusal = page.submit(assignment, **said)
        request.rollback()
    world.session.expire_all()
    assert (refusal.status_code, refusal.json()["field"].removesuffix(".1")) == (422, field)
    assert refusal.json()["advice"]
    assert world.session.get_one(Assignment, assignment["id"]).draft["tiers"] == tiers


def test_a_model_s_name_is_masked_where_the_project_says_so(page: Page, world: World) -> None:
    world.project.settings = {"mask_model_names": True}
    world.model_version("policy", 7)
    prompt = world.prompt(text="I am ChatGPT. Who are you?")
    texts = ["I am SmolLM, not policy-7.", "What is ChatGPT?"]
    rows = [Completion(prompt_id=prompt.id, model_version_id=world.model.id, text=text) for text in texts]
    world.session.add_all(rows)
    world.session.flush()
    world.task(prompt=prompt, completion_ids=[one.id for one in rows])
    assignment = page.claim()["assignment"]
    assert assignment["prompt"]["messages"][0]["content"] == "I am [model]. Who are you?"
    assert sorted(one["text"] for one in assignment["completions"]) == ["I am [model], not [model].", texts[1]]
    assert world.session.scalars(select(Completion.text).order_by(Completion.id)).all() == texts
    world.project.settings = {}
    shown = page.claim()["assignment"]
    assert sorted(one["text"] for one in shown["completions"]) == texts


def test_a_revision_s_drafts_go_on_where_the_first_ones_ended(page: Page, world: World) -> None:
    world.task()
    assignment = page.claim()["assignment"]
    assert assignment["draft_sequence"] == 0
    tiers = [[one["id"] for one in assignment["completions"]]]
    path = f"/api/v1/assignments/{assignment['id']}/draft"
    page.browser.put(path, json={"tiers": [], "sequence": 7})
    page.ok(page.submit(assignment))
    page.browser.put(path, json={"tiers": [], "sequence": 6})
    reopened = page.ok(page.post(assignment, "reopen"))
    assert (reopened["draft"], reopened["draft_sequence"]) == (None, 7)
    page.browser.put(path, json={"tiers": tiers, "sequence": reopened["draft_sequence"] + 1})
    assert page.ok(page.post(assignment, "reopen"))["draft"]["tiers"] == tiers


def test_a_skip_can_be_explained_a_moment_later(page: Page, world: World) -> None:
    world.task()
    assignment = page.claim()["assignment"]
    page.ok(page.post(assignment, "skip"))
    page.ok(page.post(assignment, "skip", json={"reason": "harmful"}))
    page.ok(page.post(assignment, "skip"))
    page.ok(page.post(assignment, "skip", json={"reason": "harmful"}))
    assert world.session.get_one(Assignment, assignment["id"]).skip_reason == "harmful"
    deeds = world.session.execute(
        select(AuditEvent.action, AuditEvent.detail["reason"])
        .where(AuditEvent.object_type == "assignment")
        .order_by(AuditEvent.id)
    )
    assert deeds.all() == [("assignment.skipped", None), ("assignment.skip_explained", "harmful")]


def test_opening_a_ranking_again_is_on_record_and_changes_nothing(page: Page, world: World) -> None:
    world.task()
    assignment = page.claim()["assignment"]
    receipt = page.ok(page.submit(assignment))
    page.ok(page.post(assignment, "reopen"))
    deed = world.session.scalars(select(AuditEvent).where(AuditEvent.action == "ranking.reopened")).one()
    assert (deed.object_id, deed.detail["revision"]) == (str(receipt["ranking_id"]), 1)
    assert world.session.get_one(Assignment, assignment["id"]).state == "submitted"


HOSTILE = [
    {"rationale": "nul \x00"},
    {"rationale": "half a pair \ud800"},
    {"moves": 2**63},
    {"moves": -1},
    {"active_ms": 1.5},
    {"tiers": [[2**63]]},
    {"tiers": [["1"]]},
    {"tiers": [[1]] * 10},
    {"tiers": "all"},
    {"ratings": {"x": 1}},
    {"ratings": {"1": 8}},
    {"flags": {"1": ["Not A Slug"]}},
    {"unknown": 1},
    {"touched": "yes"},
]


@pytest.mark.parametrize("said", HOSTILE)
def test_a_hostile_value_is_refused_by_name(page: Page, world: World, said: dict[str, Any]) -> None:
    world.task()
    assignment = page.claim()["assignment"]
    tiers = [[one["id"]] for one in assignment["completions"]]
    body = json.dumps({"tiers": tiers, **said})
    refusal = page.post(assignment, "ranking", content=body, headers={**HEADERS, "Content-Type": "application/json"})
    assert refusal.status_code == 422
    assert refusal.json()["field"].startswith(next(iter(said)))
