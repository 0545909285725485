"""Doorbells: a Celery message that carries a run id and nothing else, sent after the run's row is committed.

The `runs` row is the outbox. A doorbell that is lost costs seconds, because the scheduler rings queued runs again.
"""

import logging
from collections.abc import Sequence
from functools import lru_cache

from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from sqlalchemy.orm import Session

from app import events
from app.config import get_settings

logger = logging.getLogger(__name__)

EXECUTE_RUN = "plackett.execute_run"
PENDING = "doorbells"


@lru_cache
def producer() -> Celery:
    """A Celery client that only sends; the API never waits for Redis longer than one short try."""
    redis_url = get_settings().redis_url
    client = Celery("plackett", broker=redis_url.get_secret_value() if redis_url else None)
    client.conf.update(
        task_ignore_result=True,
        broker_connection_retry=False,
        broker_transport_options={"socket_timeout": 2, "socket_connect_timeout": 2},
        task_publish_retry=False,
    )
    return client


def ring_after_commit(session: Session, run_id: int, queue: str) -> None:
    """Remember to ring `queue` for `run_id` once `session` has committed."""
    session.info.setdefault(PENDING, []).append((run_id, queue))


def send_pending(session: Session) -> None:
    """Send what `session` remembered (doorbells, news of runs); call after its commit.

    A silent Redis is logged, never raised.
    """
    events.wake_pending(session)
    for run_id, queue in session.info.pop(PENDING, []):
        ring(run_id, queue)


def ring(run_id: int, queue: str) -> bool:
    """Send one doorbell; whether it left."""
    try:
        producer().send_task(EXECUTE_RUN, args=[run_id], queue=queue)
    except (OperationalError, RedisError, OSError) as error:
        logger.warning("doorbell for run %s did not leave (%s); the scheduler will ring again", run_id, error)
        return False
    return True


def ring_again(due: Sequence[tuple[int, str]]) -> None:
    """Ring for these runs (id, queue) that wait, so far as their queues do not hold as many doorbells already.

    A doorbell says that its queue has work, whichever run it names. So where nobody answers, because no worker serves
    the queue or all of them are busy for hours, no more doorbells pile up than runs are due at once.
    """
    for queue in dict.fromkeys(queue for _, queue in due):
        waiting = [run_id for run_id, its_queue in due if its_queue == queue]
        for run_id in waiting[unanswered(queue) :]:
            ring(run_id, queue)


def unanswered(queue: str) -> int:
    """How many doorbells of `queue` nobody has taken; 0 where Redis does not say, and the next one says why."""
    address = events.redis_address()
    if address is None:
        return 0
    try:
        # Celery keeps a queue's messages in the list of its name.
        return events.publisher(address).llen(queue)
    except (RedisError, OSError):
        return 0
