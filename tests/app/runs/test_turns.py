"""Whose turn it is: the most urgent, then the project with the fewest runs at work, then the one served longest ago."""

from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db import transaction
from app.jobs import PENDING
from app.projects.service import create_project
from app.projects.tables import Project
from app.runs import leases, turns
from app.runs.leases import Claim, Failure
from app.runs.tables import Run
from tests.conftest import Database

WAITS_FOR_LOCK = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")


def a_project(session: Session, **settings: object) -> int:
    """The id of a new project with these settings."""
    return create_project(session, creator=None, name="A project", settings=settings).id


def queued(session: Session, project_id: int, *, queue: str = "training", **columns: object) -> int:
    """The id of a new run in a project's queue."""
    kind = "import_model" if queue == "light" else "reward"
    run = Run(project_id=project_id, kind=kind, queue=queue, config={}, inputs={"models": {}}, seed=1, **columns)
    session.add(run)
    session.flush()
    return run.id


def taken(session: Session, doorbell: int, *, devices: int = 1) -> Claim | None:
    return leases.claim(session, doorbell, owner="one", lease_seconds=60, devices=devices)


def project_served(session: Session, doorbell: int) -> int | None:
    """The project of the run that a worker takes, if any."""
    held = taken(session, doorbell)
    return held.project_id if held else None


def order(session: Session, doorbell: int, count: int) -> list[int]:
    """The projects that are served when one worker takes so many runs, each ending before the next is taken."""
    served = []
    for _ in range(count):
        held = taken(session, doorbell)
        assert held is not None
        served.append(held.project_id)
        leases.fail(session, held, Failure(reason="error", error="over"))
    return served


def test_the_most_urgent_goes_first_whichever_bell_rings(session: Session) -> None:
    project_id = a_project(session)
    normal = queued(session, project_id)
    background, urgent = queued(session, project_id, priority=200), queued(session, project_id, priority=10)
    bells = [taken(session, normal) for _ in range(3)]
    assert [held.run_id for held in bells if held] == [urgent, normal, background]


def test_a_hundred_runs_of_one_project_do_not_starve_another_with_one(session: Session) -> None:
    busy, small = a_project(session), a_project(session)
    first = min(queued(session, busy) for _ in range(100))
    queued(session, small)
    assert order(session, first, 4) == [busy, small, busy, busy]


def test_projects_take_turns_by_when_they_were_served(session: Session) -> None:
    one, two, three = (a_project(session) for _ in range(3))
    first = min(queued(session, project_id) for project_id in (one, two, three) for _ in range(3))
    assert order(session, first, 7) == [one, two, three, one, two, three, one]


def test_the_project_with_the_fewest_runs_at_work_goes_first(session: Session) -> None:
    """Though it was served last: what counts first is who has a place now."""
    one, two = a_project(session), a_project(session)
    first = queued(session, one)
    for project_id in (one, one, two, two):
        queued(session, project_id)
    held = [taken(session, first) for _ in range(4)]
    assert [claim.project_id for claim in held if claim] == [one, two, one, two]
    assert held[3] is not None
    leases.fail(session, held[3], Failure(reason="error", error="over"))
    queued(session, two)
    assert project_served(session, first) == two


def test_urgency_goes_before_fairness(session: Session) -> None:
    busy, small = a_project(session), a_project(session)
    first = queued(session, busy, priority=10)
    queued(session, busy, priority=10)
    queued(session, small)
    assert order(session, first, 3) == [busy, busy, small]


def test_a_project_at_its_limit_waits_and_others_do_not(session: Session) -> None:
    limited, other = a_project(session, runs_at_once=1), a_project(session)
    first = queued(session, limited, priority=10)
    queued(session, limited, priority=10)
    queued(session, other)
    held = taken(session, first)
    assert held is not None
    assert held.project_id == limited
    assert [project_served(session, first) for _ in range(2)] == [other, None]
    leases.fail(session, held, Failure(reason="error", error="over"))
    assert project_served(session, first) == limited


