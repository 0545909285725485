"""Cycles step by step: the runs are finished by hand, the loop decides."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.completions.service import SampledCompletion, add_sampled
from app.errors import Conflict, Unprocessable
from app.loop import advancing, pool, service
from app.loop.tables import Cycle, LoopDecision
from app.prompts.tables import Prompt
from app.registry import service as registry
from app.registry.service import NewModel
from app.registry.tables import ModelVersion
from app.runs import leases
from app.runs import service as runs
from app.runs.launching import NORMAL
from app.runs.leases import Failure
from app.runs.tables import Run
from tests.app.judgment_rows import World
from tests.workers.jobs.stage import a_stocked_world, with_judgments
from workers.jobs.sample_plan import choose_prompts

REPORT = {"first": {"eval/scores": 0.0}, "last": {"eval/scores": 0.51, "eval/kl": 1.237}}


@pytest.fixture
def world(session: Session, tmp_path: Path) -> World:
    """A project with three prompts, a live base, one ranked task, and promotion by hand."""
    return with_judgments(a_stocked_world(session, tmp_path / "base"))


def settings(world: World, **loop: Any) -> None:
    world.project.settings = {**world.project.settings, "loop": loop}
    world.session.flush()


def finish(session: Session, cycle: Cycle, kind: str | None = None) -> Run:
    """Let the run the cycle waits for succeed, with the model it makes."""
    session.refresh(cycle)
    run = session.get_one(
        Run, {"reward": cycle.reward_run_id, "ppo": cycle.ppo_run_id}.get(cycle.stage, cycle.sample_run_id)
    )
    held = leases.claim(session, run.id, owner="test", lease_seconds=60)
    assert held is not None
    assert held.run_id == run.id
    leases.start(session, held)
    leases.succeed(session, held, {"metrics": {}, "report": REPORT})
    if kind:
        made = NewModel(project_id=run.project_id, kind=kind, run_id=run.id, artifact_sha256="a" * 64, artifact_bytes=1)
        registry.register_model(session, made)
    advancing.advance(session, cycle.id)
    session.refresh(cycle)
    return run


def decisions(session: Session) -> list[str]:
    return list(session.scalars(select(LoopDecision.text).order_by(LoopDecision.id)))


def test_a_cycle_with_a_person_at_the_gate(session: Session, world: World) -> None:
    admin = world.person("admin", "Grace")
    cycle = service.start_cycle(session, world.project.id, actor=admin)
    finish(session, cycle, "reward")
    assert cycle.stage == "ppo"
    assert registry.live_reward(session, world.project.id).id == cycle.reward_model_version_id

    finish(session, cycle, "policy")
    assert (cycle.state, cycle.stage) == ("waiting", "promotion")
    assert registry.live_policy(session, world.project.id).id == world.model.id

    service.decide_promotion(session, cycle.id, accept=True, actor=admin)
    assert (cycle.state, cycle.stage) == ("running", "sample")
    assert registry.live_policy(session, world.project.id).name == "Policy 1"
    assert session.get_one(ModelVersion, world.model.id).stage == "archived"
    sample = session.get_one(Run, cycle.sample_run_id)
    assert sample.inputs["models"] == {"policy": cycle.policy_model_version_id}

    finish(session, cycle)
    assert (cycle.state, cycle.stage) == ("succeeded", "done")
    told = decisions(session)
    assert told[0] == "A cycle was started by Grace: 6 new comparisons since the last training."
    assert "held-out accuracy not known" in told[1]
    assert told[3] == (
        "Policy 1 promoted by Grace: the reward model's mean score went from +0.00 to +0.51 (a proxy, not a verdict), "
        "1.24 nats from the policy before it."
    )


def test_a_refused_policy_is_put_away(session: Session, world: World) -> None:
    admin = world.person("admin")
    cycle = service.start_cycle(session, world.project.id, actor=admin)
    finish(session, cycle, "reward")
    finish(session, cycle, "policy")
    service.decide_promotion(session, cycle.id, accept=False, actor=admin)
    assert cycle.state == "succeeded"
    assert session.get_one(ModelVersion, cycle.policy_model_version_id).stage == "archived"
    assert registry.live_policy(session, world.project.id).id == world.model.id
    with pytest.raises(Conflict):
        service.decide_promotion(session, cycle.id, accept=True, actor=admin)


def test_automatic_promotion_says_that_there_is_no_gate(session: Session, world: World) -> None:
    settings(world, promotion="automatic")
    cycle = service.start_cycle(session, world.project.id, actor=None)
    finish(session, cycle, "reward")
    finish(session, cycle, "policy")
    assert cycle.stage == "sample"
    assert any("by the project's rule (automatic, no gate yet)" in text for text in decisions(session))


def test_without_ppo_the_cycle_ends_after_the_reward_model(session: Session, world: World) -> None:
    settings(world, run_ppo=False)
    cycle = service.start_cycle(session, world.project.id, actor=None)
    finish(session, cycle, "reward")
    assert (cycle.state, cycle.ppo_run_id) == ("succeeded", None)


def test_a_failing_run_fails_the_cycle_with_its_words(session: Session, world: World) -> None:
    cycle = service.start_cycle(session, world.project.id, actor=None)
    held = leases.claim(session, cycle.reward_run_id or 0, owner="test", lease_seconds=60)
    leases.fail(session, held, Failure(reason="non_finite", error="The loss became NaN.\n\nlog"))
    advancing.advance(session, cycle.id)
    session.refresh(cycle)
    assert (cycle.state, cycle.reason) == (
        "failed",
        f"The reward run {cycle.reward_run_id} failed: The loss became NaN.",
    )
    service.start_cycle(session, world.project.id, actor=None)


def test_cancelling_a_cycle_cancels_its_run(session: Session, world: World) -> None:
    cycle = service.start_cycle(session, world.project.id, actor=None)
    service.cancel_cycle(session, cycle.id, actor=world.person("admin"))
    assert cycle.state == "cancelled"
    assert session.get_one(Run, cycle.reward_run_id).state == "cancelled"


def test_a_cancelled_run_ends_its_cycle(session: Session, world: World) -> None:
    cycle = service.start_cycle(session, world.project.id, actor=None)
    runs.cancel(session, cycle.reward_run_id or 0, actor=None)
    advancing.advance(session, cycle.id)
    session.refresh(cycle)
    assert cycle.state == "cancelled"


def test_one_cycle_at_a_time(session: Session, world: World) -> None:
    service.start_cycle(session, world.project.id, actor=None)
    with pytest.raises(Conflict, match="under way"):
        service.start_cycle(session, world.project.id, actor=None)


def test_no_cycle_on_no_comparisons(session: Session, tmp_path: Path) -> None:
    world = a_stocked_world(session, tmp_path / "base")
    with pytest.raises(Unprocessable) as refusal:
        service.start_cycle(session, world.project.id, actor=None)
    assert refusal.value.type == "no-comparisons"


def test_advancing_twice_changes_nothing(session: Session, world: World) -> None:
    cycle = service.start_cycle(session, world.project.id, actor=None)
    finish(session, cycle, "reward")
    before = decisions(session), cycle.ppo_run_id
    advancing.advance(session, cycle.id)
    assert (decisions(session), cycle.ppo_run_id) == before


def test_the_rule_starts_one_cycle_for_one_lot_of_comparisons(session: Session, world: World) -> None:
    settings(world, retrain_after_comparisons=6)
    cycle = service.start_due_cycle(session, world.project.id)
    assert cycle is not None
    assert cycle.trigger == "comparisons"
    service.cancel_cycle(session, cycle.id, actor=world.person("admin"))
    state = service.state_of(session, world.project.id)
    assert state.comparisons["total"] == 6


def test_the_pool_is_filled_once_and_with_priority(session: Session, tmp_path: Path) -> None:
    world = a_stocked_world(session, tmp_path / "base", prompts=6, loop={"keep_tasks_ready": 5})
    run = pool.fill(session, world.project.id)
    assert run is not None
    assert (run.kind, run.priority, run.config["prompts"]) == ("sample", 10, 5)
    assert pool.fill(session, world.project.id) is None


def test_the_pool_rests_when_full_paused_or_after_a_failure(session: Session, tmp_path: Path) -> None:
    world = a_stocked_world(session, tmp_path / "base", prompts=6)
    settings(world, keep_tasks_ready=0)
    assert pool.fill(session, world.project.id) is None
    settings(world, keep_tasks_ready=5, paused=True)
    assert pool.fill(session, world.project.id) is None
    settings(world, keep_tasks_ready=5)
    run = pool.fill(session, world.project.id)
    runs.cancel(session, run.id, actor=None)
    assert pool.fill(session, world.project.id) is None


def test_a_paused_run_holds_the_next_one_back(session: Session, tmp_path: Path) -> None:
    world = a_stocked_world(session, tmp_path / "base", prompts=6, loop={"keep_tasks_ready": 5})
    run = pool.fill(session, world.project.id)
    runs.pause(session, run.id, actor=world.person("admin"))
    assert pool.fill(session, world.project.id) is None


def test_filling_a_pool_that_is_not_dry_waits_behind_training(session: Session, tmp_path: Path) -> None:
    world = a_stocked_world(session, tmp_path / "base", prompts=2, loop={"keep_tasks_ready": 99})
    for _ in range(pool.DRY):
        world.task()
    assert pool.fill(session, world.project.id).priority > NORMAL


def test_the_pool_asks_only_for_prompts_without_an_answer(session: Session, tmp_path: Path) -> None:
    world = a_stocked_world(session, tmp_path / "base", prompts=2, loop={"keep_tasks_ready": 99})
    for _ in range(3):
        world.task()
    assert pool.fill(session, world.project.id).config["prompts"] == 2


def test_what_a_best_of_n_run_chose_from_leaves_prompts_to_be_ranked(session: Session, tmp_path: Path) -> None:
    world = a_stocked_world(session, tmp_path / "base", prompts=2, loop={"keep_tasks_ready": 99})
    first, second = session.scalars(select(Prompt).order_by(Prompt.id))
    for prompt, sampling in ((first, {"score": 0.5, "chosen": True}), (second, {"temperature": 1.0})):
        one = SampledCompletion(
            prompt_id=prompt.id, model_version_id=world.model.id, sample_index=0, text="Rain.", sampling=sampling
        )
        add_sampled(session, run_id=None, completions=[one])
    run = pool.fill(session, world.project.id)
    assert run is not None
    assert run.config["prompts"] == 1
    held = leases.claim(session, run.id, owner="test", lease_seconds=60)
    assert held is not None
    assert choose_prompts(session, held) == [first.id]


def test_the_page_has_everything(session: Session, world: World) -> None:
    state = service.state_of(session, world.project.id)
    assert state.prompts == {"total": 4, "train": 4, "validation": 0, "test": 0}
    assert state.comparisons == {"total": 6, "ties": 0, "new": 6}
    assert state.rankings == {"total": 1, "today": 1}
    assert state.tasks == {"open": 0, "done": 1}
    assert state.policy.id == world.model.id
    assert state.next.text.startswith("Nothing starts by itself")


def test_comparisons_are_new_until_a_training_froze_them(session: Session, world: World) -> None:
    cycle = service.start_cycle(session, world.project.id, actor=None)
    assert service.state_of(session, world.project.id).comparisons["new"] == 6
    service.cancel_cycle(session, cycle.id, actor=world.person("admin"))
    assert service.state_of(session, world.project.id).comparisons["new"] == 0
