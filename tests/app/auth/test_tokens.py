import pytest
from sqlalchemy import func, select, update

from app.auth.tables import ApiToken
from tests.app import cast


@pytest.fixture
def ada(session):
    return cast.a_user(session)


@pytest.fixture
def project(session, ada):
    return cast.a_project(session, admin=ada)


@pytest.fixture
def browser(client, session, ada):
    return cast.browser(client, session, ada)


def make(browser, **changes):
    return browser.post("/api/v1/tokens", json={"name": "laptop", "scopes": ["read"], "expires_in_days": 30, **changes})


def bearer(client, text):
    return client(headers={"Authorization": f"Bearer {text}"})


def test_a_token_is_shown_once_and_only_its_hash_is_kept(client, session, browser, project):
    body = make(browser).json()
    assert body["token"].startswith(f"plk_{body['lookup']}_")
    [listed] = browser.get("/api/v1/tokens").json()["items"]
    assert listed == {name: value for name, value in body.items() if name != "token"}
    row = session.scalar(select(ApiToken))
    assert len(row.secret_hash) == 32
    assert bearer(client, body["token"]).get(f"/api/v1/projects/{project.id}").status_code == 200


def test_a_damaged_token_is_told_from_a_wrong_one(client, browser):
    token = make(browser).json()["token"]
    damaged = bearer(client, token[:-1]).get("/api/v1/projects")
    assert (damaged.status_code, damaged.json()["type"]) == (401, "token-damaged")
    assert bearer(client, "").get("/api/v1/projects").status_code == 401
    assert client(headers={"Authorization": "Basic abc"}).get("/api/v1/projects").status_code == 401


def test_a_revoked_or_expired_token_is_refused_at_once(client, session, browser):
    revoked, expired = (make(browser).json() for _ in range(2))
    assert browser.delete(f"/api/v1/tokens/{revoked['id']}").status_code == 204
    session.execute(update(ApiToken).where(ApiToken.id == expired["id"]).values(expires_at=func.now()))
    for token in (revoked, expired):
        refused = bearer(client, token["token"]).get("/api/v1/projects")
        assert (refused.status_code, refused.json()["type"]) == (401, "token-invalid")


def test_a_token_without_the_scope_is_refused(client, browser, project):
    reader = bearer(client, make(browser).json()["token"])
    refused = reader.patch(f"/api/v1/projects/{project.id}", json={"name": "Other"})
    assert (refused.status_code, refused.json()["type"]) == (403, "scope")
    admin = bearer(client, make(browser, scopes=["admin"]).json()["token"])
    assert admin.patch(f"/api/v1/projects/{project.id}", json={"name": "Other"}).status_code == 200


def test_a_token_of_one_project_sees_no_other(client, session, ada, browser, project):
    other = cast.a_project(session, admin=ada)
    bound = bearer(client, make(browser, project_id=project.id).json()["token"])
    assert [one["id"] for one in bound.get("/api/v1/projects").json()["items"]] == [project.id]
    assert bound.get(f"/api/v1/projects/{other.id}").status_code == 404


def test_an_operators_token_makes_projects_unless_it_is_bound_to_one(client, session, ada, project):
    ada.is_operator = True
    session.flush()
    codes = [
        cast.program(client, session, ada, project=bound).post("/api/v1/projects", json={"name": "New"}).status_code
        for bound in (None, project)
    ]
    assert codes == [201, 403]


def test_a_token_cannot_make_tokens_or_change_the_password(client, browser):
    everything = bearer(client, make(browser, scopes=["read", "admin"]).json()["token"])
    assert everything.get("/api/v1/tokens").status_code == 403
    assert make(everything).status_code == 403
    assert everything.post("/api/v1/password", json={"current": "x", "new": "y"}).status_code == 403


def test_nobody_revokes_a_strangers_token(client, session, browser):
    token = make(browser).json()
    stranger = cast.browser(client, session, cast.a_user(session, name="Eve"))
    assert stranger.delete(f"/api/v1/tokens/{token['id']}").status_code == 404
    assert stranger.get("/api/v1/tokens").json()["items"] == []


def test_a_token_for_a_strangers_project_cannot_be_made(session, browser):
    foreign = cast.a_project(session, admin=cast.a_user(session, name="Eve"))
    answers = [make(browser, project_id=number) for number in (foreign.id, 10**12)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert len({answer.json()["detail"] for answer in answers}) == 1


@pytest.mark.parametrize(
    "changes", [{"scopes": []}, {"scopes": ["root"]}, {"expires_in_days": 367}, {"expires_in_days": 0}, {"name": " "}]
)
def test_a_token_has_known_scopes_an_end_and_a_name(browser, changes):
    assert make(browser, **changes).status_code == 422


def test_use_is_noted(client, session, browser):
    token = make(browser).json()["token"]
    bearer(client, token).get("/api/v1/projects")
    assert session.scalar(select(ApiToken.last_used_at).execution_options(populate_existing=True))
