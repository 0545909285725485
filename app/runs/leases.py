"""Who works on a run. A claim raises the run's fence and every later write of its worker names that fence, so a worker
that was thought dead and comes back changes nothing. All times are Postgres's own.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Row, Select, case, cast, func, select, update
from sqlalchemy.orm import Session, aliased

from app.runs import events, turns
from app.runs.events import Event, moved, note
from app.runs.lifecycle import HELD, state_after_lost_lease
from app.runs.tables import Run, fence_sequence

WORKER: Final = "worker"
SCHEDULER: Final = "scheduler"
LONGEST_ERROR: Final = 8000
STOPPED: Final = "The worker was stopped; the run waits for another and goes on from its last checkpoint."
RELEASED: Final[dict[str, Any]] = {"lease_owner": None, "lease_until": None, "rung_at": None}


class FenceLostError(RuntimeError):
    """The run belongs to another claim by now; this worker must end its child and write nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A worker's hold on a run: what to do, and the fence that its writes carry."""

    run_id: int
    fence: int
    owner: str
    kind: str
    queue: str
    project_id: int
    attempt: int
    config: dict[str, Any]
    inputs: dict[str, Any]
    seed: int
    devices: int | None
    cycle_id: int | None
    dataset_snapshot_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a run failed, in one word, in words, and what a person can do about it."""

    reason: str
    error: str
    advice: str | None = None


def in_seconds(seconds: float) -> ColumnElement[Any]:
    """The moment `seconds` from Postgres's now."""
    return func.now() + timedelta(seconds=seconds)


def claim(session: Session, run_id: int, *, owner: str, lease_seconds: float, devices: int = 1) -> Claim | None:
    """Take the run whose turn it is in the queue that `run_id` is in, or nothing.

    A doorbell only says that a queue has work: the run it names may be gone, and a more urgent one may have come.
    `devices` is how many this worker can give to a run; one that asks for more is left for another worker.
    """
    queue = session.scalar(select(Run.queue).where(Run.id == run_id))
    if queue is None:
        return None
    turns.hold(session)
    row = session.execute(
        update(Run)
        .where(Run.id == turns.next_run(queue, owner=owner, devices=devices), Run.state == "queued")
        .values(
            state="claimed",
            attempt=Run.attempt + 1,
            fence=fence_sequence.next_value(),
            claimed_at=func.clock_timestamp(),
            lease_owner=owner,
            lease_until=in_seconds(lease_seconds),
            heartbeat_at=func.now(),
            notice=None,
            last_event_seq=Run.last_event_seq + 1,
        )
        .returning(Run)
        .execution_options(synchronize_session=False, populate_existing=True)
    ).scalar_one_or_none()
    return None if row is None else _claimed(session, row, owner)


def _claimed(session: Session, run: Run, owner: str) -> Claim:
    again = "" if run.attempt == 1 else f", attempt {run.attempt}"
    event = moved("queued", "claimed", who=WORKER, why=f"Taken by {owner}{again}.")
    events.store(session, run.id, run.last_event_seq, [event])
    return Claim(
        run_id=run.id,
        fence=run.fence,
        owner=owner,
        kind=run.kind,
        queue=run.queue,
        project_id=run.project_id,
        attempt=run.attempt,
        config=run.config,
        inputs=run.inputs,
        seed=run.seed,
        devices=run.devices,
        cycle_id=run.cycle_id,
        dataset_snapshot_id=run.dataset_snapshot_id,
    )


def _mine(held: Claim, states: frozenset[str]) -> Select[int, str]:
    return (
        select(Run.id, Run.state)
        .where(Run.id == held.run_id, Run.fence == held.fence, Run.state.in_(states))
        .with_for_update()
    )


