"""Webhooks, and the outbox of what they are to be told."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, CreatedAt, Key

PENDING = "delivered_at IS NULL AND dead_at IS NULL"


class Webhook(Base):
    """An address that is told of some of a project's events. Its secret is made from `salt` and a key kept elsewhere.

    Until `previous_until` messages are signed with the secret of `previous_salt` too. `pool_low_at` remembers that the
    project's task pool was called low, until it has filled again.
    """

    __tablename__ = "webhooks"

    id: Mapped[Key]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), index=True)
    url: Mapped[str] = mapped_column(Text)
    events: Mapped[list[str]] = mapped_column(ARRAY(Text))
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    previous_salt: Mapped[bytes | None] = mapped_column(LargeBinary)
    previous_until: Mapped[datetime | None]
    pool_low_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[CreatedAt]


class Message(Base):
    """One event for one webhook, written in the event's own transaction; `data` holds ids and nothing else.

    Whoever takes it raises `attempts`, which is its fence, and holds it until `held_until`; if nothing is heard of it
    again it is due at `available_at`. `status` is the receiver's last HTTP status, `error` why the last try failed.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_pending", "webhook_id", "available_at", "id", postgresql_where=text(PENDING)),
        Index("ix_outbox_webhook_id_id", "webhook_id", "id"),
        Index("ix_outbox_created_at", "created_at"),
    )

    id: Mapped[Key]
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhooks.id"))
    message_id: Mapped[str] = mapped_column(
        Text, unique=True, server_default=text("'msg_' || replace(gen_random_uuid()::text, '-', '')")
    )
    type: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, Any]]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    available_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    held_until: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    dead_at: Mapped[datetime | None]
    status: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[CreatedAt]
