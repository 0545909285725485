"""Reference completions: which prompts, when they are asked for, that nothing is asked twice, and that they stay."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import retention
from app.config import Settings, get_settings
from app.loop import references, service
from app.prompts.tables import Prompt
from app.registry import service as registry
from app.registry.tables import ModelVersion
from app.runs import leases
from app.runs.leases import Failure
from app.runs.priorities import BACKGROUND
from app.runs.tables import Run
from app.storage import FolderStore, verify
from tests.app.cast import OpenClient, browser
from tests.app.judgment_rows import World, a_world
from tests.app.loop.blind_stage import a_policy, held_out
from tests.app.loop.drift_stage import a_reward_model, a_step, a_way, evaluated
from tests.app.loop.test_cycle import decisions, finish, settings
from tests.workers.jobs.stage import a_stocked_world, with_judgments
from tests.workers.jobs.stand_in import write_artifact

DAYS = 40


@pytest.fixture
def world(session: Session) -> World:
    """A project with held-out prompts."""
    return held_out(a_world(session), 6)


@pytest.fixture
def rosa(client: OpenClient, session: Session, world: World) -> TestClient:
    """A researcher's browser."""
    return browser(client, session, world.person("researcher", "Rosa"))


def chosen(world: World) -> list[int]:
    return references.basis_of(world.session, world.project.id).prompt_ids


def asked(world: World) -> list[Run]:
    """The runs that let versions answer the reference prompts, oldest first."""
    purpose = Run.inputs["purpose"].astext == references.PURPOSE
    return list(world.session.scalars(select(Run).where(Run.project_id == world.project.id, purpose).order_by(Run.id)))


def measure(rosa: TestClient, world: World) -> Any:
    return rosa.post(f"/api/v1/projects/{world.project.id}/drift")


def test_the_oldest_held_out_prompts_are_chosen_one_of_each_group(session: Session) -> None:
    world = a_world(session, loop={"reference_prompts": 3})
    world.prompt("train")
    first = world.prompt("validation", group="tea")
    world.prompt("validation", group="tea", text="Tea again?")
    gone = world.prompt("test")
    gone.state = "retired"
    kept = [first.id, world.prompt("test").id]
    assert chosen(world) == kept
    kept.append(world.prompt("test").id)
    world.prompt("test")
    assert chosen(world) == kept, "a later upload adds where one is missing, and replaces none"
    world.project.settings = {"loop": {"reference_prompts": 0}}
    session.flush()
    assert chosen(world) == []


@pytest.fixture
def at_promotion(session: Session, tmp_path: Path) -> tuple[World, ModelVersion]:
    """A project with held-out prompts whose cycle waits for a person to accept the policy."""
    world = held_out(with_judgments(a_stocked_world(session, tmp_path / "base")), 3)
    settings(world, keep_tasks_ready=0)
    cycle = service.start_cycle(session, world.project.id, actor=None)
    finish(session, cycle, "reward")
    finish(session, cycle, "policy")
    version = session.get_one(ModelVersion, cycle.policy_model_version_id)
    version.parent_id, world.model.promoted_at = world.model.id, func.now()
    session.flush()
    return world, version


def accept(world: World) -> None:
    cycle = service.under_way(world.session, world.project.id)
    assert cycle is not None
    service.decide_promotion(world.session, cycle.id, accept=True, actor=world.person("admin", "Grace"))


def test_a_policy_that_is_promoted_answers_the_reference_prompts(at_promotion: tuple[World, ModelVersion]) -> None:
    world, version = at_promotion
    assert asked(world) == []
    accept(world)
    (run,) = asked(world)
    cycle = service.under_way(world.session, world.project.id)
    assert cycle is not None
    assert run.kind == "evaluate"
    assert run.inputs["models"] == {
        "policy": version.id,
        "reference": world.model.id,
        "proxy": cycle.reward_model_version_id,
    }
    assert run.inputs["prompt_ids"] == chosen(world)
    assert len(chosen(world)) == 3
    assert (run.seed, run.priority) == (references.SEED, BACKGROUND)
    assert run.cycle_id is None, "the cycle does not wait for it"
    assert cycle.stage == "sample"
    line = references.line_of(world.session, world.project.id)
    assert [step.version for step in line.steps] == [world.model, version]
    assert (line.unmeasured, line.measuring) == ([], [run.id]), "what the policy came from answers beside it"
    assert references.keep(world.session, version, actor=None) is None, "it answers just now"


def test_where_it_is_refused_the_cycle_goes_on(at_promotion: tuple[World, ModelVersion]) -> None:
    world, _ = at_promotion
    registry.live_reward(world.session, world.project.id).artifact_sha256 = None
    accept(world)
    assert asked(world) == []
    assert registry.live_policy(world.session, world.project.id).kind == "policy"
    assert decisions(world.session)[-1] == (
        "Policy 1's reference completions can't be kept: Reward model 1 has no weights yet: its import is not done."
    )


def test_a_project_may_keep_none(at_promotion: tuple[World, ModelVersion]) -> None:
    world, _ = at_promotion
    settings(world, keep_tasks_ready=0, reference_prompts=0)
    accept(world)
    assert asked(world) == []
    assert decisions(world.session)[-1].startswith("Policy 1 promoted by Grace")


