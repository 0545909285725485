"""How fast a project's people are, and the leases that follow from it."""

from datetime import timedelta
from threading import Lock
from time import monotonic
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.projects.settings import ProjectSettings
from app.tasks.assignment import Pace, lease_length

MEASURED: Final = 100
FRESH_SECONDS: Final = 60.0

MEDIAN = text(
    """
    SELECT count(*), coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY active_ms), 0) FROM (
      SELECT active_ms FROM rankings WHERE project_id = :project AND superseded_by_id IS NULL
      ORDER BY id DESC LIMIT :measured) last
    """
)
# What was measured, and when, of each database's projects.
known: WeakKeyDictionary[Engine, dict[int, tuple[float, Pace]]] = WeakKeyDictionary()
knowing = Lock()


def lease_of(session: Session, project_id: int, settings: ProjectSettings) -> timedelta:
    """How long an assignment of this project stays with a person after their last sign of life."""
    return lease_length(settings.lease_minutes, pace_of(session, project_id))


def pace_of(session: Session, project_id: int) -> Pace:
    """The project's pace; this process looks once a minute, because nothing hangs on the second."""
    with knowing:
        here = known.setdefault(session.get_bind().engine, {})
    measured_at, pace = here.get(project_id, (-FRESH_SECONDS, Pace()))
    if monotonic() - measured_at >= FRESH_SECONDS:
        pace = measure(session, project_id)
        here[project_id] = (monotonic(), pace)
    return pace


def measure(session: Session, project_id: int) -> Pace:
    """The project's pace as it is now."""
    judgments, median_ms = session.execute(MEDIAN, {"project": project_id, "measured": MEASURED}).one()
    return Pace(judgments, median_ms)
