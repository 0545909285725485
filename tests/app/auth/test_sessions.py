import pytest
from sqlalchemy import func, select, update

from app.auth import service
from app.auth.tables import AuditEvent, SignInAttempt, SignInSession, User
from tests.app import cast

PASSWORD = "correct horse battery"


@pytest.fixture
def ada(session) -> User:
    return service.create_user(session, name="Ada", email="Ada@Example.org", password=PASSWORD)


def sign_in(client, password=PASSWORD, email="ada@example.org", **options):
    return client.post("/api/v1/session", json={"email": email, "password": password}, **options)


def test_nobody_is_signed_in_at_first(client):
    body = client().get("/api/v1/session").json()
    assert body == {
        "user": None,
        "csrf_token": None,
        "projects": [],
        "setup_needed": True,
        "signing_in_possible": True,
        "problem": None,
    }


def test_signing_in_gives_a_cookie_the_page_cannot_read(client, ada, session):
    project = cast.a_project(session, admin=ada)
    answer = sign_in(browser := client())
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("plackett_session=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    body = browser.get("/api/v1/session").json()
    assert body["user"] == {"id": ada.id, "name": "Ada", "email": "Ada@Example.org", "is_operator": False}
    assert body["projects"] == [{"id": project.id, "name": "Helpful answers", "role": "admin"}]
    assert body["csrf_token"] == answer.json()["csrf_token"]


def test_over_https_the_cookie_is_secure_and_bound_to_its_host(client, ada, session, settings, monkeypatch):
    monkeypatch.setenv("PLACKETT_PUBLIC_URL", "https://plackett.example.org")
    service.get_settings.cache_clear()
    browser = client(base_url="https://plackett.example.org")
    cookie = sign_in(browser).headers["set-cookie"]
    assert cookie.startswith("__Host-plackett_session=")
    assert "Secure" in cookie
    assert browser.get("/api/v1/session").json()["user"]["id"] == ada.id


def test_plain_http_to_another_host_says_why_signing_in_cannot_work(client, ada):
    browser = client(base_url="http://192.168.1.2:8000")
    body = browser.get("/api/v1/session").json()
    assert body["signing_in_possible"] is False
    assert "HTTPS" in body["problem"]
    assert sign_in(browser).json()["type"] == "plain-http"


def test_a_wrong_address_and_a_wrong_password_get_the_same_answer(client, ada):
    browser = client()
    answers = [sign_in(browser, password="wrong horse battery"), sign_in(browser, email="nobody@example.org")]
    bodies = [{**answer.json(), "request_id": None} for answer in answers]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert bodies[0] == bodies[1]
    assert bodies[0]["type"] == "wrong-credentials"


def test_a_failed_try_is_kept_and_the_eleventh_is_refused(client, ada, session):
    browser = client()
    for _ in range(10):
        assert sign_in(browser, password="wrong").status_code == 401
    refused = sign_in(browser)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "900"
    assert session.scalar(select(func.count()).select_from(SignInAttempt)) == 30


def test_signing_in_again_ends_the_session_before(client, ada):
    browser = client()
    first = sign_in(browser).cookies["plackett_session"]
    second = sign_in(browser).cookies["plackett_session"]
    assert first != second
    old = client()
    old.cookies.set("plackett_session", first)
    assert old.get("/api/v1/session").json()["user"] is None


def test_signing_out_makes_the_cookie_worthless(client, ada, session):
    browser = client()
    csrf = sign_in(browser).json()["csrf_token"]
    stolen = browser.cookies["plackett_session"]
    assert browser.delete("/api/v1/session", headers={"X-CSRF-Token": csrf}).status_code == 204
    thief = client()
    thief.cookies.set("plackett_session", stolen)
    assert thief.get("/api/v1/projects").status_code == 401
    assert [event.action for event in session.scalars(select(AuditEvent).order_by(AuditEvent.id))] == [
        "user.created",
        "session.started",
        "session.ended",
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-CSRF-Token": "guessed"},
        {"X-CSRF-Token": "right", "Origin": "https://evil.example"},
        {"X-CSRF-Token": "right", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_foreign_page_cannot_act_with_my_cookie(client, ada, headers):
    browser = client()
    csrf = sign_in(browser).json()["csrf_token"]
    sent = {name: csrf if value == "right" else value for name, value in headers.items()}
    assert browser.delete("/api/v1/session", headers=sent).status_code == 403
    assert browser.get("/api/v1/session").json()["user"] is not None


def test_a_foreign_page_cannot_sign_me_in_as_somebody_else(client, ada):
    answer = sign_in(client(), headers={"Origin": "https://evil.example"})
    assert answer.json()["type"] == "foreign-origin"
    assert sign_in(client(), headers={"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_an_unused_session_runs_out_and_a_used_one_is_prolonged(client, ada, session):
    used, unused = (cast.browser(client, session, ada) for _ in range(2))
    ids = list(session.scalars(select(SignInSession.id).order_by(SignInSession.id)))
    soon = func.now() + service.timedelta(minutes=5)
    long_ago = func.now() - service.timedelta(days=3)
    session.execute(
        update(SignInSession).where(SignInSession.id == ids[0]).values(expires_at=soon, last_seen_at=long_ago)
    )
    session.execute(update(SignInSession).where(SignInSession.id == ids[1]).values(expires_at=func.now()))
    assert used.get("/api/v1/session").json()["user"]
    assert unused.get("/api/v1/session").json()["user"] is None
    prolonged = select(SignInSession.expires_at > func.now() + service.timedelta(days=13)).where(
        SignInSession.id == ids[0]
    )
    assert session.scalar(prolonged)


def test_a_disabled_person_is_out_at_once(client, ada, session):
    browser = cast.browser(client, session, ada)
    program = cast.program(client, session, ada)
    session.execute(update(User).values(disabled_at=func.now()))
    assert browser.get("/api/v1/projects").status_code == 401
    assert program.get("/api/v1/projects").status_code == 401
    assert sign_in(client()).status_code == 401


def test_changing_the_password_ends_every_other_session(client, ada, session):
    here, elsewhere = (cast.browser(client, session, ada) for _ in range(2))
    change = {"current": PASSWORD, "new": "battery horse correct"}
    assert here.post("/api/v1/password", json={**change, "current": "wrong"}).status_code == 401
    assert here.post("/api/v1/password", json={**change, "new": "short"}).json()["type"] == "weak-password"
    answer = here.post("/api/v1/password", json=change)
    assert answer.status_code == 200
    assert here.get("/api/v1/session").json()["user"]["id"] == ada.id
    assert elsewhere.get("/api/v1/session").json()["user"] is None
    assert sign_in(client()).status_code == 401
    assert sign_in(client(), password="battery horse correct").status_code == 200
