import pytest
from sqlalchemy import select

from app.auth.tables import AuditEvent
from tests.app import cast


@pytest.fixture
def operator(client, session):
    return cast.browser(client, session, cast.a_user(session, name="Boss", is_operator=True))


def test_the_operator_makes_a_project_and_is_its_admin(operator, session):
    body = operator.post("/api/v1/projects", json={"name": " Helpful ", "settings": {"overlap": 2}}).json()
    assert (body["name"], body["role"], body["description"]) == ("Helpful", "admin", "")
    assert body["settings"]["overlap"] == 2
    assert body["settings"]["completions_per_task"] == 4
    assert operator.get(f"/api/v1/projects/{body['id']}").json() == body
    assert session.scalar(select(AuditEvent.action).where(AuditEvent.project_id == body["id"])) == "project.created"


def test_whoever_does_not_run_the_instance_makes_no_project(client, session):
    other = cast.browser(client, session, cast.a_user(session))
    refused = other.post("/api/v1/projects", json={"name": "Mine"})
    assert (refused.status_code, refused.json()["type"]) == (403, "not-operator")


def test_a_part_of_the_settings_is_changed_and_the_rest_stays(operator):
    project = operator.post("/api/v1/projects", json={"name": "One", "settings": {"loop": {"paused": True}}}).json()
    path = f"/api/v1/projects/{project['id']}"
    changed = operator.patch(path, json={"settings": {"loop": {"run_ppo": False}}, "description": "d"}).json()
    assert (changed["settings"]["loop"]["paused"], changed["settings"]["loop"]["run_ppo"]) == (True, False)
    assert (changed["name"], changed["description"]) == ("One", "d")
    whole = operator.patch(path, json={"settings": changed["settings"] | {"overlap": 3}}).json()
    assert whole["settings"] == changed["settings"] | {"overlap": 3}


def test_a_wrong_setting_changes_nothing_and_is_named(operator):
    project = operator.post("/api/v1/projects", json={"name": "One"}).json()
    path = f"/api/v1/projects/{project['id']}"
    refused = operator.patch(path, json={"name": "Two", "settings": {"overlap": 0, "flags": ["A"]}})
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in refused.json()["errors"]] == ["settings.overlap", "settings.flags.0"]


def test_projects_are_listed_for_their_members_only_page_by_page(client, session, operator):
    mine = [operator.post("/api/v1/projects", json={"name": f"{n}"}).json()["id"] for n in range(3)]
    cast.a_project(session, admin=cast.a_user(session))
    first = operator.get("/api/v1/projects", params={"limit": 2}).json()
    second = operator.get("/api/v1/projects", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [one["id"] for page in (first, second) for one in page["items"]] == mine
    assert second["next_cursor"] is None


def test_an_archived_project_is_gone_for_everybody(operator, session):
    project = operator.post("/api/v1/projects", json={"name": "One"}).json()
    row = session.get(cast.Project, project["id"])
    row.archived_at = row.created_at
    session.flush()
    assert operator.get(f"/api/v1/projects/{project['id']}").status_code == 404
    assert operator.get("/api/v1/projects").json()["items"] == []
