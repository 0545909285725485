"""What a worker has, that it says so while it is there, and that it starts no run that it has no room for."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.config import Settings
from app.db import transaction
from app.runs import capacity
from app.runs.tables import Run, Worker
from tests.workers.jobs.stage import behave, events_of, read_run, until
from workers import presence
from workers.jobs import execution, hardware
from workers.jobs.hardware import Device, Hardware

SMALL = Hardware(memory_bytes=10**9, cores=2, devices=(), machine="2 × Slow")
TAKES = {"tokens": 10, "memory": {"cpu": 10**9 + 1, "cuda": 1}, "base": "x", "insisted": False}


def test_memory_is_the_less_of_the_machines_and_the_containers(tmp_path: Path) -> None:
    limit, none = tmp_path / "memory.max", tmp_path / "missing"
    machine = hardware.memory(limits=[none])
    assert machine > 2**30
    limit.write_text("max\n")
    assert hardware.memory(limits=[limit]) == machine
    limit.write_text("1000000\n")
    assert hardware.memory(limits=[none, limit]) == 1_000_000


def test_processes_share_a_machines_memory_and_each_has_what_the_settings_give_one(
    use_settings: Callable[..., Settings],
) -> None:
    use_settings(run_memory_gb=0.5)
    assert hardware.here().limit_bytes == 2**29
    limited = Hardware(memory_bytes=10**9, cores=2, devices=(), machine="", limit_bytes=300 * 10**6)
    assert [capacity.room_of(limited, count) for count in (1, 2, 4)] == [300 * 10**6, 300 * 10**6, 250 * 10**6]
    device = Device(kind="cuda", name="A", memory_bytes=80)
    assert capacity.room_of(Hardware(memory_bytes=9, cores=2, devices=(device, device), machine=""), 2) == 80


def test_a_process_has_the_room_of_the_smallest_device() -> None:
    devices = (Device(kind="cuda", name="A", memory_bytes=80), Device(kind="cuda", name="B", memory_bytes=40))
    there = Hardware(memory_bytes=1000, cores=4, devices=devices, machine="")
    assert (there.kind, there.room_bytes) == ("cuda", 40)
    assert (SMALL.kind, SMALL.room_bytes) == ("cpu", 10**9)
    assert hardware.machine_of([*devices, devices[0]], 4, "C") == "2 × A, 1 × B"
    assert hardware.machine_of([], 4, "C") == "4 × C"


def test_devices_are_asked_for_where_a_training_process_would_look(caplog: pytest.LogCaptureFixture) -> None:
    says = 'print(\'[{"kind": "cuda", "name": "A", "memory_bytes": 5}]\')'
    assert hardware.probed([sys.executable, "-c", says]) == (Device(kind="cuda", name="A", memory_bytes=5),)
    assert hardware.probed([sys.executable, "-c", "print('no JSON')"]) == ()
    assert hardware.probed([sys.executable, "-c", "raise SystemExit(1)"]) == ()
    assert caplog.text.count("cannot tell which accelerators are here") == 2


@pytest.mark.commits
def test_a_worker_says_what_it_has_until_it_ends(database: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "here", lambda: SMALL)
    monkeypatch.setattr(presence, "BEAT_SECONDS", 0.01)
    over = threading.Event()
    failing = iter([ValueError("what nobody thought of")])
    offer = capacity.offer

    def offered(session: Session, mine: capacity.Offer) -> None:
        for error in failing:
            raise error
        offer(session, mine)

    monkeypatch.setattr(capacity, "offer", offered)
    thread = threading.Thread(target=presence.beat_on, args=(["training"], over))
    thread.start()

    def seen() -> list[Worker]:
        with transaction() as session:
            return list(session.scalars(select(Worker)))

    try:
        (first,) = until(seen)
        until(lambda: seen()[0].seen_at > first.seen_at)
    finally:
        over.set()
        thread.join(30)
    assert (first.name, first.queues, first.room_bytes) == (execution.owner_name(), ["training"], 10**9)
    assert seen() == []


@pytest.mark.commits
def test_a_run_that_was_taken_before_the_worker_said_what_it_has_goes_back_before_its_process_starts(
    start: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "here", lambda: SMALL)
    behave(monkeypatch, "behave_well")
    run_id = start("reward")
    estimated(run_id, TAKES)

    execution.execute(run_id)

    run = read_run(run_id)
    assert (run.state, run.reason, run.started_at) == ("queued", None, None)
    told = events_of(run_id, "state")
    assert [one.data["to"] for one in told] == ["queued", "claimed", "queued"]
    assert "2 × Slow" in told[-1].data["text"]
    # It rests until the worker has said so, which takes it from then on no more.
    assert run.run_after > told[-1].at


@pytest.mark.commits
@pytest.mark.parametrize("said", [{"insisted": True}, {"memory": {"cpu": 10**9, "cuda": 1}}], ids=["insisted", "fits"])
def test_a_run_is_started_where_it_fits_or_somebody_insists(
    start: Callable[..., int], monkeypatch: pytest.MonkeyPatch, said: dict[str, object]
) -> None:
    monkeypatch.setattr(hardware, "here", lambda: SMALL)
    behave(monkeypatch, "behave_well")
    run_id = start("reward")
    estimated(run_id, TAKES | said)

    execution.execute(run_id)

    run = read_run(run_id)
    assert (run.state, run.machine) == ("succeeded", "2 × Slow"), run.error


def estimated(run_id: int, said: dict[str, object]) -> None:
    """Let the launch have said so of the run."""
    with transaction() as session:
        session.execute(update(Run).where(Run.id == run_id).values(estimate=said))
