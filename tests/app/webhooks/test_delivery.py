"""Messages on their way to a real receiver: signed, repeated, given up, bounded in time, and never redirected."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select, text

from app.auth.tables import AuditEvent
from app.config import Settings
from app.db import new_session, transaction
from app.projects.service import create_project
from app.webhooks import keys, outbox, service, signing
from app.webhooks.delivery import Couriers
from app.webhooks.tables import Message, Webhook
from tests.app.cast import a_user
from tests.app.webhooks.receiver import Receiver, receiving
from tests.conftest import Database

pytestmark = pytest.mark.commits
LATER = text("UPDATE outbox SET available_at = now() WHERE delivered_at IS NULL")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


@pytest.fixture(autouse=True)
def settings(committed_database: Database, use_settings: Callable[..., Settings]) -> Settings:
    return use_settings(webhook_private_addresses=True, webhook_timeout_seconds=30)


def a_webhook(url: str) -> tuple[int, str]:
    """A webhook that asks for finished runs, in a project of its own: its project and its secret."""
    with transaction() as session:
        project = create_project(session, creator=a_user(session), name="Hooked")
        made = service.add(session, project.id, actor=a_user(session), url=url, events=[outbox.RUN_FINISHED])
        return project.id, made.secret


def tell(project_id: int, run_id: int = 7) -> None:
    with transaction() as session:
        outbox.put(session, project_id, outbox.RUN_FINISHED, run_id=run_id)


def deliver() -> None:
    couriers = Couriers()
    couriers.send_out()
    couriers.wait()


def messages() -> list[Message]:
    with transaction() as session:
        return list(session.scalars(select(Message).order_by(Message.id)))


def the_message() -> Message:
    (message,) = messages()
    return message


def soon(holds: Callable[[], bool]) -> None:
    """Wait until something holds, and fail when it does not."""
    until = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


def somebody_waits() -> bool:
    """Whether a transaction waits for another's lock; asked anew each time, as one transaction sees one answer."""
    waits = text("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)")
    with transaction() as session:
        return bool(session.scalar(waits))


def make_due() -> None:
    with transaction() as session:
        session.execute(LATER)


def test_a_message_arrives_signed_with_ids_and_nothing_else(receiver: Receiver) -> None:
    project_id, secret = a_webhook(receiver.url)
    tell(project_id)
    deliver()
    (request,) = receiver.verified(secret, time.time())
    body = json.loads(request.body)
    assert set(body) == {"type", "timestamp", "data"}
    assert (body["type"], body["data"]) == ("run.finished", {"project_id": project_id, "run_id": 7})
    assert (request.path, request.headers["content-type"]) == ("/hook?key=1", "application/json")
    message = the_message()
    assert (message.status, message.attempts, message.error, message.dead_at) == (204, 1, None, None)
    assert message.delivered_at is not None
    assert request.headers["webhook-id"] == message.message_id


def test_what_is_rolled_back_is_never_told(receiver: Receiver) -> None:
    project_id, _ = a_webhook(receiver.url)
    with new_session() as session:
        outbox.put(session, project_id, outbox.RUN_FINISHED, run_id=7)
        session.rollback()
    deliver()
    assert messages() == []
    assert receiver.requests == []


def test_only_webhooks_that_ask_for_an_event_hear_of_it(receiver: Receiver) -> None:
    asking, _ = a_webhook(receiver.url)
    other, _ = a_webhook(receiver.url)
    with transaction() as session:
        outbox.put(session, asking, outbox.SNAPSHOT_MADE, dataset_snapshot_id=1)
        session.get_one(
            Webhook, session.scalar(select(Webhook.id).where(Webhook.project_id == other))
        ).disabled_at = func.now()
        session.flush()
        outbox.put(session, other, outbox.RUN_FINISHED, run_id=1)
    assert messages() == []


def test_a_message_that_failed_comes_again_with_the_same_id_and_body(receiver: Receiver) -> None:
    project_id, secret = a_webhook(receiver.url)
    receiver.answer = lambda _request: (500 if len(receiver.requests) < 3 else 200, {})
    tell(project_id)
    for _ in range(3):
        deliver()
        make_due()
    deliver()
    requests = receiver.verified(secret, time.time())
    assert len(requests) == 3
    assert len({(one.headers["webhook-id"], one.body) for one in requests}) == 1
    message = the_message()
    assert (message.attempts, message.status, message.error) == (3, 200, None)


def test_pauses_grow_with_jitter_up_to_an_hour(receiver: Receiver) -> None:
    project_id, _ = a_webhook(receiver.url)
    tell(project_id)
    pause = select(func.extract("epoch", Message.available_at - func.now()))
    with transaction() as session:
        session.execute(text("UPDATE outbox SET held_until = now() + interval '1 hour'"))
        for attempts, full in ((1, 10), (2, 20), (5, 160), (12, 3600), (40, 3600)):
            pauses = set()
            for _ in range(8):
                session.execute(text("UPDATE outbox SET attempts = :n"), {"n": attempts})
                outbox.failed(session, taken(session, attempts), status=500, error="no")
                pauses.add(round(float(session.scalar(pause) or 0), 3))
            assert min(pauses) >= full / 2
            assert max(pauses) <= full * 1.5
            assert len(pauses) > 1, "what failed together must not come back together"


