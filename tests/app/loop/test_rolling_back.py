"""One click back to an earlier model."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth.tables import AuditEvent
from app.loop import service
from app.loop.tables import LoopDecision
from app.registry import service as registry
from app.registry.service import NewModel
from app.registry.tables import ModelVersion
from tests.app.cast import OpenClient, browser
from tests.app.judgment_rows import World, a_world


@pytest.fixture
def world(session: Session) -> World:
    """A project whose policy is the second and whose reward model is the first."""
    made = a_world(session)
    made.model.artifact_sha256, made.model.promoted_at = "a" * 64, made.project.created_at
    for kind in ("policy", "policy", "reward"):
        registry.promote(session, make(made, kind), actor=None)
    return made


def make(world: World, kind: Any) -> ModelVersion:
    new = NewModel(project_id=world.project.id, kind=kind, artifact_sha256="a" * 64, artifact_bytes=1)
    return registry.register_model(world.session, new)


@pytest.fixture
def rosa(client: OpenClient, session: Session, world: World) -> TestClient:
    """A researcher's browser."""
    return browser(client, session, world.person("researcher", "Rosa"))


def loop(rosa: TestClient, world: World) -> dict[str, Any]:
    shown: dict[str, Any] = rosa.get(f"/api/v1/projects/{world.project.id}/loop").json()
    return shown


def go_back(rosa: TestClient, world: World, version_id: int) -> Any:
    return rosa.post(f"/api/v1/projects/{world.project.id}/rollback", json={"model_version_id": version_id})


def rolled_back(session: Session) -> list[AuditEvent]:
    return list(
        session.scalars(
            select(AuditEvent).where(AuditEvent.action == "model_version.rolled_back").order_by(AuditEvent.id)
        )
    )


def test_one_click_goes_back_a_step_and_another_one_more(rosa: TestClient, session: Session, world: World) -> None:
    shown = loop(rosa, world)
    assert (shown["policy"]["name"], shown["policy_before"]["name"]) == ("Policy 2", "Policy 1")
    assert (shown["reward_model"]["name"], shown["reward_model_before"]) == ("Reward model 1", None)

    answer = go_back(rosa, world, shown["policy_before"]["id"])

    assert (answer.status_code, answer.json()["stage"]) == (200, "live")
    shown = loop(rosa, world)
    assert (shown["policy"]["name"], shown["policy_before"]["name"]) == ("Policy 1", "tiny")
    decision = shown["decisions"][0]
    assert decision["text"] == "Policy 1 is live again: Rosa went back to it from Policy 2, which is archived."
    assert decision["numbers"]["rolled_back_to"] == shown["policy"]["id"]
    (event,) = rolled_back(session)
    assert (event.object_id, event.detail["replaced"]) == (str(shown["policy"]["id"]), "Policy 2")
    assert go_back(rosa, world, world.model.id).status_code == 200
    assert loop(rosa, world)["policy_before"] is None


def test_a_second_click_changes_nothing(rosa: TestClient, session: Session, world: World) -> None:
    first = session.scalars(select(ModelVersion).where(ModelVersion.name == "Policy 1")).one()
    assert go_back(rosa, world, first.id).json() == go_back(rosa, world, first.id).json()
    assert len(rolled_back(session)) == 1
    assert len(session.scalars(select(LoopDecision)).all()) == 1


def test_a_model_that_was_never_live_cannot_be_gone_back_to(rosa: TestClient, session: Session, world: World) -> None:
    refused = make(world, "reward")
    registry.archive(session, refused, actor=None)
    answer = go_back(rosa, world, refused.id)
    assert (answer.status_code, answer.json()["type"]) == (409, "never-live")
    assert loop(rosa, world)["reward_model_before"] is None
    assert service.state_of(session, world.project.id).decisions == []


def test_another_projects_model_is_not_there(
    rosa: TestClient, client: OpenClient, session: Session, world: World
) -> None:
    foreign = a_world(session)
    assert go_back(rosa, world, foreign.model.id).status_code == 404
    annotator = browser(client, session, world.person("annotator"))
    assert go_back(annotator, world, world.model.id).status_code == 403
