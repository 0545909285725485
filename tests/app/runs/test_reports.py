"""What a finished run left to read, over HTTP."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, inspect
from sqlalchemy.orm import Session

from app.config import get_settings
from app.pagination import PageRequest
from app.runs import service
from app.runs.report_schemas import EvaluationReport, RewardReport
from app.runs.schemas import run_read
from app.runs.tables import Run
from app.storage import FolderStore
from tests.app.cast import OpenClient, browser
from tests.app.judgment_rows import World, a_world
from tests.finished_run import an_evaluation_report, finished_reward_run

SFT = {
    "conversations": {"learnt": 9, "held_out": 1},
    "tokens": {"learnt": 900, "held_out": 80},
    "cut": {"completions": 0, "texts": 2},
    "data_sha256": "ab" * 32,
    "seed": 4,
}


@pytest.fixture
def world(session: Session) -> World:
    """A project."""
    return a_world(session)


@pytest.fixture
def rosa(client: OpenClient, session: Session, world: World) -> TestClient:
    """A researcher's browser."""
    return browser(client, session, world.person("researcher", "Rosa"))


def a_run(world: World, kind: str, result: dict | None) -> str:
    """The address of a run that left `result`, or that was cancelled."""
    ending = {"state": "cancelled"} if result is None else {"state": "succeeded", "result": result}
    run = Run(project_id=world.project.id, kind=kind, queue="training", config={}, seed=1, **ending)
    run.finished_at = func.now()
    world.session.add(run)
    world.session.flush()
    return f"/api/v1/runs/{run.id}"


def artifacts() -> FolderStore:
    return FolderStore(get_settings().artifacts_dir)


def test_the_report_of_the_recipe_arrives_whole(rosa: TestClient, world: World) -> None:
    finished = finished_reward_run()
    run = a_run(world, "reward", finished.stored(artifacts()))
    answer = rosa.get(f"{run}/report").json()
    assert answer["kind"] == "reward"
    assert (answer["has_card"], answer["shape"]) == (True, "reward")
    assert answer["metrics"] == finished.metrics
    assert answer["report"] == finished.report
    assert rosa.get(run).json()["result"].keys() == {"artifact", "metrics"}


def test_a_list_of_runs_reads_no_report(session: Session, world: World) -> None:
    a_run(world, "reward", {"artifact": None, "metrics": {"loss": 1.5}, "report": {"long": "x" * 10_000}})
    session.expunge_all()
    rows = service.listed(session, world.project.id, PageRequest())
    (one,) = [run_read(seen) for seen in service.seen(session, rows.items)]
    assert one.result == {"artifact": None, "metrics": {"loss": 1.5}}
    assert "result" in inspect(rows.items[0]).unloaded


def test_every_part_that_can_be_shown_is_in_a_report_of_today() -> None:
    judged = RewardReport.model_validate(finished_reward_run().report).judged
    assert judged is not None
    assert set(judged.parts) == {"completions", "tiers_apart", "models", "annotator"}
    assert judged.scores.histogram is not None
    assert {row.model for row in judged.scores.by_model or []} == {"Base 1", "SFT 1", "SFT 2"}
    assert judged.disagreements
    assert all(one.votes is not None for one in judged.disagreements)


def test_the_report_of_an_evaluation_is_typed_and_arrives_whole(rosa: TestClient, world: World) -> None:
    told = an_evaluation_report()
    answer = rosa.get(f"{a_run(world, 'evaluate', {'artifact': None, 'metrics': {}, 'report': told})}/report").json()
    assert (answer["report"], answer["shape"]) == (told, "evaluation")
    typed = EvaluationReport.model_validate(told)
    assert [(one.standing, one.verdict) for one in typed.comparisons] == [("judge", "better"), ("proxy", "better")]
    assert [(one.model, one.recommended) for one in typed.curve] == [("reference", False), ("policy", True)]


def test_other_reports_keep_their_own_shape(rosa: TestClient, world: World) -> None:
    for kind, report in (("sft", SFT), ("ppo", {"first": {"kl": 0.0}, "kept": "yes"}), ("import_model", {})):
        run = a_run(world, kind, {"artifact": None, "metrics": {"loss": 1.5}, "report": report})
        answer = rosa.get(f"{run}/report").json()
        assert (answer["report"], answer["metrics"], answer["has_card"]) == (report, {"loss": 1.5}, False)


def test_a_reward_report_of_another_version_is_still_told(rosa: TestClient, world: World) -> None:
    run = a_run(world, "reward", {"artifact": None, "metrics": {}, "report": {"judged": "in words"}})
    answer = rosa.get(f"{run}/report").json()
    assert (answer["report"], answer["shape"]) == ({"judged": "in words"}, None)


def test_a_report_that_lacks_a_part_says_that_it_has_no_known_shape(rosa: TestClient, world: World) -> None:
    whole = finished_reward_run().report
    older = {**whole, "judged": {name: value for name, value in whole["judged"].items() if name != "scores"}}
    answer = rosa.get(f"{a_run(world, 'reward', {'artifact': None, 'metrics': {}, 'report': older})}/report").json()
    assert (answer["report"], answer["shape"]) == (older, None)


def test_the_card_is_the_one_in_the_artifact(rosa: TestClient, world: World) -> None:
    finished = finished_reward_run()
    card = rosa.get(f"{a_run(world, 'reward', finished.stored(artifacts()))}/card")
    assert card.text == finished.card
    assert card.headers["content-type"] == "text/markdown; charset=utf-8"


def test_a_card_that_was_changed_is_not_shown(rosa: TestClient, world: World) -> None:
    result = finished_reward_run().stored(artifacts())
    path = artifacts().folder(result["artifact"]["sha256"]) / "README.md"
    path.chmod(0o644)
    path.write_text("A better model.")
    refused = rosa.get(f"{a_run(world, 'reward', result)}/card")
    assert (refused.status_code, refused.json()["type"]) == (409, "damaged-artifact")
    assert "README.md is damaged" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("result", "slug"),
    [
        (None, "no-report"),
        ({"artifact": None, "metrics": {}, "report": {}}, "no-card"),
        ({"artifact": {"sha256": "0" * 64, "bytes": 1}, "metrics": {}, "report": {}}, "damaged-artifact"),
    ],
)
def test_what_is_not_there_is_said(rosa: TestClient, world: World, result: dict | None, slug: str) -> None:
    refused = rosa.get(f"{a_run(world, 'reward', result)}/card")
    assert (refused.status_code, refused.json()["type"]) == (409, slug)


def test_annotators_read_no_reports(client: OpenClient, session: Session, world: World) -> None:
    run = a_run(world, "reward", {"artifact": None, "metrics": {}, "report": {}})
    annotator = browser(client, session, world.person("annotator", "Ann"))
    assert {annotator.get(f"{run}/{what}").status_code for what in ("report", "card")} == {403}
