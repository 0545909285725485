"""Follow a run: stored events first, then each new one, as a stream of server-sent events.

An event's id is its number, so a reader that comes back names the last one it has and misses nothing. Redis only wakes
the reader; without it the database is looked at every two seconds.
"""

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
from anyio import to_thread
from redis import asyncio as redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from app.db import new_session
from app.events import channel, redis_address
from app.runs import events
from app.runs.lifecycle import FINAL

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 2.0
QUIET_LOOKS_PER_COMMENT: Final = 7
PAGE: Final = 500


async def stream(run_id: int, after: int) -> AsyncIterator[str]:
    """The run's events after number `after`, until it is in a final state and all are sent."""
    quiet = 0
    async with wake_up_calls(run_id) as wait:
        while True:
            found, over = await to_thread.run_sync(look, run_id, after)
            for seq, kind, data in found:
                yield formatted(seq, kind, data)
                after = seq
            if over:
                yield formatted(None, "end", {})
                return
            quiet = 0 if found else quiet + 1
            if quiet % QUIET_LOOKS_PER_COMMENT == 1:
                yield ": still there\n\n"
            if len(found) < PAGE:
                await wait()


def look(run_id: int, after: int) -> tuple[list[tuple[int, str, dict[str, Any]]], bool]:
    """The next events as (number, type, data), and whether the run is over and these are its last."""
    with new_session() as session:
        state, last = events.state_and_last_seq(session, run_id)
        found = [(one.seq, one.type, one.data) for one in events.after(session, run_id, after, PAGE)]
    reached = found[-1][0] if found else after
    return found, state in FINAL and reached >= last


def formatted(seq: int | None, kind: str, data: dict[str, Any]) -> str:
    """One event on the wire; JSON never holds a bare newline, so the data is one line."""
    number = "" if seq is None else f"id: {seq}\n"
    return f"{number}event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


@asynccontextmanager
async def wake_up_calls(run_id: int) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """A function that waits for the next news of the run, at most `LOOK_SECONDS`."""
    address = redis_address()
    if address is None:
        yield _sleep
        return
    client = redis.Redis.from_url(address, socket_connect_timeout=1)
    try:
        yield _listener(client.pubsub(), run_id)
    finally:
        await client.aclose()


async def _sleep() -> None:
    await anyio.sleep(LOOK_SECONDS)


def _listener(calls: PubSub, run_id: int) -> Callable[[], Awaitable[None]]:
    async def wait() -> None:
        try:
            if not calls.subscribed:
                # The first wait only subscribes: what came before is found by looking once more.
                await calls.subscribe(channel(run_id))
                return
            await calls.get_message(ignore_subscribe_messages=True, timeout=LOOK_SECONDS)
        except (RedisError, OSError) as error:
            logger.info("no wake-up calls for run %s (%s); looking by the clock", run_id, error)
            await _sleep()

    return wait
