"""Hostile values in every place that takes one: a clear refusal or a harmless success, never a failure of ours."""

import json
import re
from typing import Any

import pytest

from app.runs.tables import Run
from tests.app import cast
from tests.app.judgment_rows import a_world, take
from tests.app.test_doors import TABLE

INTERNALS = re.compile(r"Traceback|psycopg|sqlalchemy|SELECT |site-packages")
DEEP = "[" * 100_000 + "]" * 100_000
# JSON as it travels, because Python's own writer would not make some of these.
VALUES = {
    "nul": '"a\\u0000b"',
    "lone surrogate": '"\\ud800"',
    "escape character": '"\\u001b[31m"',
    "nan": "NaN",
    "infinity": "-Infinity",
    "overflow": "1e999",
    "two to the 63rd": str(2**63),
    "5,000 digits": "9" * 5000,
    "negative": "-1",
    "a megabyte": '"' + "a" * 1_000_000 + '"',
    "deep array": DEEP,
    "deep object": '{"a":' * 5_000 + "1" + "}" * 5_000,
    "object": '{"\\ud800": {"__proto__": 1}}',
    "null": "null",
    "true": "true",
    "empty": '""',
    "list": '["\\u0000", NaN]',
    "bidi": '"\\u202e\\u2066"',
    "year 99999": '"99999-01-01T00:00:00Z"',
}
WHOLE = [
    "",
    "null",
    "[]",
    '"text"',
    "{",
    '{"a":1,"a":2}',
    "\ud83d",
    DEEP,
    VALUES["deep object"],
    "9" * 5000,
    '{"\\ud800":1}',
]
BODIES: dict[str, dict[str, Any]] = {
    "POST /api/v1/session": {"email": "ada@example.org", "password": "wrong"},
    "POST /api/v1/password": {"current": "wrong", "new": "correct horse battery"},
    "POST /api/v1/invitations/peek": {"token": "x"},
    "POST /api/v1/invitations/redeem": {"token": "x", "name": "Ada", "email": "ada@example.org", "password": "x"},
    "POST /api/v1/tokens": {"name": "t", "scopes": ["read"], "project_id": 1, "expires_in_days": 1},
    "POST /api/v1/projects": {"name": "p", "description": "d", "settings": {}},
    "PATCH /api/v1/projects/{project_id}": {"name": "p", "description": "d", "settings": {}},
    "PUT /api/v1/projects/{project_id}/guidelines": {"text": "t", "basis": 1},
    "POST /api/v1/projects/{project_id}/guidelines/seen": {"number": 1},
    "PATCH /api/v1/projects/{project_id}/members/{user_id}": {"role": "admin", "paused": True},
    "POST /api/v1/projects/{project_id}/invitations": {"role": "annotator", "email": "a@example.org"},
    "POST /api/v1/projects/{project_id}/rollback": {"model_version_id": 1},
    "PATCH /api/v1/projects/{project_id}/tasks": {"overlap": 2, "which": "all"},
    "PATCH /api/v1/projects/{project_id}/tasks/{task_id}": {"overlap": 2, "reserved_for": 1},
    "POST /api/v1/projects/{project_id}/tasks/claim": {"holding": [1]},
    "PUT /api/v1/assignments/{assignment_id}/draft": {
        "tiers": [], "ratings": {}, "flags": {}, "rationale": "r", "strength": 1, "aspects": {}, "prompt_flags": [],
        "none_acceptable": True, "text": "t", "sequence": 1,
    },
    "POST /api/v1/assignments/{assignment_id}/ranking": {
        "tiers": [], "ratings": {}, "flags": {}, "rationale": "r", "touched": True, "moves": 1, "active_ms": 1,
        "strength": 1, "aspects": {}, "prompt_flags": [], "none_acceptable": True, "guideline_number": 1,
        "presentation": {},
    },
    "POST /api/v1/assignments/{assignment_id}/skip": {"reason": "other"},
    "POST /api/v1/assignments/{assignment_id}/report": {"reason": "other", "note": "n"},
    "POST /api/v1/assignments/{assignment_id}/demonstration": {"text": "t", "active_ms": 1},
    "POST /api/v1/projects/{project_id}/reports/{report_id}/resolution": {"outcome": "dismissed"},
    "POST /api/v1/projects/{project_id}/known-answers": {
        "purpose": "gold", "tiers": [], "explanation": "e", "task_id": 1, "prompt_id": 1, "completion_ids": [1],
    },
    "POST /api/v1/projects/{project_id}/writing-tasks": {"count": 1, "overlap": 1, "prompt_set_id": 1},
    "POST /api/v1/projects/{project_id}/writing-tasks/claim": {"holding": [1]},
    "POST /api/v1/projects/{project_id}/runs": {"kind": "sample", "config": {}},
    "POST /api/v1/projects/{project_id}/runs/estimate": {"kind": "sample", "config": {}},
    "PUT /api/v1/runs/{run_id}/priority": {"priority": "urgent"},
    "POST /api/v1/cycles/{cycle_id}/promotion": {"accept": True},
    "POST /api/v1/projects/{project_id}/blind-comparisons": {
        "candidate_id": 1, "rival_id": 1, "prompts": 1, "seed": 1,
    },
    "POST /api/v1/projects/{project_id}/webhooks": {"url": "https://example.org/", "events": ["run.finished"]},
    "PATCH /api/v1/projects/{project_id}/webhooks/{webhook_id}": {"events": ["run.finished"], "enabled": True},
}  # fmt: skip
SETTINGS = [
    "overlap", "lease_minutes", "flags", "guidelines", "ask_strength", "aspects", "prompt_flags", "gold_rate",
    "practice", "daily_cap", "sampling", "loop", "reward", "ppo", "nobody_knows",
]  # fmt: skip
HEADERS = {"Content-Type": "application/json", "Idempotency-Key": "a-key-of-its-own-0"}


