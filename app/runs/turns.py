"""Whose turn it is: which of a queue's runs a worker takes next.

1. The most urgent go first.
2. Of equally urgent ones, those of the project that has the fewest runs at work, then of the one that was served
   longest ago: a hundred runs of one project hold up no other's single one.
3. Of one project's, those that wait longest.

A project that has as many runs at work as it may (`runs_at_once`) waits until one has ended. Light work waits for
nobody's limit and counts to none: it is short, and others may be needed before a training can start.

A worker leaves what it has no room for: the run waits for a larger one. Where an admin insisted on the run, the worker
takes it all the same if no other that is there has room.

One look costs an index entry a project with waiting runs and device that the worker has, however many runs wait, also
for devices that nobody has. Those that it has devices but no memory for are read.
"""

from typing import Final

from sqlalchemy import ScalarSelect, text
from sqlalchemy.orm import Session

from app import jobs, locks
from app.runs.tables import HELD, Run
from workers.rlhf.configs import SHARED

LIGHT: Final = "light"
# Claims go one after the other, each a few milliseconds: what one counted must still be so when it takes its run.
LOCK: Final = "claiming runs"
# What a project may have at work at once; null where its settings do not say.
LIMIT: Final = """
    CASE jsonb_typeof(p.settings->'runs_at_once') WHEN 'number' THEN (p.settings->>'runs_at_once')::numeric END
"""
# A project's runs at work that take the same kind of place as one of the queue :queue would.
AT_WORK: Final = f"""
    SELECT h.project_id, count(*) AS runs FROM runs h
    WHERE h.state IN ({HELD}) AND (h.queue = '{LIGHT}') = (CAST(:queue AS text) = '{LIGHT}')
    GROUP BY h.project_id
"""  # noqa: S608 - made of constants
# A worker that has not been seen for longer is gone.
SEEN_SECONDS: Final = 60.0


def takes(worker: str) -> str:
    """SQL: bytes that a process of the run `r` takes on a row of `workers`, null where nothing is known.

    Somebody may have asked for more bytes than fit into an integer.
    """
    return f"(r.estimate->'memory'->>{worker}.kind)::numeric"


def room(worker: str) -> str:
    """SQL: bytes that a row of `workers` has for a process of the run `r`, as `app.runs.capacity.room_of` has it."""
    shared = ", ".join(f"'{kind}'" for kind in sorted(SHARED))
    processes = f"least(coalesce(r.devices, {worker}.processes), {worker}.processes)"
    return f"""CASE WHEN {worker}.kind = 'cpu' AND r.kind IN ({shared})
      THEN least({worker}.room_bytes, {worker}.memory_bytes / {processes}) ELSE {worker}.room_bytes END"""


# The workers that are there and could take the run r, if it has room there.
SERVING: Final = f"""
    r.queue = ANY (w.queues) AND w.seen_at > now() - make_interval(secs => {SEEN_SECONDS})
    AND w.processes >= coalesce(r.devices, 1)
"""
INSISTED: Final = "coalesce((r.estimate->>'insisted')::boolean, false)"
# Whether the run r has room on the worker `me`; where `me` has not said yet what it has, it looks before it starts.
HAS_ROOM: Final = f"""
    CASE WHEN coalesce({takes("me")} <= {room("me")}, true) THEN true
      WHEN {INSISTED} THEN NOT EXISTS (SELECT FROM workers w WHERE {SERVING} AND {takes("w")} <= {room("w")})
      ELSE false END
"""
# The ids of the projects with waiting runs, one step in the index from each to the next. A run that somebody else is
# changing right now is passed over: a claim that waited for them would hold up all others.
NEXT: Final = f"""
    WITH RECURSIVE waiting AS (
      (SELECT r.project_id FROM runs r WHERE r.state = 'queued' AND r.queue = :queue ORDER BY r.project_id LIMIT 1)
      UNION ALL
      SELECT (SELECT r.project_id FROM runs r
              WHERE r.state = 'queued' AND r.queue = :queue AND r.project_id > w.project_id
              ORDER BY r.project_id LIMIT 1)
      FROM waiting w WHERE w.project_id IS NOT NULL
    ), at_work AS ({AT_WORK}), me AS MATERIALIZED (SELECT * FROM workers WHERE name = :owner)
    SELECT taken.id
    FROM waiting w
    JOIN projects p ON p.id = w.project_id
    LEFT JOIN me ON true
    LEFT JOIN at_work a ON a.project_id = w.project_id
    CROSS JOIN LATERAL (
      SELECT one.* FROM generate_series(1, :devices) AS asked (devices) CROSS JOIN LATERAL (
        SELECT r.id, r.priority, r.run_after FROM runs r
        WHERE r.state = 'queued' AND r.queue = :queue AND r.project_id = w.project_id AND r.run_after <= now()
          AND coalesce(r.devices, 1) = asked.devices AND {HAS_ROOM}
        ORDER BY r.priority, r.run_after, r.id LIMIT 1
      ) one
      ORDER BY one.priority, one.run_after, one.id LIMIT 1
    ) first
    JOIN runs taken ON taken.id = first.id AND taken.state = 'queued'
    CROSS JOIN LATERAL (
      SELECT max(s.claimed_at) AS at FROM runs s WHERE s.project_id = w.project_id AND s.claimed_at IS NOT NULL
    ) served
    WHERE :queue = '{LIGHT}' OR coalesce(a.runs, 0) < coalesce({LIMIT}, 'Infinity')
    ORDER BY first.priority, coalesce(a.runs, 0), served.at NULLS FIRST, first.run_after, first.id
    LIMIT 1
    FOR UPDATE OF taken SKIP LOCKED
"""  # noqa: S608 - made of constants
# The run of the project :project_id whose turn is next, where there is a limit.
KEPT_WAITING: Final = f"""
    SELECT r.id, r.queue FROM runs r JOIN projects p ON p.id = r.project_id
    WHERE r.project_id = :project_id AND r.state = 'queued' AND r.queue <> '{LIGHT}' AND r.run_after <= now()
      AND {LIMIT} IS NOT NULL
    ORDER BY r.priority, r.run_after, r.id LIMIT 1
"""  # noqa: S608 - made of constants


def next_run(queue: str, *, owner: str, devices: int) -> ScalarSelect[int]:
    """The id of the run whose turn it is in `queue`, for the worker `owner` with so many devices, or null.

    Hold `LOCK` for it.
    """
    return text(NEXT).bindparams(queue=queue, owner=owner, devices=devices).columns(Run.id).scalar_subquery()


def ring_who_waited(session: Session, project_id: int) -> None:
    """Ring for a run of a project with a limit, one of whose runs has ended: its own bell may have rung in vain."""
    row = session.execute(text(KEPT_WAITING), {"project_id": project_id}).one_or_none()
    if row is not None:
        jobs.ring_after_commit(session, row.id, row.queue)


def hold(session: Session) -> None:
    """Wait until no other claim is under way, and keep the next from starting until the transaction ends."""
    locks.hold(session, LOCK)
