"""The heartbeat of a job: renews its lease from a thread of its own and learns whether the run is still wanted."""

import logging
import threading
import time
from types import TracebackType
from typing import Final

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.db import transaction
from app.runs import leases
from app.runs.leases import Claim

logger = logging.getLogger(__name__)

# A cancelled or paused run is noticed within this time.
LONGEST_PAUSE_SECONDS: Final = 2.0
# The database is away or busy, and may answer the next time; anything else is a fault of ours.
UNAVAILABLE: Final = (OperationalError, InterfaceError, PoolTimeoutError)


class Heart:
    """Beats at least four times a lease while the block it guards runs.

    `cancelled`: a person wants the run stopped; `pausing`: they want it to rest. `lost()`: the run is another's, or may
    soon be, because no heartbeat got through for two thirds of a lease; the child must end before somebody else starts
    one.
    """

    def __init__(self, held: Claim, lease_seconds: float) -> None:
        self.held = held
        self.lease_seconds = lease_seconds
        self.cancelled = False
        self.pausing = False
        self._taken = False
        self._last_beat = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name=f"heart-of-run-{held.run_id}", daemon=True)

    def __enter__(self) -> "Heart":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def lost(self) -> bool:
        """Whether this worker must stop believing that the run is its own."""
        return self._taken or time.monotonic() - self._last_beat > self.lease_seconds * 2 / 3

    def _beat_on(self) -> None:
        while not self._taken and not self._stop.wait(min(self.lease_seconds / 4, LONGEST_PAUSE_SECONDS)):
            try:
                self._beat()
            except UNAVAILABLE as error:
                logger.warning("heartbeat of run %s did not get through: %s", self.held.run_id, error)

    def _beat(self) -> None:
        asked = time.monotonic()
        with transaction() as session:
            state = leases.heartbeat(session, self.held, self.lease_seconds)
        if state is None:
            self._taken = True
            return
        self._last_beat = asked
        self.cancelled = self.cancelled or state == "cancelling"
        self.pausing = self.pausing or state == "pausing"
