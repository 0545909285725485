"""Telling followers of a run that something new is stored. Postgres holds the events; Redis only says "look"."""

import logging
from functools import lru_cache

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy.orm import Session

from app.config import get_settings

logger = logging.getLogger(__name__)

NEWS = "runs_with_news"


def channel(run_id: int) -> str:
    """Name of the channel on which a run's followers listen."""
    return f"run:{run_id}"


def redis_address() -> str | None:
    """Redis's address, or nothing when none is configured."""
    address = get_settings().redis_url
    return address.get_secret_value() if address else None


@lru_cache
def publisher(address: str) -> "Redis":
    """A client that waits for Redis no longer than a second."""
    return Redis.from_url(address, socket_timeout=1, socket_connect_timeout=1)


def wake_after_commit(session: Session, run_id: int) -> None:
    """Remember to wake the followers of `run_id` once `session` has committed."""
    session.info.setdefault(NEWS, set()).add(run_id)


def wake_pending(session: Session) -> None:
    """Wake the followers remembered in `session`; call after its commit. Without Redis they look by themselves."""
    news: set[int] = session.info.pop(NEWS, set())
    address = redis_address() if news else None
    if address is None:
        return
    try:
        for run_id in news:
            publisher(address).publish(channel(run_id), "new")
    except (RedisError, OSError) as error:
        logger.info("followers of runs %s were not woken (%s); they look by themselves", sorted(news), error)
