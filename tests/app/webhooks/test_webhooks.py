"""Webhooks in the admin's hands, and the deeds that they are told of."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth.tables import AuditEvent
from app.datasets import service as datasets
from app.loop import pool, warning
from app.registry import service as registry
from app.registry.service import NewModel
from app.runs import leases
from app.runs import service as runs
from app.runs.tables import Run
from app.webhooks import outbox
from app.webhooks.service import MOST_WEBHOOKS
from app.webhooks.tables import Message, Webhook
from tests.app.cast import OpenClient, browser
from tests.app.judgment_rows import World, a_world, submit, take

EVERYTHING = list(outbox.EVENTS)


@pytest.fixture
def world(session: Session) -> World:
    return a_world(session)


@pytest.fixture
def admin(client: OpenClient, world: World) -> TestClient:
    return browser(client, world.session, world.person("admin", "Grace"))


def path(world: World, *rest: object) -> str:
    return "/".join(map(str, (f"/api/v1/projects/{world.project.id}/webhooks", *rest)))


def added(admin: TestClient, world: World, **more: Any) -> dict[str, Any]:
    body = {"url": "https://hooks.example.org/t?key=hush", "events": EVERYTHING, **more}
    answer = admin.post(path(world), json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def told(session: Session) -> list[tuple[str, dict[str, Any]]]:
    return [(message.type, message.data) for message in session.scalars(select(Message).order_by(Message.id))]


def test_a_secret_is_shown_once(admin: TestClient, world: World) -> None:
    made = added(admin, world)
    assert made["secret"].startswith("whsec_")
    (row,) = admin.get(path(world)).json()["items"]
    assert row == made["webhook"]
    assert (row["url"], row["events"]) == ("https://hooks.example.org/t?key=hush", EVERYTHING)
    assert (row["enabled"], row["last"], row["old_secret_until"]) == (True, None, None)
    assert made["secret"] not in str(row)
    again = admin.post(path(world, row["id"], "secret")).json()
    assert again["secret"] != made["secret"]
    assert again["webhook"]["old_secret_until"] is not None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "http://hooks.example.org/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://[::ffff:10.0.0.1]/"}, "url"),
        ({"events": []}, "events"),
        ({"events": ["run.started"]}, "events.0"),
    ],
    ids=["plain http", "loopback", "mapped", "nothing", "unknown"],
)
def test_what_cannot_be_is_refused_with_its_field(
    admin: TestClient, world: World, body: dict[str, Any], field: str
) -> None:
    answer = admin.post(path(world), json={"url": "https://hooks.example.org/", "events": EVERYTHING, **body})
    assert answer.status_code == 422
    problem = answer.json()
    assert field in {problem.get("field"), *(error["field"] for error in problem.get("errors") or [])}
    assert admin.get(path(world)).json()["items"] == []


def test_a_test_goes_the_way_of_every_message(admin: TestClient, world: World) -> None:
    made = added(admin, world)["webhook"]
    answer = admin.post(path(world, made["id"], "test"))
    assert answer.status_code == 202
    assert (answer.json()["type"], answer.json()["state"], answer.json()["attempts"]) == ("webhook.test", "waiting", 0)
    (taken,) = outbox.take(world.session, places=8)
    outbox.failed(world.session, taken, status=500, error="The receiver answered 500.")
    (message,) = admin.get(path(world, made["id"], "messages")).json()["items"]
    assert (message["state"], message["status"], message["attempts"]) == ("waiting", 500, 1)
    assert message["next_attempt_at"] is not None
    assert admin.get(path(world)).json()["items"][0]["last"] == message


def test_switched_off_a_webhook_hears_nothing_and_what_waits_is_given_up(admin: TestClient, world: World) -> None:
    made = added(admin, world)["webhook"]
    outbox.put(world.session, world.project.id, outbox.RUN_FINISHED, run_id=1)
    off = admin.patch(path(world, made["id"]), json={"enabled": False}).json()
    assert off["enabled"] is False
    outbox.put(world.session, world.project.id, outbox.RUN_FINISHED, run_id=2)
    (message,) = admin.get(path(world, made["id"], "messages")).json()["items"]
    assert (message["state"], message["error"]) == ("given_up", "The webhook was switched off.")
    assert admin.post(path(world, made["id"], "test")).status_code == 409
    on = admin.patch(path(world, made["id"]), json={"enabled": True, "events": ["model.promoted"]}).json()
    assert (on["enabled"], on["events"]) == (True, ["model.promoted"])


def test_a_project_has_so_many_and_no_more(admin: TestClient, world: World) -> None:
    ids = [added(admin, world)["webhook"]["id"] for _ in range(MOST_WEBHOOKS)]
    body = {"url": "https://hooks.example.org/", "events": EVERYTHING}
    assert admin.post(path(world), json=body).status_code == 409
    admin.patch(path(world, ids[0]), json={"enabled": False})
    assert admin.post(path(world), json=body).status_code == 201
    assert admin.patch(path(world, ids[0]), json={"enabled": True}).status_code == 409


def test_every_deed_is_on_record_without_secret_or_path(admin: TestClient, world: World) -> None:
    made = added(admin, world)
    webhook_id = made["webhook"]["id"]
    admin.post(path(world, webhook_id, "secret"))
    admin.post(path(world, webhook_id, "test"))
    admin.patch(path(world, webhook_id), json={"enabled": False})
    of_webhooks = select(AuditEvent).where(AuditEvent.object_type == "webhook").order_by(AuditEvent.id)
    rows = list(world.session.scalars(of_webhooks))
    assert [row.action.removeprefix("webhook.") for row in rows] == ["added", "secret_rotated", "tested", "changed"]
    written = str([row.detail for row in rows])
    assert "hooks.example.org" in written
    assert "hush" not in written
    assert "whsec" not in written


def test_a_project_never_hears_of_another(session: Session, admin: TestClient, world: World) -> None:
    added(admin, world)
    other = a_world(session)
    outbox.put(session, other.project.id, outbox.RUN_FINISHED, run_id=1)
    assert told(session) == []


def a_run(world: World) -> Run:
    run = Run(project_id=world.project.id, kind="sample", queue="training", config={}, seed=1)
    world.session.add(run)
    world.session.flush()
    return run


def test_a_run_that_ends_is_told(session: Session, admin: TestClient, world: World) -> None:
    added(admin, world, events=["run.finished"])
    cancelled, done = a_run(world), a_run(world)
    runs.cancel(session, cancelled.id, actor=None)
    held = leases.claim(session, done.id, owner="worker", lease_seconds=30)
    assert held is not None
    leases.start(session, held)
    assert told(session) == [("run.finished", {"project_id": world.project.id, "run_id": cancelled.id})]
    leases.succeed(session, held, {})
    assert told(session)[1:] == [("run.finished", {"project_id": world.project.id, "run_id": done.id})]


def test_a_promotion_is_told_with_its_transaction(session: Session, admin: TestClient, world: World) -> None:
    added(admin, world, events=["model.promoted"])
    new = NewModel(project_id=world.project.id, kind="policy", artifact_sha256="a" * 64, artifact_bytes=1)
    version = registry.register_model(session, new)
    with session.begin_nested() as savepoint:
        registry.promote(session, version, actor=None)
        savepoint.rollback()
    assert told(session) == []
    registry.promote(session, version, actor=None)
    registry.promote(session, version, actor=None)
    assert told(session) == [("model.promoted", {"project_id": world.project.id, "model_version_id": version.id})]


def test_a_snapshot_is_told(session: Session, admin: TestClient, world: World) -> None:
    added(admin, world, events=["snapshot.made"])
    world.task()
    annotator = world.person()
    submit(session, take(world, annotator), annotator)
    snapshot = datasets.freeze_judgments(session, project_id=world.project.id, created_by=None)
    assert told(session) == [("snapshot.made", {"project_id": world.project.id, "dataset_snapshot_id": snapshot.id})]


def test_a_low_pool_is_told_once_until_it_has_filled(session: Session, admin: TestClient, world: World) -> None:
    added(admin, world, events=["task_pool.low"])
    low = ("task_pool.low", {"project_id": world.project.id})
    for _ in range(pool.DRY - 1):
        world.task()
    for _ in range(3):
        warning.warn(session, world.project.id)
    assert told(session) == [low]
    world.task()
    warning.warn(session, world.project.id)
    assert session.scalars(select(Webhook.pool_low_at)).one() is not None, "one task more is not a filled pool"
    for _ in range(warning.FILLED - pool.DRY):
        world.task()
    warning.warn(session, world.project.id)
    session.expire_all()
    assert session.scalars(select(Webhook.pool_low_at)).one() is None
    assert told(session) == [low]


def test_a_low_pool_is_told_anew_where_it_was_not_asked_for_in_between(
    session: Session, admin: TestClient, world: World
) -> None:
    webhook_id = added(admin, world, events=["task_pool.low"])["webhook"]["id"]
    low = ("task_pool.low", {"project_id": world.project.id})
    warning.warn(session, world.project.id)
    for events in (["run.finished"], ["task_pool.low"]):
        assert admin.patch(path(world, webhook_id), json={"events": events}).status_code == 200
    warning.warn(session, world.project.id)
    assert told(session) == [low, low]
    assert admin.patch(path(world, webhook_id), json={"events": EVERYTHING}).status_code == 200
    warning.warn(session, world.project.id)
    assert told(session) == [low, low], "asked for all the time"


def test_nobody_counts_the_pool_where_nobody_asks(
    session: Session, admin: TestClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    added(admin, world, events=["run.finished"])
    monkeypatch.setattr(warning.tasks, "count_ready_tasks", None)
    warning.warn(session, world.project.id)
    assert told(session) == []
