"""A worker that hears no doorbell while runs wait ends itself; whoever keeps it running starts a new one.

Celery's consumers of Redis have fallen silent for good before, connected and healthy to look at, after Redis restarted
(celery/celery issue 10302). The scheduler rings waiting runs again every ten seconds, so a minute of silence is no
accident.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, NoReturn

from sqlalchemy import exists, select
from sqlalchemy.exc import SQLAlchemyError

from app.db import transaction
from app.runs import leases
from app.runs.tables import Run

logger = logging.getLogger(__name__)

DEAF_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 10.0
# A run that was rung within this time is still being rung for; one that is due for less may just be on its way to us.
RUNG_SECONDS: Final = 30.0


@dataclass
class Ear:
    """When this worker last heard a doorbell, and whether it is answering one."""

    heard_at: float = field(default_factory=time.monotonic)
    at_work: bool = False

    @contextmanager
    def answering(self) -> Generator[None]:
        """The time between a doorbell and the end of the work that it led to."""
        self.at_work = True
        try:
            yield
        finally:
            self.heard_at, self.at_work = time.monotonic(), False

    def is_deaf(self, queues: Sequence[str]) -> bool:
        """Whether an idle worker of these queues has heard nothing for a minute although runs were rung."""
        if self.at_work or time.monotonic() - self.heard_at < DEAF_SECONDS:
            return False
        return rung_lately(queues) and not self.at_work


ear: Final = Ear()


def rung_lately(queues: Sequence[str]) -> bool:
    """Whether a run waits in one of `queues` for which the scheduler has rung, and rings; False when nobody can say."""
    since = leases.in_seconds(-RUNG_SECONDS)
    waits = select(Run.id).where(
        Run.state == "queued", Run.queue.in_(queues), Run.run_after < since, Run.rung_at > since
    )
    try:
        with transaction() as session:
            return bool(session.scalar(select(exists(waits))))
    except SQLAlchemyError as error:
        logger.info("cannot tell whether runs wait: %s", error)
        return False


def end_this_worker() -> NoReturn:
    """End at once: an idle worker holds nothing, and a consumer that is stuck may not come to a clean end."""
    logging.shutdown()
    os._exit(1)


def watch(queues: Sequence[str], end: Callable[[], object] = end_this_worker) -> None:
    """Look every now and then, until this worker has gone deaf."""
    while not ear.is_deaf(queues):
        time.sleep(LOOK_SECONDS)
    logger.error("heard no doorbell of %s for a minute while runs waited; this worker ends", ", ".join(queues))
    end()


def begin(queues: Sequence[str]) -> None:
    """Watch from a thread that dies with the worker."""
    ear.heard_at = time.monotonic()
    threading.Thread(target=watch, args=(queues,), name="listening", daemon=True).start()
