"""A run that rests and goes on: the same bits as if it had never rested, and no word of a person's is lost."""

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth.tables import User
from app.db import transaction
from app.errors import Conflict
from app.runs import leases, service
from app.runs.tables import Run, RunCheckpoint
from tests.app.judgment_rows import World
from tests.conftest import Database
from tests.workers.jobs.stage import Working, behave, events_of, launched, made_by, read_run, until
from workers.jobs import execution

pytestmark = [pytest.mark.commits, pytest.mark.timeout(300)]

Start = Callable[..., int]


@pytest.fixture(autouse=True)
def patient(database: Database, use_settings: Callable[..., object]) -> None:
    """Leases that a busy machine does not lose."""
    use_settings(run_lease_seconds=6)


def somebody(session: Session) -> User:
    """Any person of the database."""
    return session.scalars(select(User).limit(1)).one()


def pause(run_id: int) -> str:
    with transaction() as session:
        return service.pause(session, run_id, actor=somebody(session)).state


def go_on(run_id: int) -> str:
    with transaction() as session:
        return service.go_on(session, run_id, actor=somebody(session)).state


def cancel(run_id: int) -> str:
    with transaction() as session:
        return service.cancel(session, run_id, actor=None).state


def at_work(run_id: int, behaviour: str, monkeypatch: pytest.MonkeyPatch) -> Working:
    """A job whose child has told its first step."""
    behave(monkeypatch, behaviour)
    job = Working(run_id).start()
    until(lambda: read_run(run_id).progress, 30)
    return job


def checkpoints_of(run_id: int) -> list[int]:
    with transaction() as session:
        return list(
            session.scalars(
                select(RunCheckpoint.step).where(RunCheckpoint.run_id == run_id).order_by(RunCheckpoint.step)
            )
        )


def test_a_paused_run_goes_on_as_if_nothing_had_happened(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(judgments=1)
    with transaction() as session:
        world.session = session
        rested, straight = launched(world, "reward", seed=7), launched(world, "reward", seed=7)
    job = at_work(rested, "learn_slowly", monkeypatch)
    assert pause(rested) == "pausing"
    assert pause(rested) == "pausing"
    job.join(60)

    run = read_run(rested)
    assert (run.state, run.lease_owner, run.finished_at, run.stalls) == ("paused", None, None, 0)
    (step,) = checkpoints_of(rested)
    assert 0 < step < 400
    assert events_of(rested, "state")[-1].data["text"] == f"Paused. Stored after step {step}."
    behave(monkeypatch, "learn")
    assert execution.execute(straight) == straight
    assert execution.execute(rested) is None

    assert go_on(rested) == "queued"
    assert execution.execute(rested) == rested
    assert read_run(rested).state == "succeeded"
    assert made_by(rested).artifact_sha256 == made_by(straight).artifact_sha256
    moves = [event.data["to"] for event in events_of(rested, "state")]
    assert moves[3:] == ["pausing", "paused", "queued", "claimed", "running", "succeeded"]


def test_a_waiting_run_rests_at_once_and_keeps_its_place_for_nobody(start: Start) -> None:
    run_id = start("reward")
    assert pause(run_id) == "paused"
    assert execution.execute(run_id) is None
    assert go_on(run_id) == "queued"
    assert go_on(run_id) == "queued"


def test_a_pause_before_the_child_starts_starts_none(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    behave(monkeypatch, "behave_well")
    run_id = start("reward")
    gather = execution.Job._gather

    def gather_while_somebody_pauses(job: execution.Job, session: object) -> object:
        pause(run_id)
        return gather(job, session)

    monkeypatch.setattr(execution.Job, "_gather", gather_while_somebody_pauses)
    execution.execute(run_id)
    assert read_run(run_id).state == "paused"
    assert "running" not in {event.data["to"] for event in events_of(run_id, "state")}


def test_a_run_that_is_cancelled_while_it_pauses_is_cancelled(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = start("reward")
    job = at_work(run_id, "learn_slowly", monkeypatch)
    finish = execution.Job._conclude

    def conclude_after_a_cancel(self: execution.Job, *ending: object) -> None:
        cancel(run_id)
        finish(self, *ending)

    monkeypatch.setattr(execution.Job, "_conclude", conclude_after_a_cancel)
    pause(run_id)
    job.join(60)
    assert read_run(run_id).state == "cancelled"
    assert checkpoints_of(run_id)


def test_a_cancelled_run_can_be_continued(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = start("reward")
    job = at_work(run_id, "save_then_work_for_ever", monkeypatch)
    cancel(run_id)
    job.join(60)
    assert read_run(run_id).finished_at is not None

    assert go_on(run_id) == "queued"
    run = read_run(run_id)
    assert (run.finished_at, run.reason) == (None, None)
    execution.execute(run_id)
    run = read_run(run_id)
    assert (run.state, run.attempt) == ("succeeded", 2)
    assert run.result is not None
    assert run.result["report"]["resumed"] == "resume"


def test_a_worker_that_stops_leaves_a_pausing_run_paused(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = start("reward")
    job = at_work(run_id, "save_then_work_for_ever", monkeypatch)
    assert pause(run_id) == "pausing"
    execution.stopping.set()
    job.join(60)
    assert read_run(run_id).state == "paused"


def test_a_child_that_dies_over_a_pause_leaves_the_run_paused(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = start("reward")
    job = at_work(run_id, "die_when_asked_to_rest", monkeypatch)
    pause(run_id)
    job.join(60)
    assert read_run(run_id).state == "paused"
    assert any("SIGKILL" in event.data["text"] for event in events_of(run_id, "log"))


def test_a_pausing_run_of_a_silent_worker_is_paused(start: Start) -> None:
    run_id = start("reward")
    with transaction() as session:
        assert leases.claim(session, run_id, owner="gone", lease_seconds=0.01) is not None
    pause(run_id)
    with transaction() as session:
        session.get_one(Run, run_id).lease_until = leases.in_seconds(-1)
    with transaction() as session:
        leases.reap(session, lease_seconds=0.0, max_stalls=1)
    assert read_run(run_id).state == "paused"


def test_a_child_that_says_paused_unasked_has_failed(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    behave(monkeypatch, "pause_unasked")
    run_id = start("reward")
    execution.execute(run_id)
    run = read_run(run_id)
    assert (run.state, run.reason) == ("failed", "error")


def test_what_is_over_can_neither_rest_nor_go_on(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    behave(monkeypatch, "behave_well")
    run_id = start("reward")
    execution.execute(run_id)
    for act in (pause, go_on):
        with pytest.raises(Conflict, match="already succeeded"):
            act(run_id)


def test_a_run_that_is_still_being_ended_can_not_be_continued_yet(start: Start) -> None:
    run_id = start("reward")
    with transaction() as session:
        leases.claim(session, run_id, owner="busy", lease_seconds=30)
    pause(run_id)
    with pytest.raises(Conflict, match="still pausing"):
        go_on(run_id)
    cancel(run_id)
    with pytest.raises(Conflict, match="still cancelling"):
        go_on(run_id)
    with pytest.raises(Conflict, match="is cancelling"):
        pause(run_id)
