"""Lineage both ways, on a loop that turned twice."""

from dataclasses import dataclass
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from app.completions.tables import Completion
from app.datasets import service as datasets
from app.datasets.tables import DatasetSnapshot, SnapshotCompletion, SnapshotRanking
from app.lineage import service as lineage
from app.rankings.tables import Ranking
from app.registry import service as registry
from app.registry.service import NewModel
from app.registry.tables import ModelVersion
from app.runs.tables import Run
from tests.app.cast import OpenClient, browser
from tests.app.judgment_rows import World, a_world, submit, take
from workers.jobs import evaluate


@dataclass
class Loop:
    """Two turns: base → sft; reward 1 and policy 1 on the first judgment; reward 2 on both; policy 2 from policy 1."""

    world: World
    sft: ModelVersion
    rewards: list[ModelVersion]
    policies: list[ModelVersion]
    rankings: list[int]


def trained(
    world: World, run_kind: str, kind: Any, snapshot: DatasetSnapshot | None = None, **given: Any
) -> ModelVersion:
    """A model made by a run on other models, with the first of them as its parent."""
    session = world.session
    inputs = {"models": {role: one.id for role, one in given.items()}}
    snapshot_id = snapshot.id if snapshot else None
    run = Run(project_id=world.project.id, kind=run_kind, queue="training", config={}, seed=1, inputs=inputs)
    run.dataset_snapshot_id = snapshot_id
    session.add(run)
    session.flush()
    parent = next(iter(given.values()))
    new = NewModel(
        project_id=world.project.id,
        kind=kind,
        parent_id=parent.id,
        base_id=parent.base_id or parent.id,
        run_id=run.id,
        dataset_snapshot_id=snapshot_id,
        artifact_sha256="a" * 64,
        artifact_bytes=1,
    )
    return registry.register_model(session, new)


def judge_one(world: World) -> int:
    annotator = world.person()
    world.task()
    return int(submit(world.session, take(world, annotator), annotator).body["ranking_id"])


def freeze(world: World) -> DatasetSnapshot:
    return datasets.freeze_judgments(world.session, project_id=world.project.id, created_by=None)


def demonstrated(world: World) -> DatasetSnapshot:
    snapshot = DatasetSnapshot(project_id=world.project.id, kind="demonstrations", content_hash="d")
    world.session.add(snapshot)
    world.session.flush()
    written = world.completions(world.prompt(), 2, author=world.person())
    held = [{"snapshot_id": snapshot.id, "completion_id": one} for one in written]
    world.session.execute(insert(SnapshotCompletion), held)
    return snapshot


@pytest.fixture
def loop(session: Session) -> Loop:
    world = a_world(session)
    sft = trained(world, "sft", "sft", demonstrated(world), base=world.model)
    rankings = [judge_one(world)]
    reward = trained(world, "reward", "reward", freeze(world), base=sft)
    prompts = datasets.freeze_prompts(session, project_id=world.project.id, created_by=None)
    policy = trained(world, "ppo", "policy", prompts, policy=sft, reward=reward)
    rankings.append(judge_one(world))
    second = trained(world, "reward", "reward", freeze(world), base=sft, live=reward)
    improved = trained(world, "ppo", "policy", policy=policy, reward=second)
    rankings.append(judge_one(world))
    return Loop(world, sft, [reward, second], [policy, improved], rankings)


@pytest.fixture
def rosa(client: OpenClient, session: Session, loop: Loop) -> TestClient:
    """A researcher's browser."""
    return browser(client, session, loop.world.person("researcher", "Rosa"))


