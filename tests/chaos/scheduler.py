"""The service's scheduler with the suite's times: `python -m tests.chaos.scheduler`."""

from datetime import timedelta
from typing import Any, Final

from workers import scheduler

TIMES: Final[dict[str, Any]] = {
    # A suite that empties Redis every few seconds would mostly wait for the doorbells that went with it.
    "RING_AGAIN_SECONDS": 1.0,
    # The books know a judgment by its request's key, and a folder may be taken up again after a week.
    "KEYS_KEPT": timedelta(days=3650),
}

if __name__ == "__main__":
    for name, time in TIMES.items():
        setattr(scheduler, name, time)
    scheduler.main()
