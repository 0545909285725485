"""A worker says that it is there and what it has, as long as it is: nobody else knows where a run can find room."""

import logging
import threading
from collections.abc import Sequence
from typing import Final

from app.db import transaction
from app.runs import capacity
from app.runs.capacity import Offer
from workers.jobs import devices, execution, hardware
from workers.jobs.heart import UNAVAILABLE

logger = logging.getLogger(__name__)

# A few times within `capacity.LIVE_SECONDS`.
BEAT_SECONDS: Final = 15.0

over: Final = threading.Event()


def offer_of(queues: Sequence[str], found: hardware.Hardware) -> Offer:
    """What this worker has for runs of these queues."""
    return Offer(
        name=execution.owner_name(),
        queues=sorted(queues),
        kind=found.kind,
        room_bytes=found.room_bytes,
        memory_bytes=found.memory_bytes,
        cores=found.cores,
        processes=devices.count(),
        devices=[{"kind": one.kind, "name": one.name, "memory_bytes": one.memory_bytes} for one in found.devices],
        machine=found.machine,
    )


def beat_on(queues: Sequence[str], until: threading.Event = over) -> None:
    """Say it now and again, until the worker ends; then take it back."""
    mine = offer_of(queues, hardware.here())
    logger.info("this worker has %s with %.1f GB for a run", mine.machine, mine.room_bytes / 1e9)
    while True:
        leaving = until.is_set()
        try:
            with transaction() as session:
                if leaving:
                    capacity.withdraw(session, mine.name)
                else:
                    capacity.offer(session, mine)
        except UNAVAILABLE as error:
            logger.info("could not say that this worker is there: %s", error)
        except Exception:
            # The worker claims runs all the same: it must be seen again as soon as what is wrong has passed.
            logger.exception("could not say that this worker is there")
        if leaving:
            return
        until.wait(BEAT_SECONDS)


def begin(queues: Sequence[str]) -> threading.Thread:
    """Say it from a thread that dies with the worker."""
    thread = threading.Thread(target=beat_on, args=(queues,), name="presence", daemon=True)
    thread.start()
    return thread