def get(browser: TestClient, path: str, **params: Any) -> Any:
    answer = browser.get(f"/api/v1/{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def names(models: list[dict[str, Any]]) -> list[str]:
    return [one["name"] for one in models]


def test_a_policy_comes_from_its_reward_models_judgments_too(rosa: TestClient, loop: Loop) -> None:
    found = get(rosa, f"model-versions/{loop.policies[1].id}/origins")
    assert names(found["chain"]) == ["tiny", "SFT 1", "Reward model 1", "Policy 1", "Reward model 2", "Policy 2"]
    assert [one["kind"] for one in found["runs"]] == ["sft", "reward", "ppo", "reward", "ppo"]
    assert [one["kind"] for one in found["snapshots"]] == ["demonstrations", "judgments", "prompts", "judgments"]
    assert {name: found["counts"][name] for name in ("judgments", "annotators", "demonstrations")} == {
        "judgments": 2, "annotators": 2, "demonstrations": 2,
    }  # fmt: skip
    assert found["counts"]["prompts"] > 0


def test_what_a_reward_model_was_only_compared_with_is_not_behind_it(rosa: TestClient, loop: Loop) -> None:
    found = get(rosa, f"model-versions/{loop.rewards[1].id}/origins")
    assert names(found["chain"]) == ["tiny", "SFT 1", "Reward model 2"]
    assert found["runs"][-1]["models"]["live"] == loop.rewards[0].id


def test_judgments_that_two_models_share_are_counted_once_with_their_revisions(loop: Loop) -> None:
    session, world = loop.world.session, loop.world
    first, second = loop.rewards
    assert lineage.shared_judgments(session, second.id, loop.policies[0].id) == 1
    assert lineage.shared_judgments(session, second.id, loop.policies[1].id) == 2
    assert lineage.shared_judgments(session, first.id, loop.sft.id) == 0
    snapshot = DatasetSnapshot(project_id=world.project.id, kind="judgments", content_hash="apart")
    session.add(snapshot)
    session.flush()
    session.execute(insert(SnapshotRanking), [{"snapshot_id": snapshot.id, "ranking_id": loop.rankings[2]}])
    apart = trained(world, "reward", "reward", snapshot, base=loop.sft)
    assert lineage.shared_judgments(session, apart.id, loop.policies[1].id) == 0
    # A judge of whom nothing is known may have learnt from anything, but a model without judgments shares none.
    unknown = world.model_version("reward", 9)
    assert lineage.shared_judgments(session, unknown.id, loop.policies[1].id) is None
    assert lineage.shared_judgments(session, unknown.id, loop.sft.id) == 0
    roles = {"policy": loop.policies[1].id, "reference": loop.sft.id, "judge": second.id, "proxy": first.id}
    assert evaluate.shared(session, roles) == {
        "judge": {"policy": 2, "reference": 0},
        "proxy": {"policy": 1, "reference": 0},
    }


def test_nothing_is_behind_an_imported_model(rosa: TestClient, loop: Loop) -> None:
    found = get(rosa, f"model-versions/{loop.world.model.id}/origins")
    assert (names(found["chain"]), found["runs"], found["snapshots"]) == (["tiny"], [], [])
    assert set(found["counts"].values()) == {0}
    assert get(rosa, f"model-versions/{loop.world.model.id}/origins/judgments")["items"] == []


def test_the_judgments_behind_a_model_come_page_by_page_each_once(rosa: TestClient, loop: Loop) -> None:
    path = f"model-versions/{loop.policies[1].id}/origins/judgments"
    first = get(rosa, path, limit=1)
    rest = get(rosa, path, limit=1, cursor=first["next_cursor"])
    assert [one["id"] for one in first["items"] + rest["items"]] == loop.rankings[1::-1]
    assert rest["next_cursor"] is None
    judgment = rest["items"][0]
    ranking = loop.world.session.get_one(Ranking, loop.rankings[0])
    assert (judgment["annotator_id"], judgment["task_id"]) == (ranking.annotator_id, ranking.task_id)
    assert (judgment["superseded"], judgment["withdrawn"]) == (False, False)


def test_a_judgment_that_was_withdrawn_stays_behind_the_model_that_learnt_from_it(rosa: TestClient, loop: Loop) -> None:
    loop.world.session.get_one(Ranking, loop.rankings[0]).withdrawn_at = func.now()
    loop.world.session.flush()
    (judgment,) = get(rosa, f"model-versions/{loop.policies[0].id}/origins/judgments")["items"]
    assert (judgment["id"], judgment["withdrawn"]) == (loop.rankings[0], True)


@pytest.mark.parametrize(
    ("place", "touched"),
    [
        (0, [("Reward model 1", True), ("Policy 1", False), ("Reward model 2", True), ("Policy 2", False)]),
        (1, [("Reward model 2", True), ("Policy 2", False)]),
        (2, []),
    ],
)
def test_a_judgment_leads_to_every_model_it_touched(
    rosa: TestClient, loop: Loop, place: int, touched: list[tuple[str, bool]]
) -> None:
    found = get(rosa, f"rankings/{loop.rankings[place]}/models")["items"]
    assert [(one["model"]["name"], one["direct"]) for one in found] == touched


def test_the_models_that_a_judgment_touched_come_page_by_page(rosa: TestClient, loop: Loop) -> None:
    path = f"rankings/{loop.rankings[0]}/models"
    first = get(rosa, path, limit=3)
    rest = get(rosa, path, limit=3, cursor=first["next_cursor"])
    assert [one["model"]["name"] for one in rest["items"]] == ["Policy 2"]


def test_both_ways_agree(rosa: TestClient, loop: Loop) -> None:
    """A judgment is behind a model exactly when the model is among those that it touched."""
    versions = loop.world.session.scalars(select(ModelVersion.id)).all()
    behind = {
        (one["id"], version)
        for version in versions
        for one in get(rosa, f"model-versions/{version}/origins/judgments")["items"]
    }
    touched = {
        (ranking, one["model"]["id"])
        for ranking in loop.rankings
        for one in get(rosa, f"rankings/{ranking}/models")["items"]
    }
    assert behind == touched
    assert len(behind) == 6


def test_a_completion_comes_from_its_models_origins_or_from_a_person(rosa: TestClient, loop: Loop) -> None:
    world = loop.world
    (written,) = world.completions(world.prompt(), 1, model=loop.policies[0])
    found = get(rosa, f"completions/{written}/origins")
    assert (found["by_person"], found["run_id"]) == (False, None)
    assert names(found["origins"]["chain"])[-1] == "Policy 1"
    assert found["origins"]["counts"]["judgments"] == 1
    person = world.session.scalars(select(Completion.id).where(Completion.role == "demonstration")).first()
    found = get(rosa, f"completions/{person}/origins")
    assert (found["by_person"], found["origins"]) == (True, None)