def test_the_end_of_a_run_rings_for_one_that_the_limit_kept_waiting(session: Session) -> None:
    limited, free = a_project(session, runs_at_once=1), a_project(session)
    waits = queued(session, limited, queue="large")
    queued(session, limited, priority=200)
    queued(session, free)
    session.info.pop(PENDING, None)
    for project_id in (limited, free):
        turns.ring_who_waited(session, project_id)
    assert session.info[PENDING] == [(waits, "large")]


def test_the_limit_counts_every_queue_but_light_work(session: Session) -> None:
    limited = a_project(session, runs_at_once=1)
    light = queued(session, limited, queue="light")
    large, first = queued(session, limited, queue="large"), queued(session, limited)
    assert taken(session, light) is not None
    assert taken(session, large) is not None
    assert taken(session, first) is None
    assert taken(session, queued(session, limited, queue="light")) is not None


def test_a_setting_that_is_no_number_is_no_limit(session: Session) -> None:
    project_id = a_project(session)
    session.get_one(Project, project_id).settings = {"runs_at_once": "two"}
    assert taken(session, queued(session, project_id)) is not None


def test_a_run_that_wants_more_devices_is_left_for_another_worker(session: Session) -> None:
    project_id = a_project(session)
    large = queued(session, project_id, devices=4, priority=10)
    small = queued(session, project_id)
    claims = [taken(session, large, devices=2), taken(session, large, devices=2), taken(session, large, devices=4)]
    assert [held and (held.run_id, held.devices) for held in claims] == [(small, None), None, (large, 4)]


def test_a_look_reads_a_row_a_project_and_not_a_row_a_run(session: Session) -> None:
    """With five thousand runs of one project waiting, and one of another."""
    busy = a_project(session)
    first = queued(session, busy)
    many = "INSERT INTO runs (project_id, kind, queue, config, seed, state, run_after)"
    many += " SELECT :project, 'reward', 'training', '{}', 1, 'queued', now() FROM generate_series(1, 5000)"
    session.execute(text(many), {"project": busy})
    queued(session, a_project(session))
    session.execute(text("ANALYZE runs"))
    assert 0 < touched(session, first) < 60


def touched(session: Session, doorbell: int) -> int:
    """How many rows and index entries of `runs` a claim reads."""
    read = "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relname = 'runs'"
    before = session.scalar(text(read)) or 0
    assert taken(session, doorbell) is not None
    return (session.scalar(text(read)) or 0) - before


def two_at_once(doorbells: tuple[int, int]) -> tuple[bool, int | None]:
    """A second claim while the first has not committed: whether it waited for the first, and what it took."""
    first, second = doorbells
    with ThreadPoolExecutor(1) as pool:
        with transaction() as session:
            assert taken(session, first) is not None
            claimed = pool.submit(claimed_alone, second)
            while not (waits := has_to_wait()) and not claimed.done():
                wait([claimed], timeout=0.02)
        return waits, claimed.result(timeout=30)


def claimed_alone(doorbell: int) -> int | None:
    """The run that a claim takes in a transaction of its own."""
    with transaction() as session:
        held = taken(session, doorbell)
    return held.run_id if held else None


def has_to_wait() -> bool:
    with transaction() as session:
        return bool(session.scalar(WAITS_FOR_LOCK))


@pytest.fixture
def limited(committed_database: Database) -> tuple[int, int]:
    """A run in each of two queues, of a project that may have one at work."""
    with transaction() as session:
        project_id = a_project(session, runs_at_once=1)
        return queued(session, project_id), queued(session, project_id, queue="large")


@pytest.mark.commits
def test_two_workers_at_the_same_moment_keep_to_the_limit(limited: tuple[int, int]) -> None:
    assert two_at_once(limited) == (True, None)


@pytest.mark.commits
def test_without_the_lock_the_same_two_exceed_it(limited: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: only the order of claims keeps the second from counting before the first has committed."""
    monkeypatch.setattr(turns, "hold", lambda _session: None)
    assert two_at_once(limited) == (False, limited[1])
    with transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM runs WHERE state = 'claimed'")) == 2
