"""The whole loop with a tiny real model in real children: sample, rank, reward, PPO, promotion, sample again."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.completions.tables import Completion
from app.db import transaction
from app.loop import service as loop
from app.loop.judge_words import Skill
from app.loop.tables import Cycle, LoopDecision
from app.registry import service as registry
from app.registry.tables import ModelVersion
from app.runs.tables import Run
from app.storage import store
from app.tasks.tables import Task
from tests.app.judgment_rows import World, a_world, submit, take
from tests.conftest import Database
from tests.tiny_model import build_tiny_model
from tests.workers.jobs.stage import read_run
from workers import scheduler
from workers.jobs import execution

pytestmark = [pytest.mark.commits, pytest.mark.timeout(600)]

QUICK = {
    "completions_per_task": 3,
    "sampling": {"max_new_tokens": 12},
    "loop": {"promotion": "automatic", "keep_tasks_ready": 2},
    "reward": {"minimum_steps": 2, "prompts_per_step": 2, "lora_layers": 0, "max_completion_tokens": 32},
    "ppo": {"updates": 2, "prompts_per_update": 2, "samples_per_prompt": 2, "max_new_tokens": 8, "lora_layers": 0},
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny base artifact."""
    return build_tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture
def world(database: Database, use_settings: Callable[..., object], tiny: Path) -> World:
    """A project with prompts whose live model is the tiny one."""
    use_settings(run_lease_seconds=30)
    with transaction() as session:
        made = a_world(session, **QUICK)
        stored = store().put(tiny)
        made.model.artifact_sha256, made.model.artifact_bytes = stored.sha256, stored.size
        for number in range(8):
            made.prompt("validation" if number == 0 else "train", text=f"Where do {number} birds sleep?")
    return made


def work_off() -> list[str]:
    """Let one worker take queued runs until there are none; the kinds it worked on, each of which must succeed."""
    kinds = []
    while True:
        with transaction() as session:
            waiting = session.scalars(
                select(Run.id).where(Run.state == "queued").order_by(Run.priority, Run.id)
            ).first()
        if waiting is None:
            return kinds
        worked = execution.execute(waiting)
        assert worked is not None
        run = read_run(worked)
        assert run.state == "succeeded", f"{run.kind}: {run.error}"
        kinds.append(run.kind)


def rank_everything(world: World) -> None:
    """A person ranks all open tasks in the order shown."""
    with transaction() as session:
        world.session = session
        annotator = world.person()
        for _ in range(session.scalar(select(func.count()).where(Task.state == "open")) or 0):
            submit(session, take(world, annotator), annotator)


# tests/e2e goes the same way through the page, every day.
@pytest.mark.slow
def test_the_whole_loop(world: World) -> None:
    scheduler.do_all()
    assert work_off() == ["sample"]
    rank_everything(world)

    with transaction() as session:
        cycle = loop.start_cycle(session, world.project.id, actor=None)
    # A version that went live answers the reference prompts as well, once nothing else waits.
    assert work_off() == ["reward", "ppo", "sample", "evaluate"]

    with transaction() as session:
        ended = session.get_one(Cycle, cycle.id)
        assert (ended.state, ended.stage) == ("succeeded", "done"), ended.reason
        policy = registry.live_policy(session, world.project.id)
        assert policy is not None
        assert (policy.kind, policy.id) == ("policy", ended.policy_model_version_id)
        assert [one.kind for one in registry.ancestors(session, policy)] == ["base"]
        written = select(func.count()).where(Completion.model_version_id == policy.id)
        assert session.scalar(written) == 3 * 4
        newest = session.scalars(select(Task).order_by(Task.priority_class, Task.id)).first()
        assert newest is not None
        assert newest.run_id == ended.sample_run_id, "the new policy's tasks come first"
        told = list(session.scalars(select(LoopDecision.text).order_by(LoopDecision.id)))
        assert any(text.startswith("Policy 1 promoted by the project's rule") for text in told)
        reward = session.get_one(ModelVersion, ended.reward_model_version_id)
        assert reward.dataset_snapshot_id is not None

    rank_everything(world)
    with transaction() as session:
        again = loop.start_cycle(session, world.project.id, actor=None)
    assert work_off()[:2] == ["reward", "ppo"]
    with transaction() as session:
        second = session.get_one(ModelVersion, session.get_one(Cycle, again.id).policy_model_version_id)
        assert second.parent_id == policy.id
        gate = session.scalars(
            select(LoopDecision).where(LoopDecision.run_id == again.reward_run_id).order_by(LoopDecision.id)
        ).all()[-1]
        assert (
            "Reward model 2: not enough evidence against live (Reward model 1): 1 effective judgment on 1 held"
            in gate.text
        )
        assert gate.text.endswith("It goes live by the project's setting (automatic), not on evidence.")
        assert gate.numbers["gate"]["live_id"] == reward.id
        assert gate.numbers["gate"]["loss"]["value"] is not None


@pytest.mark.slow
def test_a_policy_before_its_judge(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge learns what nothing else does, and is found to be one by the evaluation itself."""
    # A few rankings by chance make no good judge; whether it is one is tested beside.
    monkeypatch.setattr(Skill, "is_enough", True)
    with transaction() as session:
        world.session = session
        loop_settings = {"promotion": "judge", "judge_people_apart": False, "judge_prompts": 50, "keep_tasks_ready": 0}
        world.project = session.merge(world.project)
        world.project.settings = {**world.project.settings, "loop": loop_settings}
        for _ in range(50):
            world.prompt("test")
        annotator = world.person()
        for _ in range(12):
            world.task()
            submit(session, take(world, annotator), annotator)
        cycle = loop.start_cycle(session, world.project.id, actor=None)
    assert work_off()[:4] == ["reward", "ppo", "reward", "evaluate"]
    with transaction() as session:
        decided = session.scalars(select(LoopDecision).where(LoopDecision.numbers.has_key("judge"))).one()
        assert decided.cycle_id == cycle.id
        assert decided.numbers["judge"]["prompts"] == 50
        assert decided.numbers["drift"]["kl"] is not None
        evaluation = session.get_one(Run, decided.numbers["judge"]["evaluation_run_id"])
        told = {one["name"]: one["standing"] for one in (evaluation.result or {})["report"]["judges"]}
        assert told == {"judge": "judge", "proxy": "proxy"}
        judge = session.get_one(ModelVersion, decided.numbers["judge"]["judge_id"])
        reward = session.get_one(ModelVersion, session.get_one(Cycle, cycle.id).reward_model_version_id)
        assert judge.dataset_snapshot_id != reward.dataset_snapshot_id
