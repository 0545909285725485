"""Claims, fences and what a worker back from the dead may still write: nothing."""

from collections.abc import Callable

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from app.runs import events, leases
from app.runs import service as runs
from app.runs.events import Event
from app.runs.leases import Claim, Failure, FenceLostError
from app.runs.tables import Run, RunEvent
from tests.app.judgment_rows import a_world


@pytest.fixture
def run(session: Session) -> Run:
    """A queued run."""
    world = a_world(session)
    made = Run(project_id=world.project.id, kind="reward", queue="training", config={}, inputs={"models": {}}, seed=1)
    session.add(made)
    session.flush()
    return made


def claim(session: Session, run: Run, *, owner: str = "one", seconds: float = 60) -> Claim:
    held = leases.claim(session, run.id, owner=owner, lease_seconds=seconds)
    assert held is not None
    return held


def let_the_lease_run_out(session: Session, run: Run) -> None:
    session.execute(update(Run).where(Run.id == run.id).values(lease_until=text("now() - interval '1 second'")))
    leases.reap(session, lease_seconds=0.0, max_stalls=9)
    session.execute(update(Run).where(Run.id == run.id).values(run_after=text("now() - interval '1 second'")))


def test_a_claim_takes_a_run_once(session: Session, run: Run) -> None:
    assert claim(session, run).attempt == 1
    assert leases.claim(session, run.id, owner="two", lease_seconds=60) is None


def test_each_claim_has_a_higher_fence(session: Session, run: Run) -> None:
    first = claim(session, run)
    let_the_lease_run_out(session, run)
    assert claim(session, run, owner="two").fence > first.fence


STALE_WRITES: dict[str, Callable[[Session, Claim], object]] = {
    "start": leases.start,
    "report": lambda session, held: leases.report(session, held, [events.note("late")], progress={"step": 9}),
    "inputs": lambda session, held: leases.set_inputs(session, held, {"prompt_ids": [1]}),
    "succeed": lambda session, held: leases.succeed(session, held, {}),
    "fail": lambda session, held: leases.fail(session, held, Failure(reason="error", error="late")),
    "cancelled": leases.cancelled,
    "hand_back": leases.hand_back,
}


@pytest.mark.parametrize("write", STALE_WRITES)
def test_a_stale_fence_is_refused(session: Session, run: Run, write: str) -> None:
    stale = claim(session, run)
    let_the_lease_run_out(session, run)
    fresh = claim(session, run, owner="two")
    before = snapshot(session, run)

    with pytest.raises(FenceLostError):
        STALE_WRITES[write](session, stale)

    assert leases.heartbeat(session, stale, 60) is None
    assert snapshot(session, run) == before
    leases.start(session, fresh)


def test_a_run_that_is_to_be_cancelled_is_when_its_worker_stops(session: Session, run: Run) -> None:
    held = claim(session, run)
    assert runs.cancel(session, run.id, actor=None).state == "cancelling"
    leases.hand_back(session, held)
    session.refresh(run)
    assert (run.state, run.reason, run.lease_owner) == ("cancelled", "cancelled", None)


def test_without_the_fence_the_same_write_would_go_through(session: Session, run: Run) -> None:
    """The control: only the fence keeps the stale worker's result out."""
    stale = claim(session, run)
    let_the_lease_run_out(session, run)
    leases.start(session, claim(session, run, owner="two"))

    naive = "UPDATE runs SET state = 'succeeded', result = '{}', finished_at = now(), lease_owner = NULL,"
    naive += " lease_until = NULL WHERE id = :id AND state IN ('running', 'cancelling')"
    written = session.execute(text(naive), {"id": stale.run_id})
    assert written.rowcount == 1


def snapshot(session: Session, run: Run) -> tuple[object, ...]:
    session.refresh(run)
    count = len(list(session.scalars(select(RunEvent).where(RunEvent.run_id == run.id))))
    return run.state, run.fence, run.progress, run.inputs, run.result, run.last_event_seq, count


def test_the_database_refuses_an_illegal_move(session: Session, run: Run) -> None:
    with pytest.raises(Exception, match="may not go from queued to succeeded"), session.begin_nested():
        session.execute(update(Run).where(Run.id == run.id).values(state="succeeded"))


def test_a_checkpoint_restarts_the_count_of_stalls(session: Session, run: Run) -> None:
    claim(session, run)
    let_the_lease_run_out(session, run)
    held = claim(session, run)
    leases.report(session, held, [Event("checkpoint", {"step": 1})], progress={}, durable=True)
    session.refresh(run)
    assert run.stalls == 0


def test_nothing_is_reaped_right_after_postgres_came_back(session: Session, run: Run) -> None:
    claim(session, run)
    session.execute(update(Run).where(Run.id == run.id).values(lease_until=text("now() - interval '1 second'")))
    assert leases.reap(session, lease_seconds=10_000_000, max_stalls=3) == []


def test_bells_ring_again_only_after_a_while(session: Session, run: Run) -> None:
    assert leases.due_for_ringing(session, every_seconds=10) == [(run.id, "training")]
    assert leases.due_for_ringing(session, every_seconds=10) == []
    assert leases.due_for_ringing(session, every_seconds=0 - 1) == [(run.id, "training")]