def taken(session: Any, attempts: int) -> outbox.Taken:
    message = session.scalars(select(Message)).one()
    return outbox.Taken(
        id=message.id,
        message_id=message.message_id,
        type=message.type,
        data=message.data,
        attempts=attempts,
        created_at=message.created_at,
        webhook_id=message.webhook_id,
        url="",
        salts=(),
    )


def test_after_a_day_nobody_tries_again(receiver: Receiver) -> None:
    project_id, _ = a_webhook(receiver.url)
    receiver.answer = lambda _request: (503, {})
    tell(project_id)
    with transaction() as session:
        session.execute(text("UPDATE outbox SET created_at = now() - interval '25 hours'"))
    deliver()
    make_due()
    deliver()
    message = the_message()
    assert len(receiver.requests) == 1
    assert message.dead_at is not None
    assert (message.status, message.error) == (503, "The receiver answered 503.")


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    with receiving() as inside:
        project_id, _ = a_webhook(receiver.url)
        receiver.answer = lambda _request: (307, {"Location": inside.url})
        tell(project_id)
        deliver()
        assert inside.requests == []
    assert len(receiver.requests) == 1
    message = the_message()
    assert (message.delivered_at, message.status) == (None, 307)
    assert "not followed" in (message.error or "")


def test_a_receiver_that_stalls_ends_in_time_and_holds_up_no_other(
    receiver: Receiver, use_settings: Callable[..., Settings]
) -> None:
    use_settings(webhook_timeout_seconds=2)
    receiver.stalls.set()
    with receiving() as quick:
        slow_project, _ = a_webhook(receiver.url)
        quick_project, _ = a_webhook(quick.url)
        for run_id in range(3):
            tell(slow_project, run_id)
        tell(quick_project)
        deliver()
        soon(lambda: len(quick.requests) == 1)
    soon(lambda: len(receiver.requests) == 1)
    with transaction() as session:
        tried = select(func.count()).where(Message.attempts > 0).group_by(Message.webhook_id)
        assert list(session.scalars(tried)) == [1, 1], "one message of a webhook is under way at a time"
    assert "No answer within 2 seconds." in [message.error for message in messages()]


def test_two_schedulers_send_each_message_once(receiver: Receiver) -> None:
    projects = [a_webhook(receiver.url)[0] for _ in range(6)]
    for project_id in projects:
        tell(project_id)
    schedulers = [Couriers() for _ in range(4)]
    with ThreadPoolExecutor(len(schedulers)) as pool:
        list(pool.map(Couriers.send_out, schedulers))
    for couriers in schedulers:
        couriers.wait()
    assert len(receiver.requests) == len(projects)
    assert {message.attempts for message in messages()} == {1}


