"""The service's scheduler, which rings again after a second instead of ten: `python -m tests.chaos.scheduler`."""

from workers import scheduler

# A suite that empties Redis every few seconds would mostly wait for the doorbells that went with it.
scheduler.RING_AGAIN_SECONDS = 1.0  # type: ignore[misc]

if __name__ == "__main__":
    scheduler.main()
