"""A project's webhooks: add, change, give a new secret, try out, look at what they were told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import audit, locks
from app.auth.tables import User
from app.config import get_settings
from app.errors import Conflict, NotFound, Unprocessable
from app.pagination import PageRequest, Rows, page_by_id
from app.webhooks import keys, outbox, signing
from app.webhooks.addresses import BadAddressError, parse
from app.webhooks.tables import Message, Webhook

MOST_WEBHOOKS: Final = 20
OLD_SECRET_HOURS: Final = 24


@dataclass(frozen=True, slots=True)
class WithSecret:
    """A webhook and its secret as it is shown, this once."""

    webhook: Webhook
    secret: str


@dataclass(frozen=True, slots=True)
class SeenWebhook:
    """A webhook with the last message that it was sent, if any."""

    webhook: Webhook
    last: Message | None


def listed(session: Session, project_id: int, page: PageRequest) -> Rows[SeenWebhook]:
    """A project's webhooks, newest first, each with its last message."""
    rows = page_by_id(session, select(Webhook).where(Webhook.project_id == project_id), Webhook.id, page)
    return Rows([seen(session, webhook) for webhook in rows.items], rows.next_cursor)


def seen(session: Session, webhook: Webhook) -> SeenWebhook:
    """The webhook with the last message that was tried."""
    tried = select(Message).where(Message.webhook_id == webhook.id, Message.attempts > 0)
    return SeenWebhook(webhook, session.scalars(tried.order_by(Message.id.desc()).limit(1)).one_or_none())


def add(session: Session, project_id: int, *, actor: User, url: str, events: Sequence[str]) -> WithSecret:
    """A new webhook of the project.

    Raises:
        Unprocessable: the address is none that this service calls.
        Conflict: the project has as many as it may have.
    """
    _check(url)
    locks.hold(session, f"webhooks:{project_id}")
    _check_room(session, project_id)
    webhook = Webhook(
        project_id=project_id, url=url, events=_ordered(events), salt=keys.new_salt(), created_by=actor.id
    )
    session.add(webhook)
    session.flush()
    _record(session, webhook, "webhook.added", actor)
    return WithSecret(webhook, _secret(webhook))


def change(
    session: Session, webhook: Webhook, *, actor: User, events: Sequence[str] | None, enabled: bool | None
) -> Webhook:
    """Choose other events, switch off or on; what waits for a webhook that is switched off is given up."""
    session.refresh(webhook, with_for_update=True)
    if events is not None:
        webhook.events = _ordered(events)
        if outbox.POOL_LOW not in events:
            # Nobody looks any more whether the pool fills; once it is asked for again, a low pool is news again.
            webhook.pool_low_at = None
    if enabled is False and webhook.disabled_at is None:
        webhook.disabled_at = func.now()
        outbox.drop(session, webhook.id, outbox.SWITCHED_OFF)
    if enabled is True and webhook.disabled_at is not None:
        locks.hold(session, f"webhooks:{webhook.project_id}")
        _check_room(session, webhook.project_id)
        webhook.disabled_at = webhook.pool_low_at = None
    session.flush()
    session.refresh(webhook)
    _record(session, webhook, "webhook.changed", actor, enabled=webhook.disabled_at is None)
    return webhook


def rotate(session: Session, webhook: Webhook, *, actor: User) -> WithSecret:
    """A new secret; the one before signs beside it for a day, so that the receiver can change over in peace."""
    session.refresh(webhook, with_for_update=True)
    webhook.previous_salt, webhook.salt = webhook.salt, keys.new_salt()
    webhook.previous_until = func.now() + timedelta(hours=OLD_SECRET_HOURS)
    session.flush()
    session.refresh(webhook)
    _record(session, webhook, "webhook.secret_rotated", actor)
    return WithSecret(webhook, _secret(webhook))


def test(session: Session, webhook: Webhook, *, actor: User) -> Message:
    """Send a message that means nothing, the way that all are sent."""
    # Nobody switches it off between this look and the message, which would then wait for ever.
    session.refresh(webhook, with_for_update={"read": True, "key_share": True})
    if webhook.disabled_at is not None:
        raise Conflict("this webhook is switched off", type="webhook-disabled", advice="Switch it on first.")
    message = Message(webhook_id=webhook.id, type=outbox.TEST, data={"project_id": webhook.project_id})
    session.add(message)
    session.flush()
    session.refresh(message)
    _record(session, webhook, "webhook.tested", actor)
    return message


def messages(session: Session, webhook: Webhook, page: PageRequest) -> Rows[Message]:
    """What the webhook was told, or is to be told, newest first."""
    return page_by_id(session, select(Message).where(Message.webhook_id == webhook.id), Message.id, page)


def find(session: Session, project_id: int, webhook_id: int) -> Webhook:
    """The project's webhook, or `NotFound`."""
    own = select(Webhook).where(Webhook.id == webhook_id, Webhook.project_id == project_id)
    webhook = session.scalars(own).one_or_none()
    if webhook is None:
        raise NotFound(f"there is no webhook {webhook_id} in this project")
    return webhook


def hold(session: Session, webhook_id: int) -> Webhook:
    """The webhook, locked until the transaction ends; whoever changes its messages too takes it first."""
    return session.get_one(Webhook, webhook_id, with_for_update=True, populate_existing=True)


def disable_gone(session: Session, webhook_id: int) -> None:
    """The receiver answered 410: nobody wants to be told there any more."""
    webhook = hold(session, webhook_id)
    webhook.disabled_at = func.now()
    session.flush()
    outbox.drop(session, webhook.id, "The receiver answered 410: the webhook was switched off.")
    _record(session, webhook, "webhook.gone", None)


def _check(url: str) -> None:
    try:
        parse(url, private=get_settings().webhook_private_addresses)
    except BadAddressError as error:
        advice = "Give an https:// address that can be reached from the internet."
        raise Unprocessable(
            f"the address is not allowed: {error}", type="bad-url", field="url", advice=advice
        ) from error


def _check_room(session: Session, project_id: int) -> None:
    enabled = select(func.count()).where(Webhook.project_id == project_id, Webhook.disabled_at.is_(None))
    if (session.scalar(enabled) or 0) >= MOST_WEBHOOKS:
        raise Conflict(f"the project has {MOST_WEBHOOKS} webhooks", advice="Switch one off first.")


def _ordered(events: Sequence[str]) -> list[str]:
    return [event for event in outbox.EVENTS if event in events]


def _secret(webhook: Webhook) -> str:
    return signing.write_secret(keys.secret_of(webhook.salt))


def _record(session: Session, webhook: Webhook, action: str, actor: User | None, **detail: Any) -> None:
    # An address may hold a key of its receiver: only its host is written down.
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type="webhook",
        object_id=webhook.id,
        project_id=webhook.project_id,
        detail={"host": urlsplit(webhook.url).hostname, "events": webhook.events, **detail},
    )
