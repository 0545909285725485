"""Reports: said from the desk, decided by an admin; a retired prompt asks nobody any more."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth.tables import AuditEvent
from app.prompts.tables import Prompt
from app.rankings.tables import Ranking
from app.tasks.tables import Task, TaskSlot
from tests.app.cast import browser
from tests.app.judgment_rows import World, a_world, submit, take

OpenClient = Callable[..., TestClient]


@pytest.fixture
def world(session: Session) -> World:
    return a_world(session)


@pytest.fixture
def admin(world: World, client: OpenClient) -> TestClient:
    return browser(client, world.session, world.person("admin", "Grace"))


def report(world: World, client: OpenClient, **said: Any) -> dict[str, Any]:
    """The report of a new annotator's next prompt; the body that came back."""
    person = world.person(name="Ada")
    assignment = take(world, person)
    page = browser(client, world.session, person)
    answer = page.post(f"/api/v1/assignments/{assignment.id}/report", json={"reason": "unclear", **said})
    assert answer.status_code == 201
    found: dict[str, Any] = answer.json()
    return {**found, "page": page, "assignment": assignment}


def listed(admin: TestClient, world: World, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = admin.get(f"/api/v1/projects/{world.project.id}/reports{query}").json()["items"]
    return found


def resolve(admin: TestClient, world: World, report_id: int, outcome: str) -> Any:
    path = f"/api/v1/projects/{world.project.id}/reports/{report_id}/resolution"
    return admin.post(path, json={"outcome": outcome})


def test_a_report_reaches_the_admins_list(world: World, admin: TestClient, client: OpenClient) -> None:
    prompt = world.prompt(text="What is rain?")
    world.task(prompt=prompt)
    said = report(world, client, reason="personal_data", note="A name is in it.")
    (row,) = listed(admin, world, "?open=true")
    assert (row["id"], row["prompt"]) == (said["id"], {"id": prompt.id, "excerpt": "What is rain?"})
    assert (row["reason"], row["note"], row["reporter"]) == ("personal_data", "A name is in it.", "Ada")
    assert (row["outcome"], row["resolved_at"]) == (None, None)
    assert listed(admin, world, "?open=false") == []


def test_a_second_report_replaces_the_first_and_opens_it_again(
    world: World, admin: TestClient, client: OpenClient
) -> None:
    world.task()
    first = report(world, client)
    assert resolve(admin, world, first["id"], "dismissed").json()["outcome"] == "dismissed"
    assert listed(admin, world, "?open=true") == []
    again = first["page"].post(
        f"/api/v1/assignments/{first['assignment'].id}/report", json={"reason": "harmful", "note": "Look again."}
    )
    assert again.json()["id"] == first["id"]
    assert [(row["reason"], row["outcome"]) for row in listed(admin, world, "?open=true")] == [("harmful", None)]


def test_retiring_a_prompt_closes_its_tasks_and_keeps_what_was_said(
    world: World, admin: TestClient, client: OpenClient
) -> None:
    prompt = world.prompt()
    world.task(prompt=prompt, overlap=3)
    untouched = world.task()
    judged = world.person()
    submit(world.session, take(world, judged), judged)
    first, second = report(world, client), report(world, client, reason="harmful")
    assert resolve(admin, world, first["id"], "prompt_retired").json()["outcome"] == "prompt_retired"
    world.session.expire_all()
    assert world.session.get_one(Prompt, prompt.id).state == "retired"
    assert world.session.scalars(select(Task.state).where(Task.prompt_id == prompt.id)).all() == ["retired"]
    states = select(TaskSlot.state).join(Task, Task.id == TaskSlot.task_id).where(Task.prompt_id == prompt.id)
    assert sorted(world.session.scalars(states)) == ["closed", "closed", "filled"]
    assert len(world.session.scalars(select(Ranking)).all()) == 1
    assert [row["outcome"] for row in listed(admin, world)] == ["prompt_retired"] * 2
    assert {row["id"] for row in listed(admin, world)} == {first["id"], second["id"]}
    assert untouched.state == "open"
    late = submit(world.session, first["assignment"], world.people[-2])
    assert late.body["extra"] is True
    deeds = world.session.scalars(select(AuditEvent.action).where(AuditEvent.object_type.in_(["report", "prompt"])))
    assert sorted(deeds) == ["prompt.reported"] * 2 + ["prompt.retired"] + ["report.resolved"] * 2


def test_a_decision_stands(world: World, admin: TestClient, client: OpenClient) -> None:
    world.task()
    said = report(world, client)
    resolve(admin, world, said["id"], "dismissed")
    assert resolve(admin, world, said["id"], "dismissed").status_code == 200
    assert resolve(admin, world, said["id"], "prompt_retired").json()["type"] == "report-resolved"
    assert resolve(admin, world, 10**12, "dismissed").status_code == 404
