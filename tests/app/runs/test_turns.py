"""Whose turn it is: the most urgent, then the project with the fewest runs at work, then the one served longest ago."""

import json
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db import transaction
from app.jobs import PENDING
from app.projects.service import create_project
from app.projects.tables import Project
from app.runs import capacity, leases, turns, waiting
from app.runs.capacity import Offer
from app.runs.leases import Claim, Failure
from app.runs.tables import Run
from app.runs.waiting import Waiting
from tests.conftest import Database

GIGABYTE = 10**9
WAITS_FOR_LOCK = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")


def a_project(session: Session, **settings: object) -> int:
    """The id of a new project with these settings."""
    return create_project(session, creator=None, name="A project", settings=settings).id


def queued(session: Session, project_id: int, *, queue: str = "training", **columns: object) -> int:
    """The id of a new run in a project's queue."""
    columns = {"kind": "import_model" if queue == "light" else "reward"} | columns
    run = Run(project_id=project_id, queue=queue, config={}, inputs={"models": {}}, seed=1, **columns)
    session.add(run)
    session.flush()
    return run.id


def taken(session: Session, doorbell: int, *, owner: str = "one", devices: int = 1) -> Claim | None:
    return leases.claim(session, doorbell, owner=owner, lease_seconds=60, devices=devices)


def a_worker(session: Session, name: str, room: int, *, kind: str = "cuda", processes: int = 1) -> None:
    """A worker of the training queue with so many gigabytes for a process."""
    size: dict[str, Any] = {"room_bytes": room * GIGABYTE, "memory_bytes": room * GIGABYTE, "cores": 1, "devices": []}
    capacity.offer(session, Offer(name=name, queues=["training"], kind=kind, processes=processes, machine="M", **size))


def taking(gigabytes: float, *, insisted: bool = False) -> dict[str, object]:
    """What a run's row says that takes so much, on any hardware."""
    size = int(gigabytes * GIGABYTE)
    return {"tokens": 1, "memory": {"cpu": size, "cuda": size}, "base": "x", "insisted": insisted}


def why(session: Session, run_id: int) -> Waiting:
    """Why a run waits."""
    found = waiting.reason(session, session.get_one(Run, run_id, populate_existing=True))
    assert found is not None
    return found


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


def test_a_worker_never_takes_what_it_has_no_room_for_though_the_larger_one_is_gone(session: Session) -> None:
    a_worker(session, "small", 8)
    a_worker(session, "large", 24)
    large = queued(session, a_project(session), estimate=taking(24), priority=10)
    small = queued(session, a_project(session), estimate=taking(8))
    capacity.withdraw(session, "large")

    claims = [taken(session, large, owner="small") for _ in range(2)]

    assert [held and held.run_id for held in claims] == [small, None]
    waits = why(session, large)
    assert (waits.why, waits.takes, waits.room) == ("room", 24 * GIGABYTE, 8 * GIGABYTE)
    a_worker(session, "large", 24)
    assert why(session, large).why == "workers"
    held = taken(session, large, owner="large")
    assert held is not None
    assert held.run_id == large


def test_memory_and_devices_count_on_the_same_worker(session: Session) -> None:
    """One has the memory and another the devices: it waits, and says for what."""
    a_worker(session, "roomy", 80)
    a_worker(session, "many", 24, processes=4)
    run = queued(session, a_project(session), devices=2, estimate=taking(40))
    assert taken(session, run, owner="roomy") is None
    assert taken(session, run, owner="many", devices=4) is None
    waits = why(session, run)
    assert (waits.why, waits.takes, waits.room) == ("room", 40 * GIGABYTE, 24 * GIGABYTE)


def test_an_insisted_run_goes_where_there_is_room_and_elsewhere_only_without(session: Session) -> None:
    a_worker(session, "small", 8)
    a_worker(session, "large", 24)
    fits, no_place = queued(session, a_project(session), estimate=taking(24, insisted=True)), taking(30, insisted=True)
    assert taken(session, fits, owner="small") is None
    assert taken(session, fits, owner="large") is not None
    run = queued(session, a_project(session), estimate=no_place)
    assert why(session, run).why == "workers"
    held = taken(session, run, owner="small")
    assert held is not None
    assert held.run_id == run