@pytest.fixture
def admin(client, session, ids):
    return cast.browser(client, session, session.get(cast.User, ids["user_id"]))


@pytest.fixture
def ids(session):
    world = a_world(session)
    boss = world.person("admin", "Boss")
    boss.is_operator = True
    world.task()
    run = Run(project_id=world.project.id, kind="reward", queue="training", config={}, seed=1)
    session.add(run)
    session.flush()
    own = {"project_id": world.project.id, "user_id": boss.id, "assignment_id": take(world, boss).id, "run_id": run.id}
    others = ("token_id", "invitation_id", "prompt_set_id", "cycle_id", "report_id", "task_id", "ranking_id")
    others += ("completion_id", "model_version_id", "webhook_id", "comparison_id")
    return {**dict.fromkeys(others, 1), **own}


def send(client, session, route: str, ids: dict[str, Any], raw: str) -> None:
    """Send `raw` as a body and see that whatever comes back was meant to; undo what it did."""
    method, _, path = route.partition(" ")
    with session.begin_nested() as savepoint:
        content = raw.encode("utf-8", "surrogatepass")
        answer = client.request(method, path.format(**ids), content=content, headers=HEADERS)
        if savepoint.is_active:
            savepoint.rollback()
    session.expire_all()
    check(answer, raw)


def check(answer: Any, sent: str) -> None:
    shown = f"{sent[:60]!r}: {answer.status_code} {answer.text[:300]}"
    assert answer.status_code < 500, shown
    assert not INTERNALS.search(answer.text), shown
    assert len(answer.content) < 20_000, shown
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", shown
        assert json.loads(answer.content)["detail"], shown


def test_every_route_with_a_body_is_tried(settings):
    from app.main import create_app  # noqa: PLC0415 - only this test needs the document

    with_body = {
        f"{method.upper()} {path}"
        for path, methods in create_app().openapi()["paths"].items()
        for method, operation in methods.items()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    }
    assert with_body == set(BODIES)


@pytest.mark.parametrize("route", BODIES)
def test_hostile_values_in_every_field(route, admin, session, ids):
    for name in BODIES[route]:
        for hostile in VALUES.values():
            others = {key: json.dumps(value) for key, value in BODIES[route].items() if key != name}
            members = [f'"{key}": {value}' for key, value in {**others, name: hostile}.items()]
            send(admin, session, route, ids, "{" + ",".join(members) + "}")


@pytest.mark.parametrize("route", BODIES)
def test_bodies_that_are_no_object(route, admin, session, ids):
    for raw in WHOLE:
        send(admin, session, route, ids, raw)


@pytest.mark.parametrize("route", ["POST /api/v1/projects", "PATCH /api/v1/projects/{project_id}"])
def test_hostile_settings(route, admin, session, ids):
    for name in SETTINGS:
        for hostile in VALUES.values():
            inner = f'{{"name": "p", "settings": {{"{name}": {hostile}}}}}'
            send(admin, session, route, ids, inner)
            send(admin, session, route, ids, inner.replace(hostile, f'{{"{name}": {hostile}}}'))


@pytest.mark.parametrize("kind", ["sample", "reward", "ppo", "import_model", "nothing"])
def test_hostile_run_settings(kind, admin, session, ids):
    for hostile in VALUES.values():
        for name in ("seed", "epochs", "temperature", "nobody_knows"):
            raw = f'{{"kind": "{kind}", "config": {{"{name}": {hostile}}}}}'
            send(admin, session, "POST /api/v1/projects/{project_id}/runs", ids, raw)


@pytest.mark.parametrize("value", ["0", "-1", str(2**63), "9" * 400, "NaN", "1e3", "%00", "%ED%A0%80", "..%2f..", "١"])
def test_hostile_ids_in_paths(value, admin):
    for route in (one for one in TABLE if "{" in one and not one.endswith("/events")):
        method, _, path = route.partition(" ")
        answer = admin.request(method, re.sub(r"\{\w+\}", value, path), headers=HEADERS)
        check(answer, f"{route} {value}")
        assert answer.status_code in (404, 405, 422)


@pytest.mark.parametrize("value", ["-1", str(2**63), "9" * 5000, "%00", "%ED%A0%80", "'; DROP TABLE users; --"])
def test_hostile_questions(value, admin, ids):
    names = ("limit", "cursor", "prompt_set_id", "prompt_id", "split", "kind", "stage", "state", "format")
    asked = (one for one in TABLE if one.startswith("GET") and not one.endswith("}") and "{run_id}" not in one)
    # The forms of all kinds are long whatever one asks.
    for route in (one for one in asked if not one.endswith("/run-kinds")):
        path = route.partition(" ")[2].format(**ids)
        for name in names:
            check(admin.get(f"{path}?{name}={value}"), f"{route} {name}={value}")


@pytest.mark.parametrize("name", ["Authorization", "Cookie", "X-CSRF-Token", "Idempotency-Key", "Origin", "Host"])
def test_hostile_headers(name, admin, ids):
    path = f"/api/v1/projects/{ids['project_id']}/cycles"
    for value in (b"\xff\xfe", b"a" * 60_000, b"Bearer plk_\xed\xa0\x80", b"plackett_session=\xff", b"["):
        check(admin.post(path, headers={name: value}), f"{name}: {value[:40]!r}")
