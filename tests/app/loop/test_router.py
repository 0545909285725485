"""The loop over HTTP."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

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


def test_a_cycle_is_started_once_shown_and_cancelled(rosa: TestClient, world: World) -> None:
    cycles = f"/api/v1/projects/{world.project.id}/cycles"
    key = {"Idempotency-Key": "one-key-for-this-cycle"}
    started = rosa.post(cycles, headers=key)
    assert started.status_code == 201, started.text
    assert rosa.post(cycles, headers=key).json() == started.json()
    refused = rosa.post(cycles, json={})
    assert (refused.status_code, refused.json()["type"]) == (409, "cycle-under-way")

    cycle = started.json()
    assert (cycle["state"], cycle["stage"], cycle["trigger"]) == ("running", "reward", "person")
    loop = rosa.get(f"/api/v1/projects/{world.project.id}/loop").json()
    assert loop["cycle"]["id"] == cycle["id"]
    assert loop["active_runs"][0]["id"] == cycle["reward_run_id"]
    assert loop["decisions"][0]["text"].startswith("A cycle was started by Rosa")
    assert loop["policy"]["id"] == world.model.id
    assert rosa.post(f"/api/v1/cycles/{cycle['id']}/promotion", json={"accept": True}).status_code == 409
    assert rosa.post(f"/api/v1/cycles/{cycle['id']}/cancel").json()["state"] == "cancelled"
    assert rosa.get(f"/api/v1/cycles/{cycle['id']}").json()["state"] == "cancelled"
    assert [one["id"] for one in rosa.get(cycles).json()["items"]] == [cycle["id"]]


def test_annotators_and_strangers_stay_outside(
    rosa: TestClient, client: OpenClient, session: Session, world: World, tmp_path: Path
) -> None:
    cycle = rosa.post(f"/api/v1/projects/{world.project.id}/cycles").json()
    annotator = browser(client, session, world.person("annotator"))
    stranger = browser(client, session, a_stocked_world(session, tmp_path / "other").person("admin"))
    assert annotator.get(f"/api/v1/projects/{world.project.id}/loop").status_code == 403
    assert annotator.get(f"/api/v1/cycles/{cycle['id']}").status_code == 403
    assert stranger.get(f"/api/v1/cycles/{cycle['id']}").status_code == 404
    assert stranger.post(f"/api/v1/cycles/{cycle['id']}/cancel").status_code == 404