def test_processes_side_by_side_share_the_memory_of_a_machine_without_devices(session: Session) -> None:
    a_worker(session, "shared", 8, kind="cpu", processes=4)
    project_id = a_project(session)
    team = queued(session, project_id, kind="sft", estimate=taking(3))
    assert taken(session, team, owner="shared", devices=4) is None
    assert (why(session, team).why, why(session, team).room) == ("room", 2 * GIGABYTE)
    pair = queued(session, project_id, kind="sft", devices=2, estimate=taking(3))
    held = taken(session, team, owner="shared", devices=4)
    assert held is not None
    assert held.run_id == pair
    # One process works it off alone.
    assert taken(session, queued(session, project_id, estimate=taking(8)), owner="shared", devices=4) is not None


def test_an_absurd_estimate_stops_nobody_elses_turn(session: Session) -> None:
    a_worker(session, "one", 8)
    project_id = a_project(session)
    absurd = queued(session, project_id, estimate=taking(1e30), priority=10)
    small = queued(session, project_id, estimate=taking(1))
    held = taken(session, absurd)
    assert held is not None
    assert held.run_id == small
    assert why(session, absurd).why == "room"


def test_what_has_no_room_is_passed_over_without_asking_the_workers_each_time(session: Session) -> None:
    a_worker(session, "one", 8)
    a_worker(session, "large", 80)
    project_id = a_project(session)
    small = queued(session, project_id, estimate=taking(1), priority=200)
    many = "INSERT INTO runs (project_id, kind, queue, config, seed, state, run_after, estimate)"
    many += " SELECT :project, 'reward', 'training', '{}', 1, 'queued', now(), CAST(:estimate AS jsonb)"
    many += " FROM generate_series(1, 500)"
    session.execute(text(many), {"project": project_id, "estimate": json.dumps(taking(40))})
    before = read_of(session, "workers")
    held = taken(session, small)
    assert held is not None
    assert held.run_id == small
    assert 0 < read_of(session, "workers") - before < 10


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


def test_a_look_does_not_read_the_runs_that_wait_for_devices_nobody_has(session: Session) -> None:
    busy = a_project(session)
    many = "INSERT INTO runs (project_id, kind, queue, config, seed, state, run_after, devices)"
    many += " SELECT :project, 'reward', 'training', '{}', 1, 'queued', now(), 8 FROM generate_series(1, 1000)"
    session.execute(text(many), {"project": busy})
    pair, single = queued(session, busy, devices=2, priority=200), queued(session, busy, priority=201)
    session.execute(text("ANALYZE runs"))
    # A thousand rows lie on so few pages that reading them all may look cheaper; that it need not is what is shown.
    session.execute(text("SET LOCAL enable_seqscan = off"))
    before = read_of(session, "runs")
    assert [held and held.run_id for held in (taken(session, single, devices=4) for _ in range(3))] == [
        pair,
        single,
        None,
    ]
    assert 0 < read_of(session, "runs") - before < 100


def touched(session: Session, doorbell: int) -> int:
    """How many rows and index entries of `runs` a claim reads."""
    before = read_of(session, "runs")
    assert taken(session, doorbell) is not None
    return read_of(session, "runs") - before


def read_of(session: Session, table: str) -> int:
    """How many rows and index entries of a table this transaction has read."""
    read = "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relname = :table"
    return session.scalar(text(read), {"table": table}) or 0


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
def test_a_claim_does_not_wait_for_a_run_that_somebody_changes(limited: tuple[int, int]) -> None:
    """It holds up all other claims while it waits: it passes the run over."""
    with transaction() as session:
        session.execute(text("SELECT FROM runs WHERE id = :id FOR UPDATE"), {"id": limited[0]})
        with transaction() as other:
            other.execute(text("SET LOCAL lock_timeout = '5s'"))
            assert taken(other, limited[0]) is None
    assert claimed_alone(limited[0]) == limited[0]


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
