"""The service's Celery worker, with the recipe that needs no torch: `celery -A tests.chaos.worker worker`."""

import sys

from workers.celery_app import app
from workers.jobs import child

child.RECIPE[:] = [sys.executable, "-m", "tests.chaos.recipe", "0.15"]

__all__ = ["app"]
