"""Writing demonstrations over HTTP: asked for, written, kept, ranked by others and never by their author."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth.tables import AuditEvent
from app.completions.tables import Completion
from app.runs.tables import Run
from app.tasks.service import create_tasks_for_completed_prompts
from app.tasks.tables import Assignment, Task, TaskCompletion
from tests.app.cast import browser
from tests.app.judgment_rows import World, a_world, claim_for

OpenClient = Callable[..., TestClient]
TEXT = "Rain is water that falls from clouds."
KEY = {"Idempotency-Key": "a-key-made-by-the-page"}


@pytest.fixture
def world(session: Session) -> World:
    return a_world(session, annotators_write=True)


@pytest.fixture
def admin(world: World, client: OpenClient) -> TestClient:
    return browser(client, world.session, world.person("admin", "Grace"))


@pytest.fixture
def page(world: World, client: OpenClient) -> TestClient:
    return browser(client, world.session, world.person(name="Ada"))


def project(world: World, rest: str = "") -> str:
    return f"/api/v1/projects/{world.project.id}/writing-tasks{rest}"


def open_tasks(admin: TestClient, world: World, **wanted: Any) -> int:
    answer = admin.post(project(world), json={"count": 10, **wanted})
    assert answer.status_code == 201, answer.text
    opened: int = answer.json()["opened"]
    return opened


def claim(page: TestClient, world: World, *holding: int) -> dict[str, Any]:
    found: dict[str, Any] = page.post(project(world, "/claim"), json={"holding": list(holding)}).json()
    return found


def submit(page: TestClient, assignment: dict[str, Any], text: str = TEXT, **headers: str) -> Any:
    path = f"/api/v1/assignments/{assignment['id']}/demonstration"
    return page.post(path, json={"text": text, "active_ms": 5000}, headers={**KEY, **headers})


def test_a_demonstration_from_the_prompt_to_the_completion(world: World, admin: TestClient, page: TestClient) -> None:
    prompt = world.prompt(text="What is rain?")
    assert open_tasks(admin, world) == 1
    assignment = claim(page, world)["assignment"]
    assert assignment["prompt"] == {"id": prompt.id, "messages": [{"role": "user", "content": "What is rain?"}]}
    assert (assignment["draft"], assignment["guideline"]) == (None, {"number": None, "seen": None})
    receipt = submit(page, assignment)
    assert receipt.status_code == 201
    assert receipt.json()["progress"] == {"today": 1, "total": 1}
    completion = world.session.get_one(Completion, receipt.json()["completion_id"])
    assert (completion.text, completion.role, completion.user_id) == (TEXT, "demonstration", world.people[-1].id)
    assert (completion.model_version_id, completion.names_model) == (None, False)
    summary = admin.get(project(world, "/summary")).json()
    assert summary == {"open": 0, "done": 1, "demonstrations": 1}
    assert claim(page, world)["waiting"]["reason"] == "all_done"
    deed = world.session.scalars(select(AuditEvent).where(AuditEvent.action == "demonstration.submitted")).one()
    assert (deed.object_id, deed.detail["active_ms"]) == (str(completion.id), 5000)


def test_a_repeat_is_one_demonstration(world: World, admin: TestClient, page: TestClient) -> None:
    world.prompt()
    open_tasks(admin, world)
    assignment = claim(page, world)["assignment"]
    first, replay = submit(page, assignment), submit(page, assignment)
    assert replay.json() == first.json()
    assert replay.headers["Idempotent-Replayed"] == "true"
    other_tab = submit(page, assignment, **{"Idempotency-Key": "another-key-of-the-page"})
    assert other_tab.json()["completion_id"] == first.json()["completion_id"]
    assert submit(page, assignment, "Something else entirely.").json()["type"] == "idempotency-key-reused"
    other = submit(page, assignment, "Something else entirely.", **{"Idempotency-Key": "a-third-key-of-the-page"})
    assert (other.status_code, other.json()["type"]) == (409, "already-submitted")
    assert len(world.session.scalars(select(Completion)).all()) == 1


@pytest.mark.parametrize("text", ["", "ok", "Two words", "  What IS   rain?  ", "好的"])
def test_too_little_is_refused_and_the_draft_stays(
    world: World, admin: TestClient, page: TestClient, text: str
) -> None:
    world.prompt(text="What is rain?")
    open_tasks(admin, world)
    assignment = claim(page, world)["assignment"]
    draft = {"text": text, "sequence": 1}
    assert page.put(f"/api/v1/assignments/{assignment['id']}/draft", json=draft).status_code == 204
    refusal = submit(page, assignment, text)
    assert (refusal.status_code, refusal.json()["field"]) == (422, "text")
    back = claim(page, world)["assignment"]
    assert (back["id"], back["draft"]) == (assignment["id"], {"text": text.strip(), "sequence": 1})


def test_a_script_without_spaces_is_counted_by_its_characters(
    world: World, admin: TestClient, page: TestClient
) -> None:
    world.prompt(text="雨是什么？")
    open_tasks(admin, world)
    assert submit(page, claim(page, world)["assignment"], "雨是水。").status_code == 201


def test_only_prompts_without_a_demonstration_are_asked_about(world: World, admin: TestClient) -> None:
    answered, validation, train = world.prompt(), world.prompt("validation"), world.prompt()
    world.completions(answered, 1, author=world.people[0])
    world.prompt().state = "retired"
    assert open_tasks(admin, world, count=1) == 1
    assert open_tasks(admin, world, overlap=2) == 1
    assert open_tasks(admin, world) == 0
    asked = select(Task.prompt_id, Task.overlap).where(Task.kind == "writing").order_by(Task.id)
    assert world.session.execute(asked).all() == [(train.id, 1), (validation.id, 2)]
    assert admin.post(project(world), json={"count": 1, "prompt_set_id": 10**12}).status_code == 404


def test_who_writes_is_the_projects_choice(world: World, admin: TestClient, page: TestClient) -> None:
    world.prompt()
    open_tasks(admin, world, overlap=2)
    world.project.settings = {}
    assert claim(page, world)["waiting"]["reason"] == "not_asked"
    assert claim(admin, world)["assignment"] is not None
    world.project.settings = {"annotators_write": True, "daily_cap": 1}
    assert claim(page, world)["assignment"] is not None


def test_writing_can_be_skipped_and_the_two_kinds_do_not_mix(world: World, admin: TestClient, page: TestClient) -> None:
    world.prompt()
    world.task()
    open_tasks(admin, world, count=1)
    writing = claim(page, world)["assignment"]
    ranking = page.post(f"/api/v1/projects/{world.project.id}/tasks/claim").json()["assignment"]
    refusal = page.post(f"/api/v1/assignments/{writing['id']}/ranking", json={"tiers": []}, headers=KEY)
    assert (refusal.status_code, refusal.json()["type"]) == (409, "writing-task")
    assert submit(page, ranking).json()["type"] == "ranking-task"
    assert (
        page.post(f"/api/v1/assignments/{writing['id']}/skip", json={"reason": "not_my_expertise"}).status_code == 200
    )
    assert claim(page, world)["waiting"]["reason"] == "all_done"
    reopened = page.post(f"/api/v1/assignments/{writing['id']}/reopen").json()
    assert (reopened["state"], reopened["completions"]) == ("leased", [])
    assert claim(page, world)["assignment"]["id"] == writing["id"]


def test_a_demonstration_is_ranked_once_by_others(world: World, admin: TestClient, page: TestClient) -> None:
    author, other, prompt = world.people[-1], world.person(), world.prompt()
    open_tasks(admin, world)
    demonstration = submit(page, claim(page, world)["assignment"]).json()["completion_id"]
    first, second, third = (sampled(world, prompt.id, demonstrations=one) for one in (False, True, True))
    assert [demonstration in cards(world, task) for task in (first, second, third)] == [False, True, False]
    assert len(cards(world, second)) == 4
    mine = [claim_for(world.session, world.project.id, author.id).assignment for _ in range(1)]
    theirs = set()
    while (found := claim_for(world.session, world.project.id, other.id, holding=theirs).assignment) is not None:
        theirs.add(found.id)
        finish(world, found)
    assert {one.task_id for one in mine if one} == {first}
    assert second in set(world.session.scalars(select(Assignment.task_id).where(Assignment.id.in_(theirs))))
    skipped = world.session.scalars(select(Assignment).where(Assignment.annotator_id == author.id)).all()
    assert second not in {one.task_id for one in skipped}


def finish(world: World, assignment: Assignment) -> None:
    assignment.state, assignment.leased_until = "skipped", None
    world.session.flush()


def sampled(world: World, prompt_id: int, *, demonstrations: bool) -> int:
    """The task over three completions that a run wrote."""
    run = Run(project_id=world.project.id, kind="sample", queue="training", config={}, seed=1)
    world.session.add(run)
    world.session.flush()
    for index in range(3):
        by = {"model_version_id": world.model.id, "run_id": run.id, "sample_index": index}
        world.session.add(Completion(prompt_id=prompt_id, text=f"Answer {run.id} {index}.", **by))
    world.session.flush()
    opened = create_tasks_for_completed_prompts(
        world.session,
        project_id=world.project.id,
        run_id=run.id,
        completions_per_prompt=3,
        overlap=1,
        demonstrations=demonstrations,
    )
    return opened.task_ids[0]


def cards(world: World, task_id: int) -> set[int]:
    return set(world.session.scalars(select(TaskCompletion.completion_id).where(TaskCompletion.task_id == task_id)))
