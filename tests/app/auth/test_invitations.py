import pytest
from sqlalchemy import func, select, update

from app.auth import invitations, service
from app.auth.tables import Invitation, User
from app.projects.tables import Membership
from tests.app import cast

PASSWORD = "correct horse battery"


def redeem(client, token, **changes):
    body = {"token": token, "name": "Ada", "email": "ada@example.org", "password": PASSWORD, **changes}
    return client.post("/api/v1/invitations/redeem", json=body)


def link_token(admin, project, **body):
    answer = admin.post(f"/api/v1/projects/{project.id}/invitations", json={"role": "annotator", **body})
    assert answer.status_code == 201, answer.text
    return answer.json()["link"].partition("#")[2]


@pytest.fixture
def project(session):
    return cast.a_project(session, admin=cast.a_user(session, name="Boss"))


@pytest.fixture
def admin(client, session, project):
    return cast.browser(client, session, session.get(User, project.created_by))


def test_the_first_admin_gets_the_demo_project_and_is_signed_in(client, session):
    demo = cast.a_project(session)
    token = invitations.issue_first_admin_link(session)
    browser = client()
    peeked = browser.post("/api/v1/invitations/peek", json={"token": token}).json()
    assert (peeked["kind"], peeked["project"], peeked["role"], peeked["email"]) == ("first_admin", None, "admin", None)
    body = redeem(browser, token).json()
    assert body["user"]["is_operator"] is True
    assert body["projects"] == [{"id": demo.id, "name": "Helpful answers", "role": "admin"}]
    assert body["setup_needed"] is False
    assert browser.get("/api/v1/projects").status_code == 200


def test_the_first_admin_link_works_once_and_the_newest_only(client, session):
    old, new = (invitations.issue_first_admin_link(session) for _ in range(2))
    assert redeem(client(), old).json()["type"] == "invitation-expired"
    assert redeem(client(), new).status_code == 200
    again = redeem(client(), new, email="eve@example.org")
    assert again.json()["type"] == "invitation-used"
    assert service.find_user(session, "eve@example.org") is None


def test_the_first_admin_link_lasts_an_hour(client, session):
    token = invitations.issue_first_admin_link(session)
    lasts = session.scalar(select(Invitation.expires_at - func.now()))
    assert lasts == invitations.FIRST_ADMIN_LINK_LASTS
    session.execute(update(Invitation).values(expires_at=func.now()))
    assert redeem(client(), token).status_code == 404
    assert service.setup_needed(session)


def test_a_new_link_lets_an_operator_back_in_who_forgot_the_password(client, session):
    assert redeem(client(), invitations.issue_first_admin_link(session)).status_code == 200
    answer = redeem(client(), invitations.issue_first_admin_link(session), password="battery horse correct")
    assert answer.status_code == 200
    assert session.scalar(select(func.count()).select_from(User)) == 1
    user = service.verify(session, email="ada@example.org", password="battery horse correct", address=None)
    assert user is not None


def test_only_hashes_of_links_are_stored(session):
    token = invitations.issue_first_admin_link(session)
    row = session.scalar(select(Invitation))
    assert token.encode() not in row.token_hash
    assert len(row.token_hash) == 32


def test_an_invited_annotator_joins_with_the_role_of_the_invitation(client, session, admin, project):
    token = link_token(admin, project)
    body = redeem(client(), token).json()
    assert body["projects"] == [{"id": project.id, "name": project.name, "role": "annotator"}]
    assert body["user"]["is_operator"] is False


def test_the_role_in_the_body_is_refused(client, admin, project):
    assert redeem(client(), link_token(admin, project), role="admin").status_code == 422


def test_an_invitation_for_one_address_is_for_nobody_else(client, admin, project):
    token = link_token(admin, project, email="grace@example.org")
    assert redeem(client(), token).json()["field"] == "email"
    assert redeem(client(), token, email="Grace@example.org").status_code == 200


def test_whoever_has_an_account_joins_with_its_password(client, session, admin, project):
    service.create_user(session, name="Ada", email="ada@example.org", password=PASSWORD)
    token = link_token(admin, project)
    assert redeem(client(), token, password="wrong horse battery").status_code == 401
    assert redeem(client(), token).status_code == 200
    assert session.scalar(select(func.count()).select_from(User)) == 2


def test_a_member_cannot_join_twice(client, session, admin, project):
    assert redeem(client(), link_token(admin, project)).status_code == 200
    assert redeem(client(), link_token(admin, project)).json()["type"] == "already-member"


def test_a_weak_password_leaves_the_invitation_open(client, admin, project):
    token = link_token(admin, project)
    assert redeem(client(), token, password="short").json()["type"] == "weak-password"
    assert redeem(client(), token).status_code == 200


def test_an_invitation_can_be_listed_and_taken_back(client, session, admin, project):
    token = link_token(admin, project)
    path = f"/api/v1/projects/{project.id}/invitations"
    [listed] = admin.get(path).json()["items"]
    assert "link" not in listed
    assert admin.delete(f"{path}/{listed['id']}").status_code == 204
    assert admin.delete(f"{path}/{listed['id']}").status_code == 404
    assert admin.get(path).json()["items"] == []
    assert redeem(client(), token).json()["type"] == "invitation-expired"
    assert session.scalar(select(func.count()).select_from(Membership)) == 1


def test_a_mistyped_link_is_told(client):
    answer = client().post("/api/v1/invitations/peek", json={"token": "nothing"})
    assert answer.status_code == 404
    assert answer.json()["type"] == "invitation-unknown"
