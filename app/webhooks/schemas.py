"""Webhooks on the wire."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from app.inputs import Input
from app.webhooks.addresses import LONGEST
from app.webhooks.service import SeenWebhook, WithSecret
from app.webhooks.tables import Message

Event = Literal["run.finished", "model.promoted", "snapshot.made", "task_pool.low"]
Events = Annotated[list[Event], Field(min_length=1, max_length=20)]
State = Literal["waiting", "delivered", "given_up"]


class NewWebhook(Input):
    """An address, and what it is to be told of."""

    url: Annotated[str, Field(max_length=LONGEST, description="https://…; private networks only where allowed.")]
    events: Events


class WebhookChange(Input):
    """What is to be different; what is left out stays."""

    events: Events | None = None
    enabled: bool | None = None


class MessageRead(BaseModel):
    """One message: `status` and `error` are the last try's; `next_attempt_at` is null unless it is waiting."""

    id: int
    message_id: str
    type: Event | Literal["webhook.test"]
    state: State
    attempts: int
    status: int | None
    error: str | None
    created_at: datetime
    delivered_at: datetime | None
    next_attempt_at: datetime | None


class WebhookRead(BaseModel):
    """A webhook; its secret is never shown again."""

    id: int
    url: str
    events: list[Event]
    enabled: bool
    created_at: datetime
    old_secret_until: datetime | None
    last: MessageRead | None


class NewSecret(BaseModel):
    """A webhook with its secret, shown this once: keep it where the receiver can read it."""

    webhook: WebhookRead
    secret: str


def message_read(message: Message) -> MessageRead:
    """The wire form of a message."""
    state: State = "delivered" if message.delivered_at else "given_up" if message.dead_at else "waiting"
    return MessageRead.model_validate(
        {
            **{name: getattr(message, name) for name in MessageRead.model_fields if name not in DERIVED},
            "state": state,
            "next_attempt_at": message.available_at if state == "waiting" else None,
        }
    )


DERIVED = frozenset({"state", "next_attempt_at"})


def webhook_read(seen: SeenWebhook) -> WebhookRead:
    """The wire form of a webhook."""
    webhook = seen.webhook
    return WebhookRead.model_validate(
        {
            "id": webhook.id,
            "url": webhook.url,
            "events": webhook.events,
            "enabled": webhook.disabled_at is None,
            "created_at": webhook.created_at,
            "old_secret_until": webhook.previous_until,
            "last": message_read(seen.last) if seen.last else None,
        }
    )


def new_secret(made: WithSecret, seen: SeenWebhook) -> NewSecret:
    """The wire form of a webhook with its new secret."""
    return NewSecret(webhook=webhook_read(seen), secret=made.secret)
