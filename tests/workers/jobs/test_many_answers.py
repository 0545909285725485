"""Many answers at once: stored in parts, none of which keeps the heart from beating or a person from cancelling."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app import db
from app.completions.tables import Completion
from app.db import transaction
from app.runs import leases, service
from app.runs.events import Event
from app.runs.leases import Claim, FenceLostError
from app.runs.tables import Run
from app.tasks import service as tasks
from app.tasks.tables import Task, TaskCompletion, TaskSlot
from tests.app.judgment_rows import World
from tests.workers.jobs.stage import events_of, launched, read_run
from workers.jobs import sample, sample_plan
from workers.jobs.relay import MOST_ANSWERS, Recorder, Relay

pytestmark = pytest.mark.commits

PROMPTS = 20
ANSWERS = 4 * PROMPTS
PARTS = 3
# What the first two parts hold: all first three answers, and with the fourth ones of four prompts these are complete.
KEPT, OPENED = 2 * MOST_ANSWERS, 4


@pytest.fixture
def run_id(make_world: Callable[..., World]) -> int:
    """A sample run over all prompts."""
    world = make_world(prompts=PROMPTS)
    with transaction() as session:
        world.session = session
        return launched(world, "sample", config={"prompts": PROMPTS, "completions_per_prompt": 4}, seed=7)


def claimed(run_id: int) -> Claim:
    """The run at work under a new claim, with its prompts chosen."""
    with transaction() as session:
        held = leases.claim(session, run_id, owner="test", lease_seconds=60)
        assert held is not None
        sample.prepare(session, held)
        leases.start(session, held)
    return held


def lines(held: Claim) -> list[dict[str, Any]]:
    """What a child tells that writes the answers that are missing, each prompt's first one before any second one."""
    with transaction() as session:
        chosen = session.get_one(Run, held.run_id).inputs["prompt_ids"]
        rows = list(sample_plan.rows(session, held, chosen))
    told = [
        {"type": "completion", "prompt_id": row["prompt_id"], "model": asked["model"], "sample_index": index}
        for row in rows
        for asked in row["requests"]
        for index in range(asked["first_index"], asked["first_index"] + asked["count"])
    ]
    said = [one | {"text": f"Answer {one['sample_index']}.", "finish_reason": "stop"} for one in told]
    return sorted(said, key=lambda one: (one["sample_index"], one["prompt_id"]))


def a_relay(held: Claim, record: Recorder = sample.record) -> Relay:
    """A relay that has heard all that is missing."""
    relay = Relay(held, Path("nowhere"), record)
    relay.take(lines(held))
    return relay


def stored(run_id: int) -> tuple[int, int]:
    """How many answers and how many tasks the run has."""
    with transaction() as session:
        answers = session.scalar(select(func.count()).where(Completion.run_id == run_id))
        return answers or 0, session.scalar(select(func.count()).where(Task.run_id == run_id)) or 0


def assert_complete(run_id: int) -> None:
    """Every prompt has its answers once and one task over them, with one slot for each judgment that it wants."""
    assert stored(run_id) == (ANSWERS, PROMPTS)
    with transaction() as session:
        cards = select(func.count(TaskCompletion.completion_id.distinct()), func.count()).join(
            Task, Task.id == TaskCompletion.task_id
        )
        assert tuple(session.execute(cards.where(Task.run_id == run_id)).one()) == (ANSWERS, ANSWERS)
        wanted = session.scalar(select(func.sum(Task.overlap)).where(Task.run_id == run_id))
        slots = select(func.count()).select_from(TaskSlot).join(Task, Task.id == TaskSlot.task_id)
        assert session.scalar(slots.where(Task.run_id == run_id)) == wanted


def taken_away(run_id: int) -> None:
    """The run's lease runs out, and the run is ready for whoever comes next."""
    with transaction() as session:
        session.execute(update(Run).where(Run.id == run_id).values(lease_until=leases.in_seconds(-1)))
    with transaction() as session:
        assert [run.id for run in leases.reap(session, lease_seconds=0.0, max_stalls=9)] == [run_id]
    with transaction() as session:
        session.execute(update(Run).where(Run.id == run_id).values(run_after=func.now()))


def beat(held: Claim) -> str | None:
    """A heartbeat of another thread that waits for nobody."""
    with transaction() as session:
        session.execute(text("SET LOCAL lock_timeout = '100ms'"))
        return leases.heartbeat(session, held, 60)


