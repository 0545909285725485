"""Couriers: threads that carry messages from the outbox to their webhooks, so that a slow receiver holds up nobody."""

import json
import logging
import threading
import time
from datetime import UTC
from http import HTTPStatus
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from app.config import get_settings
from app.db import transaction
from app.webhooks import keys, outbox, service, signing
from app.webhooks.outbox import Taken
from app.webhooks.transport import NotDeliveredError, post

logger = logging.getLogger("plackett.webhooks")

COURIERS: Final = 8
ACCEPTED: Final = range(200, 300)
REDIRECTS: Final = range(300, 400)


class Couriers:
    """At most so many deliveries at the same time in this process.

    They end with the process: what they held comes round again.
    """

    def __init__(self, places: int = COURIERS) -> None:
        self.places = places
        self._under_way: list[threading.Thread] = []

    def send_out(self) -> None:
        """Take as many messages as there are couriers free, and let each be carried; does not wait for them."""
        self._under_way = [thread for thread in self._under_way if thread.is_alive()]
        free = self.places - len(self._under_way)
        if not free:
            return
        with transaction() as session:
            taken = outbox.take(session, places=free)
        for message in taken:
            thread = threading.Thread(target=carry, args=(message,), name=message.message_id, daemon=True)
            self._under_way.append(thread)
            thread.start()

    def wait(self) -> None:
        """Until all that were sent out are back."""
        for thread in self._under_way:
            thread.join()


def body_of(message: Taken) -> bytes:
    """The body: what happened, when, and the ids under which it can be looked up. The same at each try."""
    at = message.created_at.astimezone(UTC).isoformat(timespec="milliseconds")
    content = {"type": message.type, "timestamp": at, "data": message.data}
    return json.dumps(content, separators=(",", ":"), sort_keys=True).encode()


def carry(message: Taken) -> None:
    """Deliver one message and write down how it went."""
    settings = get_settings()
    body = body_of(message)
    signed_by = [keys.secret_of(salt) for salt in message.salts]
    headers = signing.headers(signed_by, message.message_id, int(time.time()), body)
    status: int | None = None
    try:
        status = post(
            message.url,
            body,
            headers,
            seconds=settings.webhook_timeout_seconds,
            private=settings.webhook_private_addresses,
        )
        error = None if status in ACCEPTED else _words(status)
    except NotDeliveredError as refusal:
        error = str(refusal)
    _settle(message, status, error)


def _words(status: int) -> str:
    if status in REDIRECTS:
        return f"The receiver answered {status}; redirects are not followed."
    return f"The receiver answered {status}."


def _settle(message: Taken, status: int | None, error: str | None) -> None:
    try:
        with transaction() as session:
            if error is None and status is not None:
                outbox.delivered(session, message, status)
                return
            if status == HTTPStatus.GONE:
                # The webhook before its messages, as somebody who switches it off takes them.
                service.hold(session, message.webhook_id)
            outbox.failed(session, message, status=status, error=error or "")
            if status == HTTPStatus.GONE:
                service.disable_gone(session, message.webhook_id)
    except SQLAlchemyError:
        logger.exception("how %s went could not be written down; it is sent again", message.message_id)
