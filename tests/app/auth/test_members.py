import pytest
from sqlalchemy import select

from app.auth.tables import AuditEvent
from tests.app import cast


@pytest.fixture
def boss(session):
    return cast.a_user(session, name="Boss")


@pytest.fixture
def project(session, boss):
    return cast.a_project(session, admin=boss)


@pytest.fixture
def admin(client, session, boss):
    return cast.browser(client, session, boss)


def test_members_are_listed_with_their_standing(session, admin, project, boss):
    annotator = cast.a_member(session, project, "annotator")
    path = f"/api/v1/projects/{project.id}/members"
    first = admin.get(path, params={"limit": 1}).json()
    second = admin.get(path, params={"limit": 1, "cursor": first["next_cursor"]}).json()
    assert first["items"][0]["user"] == {"id": boss.id, "name": boss.name, "email": boss.email}
    assert second["items"][0]["user"]["id"] == annotator.id
    assert second["items"][0]["role"] == "annotator"
    assert second["items"][0]["paused"] is False
    assert second["next_cursor"] is None


def test_a_role_changes_from_the_next_request_on(client, session, admin, project):
    user = cast.a_member(session, project, "annotator")
    theirs = cast.browser(client, session, user)
    path = f"/api/v1/projects/{project.id}"
    assert theirs.get(f"{path}/members").status_code == 403
    assert admin.patch(f"{path}/members/{user.id}", json={"role": "admin"}).json()["role"] == "admin"
    assert theirs.get(f"{path}/members").status_code == 200


def test_a_member_is_paused_and_goes_on(session, admin, project):
    user = cast.a_member(session, project, "annotator")
    path = f"/api/v1/projects/{project.id}/members/{user.id}"
    assert admin.patch(path, json={"paused": True}).json()["paused"] is True
    assert admin.patch(path, json={"role": "researcher"}).json()["paused"] is True
    assert admin.patch(path, json={"paused": False}).json() | {"joined_at": ""} == {
        "user": {"id": user.id, "name": user.name, "email": user.email},
        "role": "researcher",
        "paused": False,
        "joined_at": "",
    }


def test_the_last_admin_stays(session, admin, project, boss):
    path = f"/api/v1/projects/{project.id}/members"
    assert admin.patch(f"{path}/{boss.id}", json={"role": "annotator"}).json()["type"] == "last-admin"
    assert admin.delete(f"{path}/{boss.id}").json()["type"] == "last-admin"
    cast.a_member(session, project, "admin")
    assert admin.delete(f"{path}/{boss.id}").status_code == 204
    assert admin.get(path).status_code == 404


def test_whoever_is_removed_no_longer_sees_the_project(client, session, admin, project):
    user = cast.a_member(session, project, "annotator")
    theirs = cast.browser(client, session, user)
    assert theirs.get(f"/api/v1/projects/{project.id}").status_code == 200
    assert admin.delete(f"/api/v1/projects/{project.id}/members/{user.id}").status_code == 204
    assert theirs.get(f"/api/v1/projects/{project.id}").status_code == 404
    assert admin.delete(f"/api/v1/projects/{project.id}/members/{user.id}").status_code == 404


def test_each_deed_is_in_the_audit_trail(session, admin, project, boss):
    user = cast.a_member(session, project, "annotator")
    admin.patch(f"/api/v1/projects/{project.id}/members/{user.id}", json={"paused": True})
    admin.delete(f"/api/v1/projects/{project.id}/members/{user.id}")
    events = admin.get(f"/api/v1/projects/{project.id}/audit-events").json()["items"]
    assert [event["action"] for event in events] == ["member.removed", "member.changed", "project.created"]
    assert events[1]["actor"]["id"] == boss.id
    assert events[1]["object_id"] == str(user.id)
    assert events[1]["detail"] == {"paused": True}
    assert session.scalar(select(AuditEvent.request_id).order_by(AuditEvent.id.desc()).limit(1))
