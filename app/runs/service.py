"""Look at runs; cancel, pause and continue them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Text, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session, defer

from app import audit, jobs
from app.auth.tables import User
from app.errors import Conflict
from app.pagination import PageRequest, Rows, page_by_id
from app.registry.tables import ModelVersion
from app.runs import events
from app.runs.events import moved, note
from app.runs.lifecycle import ACTIVE, State
from app.runs.priorities import NUMBERS, Level, level_of
from app.runs.tables import Run

SAMPLING_STATES = tuple(sorted(ACTIVE))


@dataclass(frozen=True, slots=True)
class SeenRun:
    """A run with who launched it, the model version it made, and its result without the report."""

    run: Run
    created_by: User | None
    model_version_id: int | None
    result: dict[str, Any] | None


def seen(session: Session, runs: Iterable[Run]) -> list[SeenRun]:
    """The runs with their people, model versions and results, in three queries whatever their number."""
    listed = list(runs)
    ids = [run.id for run in listed]
    users = {
        user.id: user for user in session.scalars(select(User).where(User.id.in_({run.created_by for run in listed})))
    }
    made = session.scalars(select(ModelVersion).where(ModelVersion.run_id.in_(ids)))
    versions = {version.run_id: version.id for version in made}
    results = _results(session, ids)
    return [SeenRun(run, users.get(run.created_by or 0), versions.get(run.id), results.get(run.id)) for run in listed]


def _results(session: Session, run_ids: list[int]) -> dict[int, dict[str, Any] | None]:
    """What each run left besides its report, which may be a megabyte and stays in the database."""
    brief = Run.result.op("-", return_type=JSONB())(literal("report", Text)).label("brief")
    return {row.id: row.brief for row in session.execute(select(Run.id, brief).where(Run.id.in_(run_ids)))}


def listed(
    session: Session, project_id: int, page: PageRequest, *, kind: str | None = None, state: str | None = None
) -> Rows[Run]:
    """A project's runs, newest first."""
    query = select(Run).options(defer(Run.result)).where(Run.project_id == project_id)
    if kind is not None:
        query = query.where(Run.kind == kind)
    if state is not None:
        query = query.where(Run.state == state)
    return page_by_id(session, query, Run.id, page)


def active(session: Session, project_id: int, *, kind: str | None = None) -> list[Run]:
    """A project's runs that wait or work, oldest first."""
    query = select(Run).options(defer(Run.result))
    query = query.where(Run.project_id == project_id, Run.state.in_(SAMPLING_STATES))
    if kind is not None:
        query = query.where(Run.kind == kind)
    return list(session.scalars(query.order_by(Run.id)))


def cancel(session: Session, run_id: int, *, actor: User | None) -> Run:
    """Stop a run: at once while it waits, through its worker while it works. Cancelling twice is no error."""
    run = _locked(session, run_id)
    if run.state in {"cancelling", "cancelled"}:
        return run
    if run.state in {"succeeded", "failed"}:
        raise _finished(run, "There is nothing to stop.")
    if run.state in {"queued", "paused"}:
        run.finished_at, run.reason = func.now(), "cancelled"
        return _moved(session, run, "cancelled", actor=actor, did="cancelled")
    return _moved(session, run, "cancelling", actor=actor, did="cancelled")


def pause(session: Session, run_id: int, *, actor: User) -> Run:
    """Let a run rest: at once while it waits, else as soon as its child has written a checkpoint after its step.

    Pausing twice is no error.
    """
    run = _locked(session, run_id)
    if run.state in {"pausing", "paused"}:
        return run
    if run.state not in {"queued", "claimed", "running"}:
        raise _finished(run, "There is nothing to pause.")
    return _moved(session, run, "paused" if run.state == "queued" else "pausing", actor=actor, did="paused")


def go_on(session: Session, run_id: int, *, actor: User) -> Run:
    """Queue a paused or a cancelled run again; it goes on from its last checkpoint. Asking twice is no error."""
    run = _locked(session, run_id)
    if run.state in {"queued", "claimed", "running"}:
        return run
    if run.state in {"pausing", "cancelling"}:
        raise Conflict(
            f"the run is still {run.state}",
            type="run-still-held",
            advice="Its training process is being ended. Continue it once that is done.",
        )
    if run.state not in {"paused", "cancelled"}:
        raise _finished(run, "Start a new run with the same settings instead.")
    run.finished_at = run.reason = run.rung_at = None
    run.run_after, run.stalls = func.now(), 0
    continued = _moved(session, run, "queued", actor=actor, did="continued")
    jobs.ring_after_commit(session, run.id, run.queue)
    return continued


def prioritise(session: Session, run_id: int, level: Level, *, actor: User) -> Run:
    """Let a run that waits or rests go earlier or later. Asking for what it has is no error."""
    run = _locked(session, run_id)
    if run.state not in {"queued", "paused"}:
        raise _finished(run, "Its turn has come already: only a run that waits has a place in line.")
    before = level_of(run.priority)
    if level == before:
        return run
    run.priority = NUMBERS[level]
    session.flush()
    events.append(session, run.id, note(f"{actor.name} made it {level}; it was {before}."))
    audit.record(
        session,
        actor=actor,
        action="run.prioritised",
        object_type="run",
        object_id=run.id,
        project_id=run.project_id,
        detail={"before": before, "after": level},
    )
    return run


def _locked(session: Session, run_id: int) -> Run:
    return session.scalars(
        # A worker that is just storing answers refers to the run, and does not keep a person waiting by that.
        select(Run).where(Run.id == run_id).with_for_update(key_share=True).execution_options(populate_existing=True)
    ).one()


def _finished(run: Run, advice: str) -> Conflict:
    what = f"has already {run.state}" if run.state in {"succeeded", "failed"} else f"is {run.state}"
    return Conflict(f"the run {what}", type="run-finished", advice=advice)


def _moved(session: Session, run: Run, target: State, *, actor: User | None, did: str) -> Run:
    """Move a locked run because somebody asked for it, and tell so. What was said of its waiting holds no more."""
    before, run.state, run.notice = run.state, target, None
    session.flush()
    who = actor.name if actor else "the loop"
    events.append(session, run.id, moved(before, target, who=who, why=f"{did.capitalize()} by {who}."))
    audit.record(
        session,
        actor=actor,
        action=f"run.{did}",
        object_type="run",
        object_id=run.id,
        project_id=run.project_id,
        detail={"state_before": before},
    )
    return run
