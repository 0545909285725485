"""What must hold whatever was killed, read from one snapshot of the database and compared with the journal.

The names N1 to N7 are those of the promises in docs/reliability.md. Every statement lists what breaks a promise, so an
empty answer is the good one.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg.rows import dict_row

from app.runs.lifecycle import MOVES
from tests.chaos.journal import Journal, Request

RANKINGS = """
SELECT r.id, r.annotator_id, r.assignment_id, r.revision, r.superseded_by_id, r.rationale, r.moves, r.active_ms,
       k.key, extract(epoch FROM r.created_at) AS at,
       (SELECT json_agg(json_build_array(i.rank, i.completion_id) ORDER BY i.rank, i.completion_id)
        FROM ranking_items i WHERE i.ranking_id = r.id) AS places
FROM rankings r
LEFT JOIN idempotency_keys k ON k.user_id = r.annotator_id AND (k.body->>'ranking_id')::bigint = r.id
"""
# Each lists what contradicts the other books.
BOOKS = {
    "N2 two current rankings of one (task, annotator)": """
        SELECT task_id, annotator_id FROM rankings WHERE superseded_by_id IS NULL
        GROUP BY task_id, annotator_id HAVING count(*) > 1""",
    "N2 more judgments than the task wants": """
        SELECT t.id FROM tasks t WHERE t.overlap <
          (SELECT count(*) FROM rankings r WHERE r.task_id = t.id AND NOT r.extra AND r.superseded_by_id IS NULL)""",
    "N2 more slots filled than the task wants": """
        SELECT t.id FROM tasks t WHERE t.overlap <
          (SELECT count(*) FROM task_slots s WHERE s.task_id = t.id AND s.state IN ('filled', 'leased'))""",
    "N2 a filled slot and a judgment that do not belong together": """
        SELECT s.id FROM task_slots s LEFT JOIN assignments a ON a.id = s.assignment_id
        WHERE (s.state = 'filled' AND a.state <> 'submitted') OR (s.state = 'leased' AND a.state <> 'leased')
           OR (s.state IN ('filled', 'leased') AND a.task_id <> s.task_id)
        UNION ALL
        SELECT r.id FROM rankings r WHERE NOT r.extra AND r.superseded_by_id IS NULL AND NOT EXISTS
          (SELECT 1 FROM task_slots s WHERE s.assignment_id = r.assignment_id AND s.state = 'filled')""",
    "N2 a task that is done too early or too late": """
        SELECT t.id FROM tasks t WHERE t.state <> 'retired' AND (t.state = 'done') <> (t.overlap <=
          (SELECT count(*) FROM task_slots s WHERE s.task_id = t.id AND s.state = 'filled'))""",
    "N2 a ranking without all its places and pairs": """
        SELECT r.id FROM rankings r
        WHERE (SELECT count(*) FROM comparisons c WHERE c.ranking_id = r.id) <> 3
           OR (SELECT count(*) FROM ranking_items i WHERE i.ranking_id = r.id) <> 3
           OR (SELECT a.state FROM assignments a WHERE a.id = r.assignment_id) <> 'submitted'""",
    "N2 a day's counter that differs from the recount": """
        SELECT coalesce(d.annotator_id, r.annotator_id) FROM annotator_days d FULL JOIN (
          SELECT annotator_id, project_id, (created_at AT TIME ZONE 'UTC')::date AS day, count(*) AS judged
          FROM rankings WHERE revision = 1 GROUP BY 1, 2, 3) r USING (annotator_id, project_id, day)
        WHERE coalesce(d.judged, 0) <> coalesce(r.judged, 0)""",
    "N4 more than one success of a run": """
        SELECT run_id FROM run_events WHERE type = 'state' AND data->>'to' = 'succeeded'
        GROUP BY run_id HAVING count(*) > 1""",
    "N4 a result that is not by the holder of the highest fence": """
        SELECT id FROM runs WHERE state = 'succeeded' AND (result->'report'->>'fence')::bigint <> fence""",
    "N4 a model that no success or more than one registration stands behind": """
        SELECT v.run_id FROM model_versions v JOIN runs r ON r.id = v.run_id
        GROUP BY v.run_id, r.state HAVING count(*) > 1 OR r.state <> 'succeeded'""",
    "N4 events that are not numbered from one on": """
        SELECT r.id FROM runs r JOIN run_events e ON e.run_id = r.id GROUP BY r.id
        HAVING count(*) <> max(e.seq) OR min(e.seq) <> 1 OR max(e.seq) <> r.last_event_seq""",
    "N4 a checkpoint under a fence that its run never had": """
        SELECT c.run_id FROM run_checkpoints c JOIN runs r ON r.id = c.run_id WHERE c.fence > r.fence""",
    "N7 a judgment without its one audit row": """
        SELECT r.id FROM rankings r LEFT JOIN audit_events e
          ON e.object_type = 'ranking' AND e.object_id = r.id::text
        GROUP BY r.id HAVING count(e.id) <> 1""",
    "N7 a run without its one audit row": """
        SELECT r.id FROM runs r LEFT JOIN audit_events e
          ON e.object_type = 'run' AND e.object_id = r.id::text AND e.action = 'run.launched'
        GROUP BY r.id HAVING count(e.id) <> 1""",
    "N7 a snapshot without its one audit row": """
        SELECT s.id FROM dataset_snapshots s LEFT JOIN audit_events e
          ON e.object_type = 'dataset_snapshot' AND e.object_id = s.id::text
        GROUP BY s.id HAVING count(e.id) <> 1""",
}
SNAPSHOTS = """
SELECT s.id, s.content_hash, (s.counts->>'rankings')::bigint AS said, extract(epoch FROM s.created_at) AS at,
       extract(epoch FROM coalesce(r.finished_at, now())) AS over, r.id AS run_id,
       ARRAY(SELECT h.ranking_id FROM snapshot_rankings h WHERE h.snapshot_id = s.id) AS held
