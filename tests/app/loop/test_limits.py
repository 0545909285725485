"""Limits of a day: how many cycles, how many minutes of compute; each refusal is said once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.loop import counting, service
from app.loop.retraining import Situation, Today, reached, tomorrow, what_is_next
from app.loop.tables import Cycle, LoopDecision
from app.projects.settings import LoopSettings
from app.runs.tables import Run
from tests.app.judgment_rows import World
from tests.workers.jobs.stage import a_stocked_world, with_judgments


@pytest.fixture
def world(session: Session, tmp_path: Path) -> World:
    """A project with six new comparisons."""
    return with_judgments(a_stocked_world(session, tmp_path / "base"))


def settings(world: World, **loop: Any) -> None:
    world.project.settings = {**world.project.settings, "loop": {"retrain_after_comparisons": 6, **loop}}
    world.session.flush()


def refusals(world: World) -> list[str]:
    about = LoopDecision.text.like("A cycle is due%")
    return list(world.session.scalars(select(LoopDecision.text).where(about).order_by(LoopDecision.id)))


def ended_cycle(world: World, hours_ago: float = 0.0) -> None:
    """A cycle that somebody started and that ended long before it learnt from anything."""
    at = func.now() - timedelta(hours=hours_ago)
    cycle = Cycle(project_id=world.project.id, state="failed", trigger="person", created_at=at, finished_at=at)
    world.session.add(cycle)
    world.session.flush()


@pytest.mark.parametrize(
    ("today", "setting"),
    [
        (Today(cycles=1, compute_minutes=29.9), None),
        (Today(cycles=2, compute_minutes=0.0), "cycles_per_day"),
        (Today(cycles=0, compute_minutes=30.0), "compute_minutes_per_day"),
        (Today(cycles=9, compute_minutes=90.0), "cycles_per_day"),
    ],
)
def test_a_limit_is_reached_at_its_figure(today: Today, setting: str | None) -> None:
    limit = reached(LoopSettings(cycles_per_day=2, compute_minutes_per_day=30), today)
    assert (limit.setting if limit else None) == setting
    assert reached(LoopSettings(), today) is None


def test_the_page_says_what_holds_the_next_cycle_back_and_until_when() -> None:
    now = datetime(2026, 1, 2, 23, 30, tzinfo=UTC)
    known = Situation(new_comparisons=9, since=None, now=now, under_way=False, today=Today(cycles=3))
    following = what_is_next(LoopSettings(retrain_after_comparisons=6, cycles_per_day=3), known)
    assert "before midnight (UTC): 3 cycles today, the project allows 3 a day" in following.text
    assert following.at == tomorrow(now) == datetime(2026, 1, 3, tzinfo=UTC)


def test_the_days_cycles_hold_the_rule_back_and_it_is_said_once(world: World) -> None:
    settings(world, cycles_per_day=1)
    ended_cycle(world, hours_ago=25)
    assert counting.situation(world.session, world.project.id).today.cycles == 0
    ended_cycle(world)
    with_more_comparisons(world)
    for _ in range(3):
        assert service.start_due_cycle(world.session, world.project.id) is None
    (refusal,) = refusals(world)
    assert refusal == (
        "A cycle is due and not started before midnight (UTC): 1 cycle today, the project allows 1 a day. A person "
        "may start one."
    )
    assert world.session.scalar(select(func.count()).select_from(Cycle).where(Cycle.state == "running")) == 0


def with_more_comparisons(world: World) -> None:
    """Let the comparisons be newer than every cycle: in a test's one transaction all is made at one moment."""
    world.session.execute(update(Cycle).values(created_at=Cycle.created_at - timedelta(microseconds=1)))
    world.session.flush()


def test_a_raised_limit_lets_the_rule_go_on_and_is_said_anew_when_it_is_reached(world: World) -> None:
    settings(world, cycles_per_day=1)
    ended_cycle(world)
    with_more_comparisons(world)
    service.start_due_cycle(world.session, world.project.id)
    settings(world, cycles_per_day=2)
    ended_cycle(world)
    with_more_comparisons(world)
    service.start_due_cycle(world.session, world.project.id)
    assert [text.count("allows 2 a day") for text in refusals(world)] == [0, 1]
    settings(world, cycles_per_day=3)
    assert service.start_due_cycle(world.session, world.project.id) is not None


def test_a_person_may_start_a_cycle_all_the_same(world: World) -> None:
    settings(world, cycles_per_day=1)
    ended_cycle(world)
    cycle = service.start_cycle(world.session, world.project.id, actor=world.person("admin"))
    assert cycle.state == "running"
    assert refusals(world) == []


def test_nothing_is_said_while_no_cycle_is_due(world: World) -> None:
    settings(world, cycles_per_day=1, retrain_after_comparisons=7)
    ended_cycle(world)
    assert service.start_due_cycle(world.session, world.project.id) is None
    assert refusals(world) == []


@pytest.fixture
def midday(world: World) -> Iterator[timedelta]:
    """How much of the day is gone, by the database's clock."""
    now = world.session.execute(select(func.now())).scalar_one().astimezone(UTC)
    return now - now.replace(hour=0, minute=0, second=0, microsecond=0)


def worked(world: World, began: timedelta, ended: timedelta | None) -> None:
    """A run that was at work from so long ago until so long ago, or still is."""
    run = Run(project_id=world.project.id, kind="sample", queue="training", config={}, seed=1, state="cancelled")
    run.started_at = func.now() - began
    run.finished_at = func.now() - (ended or timedelta())
    if ended is None:
        run.state, run.finished_at = "running", None
        run.lease_owner, run.lease_until = "test", func.now()
    world.session.add(run)
    world.session.flush()


def test_the_days_minutes_of_compute_are_those_of_its_runs(world: World, midday: timedelta) -> None:
    settings(world, compute_minutes_per_day=10_000)
    worked(world, midday + timedelta(minutes=60), midday + timedelta(minutes=30))
    worked(world, midday + timedelta(minutes=60), midday / 2)
    worked(world, midday / 4, None)
    minutes = counting.situation(world.session, world.project.id).today.compute_minutes
    assert minutes == pytest.approx(midday.total_seconds() / 60 * (1 / 2 + 1 / 4), rel=1e-3)


def test_the_days_minutes_of_compute_hold_the_rule_back(world: World, midday: timedelta) -> None:
    if midday < timedelta(minutes=2):
        midday = timedelta(minutes=2)
    worked(world, midday, timedelta())
    settings(world, compute_minutes_per_day=1)
    assert service.start_due_cycle(world.session, world.project.id) is None
    assert "minutes of compute today, the project allows 1 a day" in refusals(world)[0]
    settings(world, compute_minutes_per_day=100_000)
    assert service.start_due_cycle(world.session, world.project.id) is not None