def test_without_skip_locked_and_the_due_time_a_message_would_be_sent_twice(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: who reads what is due without taking it sends it again."""
    project_id, _ = a_webhook(receiver.url)
    tell(project_id)
    naive = text(
        "SELECT o.id, o.message_id, o.type, o.data, o.attempts, o.created_at, o.webhook_id, w.url, w.salt,"
        " w.previous_salt FROM outbox o JOIN webhooks w ON w.id = o.webhook_id"
        " WHERE o.delivered_at IS NULL AND :places > 0 AND :held > 0"
    )
    monkeypatch.setattr(outbox, "TAKE", naive)
    first, second = Couriers(), Couriers()
    receiver.stalls.set()
    first.send_out()
    second.send_out()
    soon(lambda: len(receiver.requests) == 2)


def test_a_message_whose_courier_was_killed_is_sent_again_and_its_late_word_counts_no_more(receiver: Receiver) -> None:
    project_id, _ = a_webhook(receiver.url)
    tell(project_id)
    with transaction() as session:
        (lost,) = outbox.take(session, places=8)
    deliver()
    assert receiver.requests == [], "it is held for a minute"
    with transaction() as session:
        session.execute(text("UPDATE outbox SET available_at = now(), held_until = now()"))
    deliver()
    with transaction() as session:
        outbox.failed(session, lost, status=None, error="late")
    message = the_message()
    assert len(receiver.requests) == 1
    assert (message.attempts, message.status, message.error) == (2, 204, None)


def test_gone_switches_a_webhook_off_and_gives_up_what_waits(receiver: Receiver) -> None:
    project_id, _ = a_webhook(receiver.url)
    receiver.answer = lambda _request: (410, {})
    tell(project_id, 1)
    tell(project_id, 2)
    deliver()
    make_due()
    deliver()
    assert len(receiver.requests) == 1
    assert all(message.dead_at for message in messages())
    with transaction() as session:
        assert session.scalars(select(Webhook.disabled_at)).one() is not None
        said = session.scalars(select(AuditEvent).where(AuditEvent.action == "webhook.gone")).one()
    assert said.detail["host"] == "127.0.0.1"


def test_gone_waits_for_somebody_who_is_changing_the_webhook_and_holds_nothing_they_need(receiver: Receiver) -> None:
    project_id, _ = a_webhook(receiver.url)
    tell(project_id)
    receiver.answer = lambda _request: (410, {})
    with ThreadPoolExecutor(1) as other, new_session() as admin:
        admin.scalars(select(Webhook).with_for_update()).one()
        courier = other.submit(deliver)
        soon(somebody_waits)
        admin.scalars(select(Message).with_for_update(nowait=True)).one()
        admin.commit()
        courier.result(30)
    assert the_message().dead_at is not None


def try_out(project_id: int) -> None:
    with transaction() as session:
        webhook = session.scalars(select(Webhook).where(Webhook.project_id == project_id)).one()
        service.test(session, webhook, actor=a_user(session))


@pytest.mark.parametrize("say", [tell, try_out], ids=["tell", "test"])
def test_what_happens_while_a_webhook_is_switched_off_does_not_wait_for_ever(say: Callable[[int], None]) -> None:
    project_id, _ = a_webhook("https://hooks.example.org/")
    with ThreadPoolExecutor(1) as other, new_session() as admin:
        webhook = admin.scalars(select(Webhook)).one()
        service.change(admin, webhook, actor=a_user(admin), events=None, enabled=False)
        happens = other.submit(say, project_id)
        soon(somebody_waits)
        admin.commit()
        refusal = happens.exception(30)
    assert messages() == []
    assert (refusal is None) is (say is tell), refusal


def test_what_was_left_waiting_for_a_webhook_that_is_off_is_given_up(receiver: Receiver) -> None:
    gone, _ = a_webhook(receiver.url)
    tell(gone)
    with transaction() as session:
        session.execute(text("UPDATE webhooks SET disabled_at = now()"))
    heard, _ = a_webhook(receiver.url)
    tell(heard)
    with transaction() as session:
        outbox.drop_unheard(session)
    left, sent = messages()
    assert left.dead_at is not None
    assert left.error == outbox.SWITCHED_OFF
    assert sent.dead_at is None


def test_a_private_receiver_is_not_called_unless_it_is_allowed(
    receiver: Receiver, use_settings: Callable[..., Settings]
) -> None:
    """The address was written while it was allowed; it is checked again whenever it is called."""
    project_id, _ = a_webhook(receiver.url)
    use_settings(webhook_private_addresses=False)
    tell(project_id)
    deliver()
    assert receiver.requests == []
    assert "not allowed" in (the_message().error or "")


def test_a_new_secret_signs_beside_the_old_one_for_a_day(receiver: Receiver) -> None:
    project_id, old = a_webhook(receiver.url)
    with transaction() as session:
        webhook = session.scalars(select(Webhook)).one()
        new = service.rotate(session, webhook, actor=a_user(session)).secret
    tell(project_id)
    deliver()
    for secret in (old, new):
        receiver.verified(secret, time.time())
    with transaction() as session:
        session.execute(text("UPDATE webhooks SET previous_until = now()"))
    tell(project_id)
    deliver()
    assert len(receiver.requests[-1].headers["webhook-signature"].split()) == 1
    assert new != old


def test_the_database_holds_no_secret(settings: Settings) -> None:
    _, secret = a_webhook("https://hooks.example.org/")
    with transaction() as session:
        row = session.execute(text("SELECT w::text FROM webhooks w")).scalar_one()
        salt = session.scalars(select(Webhook.salt)).one()
    key = settings.data_dir.resolve() / "webhook-key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert secret not in row
    key.write_bytes(b"another")
    assert keys.secret_of(salt) != signing.read_secret(secret)


def test_processes_that_make_the_key_at_once_have_the_same(settings: Settings) -> None:
    with ThreadPoolExecutor(8) as pool:
        secrets = set(pool.map(lambda _: keys.secret_of(b"salt"), range(32)))
    assert len(secrets) == 1
    assert [path.name for path in settings.data_dir.resolve().glob("*webhook-key*")] == ["webhook-key"]


def test_settled_messages_are_forgotten_after_a_month(receiver: Receiver) -> None:
    project_id, _ = a_webhook(receiver.url)
    tell(project_id)
    deliver()
    tell(project_id)
    with transaction() as session:
        session.execute(text("UPDATE outbox SET created_at = now() - interval '31 days'"))
        outbox.forget(session)
    assert [message.delivered_at for message in messages()] == [None]