FROM dataset_snapshots s JOIN runs r ON r.dataset_snapshot_id = s.id WHERE s.kind = 'judgments'
"""
STORY = "SELECT run_id, type, data FROM run_events WHERE type IN ('state', 'log') ORDER BY run_id, seq"


def check(url: str, journal: Journal) -> list[str]:
    """Everything that breaks a promise now; `url` is the database's."""
    # Read before the database is: what was accepted by now must be there.
    requests = journal.all()
    accepted = [one for one in requests if one.accepted]
    with psycopg.connect(url, row_factory=dict_row) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        rankings = connection.execute(RANKINGS).fetchall()
        found = contradictions(connection, BOOKS)
        found += broken_stories(connection.execute(STORY).fetchall())
        found += wrong_snapshots(connection.execute(SNAPSHOTS).fetchall(), rankings, accepted)
        found += missing_audit_rows(connection, accepted)
        found += lost_runs(connection, accepted)
    # Read after the database was: whatever is there must have been asked for by now.
    found += wrong_rankings(rankings, accepted, {one.key for one in journal.all()})
    return found + journal.faults


def contradictions(connection: Any, books: dict[str, str]) -> list[str]:
    """The books that do not agree, each with where."""
    found = {name: connection.execute(query).fetchall() for name, query in books.items()}
    return [f"{name}: {rows}" for name, rows in found.items() if rows]


def wrong_rankings(rows: list[dict[str, Any]], accepted: list[Request], sent: set[str]) -> Iterator[str]:
    """N1, N3: what was acknowledged is there exactly once and says what was sent; nothing else is there."""
    by_key = {row["key"]: row for row in rows}
    for row in rows:
        if row["key"] not in sent:
            yield f"N3 ranking {row['id']} answers no request that was sent"
    if len(by_key) != len(rows):
        yield "N3 a ranking is there twice under one key"
    told = [one for one in accepted if one.is_for("/ranking")]
    for request in told:
        row = by_key.get(request.key)
        if row is None or row["id"] != request.answer["ranking_id"]:
            yield f"N1 lost: {request.key} was acknowledged as ranking {request.answer['ranking_id']}"
        elif (row["annotator_id"], stored_words(row)) != (request.user_id, sent_words(request)):
            yield f"N1 ranking {row['id']} says {stored_words(row)} and not {sent_words(request)}"


def stored_words(row: dict[str, Any]) -> str:
    """What a stored ranking says, in one form."""
    tiers = defaultdict(list)
    for rank, completion in row["places"]:
        tiers[rank].append(completion)
    return words([tiers[rank] for rank in sorted(tiers)], row)


def sent_words(request: Request) -> str:
    """What was sent, in the same form."""
    return words([sorted(tier) for tier in request.body["tiers"]], request.body)


