"""Why a queued run is not at work: the first of these that holds, told with its numbers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.runs.tables import Run
from app.runs.turns import AT_WORK, INSISTED, LIGHT, LIMIT, SEEN_SECONDS, SERVING, room, takes

Why = Literal["pause", "worker", "devices", "room", "project_limit", "priority", "turn", "workers"]
# Nobody needs to know how many more there are.
MOST_COUNTED: Final = 1000
DUE: Final = "o.state = 'queued' AND o.queue = r.queue AND o.run_after <= now()"
LOOK: Final = f"""
    WITH at_work AS ({AT_WORK})
    SELECT r.run_after, r.run_after > now() AS rests,
      (SELECT max(w.processes) FROM workers w
       WHERE r.queue = ANY (w.queues) AND w.seen_at > now() - make_interval(secs => {SEEN_SECONDS})) AS most,
      largest.takes > largest.room AND NOT {INSISTED} AS too_large, largest.takes, largest.room,
      CASE WHEN r.queue = '{LIGHT}' THEN NULL ELSE {LIMIT} END AS allowed,
      coalesce((SELECT a.runs FROM at_work a WHERE a.project_id = r.project_id), 0) AS at_work,
      (SELECT count(*) FROM (SELECT FROM runs o WHERE {DUE} AND o.priority < r.priority LIMIT {MOST_COUNTED}) found)
        AS more_urgent,
      (SELECT count(*) FROM (SELECT FROM runs o
         WHERE {DUE} AND o.project_id = r.project_id AND o.priority = r.priority
           AND (o.run_after, o.id) < (r.run_after, r.id) LIMIT {MOST_COUNTED}) found) AS before,
      (SELECT count(DISTINCT o.project_id) FROM runs o
       WHERE {DUE} AND o.project_id <> r.project_id AND o.priority = r.priority) AS projects
    FROM runs r JOIN projects p ON p.id = r.project_id
    LEFT JOIN LATERAL (
      SELECT {takes("w")} AS takes, {room("w")} AS room FROM workers w WHERE {SERVING}
      ORDER BY coalesce({takes("w")} <= {room("w")}, true) DESC, room DESC LIMIT 1
    ) largest ON true
    WHERE r.id = :run_id
"""  # noqa: S608 - made of constants


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Why a run waits. `runs` counts what goes first: more urgent ones, those of its project, or those at work;
    `projects` the others that take turns with its own; `limit` is what the project or the queue's largest worker has.
    `takes` and `room` are bytes: those that it takes, and those that the largest worker has for it.
    """

    why: Why
    queue: str
    runs: int | None = None
    projects: int | None = None
    limit: int | None = None
    takes: int | None = None
    room: int | None = None
    until: datetime | None = None


def reason(session: Session, run: Run) -> Waiting | None:
    """Why `run` waits; None where it does not."""
    if run.state != "queued":
        return None
    seen = session.execute(text(LOOK), {"run_id": run.id, "queue": run.queue}).one()
    return Waiting(queue=run.queue, **_first_that_holds(run, seen))


def _first_that_holds(run: Run, seen: Any) -> dict[str, Any]:
    if seen.rests:
        return {"why": "pause", "until": seen.run_after}
    if seen.most is None:
        return {"why": "worker"}
    if (run.devices or 1) > seen.most:
        return {"why": "devices", "limit": seen.most}
    if seen.too_large:
        return {"why": "room", "takes": int(seen.takes), "room": seen.room}
    if seen.allowed is not None and seen.at_work >= seen.allowed:
        return {"why": "project_limit", "runs": seen.at_work, "limit": int(seen.allowed)}
    if seen.more_urgent:
        return {"why": "priority", "runs": seen.more_urgent}
    if seen.before or seen.projects:
        return {"why": "turn", "runs": seen.before, "projects": seen.projects}
    return {"why": "workers"}
