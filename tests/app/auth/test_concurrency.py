"""What holds only when requests really commit, several at a time."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from app.auth import invitations, members, service, throttle
from app.auth.tables import SignInAttempt, User
from app.db import transaction
from app.errors import Conflict
from app.main import create_app
from app.projects.tables import Membership
from tests.app import cast

pytestmark = pytest.mark.commits
PASSWORD = "correct horse battery"


@pytest.fixture
def app(committed_database):
    return create_app()


def post(app, path: str, body: dict) -> int:
    with TestClient(app, base_url="http://localhost") as client:
        return client.post(path, json=body).status_code


def all_at_once(function, times: int) -> list:
    with ThreadPoolExecutor(times) as pool:
        return [future.result() for future in [pool.submit(function, number) for number in range(times)]]


def test_many_guesses_at_once_are_counted_all_the_same(app):
    with transaction() as session:
        service.create_user(session, name="Ada", email="ada@example.org", password=PASSWORD)
    guess = {"email": "ada@example.org", "password": "wrong horse battery"}
    codes = all_at_once(lambda _: post(app, "/api/v1/session", guess), 15)
    # On a busy machine some wait in vain for their turn; alone they get it.
    codes = [post(app, "/api/v1/session", guess) if code == 503 else code for code in codes]
    assert codes.count(429) >= 5
    assert set(codes) <= {401, 429}
    with transaction() as session:
        counted = session.scalar(select(func.count()).select_from(SignInAttempt))
    assert counted == 3 * codes.count(401) <= 3 * throttle.PER_PAIR


def test_one_link_opened_by_many_at_once_lets_one_in(app):
    with transaction() as session:
        token = invitations.issue_first_admin_link(session)

    def redeem(number: int) -> int:
        body = {"token": token, "name": "Ada", "email": f"ada{number}@example.org", "password": PASSWORD}
        return post(app, "/api/v1/invitations/redeem", body)

    codes = all_at_once(redeem, 6)
    assert sorted(codes) == [200, 404, 404, 404, 404, 404]
    with transaction() as session:
        assert session.scalar(select(func.count()).select_from(User)) == 1


def test_two_admins_who_demote_each_other_leave_one(app):
    with transaction() as session:
        first = cast.a_user(session)
        project = cast.a_project(session, admin=first)
        people = [first, cast.a_member(session, project, "admin")]
        ids = [person.id for person in people]

    def demote(number: int) -> bool:
        try:
            with transaction() as session:
                members.change_member(
                    session,
                    actor=people[1 - number],
                    project_id=project.id,
                    user_id=ids[number],
                    role="annotator",
                    paused=None,
                )
        except Conflict:
            return False
        return True

    assert sorted(all_at_once(demote, 2)) == [False, True]
    with transaction() as session:
        admins = select(func.count()).where(Membership.project_id == project.id, Membership.role == "admin")
        assert session.scalar(admins) == 1


def test_a_refused_request_leaves_nothing_behind(app):
    with transaction() as session:
        token = invitations.issue_first_admin_link(session)
    body = {"token": token, "name": "Ada", "email": "ada@example.org", "password": "short"}
    assert post(app, "/api/v1/invitations/redeem", body) == 422
    with transaction() as session:
        assert session.scalar(select(func.count()).select_from(User)) == 0
    assert post(app, "/api/v1/invitations/redeem", body | {"password": PASSWORD}) == 200