def words(tiers: list[list[int]], said: dict[str, Any]) -> str:
    """The canonical text of a judgment."""
    return json.dumps([tiers, said["rationale"], said["moves"], said["active_ms"]])


def broken_stories(rows: list[dict[str, Any]]) -> Iterator[str]:
    """N4: each run's moves are legal and follow each other, and nobody writes into it once another has claimed it."""
    state: dict[int, str | None] = {}
    fence: dict[int, int] = {}
    claimed: dict[int, bool] = {}
    for row in rows:
        run, data = row["run_id"], row["data"]
        if row["type"] == "state":
            before, after = data["from"], data["to"]
            if before != state.get(run) or (before is not None and after not in MOVES[before]):
                yield f"N4 run {run} went from {before} to {after} when it was {state.get(run)}"
            state[run], claimed[run] = after, after == "claimed" or claimed.get(run, False)
        elif (wrote := fence_of(data["text"])) is not None:
            # Between two claims only one fence writes: a new one right after a claim, never an older one.
            new = wrote > fence.get(run, 0) and claimed.get(run, False)
            if not new and wrote != fence.get(run):
                yield f"N4 run {run} was written to under the fence {wrote} after {fence.get(run)}"
            if state.get(run) not in {"running", "cancelling", "pausing"}:
                yield f"N4 run {run} was written to under the fence {wrote} while it was {state.get(run)}"
            fence[run], claimed[run] = max(wrote, fence.get(run, 0)), False


def fence_of(text: str) -> int | None:
    """The fence that the fake recipe names in its log lines."""
    parts = text.split()
    return int(parts[1]) if len(parts) == 4 and parts[0] == "fence" else None


def wrong_snapshots(snapshots: list[Any], rankings: list[dict[str, Any]], accepted: list[Request]) -> Iterator[str]:
    """N6: a snapshot holds what was acknowledged before it was made, and nothing that was sent after its run."""
    after = {row["id"]: row["superseded_by_id"] for row in rankings}
    told = [(one.answer["ranking_id"], one) for one in accepted if one.is_for("/ranking")]
    for snapshot in snapshots:
        held = set(snapshot["held"])
        if len(held) != snapshot["said"]:
            yield f"N6 snapshot {snapshot['id']} says it holds {snapshot['said']} rankings and holds {len(held)}"
        for ranking, request in told:
            if (request.answered_at or 0) < snapshot["at"] and not held & set(line_of(ranking, after)):
                yield f"N6 snapshot {snapshot['id']} misses ranking {ranking}, acknowledged before it"
            if request.sent_at > snapshot["over"] and ranking in held:
                yield f"N6 snapshot {snapshot['id']} holds ranking {ranking}, sent after its run"


def line_of(ranking: int | None, after: dict[int, int | None]) -> Iterator[int]:
    """A ranking and what replaced it, in order."""
    while ranking is not None:
        yield ranking
        ranking = after.get(ranking)


def missing_audit_rows(connection: Any, accepted: list[Request]) -> Iterator[str]:
    """N7: each skip and cancel that was acknowledged left a row; rankings and launches are counted by `BOOKS`."""
    rows = connection.execute("SELECT action, object_id FROM audit_events").fetchall()
    known = {(row["action"], row["object_id"]) for row in rows}
    for ending, action in (("/skip", "assignment.skipped"), ("/cancel", "run.cancelled")):
        for request in accepted:
            if request.is_for(ending) and (action, request.path.split("/")[2]) not in known:
                yield f"N7 {request.path} was acknowledged and left no audit row"


def lost_runs(connection: Any, accepted: list[Request]) -> Iterator[str]:
    """N4: every run that was acknowledged is there, one for each request."""
    there = {row["id"] for row in connection.execute("SELECT id FROM runs").fetchall()}
    told = [one.answer["id"] for one in accepted if one.is_for("/runs")]
    yield from (f"N4 run {run} was acknowledged and is not there" for run in told if run not in there)
    if len(set(told)) != len(told):
        yield "N3 one run answers two requests"


def content_hashes(url: str) -> dict[int, str]:
    """Each snapshot's content, hashed as stored: what must never change."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        rows = connection.execute(SNAPSHOTS).fetchall()
    return {
        row["id"]: hashlib.sha256(f"{row['content_hash']} {sorted(row['held'])}".encode()).hexdigest() for row in rows
    }
