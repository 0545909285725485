"""A real Celery worker whose children are the stand-in: `celery -A tests.workers.jobs.worker worker`."""

import os
import sys

from tests.workers.jobs.stage import STAND_IN
from workers.celery_app import app
from workers.jobs import child

child.RECIPE[:] = [sys.executable, str(STAND_IN), os.environ["STAND_IN_BEHAVIOUR"]]

__all__ = ["app"]
