"""What a person may say about a run's turn, and what the page says about its waiting."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.auth.tables import AuditEvent
from app.config import Settings, UnknownSettingError
from app.projects.service import create_project
from app.runs import events, leases, waiting
from app.runs.kinds import queue_of, require_known_kinds
from app.runs.tables import Run, Worker
from tests.app.cast import OpenClient, browser
from tests.app.judgment_rows import World
from tests.workers.jobs.stage import a_stocked_world, with_judgments


@pytest.fixture
def world(session: Session, tmp_path: Path) -> World:
    """A project whose live model has weights and where one task is ranked."""
    return with_judgments(a_stocked_world(session, tmp_path / "base"))


@pytest.fixture
def rosa(client: OpenClient, session: Session, world: World) -> TestClient:
    """A researcher's browser."""
    return browser(client, session, world.person("researcher", "Rosa"))


def launched(rosa: TestClient, world: World, **body: object) -> dict[str, Any]:
    answer = rosa.post(f"/api/v1/projects/{world.project.id}/runs", json={"kind": "reward", **body})
    return {"status": answer.status_code, **answer.json()}


def a_worker(session: Session, *queues: str, processes: int = 1, seen_seconds_ago: float = 0) -> None:
    here = {"memory_bytes": 1, "cores": 1, "devices": [], "machine": "a machine", "kind": "cpu", "room_bytes": 1}
    seen = leases.in_seconds(-seen_seconds_ago)
    session.add(Worker(name=f"{queues}", queues=list(queues), processes=processes, seen_at=seen, **here))
    session.flush()


def why(session: Session, run_id: int) -> waiting.Waiting:
    found = waiting.reason(session, session.get_one(Run, run_id, populate_existing=True))
    assert found is not None
    return found


def test_a_priority_is_set_at_launch_and_changed_while_the_run_waits(
    rosa: TestClient, session: Session, world: World
) -> None:
    run = launched(rosa, world, priority="background")
    assert run["priority"] == "background"
    address = f"/api/v1/runs/{run['id']}/priority"
    assert [rosa.put(address, json={"priority": "urgent"}).json()["priority"] for _ in range(2)] == ["urgent"] * 2
    said = [event.data["text"] for event in events.after(session, run["id"], 1)]
    assert said == ["Rosa made it urgent; it was background."]
    audit = session.scalars(select(AuditEvent).where(AuditEvent.action == "run.prioritised")).one()
    assert audit.detail == {"before": "background", "after": "urgent"}
    assert rosa.put(address, json={"priority": "at once"}).status_code == 422


def test_a_run_at_work_has_no_place_in_line_to_change(rosa: TestClient, session: Session, world: World) -> None:
    run = launched(rosa, world)
    assert leases.claim(session, run["id"], owner="one", lease_seconds=60) is not None
    refused = rosa.put(f"/api/v1/runs/{run['id']}/priority", json={"priority": "urgent"})
    assert (refused.status_code, refused.json()["type"]) == (409, "run-finished")
    assert session.get_one(Run, run["id"]).priority == 100


def test_a_queue_is_refused_that_is_not_there_or_that_nobody_serves(
    use_settings: Callable[..., Settings], rosa: TestClient, session: Session, world: World
) -> None:
    unknown = launched(rosa, world, queue="night")
    assert (unknown["status"], unknown["type"], unknown["field"]) == (422, "no-such-queue", "queue")
    use_settings(queues="night")
    a_worker(session, "night", seen_seconds_ago=120)
    unserved = launched(rosa, world, queue="night")
    assert (unserved["status"], unserved["type"]) == (422, "unserved-queue")
    assert "plackett work night" in unserved["advice"]
    session.execute(update(Worker).values(seen_at=func.now()))
    assert launched(rosa, world, queue="night")["queue"] == "night"


def test_a_kind_waits_in_the_queue_that_the_settings_give_it(
    use_settings: Callable[..., Settings], rosa: TestClient, world: World
) -> None:
    use_settings(queues="large", kind_queues="reward=large")
    assert (queue_of("reward"), queue_of("sample")) == ("large", "training")
    run = launched(rosa, world)
    assert (run["queue"], run["waiting"]["why"]) == ("large", "worker")


def test_a_queue_of_no_kind_stops_the_start(use_settings: Callable[..., Settings]) -> None:
    with pytest.raises(UnknownSettingError, match="dream"):
        require_known_kinds(use_settings(kind_queues="dream=light"))


@pytest.mark.parametrize(
    ("kind", "devices", "slug"), [("reward", 2, "one-device"), ("sft", 3, "too-few-devices"), ("sft", 2, None)]
)
def test_devices_are_refused_that_no_worker_has_or_the_kind_has_no_use_for(
    rosa: TestClient, session: Session, world: World, kind: str, devices: int, slug: str | None
) -> None:
    world.completions(world.prompt(), 1, author=world.person())
    a_worker(session, "training", processes=2)
    run = launched(rosa, world, kind=kind, devices=devices)
    assert (run["status"], run.get("type")) == ((201, None) if slug is None else (422, slug))
    assert slug is not None or run["devices"] == devices


def test_the_reason_for_waiting_comes_in_the_order_in_which_it_holds(
    rosa: TestClient, session: Session, world: World
) -> None:
    first, run = launched(rosa, world)["id"], launched(rosa, world)["id"]
    assert (why(session, run).why, why(session, run).queue) == ("worker", "training")

    a_worker(session, "training")
    assert (why(session, run).why, why(session, run).runs, why(session, run).projects) == ("turn", 1, 0)

    urgent = launched(rosa, world, priority="urgent")["id"]
    assert (why(session, run).why, why(session, run).runs) == ("priority", 1)

    world.project.settings = {"runs_at_once": 1}
    session.flush()
    held = leases.claim(session, run, owner="one", lease_seconds=60)
    assert held is not None
    assert held.run_id == urgent
    limited = why(session, run)
    assert (limited.why, limited.runs, limited.limit) == ("project_limit", 1, 1)

    session.execute(update(Run).where(Run.id == run).values(devices=2))
    assert (why(session, run).why, why(session, run).limit) == ("devices", 1)

    session.execute(update(Run).where(Run.id == run).values(run_after=leases.in_seconds(60)))
    assert why(session, run).why == "pause"
    assert waiting.reason(session, session.get_one(Run, urgent, populate_existing=True)) is None
    assert why(session, first).why == "project_limit"


def test_other_projects_and_busy_workers_are_reasons_too(rosa: TestClient, session: Session, world: World) -> None:
    a_worker(session, "training")
    run = launched(rosa, world)
    assert run["waiting"]["why"] == "workers"
    other = create_project(session, creator=None, name="Another")
    more = {"kind": "reward", "queue": "training", "config": {}, "seed": 1}
    session.add_all(Run(project_id=other.id, **more) for _ in range(2))
    session.flush()
    turn = why(session, run["id"])
    assert (turn.why, turn.runs, turn.projects) == ("turn", 0, 1)