def test_versions_that_have_not_answered_are_asked_once(rosa: TestClient, world: World) -> None:
    base, first, second = a_way(world)
    a_reward_model(world, 1)
    evaluated(world, {"policy": first, "reference": base})
    waiting = a_step(world, 3, second, stage="candidate")
    orphan = a_policy(world, 4)
    orphan.parent_id = None
    world.session.flush()

    answer = measure(rosa, world)

    runs = asked(world)[1:]
    assert (answer.status_code, answer.json()) == (202, {"run_ids": [run.id for run in runs]})
    assert [run.inputs["models"] for run in runs] == [
        {"policy": second.id, "reference": base.id, "rival": first.id},
        {"policy": waiting.id, "reference": base.id, "rival": second.id},
    ]
    assert {tuple(run.inputs["prompt_ids"]) for run in runs} == {tuple(chosen(world))}
    assert measure(rosa, world).json() == {"run_ids": []}
    held = leases.claim(world.session, runs[0].id, owner="test", lease_seconds=60)
    assert held is not None
    leases.fail(world.session, held, Failure(reason="error", error="It broke."))
    assert len(measure(rosa, world).json()["run_ids"]) == 1, "one whose run failed is asked again"


def test_the_first_version_is_measured_where_it_was_beside_nobody(rosa: TestClient, world: World) -> None:
    """A fine-tuned model went live after the base; distances are from it, and nobody ever read the base."""
    base, first, second = a_way(world)
    first.kind = "sft"
    world.session.flush()
    evaluated(world, {"policy": second, "reference": first})
    measure(rosa, world)
    assert [run.inputs["models"] for run in asked(world)[1:]] == [{"policy": base.id, "reference": base.id}]


def test_without_reference_prompts_nothing_is_asked(rosa: TestClient, world: World) -> None:
    a_way(world)
    for prompt in world.session.scalars(select(Prompt).where(Prompt.project_id == world.project.id)):
        prompt.state = "retired"
    world.session.flush()
    answer = measure(rosa, world)
    assert (answer.status_code, answer.json()["type"]) == (422, "no-prompts")
    shown = rosa.get(f"/api/v1/projects/{world.project.id}/drift").json()
    assert (shown["prompts"], shown["unmeasured"]) == (0, [])


def test_a_refusal_that_leaves_no_run_is_told(rosa: TestClient, world: World) -> None:
    _, first, second = a_way(world)
    reward = a_reward_model(world, 1)
    reward.artifact_sha256 = None
    for version in (first, second):
        trained = Run(project_id=world.project.id, kind="ppo", queue="training", config={}, seed=1, state="cancelled")
        trained.inputs, trained.finished_at = {"models": {"reward": reward.id}}, func.now()
        world.session.add(trained)
        world.session.flush()
        version.run_id = trained.id
    world.model.stage, world.model.promoted_at = "archived", None
    world.session.flush()
    answer = measure(rosa, world)
    assert (answer.status_code, answer.json()["type"]) == (422, "model-without-artifact")
    assert asked(world) == []


@pytest.fixture
def kept(world: World, settings: Settings, tmp_path: Path) -> tuple[FolderStore, str]:
    """The artifact with all completions of a run that let the live policy answer, as if long ago; its hash."""
    store = FolderStore(settings.artifacts_dir)
    base, first, _ = a_way(world)
    run = evaluated(world, {"policy": first, "reference": base})
    write_artifact(tmp_path / "answers", kind="evaluation", weights=json.dumps(run.result["report"]["samples"]))
    sha256 = store.put(tmp_path / "answers").sha256
    run.result = {**run.result, "artifact": {"sha256": sha256, "bytes": 1}}
    run.finished_at = func.now() - func.make_interval(0, 0, 0, DAYS)
    world.session.flush()
    long_ago = store.folder(sha256).stat().st_mtime - DAYS * 86_400
    os.utime(store.folder(sha256), (long_ago, long_ago))
    return store, sha256


def cleaned(session: Session, store: FolderStore) -> None:
    retention.remove(session, retention.find(session, get_settings(), store), store, actor=None)


def test_retention_never_takes_reference_completions(
    rosa: TestClient, world: World, kept: tuple[FolderStore, str]
) -> None:
    store, sha256 = kept
    cleaned(world.session, store)
    assert verify(store.folder(sha256)).sha256 == sha256
    line = references.line_of(world.session, world.project.id)
    base, first = (step.version for step in line.steps[:2])
    two = {"version_id": first.id, "beside_id": base.id}
    shown = rosa.get(f"/api/v1/projects/{world.project.id}/drift/completions", params=two).json()
    assert [pair["prompt_id"] for pair in shown["pairs"]] == chosen(world)


def test_without_the_runs_name_they_would_go(
    world: World, kept: tuple[FolderStore, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: it is the run's result that keeps them."""
    store, sha256 = kept
    monkeypatch.setattr(retention, "NAMED", select(Run.reason).where(Run.id == 0))
    cleaned(world.session, store)
    assert not store.folder(sha256).exists()
