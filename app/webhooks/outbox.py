"""The outbox: messages are put in with what they tell of, taken by whoever delivers, and settled afterwards.

A message that is taken is at once due again a while later, so that one whose courier was killed is not lost; it is
delivered at least once, and a receiver that has seen its id passes it over.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.webhooks.tables import PENDING

RUN_FINISHED: Final = "run.finished"
MODEL_PROMOTED: Final = "model.promoted"
SNAPSHOT_MADE: Final = "snapshot.made"
POOL_LOW: Final = "task_pool.low"
EVENTS: Final = (RUN_FINISHED, MODEL_PROMOTED, SNAPSHOT_MADE, POOL_LOW)
TEST: Final = "webhook.test"

HELD_SECONDS: Final = 60
FIRST_PAUSE_SECONDS: Final = 10
LONGEST_PAUSE_SECONDS: Final = 3600
GIVEN_UP_HOURS: Final = 24
KEPT_DAYS: Final = 30
LONGEST_ERROR: Final = 500
SWITCHED_OFF: Final = "The webhook was switched off."

ASKING = "project_id = :project_id AND disabled_at IS NULL AND :type = ANY(events)"
WANTED = text(f"SELECT FROM webhooks WHERE {ASKING} LIMIT 1")
# Who switches a webhook off holds its row and gives up what waits. The lock waits for them, then looks again whether
# the webhook still asks: without it the foreign key would wait as well, but for a message that is never sent.
PUT = text(
    f"INSERT INTO outbox (webhook_id, type, data) SELECT id, :type, :data FROM webhooks WHERE {ASKING} FOR KEY SHARE"  # noqa: S608
).bindparams(bindparam("data", type_=JSONB))

# A low pool is told once, until it has filled again; the row's lock keeps two schedulers from telling it twice.
PUT_POOL_LOW = text(
    f"""
    WITH told AS (
      UPDATE webhooks SET pool_low_at = now()
      WHERE {ASKING} AND pool_low_at IS NULL
      RETURNING id)
    INSERT INTO outbox (webhook_id, type, data) SELECT id, :type, :data FROM told
    """  # noqa: S608 - as above
).bindparams(bindparam("data", type_=JSONB))

# The oldest due message of each webhook that has none under way: one receiver that stalls takes one courier, not all.
TAKE = text(
    f"""
    WITH heads AS (
      SELECT min(o.id) AS id FROM outbox o JOIN webhooks w ON w.id = o.webhook_id
      WHERE o.delivered_at IS NULL AND o.dead_at IS NULL AND o.available_at <= now() AND w.disabled_at IS NULL
        AND NOT EXISTS (SELECT FROM outbox b WHERE b.webhook_id = o.webhook_id AND b.delivered_at IS NULL
                        AND b.dead_at IS NULL AND b.held_until > now())
      GROUP BY o.webhook_id ORDER BY 1 LIMIT :places),
    mine AS (
      SELECT id FROM outbox WHERE id IN (SELECT id FROM heads) AND available_at <= now() AND {PENDING}
      FOR UPDATE SKIP LOCKED)
    UPDATE outbox o SET attempts = o.attempts + 1, held_until = now() + make_interval(secs => :held),
                        available_at = now() + make_interval(secs => :held)
    FROM mine, webhooks w WHERE o.id = mine.id AND w.id = o.webhook_id
    RETURNING o.id, o.message_id, o.type, o.data, o.attempts, o.created_at, o.webhook_id, w.url, w.salt,
              CASE WHEN w.previous_until > now() THEN w.previous_salt END AS previous_salt
    """  # noqa: S608 - our own condition
)

DELIVERED = text(
    f"""
    UPDATE outbox SET delivered_at = now(), held_until = NULL, status = :status, error = NULL
    WHERE id = :id AND attempts = :attempts AND {PENDING}
    """  # noqa: S608 - as above
)

# Ten seconds, doubled each time up to an hour, from half to one and a half of that: what failed together comes back
# apart. A day after the event nobody tries again.
FAILED = text(
    f"""
    UPDATE outbox SET held_until = NULL, status = :status, error = :error,
      available_at = now() + make_interval(secs =>
        least(:longest, :first * power(2, least(attempts, 30) - 1)) * (0.5 + random())),
      dead_at = CASE WHEN created_at < now() - make_interval(hours => :given_up) THEN now() END
    WHERE id = :id AND attempts = :attempts AND {PENDING}
    """  # noqa: S608 - as above
)

DROP = text(f"UPDATE outbox SET dead_at = now(), error = :error WHERE webhook_id = :webhook_id AND {PENDING}")  # noqa: S608

# What earlier versions left waiting for a webhook that is switched off.
DROP_UNHEARD = text(
    f"""
    UPDATE outbox SET dead_at = now(), error = :error
    WHERE {PENDING} AND webhook_id IN (SELECT id FROM webhooks WHERE disabled_at IS NOT NULL)
    """  # noqa: S608 - as above
)

FORGET = text(
    """
    DELETE FROM outbox WHERE id IN (
      SELECT id FROM outbox WHERE created_at < now() - make_interval(days => :kept)
      AND (delivered_at IS NOT NULL OR dead_at IS NOT NULL) ORDER BY id LIMIT 1000)
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A message in a courier's hands. `salts` are of the secrets that sign it, the present one first."""

    id: int
    message_id: str
    type: str
    data: dict[str, Any]
    attempts: int
    created_at: datetime
    webhook_id: int
    url: str
    salts: tuple[bytes, ...]