def test_the_heart_beats_and_a_person_cancels_while_answers_are_stored(run_id: int) -> None:
    held, beats = claimed(run_id), []

    def watched(session: Session, claim: Claim, told: list[dict[str, Any]]) -> list[Event]:
        happened = sample.record(session, claim, told)
        beats.append(beat(claim))
        if len(beats) == PARTS - 1:
            with transaction() as another:
                service.cancel(another, run_id, actor=None)
        return happened

    assert a_relay(held, watched).store()
    assert beats == ["running", "running", "cancelling"]
    assert_complete(run_id)
    events = events_of(run_id)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))


def test_with_the_fence_checked_first_no_heartbeat_would_get_through(run_id: int) -> None:
    """The control: the lock of the check is held as long as the writing takes."""

    def checked_first(session: Session, claim: Claim, told: list[dict[str, Any]]) -> list[Event]:
        leases.report(session, claim, [], progress={})
        happened = sample.record(session, claim, told)
        with pytest.raises(OperationalError, match="lock timeout"):
            beat(claim)
        return happened

    assert a_relay(claimed(run_id), checked_first).store()
    assert_complete(run_id)


def test_a_worker_that_lost_its_run_between_two_parts_stores_no_further_one(run_id: int) -> None:
    held, parts = claimed(run_id), []

    def losing(session: Session, claim: Claim, told: list[dict[str, Any]]) -> list[Event]:
        parts.append(len(told))
        if len(parts) == PARTS:
            taken_away(run_id)
        return sample.record(session, claim, told)

    relay = a_relay(held, losing)
    with pytest.raises(FenceLostError):
        relay.store()
    assert parts == [MOST_ANSWERS, MOST_ANSWERS, ANSWERS - KEPT]
    assert stored(run_id) == (KEPT, OPENED)

    later = a_relay(claimed(run_id))
    assert later.store()
    with pytest.raises(FenceLostError):
        relay.store()
    assert_complete(run_id)


def die() -> None:
    """kill -9 of this very process."""
    os.kill(os.getpid(), signal.SIGKILL)


def dead_before_the_last_part(session: Session, held: Claim, told: list[dict[str, Any]]) -> list[Event]:
    if len(told) < MOST_ANSWERS:
        die()
    return sample.record(session, held, told)


def dead_within_the_last_part(session: Session, held: Claim, told: list[dict[str, Any]]) -> list[Event]:
    happened = sample.record(session, held, told)
    if len(told) < MOST_ANSWERS:
        die()
    return happened


def dead_between_answers_and_tasks(session: Session, held: Claim, told: list[dict[str, Any]]) -> list[Event]:
    """A recorder that commits the answers before it opens their tasks."""

    def too_late(*_: object, **__: object) -> tasks.Opened:
        session.commit()
        die()
        return tasks.Opened([])

    tasks.create_tasks_for_completed_prompts = too_late
    return sample.record(session, held, told)


def killed_while_storing(held: Claim, record: Recorder) -> None:
    """A process of its own stores what is missing, and is killed at it."""
    pid = os.fork()
    if pid == 0:
        # The connections are the parent's: this process makes its own.
        db.engine().dispose(close=False)
        a_relay(held, record).store()
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL


@pytest.mark.parametrize("record", [dead_before_the_last_part, dead_within_the_last_part])
def test_a_kill_between_parts_loses_and_doubles_nothing(run_id: int, record: Recorder) -> None:
    killed_while_storing(claimed(run_id), record)
    assert stored(run_id) == (KEPT, OPENED)

    taken_away(run_id)
    again = a_relay(claimed(run_id))
    assert again.batch.size() == ANSWERS - KEPT
    assert again.store()
    assert_complete(run_id)
    assert read_run(run_id).stalls == 0


def test_tasks_opened_apart_from_their_answers_would_be_lost(run_id: int) -> None:
    """The control: nobody asks for the answers again, so nobody opens what they complete."""
    held = claimed(run_id)
    with transaction() as session:
        most = [one for one in lines(held) if one["sample_index"] < 3]
        sample.record(session, held, most)
    killed_while_storing(held, dead_between_answers_and_tasks)

    taken_away(run_id)
    again = a_relay(claimed(run_id))
    assert again.store()
    assert stored(run_id) == (ANSWERS, 0)
