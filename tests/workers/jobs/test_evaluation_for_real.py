"""An evaluation with a tiny real model in a real child: which prompts and models it takes, what it leaves behind."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.datasets import service as datasets
from app.db import transaction
from app.errors import Unprocessable
from app.loop import drift, references
from app.prompts.tables import Prompt
from app.registry.tables import ModelVersion
from app.runs.reports import card_of
from app.storage import store
from tests.app.judgment_rows import World, a_world, submit, take
from tests.conftest import Database
from tests.tiny_model import build_tiny_model
from tests.workers.jobs.stage import launched, read_run
from tests.workers.rlhf.test_ppo import save_reward
from workers.jobs import execution

pytestmark = [pytest.mark.commits, pytest.mark.timeout(300)]
QUICK = {"samples_per_prompt": 2, "max_new_tokens": 6, "prompts": 3}


@pytest.fixture
def world(database: Database, use_settings: Callable[..., object], tmp_path: Path) -> World:
    """A project with prompts of every split whose live model is the tiny one."""
    use_settings(run_lease_seconds=30)
    with transaction() as session:
        made = a_world(session)
        stored = store().put(build_tiny_model(tmp_path / "tiny", steps=4))
        made.model.artifact_sha256, made.model.artifact_bytes = stored.sha256, stored.size
        for split in ("train", "validation", "train", "test", "validation", "test"):
            made.prompt(split)
    return made


def test_held_out_prompts_are_answered_and_a_report_is_left(world: World) -> None:
    with transaction() as session:
        world.session = session
        run_id = launched(world, "evaluate", config=QUICK, seed=3)
    assert execution.execute(run_id) == run_id
    run = read_run(run_id)
    assert run.state == "succeeded", run.error
    assert run.inputs["models"] == {"policy": world.model.id, "reference": world.model.id}
    report = run.result["report"]
    assert (report["prompts"], report["completions_per_prompt"]) == (3, 2)
    # A policy that is its own reference is no way from it; nobody was asked to judge.
    assert report["models"]["policy"]["kl"]["value"] == pytest.approx(0, abs=1e-6)
    assert report["comparisons"] == []
    assert run.result["metrics"]["kl/policy"] == report["models"]["policy"]["kl"]["value"]
    assert card_of(run, store()).startswith("# Evaluation")
    with transaction() as session:
        # Both test prompts before the older of the validation ones.
        splits = [session.get_one(Prompt, prompt_id).split for prompt_id in run.inputs["prompt_ids"]]
        assert splits == ["test", "test", "validation"]
        assert session.scalar(select(func.count()).select_from(ModelVersion)) == 1


def test_a_judge_that_shares_judgments_with_the_policy_is_shown_as_a_proxy(world: World, tmp_path: Path) -> None:
    with transaction() as session:
        world.session = session
        annotator = world.person()
        world.task()
        submit(session, take(world, annotator), annotator)
        snapshot = datasets.freeze_judgments(session, project_id=world.project.id, created_by=None)
        stored = store().put(save_reward(store().folder(world.model.artifact_sha256), tmp_path / "reward"))
        judge, policy = world.model_version("reward", 1), world.model_version("sft", 1)
        judge.artifact_sha256, judge.artifact_bytes, judge.base_id = stored.sha256, stored.size, world.model.id
        policy.artifact_sha256, policy.artifact_bytes = world.model.artifact_sha256, world.model.artifact_bytes
        judge.dataset_snapshot_id = policy.dataset_snapshot_id = snapshot.id
        models = {"policy": policy.id, "reference": world.model.id, "judge": judge.id}
        run_id = launched(world, "evaluate", config=QUICK | {"prompts": 1, "samples_per_prompt": 1}, models=models)
    assert execution.execute(run_id) == run_id
    run = read_run(run_id)
    assert run.state == "succeeded", run.error
    (told,) = run.result["report"]["judges"]
    assert (told["standing"], told["why"]) == ("proxy", "trained on 1 of the judgments behind policy")


def test_who_can_not_play_a_part_is_refused(world: World) -> None:
    with transaction() as session:
        world.session = session
        reward = world.model_version("reward", 1)
        for role, version in (("judge", world.model), ("policy", reward), ("rival", reward)):
            with pytest.raises(Unprocessable) as refused:
                launched(world, "evaluate", models={role: version.id})
            assert (refused.value.field, refused.value.type) == (f"models.{role}", "wrong-model")
        with pytest.raises(Unprocessable) as unready:
            launched(world, "evaluate", models={"judge": reward.id})
        assert unready.value.type == "model-without-artifact"


def test_a_version_that_answered_the_reference_prompts_is_measured_and_can_be_read(world: World) -> None:
    with transaction() as session:
        world.session, world.project = session, session.merge(world.project)
        world.project.settings = {"sampling": {"max_new_tokens": 6}}
        policy = world.model_version("policy", 1, "archived")
        policy.artifact_sha256, policy.artifact_bytes = world.model.artifact_sha256, world.model.artifact_bytes
        policy.parent_id, policy.promoted_at = world.model.id, func.now()
        session.flush()
        run = references.keep(session, policy, actor=None)
        assert run is not None
        run_id = run.id
    assert execution.execute(run_id) == run_id
    with transaction() as session:
        line = references.line_of(session, world.project.id)
        assert (line.unmeasured, line.measuring) == ([], [])
        own = next(step.measured for step in line.steps if step.version.id == policy.id)
        assert own is not None
        assert (own.comparable, own.run.run_id, own.run.prompts) == (True, run_id, 4)
        assert own.figures["kl"]["value"] == pytest.approx(0, abs=1e-6), "it has the weights that it came from"
        pairs = drift.side_by_side(session, line.steps, policy.id, world.model.id)
        assert [pair.prompt_id for pair in pairs] == line.basis.prompt_ids == sorted(line.basis.prompt_ids)
        assert len({pair.version.text for pair in pairs}) > 1


def test_without_held_out_prompts_there_is_nothing_to_evaluate(world: World) -> None:
    with transaction() as session:
        world.session = session
        empty = a_world(session)
        empty.model.artifact_sha256 = world.model.artifact_sha256
        empty.prompt("train")
        with pytest.raises(Unprocessable, match="validation or test split"):
            launched(empty, "evaluate")