def wanted(session: Session, project_id: int, event: str) -> bool:
    """Whether some webhook of the project asks for `event`."""
    return session.execute(WANTED, {"project_id": project_id, "type": event}).first() is not None


def put(session: Session, project_id: int, event: str, **ids: int) -> None:
    """Tell the project's webhooks that ask for `event`; they hear of it if, and only if, the transaction commits."""
    session.execute(PUT, {"project_id": project_id, "type": event, "data": {"project_id": project_id, **ids}})


def put_pool_low(session: Session, project_id: int) -> None:
    """The same for a task pool that is low now, once until `pool_filled`."""
    values = {"project_id": project_id, "type": POOL_LOW, "data": {"project_id": project_id}}
    session.execute(PUT_POOL_LOW, values)


def pool_filled(session: Session, project_id: int) -> None:
    """The task pool has filled again: the next time that it is low is told again."""
    filled = text("UPDATE webhooks SET pool_low_at = NULL WHERE project_id = :id AND pool_low_at IS NOT NULL")
    session.execute(filled, {"id": project_id})


def take(session: Session, *, places: int) -> list[Taken]:
    """Up to `places` messages that are due, at most one a webhook; nobody else gets them while they are held."""
    rows = session.execute(TAKE, {"places": places, "held": HELD_SECONDS}).mappings()
    return [_taken(dict(row)) for row in rows]


def _taken(row: dict[str, Any]) -> Taken:
    salts = (row.pop("salt"), row.pop("previous_salt"))
    return Taken(**row, salts=tuple(bytes(salt) for salt in salts if salt is not None))


def delivered(session: Session, taken: Taken, status: int) -> None:
    """The receiver has it."""
    session.execute(DELIVERED, {"id": taken.id, "attempts": taken.attempts, "status": status})


def failed(session: Session, taken: Taken, *, status: int | None, error: str) -> None:
    """It did not get through: again later, or never again when it is a day old."""
    values = {"id": taken.id, "attempts": taken.attempts, "status": status, "error": error[:LONGEST_ERROR]}
    pauses = {"first": FIRST_PAUSE_SECONDS, "longest": LONGEST_PAUSE_SECONDS, "given_up": GIVEN_UP_HOURS}
    session.execute(FAILED, {**values, **pauses})


def drop(session: Session, webhook_id: int, why: str) -> None:
    """Give up everything that waits for a webhook."""
    session.execute(DROP, {"webhook_id": webhook_id, "error": why})


def drop_unheard(session: Session) -> None:
    """Give up everything that waits for a webhook that is switched off: nobody would ever send it."""
    session.execute(DROP_UNHEARD, {"error": SWITCHED_OFF})


def forget(session: Session) -> None:
    """Delete up to a thousand messages that were settled a month ago."""
    session.execute(FORGET, {"kept": KEPT_DAYS})