def _move(session: Session, held: Claim, sources: frozenset[str], target: str, *, why: str, **values: Any) -> str:
    """Move the claim's run and tell so; the state before. `FenceLostError` when it is no longer this claim's."""
    mine = _mine(held, sources).cte("mine")
    row: Row[str, int] | None = session.execute(
        update(Run)
        .where(Run.id == mine.c.id)
        .values(state=target, last_event_seq=Run.last_event_seq + 1, **values)
        .returning(mine.c.state, Run.last_event_seq)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if row is None:
        raise FenceLostError(f"run {held.run_id} is not held under fence {held.fence} any more")
    before, last = row
    events.store(session, held.run_id, last, [moved(before, target, who=WORKER, why=why)])
    return before


def start(session: Session, held: Claim) -> str:
    """The child is about to start: claimed → running. Where a person has asked for an end in the meantime it must not:
    the state then says for which, `pausing` or `cancelling`.
    """
    state = _state(session, held)
    if state != "claimed":
        return state
    started = func.coalesce(Run.started_at, func.now())
    _move(session, held, frozenset({"claimed"}), "running", why="The training process starts.", started_at=started)
    return "running"


def _state(session: Session, held: Claim) -> str:
    """The state of the claim's run, locked. `FenceLostError` when it is no longer this claim's."""
    row = session.execute(_mine(held, HELD)).one_or_none()
    if row is None:
        raise FenceLostError(f"run {held.run_id} is not held under fence {held.fence} any more")
    state: str = row.state
    return state


def heartbeat(session: Session, held: Claim, lease_seconds: float) -> str | None:
    """Renew the lease; the run's state (`cancelling`: stop the child), or None when the run is no longer ours."""
    return session.execute(
        update(Run)
        .where(Run.id == held.run_id, Run.fence == held.fence, Run.state.in_(HELD))
        .values(lease_until=in_seconds(lease_seconds), heartbeat_at=func.now())
        .returning(Run.state)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()


def report(
    session: Session, held: Claim, happened: list[Event], *, progress: dict[str, Any], durable: bool = False
) -> None:
    """Store what the child told, merge `progress`, all or nothing.

    `durable` says that the run now stands further than before, even if its worker dies: the count of stalls restarts.
    """
    values: dict[str, Any] = {"stalls": 0} if durable else {}
    last = session.execute(
        update(Run)
        .where(Run.id == held.run_id, Run.fence == held.fence, Run.state.in_(HELD))
        .values(last_event_seq=Run.last_event_seq + len(happened), progress=Run.progress.concat(progress), **values)
        .returning(Run.last_event_seq)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    if last is None:
        raise FenceLostError(f"run {held.run_id} is not held under fence {held.fence} any more")
    events.store(session, held.run_id, last, happened)


def set_inputs(
    session: Session, held: Claim, inputs: dict[str, Any], *, dataset_snapshot_id: int | None = None
) -> None:
    """Write down what the run works on, found when it was prepared, so that a resumed run works on the same."""
    snapshot = cast(dataset_snapshot_id, BigInteger)
    changed = session.execute(
        update(Run)
        .where(Run.id == held.run_id, Run.fence == held.fence, Run.state.in_(HELD))
        .values(inputs=Run.inputs.concat(inputs), dataset_snapshot_id=func.coalesce(snapshot, Run.dataset_snapshot_id))
        .returning(Run.id)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    if changed is None:
        raise FenceLostError(f"run {held.run_id} is not held under fence {held.fence} any more")


def succeed(session: Session, held: Claim, result: dict[str, Any]) -> None:
    """The run is done. What it made must be registered in the same transaction."""
    sources = frozenset({"running", "pausing", "cancelling"})
    finished = {"finished_at": func.now(), "result": result}
    _move(session, held, sources, "succeeded", why="Done.", **RELEASED, **finished)


def fail(session: Session, held: Claim, failure: Failure) -> None:
    """The run ends without success."""
    _move(
        session,
        held,
        HELD,
        "failed",
        why=failure.error.splitlines()[0] if failure.error else failure.reason,
        **RELEASED,
        finished_at=func.now(),
        reason=failure.reason,
        error=failure.error[-LONGEST_ERROR:],
        advice=failure.advice,
    )


def cancelled(session: Session, held: Claim) -> None:
    """The child has been stopped because a person asked for it."""
    why = "Stopped; its checkpoints are kept."
    _move(session, held, HELD, "cancelled", why=why, **RELEASED, finished_at=func.now(), reason="cancelled")


def paused(session: Session, held: Claim, *, step: int | None) -> None:
    """The child has ended because a person asked for a pause; `step` is that of the checkpoint it wrote for it.

    Where somebody cancelled the run while the child wrote, it is cancelled: the checkpoint is there either way.
    """
    if _state(session, held) == "cancelling":
        cancelled(session, held)
        return
    kept = "It goes on from its last checkpoint, if there is one." if step is None else f"Stored after step {step}."
    _move(session, held, frozenset({"pausing"}), "paused", why=f"Paused. {kept}", **RELEASED)


def hand_back(session: Session, held: Claim, *, why: str = STOPPED, rest_seconds: float = 0) -> None:
    """The worker has to stop, the run has not: back into the queue, for whoever comes next. No stall is counted.

    A run that a person wants paused or cancelled is that by this: nobody may take it up again against their wish.
    """
    if _state(session, held) in {"pausing", "cancelling"}:
        paused(session, held, step=None)
        return
    sources = frozenset({"claimed", "running"})
    _move(session, held, sources, "queued", why=why, **RELEASED, run_after=in_seconds(rest_seconds))


def stall(session: Session, held: Claim, failure: Failure, *, lease_seconds: float, max_stalls: int) -> None:
    """The child died or hangs without a word: another attempt goes on from the last checkpoint, as often as is allowed.

    A run that made no progress `max_stalls` times fails with the reason of the last time.
    """
    state = _state(session, held)
    stalls = session.execute(select(Run.stalls).where(Run.id == held.run_id)).scalar_one() + 1
    target = state_after_lost_lease(state, stalls=stalls, max_stalls=max_stalls)
    what = failure.error.partition("\n")[0]
    events.append(session, held.run_id, note(failure.error[-LONGEST_ERROR:], level="error"))
    if target == "failed":
        fail(session, held, failure)
    elif target == "cancelled":
        cancelled(session, held)
    elif target == "paused":
        paused(session, held, step=None)
    else:
        why = f"{what} Time {stalls} of {max_stalls} without progress: it goes on from its last checkpoint."
        later = in_seconds(pause_after(stalls, lease_seconds))
        _move(session, held, HELD, "queued", why=why, **RELEASED, stalls=stalls, run_after=later, notice=why)


def pause_after(stalls: int, lease_seconds: float) -> float:
    """Seconds until a run is tried again that has stalled so often: each time twice as long, five minutes at most."""
    doubled: float = lease_seconds / 15 * 2**stalls
    return min(300.0, doubled)


def reap(session: Session, *, lease_seconds: float, max_stalls: int, limit: int = 100) -> list[Run]:
    """Take runs away from workers that fell silent: fence them off now, queue the run again or end it.

    Nothing is reaped until Postgres has been up for a lease's time: after an outage all leases look lost.
    """
    outage = func.pg_postmaster_start_time() > in_seconds(-lease_seconds)
    lost = session.scalars(
        select(Run)
        .where(Run.state.in_(HELD), Run.lease_until < func.now(), ~outage)
        .order_by(Run.lease_until)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for run in lost:
        _take_away(session, run, lease_seconds=lease_seconds, max_stalls=max_stalls)
    return list(lost)


def _take_away(session: Session, run: Run, *, lease_seconds: float, max_stalls: int) -> None:
    before, owner, stalls = run.state, run.lease_owner, run.stalls + 1
    target = state_after_lost_lease(before, stalls=stalls, max_stalls=max_stalls)
    run.fence = fence_sequence.next_value()
    run.stalls, run.state = stalls, target
    run.lease_owner = run.lease_until = run.rung_at = None
    run.run_after = in_seconds(pause_after(stalls, lease_seconds))
    if target in {"failed", "cancelled"}:
        run.finished_at = func.now()
        run.reason = "stalled" if target == "failed" else "cancelled"
    if target == "failed":
        run.error = f"The worker {owner} fell silent, {stalls} times without progress in between."
        run.advice = "Look at the worker's log: it may have run out of memory. Then start a new run."
    session.flush()
    why = run.error or f"The worker {owner} fell silent (time {stalls} without progress)."
    events.append(session, run.id, moved(before, target, who=SCHEDULER, why=why))


def due_for_ringing(session: Session, *, every_seconds: float, limit: int = 200) -> list[tuple[int, str]]:
    """Queued runs (id, queue) whose doorbell was not rung for a while; marked as rung. Send after the commit."""
    other = aliased(Run)
    silent = case((other.rung_at.is_(None), True), else_=other.rung_at < in_seconds(-every_seconds))
    due = (
        select(other.id)
        .where(other.state == "queued", other.run_after <= func.now(), silent)
        .order_by(other.priority, other.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    rows = session.execute(
        update(Run)
        .where(Run.id == due.c.id)
        .values(rung_at=func.now())
        .returning(Run.id, Run.queue)
        .execution_options(synchronize_session=False)
    )
    return [(run_id, queue) for run_id, queue in rows]
