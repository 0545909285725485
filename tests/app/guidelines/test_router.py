"""Guidelines: saved as versions on top of the one that was read, kept for ever, shown with their changes."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth.tables import AuditEvent
from tests.app.cast import browser
from tests.app.judgment_rows import World, a_world

OpenClient = Callable[..., TestClient]


@pytest.fixture
def world(session: Session) -> World:
    return a_world(session)


@pytest.fixture
def admin(world: World, client: OpenClient) -> TestClient:
    return browser(client, world.session, world.person("admin", "Grace"))


@pytest.fixture
def annotator(world: World, client: OpenClient) -> TestClient:
    return browser(client, world.session, world.person())


def path(world: World, rest: str = "") -> str:
    return f"/api/v1/projects/{world.project.id}/guidelines{rest}"


def save(admin: TestClient, world: World, text: str, basis: int | None) -> Any:
    return admin.put(path(world), json={"text": text, "basis": basis})


def test_no_guidelines_are_an_empty_text(world: World, annotator: TestClient) -> None:
    nothing = {"number": None, "text": "", "created_at": None, "created_by": None, "seen": None}
    assert annotator.get(path(world)).json() == nothing
    assert annotator.get(path(world, "/versions")).json() == {"items": [], "next_cursor": None}
    assert annotator.get(path(world, "/versions/1")).status_code == 404


def test_every_save_is_a_version(world: World, admin: TestClient, annotator: TestClient) -> None:
    assert save(admin, world, "Be kind.", None).json()["number"] == 1
    assert save(admin, world, "Be kind and brief.", 1).json()["number"] == 2
    now = annotator.get(path(world)).json()
    assert (now["number"], now["text"], now["created_by"]) == (2, "Be kind and brief.", "Grace")
    assert annotator.get(path(world, "/versions/1")).json()["text"] == "Be kind."
    assert [one["number"] for one in annotator.get(path(world, "/versions")).json()["items"]] == [2, 1]
    audited = select(AuditEvent.detail).where(AuditEvent.action == "guidelines.saved").order_by(AuditEvent.id)
    assert [detail["number"] for detail in world.session.scalars(audited)] == [1, 2]


def test_a_save_on_top_of_an_older_version_is_refused_and_changes_nothing(world: World, admin: TestClient) -> None:
    save(admin, world, "First.", None)
    save(admin, world, "Second.", 1)
    for basis in (None, 1, 3):
        refusal = save(admin, world, "Mine.", basis)
        assert (refusal.status_code, refusal.json()["type"]) == (409, "guidelines-changed")
    assert admin.get(path(world)).json()["text"] == "Second."


def test_saving_the_same_text_again_is_no_new_version(world: World, admin: TestClient) -> None:
    save(admin, world, "Be kind.", None)
    assert save(admin, world, "Be kind.", None).json()["number"] == 1
    assert save(admin, world, "Be kind.", 1).json()["number"] == 1


def test_an_empty_text_ends_guidelines_but_does_not_begin_them(world: World, admin: TestClient) -> None:
    assert save(admin, world, "", None).json()["field"] == "text"
    save(admin, world, "Be kind.", None)
    assert save(admin, world, "", 1).json()["number"] == 2


def test_what_a_person_was_shown_only_grows(world: World, admin: TestClient, annotator: TestClient) -> None:
    for number in range(3):
        save(admin, world, f"Version {number}.", number or None)
    for number, known in ((2, 2), (1, 2), (3, 3)):
        assert annotator.post(path(world, "/seen"), json={"number": number}).status_code == 204
        assert annotator.get(path(world)).json()["seen"] == known
    assert annotator.post(path(world, "/seen"), json={"number": 4}).status_code == 404
    assert admin.get(path(world)).json()["seen"] is None


def test_the_old_setting_says_where_guidelines_went(world: World, admin: TestClient) -> None:
    refusal = admin.patch(f"/api/v1/projects/{world.project.id}", json={"settings": {"guidelines": "Be kind."}})
    assert (refusal.status_code, refusal.json()["field"]) == (422, "settings.guidelines")
    assert "PUT /api/v1/projects/{project_id}/guidelines" in refusal.json()["advice"]
